/* store-svc/driver/redis/redis_priv.h – one bus: connections for commands, and the listener with its own. */
#ifndef WD_DRIVER_REDIS_PRIV_H
#define WD_DRIVER_REDIS_PRIV_H
#include <hiredis/hiredis.h>
#include <pthread.h>

#include "common/base/vec.h"
#include "store-svc/driver/redis/redis.h"

enum { REDIS_CONNECTIONS = 8, REDIS_TIMEOUT_MS = 2000, REDIS_PORT = 6379 };

/* ---- connect.c ---- */

/* Where and as whom; owned copies. */
struct redis_place {
    char *host, *password, *user, *sentinel_name, *sentinel_password;
    char **sentinels; /* ends with NULL */
    uint16_t port;
    unsigned database;
    int timeout_ms;
};

void redis_place_set(struct redis_place *p, const struct wd_redis_options *o);
void redis_place_done(struct redis_place *p);
/** Connects, says who we are, chooses the database, and makes sure that it is a master. NULL with one clear line;
 *  WD_INVALID for what waiting does not mend. */
redisContext *redis_connect(const struct redis_place *p, struct wd_error *err);
/** UNAVAILABLE with what the context or the reply says; reply may be NULL. Always false. */
bool redis_fail(const redisContext *c, const redisReply *reply, const char *doing, struct wd_error *err);

/* ---- pool.c ---- */

struct redis_pool; /* of connections for commands */

struct redis_pool *redis_pool_new(const struct redis_place *place, unsigned most);
/** No command is under way. */
void redis_pool_free(struct redis_pool *pool);
/** Puts a connection in that is made already. */
void redis_pool_give(struct redis_pool *pool, redisContext *c);

/* May a command be sent again whose answer was lost? */
enum redis_repeat { REDIS_REPEAT, REDIS_REPEAT_NEVER };

/** Runs one command; *out is yours to freeReplyObject. UNAVAILABLE for a lost server and for error replies alike. While
 *  a server is away, calls fail at once, but for one that tries from time to time. */
bool redis_command(struct redis_pool *pool, enum redis_repeat repeat, int argc, const struct wd_str *argv,
                   redisReply **out, struct wd_error *err) WD_CHECKED;

/* ---- listener.c ---- */

struct redis_listener; /* subscriptions, and the thread that hears them */

struct redis_listener *redis_listener_new(const struct redis_place *place);
bool redis_listener_add(struct redis_listener *l, struct wd_str channel, wd_bus_heard *heard, void *data,
                        struct wd_error *err) WD_CHECKED;
/** Hands a message to this process's own subscribers, from any thread. */
void redis_listener_hear(struct redis_listener *l, struct wd_str channel, struct wd_str payload);
void redis_listener_free(struct redis_listener *l);
#endif
