/* The Mailboxes service (proto/wd/v1/mailboxes.proto). What sessions need of one mailbox is in sessions.c. */
#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/mailbox_list.h"
#include "store-svc/domain/mailbox_update.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/view.h"
#include "store-svc/rpc/convert_mailbox.h"
#include "store-svc/rpc/mailbox_admin.h"
#include "store-svc/rpc/sessions.h"

enum {
    PAGE = 500,             /* mailboxes */
    PAGE_BYTES = 512 * 1024 /* of their rows in a reply; one row is at most about half of that */
};

extern Wd__V1__Mailboxes_Service wd_store_mailboxes;

static bool
add_counts(struct wd_call *call, struct wd_mailbox *from, Wd__V1__Mailbox *to)
{
    struct wd_mailbox_counts counts;

    if (!wd_view_counts(wd_call_domain(call), from, &counts, &call->err))
        return false;
    to->has_messages = to->has_unseen = true;
    to->messages = counts.messages;
    to->unseen = counts.unseen;
    return true;
}

static bool
add_size(struct wd_call *call, const struct wd_mailbox *from, Wd__V1__Mailbox *to)
{
    to->has_size = true;
    return wd_mailbox_size(wd_call_domain(call)->docs, from->id, &to->size, &call->err);
}

/* As many rows as a reply has room for: the first one always. */
static size_t
add_rows(struct wd_call *call, const struct wd_mailbox *rows, size_t n, Wd__V1__Mailbox **to)
{
    size_t i, bytes = 0;

    for (i = 0; i < n; i++) {
        to[i] = WD_ARENA_NEW(call->arena, Wd__V1__Mailbox);
        wd_pb_mailbox(call, &rows[i], to[i]);
        bytes += protobuf_c_message_get_packed_size(&to[i]->base);
        if (i && bytes > PAGE_BYTES)
            break;
    }
    return i;
}

static bool
list_page(struct wd_call *call, const Wd__V1__ListMailboxesRequest *req, Wd__V1__ListMailboxesReply *out)
{
    struct wd_mailbox_listing what = {
        .subscribed_only = req->subscribed_only,
        .show_hidden = req->show_hidden,
        .after = wd_str_pb(req->cursor),
        .limit = PAGE,
    };
    struct wd_mailbox *rows;
    struct wd_id user;
    size_t n;
    bool more;

    if (!wd_call_user(call, req->user, &user) ||
        !wd_mailbox_list(wd_call_domain(call)->docs, call->arena, user, &what, &rows, &n, &more, &call->err))
        return false;
    out->mailboxes = WD_ARENA_ARRAY(call->arena, Wd__V1__Mailbox *, n);
    out->n_mailboxes = add_rows(call, rows, n, out->mailboxes);
    for (size_t i = 0; req->counters && i < out->n_mailboxes; i++)
        if (!add_counts(call, &rows[i], out->mailboxes[i]))
            return false;
    for (size_t i = 0; req->sizes && i < out->n_mailboxes; i++)
        if (!add_size(call, &rows[i], out->mailboxes[i]))
            return false;
    if (more || out->n_mailboxes < n) {
        out->has_next_cursor = true;
        out->next_cursor = wd_pb_str(rows[out->n_mailboxes - 1].path);
    }
    return true;
}

