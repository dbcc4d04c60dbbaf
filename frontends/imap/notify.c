#include "frontends/imap/notify.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/imap/write.h"

enum { FIRST_SIZE = 64, RETRY_MS = 1000, POLL_MAX = 2000 };

/* ---- who is logged in ---- */

static size_t
slot_of(const struct imap_server *s, struct wd_id user)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof user.b; i++)
        hash = (hash ^ user.b[i]) * 16777619u;
    return hash & (s->users_size - 1);
}

static void
link_user(struct imap_server *s, struct imap_conn *c)
{
    struct imap_conn **slot = &s->users[slot_of(s, c->user_id)];

    c->user_prev = NULL;
    c->user_next = *slot;
    if (*slot)
        (*slot)->user_prev = c;
    *slot = c;
}

static void
grow_users(struct imap_server *s)
{
    size_t old_size = s->users_size;
    struct imap_conn **old = s->users;

    s->users_size = old_size ? old_size * 2 : FIRST_SIZE;
    s->users = wd_alloc(s->users_size * sizeof(struct imap_conn *));
    for (size_t i = 0; i < old_size; i++) {
        while (old[i]) {
            struct imap_conn *c = old[i];
            old[i] = c->user_next;
            link_user(s, c);
        }
    }
    free(old);
}

void
imap_notify_enter(struct imap_conn *c)
{
    struct imap_server *s = c->server;

    if (s->users_n >= s->users_size)
        grow_users(s);
    link_user(s, c);
    s->users_n++;
    if (s->events)
        wd_subscriber_watch(s->events, wd_event_topic(c->user_id));
}

void
imap_notify_leave(struct imap_conn *c)
{
    struct imap_server *s = c->server;

    if (!c->logged_in)
        return;
    if (c->user_next)
        c->user_next->user_prev = c->user_prev;
    *(c->user_prev ? &c->user_prev->user_next : &s->users[slot_of(s, c->user_id)]) = c->user_next;
    c->user_next = c->user_prev = NULL;
    s->users_n--;
    if (s->events)
        wd_subscriber_unwatch(s->events, wd_event_topic(c->user_id));
}

/* ---- the journal into a view ---- */

struct imap_sync {
    struct imap_conn *conn;
    struct wd_arena *arena;
    struct wd_error err;
    struct wd_rpc_call *call;
    uint64_t known;        /* the beacon when the journal was asked for */
    struct wd_seqset now;  /* after CURSOR_EXPIRED: what the mailbox holds, page by page */
    uint64_t now_modseq;
    uint32_t flags_from;   /* then the flags that changed, from this UID on */
    uint64_t flags_since;
};

static void ask_changes(struct imap_sync *y);
static void reopen(struct imap_sync *y, const ProtobufCBinaryData *cursor);

static void
sync_free(struct imap_sync *y)
{
    wd_rpc_cancel(&y->call);
    if (y->conn->sync == y)
        y->conn->sync = NULL;
    wd_seqset_done(&y->now);
    wd_arena_free(y->arena);
    free(y);
}

void
imap_sync_cancel(struct imap_conn *c)
{
    if (c->sync)
        sync_free(c->sync);
    c->sync_wanted = false;
    c->sync_retry_ms = 0;
}

static ProtobufCService *
sync_service(struct imap_sync *y, const ProtobufCServiceDescriptor *service)
{
    const struct imap_conn *c = y->conn;
    struct wd_rpc_params params = { .session_token = c->token,
                                    .session_id = wd_conn_id(c->net),
                                    .err = &y->err,
                                    .call = &y->call };

    wd_arena_free(y->arena);
    y->arena = wd_arena_new(0);
    params.arena = y->arena;
    return wd_rpc_to(c->server->rpc, service, &params);
}

static void
sync_ended(struct imap_sync *y)
{
    struct imap_conn *c = y->conn;

    sync_free(y);
    imap_conn_step(c);
}

static void
sync_failed(struct imap_sync *y)
{
    struct imap_conn *c = y->conn;

    if (y->err.reason == WD_MAILBOX_NOT_FOUND) {
        imap_conn_bye(c, "Selected mailbox is gone");
    } else if (wd_reason_info(y->err.reason)->status == WD_STATUS_UNAUTHENTICATED) {
        imap_conn_bye(c, "Session has expired");
    } else {
        c->sync_retry_ms = wd_mono_ms() + RETRY_MS;
        if (imap_conn_logs(c))
            wd_log_error(WD_LOG_WARN, "journal was not read", &y->err, WD_KV("session", wd_conn_id(c->net)));
    }
    sync_ended(y);
}

