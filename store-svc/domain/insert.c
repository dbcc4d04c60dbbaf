#include "store-svc/domain/insert.h"

#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/mail/flags.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/insert_priv.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/thread.h"

static bool
read_outcome(struct wd_arena *a, const bson_t *outcome, struct wd_inserted *out,
             struct wd_error *err)
{
    *out = (struct wd_inserted){
        .path = wd_arena_str(a, wd_doc_str(outcome, "path")),
        .uid = (uint32_t)wd_doc_int(outcome, "uid", 0),
        .uid_validity = (uint32_t)wd_doc_int(outcome, "uidValidity", 0),
        .modseq = (uint64_t)wd_doc_int(outcome, "modseq", 0),
        .size = (uint64_t)wd_doc_int(outcome, "size", 0),
        .repeated = true,
    };
    if (!wd_doc_id(outcome, "message", &out->message) ||
        !wd_doc_id(outcome, "mailbox", &out->mailbox))
        return wd_fail(err, WD_DATA_LOSS, "request with a broken outcome");
    return true;
}

bool
wd_insert_recall(struct wd_docs *docs, struct wd_arena *a, const struct wd_once *once,
                 struct wd_inserted *out, bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!wd_once_find(docs, once, &outcome, found, err))
        return false;
    return !*found || read_outcome(a, &outcome, out, err);
}

/* ---- the steps ---- */

static bool
number(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_change_plan plan = {
        .kind = WD_CHANGE_ARRIVE, .user = s->in->user, .count = 1, .once = &s->in->once
    };

    plan.op = s->out->message;
    for (size_t i = 0; i < s->in->n_targets && !s->begun; i++) {
        struct wd_str target = s->in->targets[i];

        plan.place = target.n && target.p[0] == '\\' ? target : wd_path_normal(s->a, target);
        s->begun = wd_change_begin(s->d, s->batch, s->a, &plan, &s->change, err);
        if (!s->begun && err->reason != WD_MAILBOX_NOT_FOUND)
            return false;
    }
    if (!s->begun)
        return wd_fail(err, WD_MAILBOX_NOT_FOUND, "There is no such mailbox");
    s->out->uid = s->change.first_uid;
    s->out->uid_validity = s->change.mailbox.uid_validity;
    s->out->modseq = s->change.first_modseq;
    s->out->mailbox = s->change.mailbox.id;
    s->out->path = s->change.mailbox.path;
    return true;
}

static bool
claim(struct wd_insert_step *s, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&outcome, "message", s->out->message);
    wd_doc_add_id(&outcome, "mailbox", s->out->mailbox);
    wd_doc_add_str(&outcome, "path", s->out->path);
    wd_doc_add_int(&outcome, "uid", s->out->uid);
    wd_doc_add_int(&outcome, "uidValidity", s->out->uid_validity);
    wd_doc_add_int(&outcome, "modseq", (int64_t)s->out->modseq);
    wd_doc_add_int(&outcome, "size", (int64_t)s->out->size);
    if (wd_once_claim(s->batch, &s->in->once, &outcome, &s->change, err))
        return true;
    s->elsewhere = err->reason == WD_DUPLICATE;
    return false;
}

static bool
charge(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_quota_room room = { .limit = s->in->quota_limit,
                                  .may_be_full = s->in->quota == WD_INSERT_UPTO_QUOTA };

    s->charged =
        wd_quota_charge_within(s->d, s->batch, s->in->user, s->in->intake->size, &room, err);
    return s->charged;
}

static struct wd_blob_ref
ref_of(const struct wd_insert_step *s, size_t i)
{
    struct wd_blob_ref ref = s->in->intake->blobs[i].ref;

    ref.magic_sum = (uint64_t)ref.count * s->magic;
    return ref;
}

/* References first: a crash leaves counters that are too high, which the check finds, and never a
 * lost body. */
