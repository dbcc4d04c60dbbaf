/* store-svc/driver/redis/bus.c – the slots of the port: keys, counters as scripts, locks with fencing. */
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "store-svc/driver/redis/redis_priv.h"

struct bus {
    struct wd_bus base;
    struct redis_place place;
    struct redis_pool *pool;
    struct redis_listener *listener;
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

/* ---- scripts: each is one step for everybody ---- */

/* key; n, limit, window: the last addition may pass the limit; the first one opens the window. */
#define TTLCOUNTER                                                                                                     \
    "local current = tonumber(redis.call('GET', KEYS[1])) or 0 "                                                       \
    "local n, limit = tonumber(ARGV[1]), tonumber(ARGV[2]) "                                                           \
    "if limit > 0 and current >= limit then return {0, current, redis.call('TTL', KEYS[1])} end "                      \
    "if n ~= 0 then "                                                                                                  \
    "  local there = redis.call('EXISTS', KEYS[1]) "                                                                   \
    "  current = redis.call('INCRBY', KEYS[1], ARGV[1]) "                                                              \
    "  if there == 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end "                                                 \
    "end "                                                                                                             \
    "return {1, current, redis.call('TTL', KEYS[1])}"

/* key; field, n, limit, version */
#define LIMITEDCOUNTER                                                                                                 \
    "local n, limit, version = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]) "                               \
    "if version > (tonumber(redis.call('HGET', KEYS[1], '_version')) or 0) then "                                      \
    "  redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], '_version', ARGV[4]) "                                   \
    "end "                                                                                                             \
    "local current = tonumber(redis.call('HGET', KEYS[1], ARGV[1])) or 0 "                                             \
    "if n > 0 and limit > 0 and current >= limit then return {0, current, -1} end "                                    \
    "if n ~= 0 then "                                                                                                  \
    "  current = current + n "                                                                                         \
    "  if current > 0 then redis.call('HSET', KEYS[1], ARGV[1], current) "                                             \
    "  else current = 0 redis.call('HDEL', KEYS[1], ARGV[1]) end "                                                     \
    "end "                                                                                                             \
    "return {1, current, -1}"

/* key, index; ttl in ms. The index never goes back, also when the server has forgotten it: then it is the time. */
#define TAKE_LOCK                                                                                                      \
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end "                                                         \
    "local at = redis.call('TIME') "                                                                                   \
    "local least = tonumber(at[1]) * 1000 "                                                                            \
    "local index = tonumber(redis.call('GET', KEYS[2])) or least "                                                     \
    "redis.call('SET', KEYS[2], string.format('%.0f', index + 1)) "                                                    \
    "redis.call('HSET', KEYS[1], 'index', string.format('%.0f', index + 1)) "                                          \
    "redis.call('PEXPIRE', KEYS[1], ARGV[1]) "                                                                         \
    "return index + 1"

/* key; holder, ttl in ms */
#define EXTEND_LOCK                                                                                                    \
    "if redis.call('HGET', KEYS[1], 'index') ~= ARGV[1] then return 0 end "                                            \
    "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"

/* key; holder, channel */
#define RELEASE_LOCK                                                                                                   \
    "if redis.call('HGET', KEYS[1], 'index') ~= ARGV[1] then return 0 end "                                            \
    "redis.call('DEL', KEYS[1]) redis.call('PUBLISH', ARGV[2], KEYS[1]) return 1"

static bool
count_reply(redisReply *reply, struct wd_bus_count *out, struct wd_error *err)
{
    bool ok = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3;

    if (ok)
        *out = (struct wd_bus_count){
            .ok = reply->element[0]->integer == 1,
            .value = reply->element[1]->integer,
            .ttl_s = reply->element[2]->integer < 0 ? -1 : reply->element[2]->integer,
        };
    freeReplyObject(reply);
    return ok || wd_fail(err, WD_UNAVAILABLE, "redis: a counter that is none");
}

static bool
bus_count(struct wd_bus *b, struct wd_str key, int64_t add, int64_t limit, int64_t window_s, struct wd_bus_count *out,
          struct wd_error *err)
{
    struct number n[3];
    struct wd_str argv[] = { WD_STR("EVAL"),  WD_STR(TTLCOUNTER),  WD_STR("1"),           key,
                             arg(&n[0], add), arg(&n[1], limit), arg(&n[2], window_s) };
    redisReply *reply;

    return redis_command(self(b)->pool, add ? REDIS_REPEAT_NEVER : REDIS_REPEAT, 7, argv, &reply, err) &&
           count_reply(reply, out, err);
}

static bool
bus_limited(struct wd_bus *b, struct wd_str key, struct wd_str field, int64_t add, int64_t limit, int64_t version,
            struct wd_bus_count *out, struct wd_error *err)
{
    struct number n[3];
    struct wd_str argv[] = { WD_STR("EVAL"), WD_STR(LIMITEDCOUNTER), WD_STR("1"),       key,
                             field,          arg(&n[0], add),        arg(&n[1], limit), arg(&n[2], version) };
    redisReply *reply;

