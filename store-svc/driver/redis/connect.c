/* store-svc/driver/redis/connect.c – one connection: where the master is, who we are, which database. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"
#include "store-svc/driver/redis/redis_priv.h"

enum { SENTINEL_PORT = 26379 };

static char *
copy(const char *text)
{
    char *made = text ? strdup(text) : NULL;

    if (text && !made)
        abort();
    return made;
}

void
redis_place_set(struct redis_place *p, const struct wd_redis_options *o)
{
    unsigned n = 0;

    *p = (struct redis_place){
        .host = copy(o->host ? o->host : "127.0.0.1"),
        .password = copy(o->password),
        .user = copy(o->user),
        .sentinel_name = copy(o->sentinel_name),
        .sentinel_password = copy(o->sentinel_password),
        .port = o->port ? o->port : REDIS_PORT,
        .database = o->database,
        .timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : REDIS_TIMEOUT_MS,
    };
    while (o->sentinel_name && o->sentinels && o->sentinels[n])
        n++;
    p->sentinels = wd_alloc((n + 1) * sizeof *p->sentinels);
    p->n_sentinels = n;
    for (unsigned i = 0; i < n; i++)
        p->sentinels[i] = copy(o->sentinels[i]);
}

void
redis_place_done(struct redis_place *p)
{
    for (unsigned i = 0; i < p->n_sentinels; i++)
        free(p->sentinels[i]);
    free(p->sentinels);
    free(p->host);
    free(p->password);
    free(p->user);
    free(p->sentinel_name);
    free(p->sentinel_password);
}

/* ---- steps ---- */

static redisContext *
dial(const char *host, uint16_t port, int timeout_ms, struct wd_error *err)
{
    struct timeval t = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
    redisContext *c = host[0] == '/' ? redisConnectUnixWithTimeout(host, t) : redisConnectWithTimeout(host, port, t);

    if (c && c->err == 0 && redisSetTimeout(c, t) == REDIS_OK) {
        if (host[0] != '/')
            redisEnableKeepAlive(c);
        fcntl(c->fd, F_SETFD, FD_CLOEXEC);
        return c;
    }
    if (host[0] == '/')
        wd_fail(err, WD_UNAVAILABLE, "redis: %s: %s", host, c ? c->errstr : "no memory");
    else
        wd_fail(err, WD_UNAVAILABLE, "redis: %s:%u: %s", host, port, c ? c->errstr : "no memory");
    if (c)
        redisFree(c);
    return NULL;
}

/* One command whose answer is "OK". */
static bool
must(redisContext *c, const char *doing, int argc, const char **argv, struct wd_error *err)
{
    redisReply *reply = redisCommandArgv(c, argc, argv, NULL);
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;

    if (!ok)
        redis_fail(c, reply, doing, err);
    if (redis_reply_is(reply, REDIS_MISTAKE))
        err->reason = WD_INVALID;
    if (reply)
        freeReplyObject(reply);
    return ok;
}

static bool
log_in(redisContext *c, const char *user, const char *password, struct wd_error *err)
{
    const char *both[] = { "AUTH", user, password }, *one[] = { "AUTH", password };

    if (!password)
        return true;
    return user ? must(c, "log in", 3, both, err) : must(c, "log in", 2, one, err);
}

static bool
choose_database(redisContext *c, unsigned database, struct wd_error *err)
{
    char number[16], doing[40];
    const char *argv[] = { "SELECT", number };

    snprintf(number, sizeof number, "%u", database);
    snprintf(doing, sizeof doing, "choose database %u", database);
    return must(c, doing, 2, argv, err);
}

/* For people who look at the server; a user without the right to say it is as good. */
static bool
say_name(redisContext *c, struct wd_error *err)
{
    redisReply *reply = redisCommand(c, "CLIENT SETNAME wd-store");

    if (!reply)
        return redis_fail(c, NULL, "say our name", err);
    freeReplyObject(reply);
    return true;
}

/* A cluster would send us from node to node; a server that is loading answers nothing else. A user who may not ask is
 * told later, by the answers to other commands. */
static bool
is_ready(redisContext *c, struct wd_error *err)
{
    redisReply *reply = redisCommand(c, "INFO");
    bool told = reply && reply->type == REDIS_REPLY_STRING, cluster, loading;

    if (!reply)
        return redis_fail(c, NULL, "ask how it is", err);
    cluster = told && strstr(reply->str, "cluster_enabled:1");
    loading = told && strstr(reply->str, "\nloading:1");
    freeReplyObject(reply);
    if (cluster)
        return wd_fail(err, WD_INVALID, "redis: this server is a node of a cluster, which is not supported");
    return !loading || wd_fail(err, WD_UNAVAILABLE, "redis: this server is still loading its data");
}

