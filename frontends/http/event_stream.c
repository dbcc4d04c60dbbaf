#include "frontends/http/event_stream.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "frontends/http/call_priv.h"

enum {
    GATHER_MS = 100,
    IDLE_MS = 15 * 1000,
    POLL_EVERY = 4, /* idle times: whatever became of the beacons, a minute's silence is not believed */
    SILENT_MS = 30 * 60 * 1000, /* a client whose socket takes nothing for so long is dropped */
    FIRST_SLOTS = 64,
};

struct http_event_stream {
    struct http_events *events;
    struct http_conn *conn;
    struct http_event_stream *next, **link; /* the slot's list */
    const struct http_event_calls *calls;
    void *data;
    struct event timer;
    struct wd_id user;
    uint32_t idled, silences;
    bool chunked;
    bool reading;  /* read() was called and is not done */
    bool dirty;    /* something may be new since it was called */
    bool gathers;  /* the timer is that of a beacon */
    bool wrote;    /* an event, since read() was called */
};

struct http_events {
    struct event_base *loop;
    struct wd_subscriber *subscriber;
    struct http_event_stream **slots; /* by user */
    size_t size, n;
};

/* ---- all streams ---- */

static size_t
slot_of(const struct http_events *e, struct wd_id user)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < sizeof user.b; i++)
        hash = (hash ^ user.b[i]) * 1099511628211u;
    return hash & (e->size - 1);
}

static void
link_stream(struct http_events *e, struct http_event_stream *s)
{
    struct http_event_stream **slot = &e->slots[slot_of(e, s->user)];

    s->next = *slot;
    s->link = slot;
    if (s->next)
        s->next->link = &s->next;
    *slot = s;
}

static void
unlink_stream(struct http_event_stream *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
}

static void
grow(struct http_events *e)
{
    struct http_event_stream **old = e->slots;
    size_t old_size = e->size;

    e->size = old_size ? old_size * 2 : FIRST_SLOTS;
    e->slots = wd_alloc(e->size * sizeof *e->slots);
    for (size_t i = 0; i < old_size; i++)
        while (old[i]) {
            struct http_event_stream *s = old[i];
            unlink_stream(s);
            link_stream(e, s);
        }
    free(old);
}

static void
on_beacon(void *data, const Wd__V1__Beacon *beacon)
{
    http_events_beacon(data, beacon);
}

static void
on_gap(void *data, uint32_t topics)
{
    http_events_gap(data, topics);
}

struct http_events *
http_events_new(struct event_base *loop, const struct wd_subscriber_options *options, struct wd_error *err)
{
    struct http_events *e = WD_NEW(struct http_events);
    struct wd_subscriber_options o;

    e->loop = loop;
    grow(e);
    if (!options)
        return e;
    o = *options;
    o.on_beacon = on_beacon;
    o.on_gap = on_gap;
    o.data = e;
    e->subscriber = wd_subscriber_new(loop, &o, err);
    if (e->subscriber)
        return e;
    http_events_free(e);
    return NULL;
}

void
http_events_free(struct http_events *e)
{
    if (!e)
        return;
    wd_subscriber_free(e->subscriber);
    free(e->slots);
    free(e);
}

/* ---- one stream ---- */

struct http_server *
http_event_server(const struct http_event_stream *s)
{
    return s->conn->server;
}

static void
set_timer(struct http_event_stream *s, int ms)
{
    struct timeval after = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    s->gathers = ms == GATHER_MS;
    evtimer_add(&s->timer, &after);
}

static void
write_chunk(struct http_event_stream *s, struct wd_str text)
{
    if (s->chunked)
        wd_conn_printf(s->conn->net, "%zx\r\n", text.n);
    wd_conn_write(s->conn->net, text);
    if (s->chunked)
        wd_conn_write(s->conn->net, WD_STR("\r\n"));
}

static void
send_comment(struct http_event_stream *s)
{
    char text[32];
    int n = snprintf(text, sizeof text, ": idling %u\n\n", ++s->idled);
    write_chunk(s, wd_str_n(text, (size_t)n));
}

static void
start_read(struct http_event_stream *s)
{
    if (s->reading || wd_conn_over(s->conn->net))
        return; /* http_event_done() or on_drained() takes it up */
    s->dirty = s->wrote = false;
    s->reading = true;
    s->calls->read(s, s->data);
}

static void
on_timer(evutil_socket_t fd, short what, void *data)
{
    struct http_event_stream *s = data;

    (void)fd;
    (void)what;
    if (s->gathers) {
        s->gathers = false;
        start_read(s);
        return;
    }
    /* To a client that takes nothing, silence: so that its connection's time runs out. */
    if (evbuffer_get_length(wd_conn_out(s->conn->net)) == 0)
        send_comment(s);
    set_timer(s, IDLE_MS);
    if (++s->silences % POLL_EVERY == 0)
        start_read(s);
}

