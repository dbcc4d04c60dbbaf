/* store-svc/driver/redis/listener.c – subscriptions on a connection of their own, made again when it is lost. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/driver/redis/redis_priv.h"

enum {
    FIRST_PAUSE_MS = 50,
    LONGEST_PAUSE_MS = 2000,
    STEADY_MS = 5000, /* a connection that lasts so long was a good one */
    DEAD_PINGS = 3,   /* so many without an answer */
};

struct subscription {
    char *channel;
    wd_bus_heard *heard;
    void *data;
    bool asked, confirmed; /* on the present connection */
    bool known;            /* it was confirmed once, on this one or on another */
};

struct redis_listener {
    struct redis_place *place;
    struct redis_listener_calls calls;
    pthread_t thread;
    int wake_fd;          /* readable when there is something new for the thread */
    pthread_mutex_t lock; /* guards what follows, and lets one message through at a time */
    pthread_cond_t news;  /* a subscription was confirmed, or refused */
    struct WD_VEC(struct subscription) subscriptions;
    struct wd_error trouble; /* why there is no connection, or what the server refused */
    bool stop;
    /* The thread's own: */
    redisContext *c;
    int64_t since_ms, heard_ms, pinged_ms; /* of the present connection */
    int64_t next_ms;                       /* when the next one is tried */
    int pause_ms;
    bool lost; /* no subscription was confirmed since */
};

/* ---- messages ---- */

void
redis_listener_hear(struct redis_listener *l, struct wd_str channel, struct wd_str payload)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->subscriptions.n; i++) {
        const struct subscription *s = &l->subscriptions.p[i];

        if (wd_str_eq(channel, wd_str_c(s->channel)))
            s->heard(s->data, channel, payload);
    }
    pthread_mutex_unlock(&l->lock);
}

bool
redis_listener_is_up(struct redis_listener *l)
{
    bool up = true;

    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->subscriptions.n; i++)
        up = up && l->subscriptions.p[i].confirmed;
    pthread_mutex_unlock(&l->lock);
    return up;
}

/* From now on messages are heard. Those since the last connection are lost, which an empty one says: not earlier, or
 * what comes between the reading of a journal and this moment would be lost for good. */
static void
confirm(struct redis_listener *l, struct wd_str channel)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->subscriptions.n; i++) {
        struct subscription *s = &l->subscriptions.p[i];

        if (s->confirmed || !wd_str_eq(channel, wd_str_c(s->channel)))
            continue;
        s->confirmed = true;
        if (s->known)
            s->heard(s->data, channel, WD_NONE);
        s->known = true;
    }
    pthread_cond_broadcast(&l->news);
    pthread_mutex_unlock(&l->lock);
    if (l->lost)
        wd_log(WD_LOG_INFO, "redis: subscribed again", WD_KV_NONE);
    l->lost = false;
}

static void
refused(struct redis_listener *l, const redisReply *reply)
{
    pthread_mutex_lock(&l->lock);
    redis_fail(NULL, reply, "subscribe", &l->trouble);
    if (!l->lost)
        wd_log_error(WD_LOG_WARN, "redis refuses a subscription", &l->trouble, WD_KV_NONE);
    pthread_mutex_unlock(&l->lock);
}

static struct wd_str
text_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? wd_str_n(reply->str, (size_t)reply->len) : WD_NONE;
}

/* False when the connection is of no use. The answer to PING is nothing but a sign of life, even an error. */
static bool
take_reply(struct redis_listener *l, const redisReply *reply)
{
    struct wd_str kind;

    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "MISCONF", 7) != 0) {
        refused(l, reply);
        return false;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return true;
    kind = text_of(reply->element[0]);
    if (wd_str_eq(kind, WD_STR("subscribe")))
        confirm(l, text_of(reply->element[1]));
    else if (wd_str_eq(kind, WD_STR("message")))
        redis_listener_hear(l, text_of(reply->element[1]), text_of(reply->element[2]));
    return true;
}

/* ---- the connection ---- */

static bool
flush(redisContext *c)
{
    int done = 0;

    while (!done)
        if (redisBufferWrite(c, &done) != REDIS_OK)
            return false;
    return true;
}

/* Asks for what has not been asked for on this connection. */
static bool
subscribe(struct redis_listener *l)
{
    bool ok = true;

    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; ok && i < l->subscriptions.n; i++) {
        struct subscription *s = &l->subscriptions.p[i];

        ok = s->asked || redisAppendCommand(l->c, "SUBSCRIBE %s", s->channel) == REDIS_OK;
        s->asked = ok;
    }
    pthread_mutex_unlock(&l->lock);
    return ok && flush(l->c);
}

static void
pause_before_next(struct redis_listener *l)
{
    l->next_ms = wd_mono_ms() + l->pause_ms;
    l->pause_ms = l->pause_ms * 2 < LONGEST_PAUSE_MS ? l->pause_ms * 2 : LONGEST_PAUSE_MS;
}

static void
drop(struct redis_listener *l)
{
    if (l->c)
        redisFree(l->c);
    l->c = NULL;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->subscriptions.n; i++)
        l->subscriptions.p[i].asked = l->subscriptions.p[i].confirmed = false;
    pthread_mutex_unlock(&l->lock);
}

static void
lose(struct redis_listener *l)
{
    if (wd_mono_ms() - l->since_ms > STEADY_MS)
        l->pause_ms = FIRST_PAUSE_MS;
    drop(l);
    pause_before_next(l);
    if (!l->lost)
        wd_log(WD_LOG_WARN, "redis: subscriptions are lost, trying again", WD_KV_NONE);
    l->lost = true;
}