static bool
refer(struct wd_insert_step *s, struct wd_error *err)
{
    size_t i;

    for (i = 0; i < s->in->intake->n_blobs; i++) {
        struct wd_blob_ref ref = ref_of(s, i);

        if (!wd_blobs_add(s->d->blobs, s->batch, &ref, &s->in->intake->blobs[i].info, err))
            return wd_fail_in(err, "refer to attachment");
    }
    s->referred = true;
    return true;
}

static bool
join_thread(struct wd_insert_step *s, struct wd_error *err)
{
    struct wd_thread_key key = { .ids = s->in->intake->thread_ids,
                                 .n = s->in->intake->n_thread_ids,
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
        .mailbox = s->out->mailbox,
        .modseq = s->out->modseq,
        .uid = s->out->uid,
        .message = s->out->message,
        .thread = s->thread,
        .unseen = !(s->in->system_flags & WD_FLAG_SEEN),
        .idate_ms = s->in->idate_ms,
        .flags = s->flags,
        .n_flags = s->n_flags,
    };

    if (!wd_change_alive(s->batch, &s->change, err))
        return false;
    s->settling = true;
    return wd_change_journal(s->batch, &s->change, &row, 1, err);
}

/* The order in which a crash between any two leaves something that is found and mended (change.h).
 */
static bool (*const steps[])(struct wd_insert_step *, struct wd_error *) = {
    number, claim, charge, refer, join_thread, insert, write_journal,
};

/* An atomic driver forgets the batch. Elsewhere what was done is undone, as far as the database
 * lets it – but not when it may have happened: then the change is finished by whoever meets its
 * mark, and a repeat of the call is told so. */
static void
undo(struct wd_insert_step *s)
{
    struct wd_blob_ref refs[64];
    struct wd_error ignored; /* counters that stay too high are found by the check */
    size_t n = 0;

    if (!s->begun || !s->change.marked || s->settling)
        return;
    wd_change_void(s->d, &s->change);
    for (; s->referred && n < s->in->intake->n_blobs && n < WD_COUNT(refs); n++)
        refs[n] = ref_of(s, n);
    if (n && !wd_blobs_unref(s->d->blobs, s->batch, refs, n, &ignored))
        return;
    if (s->charged && !wd_quota_release(s->batch, s->in->user, s->in->intake->size, &ignored))
        return;
}

static bool
recall_other(struct wd_insert_step *s, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    return wd_once_wait(s->d, &s->in->once, &outcome, err) &&
           read_outcome(s->a, &outcome, s->out, err);
}

static bool
insert_one(struct wd_insert_step *s, struct wd_error *err)
{
    bool found = false;
    size_t i;

    if (wd_docs_is_atomic(s->batch) &&
        !wd_insert_recall(s->batch, s->a, &s->in->once, s->out, &found, err))
        return false;
    if (found)
        return true;
    *s->out = (struct wd_inserted){ .message = wd_id_new(), .size = s->in->intake->size };
    s->magic = wd_rand_below(65536);
    wd_insert_flags(s);
    for (i = 0; i < WD_COUNT(steps); i++)
        if (!steps[i](s, err)) {
            undo(s);
            return s->elsewhere && s->change.marked && recall_other(s, err);
        }
    return true;
}

bool
wd_insert(struct wd_domain *d, struct wd_arena *a, const struct wd_insert *in, size_t n,
          struct wd_inserted *out, struct wd_error *err)
{
    struct wd_insert_step *made = WD_ARENA_ARRAY(a, struct wd_insert_step, n);
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    size_t i;

    if (!wd_docs_batch_begin(d->docs, &batch, err))
        return false;
    for (i = 0; i < n; i++) {
        made[i] = (struct wd_insert_step){
            .d = d, .a = a, .batch = batch, .in = &in[i], .out = &out[i], .now = wd_now_ms()
        };
        if (!insert_one(&made[i], err))
            return false;
    }
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return false;
    for (i = 0; i < n; i++) {
        if (out[i].repeated)
            continue;
        wd_change_done(d, &made[i].change);
        wd_beacon_send(d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX,
                                               .user = in[i].user,
                                               .mailbox = out[i].mailbox,
                                               .modseq = out[i].modseq });
    }
    return true;
}
