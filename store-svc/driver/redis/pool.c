/* store-svc/driver/redis/pool.c – connections for commands: one thread at a time each, made anew when one is lost. */
#include <poll.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/driver/redis/redis_priv.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 3000, ARGUMENTS = 12 };

struct redis_pool {
    const struct redis_place *place;
    unsigned most;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t free_again;
    struct WD_VEC(redisContext *) idle;
    unsigned out;           /* connections in use */
    int64_t away_until_ms;  /* the server was lost: nobody tries before */
    int64_t pause_ms;
    bool away;
};

struct redis_pool *
redis_pool_new(const struct redis_place *place, unsigned most)
{
    struct redis_pool *pool = WD_NEW(struct redis_pool);

    pool->place = place;
    pool->most = most ? most : REDIS_CONNECTIONS;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->free_again, NULL);
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
    pthread_cond_destroy(&pool->free_again);
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

/* An idle connection on which something can be read was closed by the server. */
static bool
is_stale(const redisContext *c)
{
    struct pollfd fd = { .fd = c->fd, .events = POLLIN };

    return poll(&fd, 1, 0) != 0;
}

/* ---- the server's absence ---- */

static void
note_lost(struct redis_pool *pool, const struct wd_error *why)
{
    pthread_mutex_lock(&pool->lock);
    drop_idle(pool);
    if (!pool->away)
        wd_log_error(WD_LOG_WARN, "redis is away, going on without", why, WD_KV_NONE);
    pool->pause_ms = pool->away ? pool->pause_ms * 2 : FIRST_PAUSE_MS;
    if (pool->pause_ms > LONGEST_PAUSE_MS)
        pool->pause_ms = LONGEST_PAUSE_MS;
    pool->away = true;
    pool->away_until_ms = wd_mono_ms() + pool->pause_ms;
    pthread_mutex_unlock(&pool->lock);
}

static void
note_back(struct redis_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->away)
        wd_log(WD_LOG_INFO, "redis is back", WD_KV_NONE);
    pool->away = false;
    pthread_mutex_unlock(&pool->lock);
}

/* ---- one connection for one command ---- */

static void
give(struct redis_pool *pool, redisContext *c)
{
    pthread_mutex_lock(&pool->lock);
    pool->out--;
    if (c && c->err == 0 && !pool->away)
        wd_vec_push(&pool->idle, wd_take(c));
    pthread_cond_signal(&pool->free_again);
    pthread_mutex_unlock(&pool->lock);
    if (c)
        redisFree(c);
}

/* *out NULL: there is none, one may be made. */
static bool
reserve(struct redis_pool *pool, redisContext **out, struct wd_error *err)
{
    bool ok = true;

    *out = NULL;
    pthread_mutex_lock(&pool->lock);
    while (pool->out >= pool->most)
        pthread_cond_wait(&pool->free_again, &pool->lock);
    while (!*out && pool->idle.n) {
        *out = pool->idle.p[--pool->idle.n];
        if (is_stale(*out)) {
            redisFree(*out);
            *out = NULL;
        }
    }
    if (!*out && pool->away && wd_mono_ms() < pool->away_until_ms)
        ok = wd_fail(err, WD_UNAVAILABLE, "redis is away");
    else if (!*out && pool->away)
        pool->away_until_ms = wd_mono_ms() + LONGEST_PAUSE_MS; /* this caller tries, the others go on without */
    pool->out += ok;
    pthread_mutex_unlock(&pool->lock);
    return ok;
}

static bool
take(struct redis_pool *pool, redisContext **out, struct wd_error *err)
{
    if (!reserve(pool, out, err))
        return false;
    if (*out)
        return true;
    *out = redis_connect(pool->place, err);
    if (*out) {
        note_back(pool);
        return true;
    }
    err->reason = WD_UNAVAILABLE; /* it was right when we started */
    note_lost(pool, err);
    give(pool, NULL);
    return false;
}

static bool
run(redisContext *c, int argc, const struct wd_str *argv, redisReply **out, bool *lost, struct wd_error *err)
{
    const char *p[ARGUMENTS];
    size_t n[ARGUMENTS];
    redisReply *reply;

    for (int i = 0; i < argc; i++) {
        p[i] = argv[i].p ? argv[i].p : "";
        n[i] = argv[i].n;
    }
    reply = redisCommandArgv(c, argc, p, n);
    *lost = reply == NULL;
    if (reply && reply->type != REDIS_REPLY_ERROR) {
        *out = reply;
        return true;
    }
    redis_fail(c, reply, argv[0].p, err);
    /* A replica that was our master: the next connection asks who is. */
    if (reply && (strncmp(reply->str, "READONLY", 8) == 0 || strncmp(reply->str, "LOADING", 7) == 0 ||
                  strncmp(reply->str, "MASTERDOWN", 10) == 0)) {
        *lost = true;
        c->err = REDIS_ERR_OTHER;
    }
    if (reply)
        freeReplyObject(reply);
    return false;
}

bool
redis_command(struct redis_pool *pool, enum redis_repeat repeat, int argc, const struct wd_str *argv, redisReply **out,
              struct wd_error *err)
{
    int tries = repeat == REDIS_REPEAT ? 2 : 1;

    for (int i = 0; i < tries; i++) {
        redisContext *c;
        bool lost, ok;

        if (!take(pool, &c, err))
            return false;
        ok = run(c, argc, argv, out, &lost, err);
        if (lost && i + 1 == tries)
            note_lost(pool, err);
        give(pool, c);
        if (ok || !lost)
            return ok;
    }
    return false;
}
