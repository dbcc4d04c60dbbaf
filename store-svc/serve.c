#include "store-svc/serve.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/admin/admin.h"
#include "common/admin/notify.h"
#include "common/admin/signals.h"
#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "common/rpc/server.h"
#include "store-svc/housekeeping.h"
#include "store-svc/publish.h"
#include "store-svc/ready.h"
#include "store-svc/rpc/access.h"
#include "store-svc/rpc/services.h"

enum { METHODS_MAX = 128, DRAIN_MS = 300, GRACE_MS = 5000, HOUSEKEEPING_GRACE_MS = 2000, READY_GRACE_MS = 500 };

/* One row of wd_rpc_server_stats() as the data of its metrics. */
struct method_row {
    const struct wd_rpc_server *server;
    size_t index;
};

struct serving {
    struct wd_domain *domain;
    const struct store_settings *settings;
    struct event_base *loop;
    struct event *drained;
    struct wd_signals *signals;
    struct wd_publisher *publisher;
    struct store_publisher feed;
    struct wd_rpc_server *server;
    struct store_housekeeping *housekeeping;
    struct store_ready *ready;
    struct wd_metrics *metrics;
    struct wd_admin *admin;
    struct method_row methods[METHODS_MAX];
    bool draining;
};

/* ---- metrics and readiness ---- */

static struct wd_rpc_method_stats
stats_of(const struct method_row *row)
{
    struct wd_rpc_method_stats all[METHODS_MAX];

    wd_rpc_server_stats(row->server, all, METHODS_MAX);
    return all[row->index];
}

static int64_t
ask_calls(void *data)
{
    return (int64_t)stats_of(data).calls;
}

static int64_t
ask_failures(void *data)
{
    return (int64_t)stats_of(data).failures;
}

static int64_t
ask_microseconds(void *data)
{
    return (int64_t)stats_of(data).microseconds;
}

static void
make_metrics(struct serving *s)
{
    static const struct {
        const char *name, *help;
        int64_t (*ask)(void *data);
    } series[] = {
        { "wd_store_calls_total", "calls served", ask_calls },
        { "wd_store_call_failures_total", "calls answered with an error", ask_failures },
        { "wd_store_call_microseconds_total", "time spent in calls", ask_microseconds },
    };
    struct wd_rpc_method_stats all[METHODS_MAX];
    size_t n = wd_rpc_server_stats(s->server, all, METHODS_MAX);

    s->metrics = wd_metrics_new();
    for (size_t i = 0; i < WD_COUNT(series); i++)
        for (size_t j = 0; j < n && j < METHODS_MAX; j++) {
            s->methods[j] = (struct method_row){ s->server, j };
            wd_metrics_ask(s->metrics, WD_COUNTER, series[i].name, series[i].help,
                           WD_LABELS({ "method", all[j].method }), series[i].ask, &s->methods[j]);
        }
}

static bool
is_ready(void *data, struct wd_error *why)
{
    const struct serving *s = data;

    if (s->draining)
        return wd_fail(why, WD_UNAVAILABLE, "draining");
    return store_ready_ask(s->ready, why);
}

static bool
start_admin(struct serving *s, struct wd_error *err)
{
    struct wd_admin_options o = {
        .host = s->settings->admin_host,
        .port = s->settings->admin_port,
        .metrics = s->metrics,
        .ready = is_ready,
        .data = s,
    };

    if (o.port < 0)
        return true;
    s->ready = store_ready_start(s->domain);
    s->admin = wd_admin_new(s->loop, &o, err);
    return s->admin != NULL;
}

/* ---- signals ---- */

static void
on_drained(evutil_socket_t fd, short what, void *data)
{
    struct serving *s = data;

    (void)fd;
    (void)what;
    event_base_loopbreak(s->loop);
}

