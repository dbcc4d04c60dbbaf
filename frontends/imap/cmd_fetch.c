/* frontends/imap/cmd_fetch.c – FETCH, UID FETCH (RFC 3501 §6.4.5; CHANGEDSINCE RFC 7162 §3.1.4).
 *
 * Messages come from the store in pages and are written in the order of the request. A section that is too long for a
 * page is read in ranges, each only when the client has taken most of the one before, so that a slow reader costs one
 * range and not a message. The length of a literal is announced only once its first bytes are here. */
#include "common/mail/date.h"
#include "frontends/imap/body.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/messages.pb-c.h"

IMAP_CLOSURE(on_page, Wd__V1__FetchReply)
IMAP_CLOSURE(on_range, Wd__V1__ReadBodyReply)

enum {
    FLUSH_BYTES = 16 * 1024,
    RANGE_BYTES = 256 * 1024,
    INLINE_BYTES = 128 * 1024,
};

struct fetch {
    Wd__V1__FetchRequest request; /* the same for every page but for its cursor */
    Wd__V1__Section *sections;
    const Wd__V1__FetchReply *page;
    struct wd_buf out;    /* answers that were not sent yet */
    struct wd_buf cursor;
    struct wd_arena *text; /* for what is re-encoded, emptied with every message */
    size_t message, item;  /* where writing stands */
    uint32_t number;       /* of the message; 0: it was not begun */
    size_t begun;          /* where it begins in out */
    /* the long section that is being read: */
    struct wd_arena *range;
    uint64_t offset, size;
};

static enum imap_step page_came(struct imap_cmd *cmd);
static enum imap_step write_page(struct imap_cmd *cmd);
static enum imap_step range_came(struct imap_cmd *cmd);

static void
fetch_done(struct imap_cmd *cmd)
{
    struct fetch *f = cmd->state;

    wd_buf_done(&f->out);
    wd_buf_done(&f->cursor);
    wd_arena_free(f->text);
    wd_arena_free(f->range);
}

static void
section_to_pb(struct imap_cmd *cmd, const struct imap_section *s, Wd__V1__Section *out)
{
    wd__v1__section__init(out);
    out->n_path = s->path_n;
    out->path = s->path;
    out->has_part = true;
    out->part = (Wd__V1__Section__Part)s->part;
    out->n_fields = s->fields_n;
    out->fields = WD_ARENA_ARRAY(cmd->arena, ProtobufCBinaryData, s->fields_n + 1);
    for (size_t i = 0; i < s->fields_n; i++)
        out->fields[i] = imap_to_pb(s->fields[i]);
    out->has_offset = s->partial;
    out->offset = s->offset;
    out->has_length = s->counted;
    out->length = s->length;
}

/* What the store is asked for. */
static void
make_request(struct imap_cmd *cmd, struct fetch *f, const struct wd_seqset *uids)
{
    const struct imap_fetch_items *items = &cmd->args.fetch;
    Wd__V1__FetchRequest *r = &f->request;
    Wd__V1__Section **list = WD_ARENA_ARRAY(cmd->arena, Wd__V1__Section *, items->sections_n + 1);

    wd__v1__fetch_request__init(r);
    r->mailbox = cmd->conn->view->mailbox;
    r->uids = WD_ARENA_NEW(cmd->arena, Wd__V1__UidRanges);
    imap_uids_to_pb(cmd->arena, uids, r->uids);
    r->has_flags = r->flags = items->has & 1u << IMAP_FETCH_FLAGS;
    r->has_internal_date = r->internal_date = items->has & 1u << IMAP_FETCH_INTERNALDATE;
    r->has_size = r->size = items->has & 1u << IMAP_FETCH_SIZE;
    r->has_envelope = r->envelope = items->has & 1u << IMAP_FETCH_ENVELOPE;
    r->has_body_structure = r->body_structure =
        items->has & (1u << IMAP_FETCH_BODYSTRUCTURE | 1u << IMAP_FETCH_BODY);
    r->has_changed_since = cmd->args.has_modseq;
    r->changed_since = cmd->args.modseq;
    r->has_inline_limit = true;
    r->inline_limit = INLINE_BYTES;
    r->has_set_seen = r->set_seen = items->sets_seen && !cmd->conn->view->read_only;
    f->sections = WD_ARENA_ARRAY(cmd->arena, Wd__V1__Section, items->sections_n + 1);
    for (size_t i = 0; i < items->sections_n; i++) {
        section_to_pb(cmd, &items->sections[i], &f->sections[i]);
        list[i] = &f->sections[i];
    }
    r->n_sections = items->sections_n;
    r->sections = list;
}

static enum imap_step
ask_page(struct imap_cmd *cmd)
{
    struct fetch *f = cmd->state;
    char session_id[33];

    snprintf(session_id, sizeof session_id, "%s", wd_conn_id(cmd->conn->net));
    f->request.session_id = session_id;
    f->request.has_cursor = f->cursor.n > 0;
    f->request.cursor = imap_to_pb(wd_buf_view(&f->cursor));
    wd__v1__messages__fetch(imap_rpc_page(cmd, &wd__v1__messages__descriptor), &f->request, on_page, cmd);
    return imap_then_step(cmd, page_came);
}

