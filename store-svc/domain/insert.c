#include "store-svc/domain/insert.h"

#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/mail/flags.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/insert_priv.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/thread.h"

bool
wd_insert_recall(struct wd_docs *docs, struct wd_arena *a, const struct wd_once *once, struct wd_inserted *out,
                 bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!wd_once_find(docs, once, &outcome, found, err))
        return false;
    if (!*found)
        return true;
    *out = (struct wd_inserted){
        .path = wd_arena_str(a, wd_doc_str(&outcome, "path")),
        .uid = (uint32_t)wd_doc_int(&outcome, "uid", 0),
        .uid_validity = (uint32_t)wd_doc_int(&outcome, "uidValidity", 0),
        .modseq = (uint64_t)wd_doc_int(&outcome, "modseq", 0),
        .size = (uint64_t)wd_doc_int(&outcome, "size", 0),
        .repeated = true,
    };
    if (!wd_doc_id(&outcome, "message", &out->message) || !wd_doc_id(&outcome, "mailbox", &out->mailbox))
        return wd_fail(err, WD_DATA_LOSS, "request with a broken outcome");
    return true;
}

static bool
keep(struct wd_docs *batch, const struct wd_insert *in, const struct wd_inserted *made, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&outcome, "message", made->message);
    wd_doc_add_id(&outcome, "mailbox", made->mailbox);
    wd_doc_add_str(&outcome, "path", made->path);
    wd_doc_add_int(&outcome, "uid", made->uid);
    wd_doc_add_int(&outcome, "uidValidity", made->uid_validity);
    wd_doc_add_int(&outcome, "modseq", (int64_t)made->modseq);
    wd_doc_add_int(&outcome, "size", (int64_t)made->size);
    return wd_once_keep(batch, &in->once, &outcome, err);
}

static bool
check_quota(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_quota quota;

    if (!wd_quota_read(s->d, s->batch, s->in->user, &quota, err))
        return false;
    if (s->in->quota == WD_INSERT_BELOW_QUOTA ? quota.used < quota.limit : quota.used <= quota.limit)
        return true;
    return wd_fail(err, WD_OVER_QUOTA, "The mailbox is full: %llu of %llu bytes are used",
                   (unsigned long long)quota.used, (unsigned long long)quota.limit);
}

static bool
find_mailbox(struct wd_insert_step *s, struct wd_error *err)
{
    bool found = false;
    size_t i;

    for (i = 0; i < s->in->n_targets && !found; i++) {
        struct wd_str target = s->in->targets[i];
        bool ok = target.n && target.p[0] == '\\'
                      ? wd_mailbox_by_special_use(s->batch, s->a, s->in->user, target, &s->mailbox, &found, err)
                      : wd_mailbox_by_path(s->batch, s->a, s->in->user, target, &s->mailbox, &found, err);

        if (!ok)
            return false;
    }
    return found || wd_fail(err, WD_MAILBOX_NOT_FOUND, "There is no such mailbox");
}

/* References first: a crash leaves counters that are too high, which the check finds, and never a lost body. */
static bool
refer(struct wd_insert_step *s, struct wd_error *err)
{
    size_t i;

    for (i = 0; i < s->in->intake->n_blobs; i++) {
        const struct wd_intake_blob *blob = &s->in->intake->blobs[i];
        struct wd_blob_ref ref = blob->ref;

        ref.magic_sum = (uint64_t)ref.count * s->magic;
        if (!wd_blobs_add(s->d->blobs, s->batch, &ref, &blob->info, err))
            return wd_fail_in(err, "refer to attachment");
    }
    return true;
}

static bool
charge(struct wd_insert_step *s, struct wd_error *err)
{
    return wd_quota_charge(s->batch, s->in->user, s->in->intake->size, err);
}

static bool
number(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_mailbox_taken taken;

    if (!wd_mailbox_take_uids(s->batch, s->in->user, s->mailbox.id, 1, &taken, err))
        return false;
    s->out->uid = taken.first_uid;
    s->out->uid_validity = taken.uid_validity;
    s->out->modseq = taken.first_modseq;
    s->out->mailbox = s->mailbox.id;
    s->out->path = s->mailbox.path;
    return true;
}

static bool
join_thread(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_thread_key key = { .ids = s->in->intake->thread_ids, .n = s->in->intake->n_thread_ids,
                                 .subject = s->in->intake->thread_subject };

    return wd_thread_join(s->batch, s->in->user, &key, &s->thread, err);
}

static bool
insert(struct wd_insert_step *s, struct wd_error *err)
{
    bson_t *doc = wd_insert_document(s);
    bool ok = wd_docs_insert(s->batch, WD_MESSAGES, doc, err) || wd_fail_in(err, "insert message");

    bson_destroy(doc);
    return ok;
}

static bool
write_journal(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_journal_row row = {
        .command = WD_JOURNAL_EXISTS,
        .user = s->in->user,
        .mailbox = s->mailbox.id,
        .modseq = s->out->modseq,
        .uid = s->out->uid,
        .message = s->out->message,
        .thread = s->thread,
        .unseen = !(s->in->system_flags & WD_FLAG_SEEN),
        .idate_ms = s->in->idate_ms,
        .flags = s->flags,
        .n_flags = s->n_flags,
    };

    return wd_journal_add(s->batch, &row, 1, err);
}

/* The order in which a crash between any two leaves something that is found and mended (docs/storage.md). */
static bool (*const steps[])(struct wd_insert_step *, struct wd_error *) = {
    check_quota, find_mailbox, refer, charge, number, join_thread, insert, write_journal,
};

static bool
insert_one(struct wd_insert_step *s, struct wd_error *err)
{
    bool found;
    size_t i;

    if (!wd_insert_recall(s->batch, s->a, &s->in->once, s->out, &found, err))
        return false;
    if (found)
        return true;
    *s->out = (struct wd_inserted){ .message = wd_id_new(), .size = s->in->intake->size };
    s->magic = wd_rand_below(65536);
    wd_insert_flags(s);
    for (i = 0; i < WD_COUNT(steps); i++)
        if (!steps[i](s, err))
            return false;
    return keep(s->batch, s->in, s->out, err);
}

bool
wd_insert(struct wd_domain *d, struct wd_arena *a, const struct wd_insert *in, size_t n, struct wd_inserted *out,
          struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    size_t i;

    if (!wd_docs_batch_begin(d->docs, &batch, err))
        return false;
    for (i = 0; i < n; i++) {
        struct wd_insert_step s = { .d = d, .a = a, .batch = batch, .in = &in[i], .out = &out[i], .now = wd_now_ms() };

        if (!insert_one(&s, err))
            return false;
    }
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return false;
    for (i = 0; i < n; i++)
        wd_beacon_send(d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX, .user = in[i].user,
                                               .mailbox = out[i].mailbox, .modseq = out[i].modseq });
    return true;
}
