#include "store-svc/wait.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/signals.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/open.h"

enum { PAUSE_FIRST_MS = 250, PAUSE_LAST_MS = 5000 };

struct waiting {
    const struct store_settings *settings;
    struct wd_domain *domain; /* the opening thread's until it is done */
    int done[2];              /* a pipe: the thread writes when it has an outcome */
    bool ok;
    struct wd_error outcome;
    pthread_mutex_t lock; /* guards last */
    struct wd_error last; /* why we still wait */
};

static bool
may_pass(const struct wd_error *err)
{
    return wd_reason_info(err->reason)->status == WD_STATUS_UNAVAILABLE;
}

/* One more try; true when there is nothing more to try. */
static bool
try_open(struct waiting *w, int64_t until_ms)
{
    struct wd_error err;

    w->ok = store_open(w->settings, w->domain, &err);
    if (w->ok)
        return true;
    if (!may_pass(&err) || wd_mono_ms() >= until_ms) {
        w->outcome = err;
        return true;
    }
    wd_log_error(WD_LOG_WARN, "waiting for a database", &err,
                 WD_KV_INT("seconds_left", (until_ms - wd_mono_ms()) / 1000));
    pthread_mutex_lock(&w->lock);
    w->last = err;
    pthread_mutex_unlock(&w->lock);
    return false;
}

static void *
run_open(void *data)
{
    struct waiting *w = data;
    int64_t until_ms = wd_mono_ms() + w->settings->connect_wait_ms, pause_ms = PAUSE_FIRST_MS;

    while (!try_open(w, until_ms)) {
        int64_t left_ms = until_ms - wd_mono_ms();
        int64_t ms = pause_ms < left_ms ? pause_ms : left_ms > 0 ? left_ms : 0;
        struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
        nanosleep(&pause, NULL);
        pause_ms = pause_ms * 2 < PAUSE_LAST_MS ? pause_ms * 2 : PAUSE_LAST_MS;
    }
    if (write(w->done[1], "", 1) != 1)
        abort(); /* a pipe that nobody wrote to before */
    return NULL;
}

static bool
is_ready(void *data, struct wd_error *why)
{
    struct waiting *w = data;

    pthread_mutex_lock(&w->lock);
    *why = w->last;
    pthread_mutex_unlock(&w->lock);
    return wd_fail_in(why, "waiting for a database");
}

/* A driver may be deep in a call that can not be cut off; nothing is open yet that needs an end. */
static void
on_stop(void *data)
{
    (void)data;
    wd_log(WD_LOG_INFO, "stopping before the databases were open", WD_KV_NONE);
    _exit(EXIT_SUCCESS);
}

static void
on_reload(void *data)
{
    (void)data;
}

static void
on_done(evutil_socket_t fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(loop);
}

/* The admin port, if one is wanted. */
static bool
start_admin(struct waiting *w, struct event_base *loop, struct wd_admin **out, struct wd_error *err)
{
    struct wd_admin_options o = {
        .host = w->settings->admin_host,
        .port = w->settings->admin_port,
        .ready = is_ready,
        .data = w,
    };

    *out = o.port < 0 ? NULL : wd_admin_new(loop, &o, err);
    return o.port < 0 || *out;
}

/* Runs the loop until the pipe says that the thread is done. */
static bool
open_beside(struct waiting *w, struct event_base *loop, struct wd_error *err)
{
    struct event *done = event_new(loop, w->done[0], EV_READ, on_done, loop);
    pthread_t thread;

    event_add(done, NULL);
    if (pthread_create(&thread, NULL, run_open, w) != 0)
        abort(); /* no thread at the start: nothing else would work either */
    event_base_dispatch(loop);
    pthread_join(thread, NULL);
    event_free(done);
    if (!w->ok)
        *err = w->outcome;
    return w->ok;
}

static bool
wait_on(struct waiting *w, struct wd_error *err)
{
    static const struct wd_signals_calls calls = { .on_stop = on_stop, .on_reload = on_reload };
    struct event_base *loop = event_base_new();
    struct wd_signals *signals = wd_signals_new(loop, &calls, w);
    struct wd_admin *admin;
    bool ok = start_admin(w, loop, &admin, err) && open_beside(w, loop, err);

    wd_admin_free(admin);
    wd_signals_free(signals);
    event_base_free(loop);
    return ok;
}

bool
store_open_waiting(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    struct waiting w = { .settings = s, .domain = d };
    bool ok;

    if (!store_open_check(s, err))
        return false;
    if (pipe(w.done) != 0)
        return wd_fail(err, WD_UNAVAILABLE, "no pipe: %s", strerror(errno));
    pthread_mutex_init(&w.lock, NULL);
    wd_fail(&w.last, WD_UNAVAILABLE, "connecting");
    ok = wait_on(&w, err);
    pthread_mutex_destroy(&w.lock);
    close(w.done[0]);
    close(w.done[1]);
    return ok;
}
