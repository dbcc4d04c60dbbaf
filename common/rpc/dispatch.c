#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "common/rpc/server_priv.h"

enum { SLOW_MS = 1000, LONGEST_TIMEOUT_MS = 3600 * 1000 };

/* ---- methods ---- */

static size_t
count_methods(ProtobufCService *const *services)
{
    size_t n = 0;

    for (; *services; services++)
        n += (*services)->descriptor->n_methods;
    return n;
}

void
methods_init(struct methods *m, ProtobufCService *const *services)
{
    size_t at = 0;

    *m = (struct methods){ .n = count_methods(services), .services = services };
    m->all = wd_alloc(sizeof *m->all * (m->n + 1));
    for (; *services; services++) {
        const ProtobufCServiceDescriptor *d = (*services)->descriptor;

        for (unsigned i = 0; i < d->n_methods; i++, at++) {
            size_t size = strlen(d->name) + strlen(d->methods[i].name) + 2;
            m->all[at].name = wd_alloc(size);
            snprintf(m->all[at].name, size, "%s.%s", d->name, d->methods[i].name);
            m->all[at].service = *services;
            m->all[at].index = i;
        }
    }
}

void
methods_done(struct methods *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->all[i].name);
    free(m->all);
}

struct method *
methods_find(const struct methods *m, const char *name)
{
    struct wd_str full = wd_str_c(name);
    size_t dot = wd_str_rchr(full, '.'), base = 0;

    if (dot == SIZE_MAX)
        return NULL;
    for (ProtobufCService *const *s = m->services; *s; s++) {
        const ProtobufCServiceDescriptor *d = (*s)->descriptor;
        const ProtobufCMethodDescriptor *found;

        if (wd_str_eq(wd_str_c(d->name), wd_str_part(full, 0, dot))) {
            found = protobuf_c_service_descriptor_get_method_by_name(d, name + dot + 1);
            return found ? &m->all[base + (size_t)(found - d->methods)] : NULL;
        }
        base += d->n_methods;
    }
    return NULL;
}

/* ---- replies ---- */

static void
reply_envelope(const struct request *r, Wd__V1__ReplyEnvelope *e)
{
    wd__v1__reply_envelope__init(e);
    e->version = WD_RPC_VERSION;
    e->call_id = r->call.id;
    e->has_draining = e->draining = atomic_load_explicit(r->draining, memory_order_relaxed);
}

/* The texts are ours and short: packing this cannot fail but for memory. */
static void
reply_error(struct request *r)
{
    Wd__V1__ReplyEnvelope e;
    const struct wd_reason_info *info;
    struct wd_error err;

    if (r->call.err.reason == WD_NO_ERROR)
        wd_fail(&r->call.err, WD_INTERNAL, "failed without a reason");
    info = wd_reason_info(r->call.err.reason);
    reply_envelope(r, &e);
    e.status = info->status;
    e.has_reason = true;
    e.reason = r->call.err.reason;
    e.reason_name = (char *)(uintptr_t)info->name;
    e.text = r->call.err.text;
    r->failed = true;
    if (!wd_frame_pack(&e.base, NULL, &r->reply, &err))
        abort();
}

void
request_refuse(struct request *r, enum wd_reason reason, const char *text)
{
    wd_fail(&r->call.err, reason, "%s", text);
    reply_error(r);
}

/* What handlers call as reply(&out, call). */
static void
on_reply(const ProtobufCMessage *message, void *data)
{
    struct request *r = WD_OF(data, struct request, call);
    Wd__V1__ReplyEnvelope e;

    if (r->reply) {
        wd_log(WD_LOG_ERROR, "handler replied twice, ignoring", WD_KV("method", r->call.method));
        return;
    }
    reply_envelope(r, &e);
    e.status = WD_STATUS_OK;
    if (!wd_frame_pack(&e.base, message, &r->reply, &r->call.err)) {
        wd_fail_in(&r->call.err, "reply");
        r->call.err.reason = WD_INTERNAL;
        reply_error(r);
    }
}

void
wd_call_fail(struct wd_call *call)
{
    struct request *r = WD_OF(call, struct request, call);

    if (r->reply)
        wd_log(WD_LOG_ERROR, "handler failed after its reply, ignoring", WD_KV("method", call->method));
    else
        reply_error(r);
}

/* ---- one call ---- */

