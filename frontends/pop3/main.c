/* frontends/pop3/main.c – wd-pop3: lets POP3 clients fetch the mail of INBOX from wd-store. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/daemon/listen.h"
#include "common/log/log.h"
#include "frontends/pop3/config.h"
#include "frontends/pop3/server.h"

struct app {
    struct pop3_server server;
    struct wd_daemon_listeners listeners;
    struct wd_buf implementation;
};

static const char *
implementation(struct wd_daemon *d, struct app *app)
{
    if (wd_daemon_bool(d, "disableVersionString"))
        return NULL;
    wd_buf_printf(&app->implementation, "wd-v%s", wd_daemon_string(d, "version"));
    wd_buf_chr(&app->implementation, '\0');
    return app->implementation.p;
}

static void
fill_options(struct wd_daemon *d, struct app *app)
{
    app->server.loop = d->loop;
    app->server.store = d->store;
    app->server.options = (struct pop3_options){
        .name = wd_daemon_string(d, "name"),
        .implementation = implementation(d, app),
        .idle_timeout_ms = (int)wd_daemon_int(d, "timeout") * 1000,
        .call_timeout_ms = (int)wd_daemon_int(d, "callTimeout") * 1000,
        .ignored_hosts = wd_config_list(d->config, "pop3.ignoredHosts", NULL),
    };
}

static bool
start_listeners(struct wd_daemon *d, struct app *app, struct wd_error *err)
{
    const struct wd_daemon_protocol pop3 = {
        .logins = true,
        .max_connections = "maxConnections",
        .refusal = "-ERR [SYS/TEMP] Too many connections\r\n",
        .proxy_refusal = "-ERR Bad PROXY header\r\n",
        .on_conn = pop3_server_accept,
        .data = &app->server,
    };

    if (wd_daemon_bool(d, "enabled"))
        return wd_daemon_listen(d, &pop3, &app->listeners, err);
    wd_log(WD_LOG_INFO, "pop3.enabled is off: not listening", WD_KV_NONE);
    return true;
}

static int64_t
ask_number(void *counter)
{
    return (int64_t)*(const uint64_t *)counter;
}

static int64_t
ask_open(void *server)
{
    return (int64_t)((const struct pop3_server *)server)->conn_count;
}

static void
register_metrics(struct wd_metrics *m, struct pop3_server *s)
{
    struct pop3_counters *n = &s->counters;
    const struct {
        const char *name, *help;
        uint64_t *counter;
    } rows[] = {
        { "wd_pop3_connections_total", "connections taken", &n->connections },
        { "wd_pop3_logins_total", "logins that were let in", &n->logins },
        { "wd_pop3_refused_logins_total", "logins that were refused", &n->refused_logins },
        { "wd_pop3_commands_total", "commands that were run", &n->commands },
        { "wd_pop3_bad_commands_total", "commands that were no good", &n->bad_commands },
        { "wd_pop3_messages_total", "messages sent by RETR", &n->messages },
        { "wd_pop3_bytes_total", "bytes of messages sent", &n->bytes },
        { "wd_pop3_deleted_total", "messages removed at QUIT", &n->deleted },
        { "wd_pop3_failed_updates_total", "QUITs whose changes failed", &n->failed_updates },
        { "wd_pop3_timeouts_total", "connections closed for silence", &n->timeouts },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        wd_metrics_ask(m, WD_COUNTER, rows[i].name, rows[i].help, NULL, ask_number, rows[i].counter);
    wd_metrics_ask(m, WD_GAUGE, "wd_pop3_connections", "connections that are open", NULL, ask_open, s);
}

static bool
start(struct wd_daemon *d, struct wd_error *err)
{
    struct app *app = WD_NEW(struct app);

    d->app = app;
    fill_options(d, app);
    register_metrics(d->metrics, &app->server);
    return start_listeners(d, app, err);
}

static void
drain(struct wd_daemon *d)
{
    struct app *app = d->app;

    wd_daemon_stop_listening(&app->listeners);
    pop3_server_drain(&app->server);
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

    pop3_server_close(&app->server);
    wd_daemon_unlisten(&app->listeners);
    wd_buf_done(&app->implementation);
    free(app);
}

int
main(int argc, char **argv)
{
    static const struct wd_daemon_spec spec = {
        .program = "wd-pop3",
        .section = "pop3",
        .keys = pop3_config_keys,
        .start = start,
        .drain = drain,
        .drained = drained,
        .finish = finish,
    };

    return wd_daemon_main(argc, argv, &spec);
}
