/* The methods of the Messages service that the API works with. */
#include "store-svc/rpc/message_admin.h"

#include "store-svc/domain/attachment.h"
#include "store-svc/domain/message_edit.h"
#include "store-svc/domain/message_list.h"
#include "store-svc/domain/store.h"
#include "store-svc/rpc/convert_shown.h"
#include "store-svc/rpc/page.h"

enum { LIST_BYTES = 900 * 1024 /* of a page of rows; one row is less than half of that */ };

static bool
find_place(struct wd_call *call, const char *named_user, const char *named_mailbox, struct wd_id *user,
           struct wd_id *mailbox)
{
    return wd_call_user(call, named_user, user) && wd_call_id(call, named_mailbox, "mailbox", mailbox);
}

/* ---- List ---- */

/* A page being filled. */
struct listing {
    struct wd_call *call;
    const Wd__V1__ListMessagesRequest *req;
    Wd__V1__ListMessagesReply *reply;
    struct wd_id user;
    size_t bytes;
    bool full;
    struct wd_page_position last; /* of the rows that had room */
};

static bool
add_row(void *data, const bson_t *row, struct wd_error *err)
{
    struct listing *l = data;
    struct wd_docs *docs = wd_call_domain(l->call)->docs;
    Wd__V1__MessageEntry *entry;
    struct wd_id thread;
    int64_t n;

    if (l->full)
        return true;
    entry = wd_pb_message_entry(l->call, row);
    wd_pb_message_headers(l->call, row, l->req->headers, l->req->n_headers, entry);
    if (l->req->thread_counters && wd_doc_id(row, "thread", &thread)) {
        if (!wd_message_thread_size(docs, l->user, thread, &n, err))
            return false;
        entry->has_thread_messages = true;
        entry->thread_messages = (uint32_t)n;
    }
    l->bytes += protobuf_c_message_get_packed_size(&entry->base);
    l->full = l->reply->n_messages > 0 && l->bytes > LIST_BYTES;
    if (l->full)
        return true;
    l->reply->messages[l->reply->n_messages++] = entry;
    l->last = (struct wd_page_position){ .set = true, .date_ms = wd_doc_date(row, "idate", 0) };
    l->last.set = wd_doc_id(row, "_id", &l->last.id);
    return true;
}

static bool
list(struct wd_call *call, const Wd__V1__ListMessagesRequest *req, Wd__V1__ListMessagesReply *out)
{
    struct wd_message_listing in = { .ascending = req->ascending, .unseen = req->unseen };
    struct listing l = { .call = call, .req = req, .reply = out };
    struct wd_mailbox mailbox;
    struct wd_paged paged;

    out->messages = WD_ARENA_ARRAY(call->arena, Wd__V1__MessageEntry *, WD_PAGE_MAX);
    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) ||
        !wd_call_page(call, req->page, WD_PAGE_BY_DATE, &in.page))
        return false;
    l.user = in.user;
    if (!wd_message_list(wd_call_domain(call), call->arena, &in, &mailbox, add_row, &l, &paged, &call->err))
        return false;
    if (l.full)
        paged.next = l.last;
    out->page = wd_call_paged(call, &paged, WD_PAGE_BY_DATE);
    if (mailbox.special_use.n)
        out->special_use = wd_call_text(call, mailbox.special_use);
    return true;
}

