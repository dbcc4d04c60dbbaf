/* The Messages service (proto/wd/v1/messages.proto): reading and changing what is stored. Append and uploads are in
 * append.c, Search in search.c. */
#include "store-svc/domain/copy.h"
#include "store-svc/domain/expunge.h"
#include "store-svc/domain/store.h"
#include "store-svc/rpc/append.h"
#include "store-svc/rpc/convert_mailbox.h"
#include "store-svc/rpc/convert_message.h"
#include "store-svc/rpc/message_admin.h"
#include "store-svc/rpc/search.h"

enum { INLINE_MAX = 512 * 1024 };

extern Wd__V1__Messages_Service wd_store_messages;

/* The limit of downloads that a front end's reading counts against. */
static enum wd_meter
meter_of(const struct wd_call *call)
{
    if (call->role & WD_ROLE_IMAP)
        return WD_METER_IMAP;
    return call->role & WD_ROLE_POP3 ? WD_METER_POP3 : WD_METER_NONE;
}

/* What the request is about, the same in every method. */
static bool
find_place(struct wd_call *call, const char *named_user, const char *named_mailbox, struct wd_id *user,
           struct wd_id *mailbox)
{
    return wd_call_user(call, named_user, user) && wd_call_id(call, named_mailbox, "mailbox", mailbox);
}

/* ---- Fetch ---- */

static bool
read_fetch(struct wd_call *call, const Wd__V1__FetchRequest *req, struct wd_seqset *uids, struct wd_fetch *in)
{
    struct wd_section_range *sections;

    *in = (struct wd_fetch){
        .envelope = req->envelope,
        .body_structure = req->body_structure,
        .n_sections = req->n_sections,
        .has_changed_since = req->has_changed_since,
        .changed_since = req->changed_since,
        .inline_limit = req->inline_limit < INLINE_MAX ? req->inline_limit : INLINE_MAX,
        .set_seen = req->set_seen,
        .meter = meter_of(call),
        .session = wd_str_c(req->session_id),
        .uids = uids,
    };
    if (req->has_cursor && !wd_str_u32(wd_str_pb(req->cursor), UINT32_MAX, &in->from))
        return wd_fail(&call->err, WD_INVALID, "malformed cursor");
    if (req->n_sections > WD_FETCH_SECTIONS)
        return wd_fail(&call->err, WD_INVALID, "more than %d sections at once", WD_FETCH_SECTIONS);
    in->sections = sections = WD_ARENA_ARRAY(call->arena, struct wd_section_range, req->n_sections);
    for (size_t i = 0; i < req->n_sections; i++)
        if (!wd_pb_section(call, req->sections[i], &sections[i]))
            return false;
    return find_place(call, req->user, req->mailbox, &in->user, &in->mailbox) && wd_call_uids(call, req->uids, uids);
}

static bool
fetch_page(struct wd_call *call, const Wd__V1__FetchRequest *req, Wd__V1__FetchReply *out)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_fetched *messages;
    struct wd_fetch in;
    uint32_t next;
    size_t n;

    if (!read_fetch(call, req, &uids, &in) ||
        !wd_fetch(wd_call_domain(call), call->arena, &in, &messages, &n, &next, &call->err))
        return false;
    out->messages = WD_ARENA_ARRAY(call->arena, Wd__V1__FetchedMessage *, n);
    for (size_t i = 0; i < n; i++)
        out->messages[out->n_messages++] = wd_pb_fetched(call, req, &messages[i]);
    if (next) {
        out->has_next_cursor = true;
        out->next_cursor = wd_pb_str(wd_arena_printf(call->arena, "%u", next));
    }
    return true;
}

static void
messages_fetch(Wd__V1__Messages_Service *svc, const Wd__V1__FetchRequest *req, Wd__V1__FetchReply_Closure reply,
               void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__FetchReply out = WD__V1__FETCH_REPLY__INIT;

    (void)svc;
    if (!fetch_page(call, req, &out)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
messages_read_body(Wd__V1__Messages_Service *svc, const Wd__V1__ReadBodyRequest *req,
                   Wd__V1__ReadBodyReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_buf data wd_auto(wd_buf_done) = { 0 };
    struct wd_read_body in = { .uid = req->uid, .meter = meter_of(call) };
    Wd__V1__ReadBodyReply out = WD__V1__READ_BODY_REPLY__INIT;

    (void)svc;
    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) ||
        !wd_pb_section(call, req->section, &in.range) ||
        !wd_read_body(wd_call_domain(call), call->arena, &in, &data, &out.size, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.data = wd_pb_str(wd_buf_view(&data));
    reply(&out, call);
}

/* ---- Store ---- */

static bool
store_flags(struct wd_call *call, const Wd__V1__StoreRequest *req, struct wd_stored *done)
{
    static const enum wd_flag_mode modes[] = {
        [WD__V1__STORE_REQUEST__MODE__REPLACE] = WD_FLAGS_REPLACE,
        [WD__V1__STORE_REQUEST__MODE__ADD] = WD_FLAGS_ADD,
        [WD__V1__STORE_REQUEST__MODE__REMOVE] = WD_FLAGS_REMOVE,
    };
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_str *keywords = WD_ARENA_ARRAY(call->arena, struct wd_str, req->n_keywords);
    struct wd_store in = {
        .uids = &uids,
        .system_flags = req->system_flags,
        .keywords = keywords,
        .n_keywords = req->n_keywords,
        .conditional = req->has_unchanged_since,
        .unchanged_since = req->unchanged_since,
        .session = wd_str_c(req->session_id),
    };
    struct wd_once once;

    if ((unsigned)req->mode >= WD_COUNT(modes))
        return wd_fail(&call->err, WD_INVALID, "a mode of STORE that is not known");
    in.mode = modes[req->mode];
    for (size_t i = 0; i < req->n_keywords; i++)
        keywords[i] = wd_str_pb(req->keywords[i]);
    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) || !wd_call_uids(call, req->uids, &uids))
        return false;
    once = wd_call_once(call, in.user);
    return wd_message_store(wd_call_domain(call), call->arena, &in, &once, done, &call->err);
}

