#include "common/rpc/replica.h"

#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/vec.h"
#include "common/rpc/close.h"
#include "common/rpc/resolve.h"
#include "common/rpc/tls.h"

enum { RECONNECT_MIN_MS = 20, RECONNECT_MAX_MS = 500 };

/* One context of the socket and the attempt that uses it. */
struct slot {
    struct wd_queue_item item; /* posted when the attempt is over */
    struct replica *replica;
    struct slot *next_idle;
    void *attempt; /* loop: NULL when idle or cancelled */
    bool busy;     /* loop: from replica_send() until the item was run */
    nng_ctx ctx;
    nng_aio *aio;
    int64_t until_ms;
    pthread_mutex_t lock; /* guards the rest; held while an operation is started or aborted, so that an abort hits
                             the operation it means */
    bool aborted, receiving;
    int result;
    nng_msg *reply;
};

struct replica {
    struct replica_owner owner;
    char url[WD_URL_TEXT];
    char address[WD_ADDRESS_TEXT];
    nng_socket socket;
    nng_tls_config *tls;
    struct WD_VEC(struct slot *) slots;
    struct slot *idle;
    size_t outstanding;
    atomic_int pipes;
    atomic_bool posted; /* pipe_item is in the queue */
    struct wd_queue_item pipe_item;
};

/* ---- an attempt: send, then receive; on nng's threads ---- */

static nng_duration
left_ms(int64_t until_ms)
{
    int64_t left = until_ms - wd_mono_ms();

    return left > 0 ? (nng_duration)left : 0;
}

static void
on_step(void *data)
{
    struct slot *s = data;
    int rv;

    pthread_mutex_lock(&s->lock);
    rv = nng_aio_result(s->aio);
    if (!s->receiving) {
        if (rv != 0) { /* the message was not taken */
            nng_msg_free(nng_aio_get_msg(s->aio));
            nng_aio_set_msg(s->aio, NULL);
        } else if (s->aborted) {
            rv = NNG_ECANCELED;
        } else {
            s->receiving = true;
            nng_aio_set_timeout(s->aio, left_ms(s->until_ms));
            nng_ctx_recv(s->ctx, s->aio);
            pthread_mutex_unlock(&s->lock);
            return;
        }
    } else if (rv == 0) {
        s->reply = nng_aio_get_msg(s->aio);
        nng_aio_set_msg(s->aio, NULL);
    }
    s->result = rv;
    pthread_mutex_unlock(&s->lock);
    wd_queue_post(s->replica->owner.queue, &s->item);
}

/* ---- slots; on the loop's thread ---- */

static void
on_slot_done(struct wd_queue_item *item)
{
    struct slot *s = WD_OF(item, struct slot, item);
    struct replica *r = s->replica;
    void *attempt = s->attempt;
    nng_msg *reply;
    int result;

    pthread_mutex_lock(&s->lock);
    reply = s->reply;
    result = s->result;
    s->reply = NULL;
    pthread_mutex_unlock(&s->lock);
    s->attempt = NULL;
    s->busy = false;
    s->next_idle = r->idle;
    r->idle = s;
    r->outstanding--;
    if (attempt)
        r->owner.on_result(r->owner.data, r, attempt, result, reply);
    else if (reply)
        nng_msg_free(reply);
    if (!attempt) /* the owner may be waiting to discard it */
        r->owner.on_connection(r->owner.data, r);
}

