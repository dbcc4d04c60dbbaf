/* store-svc/driver/redis/redis.h – the bus of several replicas on Redis: beacons on a connection of their own, commands
 * on pooled ones, counters as atomic scripts, locks with fencing. */
#ifndef WD_DRIVER_REDIS_H
#define WD_DRIVER_REDIS_H
#include "store-svc/port/bus.h"

struct wd_redis_options {
    const char *host;                 /* NULL: 127.0.0.1; or a path for a Unix socket, which starts with / */
    uint16_t port;                    /* 0: 6379 */
    unsigned database;                /* 3 in existing installations */
    const char *password;             /* NULL: none */
    const char *user;                 /* of an ACL; NULL: the default one */
    const char *sentinel_name;        /* master's name; NULL: no Sentinel */
    const char *const *sentinels;     /* "host:port", ends with NULL; asked in turn at each connecting */
    const char *sentinel_password;    /* NULL: none */
    unsigned connections;             /* for commands, at most; 0: 8 */
    int timeout_ms;                   /* of connecting and of one command; 0: 2,000 */
};

/**
 * Connects once and checks, with one clear line: WD_INVALID for what waiting does not mend (the password, the database
 * number, a read-only replica that no Sentinel named, a cluster), WD_UNAVAILABLE when nobody answers. From then on
 * SIGPIPE is ignored in the process.
 *
 * Later losses are mended by themselves. Commands fail with WD_UNAVAILABLE meanwhile: the first ones after their
 * timeout, then all at once but for one that tries from time to time (200 ms to 5 s). What is published is told to the
 * subscribers in this process. Subscriptions are made again as soon as the server is back, and then told of a gap.
 */
bool wd_redis_open(const struct wd_redis_options *o, struct wd_bus **out, struct wd_error *err) WD_CHECKED;

/** Appends a line for people about the server behind a bus of this driver: "redis: connected to 127.0.0.1:6379,
 *  version 7.0.15, database 3". Blocks for one command. WD_UNAVAILABLE. */
bool wd_redis_about(struct wd_bus *b, struct wd_buf *out, struct wd_error *err) WD_CHECKED;
#endif
