/* store-svc/driver/redis/bus.c – the slots of the port: keys, counters, locks with fencing, messages. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "store-svc/driver/redis/redis_priv.h"

struct bus {
    struct wd_bus base;
    struct redis_place place;
    struct redis_pool *pool;
    struct redis_listener *listener;
    struct redis_owed *owed;
};

static struct bus *
self(struct wd_bus *base)
{
    return (struct bus *)base;
}

/* A number as an argument; the text lives in the caller's buffer. */
struct number {
    char text[24];
};

static struct wd_str
arg(struct number *n, int64_t value)
{
    snprintf(n->text, sizeof n->text, "%lld", (long long)value);
    return wd_str_c(n->text);
}

/* ---- counters ---- */

/* {was it added, count} or {…, …, ttl} */
static bool
count_reply(redisReply *reply, size_t n, struct wd_bus_count *out, struct wd_error *err)
{
    bool ok = reply->type == REDIS_REPLY_ARRAY && reply->elements == n;

    for (size_t i = 0; ok && i < n; i++)
        ok = reply->element[i]->type == REDIS_REPLY_INTEGER;
    if (ok)
        *out = (struct wd_bus_count){
            .ok = reply->element[0]->integer == 1,
            .value = reply->element[1]->integer,
            .ttl_s = n < 3 || reply->element[2]->integer < 0 ? -1 : reply->element[2]->integer,
        };
    freeReplyObject(reply);
    return ok || wd_fail(err, WD_UNAVAILABLE, "redis: a counter that is none");
}

static bool
bus_count(struct wd_bus *b, struct wd_str key, int64_t add, int64_t limit, int64_t window_s, struct wd_bus_count *out,
          struct wd_error *err)
{
    struct number n[3];
    struct wd_str argv[] = { key, arg(&n[0], add), arg(&n[1], limit), arg(&n[2], window_s) };
    enum redis_repeat repeat = add ? REDIS_REPEAT_NEVER : REDIS_REPEAT;
    redisReply *reply;

    return redis_run(self(b)->pool, repeat, REDIS_TTLCOUNTER, 1, 4, argv, &reply, err) &&
           count_reply(reply, 3, out, err);
}

static bool
limited(struct redis_pool *pool, struct wd_str key, struct wd_str field, int64_t add, int64_t limit, int64_t version,
        struct wd_bus_count *out, struct wd_error *err)
{
    struct number n[3];
    struct wd_str argv[] = { key, field, arg(&n[0], add), arg(&n[1], limit), arg(&n[2], version) };
    enum redis_repeat repeat = add ? REDIS_REPEAT_NEVER : REDIS_REPEAT;
    redisReply *reply;

    return redis_run(pool, repeat, REDIS_LIMITEDCOUNTER, 1, 5, argv, &reply, err) && count_reply(reply, 2, out, err);
}

bool
redis_give_back(struct redis_pool *pool, struct wd_str key, struct wd_str field, int64_t n, int64_t *value,
                struct wd_error *err)
{
    struct wd_bus_count count;

    if (!limited(pool, key, field, n, 0, 0, &count, err))
        return false;
    *value = count.value;
    return true;
}

static bool
bus_limited(struct wd_bus *b, struct wd_str key, struct wd_str field, int64_t add, int64_t limit, int64_t version,
            struct wd_bus_count *out, struct wd_error *err)
{
    if (limited(self(b)->pool, key, field, add, limit, version, out, err))
        return true;
    *out = (struct wd_bus_count){ .ok = true, .ttl_s = -1 };
    return add < 0 && redis_owed_add(self(b)->owed, key, field, add);
}

/* ---- keys ---- */

static bool
bus_get(struct wd_bus *b, struct wd_str key, struct wd_buf *out, bool *found, struct wd_error *err)
{
    struct wd_str argv[] = { WD_STR("GET"), key };
    redisReply *reply;

    if (!redis_command(self(b)->pool, REDIS_REPEAT, 2, argv, &reply, err))
        return false;
    *found = reply->type == REDIS_REPLY_STRING;
    if (*found)
        wd_buf_add(out, reply->str, (size_t)reply->len);
    freeReplyObject(reply);
    return true;
}

static bool
do_it(struct wd_bus *b, int argc, const struct wd_str *argv, struct wd_error *err)
{
    redisReply *reply;

    if (!redis_command(self(b)->pool, REDIS_REPEAT, argc, argv, &reply, err))
        return false;
    freeReplyObject(reply);
    return true;
}

static bool
bus_set(struct wd_bus *b, struct wd_str key, struct wd_str value, int64_t ttl_s, struct wd_error *err)
{
    struct number n;
    struct wd_str argv[] = { WD_STR("SET"), key, value, WD_STR("EX"), arg(&n, ttl_s) };

    return do_it(b, ttl_s > 0 ? 5 : 3, argv, err);
}

static bool
bus_drop(struct wd_bus *b, struct wd_str key, struct wd_error *err)
{
    struct wd_str argv[] = { WD_STR("DEL"), key };

    return do_it(b, 2, argv, err);
}

/* ---- locks ---- */

/* "wildduck:gc_expired": its namespace is "wildduck". */
static struct wd_str
namespace_of(struct wd_str key)
{
    size_t colon = wd_str_chr(key, ':');

    return colon == SIZE_MAX ? WD_STR("wildduck") : wd_str_part(key, 0, colon);
}

/* Of a lock: 0 when it belongs to somebody else. */
static bool
lock_reply(redisReply *reply, int64_t *index, struct wd_error *err)
{
    bool ok = reply->type == REDIS_REPLY_INTEGER;

    if (ok)
        *index = reply->integer;
    freeReplyObject(reply);
    return ok || wd_fail(err, WD_UNAVAILABLE, "redis: a lock that is none");
}