static void
wake(struct http_event_stream *s)
{
    if (s->dirty)
        return;
    s->dirty = true;
    if (!s->reading)
        set_timer(s, GATHER_MS);
}

void
http_event_done(struct http_event_stream *s)
{
    s->reading = false;
    if (!s->wrote && s->idled == 0)
        send_comment(s);
    if (s->dirty && !wd_conn_over(s->conn->net))
        set_timer(s, GATHER_MS);
    else
        set_timer(s, IDLE_MS);
}

void
http_event_more(struct http_event_stream *s)
{
    s->dirty = true;
    http_event_done(s);
}

static void
on_drained(void *data)
{
    struct http_event_stream *s = data;

    if (s->dirty && !s->reading)
        start_read(s);
}

static void
on_closed(void *data)
{
    struct http_event_stream *s = data;
    struct http_events *e = s->events;

    event_del(&s->timer);
    unlink_stream(s);
    e->n--;
    if (e->subscriber)
        wd_subscriber_unwatch(e->subscriber, wd_event_topic(s->user));
    s->conn->server->streams--;
    s->calls->closed(s->data);
    free(s);
}

void
http_event_end(struct http_event_stream *s)
{
    struct http_conn *conn = s->conn;

    if (s->chunked)
        wd_conn_write(conn->net, WD_STR("0\r\n\r\n"));
    http_conn_end(conn); /* calls on_closed() */
}

void
http_event_stream_start(struct http_call *c, struct wd_id user, bool replay, const struct http_event_calls *calls,
                        void *data)
{
    static const struct http_taker taker = { .drained = on_drained, .closed = on_closed };
    struct http_event_stream *s;
    struct http_events *e = c->server->events;
    struct http_conn *conn = c->conn;

    if (c->server->draining) {
        http_refuse(c, 503, "ServiceUnavailable", "going down, come back soon");
        calls->closed(data);
        return;
    }
    s = WD_NEW(struct http_event_stream);
    http_stream_begin(c, "text/event-stream", HTTP_UNKNOWN_LENGTH,
                      "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n");
    *s = (struct http_event_stream){
        .events = e, .conn = conn, .calls = calls, .data = data, .user = user, .chunked = c->chunked, .dirty = replay,
    };
    evtimer_assign(&s->timer, e->loop, on_timer, s);
    if (++e->n > e->size)
        grow(e);
    link_stream(e, s);
    if (e->subscriber)
        wd_subscriber_watch(e->subscriber, wd_event_topic(user));
    conn->server->streams++;
    wd_conn_set_timeout(conn->net, SILENT_MS);
    if (!replay) {
        send_comment(s);
        set_timer(s, IDLE_MS);
    } else {
        s->gathers = true; /* in the next round of the loop: the call is still on the stack */
        evtimer_add(&s->timer, &(struct timeval){ 0 });
    }
    http_conn_take(c, &taker, s);
}

void
http_event_send(struct http_event_stream *s, const char *id, const json_t *object)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    char *json = json_dumps(object, JSON_INDENT(2));
    struct wd_str rest = wd_str_c(json), line;

    while (wd_str_split(&rest, '\n', &line))
        wd_buf_printf(&text, "data: %.*s\n", WD_FMT(line));
    if (id)
        wd_buf_printf(&text, "id: %s\n", id);
    wd_buf_chr(&text, '\n');
    write_chunk(s, wd_buf_view(&text));
    s->wrote = true;
    free(json);
}

void
http_event_send_error(struct http_event_stream *s, const char *text)
{
    struct wd_buf event wd_auto(wd_buf_done) = { 0 };

    wd_buf_printf(&event, "event: error\ndata: %s\n\n", text);
    write_chunk(s, wd_buf_view(&event));
    s->wrote = true;
}

/* ---- beacons ---- */

void
http_events_beacon(struct http_events *e, const Wd__V1__Beacon *beacon)
{
    struct http_event_stream *s, *next;
    struct wd_id user;

    if (beacon->kind == WD__V1__BEACON__KIND__HEARTBEAT || !beacon->user ||
        !wd_id_parse(wd_str_c(beacon->user), &user))
        return;
    for (s = e->slots[slot_of(e, user)]; s; s = next) {
        next = s->next;
        if (!wd_id_eq(s->user, user))
            continue;
        if (beacon->kind == WD__V1__BEACON__KIND__LOGOUT && s->calls->logout)
            s->calls->logout(s, s->data, beacon->reason);
        else
            wake(s);
    }
}

void
http_events_gap(struct http_events *e, uint32_t topics)
{
    for (size_t i = 0; i < e->size; i++)
        for (struct http_event_stream *s = e->slots[i]; s; s = s->next)
            if (topics & 1u << wd_event_topic(s->user))
                wake(s);
}
