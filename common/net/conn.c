#include "common/net/conn.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/log/log.h"
#include "common/net/conn_priv.h"

static void run(struct wd_conn *c, short what);

static bool
is_open(const struct wd_conn *c)
{
    return c->state == CONN_OPEN && !c->doomed;
}

/* Lets run() happen in this round of the loop, after the callbacks that are under way. */
static void
schedule(struct wd_conn *c)
{
    if (c->inside || c->scheduled)
        return;
    c->scheduled = true;
    event_active(&c->write_ev, EV_WRITE, 1);
}

static void
on_readable(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    run(data, EV_READ);
}

static void
on_writable(evutil_socket_t fd, short what, void *data)
{
    struct wd_conn *c = data;

    (void)fd;
    (void)what;
    c->writing = c->scheduled = false;
    run(c, EV_WRITE);
}

static void
on_timer(evutil_socket_t fd, short what, void *data)
{
    struct wd_conn *c = data;

    (void)fd;
    (void)what;
    c->armed_ms = 0;
    run(c, EV_TIMEOUT);
}

/* Input was taken: what was known of it is no longer true, and reading may go on. */
static void
on_in_changed(struct evbuffer *in, const struct evbuffer_cb_info *info, void *data)
{
    struct wd_conn *c = data;

    (void)in;
    if (!info->n_deleted)
        return;
    c->scanned = 0;
    schedule(c);
}

static void
on_out_changed(struct evbuffer *out, const struct evbuffer_cb_info *info, void *data)
{
    struct wd_conn *c = data;

    (void)out;
    if (!info->n_added)
        return;
    if (conn_output(c) > WD_CONN_HIGH)
        c->was_over = true;
    if (!c->writing)
        schedule(c);
}

static void
make_id(char id[17])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char bytes[10];
    uint64_t bits = 0;
    unsigned have = 0;

    wd_rand(bytes, sizeof bytes);
    for (size_t i = 0, at = 0; i < 16; i++) {
        if (have < 5) {
            bits = bits << 8 | bytes[at++];
            have += 8;
        }
        have -= 5;
        id[i] = digits[bits >> have & 31];
    }
    id[16] = '\0';
}

