#include "frontends/pop3/conn_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/log/log.h"
#include "frontends/pop3/reply.h"

enum {
    LINE_MAX_BYTES = 8192, /* of a command; RFC 2449 §4 asks for 255, passwords and AUTH want more */
    ERRORS_MAX = 50,       /* commands that are no good; the last one ends the session */
};

/* ---- status lines ---- */

static void say(struct pop3_conn *c, bool ok, const char *code, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));

static void
say(struct pop3_conn *c, bool ok, const char *code, const char *fmt, va_list args)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_buf line wd_auto(wd_buf_done) = { 0 };

    if (!c->net)
        return;
    wd_buf_vprintf(&text, fmt, args);
    pop3_reply_add(&line, ok, code, wd_buf_view(&text));
    wd_conn_write(c->net, wd_buf_view(&line));
}

void
pop3_ok(struct pop3_conn *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(c, true, NULL, fmt, args);
    va_end(args);
}

void
pop3_fail(struct pop3_conn *c, const char *code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(c, false, code, fmt, args);
    va_end(args);
}

void
pop3_fail_last(struct pop3_conn *c, const char *code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(c, false, code, fmt, args);
    va_end(args);
    c->state = POP3_CLOSED;
}

void
pop3_bad(struct pop3_conn *c, const char *fmt, ...)
{
    va_list args;

    c->server->counters.bad_commands++;
    va_start(args, fmt);
    say(c, false, NULL, fmt, args);
    va_end(args);
    if (++c->errors >= ERRORS_MAX)
        pop3_fail_last(c, NULL, "Too many errors");
}

void
pop3_fail_call(struct pop3_conn *c)
{
    const struct wd_reason_info *info = wd_reason_info(c->err.reason);
    bool over = info->status == WD_STATUS_UNAUTHENTICATED || info->status == WD_STATUS_PERMISSION_DENIED ||
                info->status == WD_STATUS_INTERNAL || c->err.reason == WD_DOWNLOAD_LIMIT;

    pop3_fail(c, info->pop3, "%s", c->err.text);
    if (over)
        c->state = POP3_CLOSED;
}

/* ---- calls ---- */

ProtobufCService *
pop3_rpc(struct pop3_conn *c, const ProtobufCServiceDescriptor *service)
{
    struct wd_rpc_params params = { .session_id = c->id, .timeout_ms = c->server->options.call_timeout_ms,
                                    .err = &c->err, .call = &c->call };

    if (c->logged_in)
        pop3_renew(c);
    pop3_call_end(c);
    c->arena = wd_arena_new(0);
    params.arena = c->arena;
    params.session_token = c->token;
    return wd_rpc_to(c->server->store, service, &params);
}

void
pop3_replied(struct pop3_conn *c, const void *reply)
{
    c->reply = reply;
    c->call_done = true;
    pop3_conn_step(c);
}

void
pop3_call_end(struct pop3_conn *c)
{
    wd_arena_free(wd_take(c->arena));
    c->reply = NULL;
    c->call_done = false;
}

ProtobufCBinaryData
pop3_bytes(struct wd_str s)
{
    union {
        const char *from;
        uint8_t *to;
    } bytes = { s.p };

    return (ProtobufCBinaryData){ s.n, bytes.to };
}

/* ---- states ---- */

static void
run_line(struct pop3_conn *c, struct wd_str line)
{
    struct pop3_args args;
    struct wd_str rest;
    const struct pop3_command *command = pop3_command_of(line, &rest);

    c->server->counters.commands++;
    if (!command) {
        c->server->counters.bad_commands++;
        pop3_fail_last(c, NULL, "Unknown command");
    } else if (!(command->states & (c->logged_in ? ST_IN : ST_OUT))) {
        pop3_bad(c, c->logged_in ? "Not after the login" : "Log in first");
    } else if (!pop3_args_read(command->grammar, rest, &args)) {
        pop3_bad(c, "%.*s takes %s", WD_FMT(command->name), pop3_args_help(command->grammar));
    } else {
        command->run(c, &args);
    }
}

static bool
step_line(struct pop3_conn *c)
{
    struct wd_str line;

    if (c->server->draining) {
        pop3_fail_last(c, "SYS/TEMP", "Going down, come back soon");
        return true;
    }
    if (wd_conn_over(c->net))
        return false;
    switch (wd_conn_line(c->net, LINE_MAX_BYTES, &line)) {
    case WD_LINE_MORE:
        return false;
    case WD_LINE_TOO_LONG:
        pop3_bad(c, "Line too long");
        if (c->state != POP3_CLOSED)
            c->state = POP3_SKIPPING;
        return true;
    case WD_LINE_OK:
        run_line(c, line);
        return true;
    }
    return false;
}

/* Drops a line that is too long as it comes, so that the command after it is understood. */
static bool
step_skipping(struct pop3_conn *c)
{
    struct evbuffer *in = wd_conn_in(c->net);
    struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);

    if (end.pos < 0) {
        evbuffer_drain(in, evbuffer_get_length(in));
        return false;
    }
    evbuffer_drain(in, (size_t)end.pos + 1);
    c->state = POP3_LINE;
    return true;
}