/* Items that nobody asked for but that the rules want. */
static void
add_items(struct imap_cmd *cmd)
{
    struct imap_fetch_items *items = &cmd->args.fetch;
    struct imap_conn *c = cmd->conn;
    bool seen = items->sets_seen && !c->view->read_only;

    if (cmd->args.has_modseq || (items->has & 1u << IMAP_FETCH_MODSEQ))
        c->condstore = true;
    if (cmd->row->flags & F_UID)
        imap_fetch_items_add(items, cmd->arena, IMAP_FETCH_UID);
    if (seen)
        imap_fetch_items_add(items, cmd->arena, IMAP_FETCH_FLAGS);
    if (cmd->args.has_modseq || (seen && c->condstore))
        imap_fetch_items_add(items, cmd->arena, IMAP_FETCH_MODSEQ);
}

enum imap_step
imap_cmd_fetch(struct imap_cmd *cmd)
{
    struct fetch *f = WD_ARENA_NEW(cmd->arena, struct fetch);
    struct wd_seqset uids = { 0 };

    add_items(cmd);
    imap_view_resolve(cmd->conn->view, cmd->args.set, cmd->row->flags & F_UID, &uids);
    if (uids.n == 0)
        return imap_ok(cmd, "FETCH completed");
    cmd->state = f;
    cmd->done = fetch_done;
    f->text = wd_arena_new(1024);
    make_request(cmd, f, &uids);
    wd_seqset_done(&uids);
    return ask_page(cmd);
}

static enum imap_step
page_came(struct imap_cmd *cmd)
{
    struct fetch *f = cmd->state;

    if (!cmd->reply)
        return imap_fail(cmd);
    f->page = cmd->reply;
    f->message = 0;
    f->cursor.n = 0;
    if (f->page->has_next_cursor)
        wd_buf_str(&f->cursor, imap_pb(f->page->next_cursor));
    cmd->step = write_page;
    return write_page(cmd);
}

static void
write_date(struct wd_buf *out, int64_t ms)
{
    wd_buf_c(out, "INTERNALDATE \"");
    wd_date_imap_add(out, ms);
    wd_buf_chr(out, '"');
}

static void
write_literal_head(struct wd_buf *out, const struct imap_section *s, uint64_t size)
{
    wd_buf_str(out, s->label);
    wd_buf_c(out, " {");
    wd_buf_u64(out, size);
    wd_buf_c(out, "}\r\n");
}

/* Everything but sections. */
static void
write_item(struct imap_cmd *cmd, struct fetch *f, const Wd__V1__FetchedMessage *m, enum imap_fetch_kind kind)
{
    unsigned flags = cmd->conn->utf8 ? IMAP_BODY_UTF8 : 0;
    struct wd_buf *out = &f->out;

    switch (kind) {
    case IMAP_FETCH_FLAGS:
        wd_buf_c(out, "FLAGS ");
        imap_write_flags(out, m->system_flags, m->keywords, m->n_keywords);
        break;
    case IMAP_FETCH_UID:
        wd_buf_c(out, "UID ");
        wd_buf_u64(out, m->uid);
        break;
    case IMAP_FETCH_INTERNALDATE:
        write_date(out, m->internal_date_ms);
        break;
    case IMAP_FETCH_SIZE:
        wd_buf_c(out, "RFC822.SIZE ");
        wd_buf_u64(out, m->size);
        break;
    case IMAP_FETCH_ENVELOPE:
        wd_buf_c(out, "ENVELOPE ");
        imap_write_envelope(out, f->text, m->envelope, flags);
        break;
    case IMAP_FETCH_BODYSTRUCTURE:
        wd_buf_c(out, "BODYSTRUCTURE ");
        imap_write_body(out, f->text, m->parts, m->n_parts, flags | IMAP_BODY_EXTENDED);
        break;
    case IMAP_FETCH_BODY:
        wd_buf_c(out, "BODY ");
        imap_write_body(out, f->text, m->parts, m->n_parts, flags);
        break;
    case IMAP_FETCH_MODSEQ:
        wd_buf_c(out, "MODSEQ (");
        wd_buf_u64(out, m->modseq);
        wd_buf_chr(out, ')');
        break;
    case IMAP_FETCH_SECTION:
        break;
    }
}

static const Wd__V1__FetchedSection *
section_of(const Wd__V1__FetchedMessage *m, size_t i)
{
    static const Wd__V1__FetchedSection missing = WD__V1__FETCHED_SECTION__INIT;

    return i < m->n_sections ? m->sections[i] : &missing;
}

static void
send_out(struct imap_cmd *cmd, struct fetch *f)
{
    wd_conn_write(cmd->conn->net, wd_buf_view(&f->out));
    f->out.n = 0;
}

