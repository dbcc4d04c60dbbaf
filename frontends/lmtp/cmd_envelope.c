/* frontends/lmtp/cmd_envelope.c – MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3).
 *
 * RCPTs that the client pipelined are one group: their lines are taken first, then one Resolve call asks for all, then
 * their replies leave together, in order. */
#include "common/base/clock.h"
#include "frontends/lmtp/command.h"
#include "frontends/lmtp/conn_priv.h"
#include "frontends/lmtp/envelope.h"
#include "frontends/lmtp/reply.h"

enum { GROUP_MAX = 100 }; /* recipients of one Resolve call */

static struct wd_str
line(struct lmtp_conn *c, int code, const char *enhanced, const char *text)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    lmtp_reply_add(&out, code, enhanced, wd_str_c(text));
    return wd_arena_str(c->arena, wd_buf_view(&out));
}

void
lmtp_cmd_mail(struct lmtp_conn *c, struct wd_str args)
{
    struct lmtp_mail_args mail;

    switch (lmtp_mail_args(c->arena, args, &mail)) {
    case LMTP_ARGS_BAD_SYNTAX:
        lmtp_say(c, 501, "5.5.4", "Syntax: MAIL FROM:<sender> [parameters]");
        return;
    case LMTP_ARGS_BAD_ADDRESS:
        lmtp_say(c, 501, "5.1.7", "Malformed sender address");
        return;
    case LMTP_ARGS_BAD_PARAMETER:
        lmtp_say(c, 501, "5.5.4", "Bad value of SIZE or BODY");
        return;
    case LMTP_ARGS_OK:
        break;
    }
    if (c->server->options.max_bytes && mail.size > c->server->options.max_bytes) {
        lmtp_say(c, 552, "5.3.4", "Message is larger than the limit");
        return;
    }
    c->sender = mail.sender;
    c->declared_size = mail.size;
    c->in_mail = true;
    c->started_ms = wd_mono_ms();
    lmtp_say(c, 250, "2.1.0", "Sender is fine");
}

void
lmtp_cmd_rcpt(struct lmtp_conn *c, struct wd_str args)
{
    struct lmtp_rcpt rcpt = { 0 };

    if (c->chunked) {
        lmtp_say(c, 503, "5.5.1", "The message has begun");
        return;
    }
    switch (lmtp_rcpt_args(c->arena, args, &rcpt.address)) {
    case LMTP_ARGS_BAD_SYNTAX:
    case LMTP_ARGS_BAD_PARAMETER:
        rcpt.reply = line(c, 501, "5.5.4", "Syntax: RCPT TO:<recipient>");
        break;
    case LMTP_ARGS_BAD_ADDRESS:
        rcpt.reply = line(c, 501, "5.1.3", "Malformed recipient address");
        break;
    case LMTP_ARGS_OK:
        if (c->rcpts.n >= c->server->options.max_recipients)
            rcpt.reply = line(c, 452, "4.5.3", "Too many recipients");
        break;
    }
    if (c->rcpts.n >= 2 * c->server->options.max_recipients) { /* a list without end of refused ones */
        lmtp_say_last(c, 421, "4.5.3", "Too many recipients");
        return;
    }
    wd_vec_push(&c->rcpts, rcpt);
}

/* Another whole line that starts with RCPT is there, so the group is not complete. */
bool
lmtp_rcpt_group_goes_on(struct lmtp_conn *c)
{
    struct evbuffer *in = wd_conn_in(c->net);
    char verb[5];

    if (c->rcpts.n - c->answered >= GROUP_MAX)
        return false;
    if (evbuffer_copyout(in, verb, sizeof verb) != sizeof verb || !wd_str_ieq(wd_str_n(verb, 5), WD_STR("RCPT ")))
        return false;
    return evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF).pos >= 0;
}

static void
on_resolved(const Wd__V1__ResolveReply *reply, void *closure)
{
    struct lmtp_conn *c = closure;

    c->resolved = reply;
    c->call_done = true;
    lmtp_conn_step(c);
}

void
lmtp_rcpt_resolve(struct lmtp_conn *c)
{
    Wd__V1__ResolveRequest request = WD__V1__RESOLVE_REQUEST__INIT;
    struct wd_rpc_params params = {
        .session_id = wd_conn_id(c->net), .timeout_ms = c->server->options.call_timeout_ms, .arena = c->arena,
        .err = &c->err, .call = &c->call,
    };
    size_t i;

    c->state = LMTP_RESOLVING;
    c->resolved = NULL;
    request.recipients = WD_ARENA_ARRAY(c->arena, ProtobufCBinaryData, c->rcpts.n - c->answered);
    for (i = c->answered; i < c->rcpts.n; i++)
        if (c->rcpts.p[i].reply.n == 0)
            request.recipients[request.n_recipients++] = lmtp_bytes(c->rcpts.p[i].address);
    c->call_done = request.n_recipients == 0;
    if (c->call_done)
        return;
    request.has_sender = true;
    request.sender = lmtp_bytes(c->sender);
    request.has_size = c->declared_size > 0;
    request.size = c->declared_size;
    request.ip = lmtp_text(c->arena, wd_conn_ip(c->net));
    wd__v1__delivery__resolve(wd_rpc_to(c->server->store, &wd__v1__delivery__descriptor, &params), &request,
                              on_resolved, c);
}

/* The store's answer for one recipient; NULL: the call failed, or its reply is short. */
static void
take_outcome(struct lmtp_conn *c, struct lmtp_rcpt *rcpt, const Wd__V1__RecipientOutcome *outcome)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    if (!outcome) {
        lmtp_reply_failure(&out, &c->err);
    } else if (outcome->accepted) {
        lmtp_reply_add(&out, 250, "2.1.5", WD_STR("Recipient is fine"));
        rcpt->accepted = true;
    } else {
        lmtp_reply_reason(&out, (enum wd_reason)outcome->reason, wd_str_c(outcome->text));
    }
    rcpt->reply = wd_arena_str(c->arena, wd_buf_view(&out));
}

bool
lmtp_step_resolving(struct lmtp_conn *c)
{
    size_t i, next = 0;

    if (!c->call_done)
        return false;
    for (i = c->answered; i < c->rcpts.n; i++) {
        struct lmtp_rcpt *rcpt = &c->rcpts.p[i];

        if (rcpt->reply.n == 0) {
            bool there = c->resolved && next < c->resolved->n_outcomes;

            if (c->resolved && !there)
                wd_fail(&c->err, WD_INTERNAL, "the store left a recipient out");
            take_outcome(c, rcpt, there ? c->resolved->outcomes[next] : NULL);
            next++;
        }
        c->accepted += rcpt->accepted;
        c->server->counters.accepted += rcpt->accepted;
        c->server->counters.rejected += !rcpt->accepted;
        wd_conn_write(c->net, rcpt->reply);
    }
    c->answered = c->rcpts.n;
    c->state = LMTP_LINE;
    return true;
}
