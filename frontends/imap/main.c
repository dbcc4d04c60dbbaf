/* frontends/imap/main.c – wd-imap: IMAP4rev1 as a translator to the store's RPC. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "common/daemon/daemon.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "frontends/imap/config.h"
#include "frontends/imap/conn.h"

enum { LISTENERS_MAX = 16, DRAIN_POLL_MS = 20 };

struct app {
    struct imap_server server;
    struct imap_options options;
    struct wd_subscriber *events;
    struct wd_listener_options listen[LISTENERS_MAX];
    struct wd_listener *listeners[LISTENERS_MAX];
    size_t listeners_n;
    struct event *poll; /* while draining: is anybody still there? */
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
        .timeout_ms = (int)wd_daemon_int(d, "timeout") * 1000,
        .idle_timeout_ms = (int)wd_daemon_int(d, "idleTimeout") * 1000,
        .poll_ms = (int)wd_daemon_int(d, "pollInterval") * 1000,
        .quotes = wd_config_list(d->config, "imap.quotes", NULL),
        .ignored_hosts = wd_config_list(d->config, "imap.ignoredHosts", NULL),
    };
}

/* What all listeners have in common. */
static struct wd_listener_options
common_options(struct wd_daemon *d, struct app *app)
{
    size_t proxies;
    const char *const *list = wd_config_list(d->config, "imap.useProxy", &proxies);

    return (struct wd_listener_options){
        .proxies = proxies ? list : NULL,
        .max_connections = (int)wd_daemon_int(d, "maxOpen"),
        .max_per_ip = (int)wd_daemon_int(d, "maxConnectionsPerIP"),
        .tls = d->tls,
        .refusal = "* BYE Too many connections\r\n",
        .proxy_refusal = "* BAD Invalid PROXY header\r\n",
        .on_conn = imap_conn_accept,
        .data = &app->server,
    };
}

static bool
write_port(struct wd_daemon *d, const struct app *app, struct wd_error *err)
{
    const char *file = wd_daemon_string(d, "portFile");
    FILE *f;

    if (!file)
        return true;
    f = fopen(file, "we");
    if (!f)
        return wd_fail(err, WD_INVALID, "imap.portFile %s: %m", file);
    fprintf(f, "%d\n", wd_listener_port(app->listeners[0]));
    return fclose(f) == 0 || wd_fail(err, WD_INVALID, "imap.portFile %s: %m", file);
}

static bool
listen_on(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    struct wd_listener_options *o = &app->listen[app->listeners_n];
    struct wd_listener *l = wd_listener_new(d->loop, o, err);

    if (!l)
        return false;
    app->listeners[app->listeners_n++] = l;
    wd_log(WD_LOG_INFO, "listening", WD_KV("host", o->host), WD_KV_INT("port", wd_listener_port(l)),
           WD_KV_BOOL("tls", o->secure));
    return true;
}

static bool
row_bool(const struct wd_config *c, size_t row, const char *field)
{
    const char *value = wd_config_row_string(c, "imap.interface", row, field);

    return value && strcasecmp(value, "true") == 0;
}

/* One row of [[imap.interface]]. */
static bool
fill_row(struct wd_daemon *d, size_t row, struct wd_listener_options *o, struct wd_error *err)
{
    const char *port = wd_config_row_string(d->config, "imap.interface", row, "port");
    const char *host = wd_config_row_string(d->config, "imap.interface", row, "host");
    uint32_t number;

    if (!port || !wd_str_u32(wd_str_c(port), 65535, &number))
        return wd_fail(err, WD_INVALID, "imap.interface: port is missing or wrong");
    o->host = host ? host : wd_daemon_string(d, "host");
    o->port = (int)number;
    o->secure = row_bool(d->config, row, "secure");
    o->secured = row_bool(d->config, row, "secured");
    o->hide_starttls = row_bool(d->config, row, "disableSTARTTLS");
    o->ignore_starttls = row_bool(d->config, row, "ignoreSTARTTLS");
    if (o->secure && !o->tls)
        return wd_fail(err, WD_INVALID, "imap.interface: secure needs a certificate: set tls.cert");
    return true;
}

static bool
start_listeners(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    size_t rows = wd_config_rows(d->config, "imap.interface");
    struct wd_listener_options *o = &app->listen[0];

    if (!wd_daemon_bool(d, "enabled")) {
        wd_log(WD_LOG_INFO, "imap.enabled is off: not listening", WD_KV_NONE);
        return true;
    }
    *o = common_options(d, app);
    o->host = wd_daemon_string(d, "host");
    o->port = (int)wd_daemon_int(d, "port");
    o->secured = wd_daemon_bool(d, "secured");
    o->secure = wd_daemon_bool(d, "secure") && !o->secured;
    o->hide_starttls = wd_daemon_bool(d, "disableSTARTTLS");
    o->ignore_starttls = wd_daemon_bool(d, "ignoreSTARTTLS");
    if (!listen_on(d, app, err))
        return false;
    for (size_t row = 0; row < rows; row++) {
        if (!row_bool(d->config, row, "enabled"))
            continue;
        if (app->listeners_n == LISTENERS_MAX)
            return wd_fail(err, WD_INVALID, "imap.interface: at most %d", LISTENERS_MAX - 1);
        o = &app->listen[app->listeners_n];
        *o = common_options(d, app);
        if (!fill_row(d, row, o, err) || !listen_on(d, app, err))
            return false;
    }
    return write_port(d, app, err);
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

/* The last connection has gone, and its place was given back. */
static void
poll_drained(evutil_socket_t fd, short what, void *data)
{
    struct wd_daemon *d = data;
    const struct app *app = d->app;

    (void)fd;
    (void)what;
    if (app->server.conns_n == 0 && !app->server.pending_logins)
        wd_daemon_done(d);
}

static void
drain(struct wd_daemon *d)
{
    struct app *app = d->app;
    struct timeval often = { .tv_usec = DRAIN_POLL_MS * 1000 };

    for (size_t i = 0; i < app->listeners_n; i++)
        wd_listener_stop(app->listeners[i]);
    imap_server_stop(&app->server, "Server shutting down");
    app->poll = event_new(d->loop, -1, EV_PERSIST, poll_drained, d);
    if (!app->poll)
        abort();
    event_add(app->poll, &often);
}

static void
finish(struct wd_daemon *d)
{
    struct app *app = d->app;

    if (app->poll)
        event_free(app->poll);
    imap_server_done(&app->server);
    for (size_t i = 0; i < app->listeners_n; i++)
        wd_listener_free(app->listeners[i]);
    wd_subscriber_free(app->events);
    free(app);
}

int
main(int argc, char **argv)
{
    static const struct wd_daemon_spec spec = { .program = "wd-imap",
                                                .section = "imap",
                                                .keys = imap_config_keys,
                                                .start = start,
                                                .drain = drain,
                                                .finish = finish };

    return wd_daemon_main(argc, argv, &spec);
}
