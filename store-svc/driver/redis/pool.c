/* store-svc/driver/redis/pool.c – connections for commands: one thread at a time each, made anew when one is lost. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/driver/redis/redis_priv.h"

enum { FIRST_PAUSE_MS = 200, LONGEST_PAUSE_MS = 5000, REFUSALS_EVERY_MS = 60 * 1000, ARGUMENTS = 12, TRIES = 2 };

struct redis_pool {
    struct redis_place *place;
    unsigned most;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t freed; /* a connection, or the hope for one */
    struct WD_VEC(redisContext *) idle; /* none while the server is away */
    unsigned out;           /* connections in use */
    bool away;              /* the server was lost: */
    bool probing;           /* somebody tries just now, */
    int64_t away_until_ms;  /* nobody tries before, */
    int64_t pause_ms;       /* and next time it is twice as long */
    unsigned losses;        /* of the server: what fails later on connections of before is the same loss */
    int64_t quiet_until_ms; /* refusals are told in the log once in a while */
};

/* A connection for one command. */
struct taken {
    redisContext *c;
    unsigned losses;
    bool probe;
};

struct redis_pool *
redis_pool_new(struct redis_place *place, unsigned most)
{
    struct redis_pool *pool = WD_NEW(struct redis_pool);
    pthread_condattr_t monotonic;

    pool->place = place;
    pool->most = most ? most : REDIS_CONNECTIONS;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return pool;
}

static void
drop_idle(struct redis_pool *pool)
{
    while (pool->idle.n)
        redisFree(pool->idle.p[--pool->idle.n]);
}

