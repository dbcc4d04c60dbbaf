#include "store-svc/domain/copy.h"

#include "common/base/clock.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc_copy.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/refs.h"
#include "store-svc/domain/retention.h"
#include "store-svc/domain/schema.h"

/* One batch of a COPY or MOVE. */
struct transfer {
    struct wd_domain *d;
    struct wd_docs *batch;
    struct wd_arena *arena;
    const struct wd_copy *in;
    bool move;
    struct wd_mailbox source, target;
    struct wd_mailbox_taken taken; /* the next UID and MODSEQ of the target */
    struct wd_retention retention;
    uint64_t source_modseq;
    struct wd_message *heads;
    size_t n;
    struct wd_journal_row *arrived, *left;
    size_t n_arrived;
    struct wd_refs refs;
    uint64_t bytes;
};

void
wd_copied_done(struct wd_copied *c)
{
    wd_seqset_done(&c->source);
    wd_seqset_done(&c->target_uids);
}

/* ---- one message ---- */

/* Into Junk: marked; out of Junk into anything but Trash: the mark goes. What changed is told to the learning hooks. */
static int
junk_change(const struct transfer *t, const struct wd_message *m)
{
    if (wd_str_eq(t->target.special_use, WD_STR("\\Junk")))
        return m->junk ? 0 : 1;
    if (wd_str_eq(t->target.special_use, WD_STR("\\Trash")))
        return 0;
    return m->junk ? -1 : 0;
}

/* The document of the new message. */
static bson_t *
transferred(const struct transfer *t, const struct wd_message *m, const bson_t *doc, struct wd_id id, int junk)
{
    static const char *const renewed[] = { "_id",  "root",  "mailbox",     "uid",    "modseq", "exp",
                                           "rdate", "junk", "userDeleted", "copied", NULL };
    bson_t *out = bson_sized_new(doc->len + 128);

    wd_doc_add_id(out, "_id", id);
    wd_doc_add_id(out, "root", wd_id_is_zero(m->root) ? m->id : m->root);
    wd_doc_add_id(out, "mailbox", t->target.id);
    wd_doc_add_int(out, "uid", t->taken.first_uid);
    wd_doc_add_int(out, "modseq", (int64_t)t->taken.first_modseq);
    wd_doc_add_bool(out, "exp", t->retention.expires);
    wd_doc_add_int(out, "rdate", t->retention.at_ms);
    if (junk > 0 || (m->junk && junk == 0))
        wd_doc_add_bool(out, "junk", true);
    if (t->move && m->copied)
        wd_doc_add_bool(out, "copied", true);
    wd_doc_copy(out, doc, renewed);
    return out;
}

static bool
remove_source(const struct transfer *t, const struct wd_message *m, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "_id", m->id);
    wd_doc_add_id(&filter, "mailbox", t->source.id);
    wd_doc_add_int(&filter, "uid", m->uid);
    return wd_docs_remove_one(t->batch, WD_MESSAGES, &filter, NULL, err) || wd_fail_in(err, "remove message");
}

static void
note(struct transfer *t, const struct wd_message *m, struct wd_id id, int junk)
{
    struct wd_journal_row *arrived = &t->arrived[t->n_arrived], *left = &t->left[t->n_arrived];

    *arrived = (struct wd_journal_row){
        .command = WD_JOURNAL_EXISTS,
        .user = t->in->user,
        .mailbox = t->target.id,
        .modseq = t->taken.first_modseq,
        .uid = t->taken.first_uid,
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
    left->modseq = t->source_modseq;
    left->ignore = t->in->session;
    left->uid = m->uid;
    left->message = m->id;
    left->junk = 0;
    t->n_arrived++;
}

/* One document in memory at a time, whatever the number of messages. */
static bool
transfer_one(struct transfer *t, const struct wd_message *m, struct wd_copied *out, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_id id = wd_id_new();
    int junk = junk_change(t, m);
    bson_t *row;
    bool found, ok;

    if (!wd_message_doc(t->batch, t->source.id, m->uid, NULL, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_CONFLICT, "a message went away meanwhile");
    row = transferred(t, m, &doc, id, junk);
    ok = wd_docs_insert(t->batch, WD_MESSAGES, row, err);
    bson_destroy(row);
    if (!ok)
        return wd_fail_in(err, "insert message");
    if (t->move && !remove_source(t, m, err))
        return false;
    if (!t->move)
        wd_refs_add(&t->refs, &doc);
    t->bytes += m->size;
    note(t, m, id, junk);
    wd_seqset_add(&out->source, m->uid, m->uid);
    wd_seqset_add(&out->target_uids, t->taken.first_uid, t->taken.first_uid);
    t->taken.first_uid++;
    t->taken.first_modseq++;
    return true;
}

/* ---- all of them ---- */

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
        wd_doc_add_numbers(&filter, "uid", "$in", uids + i, t->n - i < AT_ONCE ? t->n - i : AT_ONCE);
        if (!wd_docs_update(t->batch, WD_MESSAGES, &filter, &update, WD_UPDATE_MANY, NULL, err))
            return wd_fail_in(err, "mark originals");
    }
    return true;
}

/* Before the first message of a COPY: is the line passed already? One copy may pass it, as one message may. */
static bool
check_quota(struct transfer *t, struct wd_error *err)
{
    struct wd_quota quota;

    if (!wd_quota_read(t->d, t->batch, t->in->user, &quota, err))
        return false;
    return quota.used <= quota.limit || wd_fail(err, WD_OVER_QUOTA, "the account is over its quota");
}

