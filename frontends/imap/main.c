/* frontends/imap/main.c – wd-imap: IMAP4rev1 as a translator to the store's RPC. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/daemon/listen.h"
#include "common/log/log.h"
#include "frontends/imap/config.h"
#include "frontends/imap/conn.h"

struct app {
    struct imap_server server;
    struct imap_options options;
    struct wd_subscriber *events;
    struct wd_daemon_listeners listeners;
};

static void
fill_options(struct wd_daemon *d, struct imap_options *o)
{
    *o = (struct imap_options){
        .name = wd_daemon_string(d, "name"),
        .version = wd_daemon_string(d, "version"),
        .vendor = wd_daemon_string(d, "vendor"),
        .append_max = (uint64_t)wd_daemon_int(d, "maxMB") << 20,
        .compression = wd_daemon_bool(d, "enableCompression"),
        .renames_leave_children = wd_daemon_bool(d, "renameLeavesChildren"),
        .auto_expunge = wd_daemon_bool(d, "autoExpunge"),
        .timeout_ms = (int)wd_daemon_int(d, "timeout") * 1000,
        .idle_timeout_ms = (int)wd_daemon_int(d, "idleTimeout") * 1000,
        .poll_ms = (int)wd_daemon_int(d, "pollInterval") * 1000,
        .quotes = wd_config_list(d->config, "imap.quotes", NULL),
        .ignored_hosts = wd_config_list(d->config, "imap.ignoredHosts", NULL),
    };
}

static bool
start_listeners(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    const struct wd_daemon_protocol imap = {
        .logins = true,
        .max_connections = "maxOpen",
        .refusal = "* BYE Too many connections\r\n",
        .proxy_refusal = "* BAD Invalid PROXY header\r\n",
        .on_conn = imap_conn_accept,
        .data = &app->server,
    };

    if (wd_daemon_bool(d, "enabled"))
        return wd_daemon_listen(d, &imap, &app->listeners, err);
    wd_log(WD_LOG_INFO, "imap.enabled is off: not listening", WD_KV_NONE);
    return true;
}

static bool
start_events(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    struct wd_subscriber_options o = {
        .urls = wd_config_list(d->config, "store.events", NULL),
        .tls = { wd_config_string(d->config, "store.tls.ca"), wd_config_string(d->config, "store.tls.cert"),
                 wd_config_string(d->config, "store.tls.serverName") },
        .on_beacon = imap_server_beacon,
        .on_gap = imap_server_gap,
        .data = &app->server,
    };

    if (!o.urls || !o.urls[0])
        return true; /* polling alone */
    app->events = wd_subscriber_new(d->loop, &o, err);
    app->server.events = app->events;
    return app->events != NULL;
}

static int64_t
ask_number(void *counter)
{
    return (int64_t)*(const uint64_t *)counter;
}

static int64_t
ask_open(void *server)
{
    return (int64_t)((const struct imap_server *)server)->conns_n;
}

static int64_t
ask_sessions(void *server)
{
    return (int64_t)((const struct imap_server *)server)->users_n;
}

static void
register_metrics(struct wd_daemon *d, struct imap_server *s)
{
    const struct {
        const char *name, *help;
        uint64_t *counter;
    } rows[] = {
        { "wd_imap_logins_total", "logins that were let in", &s->logins },
        { "wd_imap_refused_logins_total", "logins that were refused", &s->refused_logins },
        { "wd_imap_commands_total", "commands that were run", &s->commands },
        { "wd_imap_bad_commands_total", "BAD answers", &s->bad_commands },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        wd_metrics_ask(d->metrics, WD_COUNTER, rows[i].name, rows[i].help, NULL, ask_number, rows[i].counter);
    wd_metrics_ask(d->metrics, WD_GAUGE, "wd_imap_connections", "connections that are open", NULL, ask_open, s);
    wd_metrics_ask(d->metrics, WD_GAUGE, "wd_imap_sessions", "connections that are logged in", NULL, ask_sessions, s);
}

static bool
start(struct wd_daemon *d, struct wd_error *err)
{
    struct app *app = WD_NEW(struct app);

    d->app = app;
    fill_options(d, &app->options);
    imap_server_init(&app->server, d->loop, d->store, &app->options);
    register_metrics(d, &app->server);
    return start_events(d, app, err) && start_listeners(d, app, err);
}

static void
drain(struct wd_daemon *d)
{
    struct app *app = d->app;

    wd_daemon_stop_listening(&app->listeners);
    imap_server_stop(&app->server, "Server shutting down");
}

static bool
drained(const struct wd_daemon *d)
{
    const struct app *app = d->app;

    return app->server.conns_n == 0 && !app->server.pending_logins && !app->server.autoexpunges;
}

static void
finish(struct wd_daemon *d)
{
    struct app *app = d->app;

    imap_server_done(&app->server);
    wd_daemon_unlisten(&app->listeners);
    wd_subscriber_free(app->events);
    free(app);
}

int
main(int argc, char **argv)
{
    static const struct wd_daemon_spec spec = {
        .program = "wd-imap",
        .section = "imap",
        .keys = imap_config_keys,
        .start = start,
        .drain = drain,
        .drained = drained,
        .finish = finish,
    };

    return wd_daemon_main(argc, argv, &spec);
}