static struct slot *
slot_new(struct replica *r, struct wd_error *err)
{
    struct slot *s = WD_NEW(struct slot);
    int rv;

    s->replica = r;
    s->item.run = on_slot_done;
    pthread_mutex_init(&s->lock, NULL);
    rv = nng_ctx_open(&s->ctx, r->socket);
    if (rv == 0 && (rv = nng_aio_alloc(&s->aio, on_step, s)) != 0)
        nng_ctx_close(s->ctx);
    if (rv == 0)
        rv = nng_ctx_set_ms(s->ctx, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    if (rv != 0) {
        nng_aio_free(s->aio);
        pthread_mutex_destroy(&s->lock);
        free(s);
        wd_fail(err, WD_INTERNAL, "nng context: %s", nng_strerror(rv));
        return NULL;
    }
    wd_vec_push(&r->slots, s);
    return s;
}

static void
slot_free(struct slot *s)
{
    nng_aio_stop(s->aio); /* waits for on_step, which may have posted */
    wd_queue_remove(s->replica->owner.queue, &s->item);
    nng_ctx_close(s->ctx);
    nng_aio_free(s->aio);
    if (s->reply)
        nng_msg_free(s->reply);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct slot *
replica_send(struct replica *r, nng_msg *msg, int timeout_ms, void *attempt, struct wd_error *err)
{
    struct slot *s = r->idle;

    if (s)
        r->idle = s->next_idle;
    else
        s = slot_new(r, err);
    if (!s) {
        nng_msg_free(msg);
        return NULL;
    }
    s->attempt = attempt;
    s->busy = true;
    r->outstanding++;
    pthread_mutex_lock(&s->lock);
    s->aborted = s->receiving = false;
    s->until_ms = wd_mono_ms() + timeout_ms;
    nng_aio_set_timeout(s->aio, timeout_ms);
    nng_aio_set_msg(s->aio, msg);
    nng_ctx_send(s->ctx, s->aio);
    pthread_mutex_unlock(&s->lock);
    return s;
}

static void
slot_abort(struct slot *s, int error)
{
    pthread_mutex_lock(&s->lock);
    s->aborted = true;
    nng_aio_abort(s->aio, error);
    pthread_mutex_unlock(&s->lock);
}

void
slot_cancel(struct slot *s)
{
    s->attempt = NULL;
    slot_abort(s, NNG_ECANCELED);
}

/* ---- connections ---- */

/* A message that was to be sent when the connection broke would wait for the next one: another replica is better. */
static void
give_up_sends(struct replica *r)
{
    for (size_t i = 0; i < r->slots.n; i++) {
        struct slot *s = r->slots.p[i];

        if (!s->busy)
            continue;
        pthread_mutex_lock(&s->lock);
        if (!s->receiving)
            nng_aio_abort(s->aio, NNG_ECONNRESET);
        pthread_mutex_unlock(&s->lock);
    }
}

static void
on_pipe_item(struct wd_queue_item *item)
{
    struct replica *r = WD_OF(item, struct replica, pipe_item);

    atomic_store(&r->posted, false);
    if (!replica_is_connected(r))
        give_up_sends(r);
    r->owner.on_connection(r->owner.data, r);
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    struct replica *r = data;

    (void)pipe;
    atomic_fetch_add(&r->pipes, event == NNG_PIPE_EV_ADD_POST ? 1 : -1);
    if (!atomic_exchange(&r->posted, true))
        wd_queue_post(r->owner.queue, &r->pipe_item);
}

static int
configure(struct replica *r)
{
    int rv;

    if ((rv = nng_socket_set_size(r->socket, NNG_OPT_RECVMAXSZ, WD_RPC_MAX_MESSAGE)) != 0 ||
        (rv = nng_socket_set_ms(r->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE)) != 0 ||
        (rv = nng_socket_set_ms(r->socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS)) != 0 ||
        (rv = nng_socket_set_ms(r->socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS)) != 0 ||
        (rv = nng_pipe_notify(r->socket, NNG_PIPE_EV_ADD_POST, on_pipe, r)) != 0)
        return rv;
    return nng_pipe_notify(r->socket, NNG_PIPE_EV_REM_POST, on_pipe, r);
}

static bool
dial(struct replica *r, const struct wd_url *url, const struct wd_rpc_tls *tls, struct wd_error *err)
{
    nng_dialer dialer;
    int rv = nng_dialer_create(&dialer, r->socket, r->url);

    if (rv == 0 && url->kind == WD_URL_TLS) {
        if (!wd_rpc_tls_config(NNG_TLS_MODE_CLIENT, tls, tls->server_name ? tls->server_name : url->host, &r->tls,
                               err))
            return false;
        rv = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, r->tls);
    }
    if (rv == 0 && url->kind != WD_URL_IPC)
        rv = nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
    if (rv == 0)
        rv = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
    return rv == 0 || wd_fail(err, WD_INVALID, "%s: %s", r->url, nng_strerror(rv));
}

struct replica *
replica_open(const struct wd_url *url, const char *address, const struct wd_rpc_tls *tls,
             const struct replica_owner *owner, struct wd_error *err)
{
    struct replica *r = WD_NEW(struct replica);
    int rv;

    r->owner = *owner;
    r->pipe_item.run = on_pipe_item;
    wd_url_text(url, address, r->url);
    snprintf(r->address, sizeof r->address, "%s", address ? address : "");
    rv = nng_req0_open(&r->socket);
    if (rv != 0) {
        wd_fail(err, WD_INTERNAL, "nng socket: %s", nng_strerror(rv));
        free(r);
        return NULL;
    }
    rv = configure(r);
    if (rv != 0 ? !wd_fail(err, WD_INTERNAL, "nng socket: %s", nng_strerror(rv)) : !dial(r, url, tls, err)) {
        replica_free(r);
        return NULL;
    }
    return r;
}

/* After this no callback of nng touches the replica. */
static void
detach(struct replica *r)
{
    nng_pipe_notify(r->socket, NNG_PIPE_EV_ADD_POST, NULL, NULL);
    nng_pipe_notify(r->socket, NNG_PIPE_EV_REM_POST, NULL, NULL);
    for (size_t i = 0; i < r->slots.n; i++)
        slot_free(r->slots.p[i]);
    wd_vec_done(&r->slots);
    wd_queue_remove(r->owner.queue, &r->pipe_item);
}

void
replica_free(struct replica *r)
{
    detach(r);
    wd_socket_close(r->socket, &r->tls, 1, WD_CLOSE_MS);
    free(r);
}

bool
replica_is_idle(const struct replica *r)
{
    return r->outstanding == 0;
}

void
replica_discard(struct replica *r)
{
    detach(r);
    wd_socket_close(r->socket, &r->tls, 1, 0);
    free(r);
}

bool
replica_is_connected(const struct replica *r)
{
    return atomic_load(&r->pipes) > 0;
}

size_t
replica_outstanding(const struct replica *r)
{
    return r->outstanding;
}

const char *
replica_url(const struct replica *r)
{
    return r->url;
}

const char *
replica_address(const struct replica *r)
{
    return r->address;
}
