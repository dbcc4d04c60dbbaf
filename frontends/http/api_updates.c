/* Updates: what happens in an account's mailboxes, as an event stream that resumes from the journal.
 *
 * A read asks for the journal after the cursor. With several stores an entry may appear below one that was read; then
 * the store's cursor stays some seconds behind, and `seen` has the entries above it that need not be sent again. */
#include <event2/event.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "frontends/http/event_stream.h"
#include "frontends/http/map.h"
#include "frontends/http/routes.h"

enum {
    PAGE = 200,      /* new entries of a read */
    SEEN_MAX = 2000, /* with more, the rest waits until the cursor has moved on */
    WAIT_MS = 1000,
};

struct updates {
    struct http_event_stream *stream;
    struct http_server *server;
    char user[WD_ID_HEX + 1], cursor[WD_ID_HEX + 1];
    char last[WD_ID_HEX + 1]; /* id of the entry that was sent last */
    bool again;         /* the cursor is the client's */
    struct wd_id *seen; /* ascending */
    size_t n_seen;
    struct event *wait; /* NULL, but while a read waits */
    /* Of the read under way: */
    struct wd_arena *arena;
    struct wd_error err;
    struct wd_rpc_call *call;
    char **mailboxes; /* whose counts are to be sent */
    size_t n_mailboxes, next_mailbox;
    bool more;
};

/* clang-format off */
const struct http_param updates_params[] = {
    HTTP_USER,
    { "Last-Event-ID", HTTP_ID, HTTP_OR_EMPTY },
    { 0 },
};
#define MESSAGE { "message", HTTP_PLAIN, "message" }, { "thread", HTTP_PLAIN, "thread" }, { "mailbox", HTTP_PLAIN, "mailbox" }
static const struct http_field exists_fields[] = {
    { "command", HTTP_PLAIN, "command" }, { "uid", HTTP_PLAIN, "uid" }, MESSAGE,
    { "idate", HTTP_ISO_DATE, "idate_ms" }, { "junk", HTTP_PLAIN, "junk" }, { 0 },
};
static const struct http_field expunge_fields[] = {
    { "command", HTTP_PLAIN, "command" }, { "uid", HTTP_PLAIN, "uid" }, MESSAGE, { 0 },
};
static const struct http_field fetch_fields[] = {
    { "command", HTTP_PLAIN, "command" }, { "uid", HTTP_PLAIN, "uid" }, { "flags", HTTP_PLAIN, "flags" }, MESSAGE, { 0 },
};
static const struct http_field mailbox_fields[] = {
    { "command", HTTP_PLAIN, "command" }, { "mailbox", HTTP_PLAIN, "mailbox" }, { "path", HTTP_PLAIN, "path" }, { 0 },
};
static const struct http_field counters_fields[] = {
    { "mailbox", HTTP_PLAIN, "id" }, { "total", HTTP_PLAIN, "messages", .absent = "0" },
    { "unseen", HTTP_PLAIN, "unseen", .absent = "0" }, { 0 },
};
static const struct {
    const char *command;
    const struct http_field *fields;
} commands[] = {
    { "EXISTS", exists_fields }, { "EXPUNGE", expunge_fields }, { "FETCH", fetch_fields },
    { "CREATE", mailbox_fields }, { "RENAME", mailbox_fields }, { "DELETE", mailbox_fields },
};
/* clang-format on */

static void read_changes(struct updates *u);
static void next_counters(struct updates *u);

/* ---- the end of a read ---- */

static void
finish(struct updates *u)
{
    wd_arena_free(u->arena);
    u->arena = NULL;
    if (u->more)
        http_event_more(u->stream);
    else
        http_event_done(u->stream);
}

static void
on_wait(evutil_socket_t fd, short what, void *data)
{
    struct updates *u = data;

    (void)fd;
    (void)what;
    event_free(u->wait);
    u->wait = NULL;
    if (u->next_mailbox < u->n_mailboxes)
        next_counters(u);
    else
        read_changes(u);
}

/* There is something to read that cannot be had now. */
static void
wait_a_moment(struct updates *u)
{
    u->wait = evtimer_new(u->server->loop, on_wait, u);
    if (!u->wait)
        abort();
    evtimer_add(u->wait, &(struct timeval){ .tv_sec = WAIT_MS / 1000 });
}

/* ---- counters ---- */

static void
on_counters(const Wd__V1__Mailbox *mailbox, void *data)
{
    struct updates *u = data;
    json_t *event;

    if (mailbox) {
        event = json_pack("{s:s}", "command", "COUNTERS");
        http_map_reply(counters_fields, &mailbox->base, NULL, event);
        http_event_send(u->stream, u->last, event);
        json_decref(event);
    } else if (u->err.reason != WD_MAILBOX_NOT_FOUND) {
        u->next_mailbox--;
        wait_a_moment(u);
        return;
    }
    next_counters(u);
}