/* Only a master takes our counters. */
static bool
is_master(redisContext *c, bool sentinel, struct wd_error *err)
{
    redisReply *reply = redisCommand(c, "ROLE");
    bool told = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                reply->element[0]->type == REDIS_REPLY_STRING;
    bool ok = told && strcmp(reply->element[0]->str, "master") == 0;

    if (!told)
        redis_fail(c, reply, "ask for its role", err);
    else if (!ok)
        wd_fail(err, sentinel ? WD_UNAVAILABLE : WD_INVALID, /* a Sentinel names another one soon */
                "redis: this server is a %s: it takes no writes; name its master, or its Sentinels",
                reply->element[0]->str);
    if (redis_reply_is(reply, REDIS_MISTAKE))
        err->reason = WD_INVALID;
    if (reply)
        freeReplyObject(reply);
    return ok;
}

static bool
introduce(redisContext *c, const struct redis_place *p, struct wd_error *err)
{
    return log_in(c, p->user, p->password, err) && is_ready(c, err) && choose_database(c, p->database, err) &&
           say_name(c, err) && is_master(c, p->sentinel_name != NULL, err);
}

/* ---- Sentinel ---- */

static bool
split(const char *address, char *host, size_t room, uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : strlen(address);
    uint32_t number;

    if (n == 0 || n >= room)
        return false;
    memcpy(host, address, n);
    host[n] = '\0';
    *port = SENTINEL_PORT;
    if (!colon)
        return true;
    if (!wd_str_u32(wd_str_c(colon + 1), UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return *port != 0;
}

static bool
read_address(const redisReply *reply, char *host, size_t room, uint16_t *port)
{
    uint32_t number;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING ||
        !wd_str_u32(wd_str_c(reply->element[1]->str), UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return (size_t)snprintf(host, room, "%s", reply->element[0]->str) < room;
}

/* On a connection to one. */
static bool
ask_for_master(redisContext *c, const struct redis_place *p, const char *sentinel, char *host, size_t room,
               uint16_t *port, struct wd_error *err)
{
    redisReply *reply;
    bool ok;

    if (!log_in(c, NULL, p->sentinel_password, err))
        return wd_fail_in(err, "Sentinel");
    reply = redisCommand(c, "SENTINEL get-master-addr-by-name %s", p->sentinel_name);
    ok = reply && read_address(reply, host, room, port);
    if (!ok && reply && reply->type == REDIS_REPLY_NIL)
        wd_fail(err, WD_UNAVAILABLE, "redis: Sentinel %s knows no master '%s'", sentinel, p->sentinel_name);
    else if (!ok)
        redis_fail(c, reply, "ask Sentinel", err);
    if (redis_reply_is(reply, REDIS_MISTAKE))
        err->reason = WD_INVALID;
    if (reply)
        freeReplyObject(reply);
    return ok;
}

static bool
ask_sentinel(const struct redis_place *p, const char *sentinel, char *host, size_t room, uint16_t *port,
             struct wd_error *err)
{
    redisContext *c;
    bool ok;

    if (!split(sentinel, host, room, port))
        return wd_fail(err, WD_INVALID, "redis: '%s' is no Sentinel's address", sentinel);
    c = dial(host, *port, p->timeout_ms, err);
    ok = c && ask_for_master(c, p, sentinel, host, room, port, err);
    if (c)
        redisFree(c);
    return ok;
}

/* In turn, the one that knew last time first: one that is away would cost a timeout at each connecting. */
static bool
find_master(struct redis_place *p, char *host, size_t room, uint16_t *port, struct wd_error *err)
{
    unsigned first = atomic_load(&p->sentinel);

    wd_fail(err, WD_INVALID, "redis: no Sentinel is named");
    for (unsigned i = 0; i < p->n_sentinels; i++) {
        unsigned which = (first + i) % p->n_sentinels;

        if (ask_sentinel(p, p->sentinels[which], host, room, port, err)) {
            atomic_store(&p->sentinel, which);
            return true;
        }
    }
    return false;
}

redisContext *
redis_connect(struct redis_place *p, struct wd_error *err)
{
    char host[256];
    uint16_t port = p->port;
    redisContext *c;

    if (p->sentinel_name && !find_master(p, host, sizeof host, &port, err))
        return NULL;
    c = dial(p->sentinel_name ? host : p->host, port, p->timeout_ms, err);
    if (c && !introduce(c, p, err)) {
        redisFree(c);
        c = NULL;
    }
    return c;
}
