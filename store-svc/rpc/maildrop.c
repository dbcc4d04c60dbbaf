/* The Maildrop service (proto/wd/v1/maildrop.proto): INBOX as POP3 sees it. */
#include "store-svc/domain/maildrop.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/maildrop.pb-c.h"

extern Wd__V1__Maildrop_Service wd_store_maildrop;

static void
pack_messages(struct wd_call *call, const struct wd_maildrop *drop, Wd__V1__OpenMaildropReply *out)
{
    out->mailbox = wd_call_hex(call, drop->mailbox);
    out->uids = WD_ARENA_ARRAY(call->arena, uint32_t, drop->n);
    out->sizes = WD_ARENA_ARRAY(call->arena, uint64_t, drop->n);
    out->ids.data = wd_arena_alloc(call->arena, drop->n * sizeof(struct wd_id));
    out->ids.len = drop->n * sizeof(struct wd_id);
    out->n_uids = out->n_sizes = drop->n;
    for (size_t i = 0; i < drop->n; i++) {
        out->uids[i] = drop->messages[i].uid;
        out->sizes[i] = drop->messages[i].size;
        memcpy(out->ids.data + i * sizeof(struct wd_id), drop->messages[i].id.b, sizeof(struct wd_id));
    }
}

static void
maildrop_open(Wd__V1__Maildrop_Service *svc, const Wd__V1__OpenMaildropRequest *req,
              Wd__V1__OpenMaildropReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__OpenMaildropReply out = WD__V1__OPEN_MAILDROP_REPLY__INIT;
    struct wd_maildrop drop;
    struct wd_id user;

    (void)svc;
    if (!wd_call_user(call, req->user, &user) ||
        !wd_maildrop_open(wd_call_domain(call), call->arena, user, &drop, &call->err)) {
        wd_call_fail(call);
        return;
    }
    pack_messages(call, &drop, &out);
    reply(&out, call);
}

static bool
update(struct wd_call *call, const Wd__V1__UpdateMaildropRequest *req, uint32_t *removed)
{
    struct wd_seqset seen wd_auto(wd_seqset_done) = { 0 };
    struct wd_seqset remove wd_auto(wd_seqset_done) = { 0 };
    struct wd_maildrop_update in = { .seen = &seen, .remove = &remove };
    struct wd_once once;

    if (!wd_call_user(call, req->user, &in.user) || !wd_call_id(call, req->mailbox, "mailbox", &in.mailbox) ||
        !wd_call_uids(call, req->seen, &seen) || !wd_call_uids(call, req->remove, &remove))
        return false;
    once = wd_call_once(call, in.user);
    return wd_maildrop_update(wd_call_domain(call), call->arena, &in, &once, removed, &call->err);
}

static void
maildrop_update(Wd__V1__Maildrop_Service *svc, const Wd__V1__UpdateMaildropRequest *req,
                Wd__V1__UpdateMaildropReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__UpdateMaildropReply out = WD__V1__UPDATE_MAILDROP_REPLY__INIT;

    (void)svc;
    if (!update(call, req, &out.removed)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

Wd__V1__Maildrop_Service wd_store_maildrop = WD__V1__MAILDROP__INIT(maildrop_);