static void
fill_call(struct request *r)
{
    const Wd__V1__RequestEnvelope *e = r->envelope;
    uint32_t timeout_ms = e->timeout_ms < LONGEST_TIMEOUT_MS ? e->timeout_ms : LONGEST_TIMEOUT_MS;
    struct wd_call *call = &r->call;

    call->method = e->method;
    call->deadline_ms = r->arrived_us / 1000 + timeout_ms;
    call->service_token = wd_str_c(e->service_token);
    call->session_token = wd_str_c(e->session_token);
    call->key = wd_str_c(e->idempotency_key);
    call->trace = wd_str_c(e->trace_context);
    call->session_id = wd_str_c(e->session_id);
}

bool
request_open(struct request *r)
{
    r->call.method = "";
    if (!wd_request_unpack(wd_frame_of(r->frame), r->call.arena, &r->envelope, &r->message, &r->call.err)) {
        reply_error(r);
        return false;
    }
    r->call.id = r->envelope->call_id;
    if (!wd_request_check(r->envelope, &r->call.err)) {
        reply_error(r);
        return false;
    }
    fill_call(r);
    return true;
}

/* A service struct is its base and then one function pointer per method, as protobuf-c lays it out. */
static bool
is_implemented(const struct method *m)
{
    void (*const *handlers)(void) = (void (*const *)(void))(const void *)(m->service + 1);

    return m->service->invoke != protobuf_c_service_invoke_internal || handlers[m->index];
}

static void
run_method(struct request *r, struct method *m, wd_rpc_authorize *authorize)
{
    struct wd_call *call = &r->call;
    ProtobufCMessage *input;

    call->method = m->name;
    if (!is_implemented(m)) {
        request_refuse(r, WD_UNKNOWN_METHOD, "not served here");
        return;
    }
    /* Before the message is unpacked: who may not call may not make us work. */
    if ((authorize && !authorize(call, &call->err)) ||
        !wd_unpack(m->service->descriptor->methods[m->index].input, r->message, call->arena, &input, &call->err)) {
        reply_error(r);
        return;
    }
    m->service->invoke(m->service, m->index, input, on_reply, call);
    if (!r->reply)
        request_refuse(r, WD_INTERNAL, "the handler did not answer");
}

static enum wd_log_level
level_of(const struct request *r)
{
    enum wd_status status = r->failed ? wd_reason_info(r->call.err.reason)->status : WD_STATUS_OK;

    switch (status) {
    case WD_STATUS_INTERNAL:
    case WD_STATUS_DATA_LOSS:
        return WD_LOG_ERROR;
    case WD_STATUS_UNAVAILABLE:
    case WD_STATUS_DEADLINE_EXCEEDED:
    case WD_STATUS_OK: /* slow */
        return WD_LOG_WARN;
    default:
        return WD_LOG_INFO;
    }
}

static void
log_call(const struct request *r, int64_t took_us)
{
    const struct wd_call *call = &r->call;

    if (r->failed)
        wd_log_error(level_of(r), "call failed", &call->err, WD_KV("method", call->method),
                     WD_KV_UINT("call", call->id), WD_KV_STR("session", call->session_id),
                     WD_KV_STR("trace", call->trace), WD_KV_INT("us", took_us));
    else if (took_us > SLOW_MS * 1000)
        wd_log(level_of(r), "slow call", WD_KV("method", call->method), WD_KV_UINT("call", call->id),
               WD_KV_STR("session", call->session_id), WD_KV_STR("trace", call->trace), WD_KV_INT("us", took_us));
}

void
request_run(struct request *r, const struct methods *methods, wd_rpc_authorize *authorize)
{
    struct method *m = methods_find(methods, r->envelope->method);
    int64_t took_us;

    if (!m)
        request_refuse(r, WD_UNKNOWN_METHOD, "no such method");
    else if (wd_mono_ms() >= r->call.deadline_ms)
        request_refuse(r, WD_DEADLINE, "expired while it waited");
    else
        run_method(r, m, authorize);
    took_us = wd_mono_us() - r->arrived_us;
    if (m) {
        atomic_fetch_add_explicit(&m->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&m->failures, r->failed, memory_order_relaxed);
        atomic_fetch_add_explicit(&m->microseconds, (uint64_t)took_us, memory_order_relaxed);
    }
    log_call(r, took_us);
}
