#include "store-svc/domain/copy.h"

#include "common/base/clock.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/change.h"
#include "store-svc/domain/doc_copy.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/message_docs.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/refs.h"
#include "store-svc/domain/retention.h"
#include "store-svc/domain/schema.h"

enum { TRIES = 4 };

/* One batch of a COPY or MOVE. */
struct transfer {
    struct wd_domain *d;
    struct wd_docs *batch;
    struct wd_arena *arena;
    const struct wd_copy *in;
    const struct wd_once *once;
    bool move, more;
    struct wd_mailbox source;
    struct wd_change arrival, leaving; /* at the target; of a MOVE, at the source */
    bool arriving, left_begun, charged;
    bool settling;  /* it cannot be taken back any more */
    bool elsewhere; /* the same call has been or is being made by another replica */
    struct wd_id arrival_op, leaving_op;
    struct wd_retention retention;
    struct wd_message *heads;
    size_t n;
    struct wd_journal_row *arrived, *left;
    size_t n_arrived;
    struct wd_refs refs; /* counted up so far */
    uint64_t bytes;
};

void
wd_copied_done(struct wd_copied *c)
{
    wd_seqset_done(&c->source);
    wd_seqset_done(&c->target_uids);
}

/* ---- one message ---- */

/* Into Junk: marked; out of Junk into anything but Trash: the mark goes. What changed is told to
 * the learning hooks. */
static int
junk_change(const struct transfer *t, const struct wd_message *m)
{
    if (wd_str_eq(t->arrival.mailbox.special_use, WD_STR("\\Junk")))
        return m->junk ? 0 : 1;
    if (wd_str_eq(t->arrival.mailbox.special_use, WD_STR("\\Trash")))
        return 0;
    return m->junk ? -1 : 0;
}

/* The document of the new message. */
static bson_t *
transferred(const struct transfer *t, const struct wd_message *m, const bson_t *doc,
            struct wd_id id, int junk)
{
    uint32_t place = (uint32_t)t->n_arrived;
    static const char *const renewed[] = { "_id",         "root",   "mailbox", "uid",
                                           "modseq",      "exp",    "rdate",   "junk",
                                           "userDeleted", "copied", NULL };
    bson_t *out = bson_sized_new(doc->len + 128);

    wd_doc_add_id(out, "_id", id);
    wd_doc_add_id(out, "root", wd_id_is_zero(m->root) ? m->id : m->root);
    wd_doc_add_id(out, "mailbox", t->arrival.mailbox.id);
    wd_doc_add_int(out, "uid", t->arrival.first_uid + place);
    wd_doc_add_int(out, "modseq", (int64_t)t->arrival.first_modseq + place);
    wd_doc_add_bool(out, "exp", t->retention.expires);
    wd_doc_add_int(out, "rdate", t->retention.at_ms);
    if (junk > 0 || (m->junk && junk == 0))
        wd_doc_add_bool(out, "junk", true);
    wd_doc_add_bool(out, "copied", t->move && m->copied);
    wd_doc_add_bool(out, "userDeleted", false);
    wd_doc_copy(out, doc, renewed);
    return out;
}

static void
note(struct transfer *t, const struct wd_message *m, struct wd_id id, int junk)
{
    struct wd_journal_row *arrived = &t->arrived[t->n_arrived], *left = &t->left[t->n_arrived];

    *arrived = (struct wd_journal_row){
        .command = WD_JOURNAL_EXISTS,
        .user = t->in->user,
        .mailbox = t->arrival.mailbox.id,
        .modseq = t->arrival.first_modseq + t->n_arrived,
        .uid = t->arrival.first_uid + (uint32_t)t->n_arrived,
        .message = id,
        .thread = m->thread,
        .unseen = !wd_message_has(m, WD_FLAG_SEEN),
        .idate_ms = m->idate_ms,
        .junk = junk,
        .flags = m->flags,
        .n_flags = m->n_flags,
    };
    *left = *arrived;
    left->command = WD_JOURNAL_EXPUNGE;
    left->mailbox = t->source.id;
    left->modseq = t->leaving.first_modseq;
    left->ignore = t->in->session;
    left->uid = m->uid;
    left->message = m->id;
    left->junk = 0;
    t->n_arrived++;
}

/* ---- all of them ---- */