struct wd_conn *
conn_new(struct event_base *loop, struct wd_listener *l, const struct wd_listener_options *o, int fd)
{
    struct wd_conn *c = WD_NEW(struct wd_conn);

    c->listener = l;
    c->options = o;
    c->fd = fd;
    c->limit = CONN_LIMIT;
    c->in = evbuffer_new();
    c->out = evbuffer_new();
    if (!c->in || !c->out)
        abort();
    evbuffer_add_cb(c->in, on_in_changed, c);
    evbuffer_add_cb(c->out, on_out_changed, c);
    event_assign(&c->read_ev, loop, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(&c->write_ev, loop, fd, EV_WRITE, on_writable, c);
    evtimer_assign(&c->timer, loop, on_timer, c);
    c->traffic_ms = wd_mono_ms();
    make_id(c->id);
    return c;
}

static void
destroy(struct wd_conn *c)
{
    event_del(&c->read_ev);
    event_del(&c->write_ev);
    event_del(&c->timer);
    listener_forget(c);
    SSL_free(c->ssl);
    wd_deflate_free(c->deflate);
    evbuffer_free(c->in);
    evbuffer_free(c->out);
    wd_buf_done(&c->line);
    close(c->fd);
    free(c);
}

/* Which events of the socket are waited for. */
static void
wait_for(struct wd_conn *c, bool reading, bool writing)
{
    if (reading && !c->reading)
        event_add(&c->read_ev, NULL);
    if (!reading && c->reading)
        event_del(&c->read_ev);
    c->reading = reading;
    if (writing && !c->writing)
        event_add(&c->write_ev, NULL);
    if (!writing && c->writing)
        event_del(&c->write_ev);
    c->writing = writing;
}

static bool
compressor_rests(const struct wd_conn *c)
{
    return c->deflate && wd_deflate_holds_compressor(c->deflate) && conn_output(c) == 0;
}

/* The timer is set to the nearest deadline and not touched by traffic: when it fires too early, it is set again. */
static void
arm(struct wd_conn *c)
{
    int64_t at = c->deadline_ms, now;
    struct timeval left;

    if (is_open(c) && c->timeout_ms && (!at || c->traffic_ms + c->timeout_ms < at))
        at = c->traffic_ms + c->timeout_ms;
    if (is_open(c) && compressor_rests(c) && (!at || c->traffic_ms + CONN_COMPRESSOR_MS < at))
        at = c->traffic_ms + CONN_COMPRESSOR_MS;
    if (at == 0 || (c->armed_ms && c->armed_ms <= at))
        return;
    now = wd_mono_ms();
    now = at > now ? at - now : 0;
    left = (struct timeval){ .tv_sec = now / 1000, .tv_usec = now % 1000 * 1000 };
    evtimer_add(&c->timer, &left);
    c->armed_ms = at;
}

static bool
is_late(const struct wd_conn *c)
{
    return c->deadline_ms && wd_mono_ms() >= c->deadline_ms;
}

void
conn_enter(struct wd_conn *c)
{
    c->inside++;
}

void
conn_leave(struct wd_conn *c)
{
    if (--c->inside)
        return;
    if (c->doomed) {
        destroy(c);
        return;
    }
    if (c->state != CONN_PROXY)
        wd_buf_done(&c->line);
    if (c->state == CONN_BROKEN) {
        wait_for(c, false, false);
        evtimer_del(&c->timer);
        return;
    }
    arm(c);
}

/* The end of a connection that broke. One that has no owner yet just goes. */
static void
broken(struct wd_conn *c, const char *why)
{
    const struct wd_conn_calls *calls = c->calls;

    c->state = CONN_BROKEN;
    c->calls = NULL;
    if (calls)
        calls->on_closed(c->owner, why);
    else
        c->doomed = true;
}

/* PROXY header and TLS handshake have one time for both. */
static void
limit_handshake(struct wd_conn *c)
{
    int most = c->options->handshake_timeout_ms;

    c->deadline_ms = wd_mono_ms() + (most ? most : WD_HANDSHAKE_TIMEOUT_MS);
}

static void
opened(struct wd_conn *c)
{
    c->state = CONN_OPEN;
    c->deadline_ms = 0;
    c->traffic_ms = wd_mono_ms();
    if (c->calls)
        c->calls->on_secured(c->owner);
    else
        c->options->on_conn(c->options->data, c);
}

/* Sends a line to somebody who may not come in, in plain text only, and closes. */
static void
refuse(struct wd_conn *c, const char *line, bool plain)
{
    if (line && plain) {
        wd_conn_write(c, wd_str_c(line));
        if (!wd_str_ends(wd_str_c(line), WD_STR("\n")))
            wd_conn_write(c, WD_STR("\r\n"));
    }
    wd_conn_close(c);
}

static void
admit(struct wd_conn *c)
{
    if (!listener_admit(c))
        refuse(c, c->options->refusal, !c->options->secure);
    else if (c->options->secure)
        c->state = CONN_HANDSHAKE;
    else
        opened(c);
}

static void
step_proxy(struct wd_conn *c, short what)
{
    struct wd_proxy_header header;

    (void)what;
    switch (is_late(c) ? CONN_IO_END : conn_read_proxy(c, &header)) {
    case CONN_IO_SOME:
        if (header.ip[0])
            memcpy(c->ip, header.ip, sizeof c->ip);
        admit(c);
        break;
    case CONN_IO_WAIT:
        wait_for(c, true, false);
        break;
    case CONN_IO_FAILED:
        wd_log(WD_LOG_WARN, "bad PROXY header", WD_KV("ip", c->ip));
        refuse(c, c->options->proxy_refusal, true);
        break;
    case CONN_IO_END:
        c->doomed = true;
        break;
    }
}

static void
step_handshake(struct wd_conn *c, short what)
{
    enum conn_io result;
    bool want_write = false;

    (void)what;
    if (!c->ssl) {
        c->ssl = wd_tls_accept(c->options->tls);
        if (SSL_set_fd(c->ssl, c->fd) != 1)
            abort();
    }
    result = conn_handshake(c, &want_write);
    if (result == CONN_IO_WAIT && is_late(c)) {
        c->why = "TLS handshake timed out";
        result = CONN_IO_FAILED;
    }
    if (result == CONN_IO_SOME) {
        opened(c);
    } else if (result == CONN_IO_WAIT) {
        wait_for(c, true, want_write);
    } else {
        wd_log(WD_LOG_INFO, "TLS handshake failed", WD_KV("conn", c->id), WD_KV("ip", c->ip), WD_KV("why", c->why));
        broken(c, c->why);
    }
}

static void
step_starttls(struct wd_conn *c, short what)
{
    bool left = false;

    (void)what;
    if (!c->options->tls)
        broken(c, "no certificate is configured");
    else if (!conn_send(c, &left))
        broken(c, c->why);
    else if (left && is_late(c))
        broken(c, "TLS handshake timed out");
    else if (left)
        wait_for(c, false, true);
    else
        c->state = CONN_HANDSHAKE;
}

static void
look_at_clock(struct wd_conn *c)
{
    int64_t now = wd_mono_ms();

    if (compressor_rests(c) && now >= c->traffic_ms + CONN_COMPRESSOR_MS)
        wd_deflate_rest(c->deflate);
    if (c->timeout_ms && c->calls && now >= c->traffic_ms + c->timeout_ms) {
        c->traffic_ms = now;
        c->calls->on_timeout(c->owner);
    }
}

static void
take_input(struct wd_conn *c)
{
    switch (conn_receive(c)) {
    case CONN_IO_SOME:
        c->traffic_ms = wd_mono_ms();
        c->calls->on_input(c->owner);
        break;
    case CONN_IO_WAIT:
        break;
    case CONN_IO_END:
        broken(c, "closed by the client");
        break;
    case CONN_IO_FAILED:
        broken(c, c->why);
        break;
    }
}

/* What follows from what the callbacks did: output leaves, reading goes on or pauses. */
static void
settle(struct wd_conn *c)
{
    bool left = false, reading;

    if (c->failed || !conn_send(c, &left)) {
        broken(c, c->why);
        return;
    }
    if (c->was_over && c->calls && conn_output(c) <= WD_CONN_LOW) {
        c->was_over = false;
        c->calls->on_drained(c->owner);
        if (!is_open(c))
            return;
        left = conn_output(c) > 0; /* in the next round: others are served first */
    }
    reading = c->calls && evbuffer_get_length(c->in) < c->limit;
    wait_for(c, reading, left || (reading && c->read_wants_write));
    if (reading && conn_has_buffered(c))
        event_active(&c->read_ev, EV_READ, 1);
}

static void
step_open(struct wd_conn *c, short what)
{
    if (what & EV_TIMEOUT)
        look_at_clock(c);
    if (is_open(c) && c->calls && ((what & EV_READ) || c->read_wants_write))
        take_input(c);
    if (is_open(c))
        settle(c);
}

static void
step_closing(struct wd_conn *c, short what)
{
    bool left = false;

    (void)what;
    if (c->failed || is_late(c) || !conn_send(c, &left)) {
        c->doomed = true;
    } else if (left) {
        wait_for(c, false, true);
    } else {
        if (c->ssl)
            SSL_shutdown(c->ssl);
        shutdown(c->fd, SHUT_WR);
        c->state = CONN_LINGER;
    }
}

static void
step_linger(struct wd_conn *c, short what)
{
    (void)what;
    if (is_late(c) || conn_discard(c) == CONN_IO_END)
        c->doomed = true;
    else
        wait_for(c, true, false);
}

static void
step_broken(struct wd_conn *c, short what)
{
    (void)c;
    (void)what;
}

static void (*const steps[])(struct wd_conn *c, short what) = {
    [CONN_PROXY] = step_proxy,       [CONN_HANDSHAKE] = step_handshake, [CONN_OPEN] = step_open,
    [CONN_STARTTLS] = step_starttls, [CONN_CLOSING] = step_closing,     [CONN_LINGER] = step_linger,
    [CONN_BROKEN] = step_broken,
};

/* The only driver of a connection: one step of its state, and on as long as the state changes. */
static void
run(struct wd_conn *c, short what)
{
    enum conn_state was;

    conn_enter(c);
    do {
        was = c->state;
        steps[was](c, what);
        what = 0;
    } while (!c->doomed && c->state != was);
    conn_leave(c);
}

void
conn_start(struct wd_conn *c, bool proxied)
{
    conn_enter(c);
    limit_handshake(c);
    c->state = CONN_PROXY;
    if (!proxied)
        admit(c);
    if (!c->doomed)
        run(c, 0);
    conn_leave(c);
}

void
wd_conn_own(struct wd_conn *c, const struct wd_conn_calls *calls, void *owner)
{
    assert(!c->calls && c->state == CONN_OPEN);
    c->calls = calls;
    c->owner = owner;
    schedule(c);
}

struct evbuffer *
wd_conn_in(struct wd_conn *c)
{
    return c->in;
}

struct evbuffer *
wd_conn_out(struct wd_conn *c)
{
    return c->out;
}

void
wd_conn_write(struct wd_conn *c, struct wd_str bytes)
{
    evbuffer_add(c->out, bytes.p, bytes.n);
}

void
wd_conn_printf(struct wd_conn *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    evbuffer_add_vprintf(c->out, fmt, args);
    va_end(args);
}

void
wd_conn_flush(struct wd_conn *c)
{
    bool left = false;

    if (!is_open(c) || c->failed)
        return;
    if (!conn_send(c, &left))
        c->failed = true;
    if (left || c->failed || c->was_over)
        schedule(c);
}

bool
wd_conn_over(const struct wd_conn *c)
{
    return conn_output(c) > WD_CONN_HIGH;
}

/* Takes the line that ends with the LF at `end`. One byte more than max is fine when it is the CR. */
static enum wd_line_result
take_line(struct wd_conn *c, size_t end, size_t max, struct wd_str *line)
{
    struct evbuffer_ptr before;
    char last = '\0';

    if (end == max + 1) {
        evbuffer_ptr_set(c->in, &before, max, EVBUFFER_PTR_SET);
        evbuffer_copyout_from(c->in, &before, &last, 1);
    }
    if (end > max && last != '\r')
        return WD_LINE_TOO_LONG;
    c->line.n = 0;
    evbuffer_remove(c->in, wd_buf_reserve(&c->line, end + 1), end + 1);
    c->line.n = end + 1;
    *line = wd_str_chomp(wd_buf_view(&c->line));
    return WD_LINE_OK;
}

enum wd_line_result
wd_conn_line(struct wd_conn *c, size_t max, struct wd_str *line)
{
    size_t have = evbuffer_get_length(c->in);
    struct evbuffer_ptr from, end;

    if (have > c->scanned) {
        evbuffer_ptr_set(c->in, &from, c->scanned, EVBUFFER_PTR_SET);
        end = evbuffer_search(c->in, "\n", 1, &from);
        if (end.pos >= 0)
            return take_line(c, (size_t)end.pos, max, line);
        c->scanned = have;
    }
    return have > max + 1 || (c->limit && have >= c->limit) ? WD_LINE_TOO_LONG : WD_LINE_MORE;
}

void
wd_conn_set_limit(struct wd_conn *c, size_t bytes)
{
    c->limit = bytes;
    schedule(c);
}

void
wd_conn_set_timeout(struct wd_conn *c, int ms)
{
    c->timeout_ms = ms;
    c->traffic_ms = wd_mono_ms();
    if (!c->inside)
        arm(c);
}

void
wd_conn_start_tls(struct wd_conn *c)
{
    if (!is_open(c) || c->ssl || c->deflate)
        return;
    evbuffer_drain(c->in, evbuffer_get_length(c->in));
    conn_discard(c); /* nobody can have answered the reply that is not sent yet: it is all plain text */
    c->state = CONN_STARTTLS;
    limit_handshake(c);
    schedule(c);
}

bool
wd_conn_is_tls(const struct wd_conn *c)
{
    return c->ssl != NULL;
}

bool
wd_conn_is_private(const struct wd_conn *c)
{
    return c->ssl || c->options->secured;
}

const char *
wd_conn_cipher(const struct wd_conn *c)
{
    static _Thread_local char text[96];

    if (!c->ssl)
        return "";
    snprintf(text, sizeof text, "%s %s", SSL_get_version(c->ssl), SSL_get_cipher_name(c->ssl));
    return text;
}

bool
wd_conn_start_deflate(struct wd_conn *c)
{
    if (c->deflate)
        return false;
    c->deflate = wd_deflate_new();
    evbuffer_add_buffer(wd_deflate_wire_out(c->deflate), c->out);
    evbuffer_add_buffer(wd_deflate_wire_in(c->deflate), c->in);
    schedule(c);
    return true;
}

const char *
wd_conn_ip(const struct wd_conn *c)
{
    return c->ip;
}

const char *
wd_conn_id(const struct wd_conn *c)
{
    return c->id;
}

const struct wd_listener_options *
wd_conn_listener(const struct wd_conn *c)
{
    return c->options;
}

void
wd_conn_close(struct wd_conn *c)
{
    if (c->state == CONN_BROKEN || c->state == CONN_HANDSHAKE) {
        wd_conn_free(c);
        return;
    }
    c->calls = NULL;
    c->state = CONN_CLOSING;
    c->deadline_ms = wd_mono_ms() + CONN_LINGER_MS;
    schedule(c);
}

void
wd_conn_free(struct wd_conn *c)
{
    if (!c)
        return;
    c->calls = NULL;
    c->doomed = true;
    if (!c->inside)
        destroy(c);
}
