/* The Events service (proto/wd/v1/events.proto). */
#include "store-svc/domain/feed.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/events.pb-c.h"

enum { ENTRIES_MAX = 4000 };

extern Wd__V1__Events_Service wd_store_events;

static bool
read_request(struct wd_call *call, const Wd__V1__ChangesRequest *req, struct wd_feed *in)
{
    in->limit = req->limit < ENTRIES_MAX ? req->limit : ENTRIES_MAX;
    if (in->limit == 0)
        in->limit = 1;
    in->resume = req->has_cursor;
    in->early = req->early;
    in->again = req->again;
    if (req->has_cursor && !wd_id_parse(wd_str_pb(req->cursor), &in->cursor))
        return wd_fail(&call->err, WD_INVALID, "malformed cursor");
    in->all = !req->user && wd_id_is_zero(call->user);
    if (in->all)
        return (call->role & WD_ROLE_ALL_USERS) != 0 ||
               wd_fail(&call->err, WD_FORBIDDEN, "this call may not follow all users");
    return wd_call_user(call, req->user, &in->user);
}

static void
add_message(struct wd_call *call, const struct wd_journal_row *row, Wd__V1__JournalEntry *to)
{
    to->has_path = row->path.n != 0;
    to->path = wd_pb_str(row->path);
    to->flags = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, row->n_flags);
    for (size_t i = 0; i < row->n_flags; i++)
        to->flags[to->n_flags++] = wd_pb_str(row->flags[i]);
    if (!wd_id_is_zero(row->thread))
        to->thread = wd_call_hex(call, row->thread);
    to->has_idate_ms = row->command == WD_JOURNAL_EXISTS;
    to->idate_ms = row->idate_ms;
    to->has_junk = row->junk != 0;
    to->junk = row->junk;
    to->has_unseen_change = row->command == WD_JOURNAL_FETCH;
    to->unseen_change = row->unseen_change;
}

static Wd__V1__JournalEntry *
entry(struct wd_call *call, const struct wd_journal_row *row)
{
    Wd__V1__JournalEntry *to = WD_ARENA_NEW(call->arena, Wd__V1__JournalEntry);

    wd__v1__journal_entry__init(to);
    to->id = wd_call_hex(call, row->id);
    to->user = wd_call_hex(call, row->user);
    to->mailbox = wd_call_hex(call, row->mailbox);
    to->command = wd_call_text(call, wd_str_c(wd_journal_name(row->command)));
    to->has_modseq = true;
    to->modseq = row->modseq;
    to->has_uid = row->uid != 0;
    to->uid = row->uid;
    if (!wd_id_is_zero(row->message))
        to->message = wd_call_hex(call, row->message);
    to->has_created_ms = true;
    to->created_ms = row->created_ms;
    add_message(call, row, to);
    return to;
}

static bool
read_feed(struct wd_call *call, const Wd__V1__ChangesRequest *req, Wd__V1__ChangesReply *out)
{
    struct wd_journal_row *rows;
    struct wd_feed in = { 0 };
    struct wd_id cursor;
    size_t n;

    if (!read_request(call, req, &in) ||
        !wd_feed_read(wd_call_domain(call), call->arena, &in, &rows, &n, &cursor, &call->err))
        return false;
    out->entries = WD_ARENA_ARRAY(call->arena, Wd__V1__JournalEntry *, n);
    for (size_t i = 0; i < n; i++)
        out->entries[out->n_entries++] = entry(call, &rows[i]);
    out->next_cursor = wd_pb_str(wd_str_c(wd_call_hex(call, cursor)));
    return true;
}

static void
events_changes(Wd__V1__Events_Service *svc, const Wd__V1__ChangesRequest *req, Wd__V1__ChangesReply_Closure reply,
               void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ChangesReply out = WD__V1__CHANGES_REPLY__INIT;

    (void)svc;
    if (!read_feed(call, req, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

Wd__V1__Events_Service wd_store_events = WD__V1__EVENTS__INIT(events_);
