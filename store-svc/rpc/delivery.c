/* The Delivery service (proto/wd/v1/delivery.proto): incoming mail. */
#include "store-svc/domain/deliver.h"
#include "store-svc/domain/recipient.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/delivery.pb-c.h"

enum { RECIPIENTS_MAX = 10000, PATHS_BYTES = 256 * 1024 /* of mailbox paths in a reply */ };

extern Wd__V1__Delivery_Service wd_store_delivery;

/* The addresses of a request as slices. */
static bool
read_recipients(struct wd_call *call, const ProtobufCBinaryData *from, size_t n, const struct wd_str **out)
{
    struct wd_str *addresses;
    size_t i;

    if (n > RECIPIENTS_MAX)
        return wd_fail(&call->err, WD_INVALID, "more than %d recipients", RECIPIENTS_MAX);
    addresses = WD_ARENA_ARRAY(call->arena, struct wd_str, n + 1);
    for (i = 0; i < n; i++)
        addresses[i] = wd_str_pb(from[i]);
    *out = addresses;
    return true;
}

/* n outcomes and the pointers to them that a reply wants. */
static Wd__V1__RecipientOutcome **
new_outcomes(struct wd_call *call, size_t n)
{
    Wd__V1__RecipientOutcome *rows = WD_ARENA_ARRAY(call->arena, Wd__V1__RecipientOutcome, n + 1);
    Wd__V1__RecipientOutcome **pointers = WD_ARENA_ARRAY(call->arena, Wd__V1__RecipientOutcome *, n + 1);
    size_t i;

    for (i = 0; i < n; i++) {
        wd__v1__recipient_outcome__init(&rows[i]);
        pointers[i] = &rows[i];
    }
    return pointers;
}

static void
refuse(struct wd_call *call, Wd__V1__RecipientOutcome *out, enum wd_reason reason, struct wd_str text)
{
    struct wd_str copy = wd_arena_str(call->arena, text);

    out->has_reason = true;
    out->reason = reason;
    out->text = memcpy(wd_arena_alloc(call->arena, copy.n + 1), copy.p, copy.n);
}

/* Delivery.Resolve: may mail be delivered to these addresses now? */
static void
delivery_resolve(Wd__V1__Delivery_Service *svc, const Wd__V1__ResolveRequest *req,
                 Wd__V1__ResolveReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_recipient_query query = { .n = req->n_recipients, .size = req->size, .ip = wd_str_c(req->ip) };
    struct wd_recipient *found;
    Wd__V1__ResolveReply out = WD__V1__RESOLVE_REPLY__INIT;
    size_t i;

    (void)svc;
    if (!read_recipients(call, req->recipients, req->n_recipients, &query.addresses)) {
        wd_call_fail(call);
        return;
    }
    found = WD_ARENA_ARRAY(call->arena, struct wd_recipient, query.n + 1);
    wd_recipient_resolve(wd_call_domain(call), call->arena, &query, found);
    out.n_outcomes = query.n;
    out.outcomes = new_outcomes(call, query.n);
    for (i = 0; i < query.n; i++) {
        out.outcomes[i]->accepted = found[i].accepted;
        if (found[i].accepted)
            out.outcomes[i]->user = wd_call_hex(call, found[i].user.id);
        else
            refuse(call, out.outcomes[i], found[i].reason, found[i].text);
    }
    reply(&out, call);
}

static bool
read_deliver(struct wd_call *call, const Wd__V1__DeliverRequest *req, struct wd_deliver *in)
{
    *in = (struct wd_deliver){
        .raw = wd_str_pb(req->raw), .uploaded = req->upload != NULL, .upload_size = req->upload_size,
        .sender = wd_str_pb(req->sender), .n = req->n_recipients, .transport = wd_str_c(req->transport),
        .ip = wd_str_c(req->ip), .origin_host = wd_str_pb(req->origin_host), .helo = wd_str_pb(req->helo),
        .session = call->session_id, .key = call->key,
    };
    if (req->has_raw == in->uploaded)
        return wd_fail(&call->err, WD_INVALID, "a message is either raw or an upload");
    if (in->uploaded && !wd_call_upload(call, req->upload, &in->upload))
        return false;
    return read_recipients(call, req->recipients, req->n_recipients, &in->recipients);
}

/* Delivery.Deliver: stores one message for many recipients. */
static void
delivery_deliver(Wd__V1__Delivery_Service *svc, const Wd__V1__DeliverRequest *req,
                 Wd__V1__DeliverReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_deliver in;
    struct wd_delivered *made = WD_ARENA_ARRAY(call->arena, struct wd_delivered, req->n_recipients + 1);
    Wd__V1__DeliverReply out = WD__V1__DELIVER_REPLY__INIT;
    size_t i, paths = 0;

    (void)svc;
    if (!read_deliver(call, req, &in) ||
        !wd_deliver(wd_call_domain(call), call->arena, &in, made, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.n_outcomes = in.n;
    out.outcomes = new_outcomes(call, in.n);
    for (i = 0; i < in.n; i++) {
        Wd__V1__RecipientOutcome *o = out.outcomes[i];

        o->accepted = made[i].accepted;
        if (!made[i].accepted) {
            refuse(call, o, made[i].reason, made[i].text);
            continue;
        }
        o->user = wd_call_hex(call, made[i].user);
        o->message = wd_call_hex(call, made[i].message);
        o->has_uid = true;
        o->uid = made[i].uid;
        paths += made[i].mailbox_path.n;
        o->has_mailbox_path = paths <= PATHS_BYTES; /* the mail is stored: its reply must not be too large to be sent */
        o->mailbox_path = wd_pb_str(made[i].mailbox_path);
    }
    reply(&out, call);
}

Wd__V1__Delivery_Service wd_store_delivery = WD__V1__DELIVERY__INIT(delivery_);
