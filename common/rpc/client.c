#include "common/rpc/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/rpc/client_priv.h"
#include "common/rpc/client_raw.h"
#include "common/rpc/envelope.h"
#include "common/rpc/pool.h"

enum {
    DEFAULT_TIMEOUT_MS = 30000,
    DEFAULT_MAX_CALLS = 4096,
    SHORTEST_ATTEMPT_MS = 50,
    FIRST_BACK_OFF_MS = 20,
    LONGEST_BACK_OFF_MS = 500,
    MOST_REFUSALS = 5, /* replies that ask to come again, before the caller hears of it */
};

struct wd_rpc_client {
    ProtobufCService service; /* what wd_rpc_to() lends; first, so that invoke() finds the client */
    struct wd_rpc_params next;
    struct event_base *loop;
    struct wd_queue *queue;
    struct pool *pool;
    char *service_token;
    struct wd_rpc_call *calls;
    size_t count, max;
    uint64_t key_prefix, next_call;
};

enum call_state {
    CALL_WAITING,   /* for a connection */
    CALL_BACK_OFF,  /* before the next attempt */
    CALL_UNDER_WAY, /* nng has it */
    CALL_FAILED,    /* the loop will tell: never before the stub has returned */
};

struct wd_rpc_call {
    struct wd_rpc_client *client;
    struct wd_rpc_call *next, **at; /* in the client's list */
    enum call_state state;
    struct event *timer; /* made when first needed; most calls need none */
    struct slot *slot;
    int64_t deadline_ms;
    unsigned attempts, refusals;
    uint64_t avoid; /* endpoint that failed last */
    Wd__V1__RequestEnvelope envelope;
    struct wd_arena *arena; /* texts of the envelope and the packed message */
    struct wd_str message;
    struct wd_error last; /* why the last attempt failed */
    /* What the caller gets: */
    struct wd_rpc_params params; /* its texts are gone */
    const ProtobufCMessageDescriptor *type;
    ProtobufCClosure closure;          /* either this with type, */
    wd_rpc_bytes_closure *bytes_closure; /* or this */
    void *data;
};

static void call_try(struct wd_rpc_call *call);

/* ---- the end of a call ---- */

static void
call_free(struct wd_rpc_call *call)
{
    *call->at = call->next;
    if (call->next)
        call->next->at = call->at;
    call->client->count--;
    if (call->timer)
        event_free(call->timer);
    if (call->params.call)
        *call->params.call = NULL;
    wd_arena_free(call->arena);
    free(call);
}

/* The call is gone before the closure runs, so that the closure may do anything. */
static void
call_report(struct wd_rpc_call *call, const ProtobufCMessage *reply, struct wd_str bytes)
{
    ProtobufCClosure closure = call->closure;
    wd_rpc_bytes_closure *bytes_closure = call->bytes_closure;
    void *data = call->data;

    call_free(call);
    if (closure)
        closure(reply, data);
    else
        bytes_closure(bytes, data);
}

static void
call_fail(struct wd_rpc_call *call, const struct wd_error *err)
{
    *call->params.err = *err;
    call_report(call, NULL, WD_NONE);
}

static void
call_expire(struct wd_rpc_call *call)
{
    if (call->last.reason == WD_NO_ERROR)
        wd_fail(&call->last, WD_UNAVAILABLE, "no store can be reached");
    call_fail(call, &call->last);
}

static void
call_succeed(struct wd_rpc_call *call, struct wd_str message)
{
    ProtobufCMessage *reply = NULL;
    struct wd_error err;

    if (call->type && !wd_unpack(call->type, message, call->params.arena, &reply, &err)) {
        wd_fail_in(&err, "reply");
        err.reason = WD_INTERNAL;
        call_fail(call, &err);
        return;
    }
    call_report(call, reply, message.p ? message : WD_STR(""));
}

/* ---- waiting ---- */

static void
on_timer(evutil_socket_t fd, short what, void *data)
{
    struct wd_rpc_call *call = data;

    (void)fd;
    (void)what;
    if (call->state == CALL_FAILED)
        call_fail(call, &call->last);
    else if (wd_mono_ms() >= call->deadline_ms)
        call_expire(call);
    else
        call_try(call);
}

