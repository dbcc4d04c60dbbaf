/* store-svc/driver/redis/connect.c – one connection: where the master is, who we are, which database. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"
#include "store-svc/driver/redis/redis_priv.h"

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
    size_t n = 0;

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
    for (size_t i = 0; i < n; i++)
        p->sentinels[i] = copy(o->sentinels[i]);
}

void
redis_place_done(struct redis_place *p)
{
    for (size_t i = 0; p->sentinels && p->sentinels[i]; i++)
        free(p->sentinels[i]);
    free(p->sentinels);
    free(p->host);
    free(p->password);
    free(p->user);
    free(p->sentinel_name);
    free(p->sentinel_password);
}

bool
redis_fail(const redisContext *c, const redisReply *reply, const char *doing, struct wd_error *err)
{
    const char *why = "no memory";

    if (reply && reply->type == REDIS_REPLY_ERROR)
        why = reply->str;
    else if (reply)
        why = "an answer of an unexpected kind";
    else if (c && c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        why = "no answer in time";
    else if (c && c->err)
        why = c->errstr;
    return wd_fail(err, WD_UNAVAILABLE, "redis: %s: %s", doing, why);
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

/* Answers that say that we were told something wrong, which waiting does not mend. */
static bool
is_mistake(const redisReply *reply)
{
    static const char *const words[] = { "WRONGPASS", "NOAUTH", "NOPERM", "ERR AUTH", "ERR Client sent AUTH",
                                         "ERR invalid password", "ERR DB index", "ERR invalid DB index" };

    for (size_t i = 0; reply && reply->type == REDIS_REPLY_ERROR && i < WD_COUNT(words); i++)
        if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* One command whose answer is "OK". */
static bool
must(redisContext *c, const char *doing, int argc, const char **argv, struct wd_error *err)
{
    redisReply *reply = redisCommandArgv(c, argc, argv, NULL);
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;

    if (!ok)
        redis_fail(c, reply, doing, err);
    if (is_mistake(reply))
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

/* Only a master takes our counters; a cluster would send us from node to node. */
static bool
is_master(redisContext *c, bool sentinel, struct wd_error *err)
{
    redisReply *reply = redisCommand(c, "ROLE");
    bool ok = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
              strcmp(reply->element[0]->str, "master") == 0;

    if (!ok && reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
        wd_fail(err, sentinel ? WD_UNAVAILABLE : WD_INVALID, /* a Sentinel names another one soon */
                "redis: this server is a %s: it takes no writes; name its master, or its Sentinels",
                reply->element[0]->str);
    else if (!ok)
        redis_fail(c, reply, "ask for its role", err);
    if (reply)
        freeReplyObject(reply);
    return ok;
}

static bool
is_no_cluster(redisContext *c, struct wd_error *err)
{
    redisReply *reply = redisCommand(c, "INFO cluster");
    bool cluster = reply && reply->type == REDIS_REPLY_STRING && strstr(reply->str, "cluster_enabled:1");

    if (reply)
        freeReplyObject(reply);
    return !cluster || wd_fail(err, WD_INVALID, "redis: this server is a node of a cluster, which is not supported");
}

static bool
introduce(redisContext *c, const struct redis_place *p, struct wd_error *err)
{
    static const char *name[] = { "CLIENT", "SETNAME", "wd-store" };

    return log_in(c, p->user, p->password, err) && is_no_cluster(c, err) && choose_database(c, p->database, err) &&
           must(c, "say our name", 3, name, err) && is_master(c, p->sentinel_name != NULL, err);
}

/* ---- Sentinel ---- */

static bool
split(const char *address, char *host, size_t room, uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : strlen(address);

    if (n == 0 || n >= room)
        return false;
    memcpy(host, address, n);
    host[n] = '\0';
    *port = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 26379;
    return *port != 0;
}

static bool
ask_sentinel(const struct redis_place *p, const char *sentinel, char *host, size_t room, uint16_t *port,
             struct wd_error *err)
{
    redisReply *reply = NULL;
    redisContext *c = NULL;
    bool ok = split(sentinel, host, room, port) && (c = dial(host, *port, p->timeout_ms, err)) &&
              log_in(c, NULL, p->sentinel_password, err);

    if (ok) {
        reply = redisCommand(c, "SENTINEL get-master-addr-by-name %s", p->sentinel_name);
        ok = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
             (size_t)snprintf(host, room, "%s", reply->element[0]->str) < room;
        if (ok)
            *port = (uint16_t)strtoul(reply->element[1]->str, NULL, 10);
        else if (reply && reply->type == REDIS_REPLY_NIL)
            wd_fail(err, WD_UNAVAILABLE, "redis: Sentinel %s knows no master '%s'", sentinel, p->sentinel_name);
        else
            redis_fail(c, reply, "ask Sentinel", err);
    } else if (!c && *port == 0) {
        wd_fail(err, WD_UNAVAILABLE, "redis: '%s' is no Sentinel's address", sentinel);
    }
    if (reply)
        freeReplyObject(reply);
    if (c)
        redisFree(c);
    return ok;
}

static bool
find_master(const struct redis_place *p, char *host, size_t room, uint16_t *port, struct wd_error *err)
{
    wd_fail(err, WD_UNAVAILABLE, "redis: no Sentinel is named");
    for (size_t i = 0; p->sentinels[i]; i++)
        if (ask_sentinel(p, p->sentinels[i], host, room, port, err))
            return true;
    return false;
}

redisContext *
redis_connect(const struct redis_place *p, struct wd_error *err)
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
