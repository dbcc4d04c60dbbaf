/* frontends/http/main.c – wd-http: the HTTP API as a translator to the store's RPC. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/daemon/daemon.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "frontends/http/config.h"
#include "frontends/http/conn.h"
#include "frontends/http/event_stream.h"

struct app {
    struct http_server server;
    struct wd_listener_options listen;
    struct wd_listener *listener;
};

static int64_t
ask_requests(void *data)
{
    const struct http_server *server = data;

    return (int64_t)server->requests;
}

static int64_t
ask_failures(void *data)
{
    const struct http_server *server = data;

    return (int64_t)server->failures;
}

static int64_t
ask_connections(void *data)
{
    const struct http_server *server = data;

    return (int64_t)server->conn_count;
}

static int64_t
ask_streams(void *data)
{
    const struct http_server *server = data;

    return (int64_t)server->streams;
}

static void
register_metrics(struct wd_metrics *m, struct http_server *s)
{
    wd_metrics_ask(m, WD_COUNTER, "wd_http_requests_total", "HTTP requests", NULL, ask_requests, s);
    wd_metrics_ask(m, WD_COUNTER, "wd_http_failures_total", "of these, answered with an error", NULL, ask_failures, s);
    wd_metrics_ask(m, WD_GAUGE, "wd_http_connections", "connections that are open", NULL, ask_connections, s);
    wd_metrics_ask(m, WD_GAUGE, "wd_http_event_streams", "of these, streams of events", NULL, ask_streams, s);
}

static void
fill_options(struct wd_daemon *d, struct http_options *o)
{
    *o = (struct http_options){
        .access_token = wd_daemon_string(d, "accessToken"),
        .access_control = wd_daemon_bool(d, "accessControl.enabled"),
        .origins = wd_config_list(d->config, "api.cors.origins", NULL),
        .token_ttl_s = (uint32_t)wd_daemon_int(d, "accessControl.tokenTTL"),
        .token_lifetime_s = (uint32_t)wd_daemon_int(d, "accessControl.tokenLifetime"),
        .call_timeout_ms = (int)wd_daemon_int(d, "callTimeout") * 1000,
        .timeout_ms = (int)wd_daemon_int(d, "timeout") * 1000,
        .max_body_bytes = (size_t)wd_daemon_int(d, "maxBodyKB") * 1024,
        .max_message_bytes = (size_t)wd_daemon_int(d, "maxMessageMB") << 20,
        .max_held_bytes = (size_t)wd_daemon_int(d, "maxHeldMB") << 20,
    };
}

static bool
start_events(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    struct wd_subscriber_options o = {
        .urls = wd_config_list(d->config, "store.events", NULL),
        .tls = { wd_config_string(d->config, "store.tls.ca"), wd_config_string(d->config, "store.tls.cert"),
                 wd_config_string(d->config, "store.tls.serverName") },
    };

    app->server.events = http_events_new(d->loop, &o, err);
    return app->server.events != NULL;
}

static bool
start_listener(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    size_t proxies;
    const char *const *list = wd_config_list(d->config, "api.useProxy", &proxies);

    app->listen = (struct wd_listener_options){
        .host = wd_daemon_string(d, "host"),
        .port = (int)wd_daemon_int(d, "port"),
        .secure = wd_daemon_bool(d, "secure"),
        .proxies = proxies ? list : NULL,
        .max_connections = (int)wd_daemon_int(d, "maxConnections"),
        .max_per_ip = (int)wd_daemon_int(d, "maxConnectionsPerIP"),
        .tls = d->tls,
        .on_conn = http_conn_accept,
        .data = &app->server,
    };
    if (app->listen.secure && !app->listen.tls)
        return wd_fail(err, WD_INVALID, "api.secure needs a certificate: set api.tls.cert");
    app->listener = wd_listener_new(d->loop, &app->listen, err);
    if (app->listener)
        wd_log(WD_LOG_INFO, "listening", WD_KV("host", app->listen.host),
               WD_KV_INT("port", wd_listener_port(app->listener)));
    return app->listener != NULL;
}

static bool
start(struct wd_daemon *d, struct wd_error *err)
{
    struct app *app = WD_NEW(struct app);

    d->app = app;
    app->server = (struct http_server){ .routes = http_routes(), .store = d->store, .loop = d->loop };
    fill_options(d, &app->server.options);
    register_metrics(d->metrics, &app->server);
    app->server.roles = http_roles_new(wd_daemon_string(d, "roles"), err);
    return app->server.roles && start_events(d, app, err) && start_listener(d, app, err);
}

static void
drain(struct wd_daemon *d)
{
    struct app *app = d->app;

    wd_listener_stop(app->listener);
    http_server_drain(&app->server);
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

    http_server_close(&app->server);
    http_events_free(app->server.events);
    http_roles_free(app->server.roles);
    wd_listener_free(app->listener);
    free(app);
}

int
main(int argc, char **argv)
{
    static const struct wd_daemon_spec spec = {
        .program = "wd-http",
        .section = "api",
        .keys = http_config_keys,
        .start = start,
        .drain = drain,
        .drained = drained,
        .finish = finish,
    };

    return wd_daemon_main(argc, argv, &spec);
}
