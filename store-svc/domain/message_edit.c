#include "store-svc/domain/message_edit.h"

#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/expunge.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/store.h"

enum { TRIES = 4 };

/* ---- flags and data ---- */

/* One STORE of all of the set, in as many parts as it takes. */
static bool
store_flags(struct wd_domain *d, struct wd_arena *a, const struct wd_message_edit *in, const struct wd_seqset *uids,
            enum wd_flag_mode mode, const struct wd_once *once, struct wd_error *err)
{
    struct wd_seqset rest wd_auto(wd_seqset_done) = { 0 };
    struct wd_store store = { .user = in->user,
                              .mailbox = in->mailbox,
                              .uids = &rest,
                              .mode = mode,
                              .system_flags = mode == WD_FLAGS_ADD ? in->add_flags : in->remove_flags,
                              .session = in->session };
    bool ok = true;

    if (!store.system_flags)
        return true;
    wd_seqset_copy(&rest, uids);
    for (unsigned i = 0; ok && rest.n; i++) {
        struct wd_stored done wd_auto(wd_stored_done) = { 0 };
        struct wd_once step = *once;

        if (once->key.n)
            step.key = wd_arena_printf(a, "%.*s#%d.%u", WD_FMT(once->key), (int)mode, i);
        ok = wd_message_store(d, a, &store, &step, &done, err);
        if (!ok || !done.continue_from)
            break;
        wd_seqset_remove(&rest, 1, done.continue_from - 1);
    }
    return ok;
}

static bool
write_data(struct wd_domain *d, const struct wd_message_edit *in, const uint32_t *uids, size_t n,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    if (!in->set_expires && !in->meta_data)
        return true;
    wd_doc_add_id(&filter, "mailbox", in->mailbox);
    wd_doc_add_numbers(&filter, "uid", "$in", uids, n);
    bson_append_document_begin(&update, "$set", -1, &set);
    if (in->set_expires)
        wd_doc_add_bool(&set, "exp", in->expires);
    if (in->set_expires && in->expires)
        bson_append_int64(&set, "rdate", -1, in->expires_ms);
    if (in->meta_data)
        wd_doc_add_str(&set, "meta.custom", *in->meta_data);
    bson_append_document_end(&update, &set);
    return wd_docs_update(d->docs, WD_MESSAGES, &filter, &update, WD_UPDATE_MANY, NULL, err) ||
           wd_fail_in(err, "change messages");
}

bool
wd_message_edit(struct wd_domain *d, struct wd_arena *a, const struct wd_message_edit *in, const struct wd_once *once,
                struct wd_message_edited *out, struct wd_error *err)
{
    struct wd_message_walk walk = { .mailbox = in->mailbox, .uids = in->uids, .from = in->from };
    struct wd_seqset found wd_auto(wd_seqset_done) = { 0 };
    struct wd_mailbox mailbox;
    struct wd_message *heads;
    uint32_t *uids, next;
    size_t n;

    if (!wd_mailbox_need_id(d->docs, a, in->user, in->mailbox, &mailbox, err) ||
        !wd_message_heads(d->docs, a, &walk, WD_JOURNAL_GROUP, &heads, &n, &next, err))
        return false;
    uids = WD_ARENA_ARRAY(a, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        uids[i] = heads[i].uid;
        wd_seqset_add(&found, uids[i], uids[i]);
    }
    if (n && (!store_flags(d, a, in, &found, WD_FLAGS_ADD, once, err) ||
              !store_flags(d, a, in, &found, WD_FLAGS_REMOVE, once, err) || !write_data(d, in, uids, n, err)))
        return false;
    *out = (struct wd_message_edited){ (uint32_t)n, next };
    return true;
}

/* ---- removal ---- */

/* What a first call of the same key has removed. */
static bool
recall(struct wd_domain *d, struct wd_docs *batch, const struct wd_once *once, struct wd_expunged *part, bool *more,
       bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool ok = wd_docs_is_atomic(batch) ? wd_once_find(batch, once, &outcome, found, err)
                                       : wd_once_settle(d, once, &outcome, found, err);

    if (!ok || !*found)
        return ok;
    *more = wd_doc_bool(&outcome, "more", false);
    wd_seqset_done(&part->uids);
    return wd_doc_set(&outcome, "uids", &part->uids, err);
}

static bool
remove_heads(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a, const struct wd_message_delete *in,
             struct wd_removal *what, struct wd_expunged *part, struct wd_error *err)
{
    struct wd_message_walk walk = { .mailbox = in->mailbox, .uids = in->uids };
    struct wd_mailbox mailbox;
    uint32_t next;

    if (!wd_mailbox_need_id(batch, a, in->user, in->mailbox, &mailbox, err) ||
        !wd_message_heads(batch, a, &walk, WD_JOURNAL_GROUP, &what->heads, &what->n, &next, err))
        return false;
    what->more = next != 0;
    return wd_message_remove(d, batch, a, what, part, err);
}

/* One batch: the first outcome again, or the next messages. */
static bool
delete_part(struct wd_domain *d, struct wd_arena *a, const struct wd_message_delete *in, const struct wd_once *once,
            struct wd_expunged *part, bool *more, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_removal what = { .user = in->user,
                               .mailbox = in->mailbox,
                               .archive = !in->skip_archive,
                               .session = in->session,
                               .once = once };
    bool found = false;

    if (!wd_docs_batch_begin(d->docs, &batch, err) ||
        (wd_docs_is_atomic(batch) && !recall(d, batch, once, part, more, &found, err)))
        return false;
    if (found)
        return true;
    if (!remove_heads(d, batch, a, in, &what, part, err))
        return false;
    *more = what.more;
    if (!part->uids.n && !wd_docs_is_atomic(batch) && !recall(d, batch, once, part, more, &found, err))
        return false;
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return false;
    wd_message_removed(d, &what);
    return true;
}

/* What others did meanwhile is no reason to trouble the caller. */
bool
wd_message_delete(struct wd_domain *d, const struct wd_message_delete *in, const struct wd_once *once,
                  struct wd_message_deleted *out, struct wd_error *err)
{
    struct wd_expunged part wd_auto(wd_expunged_done) = { 0 };
    bool ok = false, more = false;

    for (int i = 0; i < TRIES && !ok; i++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);

        wd_expunged_done(&part);
        ok = delete_part(d, arena, in, once, &part, &more, err);
        if (!ok && err->reason != WD_CONFLICT)
            break;
    }
    if (ok)
        *out = (struct wd_message_deleted){ wd_seqset_count(&part.uids), more };
    return ok;
}