static struct wd_rpc_params
params_of(struct updates *u)
{
    return (struct wd_rpc_params){ .arena = u->arena, .err = &u->err, .call = &u->call,
                                   .timeout_ms = u->server->options.call_timeout_ms };
}

static void
next_counters(struct updates *u)
{
    Wd__V1__GetMailboxRequest request = WD__V1__GET_MAILBOX_REQUEST__INIT;
    struct wd_rpc_params params = params_of(u);

    if (u->next_mailbox == u->n_mailboxes) {
        finish(u);
        return;
    }
    request.user = u->user;
    request.mailbox = u->mailboxes[u->next_mailbox++];
    wd__v1__mailboxes__get(wd_rpc_to(u->server->store, &wd__v1__mailboxes__descriptor, &params), &request, on_counters,
                           u);
}

static void
note_mailbox(struct updates *u, const Wd__V1__JournalEntry *e)
{
    bool counts = strcmp(e->command, "EXISTS") == 0 || strcmp(e->command, "EXPUNGE") == 0 || e->unseen_change;

    if (!counts || !e->mailbox)
        return;
    for (size_t i = 0; i < u->n_mailboxes; i++)
        if (strcmp(u->mailboxes[i], e->mailbox) == 0)
            return;
    u->mailboxes[u->n_mailboxes++] = e->mailbox;
}

/* ---- the journal ---- */

static void
send_entry(struct updates *u, const Wd__V1__JournalEntry *e)
{
    json_t *event = json_object();

    for (size_t i = 0; i < WD_COUNT(commands); i++)
        if (strcmp(commands[i].command, e->command) == 0)
            http_map_reply(commands[i].fields, &e->base, NULL, event);
    memcpy(u->last, e->id, WD_ID_HEX);
    http_event_send(u->stream, e->id, event);
    json_decref(event);
    note_mailbox(u, e);
}

static bool
set_cursor(char *cursor, ProtobufCBinaryData next)
{
    if (next.len != WD_ID_HEX)
        return false;
    memcpy(cursor, next.data, WD_ID_HEX);
    return true;
}

/* Both in ascending order: sends what was not seen; what is above the cursor is seen now. */
static size_t
take_entries(struct updates *u, const Wd__V1__ChangesReply *reply, bool send)
{
    struct wd_id *seen = wd_alloc((u->n_seen + reply->n_entries + 1) * sizeof *seen), cursor = { 0 }, id = { 0 };
    size_t n = 0, fresh = 0, old = 0;

    wd_id_parse(wd_str_c(u->cursor), &cursor);
    for (size_t i = 0; i <= reply->n_entries; i++) {
        bool end = i == reply->n_entries || !wd_id_parse(wd_str_c(reply->entries[i]->id), &id);

        for (; old < u->n_seen && (end || memcmp(&u->seen[old], &id, sizeof id) < 0); old++)
            if (memcmp(&u->seen[old], &cursor, sizeof id) > 0)
                seen[n++] = u->seen[old];
        if (end)
            break;
        if (old < u->n_seen && wd_id_eq(u->seen[old], id)) {
            old++;
        } else {
            fresh++;
            if (send)
                send_entry(u, reply->entries[i]);
        }
        if (memcmp(&id, &cursor, sizeof id) > 0)
            seen[n++] = id;
    }
    free(u->seen);
    u->seen = n ? wd_realloc(seen, n * sizeof *seen) : NULL;
    if (n == 0)
        free(seen);
    u->n_seen = n;
    return fresh;
}

/* The client's place is not in the journal any more: it is told, and goes on from now. */
static void
start_anew(struct updates *u)
{
    http_event_send_error(u->stream, u->err.text);
    u->cursor[0] = '\0';
    u->again = false;
    read_changes(u);
}

static void
on_changes(const Wd__V1__ChangesReply *reply, void *data)
{
    struct updates *u = data;
    size_t asked = u->n_seen + PAGE;
    bool begins = u->cursor[0] == '\0';

    if (!reply && u->err.reason == WD_CURSOR_EXPIRED && !begins) {
        start_anew(u);
        return;
    }
    if (!reply || !set_cursor(u->cursor, reply->next_cursor)) {
        wait_a_moment(u);
        return;
    }
    u->again = false;
    u->mailboxes = WD_ARENA_ARRAY(u->arena, char *, reply->n_entries);
    u->n_mailboxes = u->next_mailbox = 0;
    take_entries(u, reply, true);
    u->more = reply->n_entries >= asked || begins;
    next_counters(u);
}

static void
read_changes(struct updates *u)
{
    Wd__V1__ChangesRequest request = WD__V1__CHANGES_REQUEST__INIT;
    struct wd_rpc_params params = params_of(u);

    request.user = u->user;
    request.has_cursor = u->cursor[0] != '\0';
    request.cursor = (ProtobufCBinaryData){ strlen(u->cursor), (uint8_t *)u->cursor };
    request.has_limit = request.has_early = request.has_again = request.early = true;
    request.again = u->again;
    request.limit = (uint32_t)(u->n_seen + PAGE);
    wd__v1__events__changes(wd_rpc_to(u->server->store, &wd__v1__events__descriptor, &params), &request, on_changes, u);
}

