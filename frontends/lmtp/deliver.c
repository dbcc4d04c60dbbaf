/* frontends/lmtp/deliver.c – handing the message to the store, and one reply for each accepted RCPT (RFC 2033 §4.2). */
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/lmtp/conn_priv.h"
#include "frontends/lmtp/reply.h"

static void
on_delivered(const Wd__V1__DeliverReply *reply, void *closure)
{
    struct lmtp_conn *c = closure;

    c->delivered = reply;
    c->call_done = true;
    lmtp_conn_step(c);
}

static void
fill_message(struct lmtp_conn *c, Wd__V1__DeliverRequest *request)
{
    struct lmtp_body *b = &c->body;

    if (b->uploaded > 0) {
        request->upload = wd_id_hex(b->upload, wd_arena_alloc(c->arena, WD_ID_HEX + 1));
        request->has_upload_size = true;
        request->upload_size = b->uploaded;
    } else {
        request->has_raw = true;
        request->raw = lmtp_bytes(wd_buf_view(&b->bytes));
    }
}

static void
start(struct lmtp_conn *c)
{
    Wd__V1__DeliverRequest request = WD__V1__DELIVER_REQUEST__INIT;
    struct wd_rpc_params params = {
        .session_id = wd_conn_id(c->net), .timeout_ms = c->server->options.call_timeout_ms, .arena = c->arena,
        .err = &c->err, .call = &c->call,
    };
    size_t i;

    fill_message(c, &request);
    request.sender = lmtp_bytes(c->sender);
    request.recipients = WD_ARENA_ARRAY(c->arena, ProtobufCBinaryData, c->accepted);
    for (i = 0; i < c->rcpts.n; i++)
        if (c->rcpts.p[i].accepted)
            request.recipients[request.n_recipients++] = lmtp_bytes(c->rcpts.p[i].address);
    request.transport = lmtp_text(c->arena, wd_conn_is_private(c->net) ? "LMTPS" : "LMTP");
    request.ip = lmtp_text(c->arena, wd_conn_ip(c->net));
    request.has_helo = true;
    request.helo = lmtp_bytes(wd_buf_view(&c->helo));
    request.has_received_ms = true;
    request.received_ms = wd_now_ms();
    c->call_done = false;
    c->delivered = NULL;
    wd__v1__delivery__deliver(wd_rpc_to(c->server->store, &wd__v1__delivery__descriptor, &params), &request,
                              on_delivered, c);
}

bool
lmtp_step_finishing(struct lmtp_conn *c)
{
    if (!lmtp_body_finish(&c->body))
        return false;
    c->state = LMTP_DELIVERING;
    c->call_done = true;
    c->server->counters.messages++;
    c->server->counters.bytes += c->body.size;
    if (c->body.state == BODY_GOOD)
        start(c);
    else if (c->body.state == BODY_TOO_BIG)
        wd_fail(&c->err, WD_MESSAGE_TOO_BIG, "Message is larger than the limit");
    else
        c->err = c->body.err;
    return true;
}

static void
reply_to(struct lmtp_conn *c, struct wd_buf *out, const Wd__V1__RecipientOutcome *outcome)
{
    struct wd_str text;

    if (!outcome && c->body.state == BODY_TOO_BIG) {
        lmtp_reply_reason(out, c->err.reason, wd_str_c(c->err.text));
    } else if (!outcome) {
        lmtp_reply_failure(out, &c->err);
    } else if (!outcome->accepted) {
        lmtp_reply_reason(out, (enum wd_reason)outcome->reason, wd_str_c(outcome->text));
    } else {
        text = wd_arena_printf(c->arena, outcome->dropped ? "Message dropped by policy as %s" : "Message stored as %s",
                               outcome->message ? outcome->message : "-");
        lmtp_reply_add(out, 250, "2.0.0", text);
    }
    if (outcome && outcome->accepted)
        c->server->counters.stored++;
    else
        c->server->counters.failed++;
}

static void
log_end(struct lmtp_conn *c, size_t stored)
{
    enum wd_log_level level = stored == c->accepted ? WD_LOG_INFO : WD_LOG_WARN;

    wd_log(level, "message", WD_KV("conn", wd_conn_id(c->net)), WD_KV("ip", wd_conn_ip(c->net)),
           WD_KV_UINT("bytes", c->body.size), WD_KV_UINT("recipients", c->accepted), WD_KV_UINT("stored", stored),
           WD_KV_INT("ms", wd_mono_ms() - c->started_ms),
           WD_KV("reason", c->delivered ? "" : wd_reason_info(c->err.reason)->name));
}

/* All replies leave in one write. */
bool
lmtp_step_delivering(struct lmtp_conn *c)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    size_t i, next = 0, stored = 0;

    if (!c->call_done)
        return false;
    for (i = 0; i < c->rcpts.n; i++) {
        const Wd__V1__RecipientOutcome *outcome = NULL;

        if (!c->rcpts.p[i].accepted)
            continue;
        if (c->delivered && next < c->delivered->n_outcomes)
            outcome = c->delivered->outcomes[next];
        else if (c->delivered)
            wd_fail(&c->err, WD_INTERNAL, "the store left a recipient out");
        reply_to(c, &out, outcome);
        stored += outcome && outcome->accepted;
        next++;
    }
    wd_conn_write(c->net, wd_buf_view(&out));
    log_end(c, stored);
    if (c->delivered)
        c->body.uploaded = 0; /* the store has dropped it */
    lmtp_conn_reset(c);
    c->state = LMTP_LINE;
    return true;
}
