#include "store-svc/ready.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

enum { EVERY_MS = 1000, LATE_MS = 4000 };

struct store_ready {
    struct wd_domain *domain;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool stop, ok;
    struct wd_error why;  /* when not ok */
    int64_t answered_ms;  /* by the monotonic clock */
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

/* Looks for a document that is not there. */
static void
ask(struct store_ready *r)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_error why = { .reason = WD_NO_ERROR };
    bool found, ok;

    wd_doc_add_id(&filter, "_id", (struct wd_id){ 0 });
    ok = wd_docs_find_one(r->domain->users, WD_USERS, &filter, NULL, &doc, &found, &why);
    pthread_mutex_lock(&r->lock);
    r->ok = ok;
    r->why = why;
    r->answered_ms = wd_mono_ms();
    pthread_mutex_unlock(&r->lock);
}

/* False when it is time to stop. */
static bool
pause_for(struct store_ready *r, int64_t ms)
{
    struct timespec until = from_now(ms, CLOCK_MONOTONIC);
    bool stop;

    pthread_mutex_lock(&r->lock);
    while (!r->stop && pthread_cond_timedwait(&r->wake, &r->lock, &until) == 0)
        continue;
    stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return !stop;
}

static void *
run(void *data)
{
    struct store_ready *r = data;

    while (pause_for(r, EVERY_MS))
        ask(r);
    return NULL;
}

struct store_ready *
store_ready_start(struct wd_domain *d)
{
    struct store_ready *r = WD_NEW(struct store_ready);
    pthread_condattr_t monotonic;

    r->domain = d;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    ask(r);
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        abort(); /* no thread at the start: nothing else would work either */
    return r;
}

bool
store_ready_ask(struct store_ready *r, struct wd_error *why)
{
    int64_t silent_ms;
    bool ok;

    pthread_mutex_lock(&r->lock);
    silent_ms = wd_mono_ms() - r->answered_ms;
    ok = r->ok;
    *why = r->why;
    pthread_mutex_unlock(&r->lock);
    if (silent_ms > LATE_MS)
        return wd_fail(why, WD_UNAVAILABLE, "the database has not answered for %lld s", (long long)silent_ms / 1000);
    return ok;
}

bool
store_ready_stop(struct store_ready *r, int grace_ms)
{
    struct timespec until = from_now(grace_ms, CLOCK_REALTIME);

    if (!r)
        return true;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (pthread_timedjoin_np(r->thread, NULL, &until) != 0)
        return false;
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return true;
}
