#include "common/rpc/close.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/log/log.h"

/* Shared by the two threads; the last one frees it. */
struct closing {
    nng_socket socket;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    bool closed;
    unsigned owners;
    size_t n;
    nng_tls_config *tls[];
};

static atomic_uint left_behind;

static void
disown(struct closing *c, bool closed)
{
    bool last;

    pthread_mutex_lock(&c->lock);
    c->closed = c->closed || closed;
    last = --c->owners == 0;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (!last)
        return;
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void *
closing_main(void *data)
{
    struct closing *c = data;

    nng_close(c->socket);
    for (size_t i = 0; i < c->n; i++)
        if (c->tls[i])
            nng_tls_config_free(c->tls[i]);
    disown(c, true);
    return NULL;
}

static struct closing *
closing_new(nng_socket socket, nng_tls_config *const *tls, size_t n)
{
    struct closing *c = wd_alloc(sizeof *c + n * sizeof *tls);
    pthread_condattr_t monotonic;

    c->socket = socket;
    c->owners = 2;
    c->n = n;
    for (size_t i = 0; i < n; i++)
        c->tls[i] = tls[i];
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return c;
}

static bool
wait_closed(struct closing *c, int wait_ms)
{
    struct timespec until;
    bool closed;
    int rv = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&c->lock);
    while (!c->closed && rv == 0)
        rv = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    closed = c->closed;
    pthread_mutex_unlock(&c->lock);
    return closed;
}

bool
wd_socket_close(nng_socket socket, nng_tls_config *const *tls, size_t n, int wait_ms)
{
    struct closing *c = closing_new(socket, tls, n);
    pthread_t thread;
    bool closed;

    if (pthread_create(&thread, NULL, closing_main, c) == 0)
        pthread_detach(thread);
    else
        closing_main(c);
    closed = wait_ms == 0 || wait_closed(c, wait_ms);
    disown(c, false);
    if (!closed) {
        atomic_fetch_add(&left_behind, 1);
        wd_log(WD_LOG_WARN, "closing a socket hangs, leaving it behind", WD_KV_NONE);
    }
    return closed;
}

unsigned
wd_sockets_left_behind(void)
{
    return atomic_load(&left_behind);
}
