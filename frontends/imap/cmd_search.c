/* frontends/imap/cmd_search.c – SEARCH, UID SEARCH (RFC 3501 §6.4.4; MODSEQ RFC 7162 §3.1.5). */
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/messages.pb-c.h"

IMAP_CLOSURE(on_found, Wd__V1__SearchReply)

enum { FLUSH_BYTES = 32 * 1024 };

struct search {
    Wd__V1__SearchRequest request;
    struct wd_buf cursor;
    struct wd_seqset uids, known;
    uint64_t modseq;
    /* where writing stands: */
    size_t range;
    uint32_t next;
    bool begun;
};

static enum imap_step found(struct imap_cmd *cmd);

static void
search_done(struct imap_cmd *cmd)
{
    struct search *s = cmd->state;

    wd_buf_done(&s->cursor);
    wd_seqset_done(&s->uids);
    wd_seqset_done(&s->known);
}

/* Sets become UIDs; a set of nothing matches nothing, and only there. */
static void
node_to_pb(struct imap_cmd *cmd, const struct imap_search_node *n, Wd__V1__SearchNode *out)
{
    struct wd_seqset uids = { 0 };

    wd__v1__search_node__init(out);
    out->key = n->key;
    out->has_count = true;
    out->count = n->count;
    out->has_number = true;
    out->number = n->number;
    out->has_name = n->name.n > 0;
    out->name = imap_to_pb(n->name);
    out->has_text = true;
    out->text = imap_to_pb(n->text);
    if (n->key != WD__V1__SEARCH_NODE__KEY__UIDS)
        return;
    imap_view_resolve(cmd->conn->view, n->set, n->set_of_uids, &uids);
    if (uids.n == 0)
        out->key = WD__V1__SEARCH_NODE__KEY__NONE;
    out->uids = WD_ARENA_NEW(cmd->arena, Wd__V1__UidRanges);
    imap_uids_to_pb(cmd->arena, &uids, out->uids);
    wd_seqset_done(&uids);
}

static enum imap_step
ask_page(struct imap_cmd *cmd)
{
    struct search *s = cmd->state;

    s->request.has_cursor = s->cursor.n > 0;
    s->request.cursor = imap_to_pb(wd_buf_view(&s->cursor));
    wd__v1__messages__search(imap_rpc_page(cmd, &wd__v1__messages__descriptor), &s->request, on_found, cmd);
    return imap_then_step(cmd, found);
}

enum imap_step
imap_cmd_search(struct imap_cmd *cmd)
{
    const struct imap_search *program = &cmd->args.search;
    struct search *s = WD_ARENA_NEW(cmd->arena, struct search);
    Wd__V1__SearchNode *nodes = WD_ARENA_ARRAY(cmd->arena, Wd__V1__SearchNode, program->n);
    Wd__V1__SearchNode **list = WD_ARENA_ARRAY(cmd->arena, Wd__V1__SearchNode *, program->n);

    cmd->state = s;
    cmd->done = search_done;
    cmd->conn->condstore |= program->asks_modseq;
    for (size_t i = 0; i < program->n; i++) {
        node_to_pb(cmd, &program->nodes[i], &nodes[i]);
        list[i] = &nodes[i];
    }
    wd__v1__search_request__init(&s->request);
    s->request.mailbox = cmd->conn->view->mailbox;
    s->request.n_program = program->n;
    s->request.program = list;
    return ask_page(cmd);
}

static uint32_t
shown(struct imap_cmd *cmd, uint32_t uid)
{
    return cmd->row->flags & F_UID ? uid : imap_view_number(cmd->conn->view, uid);
}

/* One line, in pieces: a search may find all of a very large mailbox. */
static enum imap_step
write_found(struct imap_cmd *cmd)
{
    struct search *s = cmd->state;
    struct wd_buf *out = imap_out(cmd);

    if (!s->begun)
        wd_buf_c(out, "* SEARCH");
    s->begun = true;
    for (; s->range < s->known.n; s->range++, s->next = 0) {
        struct wd_range r = s->known.ranges[s->range];
        uint32_t first = s->next ? s->next : r.first, value = shown(cmd, first);
        for (uint32_t uid = first;; uid++, value++) {
            wd_buf_chr(out, ' ');
            wd_buf_u64(out, value);
            if (uid == r.last)
                break;
            if (out->n >= FLUSH_BYTES) {
                imap_send(cmd);
                s->next = uid + 1;
                if (wd_conn_over(cmd->conn->net))
                    return imap_wait_drain(cmd);
                out = imap_out(cmd);
            }
        }
    }
    if (cmd->args.search.asks_modseq && s->known.n) {
        wd_buf_c(out, " (MODSEQ ");
        wd_buf_u64(out, s->modseq);
        wd_buf_chr(out, ')');
    }
    wd_buf_c(out, "\r\n");
    imap_send(cmd);
    return imap_ok(cmd, "SEARCH completed");
}

static enum imap_step
found(struct imap_cmd *cmd)
{
    const Wd__V1__SearchReply *reply = cmd->reply;
    struct search *s = cmd->state;
    struct wd_seqset page = { 0 };

    if (!reply)
        return imap_fail(cmd);
    if (imap_uids_from_pb(reply->uids, &page))
        wd_seqset_or(&s->uids, &page);
    wd_seqset_done(&page);
    if (reply->highest_modseq > s->modseq)
        s->modseq = reply->highest_modseq;
    s->cursor.n = 0;
    if (reply->has_next_cursor && reply->next_cursor.len) {
        wd_buf_str(&s->cursor, imap_pb(reply->next_cursor));
        return ask_page(cmd);
    }
    wd_seqset_and(&s->known, &s->uids, &cmd->conn->view->uids);
    cmd->step = write_found;
    return write_found(cmd);
}