static void
pack_stored(struct wd_call *call, const struct wd_stored *done, Wd__V1__StoreReply *out)
{
    out->has_modseq = done->modseq != 0;
    out->modseq = done->modseq;
    out->changed = WD_ARENA_ARRAY(call->arena, Wd__V1__StoreReply__Changed *, done->n_changed);
    for (size_t i = 0; i < done->n_changed; i++) {
        const struct wd_message *m = &done->changed[i];
        Wd__V1__StoreReply__Changed *changed = WD_ARENA_NEW(call->arena, Wd__V1__StoreReply__Changed);

        wd__v1__store_reply__changed__init(changed);
        changed->uid = m->uid;
        changed->keywords =
            wd_pb_keywords(call, m->flags, m->n_flags, &changed->system_flags, &changed->n_keywords);
        out->changed[out->n_changed++] = changed;
    }
    if (done->modified.n)
        out->modified = wd_call_ranges(call, &done->modified);
    if (done->missing.n)
        out->missing = wd_call_ranges(call, &done->missing);
    out->has_continue_from = done->continue_from != 0;
    out->continue_from = done->continue_from;
}

static void
messages_store(Wd__V1__Messages_Service *svc, const Wd__V1__StoreRequest *req, Wd__V1__StoreReply_Closure reply,
               void *closure)
{
    struct wd_call *call = closure;
    struct wd_stored done wd_auto(wd_stored_done) = { 0 };
    Wd__V1__StoreReply out = WD__V1__STORE_REPLY__INIT;

    (void)svc;
    if (!store_flags(call, req, &done)) {
        wd_call_fail(call);
        return;
    }
    pack_stored(call, &done, &out);
    reply(&out, call);
}

/* ---- Copy, Move ---- */

typedef bool transfer_fn(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in,
                         const struct wd_once *once, struct wd_copied *out, struct wd_error *err);

static bool
transfer(struct wd_call *call, const Wd__V1__CopyRequest *req, transfer_fn *how, Wd__V1__CopyReply *out)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_copied done wd_auto(wd_copied_done) = { 0 };
    struct wd_copy in = {
        .uids = &uids, .target_path = wd_str_pb(req->target_path), .session = wd_str_c(req->session_id)
    };
    struct wd_once once;

    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) || !wd_call_uids(call, req->uids, &uids))
        return false;
    once = wd_call_once(call, in.user);
    if (!how(wd_call_domain(call), call->arena, &in, &once, &done, &call->err))
        return false;
    out->target = wd_call_hex(call, done.target);
    out->uid_validity = done.uid_validity;
    out->source_uids = wd_call_ranges(call, &done.source);
    out->target_uids = wd_call_ranges(call, &done.target_uids);
    out->has_modseq = done.modseq != 0;
    out->modseq = done.modseq;
    return true;
}

static void
messages_copy(Wd__V1__Messages_Service *svc, const Wd__V1__CopyRequest *req, Wd__V1__CopyReply_Closure reply,
              void *closure)
{
    Wd__V1__CopyReply out = WD__V1__COPY_REPLY__INIT;

    (void)svc;
    if (!transfer(closure, req, wd_message_copy, &out)) {
        wd_call_fail(closure);
        return;
    }
    reply(&out, closure);
}

static void
messages_move(Wd__V1__Messages_Service *svc, const Wd__V1__CopyRequest *req, Wd__V1__CopyReply_Closure reply,
              void *closure)
{
    Wd__V1__CopyReply out = WD__V1__COPY_REPLY__INIT;

    (void)svc;
    if (!transfer(closure, req, wd_message_move, &out)) {
        wd_call_fail(closure);
        return;
    }
    reply(&out, closure);
}

/* ---- Expunge ---- */

static bool
expunge(struct wd_call *call, const Wd__V1__ExpungeRequest *req, struct wd_expunged *done)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_expunge in = { .uids = req->uids ? &uids : NULL, .session = wd_str_c(req->session_id) };
    struct wd_once once;

    if (!find_place(call, req->user, req->mailbox, &in.user, &in.mailbox) || !wd_call_uids(call, req->uids, &uids))
        return false;
    once = wd_call_once(call, in.user);
    return wd_message_expunge(wd_call_domain(call), call->arena, &in, &once, done, &call->err);
}

static void
messages_expunge(Wd__V1__Messages_Service *svc, const Wd__V1__ExpungeRequest *req,
                 Wd__V1__ExpungeReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_expunged done wd_auto(wd_expunged_done) = { 0 };
    Wd__V1__ExpungeReply out = WD__V1__EXPUNGE_REPLY__INIT;

    (void)svc;
    if (!expunge(call, req, &done)) {
        wd_call_fail(call);
        return;
    }
    out.expunged = wd_call_ranges(call, &done.uids);
    out.has_modseq = done.modseq != 0;
    out.modseq = done.modseq;
    reply(&out, call);
}

Wd__V1__Messages_Service wd_store_messages = WD__V1__MESSAGES__INIT(messages_);