/* The next documents, with the references of a COPY counted up before. */
static bool
transfer_some(struct transfer *t, struct wd_message_docs *docs, struct wd_error *err)
{
    const struct wd_message *heads = &t->heads[t->n_arrived];
    bson_t *made[WD_DOCS_AT_ONCE];
    struct wd_refs refs wd_auto(wd_refs_done) = { 0 };
    size_t n;
    bool ok = true;

    if (!wd_message_docs_read(t->batch, t->source.id, heads, t->n - t->n_arrived, NULL, docs, err))
        return false;
    n = docs->all.n;
    for (size_t i = 0; !t->move && i < n; i++)
        wd_refs_add(&refs, docs->all.p[i]);
    if (!wd_refs_take(&refs, t->d, t->batch, err))
        return false;
    wd_refs_join(&t->refs, &refs);
    for (size_t i = 0; i < n; i++) {
        struct wd_id id = wd_id_new();
        int junk = junk_change(t, &heads[i]);

        made[i] = transferred(t, &heads[i], docs->all.p[i], id, junk);
        note(t, &heads[i], id, junk);
    }
    ok = wd_docs_insert_many(t->batch, WD_MESSAGES, (const bson_t *const *)made, n, err);
    for (size_t i = 0; i < n; i++)
        bson_destroy(made[i]);
    return ok || wd_fail_in(err, "insert messages");
}

static bool
transfer_all(struct transfer *t, struct wd_error *err)
{
    struct wd_message_docs docs = { 0 };
    bool ok = true;

    t->retention = wd_retention_of(&t->arrival.mailbox, wd_now_ms());
    t->arrived = WD_ARENA_ARRAY(t->arena, struct wd_journal_row, t->n);
    t->left = WD_ARENA_ARRAY(t->arena, struct wd_journal_row, t->n);
    while (ok && t->n_arrived < t->n)
        ok = transfer_some(t, &docs, err) && wd_change_alive(t->batch, &t->arrival, err) &&
             (!t->move || wd_change_alive(t->batch, &t->leaving, err));
    wd_message_docs_done(&docs);
    return ok;
}

static bool
mark_copied(struct transfer *t, struct wd_error *err)
{
    enum { AT_ONCE = 1000 };
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    uint32_t *uids = WD_ARENA_ARRAY(t->arena, uint32_t, t->n);
    bson_t set;

    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_bool(&set, "copied", true);
    bson_append_document_end(&update, &set);
    for (size_t i = 0; i < t->n; i++)
        uids[i] = t->heads[i].uid;
    for (size_t i = 0; i < t->n; i += AT_ONCE) {
        bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

        wd_doc_add_id(&filter, "mailbox", t->source.id);
        wd_doc_add_numbers(&filter, "uid", "$in", uids + i,
                           t->n - i < AT_ONCE ? t->n - i : AT_ONCE);
        if (!wd_docs_update(t->batch, WD_MESSAGES, &filter, &update, WD_UPDATE_MANY, NULL, err))
            return wd_fail_in(err, "mark originals");
    }
    return true;
}

/* One copy may pass the line, as one message may. */
static bool
charge(struct transfer *t, struct wd_error *err)
{
    struct wd_quota_room room = { .may_be_full = true };

    for (size_t i = 0; i < t->n; i++)
        t->bytes += t->heads[i].size;
    t->charged = wd_quota_charge_within(t->d, t->batch, t->in->user, t->bytes, &room, err);
    return t->charged;
}

static bool
find_heads(struct transfer *t, struct wd_error *err)
{
    struct wd_message_walk walk = { .mailbox = t->in->mailbox, .uids = t->in->uids };
    size_t limit = t->move ? (size_t)WD_JOURNAL_GROUP : (size_t)WD_COPY_MAX;
    uint32_t next;

    if (!wd_message_heads(t->batch, t->arena, &walk, limit, &t->heads, &t->n, &next, err))
        return false;
    if (next && !t->move)
        return wd_fail(err, WD_MESSAGE_REFUSED, "more than %d messages to copy at once",
                       WD_COPY_MAX);
    t->more = next != 0;
    return true;
}

static void
set_of(const struct transfer *t, struct wd_seqset *uids)
{
    for (size_t i = 0; i < t->n; i++)
        wd_seqset_add(uids, t->heads[i].uid, t->heads[i].uid);
}

/* From the mark on nobody else takes away or changes messages of the source; so they are read again
 * after it. */
static bool
hold_source(struct transfer *t, struct wd_error *err)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_message_walk walk = { .mailbox = t->source.id, .uids = &uids };
    struct wd_change_plan plan = { .kind = WD_CHANGE_LEAVE,
                                   .user = t->in->user,
                                   .mailbox = t->source.id,
                                   .op = t->leaving_op,
                                   .other = t->arrival.mailbox.id,
                                   .peer = t->arrival_op,
                                   .uids = &uids };
    uint32_t next;

    set_of(t, &uids);
    t->left_begun = wd_change_begin(t->d, t->batch, t->arena, &plan, &t->leaving, err);
    return t->left_begun &&
           (!t->leaving.marked || wd_message_heads(t->batch, t->arena, &walk, WD_JOURNAL_GROUP,
                                                   &t->heads, &t->n, &next, err));
}

