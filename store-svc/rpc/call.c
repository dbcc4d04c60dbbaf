#include "store-svc/rpc/call.h"

#include "store-svc/domain/source.h"

struct wd_domain *
wd_call_domain(const struct wd_call *call)
{
    return call->app;
}

bool
wd_call_user(struct wd_call *call, const char *named, struct wd_id *out)
{
    struct wd_id id;
    bool in_session = !wd_id_is_zero(call->user);

    if (!named && in_session) {
        *out = call->user;
        return true;
    }
    if (!named)
        return wd_fail(&call->err, WD_UNAUTHENTICATED, "this call needs a session token, or a user for roles that may");
    if (!wd_call_id(call, named, "user", &id))
        return false;
    if (in_session ? !wd_id_eq(id, call->user) : !(call->role & WD_ROLE_ALL_USERS))
        return wd_fail(&call->err, WD_FORBIDDEN, "this call may not act for that user");
    *out = id;
    return true;
}

bool
wd_call_id(struct wd_call *call, const char *hex, const char *field, struct wd_id *out)
{
    if (!hex || !wd_id_parse(wd_str_c(hex), out))
        return wd_fail(&call->err, WD_INVALID, "%s is not an id of 24 hexadecimal digits", field);
    return true;
}

bool
wd_call_upload(struct wd_call *call, const char *hex, struct wd_id *out)
{
    unsigned role = wd_id_is_zero(call->user) ? call->role : 0;
    struct wd_id named;

    if (!wd_call_id(call, hex, "upload", &named))
        return false;
    *out = wd_upload_of(call->user, role, named);
    return true;
}

char *
wd_call_hex(struct wd_call *call, struct wd_id id)
{
    return wd_id_hex(id, wd_arena_alloc(call->arena, WD_ID_HEX + 1));
}

char *
wd_call_text(struct wd_call *call, struct wd_str s)
{
    char *text = wd_arena_alloc(call->arena, s.n + 1);

    if (s.n)
        memcpy(text, s.p, s.n);
    return text;
}

bool
wd_call_uids(struct wd_call *call, const Wd__V1__UidRanges *from, struct wd_seqset *out)
{
    if (from && !wd_seqset_from_deltas(from->deltas, from->n_deltas, out))
        return wd_fail(&call->err, WD_INVALID, "malformed UID ranges");
    return true;
}

Wd__V1__UidRanges *
wd_call_ranges(struct wd_call *call, const struct wd_seqset *set)
{
    Wd__V1__UidRanges *ranges = WD_ARENA_NEW(call->arena, Wd__V1__UidRanges);
    struct wd_buf deltas wd_auto(wd_buf_done) = { 0 };

    wd__v1__uid_ranges__init(ranges);
    wd_seqset_to_deltas(set, &deltas);
    ranges->n_deltas = deltas.n / sizeof *ranges->deltas;
    ranges->deltas = wd_arena_alloc(call->arena, deltas.n);
    if (deltas.n)
        memcpy(ranges->deltas, deltas.p, deltas.n);
    return ranges;
}

struct wd_str
wd_str_pb(ProtobufCBinaryData data)
{
    return wd_str_n(data.data, data.len);
}

ProtobufCBinaryData
wd_pb_str(struct wd_str s)
{
    union {
        const char *from;
        uint8_t *to;
    } bytes = { s.p }; /* protobuf-c has no const in its messages; packing does not write */

    return (ProtobufCBinaryData){ s.n, bytes.to };
}

struct wd_once
wd_call_once(const struct wd_call *call, struct wd_id user)
{
    return (struct wd_once){ .user = user, .method = call->method, .key = call->key };
}