static void
apply_change(struct imap_conn *c, const Wd__V1__MailboxChange *ch)
{
    bool own = ch->ignore && strcmp(ch->ignore, wd_conn_id(c->net)) == 0;

    switch (ch->kind) {
    case WD__V1__MAILBOX_CHANGE__KIND__EXISTS:
        imap_view_arrived(c->view, ch->uid);
        break;
    case WD__V1__MAILBOX_CHANGE__KIND__EXPUNGE:
        imap_view_gone(c->view, ch->uid);
        break;
    case WD__V1__MAILBOX_CHANGE__KIND__FLAGS:
        if (!own)
            imap_view_flags(c->view, ch->uid, ch->modseq, ch->system_flags, ch->keywords, ch->n_keywords);
        break;
    case WD__V1__MAILBOX_CHANGE__KIND__DELETED:
        imap_conn_bye(c, "Selected mailbox is gone");
        break;
    default: /* RENAMED, and what a newer store may say: nothing that a client is told */
        break;
    }
}

/* A page is in the view: more of it, once more because of a beacon meanwhile, or the end. */
static void
sync_go_on(struct imap_sync *y, bool more)
{
    struct imap_conn *c = y->conn;

    if (c->bye || (!more && !c->sync_wanted && !imap_view_behind(c->view)))
        sync_ended(y);
    else
        ask_changes(y);
}

static void
on_changes(const Wd__V1__MailboxChangesReply *reply, void *data)
{
    struct imap_sync *y = data;
    struct imap_view *v = y->conn->view;
    bool more;

    if (!reply && y->err.reason == WD_CURSOR_EXPIRED) {
        reopen(y, NULL);
        return;
    }
    if (!reply) {
        sync_failed(y);
        return;
    }
    for (size_t i = 0; i < reply->n_changes; i++)
        apply_change(y->conn, reply->changes[i]);
    more = reply->more && reply->modseq > v->modseq;
    if (reply->modseq > v->modseq)
        v->modseq = reply->modseq;
    else if (!more && v->beacon == y->known)
        v->beacon = v->modseq; /* it ran ahead of what may be read: the next one or the poll comes back to it */
    sync_go_on(y, more);
}

static void
ask_changes(struct imap_sync *y)
{
    Wd__V1__MailboxChangesRequest request = WD__V1__MAILBOX_CHANGES_REQUEST__INIT;
    struct imap_conn *c = y->conn;
    char session_id[33];

    snprintf(session_id, sizeof session_id, "%s", wd_conn_id(c->net));
    c->sync_wanted = false;
    y->known = c->view->beacon;
    request.mailbox = c->view->mailbox;
    request.after_modseq = c->view->modseq;
    request.session_id = session_id;
    wd__v1__mailboxes__changes(sync_service(y, &wd__v1__mailboxes__descriptor), &request, on_changes, y);
}

void
imap_sync_start(struct imap_conn *c)
{
    c->sync_wanted = true;
    if (c->sync)
        return;
    c->sync = WD_NEW(struct imap_sync);
    c->sync->conn = c;
    ask_changes(c->sync);
}

/* ---- after CURSOR_EXPIRED: what is there now, and which flags changed ---- */

static void ask_flags(struct imap_sync *y);

static void
on_flags(const Wd__V1__FetchReply *reply, void *data)
{
    struct imap_sync *y = data;
    struct imap_view *v = y->conn->view;

    if (!reply) {
        sync_failed(y);
        return;
    }
    for (size_t i = 0; i < reply->n_messages; i++) {
        const Wd__V1__FetchedMessage *m = reply->messages[i];
        imap_view_flags(v, m->uid, m->modseq, m->system_flags, m->keywords, m->n_keywords);
        if (m->uid >= y->flags_from)
            y->flags_from = m->uid + 1;
    }
    if (reply->has_next_cursor && reply->n_messages)
        ask_flags(y);
    else
        sync_go_on(y, true);
}