static bool
number(struct transfer *t, struct wd_error *err)
{
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_change_plan plan = { .kind = WD_CHANGE_ARRIVE,
                                   .user = t->in->user,
                                   .op = t->arrival_op,
                                   .mailbox = t->arrival.mailbox.id,
                                   .count = (uint32_t)t->n,
                                   .once = t->once };

    if (t->move) {
        set_of(t, &uids);
        plan.other = t->source.id;
        plan.peer = t->leaving_op;
        plan.uids = &uids;
    }
    t->arriving = wd_change_begin(t->d, t->batch, t->arena, &plan, &t->arrival, err);
    return t->arriving;
}

/* The outcome is known before anything is written. */
static void
plan_outcome(const struct transfer *t, struct wd_copied *out)
{
    set_of(t, &out->source);
    wd_seqset_add(&out->target_uids, t->arrival.first_uid,
                  t->arrival.first_uid + (uint32_t)t->n - 1);
    out->modseq = t->leaving.first_modseq;
}

/* ---- the outcome, kept and recalled ---- */

static bool
claim(struct transfer *t, const struct wd_copied *part, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&outcome, "target", part->target);
    wd_doc_add_int(&outcome, "validity", part->uid_validity);
    wd_doc_add_set(&outcome, "source", &part->source);
    wd_doc_add_set(&outcome, "uids", &part->target_uids);
    wd_doc_add_int(&outcome, "modseq", (int64_t)part->modseq);
    wd_doc_add_bool(&outcome, "more", t->more);
    if (wd_once_claim(t->batch, t->once, &outcome, &t->arrival, err))
        return true;
    t->elsewhere = err->reason == WD_DUPLICATE;
    return false;
}

static bool
read_outcome(const bson_t *outcome, struct wd_copied *part, bool *more, struct wd_error *err)
{
    wd_doc_id(outcome, "target", &part->target);
    part->uid_validity = (uint32_t)wd_doc_int(outcome, "validity", 0);
    part->modseq = (uint64_t)wd_doc_int(outcome, "modseq", 0);
    *more = wd_doc_bool(outcome, "more", false);
    wd_seqset_done(&part->source);
    wd_seqset_done(&part->target_uids);
    return wd_doc_set(outcome, "source", &part->source, err) &&
           wd_doc_set(outcome, "uids", &part->target_uids, err);
}

static bool
recall(struct transfer *t, struct wd_copied *part, bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool ok = wd_docs_is_atomic(t->batch) ? wd_once_find(t->batch, t->once, &outcome, found, err)
                                          : wd_once_settle(t->d, t->once, &outcome, found, err);

    return ok && (!*found || read_outcome(&outcome, part, &t->more, err));
}

static bool
recall_other(struct transfer *t, struct wd_copied *part, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    return wd_once_wait(t->d, t->once, &outcome, err) &&
           read_outcome(&outcome, part, &t->more, err);
}

/* ---- one batch ---- */

/* An atomic driver forgets the batch. Elsewhere what was done is undone, but not when it may have
 * happened: then whoever meets the marks finishes it. */
static void
undo(struct transfer *t)
{
    struct wd_error ignored; /* counters that stay too high are found by the check */

    if (wd_docs_is_atomic(t->batch) || t->settling)
        return;
    if (t->arriving)
        wd_change_void(t->d, &t->arrival);
    if (t->left_begun)
        wd_change_void(t->d, &t->leaving);
    if (t->charged && !wd_quota_release(t->batch, t->in->user, t->bytes, &ignored))
        return;
    if (!wd_refs_release(&t->refs, t->d, t->batch, &ignored))
        return;
}

/* The source hears of it first: when the target's last row is there, all is done (mend.c relies on
 * it). */
static bool
settle(struct transfer *t, struct wd_error *err)
{
    struct wd_error ignored; /* without the mark the original is archived when it is deleted: one
                                copy too many */

    t->settling = true;
    if (t->move &&
        (!wd_message_remove_rows(t->batch, t->source.id, t->heads, t->n, NULL, NULL, err) ||
         !wd_change_journal(t->batch, &t->leaving, t->left, t->n, err)))
        return false;
    if (!wd_change_journal(t->batch, &t->arrival, t->arrived, t->n, err))
        return false;
    return t->move || mark_copied(t, &ignored) || t->arrival.marked ||
           wd_fail(err, ignored.reason, "%s", ignored.text);
}