static void
call_wait(struct wd_rpc_call *call, enum call_state state, int64_t ms)
{
    struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    call->state = state;
    if (!call->timer)
        call->timer = evtimer_new(call->client->loop, on_timer, call);
    if (!call->timer || evtimer_add(call->timer, &tv) != 0)
        abort(); /* out of memory, as everywhere */
}

static int64_t
call_left_ms(const struct wd_rpc_call *call)
{
    return call->deadline_ms - wd_mono_ms();
}

/* The same replica, or a round of all of them: wait a little, longer each time, not in step with other callers. */
static void
call_again(struct wd_rpc_call *call)
{
    int64_t left = call_left_ms(call);
    int64_t wait = (int64_t)FIRST_BACK_OFF_MS << (call->attempts < 6 ? call->attempts : 6);
    size_t others;
    struct endpoint *e;

    if (left <= 0) {
        call_expire(call);
        return;
    }
    e = pool_choose(call->client->pool, call->avoid, &others);
    if (e && endpoint_id(e) != call->avoid && call->attempts < 2) {
        call_try(call);
        return;
    }
    wait = wait < LONGEST_BACK_OFF_MS ? wait : LONGEST_BACK_OFF_MS;
    wait = wait / 2 + wd_rand_below((uint32_t)wait / 2 + 1);
    call_wait(call, CALL_BACK_OFF, wait < left ? wait : left);
}

/* ---- attempts ---- */

static bool
call_send(struct wd_rpc_call *call, struct endpoint *e, int64_t timeout_ms, struct wd_error *err)
{
    nng_msg *msg;

    call->envelope.has_timeout_ms = true;
    call->envelope.timeout_ms = (uint32_t)timeout_ms;
    if (!wd_frame_pack_bytes(&call->envelope.base, call->message, &msg, err))
        return false;
    call->slot = replica_send(endpoint_replica(e), msg, (int)timeout_ms, call, err);
    if (!call->slot)
        return false;
    call->avoid = endpoint_id(e); /* matters only if this fails */
    call->attempts++;
    call->state = CALL_UNDER_WAY;
    return true;
}

/* Never runs the closure, so that a stub may call it. With another replica at hand half of the time is kept for it. */
static void
call_try(struct wd_rpc_call *call)
{
    int64_t left = call_left_ms(call);
    size_t others;
    struct endpoint *e = pool_choose(call->client->pool, call->avoid, &others);

    if (left <= 0)
        left = 1;
    if (!e) {
        call_wait(call, CALL_WAITING, left);
        return;
    }
    if (call->timer)
        evtimer_del(call->timer);
    if (others > 0 && left > 2 * SHORTEST_ATTEMPT_MS)
        left /= 2;
    if (!call_send(call, e, left, &call->last))
        call_wait(call, CALL_FAILED, 0);
}

static bool
may_repeat(const Wd__V1__ReplyEnvelope *e)
{
    return e->status == WD_STATUS_UNAVAILABLE || e->status == WD_STATUS_DEADLINE_EXCEEDED;
}

static void
call_replied(struct wd_rpc_call *call, const Wd__V1__ReplyEnvelope *e, struct wd_str message)
{
    if (e->status == WD_STATUS_OK) {
        call_succeed(call, message);
        return;
    }
    wd_reply_error(e, &call->last);
    if (may_repeat(e) && ++call->refusals < MOST_REFUSALS)
        call_again(call);
    else
        call_fail(call, &call->last);
}

static void
handle_reply(struct wd_rpc_call *call, struct endpoint *e, nng_msg *reply)
{
    struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(512);
    Wd__V1__ReplyEnvelope *envelope;
    struct wd_str message;

    if (!wd_reply_unpack(wd_frame_of(reply), arena, &envelope, &message, &call->last) ||
        (envelope->call_id != call->envelope.call_id &&
         !wd_fail(&call->last, WD_INTERNAL, "reply to another call"))) {
        endpoint_failed(e);
        call->last.reason = WD_INTERNAL;
        call_fail(call, &call->last);
        return;
    }
    endpoint_good(e, envelope->has_draining && envelope->draining);
    call_replied(call, envelope, message);
}

