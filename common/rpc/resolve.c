#include "common/rpc/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"

/* Shared by the loop's thread and the resolver's; the last of the two frees it. */
struct wd_resolver {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopped, kicked, posted;      /* guarded by lock */
    unsigned owners;                   /* guarded by lock */
    struct wd_addresses *found;        /* guarded by lock; a row per host; n == SIZE_MAX: no news */
    char **hosts;                      /* never changes */
    struct wd_resolver_options options; /* never changes */
    struct wd_queue_item item;
};

bool
wd_addresses_have(const struct wd_addresses *a, const char *address)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->text[i], address) == 0)
            return true;
    return false;
}

bool
wd_resolve_system(void *data, const char *host, struct wd_addresses *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *list;
    char text[WD_ADDRESS_TEXT];

    (void)data;
    out->n = 0;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return false;
    for (struct addrinfo *a = list; a && out->n < WD_RESOLVE_MAX; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 &&
            !wd_addresses_have(out, text))
            memcpy(out->text[out->n++], text, sizeof text);
    }
    freeaddrinfo(list);
    return true;
}

static void
disown(struct wd_resolver *r)
{
    bool last;

    pthread_mutex_lock(&r->lock);
    last = --r->owners == 0;
    pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    for (size_t i = 0; i < r->options.count; i++)
        free(r->hosts[i]);
    free(r->hosts);
    free(r->found);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* On the loop's thread: a resolver that was stopped is not in the queue any more, as its owner frees both there. */
static void
on_news(struct wd_queue_item *item)
{
    struct wd_resolver *r = WD_OF(item, struct wd_resolver, item);
    struct wd_addresses news;

    for (size_t i = 0; i < r->options.count; i++) {
        pthread_mutex_lock(&r->lock);
        r->posted = false;
        news = r->found[i];
        r->found[i].n = SIZE_MAX;
        pthread_mutex_unlock(&r->lock);
        if (news.n != SIZE_MAX)
            r->options.on_addresses(r->options.data, i, &news);
    }
}

static void
resolve_all(struct wd_resolver *r)
{
    struct wd_addresses now;

    for (size_t i = 0; i < r->options.count; i++) {
        if (!r->options.resolve(r->options.resolve_data, r->hosts[i], &now))
            continue;
        pthread_mutex_lock(&r->lock);
        r->found[i] = now;
        if (!r->stopped && !r->posted) {
            r->posted = true;
            wd_queue_post(r->options.queue, &r->item);
        }
        pthread_mutex_unlock(&r->lock);
    }
}

/* Waits for the next round; false when there is none. */
static bool
wait_for_round(struct wd_resolver *r)
{
    struct timespec until;
    bool stopped;
    int rv = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += r->options.every_ms / 1000;
    until.tv_nsec += r->options.every_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&r->lock);
    while (!r->stopped && !r->kicked && rv == 0)
        rv = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    r->kicked = false;
    stopped = r->stopped;
    pthread_mutex_unlock(&r->lock);
    return !stopped;
}

static void *
resolver_main(void *data)
{
    do
        resolve_all(data);
    while (wait_for_round(data));
    disown(data);
    return NULL;
}

static struct wd_resolver *
resolver_new(const struct wd_resolver_options *o)
{
    struct wd_resolver *r = WD_NEW(struct wd_resolver);
    pthread_condattr_t monotonic;

    r->options = *o;
    if (!r->options.resolve)
        r->options.resolve = wd_resolve_system;
    r->hosts = wd_alloc(sizeof *r->hosts * o->count);
    r->found = wd_alloc(sizeof *r->found * o->count);
    for (size_t i = 0; i < o->count; i++) {
        size_t n = strlen(o->hosts[i]) + 1;
        r->hosts[i] = memcpy(wd_alloc(n), o->hosts[i], n);
        r->found[i].n = SIZE_MAX;
    }
    r->item.run = on_news;
    r->owners = 2;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return r;
}

struct wd_resolver *
wd_resolver_start(const struct wd_resolver_options *o, struct wd_error *err)
{
    struct wd_resolver *r = resolver_new(o);
    pthread_t thread;

    if (pthread_create(&thread, NULL, resolver_main, r) != 0) {
        r->owners = 1;
        disown(r);
        wd_fail(err, WD_INTERNAL, "cannot start the resolver's thread");
        return NULL;
    }
    pthread_detach(thread);
    return r;
}

static void
resolver_wake(struct wd_resolver *r, bool *flag)
{
    pthread_mutex_lock(&r->lock);
    *flag = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void
wd_resolver_stop(struct wd_resolver *r)
{
    if (!r)
        return;
    resolver_wake(r, &r->stopped); /* from here on nothing is posted */
    wd_queue_remove(r->options.queue, &r->item);
    disown(r);
}

void
wd_resolver_kick(struct wd_resolver *r)
{
    resolver_wake(r, &r->kicked);
}
