#include "store-svc/housekeeping.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/domain/maintenance.h"
#include "store-svc/domain/mend.h"
#include "store-svc/domain/recount.h"

static const int64_t tick_ms = 5 * 1000, expire_ms = 60 * 1000, round_ms = 15 * 60 * 1000;

struct store_housekeeping {
    struct wd_domain *domain;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t wake;
    bool stop;
};

static struct timespec
from_now(int64_t ms, clockid_t clock)
{
    struct timespec at;

    clock_gettime(clock, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Waits; false when it is time to stop. */
static bool
pause_for(struct store_housekeeping *h, int64_t ms)
{
    struct timespec until = from_now(ms, CLOCK_MONOTONIC);
    bool stop;

    pthread_mutex_lock(&h->lock);
    while (!h->stop && pthread_cond_timedwait(&h->wake, &h->lock, &until) == 0)
        continue;
    stop = h->stop;
    pthread_mutex_unlock(&h->lock);
    return !stop;
}

static void
expire(struct wd_domain *d)
{
    struct wd_error err;
    int64_t removed;

    if (!wd_docs_expire(d->docs, &removed, &err))
        wd_log_error(WD_LOG_WARN, "expiry failed, going on", &err, WD_KV_NONE);
}

/* What replicas that died have left; any other one may see to it. */
static void
mend(struct wd_domain *d)
{
    struct wd_error err;
    uint64_t mended;

    if (!wd_mend_all(d, &mended, &err))
        wd_log_error(WD_LOG_WARN, "mending failed, going on", &err, WD_KV_NONE);
    if (mended)
        wd_log(WD_LOG_INFO, "mended", WD_KV_UINT("changes", mended));
}

static void
recount(struct wd_domain *d)
{
    struct wd_check_report report;
    struct wd_error err;
    bool due;

    if (!wd_recount(d, &due, &report, &err))
        wd_log_error(WD_LOG_WARN, "recount failed, going on", &err, WD_KV_NONE);
    if (!due)
        return;
    for (size_t i = 0; i < report.n_problems; i++)
        wd_log(WD_LOG_WARN, "recount", WD_KV("found", report.problems[i]));
    wd_log(WD_LOG_INFO, "recounted", WD_KV_UINT("messages", report.messages),
           WD_KV_UINT("repaired", report.repaired));
    wd_check_report_done(&report);
}

static void
round_now(struct wd_domain *d)
{
    struct wd_maintenance_stats stats;
    struct wd_error err;
    int64_t start = wd_mono_ms();

    if (!wd_maintenance_round(d, false, &stats, &err))
        wd_log_error(WD_LOG_WARN, "maintenance failed, going on", &err, WD_KV_NONE);
    else if (!stats.skipped)
        wd_log(WD_LOG_INFO, "maintenance", WD_KV_UINT("expired", stats.messages),
               WD_KV_UINT("purged", stats.purged), WD_KV_UINT("rows", stats.rows),
               WD_KV_UINT("blobs", stats.blobs), WD_KV_UINT("uploads", stats.uploads),
               WD_KV_UINT("failures", stats.failures), WD_KV_INT("ms", wd_mono_ms() - start));
}

static void *
run(void *data)
{
    struct store_housekeeping *h = data;
    int64_t next_expiry = wd_mono_ms() + expire_ms, next_round = wd_mono_ms() + round_ms;

    while (pause_for(h, tick_ms)) {
        mend(h->domain);
        if (wd_mono_ms() >= next_expiry) {
            expire(h->domain);
            next_expiry = wd_mono_ms() + expire_ms;
        }
        if (wd_mono_ms() >= next_round) {
            round_now(h->domain);
            recount(h->domain);
            next_round = wd_mono_ms() + round_ms;
        }
    }
    return NULL;
}

struct store_housekeeping *
store_housekeeping_start(struct wd_domain *d)
{
    struct store_housekeeping *h = WD_NEW(struct store_housekeeping);
    pthread_condattr_t monotonic;

    h->domain = d;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&h->thread, NULL, run, h) != 0)
        abort(); /* no thread at the start: nothing else would work either */
    return h;
}

bool
store_housekeeping_stop(struct store_housekeeping *h, int grace_ms)
{
    struct timespec until = from_now(grace_ms, CLOCK_REALTIME);

    if (!h)
        return true;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    if (pthread_timedjoin_np(h->thread, NULL, &until) != 0)
        return false;
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h);
    return true;
}
