#include "common/rpc/server.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/vec.h"
#include "common/log/log.h"
#include "common/rpc/listen.h"
#include "common/rpc/server_priv.h"

/* A REP context holds one request from its receipt to its reply. So there are as many as requests may run and wait,
 * and some spare ones to answer OVERLOADED with: requests are never left unread in a socket, where nobody could count
 * them. Contexts receive on nng's threads, the queue hands to the workers, a reply's completion starts the next
 * receive. */
enum {
    LEAST_WORKERS = 8,
    DEFAULT_MAX_QUEUED = 1024,
    SPARE_SLOTS = 16,
    SEND_TIMEOUT_MS = 10000, /* a peer that does not read its replies loses them */
    AFTER_GRACE_MS = 1000,
    KEPT_ARENAS = 64,
    ARENA_BYTES = 16 * 1024,
};

struct slot {
    struct request request; /* first */
    struct wd_rpc_server *server;
    nng_ctx ctx;
    nng_aio *aio;
    bool sending;
};

struct wd_rpc_server {
    nng_socket socket;
    struct WD_VEC(struct listening) listening;
    struct methods methods;
    wd_rpc_authorize *authorize;
    void *app;
    struct slot *slots;
    size_t slot_count;
    pthread_t *workers;
    unsigned worker_count;
    atomic_bool draining;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t work, quiet;
    struct lanes queue;
    struct WD_VEC(struct wd_arena *) arenas;
    size_t busy; /* requests that are queued, running or whose reply is being sent */
    unsigned running_workers;
    bool refusing, stopping;
    uint64_t refused;
    int64_t refused_logged_ms;
};

/* ---- slots: receive, answer, receive again ---- */

static struct wd_arena *
arena_take(struct wd_rpc_server *s)
{
    struct wd_arena *a = NULL;

    pthread_mutex_lock(&s->lock);
    if (s->arenas.n > 0)
        a = s->arenas.p[--s->arenas.n];
    pthread_mutex_unlock(&s->lock);
    return a ? a : wd_arena_new(ARENA_BYTES);
}

static void
arena_give(struct wd_rpc_server *s, struct wd_arena *a)
{
    bool keep;

    wd_arena_reset(a);
    pthread_mutex_lock(&s->lock);
    keep = s->arenas.n < KEPT_ARENAS;
    if (keep)
        wd_vec_push(&s->arenas, a);
    pthread_mutex_unlock(&s->lock);
    if (!keep)
        wd_arena_free(a);
}

static void
slot_receive(struct slot *slot)
{
    slot->sending = false;
    nng_aio_set_timeout(slot->aio, NNG_DURATION_INFINITE);
    nng_ctx_recv(slot->ctx, slot->aio);
}

/* Everything of the request but its reply ends here; after the send the slot belongs to nng's threads again. */
static void
slot_answer(struct slot *slot)
{
    struct request *r = &slot->request;

    nng_msg_free(r->frame);
    arena_give(slot->server, r->call.arena);
    slot->sending = true;
    nng_aio_set_timeout(slot->aio, SEND_TIMEOUT_MS);
    nng_aio_set_msg(slot->aio, r->reply);
    nng_ctx_send(slot->ctx, slot->aio);
}

static void
request_over(struct wd_rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    if (--s->busy == 0)
        pthread_cond_broadcast(&s->quiet);
    pthread_mutex_unlock(&s->lock);
}

static void
on_sent(struct slot *slot)
{
    if (nng_aio_result(slot->aio) != 0 && nng_aio_get_msg(slot->aio)) {
        nng_msg_free(nng_aio_get_msg(slot->aio));
        nng_aio_set_msg(slot->aio, NULL);
    }
    request_over(slot->server);
    slot_receive(slot);
}

/* One line a second says how many, whatever comes. */
static void
note_refusal(struct wd_rpc_server *s, const struct request *r)
{
    int64_t now = wd_mono_ms();
    uint64_t count = 0;

    pthread_mutex_lock(&s->lock);
    s->refused++;
    if (now - s->refused_logged_ms >= 1000) {
        s->refused_logged_ms = now;
        count = s->refused;
        s->refused = 0;
    }
    pthread_mutex_unlock(&s->lock);
    if (count > 0)
        wd_log_error(WD_LOG_WARN, "calls refused", &r->call.err, WD_KV_UINT("count", count),
                     WD_KV("method", r->call.method));
}

/* FNV-1a of the service token: who is asking, before anybody has looked whether it is true. */
static uint64_t
caller_of(const struct request *r)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < r->call.service_token.n; i++)
        hash = (hash ^ (uint8_t)r->call.service_token.p[i]) * 0x100000001b3;
    return hash;
}

