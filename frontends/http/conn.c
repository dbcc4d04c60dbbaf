#include "frontends/http/conn.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/http/call_priv.h"

enum { HEAD_MS = 30 * 1000, READ_AHEAD = 64 * 1024, ARENA = 4096 };

static void on_sent(struct evbuffer *out, const struct evbuffer_cb_info *info, void *data);

/* ---- the head ---- */

/* Bytes up to and including the empty line; 0: it has not come yet. */
static size_t
head_length(struct http_conn *conn)
{
    struct evbuffer *in = wd_conn_in(conn->net);
    size_t from = conn->scanned > 3 ? conn->scanned - 3 : 0;
    struct evbuffer_ptr start, at;

    if (evbuffer_get_length(in) <= conn->scanned || evbuffer_ptr_set(in, &start, from, EVBUFFER_PTR_SET) != 0)
        return 0;
    at = evbuffer_search(in, "\n\r\n", 3, &start);
    if (at.pos >= 0)
        return (size_t)at.pos + 3;
    at = evbuffer_search(in, "\n\n", 2, &start);
    if (at.pos >= 0)
        return (size_t)at.pos + 2;
    conn->scanned = evbuffer_get_length(in);
    return 0;
}

/* Empty lines before a request are passed over (RFC 9112 §2.2). */
static void
drop_empty_lines(struct evbuffer *in)
{
    char two[2];

    while (evbuffer_copyout(in, two, 2) == 2 && two[0] == '\r' && two[1] == '\n')
        evbuffer_drain(in, 2);
    while (evbuffer_copyout(in, two, 1) == 1 && two[0] == '\n')
        evbuffer_drain(in, 1);
}

/* A head that cannot be read: answered, and then nothing that follows can be understood either. */
static void
refuse_head(struct http_conn *conn, struct http_call *c, int status, const char *text)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = { { 400, "BadRequest" },       { 408, "RequestTimeout" },
                  { 417, "ExpectationFailed" }, { 431, "RequestHeaderFieldsTooLarge" },
                  { 501, "NotImplemented" },    { 505, "HttpVersionNotSupported" } };
    const char *code = "BadRequest";

    for (size_t i = 0; i < WD_COUNT(codes); i++)
        if (codes[i].status == status)
            code = codes[i].code;
    conn->keep_alive = false;
    http_refuse(c, status, code, text);
}

static struct http_call *
new_call(struct http_conn *conn, struct wd_arena *arena, struct http_head *head)
{
    conn->call = http_call_new(conn, arena, head);
    conn->state = HTTP_CONN_ASKING;
    conn->scanned = 0;
    conn->since_ms = 0;
    conn->server->requests++;
    return conn->call;
}

static void
no_head(struct http_conn *conn, int status, const char *text)
{
    struct wd_arena *arena = wd_arena_new(ARENA);
    struct http_head *head = WD_ARENA_NEW(arena, struct http_head);

    *head = (struct http_head){ .method = HTTP_OTHER };
    refuse_head(conn, new_call(conn, arena, head), status, text);
}

static void
take_head(struct http_conn *conn, size_t n)
{
    struct wd_arena *arena = wd_arena_new(ARENA);
    struct http_head *head = WD_ARENA_NEW(arena, struct http_head);
    char *text = wd_arena_alloc(arena, n);
    struct wd_error err;
    int status;
    bool ok;

    evbuffer_remove(wd_conn_in(conn->net), text, n);
    ok = http_head_read(arena, wd_str_n(text, n), head, &status, &err);
    conn->keep_alive = ok && head->keep_alive && !conn->server->draining;
    new_call(conn, arena, head);
    if (ok)
        http_serve(conn->call);
    else
        refuse_head(conn, conn->call, status, err.text);
}

static bool
step_head(struct http_conn *conn)
{
    struct evbuffer *in = wd_conn_in(conn->net);
    size_t n;

    if (conn->scanned == 0)
        drop_empty_lines(in);
    if (evbuffer_get_length(in) == 0) {
        if (!conn->server->draining)
            return false;
        http_conn_end(conn);
        return true;
    }
    if (!conn->since_ms)
        conn->since_ms = wd_mono_ms();
    n = head_length(conn);
    if (n > HTTP_HEAD_MAX || (n == 0 && evbuffer_get_length(in) > HTTP_HEAD_MAX))
        no_head(conn, 431, "the header is too long");
    else if (n > 0)
        take_head(conn, n);
    else if (wd_mono_ms() - conn->since_ms > HEAD_MS)
        no_head(conn, 408, "the header did not come in time");
    else
        return false;
    return true;
}

/* ---- the body, the answer ---- */

static bool
step_body(struct http_conn *conn)
{
    return http_intake_step(conn->call);
}

static bool
step_working(struct http_conn *conn)
{
    struct http_call *c = conn->call;
    http_run *more = c->more;

    if (!more || wd_conn_over(conn->net))
        return false;
    c->more = NULL;
    more(c);
    return true;
}

/* What the client still sends of a request that is answered. */
static bool
step_skipping(struct http_conn *conn)
{
    switch (http_intake_skip(conn->rest, wd_conn_in(conn->net))) {
    case HTTP_BODY_MORE:
        return false;
    case HTTP_BODY_BAD:
        conn->state = HTTP_CONN_ENDING;
        return true;
    case HTTP_BODY_END:
        break;
    }
    http_intake_free(conn->rest);
    conn->rest = NULL;
    conn->state = HTTP_CONN_HEAD;
    return true;
}

static bool
step_waiting(struct http_conn *conn)
{
    (void)conn;
    return false;
}

