#include "store-svc/rpc/sessions.h"

#include "store-svc/domain/view.h"
#include "store-svc/rpc/convert_mailbox.h"

enum {
    RANGES_PER_PAGE = 100000, /* a few bytes each */
    CHANGES_MAX = 5000,
    WATCHES_MAX = 10000,
};

/* ---- Open ---- */

/* Where the next page goes on: "MODSEQ UID", the MODSEQ of the first page and the last UID of the page before. */
static bool
parse_cursor(struct wd_call *call, struct wd_str cursor, uint64_t *modseq, uint32_t *uid)
{
    struct wd_str rest = cursor, first, second;

    if (cursor.n == 0)
        return true;
    if (wd_str_split(&rest, ' ', &first) && wd_str_split(&rest, ' ', &second) && !rest.p &&
        wd_str_u64(first, INT64_MAX, modseq) && wd_str_u32(second, UINT32_MAX, uid))
        return true;
    return wd_fail(&call->err, WD_INVALID, "malformed cursor");
}

/* Later pages may see a younger state than the first one; its MODSEQ stays the answer, and what is younger comes again
 * with the changes after it, which does no harm. */
static void
open_page(struct wd_call *call, const struct wd_view *view, uint64_t modseq, uint32_t after,
          Wd__V1__OpenMailboxReply *out)
{
    struct wd_seqset page wd_auto(wd_seqset_done) = { 0 };

    wd_seqset_copy(&page, &view->uids);
    if (after)
        wd_seqset_remove(&page, 1, after);
    if (page.n > RANGES_PER_PAGE) {
        uint32_t last = page.ranges[RANGES_PER_PAGE - 1].last;

        wd_seqset_remove(&page, last + 1, UINT32_MAX);
        out->has_next_cursor = true;
        out->next_cursor =
            wd_pb_str(wd_arena_printf(call->arena, "%llu %u", (unsigned long long)modseq, last));
    }
    out->uids = wd_call_ranges(call, &page);
}

static bool
open_mailbox(struct wd_call *call, const Wd__V1__OpenMailboxRequest *req, struct wd_view *view,
             Wd__V1__OpenMailboxReply *out)
{
    struct wd_mailbox row;
    uint64_t modseq = 0;
    uint32_t after = 0;
    struct wd_id user;

    if (!wd_call_user(call, req->user, &user) || !parse_cursor(call, wd_str_pb(req->cursor), &modseq, &after) ||
        !wd_view_open(wd_call_domain(call), call->arena, user, wd_str_pb(req->path), &row, view, &call->err))
        return false;
    if (!after)
        modseq = view->modseq;
    out->mailbox = WD_ARENA_NEW(call->arena, Wd__V1__Mailbox);
    wd_pb_mailbox(call, &row, out->mailbox);
    out->modseq = modseq;
    out->messages = wd_seqset_count(&view->uids);
    out->has_first_unseen_uid = view->unseen.n > 0;
    out->first_unseen_uid = view->unseen.n ? view->unseen.ranges[0].first : 0;
    open_page(call, view, modseq, after, out);
    return true;
}