    return redis_command(self(b)->pool, add ? REDIS_REPEAT_NEVER : REDIS_REPEAT, 8, argv, &reply, err) &&
           count_reply(reply, out, err);
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
forget(struct wd_bus *b, int argc, const struct wd_str *argv, enum redis_repeat repeat, struct wd_error *err)
{
    redisReply *reply;

    if (!redis_command(self(b)->pool, repeat, argc, argv, &reply, err))
        return false;
    freeReplyObject(reply);
    return true;
}

static bool
bus_set(struct wd_bus *b, struct wd_str key, struct wd_str value, int64_t ttl_s, struct wd_error *err)
{
    struct number n;
    struct wd_str argv[] = { WD_STR("SET"), key, value, WD_STR("EX"), arg(&n, ttl_s) };

    return forget(b, ttl_s > 0 ? 5 : 3, argv, REDIS_REPEAT, err);
}

static bool
bus_drop(struct wd_bus *b, struct wd_str key, struct wd_error *err)
{
    struct wd_str argv[] = { WD_STR("DEL"), key };

    return forget(b, 2, argv, REDIS_REPEAT, err);
}

/* ---- locks ---- */

/* "wildduck:gc_expired": its namespace is "wildduck". */
static struct wd_str
namespace_of(struct wd_str key)
{
    size_t colon = wd_str_chr(key, ':');

    return colon == SIZE_MAX ? WD_STR("wildduck") : wd_str_part(key, 0, colon);
}

static bool
bus_lock(struct wd_bus *b, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken, struct wd_error *err)
{
    struct wd_buf index wd_auto(wd_buf_done) = { 0 };
    struct wd_str argv[] = { WD_STR("EVAL"), WD_STR(TAKE_LOCK), WD_STR("2"), key, WD_NONE, WD_NONE };
    redisReply *reply;
    struct number n;

    wd_buf_str(&index, namespace_of(key));
    wd_buf_c(&index, "index");
    argv[4] = wd_buf_view(&index);
    argv[5] = arg(&n, ttl_ms);
    if (!redis_command(self(b)->pool, REDIS_REPEAT_NEVER, 6, argv, &reply, err))
        return false;
    *taken = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
    *holder = *taken ? (uint64_t)reply->integer : 0;
    freeReplyObject(reply);
    return true;
}

static bool
bus_extend(struct wd_bus *b, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held, struct wd_error *err)
{
    struct number n[2];
    struct wd_str argv[] = { WD_STR("EVAL"), WD_STR(EXTEND_LOCK), WD_STR("1"), key, arg(&n[0], (int64_t)holder),
                             arg(&n[1], ttl_ms) };
    redisReply *reply;

    if (!redis_command(self(b)->pool, REDIS_REPEAT, 6, argv, &reply, err))
        return false;
    *held = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
    freeReplyObject(reply);
    return true;
}

static bool
bus_unlock(struct wd_bus *b, struct wd_str key, uint64_t holder, struct wd_error *err)
{
    struct wd_buf channel wd_auto(wd_buf_done) = { 0 };
    struct number n;
    struct wd_str argv[] = { WD_STR("EVAL"), WD_STR(RELEASE_LOCK), WD_STR("1"), key, arg(&n, (int64_t)holder),
                             WD_NONE };

    wd_buf_str(&channel, namespace_of(key));
    wd_buf_c(&channel, "-release");
    argv[5] = wd_buf_view(&channel);
    return forget(b, 6, argv, REDIS_REPEAT, err);
}

/* ---- messages ---- */

/* Front ends listen to every replica, so a message that reaches this process's own subscribers reaches them all; the
 * server only carries it to the other installations that share the channel, and keeps the replicas' order alike. */
static bool
bus_publish(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err)
{
    struct wd_str argv[] = { WD_STR("PUBLISH"), channel, payload };

    if (!forget(b, 3, argv, REDIS_REPEAT, err))
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
bus_close(struct wd_bus *base)
{
    struct bus *b = self(base);

    redis_listener_free(b->listener);
    redis_pool_free(b->pool);
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
    redisContext *first;

    b->base.ops = &ops;
    redis_place_set(&b->place, o);
    b->pool = redis_pool_new(&b->place, o->connections);
    b->listener = redis_listener_new(&b->place);
    first = redis_connect(&b->place, err);
    if (!first) {
        bus_close(&b->base);
        return false;
    }
    redis_pool_give(b->pool, first);
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
