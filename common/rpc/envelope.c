#include "common/rpc/envelope.h"

#include <stddef.h>

#include "common/base/utf8.h"

enum { LENGTH_BYTES = 4 };

/* ---- packing ---- */

static bool
frame_new(size_t envelope_bytes, size_t message_bytes, nng_msg **out, struct wd_error *err)
{
    if (envelope_bytes > WD_RPC_MAX_ENVELOPE)
        return wd_fail(err, WD_INVALID, "envelope of %zu bytes", envelope_bytes);
    if (message_bytes > WD_RPC_MAX_MESSAGE - LENGTH_BYTES - envelope_bytes)
        return wd_fail(err, WD_RPC_TOO_BIG, "message of %zu bytes, the limit is %d", message_bytes,
                       (int)WD_RPC_MAX_MESSAGE);
    if (nng_msg_alloc(out, LENGTH_BYTES + envelope_bytes + message_bytes) != 0)
        return wd_fail(err, WD_INTERNAL, "no memory for a message");
    return true;
}

static uint8_t *
put_envelope(uint8_t *at, const ProtobufCMessage *envelope, size_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(n >> shift);
    return at + protobuf_c_message_pack(envelope, at);
}

bool
wd_frame_pack(const ProtobufCMessage *envelope, const ProtobufCMessage *message, nng_msg **out, struct wd_error *err)
{
    size_t envelope_bytes = protobuf_c_message_get_packed_size(envelope);
    size_t message_bytes = message ? protobuf_c_message_get_packed_size(message) : 0;
    uint8_t *at;

    if (!frame_new(envelope_bytes, message_bytes, out, err))
        return false;
    at = put_envelope(nng_msg_body(*out), envelope, envelope_bytes);
    if (message)
        protobuf_c_message_pack(message, at);
    return true;
}

bool
wd_frame_pack_bytes(const ProtobufCMessage *envelope, struct wd_str message, nng_msg **out, struct wd_error *err)
{
    size_t envelope_bytes = protobuf_c_message_get_packed_size(envelope);
    uint8_t *at;

    if (!frame_new(envelope_bytes, message.n, out, err))
        return false;
    at = put_envelope(nng_msg_body(*out), envelope, envelope_bytes);
    if (message.n)
        memcpy(at, message.p, message.n);
    return true;
}

/* ---- unpacking ---- */

struct budget {
    struct wd_arena *arena;
    size_t left;
    bool spent;
};

static void *
budget_alloc(void *data, size_t n)
{
    struct budget *b = data;

    if (n > b->left) {
        b->spent = true;
        return NULL;
    }
    b->left -= n;
    return wd_arena_alloc(b->arena, n);
}

static void
budget_free(void *data, void *p)
{
    (void)data;
    (void)p;
}

bool
wd_unpack(const ProtobufCMessageDescriptor *type, struct wd_str bytes, struct wd_arena *arena, ProtobufCMessage **out,
          struct wd_error *err)
{
    struct budget budget = { .arena = arena, .left = WD_RPC_UNPACK_EXTRA + bytes.n * WD_RPC_UNPACK_FACTOR };
    ProtobufCAllocator allocator = { .alloc = budget_alloc, .free = budget_free, .allocator_data = &budget };
    ProtobufCMessage *message;

    if (bytes.n > WD_RPC_MAX_MESSAGE)
        return wd_fail(err, WD_RPC_TOO_BIG, "message of %zu bytes", bytes.n);
    message = protobuf_c_message_unpack(type, &allocator, bytes.n, bytes.n ? (const uint8_t *)bytes.p : NULL);
    if (!message && budget.spent)
        return wd_fail(err, WD_RPC_TOO_BIG, "%s of %zu bytes needs too much memory", type->name, bytes.n);
    if (!message)
        return wd_fail(err, WD_INVALID, "not a %s", type->name);
    *out = message;
    return true;
}

struct wd_str
wd_frame_of(nng_msg *msg)
{
    return wd_str_n(nng_msg_body(msg), nng_msg_len(msg));
}

static bool
frame_split(struct wd_str frame, struct wd_str *envelope, struct wd_str *message, struct wd_error *err)
{
    size_t n = 0;

    if (frame.n > WD_RPC_MAX_MESSAGE)
        return wd_fail(err, WD_RPC_TOO_BIG, "frame of %zu bytes", frame.n);
    if (frame.n < LENGTH_BYTES)
        return wd_fail(err, WD_INVALID, "frame of %zu bytes", frame.n);
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        n = n << 8 | (uint8_t)frame.p[i];
    if (n > WD_RPC_MAX_ENVELOPE || n > frame.n - LENGTH_BYTES)
        return wd_fail(err, WD_INVALID, "envelope of %zu bytes", n);
    *envelope = wd_str_part(frame, LENGTH_BYTES, LENGTH_BYTES + n);
    *message = wd_str_part(frame, LENGTH_BYTES + n, frame.n);
    return true;
}