static void
ask_flags(struct imap_sync *y)
{
    Wd__V1__FetchRequest request = WD__V1__FETCH_REQUEST__INIT;
    Wd__V1__UidRanges ranges = WD__V1__UID_RANGES__INIT;
    struct imap_conn *c = y->conn;
    uint32_t last = wd_seqset_max(&c->view->uids), deltas[2];

    if (y->flags_from == 0 || y->flags_from > last) {
        sync_go_on(y, true);
        return;
    }
    deltas[0] = y->flags_from;
    deltas[1] = last - y->flags_from + 1;
    ranges.n_deltas = 2;
    ranges.deltas = deltas;
    request.mailbox = c->view->mailbox;
    request.uids = &ranges;
    request.has_flags = request.flags = true;
    request.has_changed_since = true;
    request.changed_since = y->flags_since;
    wd__v1__messages__fetch(sync_service(y, &wd__v1__messages__descriptor), &request, on_flags, y);
}

static void
on_reopened(const Wd__V1__OpenMailboxReply *reply, void *data)
{
    struct imap_sync *y = data;
    struct imap_conn *c = y->conn;

    if (!reply) {
        sync_failed(y);
        return;
    }
    if (strcmp(reply->mailbox->id, c->view->mailbox) != 0 || !imap_uids_from_pb(reply->uids, &y->now)) {
        imap_conn_bye(c, "Selected mailbox is gone");
        sync_ended(y);
        return;
    }
    if (y->now_modseq == 0)
        y->now_modseq = reply->modseq;
    if (reply->has_next_cursor) {
        reopen(y, &reply->next_cursor);
        return;
    }
    imap_view_replace(c->view, &y->now);
    wd_seqset_done(&y->now);
    y->flags_since = c->view->modseq;
    y->flags_from = 1;
    c->view->modseq = y->now_modseq;
    y->now_modseq = 0;
    ask_flags(y);
}

static void
reopen(struct imap_sync *y, const ProtobufCBinaryData *cursor)
{
    Wd__V1__OpenMailboxRequest request = WD__V1__OPEN_MAILBOX_REQUEST__INIT;
    struct wd_arena *old = wd_take(y->arena); /* the cursor may live in it */
    struct wd_str path = wd_str_c(y->conn->view->path);

    request.path = imap_to_pb(path);
    request.has_cursor = cursor != NULL;
    if (cursor)
        request.cursor = *cursor;
    wd__v1__mailboxes__open(sync_service(y, &wd__v1__mailboxes__descriptor), &request, on_reopened, y);
    wd_arena_free(old);
}

/* ---- beacons ---- */

static bool
may_read_now(const struct imap_conn *c)
{
    return c->state == IMAP_CONN_IDLE && !c->sync && wd_mono_ms() >= c->sync_retry_ms;
}

static void
hear_mailbox(struct imap_conn *c, const Wd__V1__Beacon *b)
{
    bool list = b->kind == WD__V1__BEACON__KIND__MAILBOX_LIST;

    if (!c->view || (b->mailbox && strcmp(b->mailbox, c->view->mailbox) != 0) || (!b->mailbox && !list))
        return;
    imap_view_beacon(c->view, b->modseq);
    if (!imap_view_behind(c->view) && !(list && b->mailbox))
        return;
    /* A change of the list is read at once: when this mailbox has gone, so must the session. */
    if (list || may_read_now(c))
        imap_sync_start(c);
}

void
imap_server_beacon(void *data, const Wd__V1__Beacon *b)
{
    struct imap_server *s = data;
    struct wd_id user;
    struct imap_conn *c, *next;

    if (!b->user || !s->users_size || !wd_id_parse(wd_str_c(b->user), &user))
        return;
    for (c = s->users[slot_of(s, user)]; c; c = next) {
        next = c->user_next;
        if (!wd_id_eq(c->user_id, user))
            continue;
        if (b->kind == WD__V1__BEACON__KIND__LOGOUT) {
            imap_conn_bye(c, b->reason);
            imap_conn_step(c);
        } else if (b->kind != WD__V1__BEACON__KIND__HEARTBEAT) {
            hear_mailbox(c, b);
        }
    }
}

/* ---- polling: after a gap, and now and then ---- */

struct imap_poll {
    struct imap_server *server;
    struct wd_arena *arena;
    struct wd_error err;
    struct wd_rpc_call *call;
    uint32_t topics;
    size_t next_slot; /* of the hash table; a table that grows meanwhile is asked from its start */
    size_t size;
};

