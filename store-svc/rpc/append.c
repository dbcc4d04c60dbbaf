#include "store-svc/rpc/append.h"

#include "store-svc/domain/append.h"
#include "store-svc/rpc/call.h"

enum { CHUNK_MAX = 1024 * 1024 };

static bool
read_append(struct wd_call *call, const Wd__V1__AppendRequest *req, struct wd_append *in)
{
    struct wd_str *keywords = WD_ARENA_ARRAY(call->arena, struct wd_str, req->n_keywords);
    size_t i;

    *in = (struct wd_append){
        .path = wd_str_pb(req->path), .raw = wd_str_pb(req->raw), .uploaded = req->upload != NULL,
        .upload_size = req->upload_size, .system_flags = req->system_flags, .keywords = keywords,
        .n_keywords = req->n_keywords, .idate_ms = req->internal_date_ms, .source = wd_str_c(req->source),
        .transport = wd_str_c(req->transport), .ip = wd_str_c(req->ip),
    };
    for (i = 0; i < req->n_keywords; i++)
        keywords[i] = wd_str_pb(req->keywords[i]);
    if (req->has_raw == in->uploaded)
        return wd_fail(&call->err, WD_INVALID, "a message is either raw or an upload");
    if (!wd_call_user(call, req->user, &in->user) ||
        (in->uploaded && !wd_call_upload(call, req->upload, &in->upload)))
        return false;
    in->once = wd_call_once(call, in->user);
    return true;
}

/* Messages.Append: stores one message in a mailbox of the user. */
void
messages_append(Wd__V1__Messages_Service *svc, const Wd__V1__AppendRequest *req,
                Wd__V1__AppendReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_append in;
    struct wd_appended made;
    Wd__V1__AppendReply out = WD__V1__APPEND_REPLY__INIT;

    (void)svc;
    if (!read_append(call, req, &in) ||
        !wd_message_append(wd_call_domain(call), call->arena, &in, &made, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.mailbox = wd_call_hex(call, made.mailbox);
    out.message = wd_call_hex(call, made.message);
    out.uid_validity = made.uid_validity;
    out.uid = made.uid;
    out.modseq = made.modseq;
    out.size = made.size;
    reply(&out, call);
}

/* Messages.Upload: bytes of a message that is too large for one call. */
void
messages_upload(Wd__V1__Messages_Service *svc, const Wd__V1__UploadRequest *req,
                Wd__V1__UploadReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_domain *d = wd_call_domain(call);
    struct wd_str data = wd_str_pb(req->data);
    uint64_t limit = d->options.max_message_bytes;
    Wd__V1__UploadReply out = WD__V1__UPLOAD_REPLY__INIT;
    struct wd_id upload;
    bool ok = wd_call_upload(call, req->upload, &upload);

    (void)svc;
    if (ok && data.n > CHUNK_MAX)
        ok = wd_fail(&call->err, WD_INVALID, "a chunk is at most 1 MiB");
    if (ok && (req->offset > limit || data.n > limit - req->offset))
        ok = wd_fail(&call->err, WD_MESSAGE_TOO_BIG, "The message is larger than %llu bytes",
                     (unsigned long long)limit);
    if (!ok || !wd_blobs_upload_write(d->blobs, upload, req->offset, data, &out.size, &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

/* Messages.DropUpload */
void
messages_drop_upload(Wd__V1__Messages_Service *svc, const Wd__V1__DropUploadRequest *req,
                     Wd__V1__DropUploadReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__DropUploadReply out = WD__V1__DROP_UPLOAD_REPLY__INIT;
    struct wd_id upload;

    (void)svc;
    if (!wd_call_upload(call, req->upload, &upload) ||
        !wd_blobs_upload_drop(wd_call_domain(call)->blobs, upload, &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}
