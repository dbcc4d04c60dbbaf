#include "frontends/imap/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "frontends/imap/autoexpunge.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/login.h"
#include "frontends/imap/notify.h"

static void
on_tick(evutil_socket_t fd, short what, void *data)
{
    struct imap_server *s = data;
    int64_t now = wd_mono_ms();
    struct imap_conn *next;

    (void)fd;
    (void)what;
    for (struct imap_conn *c = s->conns; c; c = next) {
        next = c->next;
        imap_conn_tick(c, now);
    }
    imap_notify_tick(s, now);
}

void
imap_server_init(struct imap_server *s, struct event_base *loop, struct wd_rpc_client *rpc,
                 const struct imap_options *o)
{
    struct timeval second = { .tv_sec = 1 };

    s->loop = loop;
    s->rpc = rpc;
    s->options = o;
    s->started_ms = wd_now_ms();
    s->polled_ms = wd_mono_ms();
    wd_id_hex(wd_id_new(), s->instance);
    s->tick = event_new(loop, -1, EV_PERSIST, on_tick, s);
    if (!s->tick)
        abort();
    event_add(s->tick, &second);
}

void
imap_server_stop(struct imap_server *s, const char *why)
{
    struct imap_conn *next;

    s->stopping = true;
    for (struct imap_conn *c = s->conns; c; c = next) {
        next = c->next;
        imap_conn_bye(c, why);
        imap_conn_step(c);
    }
}

void
imap_server_done(struct imap_server *s)
{
    while (s->conns)
        imap_conn_free(s->conns);
    imap_notify_done(s);
    imap_login_abandon(s);
    imap_autoexpunge_abandon(s);
    if (s->tick)
        event_free(s->tick);
    s->tick = NULL;
    wd_buf_done(&s->scratch);
}

/* When a capability is shown. */
enum when {
    OUT = 1,        /* before a login */
    IN = 2,         /* after it */
    STARTTLS = 4,   /* only on a plain connection that may become TLS */
    NO_LOGIN = 8,   /* only where a password would be refused */
    DEFLATE = 16,
};

/* In the order in which they are sent. */
static const struct {
    const char *name;
    unsigned when;
} capabilities[] = {
    { "AUTH=PLAIN", OUT },
    { "AUTH=PLAIN-CLIENTTOKEN", OUT },
    { "CHILDREN", OUT | IN },
    { "COMPRESS=DEFLATE", IN | DEFLATE },
    { "CONDSTORE", IN },
    { "ENABLE", OUT | IN },
    { "ID", OUT | IN },
    { "IDLE", OUT | IN },
    { "LITERAL+", OUT | IN },
    { "LOGINDISABLED", OUT | IN | NO_LOGIN },
    { "MOVE", IN },
    { "NAMESPACE", OUT | IN },
    { "QUOTA", OUT | IN },
    { "SASL-IR", OUT },
    { "SPECIAL-USE", IN },
    { "STARTTLS", OUT | IN | STARTTLS },
    { "UIDPLUS", IN },
    { "UNSELECT", OUT | IN },
    { "UTF8=ACCEPT", IN },
    { "XLIST", OUT | IN },
};

void
imap_capabilities(const struct imap_conn *c, struct wd_buf *out)
{
    const struct imap_options *o = c->server->options;
    bool starttls = !wd_conn_is_private(c->net) && !wd_conn_listener(c->net)->hide_starttls;
    unsigned missing = (starttls ? 0 : STARTTLS) | (imap_conn_may_login(c) ? NO_LOGIN : 0) |
                       (o->compression ? 0 : DEFLATE);

    wd_buf_c(out, "IMAP4rev1");
    if (c->logged_in)
        wd_buf_printf(out, " APPENDLIMIT=%llu", (unsigned long long)o->append_max);
    for (size_t i = 0; i < WD_COUNT(capabilities); i++) {
        if (!(capabilities[i].when & (c->logged_in ? IN : OUT)) || (capabilities[i].when & missing))
            continue;
        wd_buf_chr(out, ' ');
        wd_buf_c(out, capabilities[i].name);
    }
}
