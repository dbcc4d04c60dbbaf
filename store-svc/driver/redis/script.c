/* store-svc/driver/redis/script.c – scripts: each is one step for everybody. They are sent as they are; the server
 * keeps them compiled, by their text. */
#include <string.h>

#include "common/base/lifetime.h"
#include "store-svc/driver/redis/redis_priv.h"

enum { MOST = 12 };

static const struct {
    const char *name, *text;
} scripts[] = {
    /* key; n, limit, window in s. The last addition may pass the limit; the first one opens the window, and a count
     * that has lost its end gets one, because nobody could ever wait for it. */
    [REDIS_TTLCOUNTER] = { "ttlcounter",
        "local n, limit = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
        "local current = tonumber(redis.call('GET', KEYS[1])) or 0\n"
        "if limit > 0 and current >= limit then return {0, current, redis.call('TTL', KEYS[1])} end\n"
        "if n ~= 0 then\n"
        "  local before = current\n"
        "  current = redis.call('INCRBY', KEYS[1], ARGV[1])\n"
        "  if before == 0 or redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end\n"
        "end\n"
        "return {1, current, redis.call('TTL', KEYS[1])}\n" },
    /* key; field, n, limit, version in ms since 1970. */
    [REDIS_LIMITEDCOUNTER] = { "limitedcounter",
        "local n, limit, version = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])\n"
        "if version > (tonumber(redis.call('HGET', KEYS[1], '_version')) or 0) then\n"
        "  redis.call('DEL', KEYS[1])\n"
        "  redis.call('HSET', KEYS[1], '_version', ARGV[4])\n"
        "end\n"
        "local current = tonumber(redis.call('HGET', KEYS[1], ARGV[1])) or 0\n"
        "if n > 0 and limit > 0 and current >= limit then return {0, current} end\n"
        "if n ~= 0 then\n"
        "  if current + n > 0 then current = redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])\n"
        "  else redis.call('HDEL', KEYS[1], ARGV[1]) current = 0 end\n"
        "end\n"
        "return {1, current}\n" },
    /* key, index; ttl in ms. The index never goes back: when the server has forgotten it, it goes on from the time. */
    [REDIS_TAKE_LOCK] = { "take lock",
        "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n"
        "if redis.call('EXISTS', KEYS[2]) == 0 then\n"
        "  local now = redis.call('TIME')\n"
        "  redis.call('SET', KEYS[2], now[1] .. string.format('%06d', now[2]))\n"
        "end\n"
        "local index = redis.call('INCR', KEYS[2])\n"
        "redis.call('HSET', KEYS[1], 'index', index)\n"
        "redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"
        "return index\n" },
    /* key; holder, ttl in ms. */
    [REDIS_EXTEND_LOCK] = { "extend lock",
        "if redis.call('HGET', KEYS[1], 'index') ~= ARGV[1] then return 0 end\n"
        "return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n" },
    /* key; holder, channel. */
    [REDIS_RELEASE_LOCK] = { "release lock",
        "if redis.call('HGET', KEYS[1], 'index') ~= ARGV[1] then return 0 end\n"
        "redis.call('DEL', KEYS[1])\n"
        "redis.call('PUBLISH', ARGV[2], KEYS[1])\n"
        "return 1\n" },
};

bool
redis_run(struct redis_pool *pool, enum redis_repeat repeat, enum redis_script script, int keys, int argc,
          const struct wd_str *argv, redisReply **out, struct wd_error *err)
{
    const char *name = scripts[script].name;
    struct wd_str all[MOST] = { WD_STR("EVAL"), wd_str_c(scripts[script].text), WD_NONE };
    char number[4];

    snprintf(number, sizeof number, "%d", keys);
    all[2] = wd_str_c(number);
    memcpy(all + 3, argv, (size_t)argc * sizeof *argv);
    if (!redis_call(pool, repeat, argc + 3, all, out, err))
        return wd_fail_in(err, name);
    return redis_accept(pool, name, *out, err);
}