static bool
bus_lock(struct wd_bus *b, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken, struct wd_error *err)
{
    struct wd_buf counter wd_auto(wd_buf_done) = { 0 };
    struct wd_str argv[] = { key, WD_NONE, WD_NONE };
    redisReply *reply;
    struct number n;
    int64_t index;

    wd_buf_str(&counter, namespace_of(key));
    wd_buf_c(&counter, "index");
    argv[1] = wd_buf_view(&counter);
    argv[2] = arg(&n, ttl_ms);
    if (!redis_run(self(b)->pool, REDIS_REPEAT_NEVER, REDIS_TAKE_LOCK, 2, 3, argv, &reply, err) ||
        !lock_reply(reply, &index, err))
        return false;
    *taken = index > 0;
    if (*taken)
        *holder = (uint64_t)index;
    return true;
}

static bool
bus_extend(struct wd_bus *b, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held, struct wd_error *err)
{
    struct number n[2];
    struct wd_str argv[] = { key, arg(&n[0], (int64_t)holder), arg(&n[1], ttl_ms) };
    redisReply *reply;
    int64_t mine;

    if (!redis_run(self(b)->pool, REDIS_REPEAT, REDIS_EXTEND_LOCK, 1, 3, argv, &reply, err) ||
        !lock_reply(reply, &mine, err))
        return false;
    *held = mine != 0;
    return true;
}

static bool
bus_unlock(struct wd_bus *b, struct wd_str key, uint64_t holder, struct wd_error *err)
{
    struct wd_buf channel wd_auto(wd_buf_done) = { 0 };
    struct number n;
    struct wd_str argv[] = { key, arg(&n, (int64_t)holder), WD_NONE };
    redisReply *reply;
    int64_t mine;

    wd_buf_str(&channel, namespace_of(key));
    wd_buf_c(&channel, "-release");
    argv[2] = wd_buf_view(&channel);
    return redis_run(self(b)->pool, REDIS_REPEAT, REDIS_RELEASE_LOCK, 1, 3, argv, &reply, err) &&
           lock_reply(reply, &mine, err);
}

/* ---- messages ---- */

/* When the server did not take it, or does not bring it back to us, it goes straight to our own subscribers. Front ends
 * listen to every replica, so that is enough for all of them; and messages that come twice do no harm. */
static bool
bus_publish(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err)
{
    struct wd_str argv[] = { WD_STR("PUBLISH"), channel, payload };
    bool heard = false;
    redisReply *reply;

    if (redis_command(self(b)->pool, REDIS_REPEAT, 3, argv, &reply, err)) {
        heard = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
        freeReplyObject(reply);
    }
    if (!heard || !redis_listener_is_up(self(b)->listener))
        redis_listener_hear(self(b)->listener, channel, payload);
    return true;
}

static bool
bus_subscribe(struct wd_bus *b, struct wd_str channel, wd_bus_heard *heard, void *data, struct wd_error *err)
{
    return redis_listener_add(self(b)->listener, channel, heard, data, err);
}

/* ---- open and close ---- */

static void
connected(void *data)
{
    const struct bus *b = data;

    redis_pool_retry(b->pool);
}

static void
moment(void *data)
{
    const struct bus *b = data;

    redis_owed_pay(b->owed, b->pool);
}

static void
bus_close(struct wd_bus *base)
{
    struct bus *b = self(base);

    redis_listener_free(b->listener);
    redis_pool_free(b->pool);
    redis_owed_free(b->owed);
    redis_place_done(&b->place);
    free(b);
}

static const struct wd_bus_ops ops = {
    .name = "redis",
    .publish = bus_publish,
    .subscribe = bus_subscribe,
    .count = bus_count,
    .limited = bus_limited,
    .get = bus_get,
    .set = bus_set,
    .drop = bus_drop,
    .lock = bus_lock,
    .extend = bus_extend,
    .unlock = bus_unlock,
    .close = bus_close,
};

bool
wd_redis_open(const struct wd_redis_options *o, struct wd_bus **out, struct wd_error *err)
{
    struct bus *b = WD_NEW(struct bus);
    struct redis_listener_calls calls = { connected, moment, b };
    redisContext *first;

    signal(SIGPIPE, SIG_IGN); /* the library writes to connections that the server has closed */
    b->base.ops = &ops;
    redis_place_set(&b->place, o);
    b->pool = redis_pool_new(&b->place, o->connections);
    b->owed = redis_owed_new();
    first = redis_connect(&b->place, err);
    if (first) {
        redis_pool_give(b->pool, first);
        b->listener = redis_listener_new(&b->place, &calls, err);
    }
    if (!b->listener) {
        bus_close(&b->base);
        return false;
    }
    *out = &b->base;
    return true;
}

bool
wd_redis_about(struct wd_bus *base, struct wd_buf *out, struct wd_error *err)
{
    struct wd_str argv[] = { WD_STR("INFO"), WD_STR("server") };
    const struct bus *b = self(base);
    const char *version;
    redisReply *reply;

    if (!redis_command(b->pool, REDIS_REPEAT, 2, argv, &reply, err))
        return false;
    version = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "redis_version:") : NULL;
    version = version ? version + strlen("redis_version:") : "unknown";
    if (b->place.sentinel_name)
        wd_buf_printf(out, "redis: connected to master '%s'", b->place.sentinel_name);
    else if (b->place.host[0] == '/')
        wd_buf_printf(out, "redis: connected to %s", b->place.host);
    else
        wd_buf_printf(out, "redis: connected to %s:%u", b->place.host, b->place.port);
    wd_buf_printf(out, ", version %.*s, database %u\n", (int)strcspn(version, "\r\n"), version, b->place.database);
    freeReplyObject(reply);
    return true;
}
