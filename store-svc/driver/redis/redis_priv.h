/* store-svc/driver/redis/redis_priv.h – one bus: connections for commands, and the listener with its own. */
#ifndef WD_DRIVER_REDIS_PRIV_H
#define WD_DRIVER_REDIS_PRIV_H
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/base/vec.h"
#include "store-svc/driver/redis/redis.h"

enum { REDIS_CONNECTIONS = 8, REDIS_TIMEOUT_MS = 2000, REDIS_PORT = 6379 };

/* ---- reply.c ---- */

enum redis_reply_kind {
    REDIS_LEAVE = 1,   /* nothing was done, and this server does nothing for us: a replica, one that is loading */
    REDIS_MISTAKE = 2, /* we were told something wrong, which waiting does not mend */
};

/** Is it an error of this kind? reply may be NULL. */
bool redis_reply_is(const redisReply *reply, enum redis_reply_kind kind);
/** Has the context failed because nothing came in time? error is the errno of the failing call. */
bool redis_timed_out(const redisContext *c, int error);
/** UNAVAILABLE with what the context or the reply says; reply may be NULL, then errno is read. Always false. */
bool redis_fail(const redisContext *c, const redisReply *reply, const char *doing, struct wd_error *err);

/* ---- connect.c ---- */

/* Where and as whom; owned copies. Any thread. */
struct redis_place {
    char *host, *password, *user, *sentinel_name, *sentinel_password;
    char **sentinels;
    unsigned n_sentinels;
    atomic_uint sentinel; /* the one that knew the master last time */
    uint16_t port;
    unsigned database;
    int timeout_ms;
};

void redis_place_set(struct redis_place *p, const struct wd_redis_options *o);
void redis_place_done(struct redis_place *p);
/** Connects, says who we are, chooses the database, and makes sure that it is a master. NULL with one clear line;
 *  WD_INVALID for what waiting does not mend. Blocks for a timeout of each Sentinel and of the server at most. */
redisContext *redis_connect(struct redis_place *p, struct wd_error *err);

/* ---- pool.c ---- */

struct redis_pool; /* of connections for commands */

struct redis_pool *redis_pool_new(struct redis_place *place, unsigned most);
/** No command is under way. */
void redis_pool_free(struct redis_pool *pool);
/** Puts a connection in that is made already. */
void redis_pool_give(struct redis_pool *pool, redisContext *c);
/** The server was seen to be back: the next command tries it, whatever the pause. */
void redis_pool_retry(struct redis_pool *pool);

/* May a command be sent again whose answer was lost? */
enum redis_repeat { REDIS_REPEAT, REDIS_REPEAT_NEVER };

/** Runs one command; *out is yours to freeReplyObject, and may be an error reply. Fails with UNAVAILABLE when no answer
 *  came. While a server is away, calls fail at once, but for one at a time that tries when a pause is over. */
bool redis_call(struct redis_pool *pool, enum redis_repeat repeat, int argc, const struct wd_str *argv,
                redisReply **out, struct wd_error *err) WD_CHECKED;
/** The same, and an error reply is a failure, which the log tells once in a while. */
bool redis_command(struct redis_pool *pool, enum redis_repeat repeat, int argc, const struct wd_str *argv,
                   redisReply **out, struct wd_error *err) WD_CHECKED;
/** Turns an error reply into such a failure and frees it; otherwise true. */
bool redis_accept(struct redis_pool *pool, const char *doing, redisReply *reply, struct wd_error *err) WD_CHECKED;

/* ---- script.c ---- */

enum redis_script { REDIS_TTLCOUNTER, REDIS_LIMITEDCOUNTER, REDIS_TAKE_LOCK, REDIS_EXTEND_LOCK, REDIS_RELEASE_LOCK };

/** Runs a script as one step for everybody: argv is the keys, then the arguments. As redis_command(). */
bool redis_run(struct redis_pool *pool, enum redis_repeat repeat, enum redis_script script, int keys, int argc,
               const struct wd_str *argv, redisReply **out, struct wd_error *err) WD_CHECKED;

/* ---- owed.c ---- */

struct redis_owed; /* what is to be given back to counters when the server is there again */

struct redis_owed *redis_owed_new(void);
void redis_owed_free(struct redis_owed *o);
/** False when too much is owed already. n < 0. */
bool redis_owed_add(struct redis_owed *o, struct wd_str key, struct wd_str field, int64_t n);
/** Gives back as much as the server takes. */
void redis_owed_pay(struct redis_owed *o, struct redis_pool *pool);
/** Adds n, which is below 0, to a field's count. *value is what is left. */
bool redis_give_back(struct redis_pool *pool, struct wd_str key, struct wd_str field, int64_t n, int64_t *value,
                     struct wd_error *err) WD_CHECKED;

/* ---- listener.c ---- */

struct redis_listener; /* subscriptions, and the thread that hears them */

struct redis_listener_calls {
    void (*connected)(void *data); /* on the listener's thread, as the next one; both may run commands */
    void (*moment)(void *data);    /* now and then while there is a connection */
    void *data;
};

/** Starts the thread, which connects. NULL on failure. */
struct redis_listener *redis_listener_new(struct redis_place *place, const struct redis_listener_calls *calls,
                                          struct wd_error *err);
/** Returns when the server has confirmed it: what is published later is heard. */
bool redis_listener_add(struct redis_listener *l, struct wd_str channel, wd_bus_heard *heard, void *data,
                        struct wd_error *err) WD_CHECKED;
/** Hands a message to this process's own subscribers, from any thread. */
void redis_listener_hear(struct redis_listener *l, struct wd_str channel, struct wd_str payload);
/** Are all subscriptions confirmed, as far as is known? */
bool redis_listener_is_up(struct redis_listener *l);
/** NULL is fine. */
void redis_listener_free(struct redis_listener *l);
#endif