/* wd_conn_close() gives the client little time, so it comes when nothing is left to send. */
static bool
step_ending(struct http_conn *conn)
{
    if (evbuffer_get_length(wd_conn_out(conn->net)) > 0)
        return false;
    evbuffer_remove_cb(wd_conn_out(conn->net), on_sent, conn);
    wd_conn_close(conn->net);
    conn->net = NULL;
    conn->state = HTTP_CONN_CLOSED;
    return true;
}

static bool (*const steps[HTTP_CONN_STATES])(struct http_conn *) = {
    [HTTP_CONN_HEAD] = step_head,       [HTTP_CONN_ASKING] = step_waiting,    [HTTP_CONN_BODY] = step_body,
    [HTTP_CONN_WORKING] = step_working, [HTTP_CONN_SKIPPING] = step_skipping, [HTTP_CONN_TAKEN] = step_waiting,
    [HTTP_CONN_ENDING] = step_ending,
};

static void
conn_free(struct http_conn *conn)
{
    if (conn->call)
        http_call_free(conn->call);
    http_intake_free(conn->rest);
    if (conn->taker)
        conn->taker->closed(conn->taker_data);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    conn->server->conn_count--;
    if (conn->net)
        evbuffer_remove_cb(wd_conn_out(conn->net), on_sent, conn);
    wd_conn_free(conn->net);
    free(conn);
}

/* While we work, the client is not the one who is silent; when it must read or write, it is. */
static void
set_timeout(struct http_conn *conn)
{
    bool ours = conn->state == HTTP_CONN_ASKING ||
                (conn->state == HTTP_CONN_WORKING && evbuffer_get_length(wd_conn_out(conn->net)) == 0);

    if (conn->state != HTTP_CONN_TAKEN)
        wd_conn_set_timeout(conn->net, ours ? 0 : conn->server->options.timeout_ms);
}

void
http_conn_step(struct http_conn *conn)
{
    conn->again = true;
    if (conn->stepping)
        return; /* a callback inside of a step: the loop below takes it up */
    conn->stepping = true;
    while (conn->again && conn->state != HTTP_CONN_CLOSED) {
        conn->again = false;
        while (conn->state != HTTP_CONN_CLOSED && steps[conn->state](conn))
            continue;
    }
    conn->stepping = false;
    if (conn->state == HTTP_CONN_CLOSED)
        conn_free(conn);
    else
        set_timeout(conn);
}

void
http_conn_answered(struct http_conn *conn, struct http_intake *rest)
{
    conn->call = NULL;
    conn->rest = rest;
    conn->state = rest ? HTTP_CONN_SKIPPING : HTTP_CONN_HEAD;
    if (!conn->keep_alive || conn->server->draining)
        conn->state = HTTP_CONN_ENDING;
    http_conn_step(conn);
}

void
http_conn_end(struct http_conn *conn)
{
    const struct http_taker *taker = conn->taker;

    conn->taker = NULL;
    if (taker)
        taker->closed(conn->taker_data);
    conn->state = HTTP_CONN_ENDING;
    http_conn_step(conn);
}

void
http_conn_take(struct http_call *c, const struct http_taker *taker, void *data)
{
    struct http_conn *conn = c->conn;

    conn->call = NULL;
    conn->taker = taker;
    conn->taker_data = data;
    conn->state = HTTP_CONN_TAKEN;
    conn->keep_alive = false;
    http_call_free(c);
    http_conn_step(conn);
}

/* ---- what the socket tells ---- */

static void
on_input(void *owner)
{
    http_conn_step(owner);
}

static void
on_drained(void *owner)
{
    struct http_conn *conn = owner;

    if (conn->taker)
        conn->taker->drained(conn->taker_data);
    http_conn_step(conn);
}

static void
on_secured(void *owner)
{
    (void)owner;
}

static void
on_timeout(void *owner)
{
    struct http_conn *conn = owner;

    conn->state = HTTP_CONN_CLOSED;
    http_conn_step(conn);
}

static void
on_closed(void *owner, const char *why)
{
    struct http_conn *conn = owner;

    (void)why;
    conn->state = HTTP_CONN_CLOSED;
    http_conn_step(conn);
}

/* Everything is sent: what waits for that goes on. */
static void
on_sent(struct evbuffer *out, const struct evbuffer_cb_info *info, void *data)
{
    struct http_conn *conn = data;

    if (info->n_deleted && evbuffer_get_length(out) == 0 && conn->state == HTTP_CONN_ENDING)
        http_conn_step(conn);
}

void
http_conn_accept(void *server, struct wd_conn *net)
{
    static const struct wd_conn_calls calls = {
        .on_input = on_input,
        .on_drained = on_drained,
        .on_secured = on_secured,
        .on_timeout = on_timeout,
        .on_closed = on_closed,
    };
    struct http_server *s = server;
    struct http_conn *conn = WD_NEW(struct http_conn);

    *conn = (struct http_conn){ .server = s, .net = net, .next = s->conns, .link = &s->conns };
    if (s->conns)
        s->conns->link = &conn->next;
    s->conns = conn;
    s->conn_count++;
    wd_conn_set_limit(net, READ_AHEAD);
    wd_conn_own(net, &calls, conn);
    evbuffer_add_cb(wd_conn_out(net), on_sent, conn);
    http_conn_step(conn);
}

void
http_server_drain(struct http_server *s)
{
    struct http_conn *next;

    s->draining = true;
    for (struct http_conn *conn = s->conns; conn; conn = next) {
        next = conn->next;
        if (conn->state == HTTP_CONN_TAKEN)
            http_conn_end(conn);
        else if (conn->state == HTTP_CONN_HEAD)
            http_conn_step(conn);
    }
}

void
http_server_close(struct http_server *s)
{
    while (s->conns) {
        s->conns->state = HTTP_CONN_CLOSED;
        http_conn_step(s->conns);
    }
}