static bool
step_waiting(struct pop3_conn *c)
{
    (void)c;
    return false;
}

static bool (*const steps[POP3_STATES])(struct pop3_conn *) = {
    [POP3_LINE] = step_line,           [POP3_SKIPPING] = step_skipping,       [POP3_ANSWER] = pop3_step_answer,
    [POP3_LOGIN] = pop3_step_login,    [POP3_READING] = pop3_step_reading,
    [POP3_UPDATING] = pop3_step_updating, [POP3_SECURING] = step_waiting,
};

/* While the store works, the client is not the one who is silent. */
static void
set_timeout(struct pop3_conn *c)
{
    bool ours = c->state == POP3_LOGIN || c->state == POP3_UPDATING || (c->state == POP3_READING && c->reading.asked);

    if (c->net)
        wd_conn_set_timeout(c->net, ours ? 0 : c->server->options.idle_timeout_ms);
}

static void
conn_free(struct pop3_conn *c)
{
    wd_rpc_cancel(&c->call);
    wd_rpc_cancel(&c->renewal.call);
    wd_arena_free(c->renewal.arena);
    pop3_call_end(c);
    pop3_maildrop_done(&c->drop);
    pop3_forget_token(c);
    wd_sasl_done(&c->sasl);
    wd_buf_done(&c->name);
    if (c->net)
        wd_conn_close(c->net);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->server->conn_count--;
    free(c);
}

void
pop3_conn_step(struct pop3_conn *c)
{
    c->again = true;
    if (c->stepping)
        return; /* a callback fired inside a step: the loop below takes it up */
    c->stepping = true;
    while (c->again && c->state != POP3_CLOSED) {
        c->again = false;
        while (c->state != POP3_CLOSED && steps[c->state](c))
            continue;
    }
    c->stepping = false;
    if (c->state == POP3_CLOSED)
        conn_free(c);
    else
        set_timeout(c);
}

/* ---- what happens to the connection ---- */

static void
on_event(void *owner)
{
    pop3_conn_step(owner);
}

static void
on_secured(void *owner)
{
    struct pop3_conn *c = owner;

    c->state = POP3_LINE;
    pop3_conn_step(c);
}

static void
on_timeout(void *owner)
{
    struct pop3_conn *c = owner;

    c->server->counters.timeouts++;
    if (c->state != POP3_READING) /* there the words would be taken for the message */
        pop3_fail(c, NULL, "Silent for too long, nothing was changed");
    c->state = POP3_CLOSED;
    pop3_conn_step(c);
}

static void
on_closed(void *owner, const char *why)
{
    struct pop3_conn *c = owner;

    if (c->logs)
        wd_log(WD_LOG_DEBUG, "closed", WD_KV("session", c->id), WD_KV("why", why));
    wd_conn_free(c->net);
    c->net = NULL;
    if (c->state != POP3_UPDATING) /* QUIT was said: what was asked for is done, whether the client waits or not */
        c->state = POP3_CLOSED;
    pop3_conn_step(c);
}

static bool
wants_logs(const struct pop3_server *s, const char *ip)
{
    for (const char *const *host = s->options.ignored_hosts; host && *host; host++)
        if (strcmp(*host, ip) == 0)
            return false;
    return true;
}

void
pop3_server_accept(void *server, struct wd_conn *net)
{
    static const struct wd_conn_calls calls = {
        .on_input = on_event, .on_drained = on_event, .on_secured = on_secured, .on_timeout = on_timeout,
        .on_closed = on_closed,
    };
    struct pop3_server *s = server;
    struct pop3_conn *c = WD_NEW(struct pop3_conn);

    c->server = s;
    c->net = net;
    snprintf(c->id, sizeof c->id, "%s", wd_conn_id(net));
    snprintf(c->ip, sizeof c->ip, "%s", wd_conn_ip(net));
    c->logs = wants_logs(s, c->ip);
    c->link = &s->conns;
    c->next = s->conns;
    if (c->next)
        c->next->link = &c->next;
    s->conns = c;
    s->conn_count++;
    s->counters.connections++;
    if (c->logs)
        wd_log(WD_LOG_INFO, "connected", WD_KV("session", c->id), WD_KV("ip", c->ip),
               WD_KV("cipher", wd_conn_cipher(net)));
    pop3_ok(c, "%s ready for %s (%s)", s->options.name, c->ip, c->id);
    set_timeout(c);
    wd_conn_own(net, &calls, c);
}

void
pop3_server_drain(struct pop3_server *s)
{
    struct pop3_conn *c = s->conns, *next;

    s->draining = true;
    for (; c; c = next) {
        next = c->next; /* a step frees its own connection only */
        pop3_conn_step(c);
    }
}

void
pop3_server_close(struct pop3_server *s)
{
    s->draining = true;
    while (s->conns) {
        s->conns->state = POP3_CLOSED;
        pop3_conn_step(s->conns);
    }
}