static void
mailboxes_list(Wd__V1__Mailboxes_Service *svc, const Wd__V1__ListMailboxesRequest *req,
               Wd__V1__ListMailboxesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ListMailboxesReply out = WD__V1__LIST_MAILBOXES_REPLY__INIT;

    (void)svc;
    if (!list_page(call, req, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
mailboxes_create(Wd__V1__Mailboxes_Service *svc, const Wd__V1__CreateMailboxRequest *req,
                 Wd__V1__Mailbox_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_mailbox_new in = {
        .path = wd_str_pb(req->path),
        .retention_ms = req->has_retention_ms ? req->retention_ms : -1,
        .hidden = req->hidden,
        .encrypt = req->encrypt_messages,
    };
    struct wd_mailbox made;
    struct wd_once once;
    Wd__V1__Mailbox out;

    (void)svc;
    if (!wd_call_user(call, req->user, &in.user)) {
        wd_call_fail(call);
        return;
    }
    once = wd_call_once(call, in.user);
    if (!wd_mailbox_create(wd_call_domain(call), call->arena, &in, &once, &made, &call->err)) {
        wd_call_fail(call);
        return;
    }
    wd_pb_mailbox(call, &made, &out);
    reply(&out, call);
}

static bool
rename_mailbox(struct wd_call *call, const Wd__V1__RenameMailboxRequest *req, Wd__V1__RenameMailboxReply *out)
{
    struct wd_mailbox *rows;
    struct wd_once once;
    struct wd_id user;
    size_t n;

    if (!wd_call_user(call, req->user, &user))
        return false;
    once = wd_call_once(call, user);
    if (!wd_mailbox_rename(wd_call_domain(call), call->arena, user, wd_str_pb(req->path), wd_str_pb(req->new_path),
                           req->with_children, &once, &rows, &n, &call->err))
        return false;
    out->renamed = WD_ARENA_ARRAY(call->arena, Wd__V1__Mailbox *, n);
    out->n_renamed = add_rows(call, rows, n, out->renamed);
    return true;
}

static void
mailboxes_rename(Wd__V1__Mailboxes_Service *svc, const Wd__V1__RenameMailboxRequest *req,
                 Wd__V1__RenameMailboxReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__RenameMailboxReply out = WD__V1__RENAME_MAILBOX_REPLY__INIT;

    (void)svc;
    if (!rename_mailbox(call, req, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
mailboxes_delete(Wd__V1__Mailboxes_Service *svc, const Wd__V1__DeleteMailboxRequest *req,
                 Wd__V1__DeleteMailboxReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__DeleteMailboxReply out = WD__V1__DELETE_MAILBOX_REPLY__INIT;
    struct wd_id user, deleted;
    struct wd_once once;

    (void)svc;
    if (!wd_call_user(call, req->user, &user)) {
        wd_call_fail(call);
        return;
    }
    once = wd_call_once(call, user);
    if (!wd_mailbox_delete(wd_call_domain(call), call->arena, user, wd_str_pb(req->path), &once, &deleted,
                           &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.id = wd_call_hex(call, deleted);
    reply(&out, call);
}

static void
mailboxes_subscribe(Wd__V1__Mailboxes_Service *svc, const Wd__V1__SubscribeMailboxRequest *req,
                    Wd__V1__SubscribeMailboxReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__SubscribeMailboxReply out = WD__V1__SUBSCRIBE_MAILBOX_REPLY__INIT;
    struct wd_id user;

    (void)svc;
    if (!wd_call_user(call, req->user, &user) ||
        !wd_mailbox_subscribe(wd_call_domain(call), call->arena, user, wd_str_pb(req->path), req->subscribed,
                              &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
mailboxes_status(Wd__V1__Mailboxes_Service *svc, const Wd__V1__StatusMailboxRequest *req,
                 Wd__V1__MailboxStatus_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_domain *d = wd_call_domain(call);
    Wd__V1__MailboxStatus out = WD__V1__MAILBOX_STATUS__INIT;
    struct wd_mailbox_counts counts;
    struct wd_mailbox row;
    struct wd_id user;

    (void)svc;
    if (!wd_call_user(call, req->user, &user) ||
        !wd_mailbox_need_path(d->docs, call->arena, user, wd_str_pb(req->path), &row, &call->err) ||
        !wd_view_counts(d, &row, &counts, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.id = wd_call_hex(call, row.id);
    out.messages = counts.messages;
    out.unseen = counts.unseen;
    out.uid_next = row.uid_next;
    out.uid_validity = row.uid_validity;
    out.highest_modseq = row.modify_index;
    reply(&out, call);
}

static void
mailboxes_quota(Wd__V1__Mailboxes_Service *svc, const Wd__V1__QuotaRequest *req, Wd__V1__QuotaReply_Closure reply,
                void *closure)
{
    struct wd_call *call = closure;
    struct wd_domain *d = wd_call_domain(call);
    Wd__V1__QuotaReply out = WD__V1__QUOTA_REPLY__INIT;
    struct wd_quota quota;
    struct wd_id user;

    (void)svc;
    if (!wd_call_user(call, req->user, &user) || !wd_quota_read(d, d->users, user, &quota, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.storage_used = quota.used;
    out.quota = quota.limit;
    reply(&out, call);
}

Wd__V1__Mailboxes_Service wd_store_mailboxes = WD__V1__MAILBOXES__INIT(mailboxes_);