static void
updates_read(struct http_event_stream *s, void *data)
{
    struct updates *u = data;

    u->stream = s;
    u->arena = wd_arena_new(4096);
    u->more = false;
    u->n_mailboxes = u->next_mailbox = 0;
    if (u->n_seen >= SEEN_MAX)
        wait_a_moment(u);
    else
        read_changes(u);
}

static void
updates_logout(struct http_event_stream *s, void *data, const char *reason)
{
    json_t *event = json_pack("{s:s, s:s}", "command", "LOGOUT", "reason", reason ? reason : "");

    (void)data;
    http_event_send(s, NULL, event);
    json_decref(event);
    http_event_end(s);
}

static void
updates_closed(void *data)
{
    struct updates *u = data;

    wd_rpc_cancel(&u->call);
    if (u->wait)
        event_free(u->wait);
    wd_arena_free(u->arena);
    free(u->seen);
    free(u);
}

/* ---- the beginning: the account is there; what is older than the stream is not sent ---- */

static void
begin(struct http_call *c, struct updates *u)
{
    static const struct http_event_calls calls = { updates_read, updates_logout, updates_closed };
    struct wd_id user = { 0 };

    wd_id_parse(wd_str_c(u->user), &user);
    /* It reads at once in any case: something may have happened since the cursor was asked for. */
    http_event_stream_start(c, user, true, &calls, u);
}

static struct updates *
new_updates(struct http_call *c, const char *cursor)
{
    struct updates *u = WD_NEW(struct updates);

    *u = (struct updates){ .server = c->server };
    memcpy(u->user, http_read_text(c, "user"), WD_ID_HEX);
    memcpy(u->cursor, cursor, WD_ID_HEX);
    return u;
}

static char *
copy(struct http_call *c, const char *text, size_t n)
{
    char *to = wd_arena_alloc(c->arena, n + 1);

    memcpy(to, text, n);
    to[n] = '\0';
    return to;
}

static void
on_recent(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__ChangesReply *changes;
    } got = { reply };
    struct updates *u;

    if (!reply) {
        http_fail(c);
        return;
    }
    u = new_updates(c, c->data);
    if (set_cursor(u->cursor, got.changes->next_cursor))
        take_entries(u, got.changes, false);
    begin(c, u);
}

static void
on_now(struct http_call *c, const ProtobufCMessage *reply)
{
    Wd__V1__ChangesRequest request = WD__V1__CHANGES_REQUEST__INIT;
    union {
        const ProtobufCMessage *message;
        const Wd__V1__ChangesReply *changes;
    } got = { reply };

    if (!reply) {
        http_fail(c);
        return;
    }
    request.user = copy(c, http_read_text(c, "user"), WD_ID_HEX);
    request.has_cursor = request.has_early = request.early = request.has_limit = true;
    request.cursor = got.changes->next_cursor;
    request.limit = SEEN_MAX;
    c->data = copy(c, (const char *)request.cursor.data, request.cursor.len);
    http_rpc(c, &wd__v1__events__descriptor, "Changes", &request.base, on_recent);
}

static void
on_account(struct http_call *c, const ProtobufCMessage *reply)
{
    Wd__V1__ChangesRequest request = WD__V1__CHANGES_REQUEST__INIT;
    struct updates *u;

    if (!reply) {
        http_fail(c);
        return;
    }
    if (c->data) {
        u = new_updates(c, c->data);
        u->again = true;
        begin(c, u);
        return;
    }
    request.user = copy(c, http_read_text(c, "user"), WD_ID_HEX);
    http_rpc(c, &wd__v1__events__descriptor, "Changes", &request.base, on_now);
}

/* A browser that reconnects says it in the header, with the old address. c->data: the id, or NULL. */
static bool
read_last_id(struct http_call *c)
{
    struct wd_str given = http_head_field(c->head, "Last-Event-ID");
    const char *read = http_read_text(c, "Last-Event-ID");
    struct wd_id id;
    char *hex;

    if (given.n == 0)
        given = wd_str_c(read);
    c->data = NULL;
    if (given.n == 0)
        return true;
    if (!wd_id_parse(given, &id))
        return wd_fail(&c->err, WD_INVALID, "Last-Event-ID is not the id of an event");
    hex = wd_arena_alloc(c->arena, WD_ID_HEX + 1);
    c->data = wd_id_hex(id, hex);
    return true;
}

void
api_updates(struct http_call *c)
{
    Wd__V1__GetUserRequest get = WD__V1__GET_USER_REQUEST__INIT;
    Wd__V1__UserRef whom = WD__V1__USER_REF__INIT;

    if (!read_last_id(c)) {
        http_fail(c);
        return;
    }
    get.user = &whom;
    http_map_set_text(&whom.base, "id", wd_str_c(http_read_text(c, "user")), c->arena);
    http_rpc(c, &wd__v1__users__descriptor, "Get", &get.base, on_account);
}