static bool
transfer(struct transfer *t, struct wd_copied *out, struct wd_error *err)
{
    t->arrival_op = wd_id_new();
    t->leaving_op = wd_id_new();
    if (t->move && !hold_source(t, err))
        return false;
    if (t->n == 0) {
        undo(t); /* others were faster */
        t->left_begun = false;
        return true;
    }
    if (!number(t, err))
        return false;
    plan_outcome(t, out);
    return claim(t, out, err) && (t->move || charge(t, err)) && transfer_all(t, err) &&
           settle(t, err);
}

static bool
run(struct transfer *t, struct wd_copied *out, struct wd_error *err)
{
    struct wd_str path = t->in->target_path;

    if (!wd_mailbox_need_id(t->batch, t->arena, t->in->user, t->in->mailbox, &t->source, err) ||
        !wd_mailbox_need_path(t->batch, t->arena, t->in->user, path, &t->arrival.mailbox, err) ||
        !find_heads(t, err))
        return false;
    out->target = t->arrival.mailbox.id;
    out->uid_validity = t->arrival.mailbox.uid_validity;
    return t->n == 0 || transfer(t, out, err);
}

static void
tell(const struct transfer *t)
{
    struct wd_beacon beacon = { .kind = WD_BEACON_MAILBOX,
                                .user = t->in->user,
                                .mailbox = t->arrival.mailbox.id };

    if (t->n_arrived == 0)
        return;
    wd_change_done(t->d, &t->arrival);
    beacon.modseq = t->arrival.last_modseq;
    wd_beacon_send(t->d, &beacon);
    if (!t->move)
        return;
    wd_change_done(t->d, &t->leaving);
    beacon.mailbox = t->source.id;
    beacon.modseq = t->leaving.last_modseq;
    wd_beacon_send(t->d, &beacon);
}

static bool
one_try(struct transfer *t, struct wd_copied *part, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bool found = false;

    if (!wd_docs_batch_begin(t->d->docs, &batch, err))
        return false;
    t->batch = batch;
    if (wd_docs_is_atomic(batch) && !recall(t, part, &found, err)) /* elsewhere the claim tells */
        return false;
    if (found)
        return true;
    if (!run(t, part, err)) {
        undo(t);
        return t->elsewhere && !wd_docs_is_atomic(batch) && recall_other(t, part, err);
    }
    /* Nothing to move: perhaps because a first call of the same key has moved it. */
    if (t->n_arrived == 0 && !wd_docs_is_atomic(batch) && !recall(t, part, &found, err))
        return false;
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return false;
    tell(t);
    return true;
}

/* What others did meanwhile, or a failed attempt of the same call, is no reason to trouble the
 * caller. */
static bool
one_batch(const struct transfer *start, struct wd_copied *part, bool *more, struct wd_error *err)
{
    bool ok = false;

    for (int i = 0; i < TRIES && !ok; i++) {
        struct transfer t = *start;

        wd_copied_done(part);
        ok = one_try(&t, part, err);
        wd_refs_done(&t.refs);
        *more = t.more;
        if (!ok && (err->reason != WD_CONFLICT || t.settling))
            break;
    }
    return ok;
}

bool
wd_message_copy(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in,
                const struct wd_once *once, struct wd_copied *out, struct wd_error *err)
{
    struct transfer t = { .d = d, .arena = a, .in = in, .once = once };
    bool more;

    return one_batch(&t, out, &more, err);
}

bool
wd_message_move(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in,
                const struct wd_once *once, struct wd_copied *out, struct wd_error *err)
{
    struct wd_seqset left wd_auto(wd_seqset_done) = { 0 };
    struct wd_copy rest = *in;
    bool more = true;

    wd_seqset_copy(&left, in->uids);
    rest.uids = &left;
    for (unsigned i = 0; more; i++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct wd_copied part wd_auto(wd_copied_done) = { 0 };
        struct wd_once step = *once;
        struct transfer t = { .d = d, .arena = arena, .in = &rest, .once = &step, .move = true };

        if (i && once->key.n)
            step.key = wd_arena_printf(a, "%.*s#%u", WD_FMT(once->key), i);
        if (!one_batch(&t, &part, &more, err))
            return false;
        wd_seqset_or(&out->source, &part.source);
        wd_seqset_or(&out->target_uids, &part.target_uids);
        out->target = part.target;
        out->uid_validity = part.uid_validity;
        out->modseq = part.modseq ? part.modseq : out->modseq;
        /* Within one mailbox, what was moved must not be taken for what is still to be moved. */
        if (part.target_uids.n && wd_id_eq(part.target, in->mailbox))
            wd_seqset_remove(&left, part.target_uids.ranges[0].first, UINT32_MAX);
    }
    return true;
}