/* First every reply says "draining", so that callers go elsewhere; a moment later the sockets close. */
static void
on_stop(void *data)
{
    static const struct timeval moment = { 0, DRAIN_MS * 1000 };
    struct serving *s = data;

    if (s->draining) {
        event_base_loopbreak(s->loop);
        return;
    }
    s->draining = true;
    wd_notify_stopping();
    wd_log(WD_LOG_INFO, "stopping", WD_KV_NONE);
    wd_rpc_server_drain(s->server);
    evtimer_add(s->drained, &moment);
}

static void
on_reload(void *data)
{
    const struct serving *s = data;

    wd_notify_reloading();
    if (s->settings->tls.certificate_file)
        wd_log(WD_LOG_WARN, "certificates of tls+tcp:// are read at the start only", WD_KV_NONE);
    wd_notify_ready();
}

/* ---- start and end ---- */

static bool
start_publisher(struct serving *s, struct wd_error *err)
{
    const struct store_settings *o = s->settings;
    struct wd_publisher_options options = {
        .urls = o->events,
        .ipc_mode = o->ipc_mode,
        .allow_plain_tcp = o->allow_plain_tcp,
        .tls = o->tls,
    };

    s->publisher = wd_publisher_open(&options, err);
    s->feed = (struct store_publisher){ s->domain, s->publisher };
    return s->publisher && store_publish_start(&s->feed, err);
}

static bool
start_server(struct serving *s, struct wd_error *err)
{
    const struct store_settings *o = s->settings;
    struct wd_rpc_server_options options = {
        .urls = o->listen,
        .services = wd_store_services(),
        .authorize = wd_access_authorize,
        .app = s->domain,
        .workers = o->workers,
        .ipc_mode = o->ipc_mode,
        .allow_plain_tcp = o->allow_plain_tcp,
        .tls = o->tls,
    };

    s->server = wd_rpc_server_start(&options, err);
    return s->server != NULL;
}

static bool
start(struct serving *s, struct wd_error *err)
{
    static const struct wd_signals_calls calls = { .on_stop = on_stop, .on_reload = on_reload };

    s->loop = event_base_new();
    s->drained = evtimer_new(s->loop, on_drained, s);
    s->signals = wd_signals_new(s->loop, &calls, s);
    if (!start_publisher(s, err) || !start_server(s, err))
        return false;
    make_metrics(s);
    if (!start_admin(s, err))
        return false;
    s->housekeeping = store_housekeeping_start(s->domain);
    wd_log(WD_LOG_INFO, "serving", WD_KV("listen", s->settings->listen[0]), WD_KV("events", s->settings->events[0]),
           WD_KV("data", s->settings->data_dir), WD_KV_INT("admin_port", s->admin ? wd_admin_port(s->admin) : -1),
           WD_KV("version", WD_VERSION));
    wd_notify_ready();
    return true;
}

/* The bus still delivers to the publisher until it is closed, so the publisher is closed by its owner's end only. */
static bool
stop(struct serving *s)
{
    bool idle = store_housekeeping_stop(s->housekeeping, HOUSEKEEPING_GRACE_MS);

    wd_admin_free(s->admin);
    idle = store_ready_stop(s->ready, READY_GRACE_MS) && idle;
    wd_rpc_server_stop(s->server, GRACE_MS);
    wd_metrics_free(s->metrics);
    wd_signals_free(s->signals);
    if (s->drained)
        event_free(s->drained);
    if (s->loop)
        event_base_free(s->loop);
    return idle;
}

bool
store_serve(struct wd_domain *d, const struct store_settings *settings, bool *busy, struct wd_error *err)
{
    struct serving *s = WD_NEW(struct serving);
    bool ok;

    s->domain = d;
    s->settings = settings;
    ok = start(s, err);
    if (ok)
        event_base_dispatch(s->loop);
    *busy = !stop(s);
    if (*busy)
        return ok;
    /* Nobody publishes any more; the subscription ends with the bus. */
    wd_bus_close(d->bus);
    d->bus = NULL;
    wd_publisher_close(s->publisher);
    free(s);
    return ok;
}