void
messages_list(Wd__V1__Messages_Service *svc, const Wd__V1__ListMessagesRequest *req,
              Wd__V1__ListMessagesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ListMessagesReply out = WD__V1__LIST_MESSAGES_REPLY__INIT;

    (void)svc;
    if (!list(call, req, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

/* ---- Get ---- */

static bool
mark_seen(struct wd_call *call, const Wd__V1__GetMessageRequest *req, struct wd_id user, struct wd_id mailbox)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_stored done wd_auto(wd_stored_done) = { 0 };
    struct wd_store in = { .user = user,
                           .mailbox = mailbox,
                           .uids = &uids,
                           .mode = WD_FLAGS_ADD,
                           .system_flags = WD_FLAG_SEEN };
    struct wd_once once = wd_call_once(call, user);

    wd_seqset_add(&uids, req->uid, req->uid);
    return wd_message_store(wd_call_domain(call), call->arena, &in, &once, &done, &call->err);
}

static bool
show(struct wd_call *call, const Wd__V1__GetMessageRequest *req, bson_t *doc)
{
    struct wd_id user, mailbox;

    if (!find_place(call, req->user, req->mailbox, &user, &mailbox) ||
        !wd_message_show(wd_call_domain(call), call->arena, user, mailbox, req->uid, doc, &call->err))
        return false;
    if (!req->mark_seen || !wd_doc_bool(doc, "unseen", false))
        return true;
    if (!mark_seen(call, req, user, mailbox))
        return false;
    bson_reinit(doc);
    return wd_message_show(wd_call_domain(call), call->arena, user, mailbox, req->uid, doc, &call->err);
}

void
messages_get(Wd__V1__Messages_Service *svc, const Wd__V1__GetMessageRequest *req, Wd__V1__Message_Closure reply,
             void *closure)
{
    struct wd_call *call = closure;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    (void)svc;
    if (!show(call, req, &doc)) {
        wd_call_fail(call);
        return;
    }
    reply(wd_pb_message(call, &doc), call);
}

/* ---- ReadAttachment ---- */

void
messages_read_attachment(Wd__V1__Messages_Service *svc, const Wd__V1__ReadAttachmentRequest *req,
                         Wd__V1__ReadAttachmentReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_buf bytes wd_auto(wd_buf_done) = { 0 };
    struct wd_attachment_read in = { .uid = req->uid, .id = wd_str_c(req->attachment), .position = req->position };
    Wd__V1__ReadAttachmentReply out = WD__V1__READ_ATTACHMENT_REPLY__INIT;
    struct wd_attachment_range got;

    (void)svc;
    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) ||
        !wd_attachment_read(wd_call_domain(call), call->arena, &in, &bytes, &got, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.data = wd_pb_str(wd_buf_view(&bytes));
    out.content_type = wd_pb_str(got.content_type);
    out.has_filename = got.filename.n > 0;
    out.filename = wd_pb_str(got.filename);
    out.has_next = !got.end;
    out.next = got.next;
    reply(&out, call);
}

/* ---- Update, Remove ---- */

static bool
edit(struct wd_call *call, const Wd__V1__UpdateMessagesRequest *req, struct wd_message_edited *done)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_str meta = wd_str_pb(req->meta_data);
    struct wd_message_edit in = {
        .uids = &uids,
        .from = req->from_uid,
        .add_flags = req->add_flags,
        .remove_flags = req->remove_flags,
        .set_expires = req->has_expires_ms || req->never_expires,
        .expires = req->has_expires_ms,
        .expires_ms = req->expires_ms,
        .meta_data = req->has_meta_data ? &meta : NULL,
    };
    struct wd_once once;

    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) || !wd_call_uids(call, req->uids, &uids))
        return false;
    once = wd_call_once(call, in.user);
    return wd_message_edit(wd_call_domain(call), call->arena, &in, &once, done, &call->err);
}

void
messages_update(Wd__V1__Messages_Service *svc, const Wd__V1__UpdateMessagesRequest *req,
                Wd__V1__UpdateMessagesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__UpdateMessagesReply out = WD__V1__UPDATE_MESSAGES_REPLY__INIT;
    struct wd_message_edited done;

    (void)svc;
    if (!edit(call, req, &done)) {
        wd_call_fail(call);
        return;
    }
    out.matched = done.matched;
    out.has_next_uid = done.next != 0;
    out.next_uid = done.next;
    reply(&out, call);
}

static bool
delete_some(struct wd_call *call, const Wd__V1__RemoveMessagesRequest *req, struct wd_message_deleted *done)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_message_delete in = { .uids = req->uids ? &uids : NULL, .skip_archive = req->skip_archive };
    struct wd_once once;

    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) || !wd_call_uids(call, req->uids, &uids))
        return false;
    once = wd_call_once(call, in.user);
    return wd_message_delete(wd_call_domain(call), &in, &once, done, &call->err);
}

void
messages_remove(Wd__V1__Messages_Service *svc, const Wd__V1__RemoveMessagesRequest *req,
                Wd__V1__RemoveMessagesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__RemoveMessagesReply out = WD__V1__REMOVE_MESSAGES_REPLY__INIT;
    struct wd_message_deleted done;

    (void)svc;
    if (!delete_some(call, req, &done)) {
        wd_call_fail(call);
        return;
    }
    out.removed = done.removed;
    out.more = out.has_more = done.more;
    reply(&out, call);
}
