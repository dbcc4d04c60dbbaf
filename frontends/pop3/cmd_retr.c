/* frontends/pop3/cmd_retr.c – RETR and TOP (RFC 1939 §5, §7).
 *
 * The message is read in ranges, each only when the client has taken most of the one before, so that a slow reader
 * costs one range and not a message. The first status line waits for the first range: what is gone is said then. */
#include "common/log/log.h"
#include "frontends/pop3/conn_priv.h"
#include "wd/v1/messages.pb-c.h"

enum { RANGE_BYTES = 256 * 1024, TOP_BYTES = 32 * 1024 };

static void
on_range(const Wd__V1__ReadBodyReply *reply, void *closure)
{
    pop3_replied(closure, reply);
}

static void
ask_range(struct pop3_conn *c)
{
    Wd__V1__ReadBodyRequest request = WD__V1__READ_BODY_REQUEST__INIT;
    Wd__V1__Section section = WD__V1__SECTION__INIT;
    struct pop3_reading *r = &c->reading;

    section.has_offset = section.has_length = true;
    section.offset = r->offset;
    section.length = r->is_top ? TOP_BYTES : RANGE_BYTES;
    request.mailbox = c->drop.mailbox;
    request.uid = r->message->uid;
    request.section = &section;
    r->asked = true;
    wd__v1__messages__read_body(pop3_rpc(c, &wd__v1__messages__descriptor), &request, on_range, c);
}

static void
start(struct pop3_conn *c, const struct pop3_args *args, bool is_top)
{
    struct pop3_message *message = pop3_find_message(c, args);

    if (!message)
        return;
    c->reading = (struct pop3_reading){ .message = message, .is_top = is_top, .top = { .lines = args->lines } };
    c->state = POP3_READING;
    ask_range(c);
}

void
pop3_cmd_retr(struct pop3_conn *c, const struct pop3_args *args)
{
    start(c, args, false);
}

void
pop3_cmd_top(struct pop3_conn *c, const struct pop3_args *args)
{
    start(c, args, true);
}

/* Half of a message cannot be taken back: the client is told by the end of the connection. */
static bool
failed(struct pop3_conn *c)
{
    if (c->reading.offset) {
        wd_log_error(WD_LOG_WARN, "a message ends half way", &c->err, WD_KV("session", c->id), WD_KV("user", c->user));
        c->state = POP3_CLOSED;
        return true;
    }
    c->state = POP3_LINE;
    pop3_fail_call(c);
    pop3_call_end(c);
    return true;
}

static void
say_ok(struct pop3_conn *c)
{
    if (c->reading.is_top)
        pop3_ok(c, "The top follows");
    else
        pop3_ok(c, "%llu octets", (unsigned long long)c->reading.message->size);
}

static bool
finish(struct pop3_conn *c)
{
    struct pop3_reading *r = &c->reading;
    char hex[WD_ID_HEX + 1];

    pop3_stuff_end(&r->stuff, wd_conn_out(c->net));
    if (!r->is_top) {
        r->message->retrieved = true;
        c->server->counters.messages++;
    }
    if (c->logs)
        wd_log(WD_LOG_INFO, r->is_top ? "pop3_top" : "pop3_retr", WD_KV("session", c->id), WD_KV("user", c->user),
               WD_KV("message", wd_id_hex(r->message->id, hex)), WD_KV_UINT("uid", r->message->uid),
               WD_KV_UINT("bytes", r->offset));
    pop3_call_end(c);
    c->state = POP3_LINE;
    return true;
}

/* Sends what came of the message. */
static bool
take_range(struct pop3_conn *c, const Wd__V1__ReadBodyReply *reply)
{
    struct pop3_reading *r = &c->reading;
    struct wd_str data = wd_str_n(reply->data.data, reply->data.len);

    if (reply->size != r->message->size || data.n > r->message->size - r->offset ||
        (data.n == 0 && r->message->size > r->offset)) {
        wd_fail(&c->err, WD_DATA_LOSS, "the message is not as long as it should be");
        return failed(c);
    }
    if (r->offset == 0)
        say_ok(c);
    r->offset += data.n;
    if (r->is_top)
        data = wd_str_part(data, 0, pop3_top_feed(&r->top, data));
    c->server->counters.bytes += data.n;
    pop3_stuff_add(&r->stuff, data, wd_conn_out(c->net));
    if (r->offset == r->message->size || r->top.done)
        return finish(c);
    pop3_call_end(c);
    r->asked = false;
    return true;
}

bool
pop3_step_reading(struct pop3_conn *c)
{
    if (!c->reading.asked) {
        if (wd_conn_over(c->net))
            return false;
        ask_range(c);
    }
    if (!c->call_done)
        return false;
    return c->reply ? take_range(c, c->reply) : failed(c);
}
