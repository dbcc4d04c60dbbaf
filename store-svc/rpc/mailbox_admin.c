/* The methods of the Mailboxes service that name a mailbox by its id: for the API. */
#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/mailbox_update.h"
#include "store-svc/domain/user.h"
#include "store-svc/domain/view.h"
#include "store-svc/rpc/convert_mailbox.h"
#include "store-svc/rpc/mailbox_admin.h"

static bool
check_user(struct wd_call *call, struct wd_id user)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!wd_user_doc(wd_call_domain(call)->users, user, &doc, &found, &call->err))
        return false;
    return found || wd_fail(&call->err, WD_USER_NOT_FOUND, "This user does not exist");
}

/* By id, or by the path exactly as it is stored. */
static bool
find_mailbox(struct wd_call *call, const Wd__V1__GetMailboxRequest *req, struct wd_id user, struct wd_mailbox *out)
{
    struct wd_docs *docs = wd_call_domain(call)->docs;
    struct wd_id id;

    if (req->mailbox)
        return wd_call_id(call, req->mailbox, "mailbox", &id) &&
               wd_mailbox_need_id(docs, call->arena, user, id, out, &call->err);
    if (!wd_mailbox_need_path(docs, call->arena, user, wd_str_pb(req->path), out, &call->err))
        return false;
    return wd_str_eq(out->path, wd_str_pb(req->path)) || wd_fail(&call->err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
}

void
mailboxes_get(Wd__V1__Mailboxes_Service *svc, const Wd__V1__GetMailboxRequest *req, Wd__V1__Mailbox_Closure reply,
              void *closure)
{
    struct wd_call *call = closure;
    struct wd_mailbox_counts counts;
    struct wd_mailbox row;
    struct wd_id user;
    Wd__V1__Mailbox out;

    (void)svc;
    if (!wd_call_user(call, req->user, &user) || !check_user(call, user) || !find_mailbox(call, req, user, &row) ||
        !wd_view_counts(wd_call_domain(call), &row, &counts, &call->err)) {
        wd_call_fail(call);
        return;
    }
    wd_pb_mailbox(call, &row, &out);
    out.has_messages = out.has_unseen = true;
    out.messages = counts.messages;
    out.unseen = counts.unseen;
    reply(&out, call);
}

static bool
update(struct wd_call *call, const Wd__V1__UpdateMailboxRequest *req)
{
    struct wd_str path = wd_str_pb(req->path);
    bool subscribed = req->subscribed, hidden = req->hidden, encrypt = req->encrypt_messages;
    struct wd_mailbox_update in = {
        .path = req->has_path ? &path : NULL,
        .retention_ms = req->has_retention_ms ? &req->retention_ms : NULL,
        .subscribed = req->has_subscribed ? &subscribed : NULL,
        .hidden = req->has_hidden ? &hidden : NULL,
        .encrypt = req->has_encrypt_messages ? &encrypt : NULL,
    };
    struct wd_once once;

    if (!wd_call_user(call, req->user, &in.user) || !wd_call_id(call, req->mailbox, "mailbox", &in.mailbox))
        return false;
    once = wd_call_once(call, in.user);
    return wd_mailbox_update(wd_call_domain(call), call->arena, &in, &once, &call->err);
}

void
mailboxes_update(Wd__V1__Mailboxes_Service *svc, const Wd__V1__UpdateMailboxRequest *req,
                 Wd__V1__UpdateMailboxReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__UpdateMailboxReply out = WD__V1__UPDATE_MAILBOX_REPLY__INIT;

    (void)svc;
    if (!update(call, req)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

void
mailboxes_remove(Wd__V1__Mailboxes_Service *svc, const Wd__V1__RemoveMailboxRequest *req,
                 Wd__V1__RemoveMailboxReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__RemoveMailboxReply out = WD__V1__REMOVE_MAILBOX_REPLY__INIT;
    struct wd_id user, mailbox;
    struct wd_once once;

    (void)svc;
    if (!wd_call_user(call, req->user, &user) || !wd_call_id(call, req->mailbox, "mailbox", &mailbox)) {
        wd_call_fail(call);
        return;
    }
    once = wd_call_once(call, user);
    if (!wd_mailbox_delete_id(wd_call_domain(call), call->arena, user, mailbox, &once, &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}