void
redis_pool_free(struct redis_pool *pool)
{
    drop_idle(pool);
    wd_vec_done(&pool->idle);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void
redis_pool_give(struct redis_pool *pool, redisContext *c)
{
    pthread_mutex_lock(&pool->lock);
    wd_vec_push(&pool->idle, c);
    pthread_mutex_unlock(&pool->lock);
}

void
redis_pool_retry(struct redis_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->away_until_ms = 0;
    pthread_mutex_unlock(&pool->lock);
}

/* ---- the server's absence; with the lock held ---- */

static void
note_lost(struct redis_pool *pool, const struct taken *t, const struct wd_error *why)
{
    if (t->losses != pool->losses)
        return;
    if (!pool->away)
        wd_log_error(WD_LOG_WARN, "redis is away, going on without", why, WD_KV_NONE);
    pool->pause_ms = pool->away ? pool->pause_ms * 2 : FIRST_PAUSE_MS;
    if (pool->pause_ms > LONGEST_PAUSE_MS)
        pool->pause_ms = LONGEST_PAUSE_MS;
    pool->losses++;
    pool->away = true;
    pool->away_until_ms = wd_mono_ms() + pool->pause_ms;
    pthread_cond_broadcast(&pool->freed);
}

static void
note_back(struct redis_pool *pool)
{
    if (pool->away)
        wd_log(WD_LOG_INFO, "redis is back", WD_KV_NONE);
    pool->away = false;
}

/* ---- a connection is taken and given back ---- */

/* An idle connection on which something can be read was closed by the server. */
static bool
is_stale(const redisContext *c)
{
    struct pollfd fd = { .fd = c->fd, .events = POLLIN };

    return poll(&fd, 1, 0) != 0;
}

static redisContext *
idle_one(struct redis_pool *pool)
{
    while (pool->idle.n) {
        redisContext *c = pool->idle.p[--pool->idle.n];

        if (!is_stale(c))
            return c;
        redisFree(c);
    }
    return NULL;
}

/* With the lock held: waits until it is this caller's turn. */
static bool
wait_turn(struct redis_pool *pool, struct wd_error *err)
{
    int64_t until = wd_mono_ms() + pool->place->timeout_ms;
    struct timespec at = { until / 1000, until % 1000 * 1000000 };

    for (int waited = 0;; waited = pthread_cond_timedwait(&pool->freed, &pool->lock, &at)) {
        if (pool->away && (pool->probing || wd_mono_ms() < pool->away_until_ms))
            return wd_fail(err, WD_UNAVAILABLE, "redis is away");
        if (pool->out < pool->most)
            return true;
        if (waited == ETIMEDOUT)
            return wd_fail(err, WD_UNAVAILABLE, "redis: all connections are busy");
    }
}

/* t->c is NULL when one is to be made. */
static bool
reserve(struct redis_pool *pool, struct taken *t, struct wd_error *err)
{
    bool ok;

    pthread_mutex_lock(&pool->lock);
    ok = wait_turn(pool, err);
    if (ok) {
        *t = (struct taken){ .c = idle_one(pool), .losses = pool->losses, .probe = pool->away };
        pool->probing = pool->away;
        pool->out++;
    }
    pthread_mutex_unlock(&pool->lock);
    return ok;
}

enum outcome {
    ANSWERED,
    NOT_RUN, /* the command did not reach a server that takes it: another connection may */
    BROKEN,  /* nobody knows whether it was run */
    LOST,    /* the server does not answer, now and probably in a moment */
};

static void
give_back(struct redis_pool *pool, struct taken *t, enum outcome outcome, const struct wd_error *why)
{
    pthread_mutex_lock(&pool->lock);
    pool->out--;
    if (t->probe)
        pool->probing = false;
    if (outcome != ANSWERED)
        drop_idle(pool); /* the server that they lead to may not be the right one any more */
    if (outcome == LOST)
        note_lost(pool, t, why);
    else if (outcome == ANSWERED && t->losses == pool->losses)
        note_back(pool);
    if (outcome == ANSWERED && !pool->away)
        wd_vec_push(&pool->idle, wd_take(t->c));
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
    if (t->c)
        redisFree(t->c);
}

/* ---- one command ---- */

static enum outcome
broken(const redisContext *c, const char *doing, bool sent, struct wd_error *err)
{
    int error = errno;

    redis_fail(c, NULL, doing, err);
    return redis_timed_out(c, error) ? LOST : sent ? BROKEN : NOT_RUN;
}

static enum outcome
run(redisContext *c, int argc, const struct wd_str *argv, redisReply **out, struct wd_error *err)
{
    const char *p[ARGUMENTS];
    size_t n[ARGUMENTS];
    bool sent = false;
    int done = 0;
    void *reply;

    for (int i = 0; i < argc; i++) {
        p[i] = argv[i].p ? argv[i].p : "";
        n[i] = argv[i].n;
    }
    redisAppendCommandArgv(c, argc, p, n);
    while (!done) {
        if (redisBufferWrite(c, &done) != REDIS_OK)
            return broken(c, p[0], sent, err);
        sent = true;
    }
    if (redisGetReply(c, &reply) != REDIS_OK)
        return broken(c, p[0], sent, err);
    if (redis_reply_is(reply, REDIS_LEAVE)) { /* the next connection asks who is the master */
        redis_fail(c, reply, p[0], err);
        freeReplyObject(reply);
        return NOT_RUN;
    }
    *out = reply;
    return ANSWERED;
}

static enum outcome
connect_and_run(struct redis_pool *pool, struct taken *t, int argc, const struct wd_str *argv, redisReply **out,
                struct wd_error *err)
{
    if (!t->c)
        t->c = redis_connect(pool->place, err);
    if (t->c)
        return run(t->c, argc, argv, out, err);
    err->reason = WD_UNAVAILABLE; /* it was right when we started */
    return LOST;
}

bool
redis_call(struct redis_pool *pool, enum redis_repeat repeat, int argc, const struct wd_str *argv, redisReply **out,
           struct wd_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        enum outcome outcome;
        struct taken t;

        if (!reserve(pool, &t, err))
            return false;
        outcome = connect_and_run(pool, &t, argc, argv, out, err);
        if (i + 1 == TRIES && outcome != ANSWERED)
            outcome = LOST;
        give_back(pool, &t, outcome, err);
        if (outcome == ANSWERED)
            return true;
        if (outcome == LOST || (outcome == BROKEN && repeat == REDIS_REPEAT_NEVER))
            return false;
    }
    return false;
}

bool
redis_accept(struct redis_pool *pool, const char *doing, redisReply *reply, struct wd_error *err)
{
    bool tell;

    if (reply->type != REDIS_REPLY_ERROR)
        return true;
    redis_fail(NULL, reply, doing, err);
    freeReplyObject(reply);
    pthread_mutex_lock(&pool->lock);
    tell = wd_mono_ms() >= pool->quiet_until_ms;
    if (tell)
        pool->quiet_until_ms = wd_mono_ms() + REFUSALS_EVERY_MS;
    pthread_mutex_unlock(&pool->lock);
    if (tell)
        wd_log_error(WD_LOG_WARN, "redis refuses a command, going on without", err, WD_KV_NONE);
    return false;
}

bool
redis_command(struct redis_pool *pool, enum redis_repeat repeat, int argc, const struct wd_str *argv, redisReply **out,
              struct wd_error *err)
{
    return redis_call(pool, repeat, argc, argv, out, err) && redis_accept(pool, argv[0].p, *out, err);
}