static void
try_to_connect(struct redis_listener *l)
{
    struct wd_error err;

    l->c = redis_connect(l->place, &err);
    if (!l->c) {
        pthread_mutex_lock(&l->lock);
        l->trouble = err;
        pthread_mutex_unlock(&l->lock);
        pause_before_next(l);
        return;
    }
    l->since_ms = l->heard_ms = l->pinged_ms = wd_mono_ms();
    if (!subscribe(l)) {
        lose(l);
        return;
    }
    l->calls.connected(l->calls.data);
}

static bool
read_all(struct redis_listener *l)
{
    void *reply = NULL;
    bool ok = redisBufferRead(l->c) == REDIS_OK;

    l->heard_ms = wd_mono_ms();
    while (ok && redisGetReplyFromReader(l->c, &reply) == REDIS_OK) {
        if (!reply)
            return true;
        ok = take_reply(l, reply);
        freeReplyObject(reply);
    }
    return false;
}

/* A connection that says nothing is asked; one that does not answer is dead, whatever the kernel thinks. */
static bool
keep_alive(struct redis_listener *l)
{
    int64_t now = wd_mono_ms();

    if (now - l->heard_ms > (int64_t)DEAD_PINGS * l->place->timeout_ms)
        return false;
    if (now - l->pinged_ms < l->place->timeout_ms)
        return true;
    l->pinged_ms = now;
    return redisAppendCommand(l->c, "PING") == REDIS_OK && flush(l->c);
}

/* ---- the thread ---- */

/* Waits for the connection, for the time or for something new; false: it is time to end. */
static bool
wait_for(struct redis_listener *l, bool *readable, bool *woken)
{
    struct pollfd fds[2] = { { .fd = l->wake_fd, .events = POLLIN }, { .fd = l->c ? l->c->fd : -1, .events = POLLIN } };
    int64_t ms = l->c ? l->place->timeout_ms / 4 : l->next_ms - wd_mono_ms();
    uint64_t times;
    bool stop;

    poll(fds, 2, ms > 0 ? (int)ms : 0);
    *readable = fds[1].revents != 0;
    *woken = fds[0].revents != 0 && read(l->wake_fd, &times, sizeof times) == sizeof times;
    pthread_mutex_lock(&l->lock);
    stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    return !stop;
}

static void *
run(void *data)
{
    struct redis_listener *l = data;
    bool readable, woken;

    while (wait_for(l, &readable, &woken)) {
        if (!l->c) {
            if (wd_mono_ms() >= l->next_ms)
                try_to_connect(l);
        } else if ((readable && !read_all(l)) || (woken && !subscribe(l)) || !keep_alive(l)) {
            lose(l);
        } else if (!readable) {
            l->calls.moment(l->calls.data);
        }
    }
    drop(l);
    return NULL;
}

static void
wake(struct redis_listener *l)
{
    uint64_t one = 1;

    if (write(l->wake_fd, &one, sizeof one) != sizeof one)
        return; /* it is full: the thread will wake anyhow */
}

/* ---- entry ---- */

static void
listener_free(struct redis_listener *l)
{
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    for (size_t i = 0; i < l->subscriptions.n; i++)
        free(l->subscriptions.p[i].channel);
    wd_vec_done(&l->subscriptions);
    pthread_cond_destroy(&l->news);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

struct redis_listener *
redis_listener_new(struct redis_place *place, const struct redis_listener_calls *calls, struct wd_error *err)
{
    struct redis_listener *l = WD_NEW(struct redis_listener);
    pthread_condattr_t monotonic;

    l->place = place;
    l->calls = *calls;
    l->pause_ms = FIRST_PAUSE_MS;
    wd_fail(&l->trouble, WD_UNAVAILABLE, "redis: subscribe: no answer in time");
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (l->wake_fd >= 0 && pthread_create(&l->thread, NULL, run, l) == 0)
        return l;
    listener_free(l);
    wd_fail(err, WD_UNAVAILABLE, "redis: cannot start the bus's thread");
    return NULL;
}

static bool
wait_until_confirmed(struct redis_listener *l, size_t which, struct wd_error *err)
{
    int64_t until = wd_mono_ms() + 2 * (int64_t)l->place->timeout_ms;
    struct timespec at = { until / 1000, until % 1000 * 1000000 };
    bool ok;

    pthread_mutex_lock(&l->lock);
    while (!l->subscriptions.p[which].confirmed && pthread_cond_timedwait(&l->news, &l->lock, &at) == 0)
        continue;
    ok = l->subscriptions.p[which].confirmed;
    if (!ok)
        *err = l->trouble;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

bool
redis_listener_add(struct redis_listener *l, struct wd_str channel, wd_bus_heard *heard, void *data,
                   struct wd_error *err)
{
    struct subscription s = { .channel = strndup(channel.p, channel.n), .heard = heard, .data = data };
    size_t which;

    if (!s.channel)
        abort();
    pthread_mutex_lock(&l->lock);
    which = l->subscriptions.n;
    wd_vec_push(&l->subscriptions, s);
    pthread_mutex_unlock(&l->lock);
    wake(l);
    return wait_until_confirmed(l, which, err);
}

void
redis_listener_free(struct redis_listener *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    wake(l);
    pthread_join(l->thread, NULL);
    listener_free(l);
}