void
mailboxes_open(Wd__V1__Mailboxes_Service *svc, const Wd__V1__OpenMailboxRequest *req,
               Wd__V1__OpenMailboxReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_view view wd_auto(wd_view_done) = { 0 };
    Wd__V1__OpenMailboxReply out = WD__V1__OPEN_MAILBOX_REPLY__INIT;

    (void)svc;
    if (!open_mailbox(call, req, &view, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

/* ---- Changes ---- */

/* FETCH rows that the asking session has reported itself are left out. */
static bool
is_own(const struct wd_journal_row *row, struct wd_str session)
{
    return row->command == WD_JOURNAL_FETCH && session.n && wd_str_eq(row->ignore, session);
}

static bool
read_changes(struct wd_call *call, const Wd__V1__MailboxChangesRequest *req, Wd__V1__MailboxChangesReply *out)
{
    struct wd_view_changes changes = {
        .after = req->after_modseq, .limit = req->limit < CHANGES_MAX ? req->limit : CHANGES_MAX
    };
    struct wd_id user, mailbox;

    if (changes.limit == 0)
        changes.limit = 1;
    if (!wd_call_user(call, req->user, &user) || !wd_call_id(call, req->mailbox, "mailbox", &mailbox) ||
        !wd_view_changes(wd_call_domain(call), call->arena, user, mailbox, &changes, &call->err))
        return false;
    out->changes = WD_ARENA_ARRAY(call->arena, Wd__V1__MailboxChange *, changes.n);
    for (size_t i = 0; i < changes.n; i++) {
        Wd__V1__MailboxChange *change = WD_ARENA_NEW(call->arena, Wd__V1__MailboxChange);

        if (!is_own(&changes.rows[i], wd_str_c(req->session_id)) && wd_pb_change(call, &changes.rows[i], change))
            out->changes[out->n_changes++] = change;
    }
    out->modseq = changes.after;
    out->has_more = true;
    out->more = changes.more;
    return true;
}

void
mailboxes_changes(Wd__V1__Mailboxes_Service *svc, const Wd__V1__MailboxChangesRequest *req,
                  Wd__V1__MailboxChangesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__MailboxChangesReply out = WD__V1__MAILBOX_CHANGES_REPLY__INIT;

    (void)svc;
    if (!read_changes(call, req, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

/* ---- Poll ---- */

static bool
read_watches(struct wd_call *call, const Wd__V1__PollMailboxesRequest *req, struct wd_watch *watches)
{
    if (req->n_watches > WATCHES_MAX)
        return wd_fail(&call->err, WD_INVALID, "more than %d mailboxes at once", WATCHES_MAX);
    for (size_t i = 0; i < req->n_watches; i++) {
        watches[i].modseq = req->watches[i]->modseq;
        if (!wd_call_id(call, req->watches[i]->mailbox, "mailbox", &watches[i].mailbox) ||
            !wd_call_id(call, req->watches[i]->user, "user", &watches[i].user))
            return false;
    }
    return true;
}

/* Front ends ask for all of their sessions at once, without the token of any one of them. */
static bool
may_poll(struct wd_call *call, const Wd__V1__PollMailboxesRequest *req)
{
    struct wd_id user;

    if (wd_id_is_zero(call->user))
        return call->role != 0 || wd_fail(&call->err, WD_UNAUTHENTICATED, "this call needs a token");
    for (size_t i = 0; i < req->n_watches; i++)
        if (!wd_call_user(call, req->watches[i]->user, &user))
            return false;
    return true;
}

void
mailboxes_poll(Wd__V1__Mailboxes_Service *svc, const Wd__V1__PollMailboxesRequest *req,
               Wd__V1__PollMailboxesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__PollMailboxesReply out = WD__V1__POLL_MAILBOXES_REPLY__INIT;
    size_t n = req->n_watches <= WATCHES_MAX ? req->n_watches : 0;
    struct wd_watch *watches = WD_ARENA_ARRAY(call->arena, struct wd_watch, n);

    (void)svc;
    if (!may_poll(call, req) || !read_watches(call, req, watches) ||
        !wd_view_poll(wd_call_domain(call), watches, n, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.moved = WD_ARENA_ARRAY(call->arena, Wd__V1__PollMailboxesReply__Moved *, n);
    for (size_t i = 0; i < n; i++) {
        Wd__V1__PollMailboxesReply__Moved *moved;

        if (!watches[i].moved)
            continue;
        moved = out.moved[out.n_moved++] = WD_ARENA_NEW(call->arena, Wd__V1__PollMailboxesReply__Moved);
        wd__v1__poll_mailboxes_reply__moved__init(moved);
        moved->mailbox = wd_call_hex(call, watches[i].mailbox);
        moved->modseq = watches[i].modseq;
        moved->has_gone = watches[i].gone;
        moved->gone = watches[i].gone;
    }
    reply(&out, call);
}