static enum imap_step
ask_range(struct imap_cmd *cmd, uint32_t uid, size_t section)
{
    Wd__V1__ReadBodyRequest request = WD__V1__READ_BODY_REQUEST__INIT;
    struct fetch *f = cmd->state;
    Wd__V1__Section part = f->sections[section];
    uint64_t left = f->size - f->offset;

    part.has_offset = part.has_length = true;
    part.offset += f->offset;
    part.length = left < RANGE_BYTES ? left : RANGE_BYTES;
    request.mailbox = cmd->conn->view->mailbox;
    request.uid = uid;
    request.section = &part;
    wd_arena_free(f->range);
    f->range = wd_arena_new(0);
    wd__v1__messages__read_body(imap_rpc_into(cmd, &wd__v1__messages__descriptor, f->range), &request, on_range, cmd);
    return imap_then_step(cmd, range_came);
}

/* The items of one message from f->item on. False when a long section has to be read first. */
static bool
write_items(struct imap_cmd *cmd, struct fetch *f, const Wd__V1__FetchedMessage *m)
{
    const struct imap_fetch_items *items = &cmd->args.fetch;

    for (; f->item < items->n; f->item++) {
        const Wd__V1__FetchedSection *s;
        size_t i = items->items[f->item].section;
        if (f->item)
            wd_buf_chr(&f->out, ' ');
        if (items->items[f->item].kind != IMAP_FETCH_SECTION) {
            write_item(cmd, f, m, items->items[f->item].kind);
            continue;
        }
        s = section_of(m, i);
        if (s->found && s->size && !s->has_data)
            return false;
        write_literal_head(&f->out, &items->sections[i], s->found ? s->data.len : 0);
        if (s->found)
            wd_buf_str(&f->out, imap_pb(s->data));
    }
    return true;
}

static void
begin_message(struct fetch *f, uint32_t number)
{
    f->number = number;
    f->item = 0;
    f->begun = f->out.n;
    wd_buf_c(&f->out, "* ");
    wd_buf_u64(&f->out, number);
    wd_buf_c(&f->out, " FETCH (");
}

static void
end_message(struct fetch *f)
{
    wd_buf_c(&f->out, ")\r\n");
    f->number = 0;
    f->message++;
    wd_arena_reset(f->text);
}

static enum imap_step
write_page(struct imap_cmd *cmd)
{
    struct fetch *f = cmd->state;

    while (f->message < f->page->n_messages) {
        const Wd__V1__FetchedMessage *m = f->page->messages[f->message];
        if (!f->number) {
            uint32_t number = imap_view_number(cmd->conn->view, m->uid);
            if (number == 0) { /* not announced to this client */
                f->message++;
                continue;
            }
            begin_message(f, number);
        }
        if (!write_items(cmd, f, m)) {
            size_t i = cmd->args.fetch.items[f->item].section;
            f->size = section_of(m, i)->size;
            f->offset = 0;
            return ask_range(cmd, m->uid, i);
        }
        end_message(f);
        if (f->out.n >= FLUSH_BYTES) {
            send_out(cmd, f);
            if (wd_conn_over(cmd->conn->net))
                return imap_wait_drain(cmd);
        }
    }
    send_out(cmd, f);
    if (f->cursor.n && wd_conn_over(cmd->conn->net))
        return imap_wait_drain(cmd);
    return f->cursor.n ? ask_page(cmd) : imap_ok(cmd, "FETCH completed");
}

/* The first bytes of a section did not come: nothing of this message was sent, so it may be left out. */
static enum imap_step
range_failed(struct imap_cmd *cmd, struct fetch *f)
{
    if (f->offset || f->begun == SIZE_MAX) { /* a literal is half sent: the answer cannot be completed */
        imap_conn_drop(cmd->conn);
        return IMAP_WAIT;
    }
    f->out.n = f->begun;
    send_out(cmd, f);
    if (cmd->err.reason != WD_MESSAGE_NOT_FOUND)
        return imap_fail(cmd);
    f->number = 0;
    f->message++;
    cmd->step = write_page;
    return write_page(cmd);
}

static enum imap_step
next_range(struct imap_cmd *cmd)
{
    struct fetch *f = cmd->state;

    return ask_range(cmd, f->page->messages[f->message]->uid, cmd->args.fetch.items[f->item].section);
}

static enum imap_step
range_came(struct imap_cmd *cmd)
{
    const Wd__V1__ReadBodyReply *reply = cmd->reply;
    struct fetch *f = cmd->state;

    if (!reply)
        return range_failed(cmd, f);
    if (reply->data.len == 0 || reply->data.len > f->size - f->offset) {
        wd_fail(&cmd->err, WD_DATA_LOSS, "a body is not as long as it should be");
        return range_failed(cmd, f);
    }
    if (f->offset == 0)
        write_literal_head(&f->out, &cmd->args.fetch.sections[cmd->args.fetch.items[f->item].section], f->size);
    send_out(cmd, f);
    f->begun = SIZE_MAX;
    wd_conn_write(cmd->conn->net, imap_pb(reply->data));
    f->offset += reply->data.len;
    wd_arena_free(f->range);
    f->range = NULL;
    if (f->offset == f->size) {
        f->item++;
        cmd->step = write_page;
    } else {
        cmd->step = next_range;
    }
    return wd_conn_over(cmd->conn->net) ? imap_wait_drain(cmd) : cmd->step(cmd);
}
