#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/lmtp/command.h"
#include "frontends/lmtp/conn_priv.h"
#include "frontends/lmtp/reply.h"

enum {
    LINE_MAX_BYTES = 2048, /* of a command; RFC 5321 §4.5.3.1.4 asks for 512 and more for extensions */
    UNKNOWN_MAX = 10,      /* the last one ends the session */
};

void
lmtp_say(struct lmtp_conn *c, int code, const char *enhanced, const char *text)
{
    struct wd_buf line wd_auto(wd_buf_done) = { 0 };

    lmtp_reply_add(&line, code, enhanced, wd_str_c(text));
    wd_conn_write(c->net, wd_buf_view(&line));
}

void
lmtp_say_last(struct lmtp_conn *c, int code, const char *enhanced, const char *text)
{
    lmtp_say(c, code, enhanced, text);
    c->state = LMTP_CLOSED;
}

void
lmtp_conn_reset(struct lmtp_conn *c)
{
    lmtp_body_reset(&c->body);
    wd_vec_done(&c->rcpts);
    c->in_mail = c->chunked = c->chunks_failed = false;
    c->answered = c->accepted = 0;
    c->sender = WD_NONE;
    c->declared_size = c->chunk_left = 0;
    c->unstuff = (struct lmtp_unstuff){ 0 };
    c->resolved = NULL;
    c->delivered = NULL;
    wd_arena_reset(c->arena);
}

ProtobufCBinaryData
lmtp_bytes(struct wd_str s)
{
    union {
        const char *from;
        uint8_t *to;
    } bytes = { s.p };

    return (ProtobufCBinaryData){ s.n, bytes.to };
}

char *
lmtp_text(struct wd_arena *a, const char *text)
{
    size_t n = strlen(text);

    return memcpy(wd_arena_alloc(a, n + 1), text, n + 1);
}

static void
say_hello(struct lmtp_conn *c)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_buf_printf(&text, "%s LMTP %s", c->server->options.hostname, c->server->options.banner);
    wd_buf_chr(&text, '\0');
    lmtp_say(c, 220, NULL, text.p);
    c->state = LMTP_LINE;
}

/* What the row of a command asks for, in the order of the answers of RFC 5321 §4.3.2. */
static bool
may_run(struct lmtp_conn *c, const struct lmtp_command *command, struct wd_str args)
{
    static const struct {
        unsigned need;
        int code;
        const char *enhanced, *text;
    } answers[] = {
        { NEED_LHLO, 503, "5.5.1", "Say LHLO first" },
        { NEED_MAIL, 503, "5.5.1", "Say MAIL first" },
        { NEED_NO_MAIL, 503, "5.5.1", "Not inside of a transaction" },
        { NEED_ARGS, 501, "5.5.4", "Arguments are missing" },
        { NEED_NO_ARGS, 501, "5.5.4", "No arguments here" },
    };
    unsigned missing = 0;
    size_t i;

    missing |= c->said_hello ? 0 : NEED_LHLO;
    missing |= c->in_mail ? NEED_NO_MAIL : NEED_MAIL;
    missing |= args.n ? NEED_NO_ARGS : NEED_ARGS;
    for (i = 0; i < WD_COUNT(answers); i++) {
        if (command->needs & missing & answers[i].need) {
            lmtp_say(c, answers[i].code, answers[i].enhanced, answers[i].text);
            return false;
        }
    }
    return true;
}

static void
run_line(struct lmtp_conn *c, struct wd_str line)
{
    struct wd_str args;
    const struct lmtp_command *command = lmtp_command_of(line, &args);
    bool first = !c->said_anything;

    c->said_anything = true;
    if (first && lmtp_looks_like_http(line)) {
        lmtp_say_last(c, 421, "4.7.0", "This is no web server");
    } else if (command) {
        if (may_run(c, command, args))
            command->run(c, args);
    } else if (++c->unknown >= UNKNOWN_MAX) {
        lmtp_say_last(c, 421, "4.7.0", "Too many unknown commands");
    } else {
        lmtp_say(c, 500, "5.5.1", "Unknown command");
    }
}

static bool
step_line(struct lmtp_conn *c)
{
    struct wd_str line;

    if (c->answered < c->rcpts.n && !lmtp_rcpt_group_goes_on(c)) {
        lmtp_rcpt_resolve(c);
        return true;
    }
    if (c->server->draining && !c->in_mail) {
        lmtp_say_last(c, 421, "4.3.2", "Going down, come back soon");
        return true;
    }
    if (wd_conn_over(c->net))
        return false;
    switch (wd_conn_line(c->net, LINE_MAX_BYTES, &line)) {
    case WD_LINE_MORE:
        return false;
    case WD_LINE_TOO_LONG:
        lmtp_say(c, 500, "5.5.2", "Line too long");
        c->state = LMTP_SKIPPING;
        return true;
    case WD_LINE_OK:
        run_line(c, line);
        return true;
    }
    return false;
}

/* Drops a line that is too long as it comes, so that the command after it is understood. */
static bool
step_skipping(struct lmtp_conn *c)
{
    struct evbuffer *in = wd_conn_in(c->net);
    struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);

    if (end.pos < 0) {
        evbuffer_drain(in, evbuffer_get_length(in));
        return false;
    }
    evbuffer_drain(in, (size_t)end.pos + 1);
    c->state = LMTP_LINE;
    return true;
}

static bool
step_waiting(struct lmtp_conn *c)
{
    if (c->state == LMTP_GREETING && evbuffer_get_length(wd_conn_in(c->net)) > 0) {
        c->server->counters.early_talkers++;
        lmtp_say_last(c, 421, "4.7.0", "You talk before you were greeted");
        return true;
    }
    return false;
}