/* Queues the request; returns the one that has to go instead when there are too many. */
static struct slot *
admit(struct wd_rpc_server *s, struct slot *slot, bool *refusing)
{
    struct lane_item *out = &slot->request.lane;

    pthread_mutex_lock(&s->lock);
    *refusing = s->refusing;
    if (!s->refusing)
        out = lanes_add(&s->queue, caller_of(&slot->request), &slot->request.lane);
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    return out ? WD_OF(out, struct slot, request.lane) : NULL;
}

static void
on_received(struct slot *slot)
{
    struct wd_rpc_server *s = slot->server;
    struct request *r = &slot->request;
    struct slot *refused;
    bool refusing;

    *r = (struct request){ .arrived_us = wd_mono_us(), .draining = &s->draining };
    r->frame = nng_aio_get_msg(slot->aio);
    nng_aio_set_msg(slot->aio, NULL);
    r->call.app = s->app;
    r->call.arena = arena_take(s);
    pthread_mutex_lock(&s->lock);
    s->busy++;
    pthread_mutex_unlock(&s->lock);
    if (!request_open(r)) {
        note_refusal(s, r);
        slot_answer(slot);
        return;
    }
    refused = admit(s, slot, &refusing); /* from here on another thread may have the slot */
    if (!refused)
        return;
    if (refusing)
        request_refuse(&refused->request, WD_UNAVAILABLE, "the store is stopping");
    else
        request_refuse(&refused->request, WD_OVERLOADED, "too many calls are waiting");
    note_refusal(s, &refused->request);
    slot_answer(refused);
}

static void
on_aio(void *data)
{
    struct slot *slot = data;
    int rv = nng_aio_result(slot->aio);

    if (slot->sending)
        on_sent(slot);
    else if (rv == 0)
        on_received(slot);
    else if (rv != NNG_ECLOSED && rv != NNG_ECANCELED)
        slot_receive(slot);
}

/* ---- workers ---- */

static struct slot *
next_request(struct wd_rpc_server *s)
{
    struct lane_item *item;

    pthread_mutex_lock(&s->lock);
    while (!(item = lanes_take(&s->queue)) && !s->stopping)
        pthread_cond_wait(&s->work, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return item ? WD_OF(item, struct slot, request.lane) : NULL;
}

static void *
worker_main(void *data)
{
    struct wd_rpc_server *s = data;
    struct slot *slot;

    while ((slot = next_request(s))) {
        request_run(&slot->request, &s->methods, s->authorize);
        slot_answer(slot);
    }
    pthread_mutex_lock(&s->lock);
    s->running_workers--;
    pthread_cond_broadcast(&s->quiet);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- start ---- */

static void
server_free(struct wd_rpc_server *s)
{
    for (size_t i = 0; i < s->slot_count; i++)
        nng_aio_stop(s->slots[i].aio);
    if (!wd_listening_close(s->socket, s->listening.p, s->listening.n)) /* and the contexts */
        return; /* what is not closed may still call back: it keeps its memory */
    for (size_t i = 0; i < s->slot_count; i++)
        nng_aio_free(s->slots[i].aio);
    for (size_t i = 0; i < s->arenas.n; i++)
        wd_arena_free(s->arenas.p[i]);
    wd_vec_done(&s->arenas);
    wd_vec_done(&s->listening);
    methods_done(&s->methods);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->quiet);
    pthread_mutex_destroy(&s->lock);
    free(s->slots);
    free(s->workers);
    free(s);
}

static bool
open_slots(struct wd_rpc_server *s, size_t count, struct wd_error *err)
{
    s->slots = wd_alloc(sizeof *s->slots * count);
    for (; s->slot_count < count; s->slot_count++) {
        struct slot *slot = &s->slots[s->slot_count];
        int rv;

        slot->server = s;
        rv = nng_ctx_open(&slot->ctx, s->socket);
        if (rv == 0)
            rv = nng_aio_alloc(&slot->aio, on_aio, slot);
        if (rv != 0)
            return wd_fail(err, WD_INTERNAL, "nng context: %s", nng_strerror(rv));
    }
    for (size_t i = 0; i < count; i++)
        slot_receive(&s->slots[i]);
    return true;
}

static bool
start_workers(struct wd_rpc_server *s, unsigned count, struct wd_error *err)
{
    s->workers = wd_alloc(sizeof *s->workers * count);
    s->running_workers = count; /* those that cannot start are taken off again */
    for (; s->worker_count < count; s->worker_count++)
        if (pthread_create(&s->workers[s->worker_count], NULL, worker_main, s) != 0) {
            pthread_mutex_lock(&s->lock);
            s->running_workers -= count - s->worker_count;
            pthread_mutex_unlock(&s->lock);
            return wd_fail(err, WD_INTERNAL, "cannot start %u threads", count);
        }
    return true;
}

static bool
listen_all(struct wd_rpc_server *s, const struct wd_rpc_server_options *o, struct wd_error *err)
{
    struct listen_options how = { o->ipc_mode, o->allow_plain_tcp, o->tls };

    if (!o->urls || !*o->urls)
        return wd_fail(err, WD_INVALID, "no address to listen on");
    for (const char *const *url = o->urls; *url; url++) {
        struct listening l;
        bool ok = wd_listen(s->socket, *url, &how, &l, err);

        wd_vec_push(&s->listening, l);
        if (!ok)
            return false;
    }
    return true;
}

static struct wd_rpc_server *
server_new(const struct wd_rpc_server_options *o)
{
    struct wd_rpc_server *s = WD_NEW(struct wd_rpc_server);
    pthread_condattr_t monotonic;

    methods_init(&s->methods, o->services);
    s->authorize = o->authorize;
    s->app = o->app;
    s->queue.max = o->max_queued ? o->max_queued : DEFAULT_MAX_QUEUED;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->quiet, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return s;
}

static unsigned
workers_of(const struct wd_rpc_server_options *o)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (o->workers)
        return o->workers;
    return cpus * 2 > LEAST_WORKERS ? (unsigned)cpus * 2 : LEAST_WORKERS;
}