static void
on_result(void *data, struct endpoint *e, void *attempt, int error, nng_msg *reply)
{
    struct wd_rpc_call *call = attempt;

    (void)data;
    call->slot = NULL;
    if (error == 0) {
        handle_reply(call, e, reply);
        nng_msg_free(reply);
        return;
    }
    if (error == NNG_ETIMEDOUT) {
        endpoint_failed(e);
        wd_fail(&call->last, WD_DEADLINE, "no answer from %s in time", replica_url(endpoint_replica(e)));
    } else { /* a lost connection shows by itself */
        wd_fail(&call->last, WD_UNAVAILABLE, "%s: %s", replica_url(endpoint_replica(e)), nng_strerror(error));
    }
    call_again(call);
}

static void
on_connected(void *data)
{
    struct wd_rpc_client *c = data;

    for (struct wd_rpc_call *call = c->calls; call; call = call->next)
        if (call->state == CALL_WAITING)
            call_try(call);
}

/* ---- the beginning of a call ---- */

static char *
arena_text(struct wd_arena *a, const char *text)
{
    char *copy = text ? wd_arena_alloc(a, strlen(text) + 1) : NULL;

    return text ? strcpy(copy, text) : NULL;
}

static void
fill_envelope(struct wd_rpc_call *call, const char *method, const struct wd_rpc_params *p)
{
    struct wd_rpc_client *c = call->client;
    Wd__V1__RequestEnvelope *e = &call->envelope;
    char key[40];

    wd__v1__request_envelope__init(e);
    e->version = WD_RPC_VERSION;
    e->call_id = c->key_prefix + ++c->next_call;
    snprintf(key, sizeof key, "%016llx%016llx", (unsigned long long)c->key_prefix, (unsigned long long)c->next_call);
    e->method = arena_text(call->arena, method);
    e->service_token = c->service_token;
    e->session_token = arena_text(call->arena, p->session_token);
    e->idempotency_key = arena_text(call->arena, p->key ? p->key : key);
    e->trace_context = arena_text(call->arena, p->trace);
    e->session_id = arena_text(call->arena, p->session_id);
}

static struct wd_rpc_call *
call_new(struct wd_rpc_client *c, const char *method, const struct wd_rpc_params *p, size_t message_bytes)
{
    struct wd_rpc_call *call = WD_NEW(struct wd_rpc_call);

    call->client = c;
    call->next = c->calls;
    call->at = &c->calls;
    if (call->next)
        call->next->at = &call->next;
    c->calls = call;
    c->count++;
    call->deadline_ms = wd_mono_ms() + (p->timeout_ms > 0 ? p->timeout_ms : DEFAULT_TIMEOUT_MS);
    call->arena = wd_arena_new(message_bytes <= WD_RPC_MAX_MESSAGE ? message_bytes + 1024 : 1024);
    call->params = (struct wd_rpc_params){ .arena = p->arena, .err = p->err, .call = p->call };
    if (p->call)
        *p->call = call;
    fill_envelope(call, method, p);
    return call;
}

/* True when the call may go on; what is wrong is told from the loop. */
static bool
call_admit(struct wd_rpc_call *call, size_t message_bytes)
{
    if (call->client->count > call->client->max)
        wd_fail(&call->last, WD_OVERLOADED, "%zu calls are under way", call->client->max);
    else if (message_bytes > WD_RPC_MAX_MESSAGE)
        wd_fail(&call->last, WD_RPC_TOO_BIG, "request of %zu bytes, the limit is %d", message_bytes,
                (int)WD_RPC_MAX_MESSAGE);
    else if (wd_request_check(&call->envelope, &call->last))
        return true;
    call_wait(call, CALL_FAILED, 0);
    return false;
}

