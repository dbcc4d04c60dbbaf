/* frontends/lmtp/main.c – wd-lmtp: takes mail from an MTA by LMTP and hands it to wd-store. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/daemon/listen.h"
#include "frontends/lmtp/config.h"
#include "frontends/lmtp/server.h"

enum { HOSTNAME_MAX = 256 };

struct app {
    struct lmtp_server server;
    struct wd_daemon_listeners listeners;
    char hostname[HOSTNAME_MAX];
};

static void
fill_options(struct wd_daemon *d, struct app *app)
{
    const char *name = wd_daemon_string(d, "name");

    if (name)
        snprintf(app->hostname, sizeof app->hostname, "%s", name);
    else if (gethostname(app->hostname, sizeof app->hostname - 1) != 0)
        snprintf(app->hostname, sizeof app->hostname, "localhost");
    app->server.loop = d->loop;
    app->server.store = d->store;
    app->server.options = (struct lmtp_options){
        .hostname = app->hostname,
        .banner = wd_daemon_string(d, "banner"),
        .max_bytes = (uint64_t)wd_daemon_int(d, "maxMB") << 20,
        .max_recipients = (size_t)wd_daemon_int(d, "maxRecipients"),
        .idle_timeout_ms = (int)wd_daemon_int(d, "timeout") * 1000,
        .greet_delay_ms = (int)wd_daemon_int(d, "greetDelay"),
        .call_timeout_ms = (int)wd_daemon_int(d, "callTimeout") * 1000,
    };
}

static bool
start_listener(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    const struct wd_daemon_protocol lmtp = {
        .max_connections = "maxConnections",
        .refusal = "421 4.7.0 Too many connections\r\n",
        .proxy_refusal = "421 4.7.0 Bad PROXY header\r\n",
        .on_conn = lmtp_server_accept,
        .data = &app->server,
    };

    return wd_daemon_listen(d, &lmtp, &app->listeners, err);
}

static int64_t
ask_number(void *counter)
{
    return (int64_t)*(const uint64_t *)counter;
}

static int64_t
ask_open(void *server)
{
    return (int64_t)((const struct lmtp_server *)server)->conn_count;
}

static void
register_metrics(struct wd_metrics *m, struct lmtp_server *s)
{
    struct lmtp_counters *n = &s->counters;
    const struct {
        const char *name, *help;
        uint64_t *counter;
    } rows[] = {
        { "wd_lmtp_connections_total", "connections taken", &n->connections },
        { "wd_lmtp_messages_total", "messages received", &n->messages },
        { "wd_lmtp_bytes_total", "bytes of messages received", &n->bytes },
        { "wd_lmtp_recipients_accepted_total", "RCPT answered 250", &n->accepted },
        { "wd_lmtp_recipients_rejected_total", "RCPT answered otherwise", &n->rejected },
        { "wd_lmtp_stored_total", "deliveries answered 250", &n->stored },
        { "wd_lmtp_failed_total", "deliveries answered otherwise", &n->failed },
        { "wd_lmtp_early_talkers_total", "peers that talked before the greeting", &n->early_talkers },
        { "wd_lmtp_timeouts_total", "connections closed for silence", &n->timeouts },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        wd_metrics_ask(m, WD_COUNTER, rows[i].name, rows[i].help, NULL, ask_number, rows[i].counter);
    wd_metrics_ask(m, WD_GAUGE, "wd_lmtp_connections", "connections that are open", NULL, ask_open, s);
}

static bool
start(struct wd_daemon *d, struct wd_error *err)
{
    struct app *app = WD_NEW(struct app);

    d->app = app;
    fill_options(d, app);
    register_metrics(d->metrics, &app->server);
    return start_listener(d, app, err);
}

static void
drain(struct wd_daemon *d)
{
    struct app *app = d->app;

    wd_daemon_stop_listening(&app->listeners);
    lmtp_server_drain(&app->server);
}

static bool
drained(const struct wd_daemon *d)
{
    const struct app *app = d->app;

    return app->server.conn_count == 0;
}

static void
finish(struct wd_daemon *d)
{
    struct app *app = d->app;

    lmtp_server_close(&app->server);
    wd_daemon_unlisten(&app->listeners);
    free(app);
}

int
main(int argc, char **argv)
{
    static const struct wd_daemon_spec spec = {
        .program = "wd-lmtp",
        .section = "lmtp",
        .keys = lmtp_config_keys,
        .start = start,
        .drain = drain,
        .drained = drained,
        .finish = finish,
    };

    return wd_daemon_main(argc, argv, &spec);
}
