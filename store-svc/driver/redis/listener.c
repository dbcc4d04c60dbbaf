/* store-svc/driver/redis/listener.c – subscriptions on a connection of their own, made again when it is lost. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/driver/redis/redis_priv.h"

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 2000, PING_MS = 2000, DEAD_MS = 6000 };

struct subscription {
    char *channel;
    wd_bus_heard *heard;
    void *data;
    bool asked, confirmed; /* on the present connection */
};

struct redis_listener {
    const struct redis_place *place;
    pthread_t thread;
    bool started;
    int wake_fd;          /* readable when there is something new for the thread */
    pthread_mutex_t lock; /* guards what follows, and lets one message through at a time */
    pthread_cond_t confirmed;
    struct WD_VEC(struct subscription) subscriptions;
    bool stop;
    /* The thread's own: */
    redisContext *c;
    int64_t heard_ms, pinged_ms;
    int pause_ms;
    bool was_connected;
};

/* ---- messages ---- */

void
redis_listener_hear(struct redis_listener *l, struct wd_str channel, struct wd_str payload)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->subscriptions.n; i++) {
        const struct subscription *s = &l->subscriptions.p[i];

        if (channel.n == 0 || wd_str_eq(channel, wd_str_c(s->channel)))
            s->heard(s->data, wd_str_c(s->channel), payload);
    }
    pthread_mutex_unlock(&l->lock);
}

static void
confirm(struct redis_listener *l, const char *channel)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->subscriptions.n; i++)
        if (strcmp(l->subscriptions.p[i].channel, channel) == 0)
            l->subscriptions.p[i].confirmed = true;
    pthread_cond_broadcast(&l->confirmed);
    pthread_mutex_unlock(&l->lock);
}

static void
take_reply(struct redis_listener *l, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || reply->element[0]->type != REDIS_REPLY_STRING)
        return; /* the answer to PING */
    if (strcmp(reply->element[0]->str, "subscribe") == 0)
        confirm(l, reply->element[1]->str);
    if (strcmp(reply->element[0]->str, "message") != 0)
        return;
    redis_listener_hear(l, (struct wd_str){ reply->element[1]->str, (size_t)reply->element[1]->len },
                        (struct wd_str){ reply->element[2]->str, (size_t)reply->element[2]->len });
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

/* What was published while nobody listened is lost: an empty message says so. */
static void
connect_again(struct redis_listener *l)
{
    struct wd_error err;

    l->c = redis_connect(l->place, &err);
    if (l->c && !subscribe(l))
        drop(l);
    if (!l->c)
        return;
    l->heard_ms = l->pinged_ms = wd_mono_ms();
    l->pause_ms = FIRST_PAUSE_MS;
    if (l->was_connected) {
        wd_log(WD_LOG_INFO, "redis: subscribed again", WD_KV_NONE);
        redis_listener_hear(l, WD_NONE, WD_NONE);
    }
    l->was_connected = true;
}

/* Waits for the connection, for the time or for something new; false: it is time to end. */
static bool
wait_for(struct redis_listener *l, int ms, bool *readable, bool *woken)
{
    struct pollfd fds[2] = { { .fd = l->wake_fd, .events = POLLIN }, { .fd = l->c ? l->c->fd : -1, .events = POLLIN } };
    uint64_t times;
    bool stop;

    *readable = *woken = false;
    if (poll(fds, 2, ms) < 0)
        return true;
    *readable = fds[1].revents != 0;
    *woken = fds[0].revents != 0 && read(l->wake_fd, &times, sizeof times) == sizeof times;
    pthread_mutex_lock(&l->lock);
    stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    return !stop;
}

static bool
read_all(struct redis_listener *l)
{
    void *reply;

    if (redisBufferRead(l->c) != REDIS_OK)
        return false;
    l->heard_ms = wd_mono_ms();
    while (redisGetReplyFromReader(l->c, &reply) == REDIS_OK) {
        if (!reply)
            return true;
        take_reply(l, reply);
        freeReplyObject(reply);
    }
    return false;
}

/* A connection that says nothing for long is asked; one that does not answer is dead, whatever the kernel thinks. */
static bool
keep_alive(struct redis_listener *l)
{
    int64_t now = wd_mono_ms();

    if (now - l->heard_ms > DEAD_MS)
        return false;
    if (now - l->pinged_ms < PING_MS)
        return true;
    l->pinged_ms = now;
    return redisAppendCommand(l->c, "PING") == REDIS_OK && flush(l->c);
}

static void *
run(void *data)
{
    struct redis_listener *l = data;
    bool readable, woken;

    l->pause_ms = FIRST_PAUSE_MS;
    while (wait_for(l, l->c ? PING_MS / 4 : l->pause_ms, &readable, &woken)) {
        if (!l->c) {
            l->pause_ms = l->pause_ms * 2 < LONGEST_PAUSE_MS ? l->pause_ms * 2 : LONGEST_PAUSE_MS;
            connect_again(l);
        } else if ((readable && !read_all(l)) || (woken && !subscribe(l)) || !keep_alive(l)) {
            drop(l);
            connect_again(l);
        }
    }
    drop(l);
    return NULL;
}

/* ---- entry ---- */

struct redis_listener *
redis_listener_new(const struct redis_place *place)
{
    struct redis_listener *l = WD_NEW(struct redis_listener);

    l->place = place;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->confirmed, NULL);
    return l;
}

static void
wake(struct redis_listener *l)
{
    uint64_t one = 1;

    if (write(l->wake_fd, &one, sizeof one) != sizeof one)
        return; /* it is full: the thread will wake anyhow */
}

static bool
start(struct redis_listener *l, struct wd_error *err)
{
    l->c = redis_connect(l->place, err);
    if (!l->c)
        return false;
    l->was_connected = true;
    l->heard_ms = l->pinged_ms = wd_mono_ms();
    l->started = pthread_create(&l->thread, NULL, run, l) == 0;
    return l->started || wd_fail(err, WD_INTERNAL, "cannot start the bus's thread");
}

/* What is published after a subscription was made is heard. */
static bool
wait_until_confirmed(struct redis_listener *l, size_t which, struct wd_error *err)
{
    struct timespec until;
    bool ok;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1 + l->place->timeout_ms / 1000;
    pthread_mutex_lock(&l->lock);
    while (!l->subscriptions.p[which].confirmed && pthread_cond_timedwait(&l->confirmed, &l->lock, &until) == 0)
        continue;
    ok = l->subscriptions.p[which].confirmed;
    pthread_mutex_unlock(&l->lock);
    return ok || wd_fail(err, WD_UNAVAILABLE, "redis: subscribe: no answer in time");
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
    if (!l->started && !start(l, err))
        return false;
    wake(l);
    return wait_until_confirmed(l, which, err);
}

void
redis_listener_free(struct redis_listener *l)
{
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    wake(l);
    if (l->started)
        pthread_join(l->thread, NULL);
    else
        drop(l);
    close(l->wake_fd);
    for (size_t i = 0; i < l->subscriptions.n; i++)
        free(l->subscriptions.p[i].channel);
    wd_vec_done(&l->subscriptions);
    pthread_cond_destroy(&l->confirmed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