struct wd_rpc_server *
wd_rpc_server_start(const struct wd_rpc_server_options *o, struct wd_error *err)
{
    struct wd_rpc_server *s = server_new(o);
    unsigned workers = workers_of(o);
    int rv = nng_rep0_open(&s->socket);

    if (rv == 0)
        rv = nng_socket_set_size(s->socket, NNG_OPT_RECVMAXSZ, WD_RPC_MAX_MESSAGE);
    if (rv != 0)
        wd_fail(err, WD_INTERNAL, "nng socket: %s", nng_strerror(rv));
    else if (start_workers(s, workers, err) && open_slots(s, workers + s->queue.max + SPARE_SLOTS, err) &&
             listen_all(s, o, err))
        return s;
    wd_rpc_server_stop(s, 0);
    return NULL;
}

int
wd_rpc_server_port(const struct wd_rpc_server *s, size_t url_index)
{
    return url_index < s->listening.n ? s->listening.p[url_index].port : 0;
}

size_t
wd_rpc_server_stats(const struct wd_rpc_server *s, struct wd_rpc_method_stats *out, size_t max)
{
    for (size_t i = 0; i < s->methods.n && i < max; i++) {
        const struct method *m = &s->methods.all[i];
        out[i] = (struct wd_rpc_method_stats){ m->name, m->calls, m->failures, m->microseconds };
    }
    return s->methods.n;
}

/* ---- stop ---- */

void
wd_rpc_server_drain(struct wd_rpc_server *s)
{
    atomic_store(&s->draining, true);
}

static struct timespec
from_now(int ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* With the lock held: waits until the counter is 0, at most ms. */
static bool
wait_for_none(struct wd_rpc_server *s, const size_t *busy, const unsigned *running, int ms)
{
    struct timespec until = from_now(ms);
    int rv = 0;

    while ((*busy > 0 || *running > 0) && rv == 0)
        rv = pthread_cond_timedwait(&s->quiet, &s->lock, &until);
    return *busy == 0 && *running == 0;
}

/* What still waits in the queue when the grace is over is not executed. */
static void
refuse_queued(struct wd_rpc_server *s)
{
    struct lane_item *item;

    do {
        pthread_mutex_lock(&s->lock);
        item = lanes_take(&s->queue);
        pthread_mutex_unlock(&s->lock);
        if (item) {
            struct slot *slot = WD_OF(item, struct slot, request.lane);
            request_refuse(&slot->request, WD_UNAVAILABLE, "the store is stopping");
            slot_answer(slot);
        }
    } while (item);
}

/* True when all threads have ended. */
static bool
stop_workers(struct wd_rpc_server *s, int grace_ms)
{
    static const size_t no_requests = 0;
    static const unsigned no_workers = 0;
    bool ended;

    pthread_mutex_lock(&s->lock);
    s->refusing = true;
    if (s->worker_count > 0)
        wait_for_none(s, &s->busy, &no_workers, grace_ms);
    pthread_mutex_unlock(&s->lock);
    refuse_queued(s);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->work);
    ended = wait_for_none(s, &no_requests, &s->running_workers, AFTER_GRACE_MS);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->worker_count; i++)
        ended ? pthread_join(s->workers[i], NULL) : pthread_detach(s->workers[i]);
    return ended;
}

void
wd_rpc_server_stop(struct wd_rpc_server *s, int grace_ms)
{
    if (!s)
        return;
    wd_rpc_server_drain(s); /* and go on listening: closing a listener would close its connections at once */
    if (stop_workers(s, grace_ms)) {
        server_free(s);
        return;
    }
    wd_log(WD_LOG_WARN, "handlers do not return, leaving them behind", WD_KV_INT("grace_ms", grace_ms));
    for (size_t i = 0; i < s->listening.n; i++)
        nng_listener_close(s->listening.p[i].listener); /* clients learn at once that no reply will come */
}