static void
client_invoke(ProtobufCService *service, unsigned method_index, const ProtobufCMessage *input,
              ProtobufCClosure closure, void *data)
{
    struct wd_rpc_client *c = WD_OF(service, struct wd_rpc_client, service);
    const ProtobufCMethodDescriptor *method = &service->descriptor->methods[method_index];
    size_t n = protobuf_c_message_get_packed_size(input);
    struct wd_rpc_call *call;
    char name[128];
    uint8_t *packed;

    snprintf(name, sizeof name, "%s.%s", service->descriptor->name, method->name);
    call = call_new(c, name, &c->next, n);
    call->type = method->output;
    call->closure = closure;
    call->data = data;
    if (!call_admit(call, n))
        return;
    packed = wd_arena_alloc(call->arena, n);
    call->message = wd_str_n(packed, protobuf_c_message_pack(input, packed));
    call_try(call);
}

void
wd_rpc_call_bytes(struct wd_rpc_client *c, const char *method, struct wd_str request,
                  const struct wd_rpc_params *params, wd_rpc_bytes_closure *closure, void *data)
{
    struct wd_rpc_call *call = call_new(c, method, params, request.n);

    call->bytes_closure = closure;
    call->data = data;
    if (!call_admit(call, request.n))
        return;
    call->message = wd_arena_str(call->arena, request);
    call_try(call);
}

ProtobufCService *
wd_rpc_to(struct wd_rpc_client *c, const ProtobufCServiceDescriptor *service, const struct wd_rpc_params *params)
{
    c->next = *params;
    c->service.descriptor = service;
    return &c->service;
}

static void
call_abandon(struct wd_rpc_call *call)
{
    if (call->slot)
        slot_cancel(call->slot);
    call_free(call);
}

void
wd_rpc_cancel(struct wd_rpc_call **call)
{
    if (!*call)
        return;
    call_abandon(*call);
    *call = NULL;
}

/* ---- the client ---- */

struct wd_rpc_client *
wd_rpc_client_new_resolving(struct event_base *loop, const struct wd_rpc_client_options *o, wd_resolve_host *resolve,
                            void *resolve_data, struct wd_error *err)
{
    struct wd_rpc_client *c = WD_NEW(struct wd_rpc_client);
    struct pool_options p = { .urls = o->urls,
                              .tls = o->tls,
                              .resolve_every_ms = o->resolve_every_ms,
                              .eject_ms = o->eject_ms,
                              .resolve = resolve,
                              .resolve_data = resolve_data,
                              .on_result = on_result,
                              .on_connected = on_connected,
                              .data = c };

    c->service.invoke = client_invoke;
    c->loop = loop;
    c->max = o->max_calls ? o->max_calls : DEFAULT_MAX_CALLS;
    c->service_token = o->service_token ? strcpy(wd_alloc(strlen(o->service_token) + 1), o->service_token) : NULL;
    wd_rand(&c->key_prefix, sizeof c->key_prefix);
    c->queue = p.queue = wd_queue_new(loop, err);
    if (c->queue)
        c->pool = pool_new(&p, err);
    if (!c->pool) {
        wd_rpc_client_free(c);
        return NULL;
    }
    return c;
}

struct wd_rpc_client *
wd_rpc_client_new(struct event_base *loop, const struct wd_rpc_client_options *o, struct wd_error *err)
{
    return wd_rpc_client_new_resolving(loop, o, NULL, NULL, err);
}

void
wd_rpc_client_free(struct wd_rpc_client *c)
{
    if (!c)
        return;
    while (c->calls)
        call_abandon(c->calls);
    pool_free(c->pool);
    wd_queue_free(c->queue);
    free(c->service_token);
    free(c);
}

void
wd_rpc_client_resolve_now(struct wd_rpc_client *c)
{
    pool_resolve_now(c->pool);
}

void
wd_rpc_run(struct wd_rpc_client *c, const bool *done)
{
    while (!*done && event_base_loop(c->loop, EVLOOP_ONCE) == 0)
        continue;
}

size_t
wd_rpc_client_connected(const struct wd_rpc_client *c, size_t *known)
{
    return pool_connected(c->pool, known);
}