static bool (*const steps[LMTP_STATES])(struct lmtp_conn *) = {
    [LMTP_GREETING] = step_waiting,          [LMTP_LINE] = step_line,
    [LMTP_SKIPPING] = step_skipping,         [LMTP_RESOLVING] = lmtp_step_resolving,
    [LMTP_DATA] = lmtp_step_data,            [LMTP_BDAT] = lmtp_step_bdat,
    [LMTP_FINISHING] = lmtp_step_finishing,  [LMTP_DELIVERING] = lmtp_step_delivering,
    [LMTP_SECURING] = step_waiting,
};

/* While the store works, the client is not the one who is silent. */
static void
set_timeout(struct lmtp_conn *c)
{
    bool ours = c->state == LMTP_RESOLVING || c->state == LMTP_FINISHING || c->state == LMTP_DELIVERING ||
                (c->state == LMTP_DATA && lmtp_body_room(&c->body) == 0) ||
                (c->state == LMTP_BDAT && lmtp_body_room(&c->body) == 0);

    wd_conn_set_timeout(c->net, ours ? 0 : c->server->options.idle_timeout_ms);
}

static void
conn_free(struct lmtp_conn *c)
{
    struct lmtp_server *s = c->server;

    wd_rpc_cancel(&c->call);
    if (!s->draining)
        lmtp_conn_reset(c); /* drops its upload; at the end of the process that is left to the store */
    wd_vec_done(&c->rcpts);
    lmtp_body_done(&c->body);
    wd_arena_free(c->arena);
    wd_buf_done(&c->helo);
    if (c->greet_timer)
        event_free(c->greet_timer);
    if (c->net)
        wd_conn_close(c->net);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    s->conn_count--;
    free(c);
}

void
lmtp_conn_step(struct lmtp_conn *c)
{
    c->again = true;
    if (c->stepping)
        return; /* a callback fired inside a step: the loop below takes it up */
    c->stepping = true;
    while (c->again && c->state != LMTP_CLOSED) {
        c->again = false;
        while (c->state != LMTP_CLOSED && steps[c->state](c))
            continue;
    }
    c->stepping = false;
    if (c->state == LMTP_CLOSED)
        conn_free(c);
    else
        set_timeout(c);
}

static void
on_event(void *owner)
{
    lmtp_conn_step(owner);
}

static void
on_secured(void *owner)
{
    struct lmtp_conn *c = owner;

    c->state = LMTP_LINE;
    lmtp_conn_step(c);
}

static void
on_timeout(void *owner)
{
    struct lmtp_conn *c = owner;

    c->server->counters.timeouts++;
    lmtp_say_last(c, 421, "4.4.2", "Timeout, closing connection");
    lmtp_conn_step(c);
}

static void
on_closed(void *owner, const char *why)
{
    struct lmtp_conn *c = owner;

    wd_log(WD_LOG_DEBUG, "closed", WD_KV("conn", wd_conn_id(c->net)), WD_KV("why", why));
    wd_conn_free(c->net);
    c->net = NULL;
    c->state = LMTP_CLOSED;
    lmtp_conn_step(c);
}

static void
on_greet(evutil_socket_t fd, short what, void *data)
{
    struct lmtp_conn *c = data;

    (void)fd;
    (void)what;
    if (c->state == LMTP_GREETING)
        say_hello(c);
    lmtp_conn_step(c);
}

static bool
is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0 || ip[0] == '\0';
}

static void
on_room(void *data)
{
    lmtp_conn_step(data);
}

void
lmtp_server_accept(void *server, struct wd_conn *net)
{
    static const struct wd_conn_calls calls = {
        .on_input = on_event, .on_drained = on_event, .on_secured = on_secured, .on_timeout = on_timeout,
        .on_closed = on_closed,
    };
    struct lmtp_server *s = server;
    struct lmtp_conn *c = WD_NEW(struct lmtp_conn);
    struct timeval delay = { s->options.greet_delay_ms / 1000, s->options.greet_delay_ms % 1000 * 1000 };

    c->server = s;
    c->net = net;
    c->arena = wd_arena_new(0);
    c->body = (struct lmtp_body){
        .store = s->store, .drops = &s->drops, .max_bytes = s->options.max_bytes, .on_room = on_room, .data = c,
    };
    lmtp_body_init(&c->body);
    c->link = &s->conns;
    c->next = s->conns;
    if (c->next)
        c->next->link = &c->next;
    s->conns = c;
    s->conn_count++;
    s->counters.connections++;
    wd_log(WD_LOG_DEBUG, "connected", WD_KV("conn", wd_conn_id(net)), WD_KV("ip", wd_conn_ip(net)));
    if (s->options.greet_delay_ms > 0 && !is_loopback(wd_conn_ip(net))) {
        c->greet_timer = event_new(s->loop, -1, 0, on_greet, c);
        event_add(c->greet_timer, &delay);
    } else {
        say_hello(c);
    }
    set_timeout(c);
    wd_conn_own(net, &calls, c);
}

void
lmtp_server_drain(struct lmtp_server *s)
{
    struct lmtp_conn *c = s->conns, *next;

    s->draining = true;
    for (; c; c = next) {
        next = c->next; /* a step frees its own connection only */
        lmtp_conn_step(c);
    }
}

void
lmtp_server_close(struct lmtp_server *s)
{
    s->draining = true;
    while (s->conns) {
        s->conns->state = LMTP_CLOSED;
        lmtp_conn_step(s->conns);
    }
    lmtp_drops_done(&s->drops);
}
