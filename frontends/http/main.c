/* frontends/http/main.c – wd-http: the HTTP API as a translator to the store's RPC. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/daemon/daemon.h"
#include "common/log/log.h"
#include "frontends/http/config.h"
#include "frontends/http/listen.h"

struct app {
    struct http_server server;
    struct http_listener *listener;
};

static int64_t
requests(void *data)
{
    const struct http_server *server = data;

    return (int64_t)server->requests;
}

static bool
start(struct wd_daemon *d, struct wd_error *err)
{
    struct app *app = WD_NEW(struct app);
    struct http_listen_options o = {
        .host = wd_daemon_string(d, "host"),
        .port = (int)wd_daemon_int(d, "port"),
        .tls = wd_daemon_bool(d, "secure") ? d->tls : NULL,
        .max_body_bytes = (size_t)wd_daemon_int(d, "maxBodyKB") * 1024,
        .timeout_s = (int)wd_daemon_int(d, "timeout"),
    };

    d->app = app;
    app->server = (struct http_server){ .store = d->store,
                                        .access_token = wd_daemon_string(d, "accessToken"),
                                        .timeout_ms = (int)wd_daemon_int(d, "callTimeout") * 1000 };
    wd_metrics_ask(d->metrics, WD_COUNTER, "wd_http_requests_total", "HTTP requests", NULL, requests, &app->server);
    app->listener = http_listen(d->loop, &o, &app->server, err);
    if (app->listener)
        wd_log(WD_LOG_INFO, "listening", WD_KV("host", o.host), WD_KV_INT("port", o.port));
    return app->listener != NULL;
}

static void
drain(struct wd_daemon *d)
{
    struct app *app = d->app;

    http_listen_stop(app->listener);
}

static bool
drained(const struct wd_daemon *d)
{
    const struct app *app = d->app;

    return app->server.calls == 0;
}

static void
finish(struct wd_daemon *d)
{
    struct app *app = d->app;

    http_listen_free(app->listener);
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
