/* frontends/imap/cmd_store.c – STORE, UID STORE (RFC 3501 §6.4.6; UNCHANGEDSINCE RFC 7162 §3.1.3). */
#include <stdio.h>

#include "common/mail/flags.h"
#include "frontends/imap/autoexpunge.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/messages.pb-c.h"

IMAP_CLOSURE(on_stored, Wd__V1__StoreReply)

struct store {
    struct wd_seqset uids;              /* still to do */
    struct wd_seqset modified, missing; /* what failed UNCHANGEDSINCE; what is gone */
    bool deleted;                       /* something got \Deleted */
};

static enum imap_step stored(struct imap_cmd *cmd);

/* Runs when the tagged answer has been written. */
static void
store_done(struct imap_cmd *cmd)
{
    struct store *s = cmd->state;

    wd_seqset_done(&s->uids);
    wd_seqset_done(&s->modified);
    wd_seqset_done(&s->missing);
    if (s->deleted)
        imap_autoexpunge_start(cmd->conn);
}

static enum imap_step
ask(struct imap_cmd *cmd)
{
    static const Wd__V1__StoreRequest__Mode modes[] = {
        [IMAP_STORE_REPLACE] = WD__V1__STORE_REQUEST__MODE__REPLACE,
        [IMAP_STORE_ADD] = WD__V1__STORE_REQUEST__MODE__ADD,
        [IMAP_STORE_REMOVE] = WD__V1__STORE_REQUEST__MODE__REMOVE,
    };
    Wd__V1__StoreRequest request = WD__V1__STORE_REQUEST__INIT;
    Wd__V1__UidRanges ranges;
    struct store *s = cmd->state;
    const struct imap_args *a = &cmd->args;
    char session_id[33];

    snprintf(session_id, sizeof session_id, "%s", wd_conn_id(cmd->conn->net));
    imap_uids_to_pb(cmd->arena, &s->uids, &ranges);
    request.mailbox = cmd->conn->view->mailbox;
    request.uids = &ranges;
    request.mode = modes[a->mode];
    request.has_system_flags = true;
    request.system_flags = a->system_flags;
    request.n_keywords = a->keywords.n;
    request.keywords = WD_ARENA_ARRAY(cmd->arena, ProtobufCBinaryData, a->keywords.n + 1);
    for (size_t i = 0; i < a->keywords.n; i++)
        request.keywords[i] = imap_to_pb(a->keywords.p[i]);
    request.has_unchanged_since = a->has_modseq;
    request.unchanged_since = a->modseq;
    request.session_id = session_id;
    wd__v1__messages__store(imap_rpc_page(cmd, &wd__v1__messages__descriptor), &request, on_stored, cmd);
    return imap_then_step(cmd, stored);
}

enum imap_step
imap_cmd_store(struct imap_cmd *cmd)
{
    struct imap_conn *c = cmd->conn;
    struct store *s;

    if (c->view->read_only)
        return imap_ok(cmd, "completed, nothing was changed in a read-only mailbox");
    c->condstore |= cmd->args.has_modseq;
    s = WD_ARENA_NEW(cmd->arena, struct store);
    cmd->state = s;
    cmd->done = store_done;
    imap_view_resolve(c->view, cmd->args.set, cmd->row->flags & F_UID, &s->uids);
    return s->uids.n ? ask(cmd) : imap_ok(cmd, "completed");
}

static void
write_changed(struct imap_cmd *cmd, const Wd__V1__StoreReply *reply)
{
    struct imap_conn *c = cmd->conn;
    struct wd_buf *out = imap_out(cmd);

    for (size_t i = 0; i < reply->n_changed; i++) {
        const Wd__V1__StoreReply__Changed *m = reply->changed[i];
        uint32_t number = imap_view_number(c->view, m->uid);
        if (number == 0)
            continue;
        wd_buf_c(out, "* ");
        wd_buf_u64(out, number);
        wd_buf_c(out, " FETCH (");
        if (cmd->row->flags & F_UID) {
            wd_buf_c(out, "UID ");
            wd_buf_u64(out, m->uid);
            wd_buf_chr(out, ' ');
        }
        wd_buf_c(out, "FLAGS ");
        imap_write_flags(out, m->system_flags, m->keywords, m->n_keywords);
        if (c->condstore) {
            wd_buf_c(out, " MODSEQ (");
            wd_buf_u64(out, reply->modseq);
            wd_buf_chr(out, ')');
        }
        wd_buf_c(out, ")\r\n");
    }
    imap_send(cmd);
}

/* The tagged answer, once all pages are done. */
static enum imap_step
finish(struct imap_cmd *cmd, struct store *s)
{
    struct imap_view *v = cmd->conn->view;
    bool by_uid = cmd->row->flags & F_UID;
    struct wd_seqset lost = { 0 };
    struct wd_buf code wd_auto(wd_buf_done) = { 0 };
    bool lost_some;

    wd_seqset_and(&lost, &v->uids, &s->missing);
    lost_some = lost.n > 0;
    wd_seqset_done(&lost);
    wd_buf_c(&code, "MODIFIED ");
    if (by_uid)
        wd_seqset_write(&code, &s->modified);
    else
        imap_view_write_numbers(v, &s->modified, &code);
    wd_buf_chr(&code, '\0');
    if (lost_some && !by_uid && !cmd->args.silent)
        return imap_answer(cmd, "NO", NULL, "Some of the messages no longer exist");
    if (s->modified.n)
        return imap_answer(cmd, "OK", code.p, "Conditional STORE failed for some messages");
    return imap_ok(cmd, "completed");
}

static enum imap_step
stored(struct imap_cmd *cmd)
{
    const Wd__V1__StoreReply *reply = cmd->reply;
    struct store *s = cmd->state;
    struct wd_seqset modified = { 0 }, missing = { 0 };

    if (!reply)
        return imap_fail(cmd);
    if (reply->has_modseq)
        imap_view_own(cmd->conn->view, reply->modseq);
    if (reply->n_changed && cmd->args.mode != IMAP_STORE_REMOVE)
        s->deleted |= cmd->args.system_flags & WD_FLAG_DELETED;
    if (!cmd->args.silent || cmd->conn->condstore)
        write_changed(cmd, reply);
    if (reply->modified && imap_uids_from_pb(reply->modified, &modified))
        wd_seqset_or(&s->modified, &modified);
    if (reply->missing && imap_uids_from_pb(reply->missing, &missing))
        wd_seqset_or(&s->missing, &missing);
    wd_seqset_done(&modified);
    wd_seqset_done(&missing);
    if (reply->has_continue_from && reply->continue_from > 1) {
        wd_seqset_remove(&s->uids, 1, reply->continue_from - 1);
        cmd->step = ask;
        if (s->uids.n)
            return wd_conn_over(cmd->conn->net) ? imap_wait_drain(cmd) : ask(cmd);
    }
    return finish(cmd, s);
}