bool
wd_request_unpack(struct wd_str frame, struct wd_arena *arena, Wd__V1__RequestEnvelope **envelope,
                  struct wd_str *message, struct wd_error *err)
{
    ProtobufCMessage *unpacked;
    struct wd_str head, body;

    if (!frame_split(frame, &head, &body, err) ||
        !wd_unpack(&wd__v1__request_envelope__descriptor, head, arena, &unpacked, err))
        return false;
    *envelope = (Wd__V1__RequestEnvelope *)unpacked;
    *message = body;
    return true;
}

/* Texts of the envelope reach logs and tables before the caller is known: short, and UTF-8. */
static bool
check_text(const char *name, const char *text, size_t max, struct wd_error *err)
{
    size_t n = text ? strnlen(text, max + 1) : 0;

    if (n > max)
        return wd_fail(err, WD_INVALID, "%s is longer than %zu bytes", name, max);
    if (!wd_utf8_valid(wd_str_n(text, n)))
        return wd_fail(err, WD_INVALID, "%s is not UTF-8", name);
    return true;
}

bool
wd_request_check(const Wd__V1__RequestEnvelope *e, struct wd_error *err)
{
    if (e->version != WD_RPC_VERSION)
        return wd_fail(err, WD_UNSUPPORTED_VERSION, "version %u is not spoken here", (unsigned)e->version);
    return check_text("method", e->method, 128, err) && check_text("service_token", e->service_token, 1024, err) &&
           check_text("session_token", e->session_token, 1024, err) &&
           check_text("idempotency_key", e->idempotency_key, 64, err) &&
           check_text("trace_context", e->trace_context, 128, err) &&
           check_text("session_id", e->session_id, 32, err);
}

bool
wd_reply_unpack(struct wd_str frame, struct wd_arena *arena, Wd__V1__ReplyEnvelope **envelope, struct wd_str *message,
                struct wd_error *err)
{
    ProtobufCMessage *unpacked;
    Wd__V1__ReplyEnvelope *e;
    struct wd_str head, body;

    if (!frame_split(frame, &head, &body, err) ||
        !wd_unpack(&wd__v1__reply_envelope__descriptor, head, arena, &unpacked, err))
        return false;
    e = (Wd__V1__ReplyEnvelope *)unpacked;
    if (e->version != WD_RPC_VERSION)
        return wd_fail(err, WD_UNSUPPORTED_VERSION, "reply of version %u", (unsigned)e->version);
    if (!check_text("text", e->text, 1024, err) || !check_text("reason_name", e->reason_name, 64, err))
        return false;
    *envelope = e;
    *message = body;
    return true;
}

/* For a reason that only a newer peer knows. */
static const struct {
    enum wd_status status;
    enum wd_reason reason;
} plain_reasons[] = {
    { WD_STATUS_INVALID_ARGUMENT, WD_INVALID },
    { WD_STATUS_UNAUTHENTICATED, WD_UNAUTHENTICATED },
    { WD_STATUS_PERMISSION_DENIED, WD_FORBIDDEN },
    { WD_STATUS_UNAVAILABLE, WD_UNAVAILABLE },
    { WD_STATUS_DEADLINE_EXCEEDED, WD_DEADLINE },
    { WD_STATUS_UNIMPLEMENTED, WD_UNKNOWN_METHOD },
    { WD_STATUS_DATA_LOSS, WD_DATA_LOSS },
    { WD_STATUS_CANCELLED, WD_CANCELLED },
};

static bool
is_known(enum wd_reason reason)
{
    return reason == WD_INTERNAL || wd_reason_info(reason) != wd_reason_info(WD_INTERNAL);
}

void
wd_reply_error(const Wd__V1__ReplyEnvelope *e, struct wd_error *err)
{
    enum wd_reason reason = WD_INTERNAL;

    if (e->has_reason && is_known((enum wd_reason)e->reason)) {
        reason = (enum wd_reason)e->reason;
    } else {
        for (size_t i = 0; i < WD_COUNT(plain_reasons); i++)
            if (plain_reasons[i].status == (enum wd_status)e->status)
                reason = plain_reasons[i].reason;
    }
    wd_fail(err, reason, "%s", e->text ? e->text : wd_status_name((enum wd_status)e->status));
}
