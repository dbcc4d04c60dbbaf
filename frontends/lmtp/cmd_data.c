/* frontends/lmtp/cmd_data.c – taking the message: DATA (RFC 5321 §4.1.1.4) and BDAT (RFC 3030 §2). */
#include "frontends/lmtp/command.h"
#include "frontends/lmtp/conn_priv.h"
#include "frontends/lmtp/envelope.h"

void
lmtp_cmd_data(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    if (c->chunked || c->accepted == 0) {
        lmtp_say(c, 503, "5.5.1", c->chunked ? "Go on with BDAT" : "No recipients");
        return;
    }
    lmtp_say(c, 354, NULL, "Send the message, end with a dot on a line of its own");
    c->state = LMTP_DATA;
}

/* The first piece of the input that is in one place, at most max bytes; empty when there is none. */
static struct wd_str
piece(struct lmtp_conn *c, size_t max)
{
    struct evbuffer_iovec first = { 0 };

    if (evbuffer_peek(wd_conn_in(c->net), -1, NULL, &first, 1) < 1)
        return WD_NONE;
    return wd_str_n(first.iov_base, first.iov_len < max ? first.iov_len : max);
}

bool
lmtp_step_data(struct lmtp_conn *c)
{
    size_t room = lmtp_body_room(&c->body), before = c->body.bytes.n;
    struct wd_str in = piece(c, room);

    if (in.n == 0)
        return false; /* no input, or no room: the upload wakes us, and meanwhile the client waits */
    evbuffer_drain(wd_conn_in(c->net), lmtp_unstuff(&c->unstuff, in, &c->body.bytes));
    lmtp_body_added(&c->body, before);
    if (c->unstuff.state == UNSTUFF_END)
        c->state = LMTP_FINISHING;
    return true;
}

/* A chunk that cannot be used is read and dropped, since the client sends it without waiting for the answer. */
void
lmtp_cmd_bdat(struct lmtp_conn *c, struct wd_str args)
{
    uint64_t size;
    bool last;

    if (lmtp_bdat_args(args, &size, &last) != LMTP_ARGS_OK) {
        lmtp_say_last(c, 501, "5.5.4", "Syntax: BDAT <size> [LAST]"); /* we cannot tell data from commands */
        return;
    }
    c->chunked = c->in_mail;
    c->chunks_failed |= !c->in_mail || c->accepted == 0;
    c->chunk_left = size;
    c->chunk_last = last;
    c->state = LMTP_BDAT;
}

/* The chunk is complete; the replies of the last one come from the delivery. */
static void
end_chunk(struct lmtp_conn *c)
{
    c->state = LMTP_LINE;
    if (c->chunks_failed) {
        lmtp_say(c, 503, "5.5.1", c->in_mail ? "No recipients" : "Say MAIL first");
        if (c->chunk_last || !c->in_mail)
            lmtp_conn_reset(c);
    } else if (c->chunk_last) {
        c->state = LMTP_FINISHING;
    } else if (c->body.state == BODY_TOO_BIG) {
        lmtp_say(c, 552, "5.3.4", "Message is larger than the limit");
    } else if (c->body.state == BODY_FAILED) {
        lmtp_say(c, 451, "4.3.0", "The message cannot be stored now");
    } else {
        lmtp_say(c, 250, "2.0.0", "Chunk taken");
    }
}

bool
lmtp_step_bdat(struct lmtp_conn *c)
{
    size_t room = c->chunks_failed ? SIZE_MAX : lmtp_body_room(&c->body), before = c->body.bytes.n;
    struct wd_str in;

    if (c->chunk_left == 0) {
        end_chunk(c);
        return true;
    }
    in = piece(c, room < c->chunk_left ? room : (size_t)c->chunk_left);
    if (in.n == 0)
        return false;
    if (!c->chunks_failed) {
        wd_buf_str(&c->body.bytes, in);
        lmtp_body_added(&c->body, before);
    }
    c->chunk_left -= in.n;
    evbuffer_drain(wd_conn_in(c->net), in.n);
    return true;
}
