/* store-svc/driver/redis/reply.c – what an error means: is the server no use to us, and what is a person told. */
#include <errno.h>
#include <string.h>

#include "common/base/lifetime.h"
#include "store-svc/driver/redis/redis_priv.h"

static const struct refusal {
    const char *word; /* that the answer starts with */
    const char *means;
    unsigned kinds;
} refusals[] = {
    { "READONLY ", "this server is a replica and takes no writes", REDIS_LEAVE },
    { "MASTERDOWN ", "this server is a replica that has lost its master", REDIS_LEAVE },
    { "LOADING ", "the server is still loading its data", REDIS_LEAVE },
    { "CLUSTERDOWN ", "a cluster is not supported", REDIS_LEAVE },
    { "MOVED ", "a cluster is not supported", REDIS_LEAVE },
    { "ASK ", "a cluster is not supported", REDIS_LEAVE },
    { "NOAUTH ", "the server wants a password", REDIS_LEAVE | REDIS_MISTAKE },
    { "WRONGPASS ", "user or password is wrong", REDIS_MISTAKE },
    { "NOPERM ", "the user lacks a right", REDIS_MISTAKE },
    { "ERR invalid password", NULL, REDIS_MISTAKE },
    { "ERR AUTH ", NULL, REDIS_MISTAKE },
    { "ERR Client sent AUTH", NULL, REDIS_MISTAKE },
    { "ERR wrong number of arguments for 'auth'", "the server is too old for users", REDIS_MISTAKE },
    { "ERR DB index", NULL, REDIS_MISTAKE },
    { "ERR invalid DB index", NULL, REDIS_MISTAKE },
    { "MISCONF ", "the server cannot save its snapshots and takes no writes", 0 },
    { "OOM ", "the server's memory is full", 0 },
    { "BUSY ", "a script keeps the server busy", 0 },
};

static const struct refusal *
refusal_of(const redisReply *reply)
{
    for (size_t i = 0; reply && reply->type == REDIS_REPLY_ERROR && i < WD_COUNT(refusals); i++)
        if (strncmp(reply->str, refusals[i].word, strlen(refusals[i].word)) == 0)
            return &refusals[i];
    return NULL;
}

bool
redis_reply_is(const redisReply *reply, enum redis_reply_kind kind)
{
    const struct refusal *r = refusal_of(reply);

    return r && (r->kinds & kind);
}

bool
redis_timed_out(const redisContext *c, int error)
{
#ifdef REDIS_ERR_TIMEOUT
    if (c->err == REDIS_ERR_TIMEOUT)
        return true;
#endif
    return c->err == REDIS_ERR_IO && (error == EAGAIN || error == EWOULDBLOCK || error == ETIMEDOUT);
}

bool
redis_fail(const redisContext *c, const redisReply *reply, const char *doing, struct wd_error *err)
{
    int error = errno;
    const struct refusal *r = refusal_of(reply);
    const char *why = "no memory";

    if (r && r->means)
        return wd_fail(err, WD_UNAVAILABLE, "redis: %s: %s (%s)", doing, r->means, reply->str);
    if (reply && reply->type == REDIS_REPLY_ERROR)
        why = reply->str;
    else if (reply)
        why = "an answer of an unexpected kind";
    else if (c && c->err && redis_timed_out(c, error))
        why = "no answer in time";
    else if (c && c->err)
        why = c->errstr;
    return wd_fail(err, WD_UNAVAILABLE, "redis: %s: %s", doing, why);
}