static void ask_poll(struct imap_poll *p);

static void
poll_free(struct imap_poll *p)
{
    wd_rpc_cancel(&p->call);
    p->server->poll = NULL;
    wd_arena_free(p->arena);
    free(p);
}

static void
moved(struct imap_server *s, const Wd__V1__PollMailboxesReply__Moved *m)
{
    for (size_t i = 0; i < s->users_size; i++) {
        for (struct imap_conn *c = s->users[i]; c; c = c->user_next) {
            if (!c->view || strcmp(c->view->mailbox, m->mailbox) != 0)
                continue;
            imap_view_beacon(c->view, m->modseq);
            if (m->gone || (imap_view_behind(c->view) && may_read_now(c)))
                imap_sync_start(c);
        }
    }
}

static void
on_polled(const Wd__V1__PollMailboxesReply *reply, void *data)
{
    struct imap_poll *p = data;
    struct imap_server *s = p->server;

    if (!reply) {
        s->poll_topics |= p->topics; /* the tick asks again */
        poll_free(p);
        return;
    }
    for (size_t i = 0; i < reply->n_moved; i++)
        moved(s, reply->moved[i]);
    if (p->size != s->users_size) {
        s->poll_topics |= p->topics;
        poll_free(p);
    } else if (p->next_slot < p->size) {
        ask_poll(p);
    } else {
        poll_free(p);
    }
}

/* The sessions of the next slots, as many as fit into one call. */
static size_t
gather(struct imap_poll *p, Wd__V1__PollMailboxesRequest__Watch **watches)
{
    struct imap_server *s = p->server;
    size_t n = 0;

    for (; p->next_slot < p->size && n < POLL_MAX; p->next_slot++) {
        for (struct imap_conn *c = s->users[p->next_slot]; c && n < 2 * POLL_MAX; c = c->user_next) {
            Wd__V1__PollMailboxesRequest__Watch *w;
            if (!c->view || !(p->topics & 1u << wd_event_topic(c->user_id)))
                continue;
            w = WD_ARENA_NEW(p->arena, Wd__V1__PollMailboxesRequest__Watch);
            wd__v1__poll_mailboxes_request__watch__init(w);
            w->mailbox = c->view->mailbox;
            w->modseq = c->view->modseq;
            w->user = c->user;
            watches[n++] = w;
        }
    }
    return n;
}

static void
ask_poll(struct imap_poll *p)
{
    Wd__V1__PollMailboxesRequest request = WD__V1__POLL_MAILBOXES_REQUEST__INIT;
    struct wd_rpc_params params = { .err = &p->err, .call = &p->call };

    wd_arena_free(p->arena);
    p->arena = params.arena = wd_arena_new(0);
    request.watches = WD_ARENA_ARRAY(p->arena, Wd__V1__PollMailboxesRequest__Watch *, 2 * POLL_MAX);
    request.n_watches = gather(p, request.watches);
    if (request.n_watches == 0)
        poll_free(p);
    else
        wd__v1__mailboxes__poll(wd_rpc_to(p->server->rpc, &wd__v1__mailboxes__descriptor, &params), &request,
                                on_polled, p);
}

static void
poll_start(struct imap_server *s)
{
    if (s->poll || !s->poll_topics || !s->users_n)
        return;
    s->poll = WD_NEW(struct imap_poll);
    s->poll->server = s;
    s->poll->topics = s->poll_topics;
    s->poll->size = s->users_size;
    s->poll_topics = 0;
    ask_poll(s->poll);
}

void
imap_server_gap(void *data, uint32_t topics)
{
    struct imap_server *s = data;

    s->poll_topics |= topics;
    poll_start(s);
}

void
imap_notify_tick(struct imap_server *s, int64_t now_ms)
{
    if (now_ms - s->polled_ms >= s->options->poll_ms) {
        s->polled_ms = now_ms;
        s->poll_topics = UINT32_MAX;
    }
    poll_start(s);
    for (struct imap_conn *c = s->conns; c; c = c->next)
        if (c->view && imap_view_behind(c->view) && may_read_now(c))
            imap_sync_start(c);
}

void
imap_notify_done(struct imap_server *s)
{
    if (s->poll)
        poll_free(s->poll);
    free(s->users);
    s->users = NULL;
    s->users_size = 0;
}