static bool
find_mailboxes(struct transfer *t, struct wd_error *err)
{
    struct wd_str path = t->in->target_path;

    return wd_mailbox_need_id(t->batch, t->arena, t->in->user, t->in->mailbox, &t->source, err) &&
           wd_mailbox_need_path(t->batch, t->arena, t->in->user, path, &t->target, err);
}

static bool
finish(struct transfer *t, struct wd_error *err)
{
    if (!wd_journal_add(t->batch, t->arrived, t->n_arrived, err))
        return false;
    if (t->move)
        return wd_journal_add(t->batch, t->left, t->n_arrived, err);
    return wd_refs_take(&t->refs, t->d, t->batch, err) && wd_quota_charge(t->batch, t->in->user, t->bytes, err) &&
           mark_copied(t, err);
}

static bool
transfer_all(struct transfer *t, struct wd_copied *out, struct wd_error *err)
{
    t->retention = wd_retention_of(&t->target, wd_now_ms());
    t->arrived = WD_ARENA_ARRAY(t->arena, struct wd_journal_row, t->n);
    t->left = WD_ARENA_ARRAY(t->arena, struct wd_journal_row, t->n);
    if (!wd_mailbox_take_uids(t->batch, t->in->user, t->target.id, (uint32_t)t->n, &t->taken, err))
        return false;
    if (t->move &&
        !wd_mailbox_take_modseq(t->batch, t->in->user, t->source.id, 1, &t->source_modseq, err))
        return false;
    for (size_t i = 0; i < t->n; i++)
        if (!transfer_one(t, &t->heads[i], out, err))
            return false;
    out->modseq = t->source_modseq;
    return finish(t, err);
}

static bool
run(struct transfer *t, struct wd_copied *out, bool *more, struct wd_error *err)
{
    struct wd_message_walk walk = { .mailbox = t->in->mailbox, .uids = t->in->uids };
    size_t limit = t->move ? (size_t)WD_JOURNAL_GROUP : (size_t)WD_COPY_MAX;
    uint32_t next;

    if (!find_mailboxes(t, err) || (!t->move && !check_quota(t, err)) ||
        !wd_message_heads(t->batch, t->arena, &walk, limit, &t->heads, &t->n, &next, err))
        return false;
    if (next && !t->move)
        return wd_fail(err, WD_MESSAGE_REFUSED, "more than %d messages to copy at once", WD_COPY_MAX);
    *more = next != 0;
    out->target = t->target.id;
    out->uid_validity = t->target.uid_validity;
    return t->n == 0 || transfer_all(t, out, err);
}

/* ---- the outcome, kept and recalled ---- */

static bool
keep(struct wd_docs *batch, const struct wd_once *once, const struct wd_copied *part, bool more, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&outcome, "target", part->target);
    wd_doc_add_int(&outcome, "validity", part->uid_validity);
    wd_doc_add_set(&outcome, "source", &part->source);
    wd_doc_add_set(&outcome, "uids", &part->target_uids);
    wd_doc_add_int(&outcome, "modseq", (int64_t)part->modseq);
    wd_doc_add_bool(&outcome, "more", more);
    return wd_once_keep(batch, once, &outcome, err);
}

static bool
recall(struct wd_docs *batch, const struct wd_once *once, struct wd_copied *part, bool *more, bool *found,
       struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!wd_once_find(batch, once, &outcome, found, err))
        return false;
    wd_doc_id(&outcome, "target", &part->target);
    part->uid_validity = (uint32_t)wd_doc_int(&outcome, "validity", 0);
    part->modseq = (uint64_t)wd_doc_int(&outcome, "modseq", 0);
    *more = wd_doc_bool(&outcome, "more", false);
    return wd_doc_set(&outcome, "source", &part->source, err) &&
           wd_doc_set(&outcome, "uids", &part->target_uids, err);
}

static void
tell(const struct transfer *t, const struct wd_copied *part)
{
    struct wd_beacon beacon = { .kind = WD_BEACON_MAILBOX, .user = t->in->user, .mailbox = t->target.id };

    if (t->n_arrived == 0)
        return;
    beacon.modseq = t->taken.first_modseq - 1;
    wd_beacon_send(t->d, &beacon);
    if (!t->move)
        return;
    beacon.mailbox = t->source.id;
    beacon.modseq = part->modseq;
    wd_beacon_send(t->d, &beacon);
}

static bool
one_batch(struct transfer *t, const struct wd_once *once, struct wd_copied *part, bool *more, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bool found;

    if (!wd_docs_batch_begin(t->d->docs, &batch, err) || !recall(batch, once, part, more, &found, err))
        return false;
    if (found)
        return true;
    t->batch = batch;
    if (!run(t, part, more, err) || !keep(batch, once, part, *more, err) ||
        !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    tell(t, part);
    return true;
}

bool
wd_message_copy(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in, const struct wd_once *once,
                struct wd_copied *out, struct wd_error *err)
{
    struct transfer t = { .d = d, .arena = a, .in = in };
    bool more, ok;

    ok = one_batch(&t, once, out, &more, err);
    wd_refs_done(&t.refs);
    return ok;
}

bool
wd_message_move(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in, const struct wd_once *once,
                struct wd_copied *out, struct wd_error *err)
{
    struct wd_seqset left wd_auto(wd_seqset_done) = { 0 };
    struct wd_copy rest = *in;
    bool more = true;

    wd_seqset_copy(&left, in->uids);
    rest.uids = &left;
    for (unsigned i = 0; more; i++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct wd_copied part wd_auto(wd_copied_done) = { 0 };
        struct transfer t = { .d = d, .arena = arena, .in = &rest, .move = true };
        struct wd_once step = *once;

        if (i && once->key.n)
            step.key = wd_arena_printf(a, "%.*s#%u", WD_FMT(once->key), i);
        if (!one_batch(&t, &step, &part, &more, err))
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
