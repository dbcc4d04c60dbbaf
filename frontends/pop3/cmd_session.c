/* frontends/pop3/cmd_session.c – CAPA (RFC 2449), STLS (RFC 2595), UTF8 (RFC 6856), NOOP and QUIT (RFC 1939). */
#include "frontends/pop3/conn_priv.h"

static bool
offers_tls(const struct pop3_conn *c)
{
    const struct wd_listener_options *listener = wd_conn_listener(c->net);

    return listener->tls && !listener->hide_starttls && !wd_conn_is_private(c->net);
}

void
pop3_cmd_capa(struct pop3_conn *c, const struct pop3_args *args)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    bool logins = !c->logged_in && pop3_may_login(c);

    (void)args;
    wd_buf_c(&out, "+OK Capabilities follow\r\nTOP\r\nUIDL\r\n");
    if (logins)
        wd_buf_c(&out, "USER\r\n");
    wd_buf_c(&out, "RESP-CODES\r\nAUTH-RESP-CODE\r\n");
    if (logins)
        wd_buf_c(&out, "SASL PLAIN\r\n");
    wd_buf_c(&out, "PIPELINING\r\nUTF8\r\n");
    if (offers_tls(c))
        wd_buf_c(&out, "STLS\r\n");
    if (c->server->options.implementation)
        wd_buf_printf(&out, "IMPLEMENTATION %s\r\n", c->server->options.implementation);
    wd_buf_c(&out, ".\r\n");
    wd_conn_write(c->net, wd_buf_view(&out));
}

/* Also where it is not offered. What came before the handshake is forgotten, the name of USER too. */
void
pop3_cmd_stls(struct pop3_conn *c, const struct pop3_args *args)
{
    (void)args;
    if (wd_conn_is_private(c->net)) {
        pop3_bad(c, "TLS is on already");
    } else if (!wd_conn_listener(c->net)->tls) {
        pop3_bad(c, "TLS is not offered");
    } else {
        c->name.n = 0;
        pop3_ok(c, "Begin TLS");
        c->state = POP3_SECURING;
        wd_conn_start_tls(c->net);
    }
}

/* RFC 6856 §2: messages are sent as they are stored in either mode, so there is nothing to switch. */
void
pop3_cmd_utf8(struct pop3_conn *c, const struct pop3_args *args)
{
    (void)args;
    pop3_ok(c, "UTF8 enabled");
}

void
pop3_cmd_noop(struct pop3_conn *c, const struct pop3_args *args)
{
    (void)args;
    pop3_ok(c, "Nothing done");
}

void
pop3_cmd_quit(struct pop3_conn *c, const struct pop3_args *args)
{
    (void)args;
    if (c->logged_in) {
        pop3_update_start(c);
        return;
    }
    pop3_ok(c, "Bye");
    c->state = POP3_CLOSED;
}
