/* frontends/lmtp/cmd_session.c – commands about the session: RFC 2033 §4.1, RFC 5321 §4.1.1, RFC 3207. */
#include "frontends/lmtp/command.h"
#include "frontends/lmtp/conn_priv.h"
#include "frontends/lmtp/reply.h"

enum { HELO_MAX = 255 };

static bool
offers_tls(const struct lmtp_conn *c)
{
    const struct wd_listener_options *listener = wd_conn_listener(c->net);

    return listener->tls && !listener->hide_starttls && !wd_conn_is_tls(c->net);
}

/* RFC 2033 §4.1. The host's name is a label and is not checked. */
void
lmtp_cmd_lhlo(struct lmtp_conn *c, struct wd_str args)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    if (args.n > HELO_MAX || wd_str_chr(args, ' ') != SIZE_MAX) {
        lmtp_say(c, 501, "5.5.4", "LHLO takes one host name");
        return;
    }
    lmtp_conn_reset(c);
    c->said_hello = true;
    c->helo.n = 0;
    wd_buf_str(&c->helo, args);
    wd_buf_printf(&out, "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n",
                  c->server->options.hostname);
    if (offers_tls(c))
        wd_buf_c(&out, "250-STARTTLS\r\n");
    if (c->server->options.max_bytes)
        wd_buf_printf(&out, "250-SIZE %llu\r\n", (unsigned long long)c->server->options.max_bytes);
    wd_buf_c(&out, "250 ENHANCEDSTATUSCODES\r\n");
    wd_conn_write(c->net, wd_buf_view(&out));
}

/* RFC 2033 §4.1: an LMTP server must not take HELO or EHLO. */
void
lmtp_cmd_not_lmtp(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    lmtp_say(c, 500, "5.5.1", "This is LMTP: say LHLO");
}

void
lmtp_cmd_noop(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    lmtp_say(c, 250, "2.0.0", "OK");
}

void
lmtp_cmd_rset(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    lmtp_conn_reset(c);
    lmtp_say(c, 250, "2.0.0", "Flushed");
}

/* RFC 5321 §3.5.3: whether a recipient exists is said to RCPT only. */
void
lmtp_cmd_vrfy(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    lmtp_say(c, 252, "2.1.5", "Try to deliver and see");
}

void
lmtp_cmd_help(struct lmtp_conn *c, struct wd_str args)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    size_t n, i;
    const struct lmtp_command *commands = lmtp_commands(&n);

    (void)args;
    for (i = 0; i < n; i++)
        if (commands[i].help)
            wd_buf_printf(&out, "214-%s\r\n", commands[i].help);
    wd_buf_c(&out, "214 2.0.0 That is all\r\n");
    wd_conn_write(c->net, wd_buf_view(&out));
}

void
lmtp_cmd_quit(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    lmtp_say_last(c, 221, "2.0.0", "Bye");
}

/* RFC 3207 §4.2: afterwards the session starts over, and nothing that came before the handshake is used. */
void
lmtp_cmd_starttls(struct lmtp_conn *c, struct wd_str args)
{
    (void)args;
    if (wd_conn_is_tls(c->net)) {
        lmtp_say(c, 503, "5.5.1", "TLS is on already");
        return;
    }
    if (!offers_tls(c)) {
        lmtp_say(c, 502, "5.5.1", "TLS is not offered");
        return;
    }
    lmtp_say(c, 220, "2.0.0", "Go ahead");
    lmtp_conn_reset(c);
    c->said_hello = false;
    c->state = LMTP_SECURING;
    wd_conn_start_tls(c->net);
}
