#include "store-svc/domain/expunge.h"

#include "common/base/clock.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc_copy.h"
#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/message_docs.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/refs.h"
#include "store-svc/domain/schema.h"

enum { TRIES = 4 };

void
wd_expunged_done(struct wd_expunged *e)
{
    wd_seqset_done(&e->uids);
}

/* ---- the outcome, kept and recalled ---- */

static bool
read_outcome(const bson_t *outcome, struct wd_expunged *part, bool *more, struct wd_error *err)
{
    part->modseq = (uint64_t)wd_doc_int(outcome, "modseq", 0);
    *more = wd_doc_bool(outcome, "more", false);
    wd_seqset_done(&part->uids);
    return wd_doc_set(outcome, "uids", &part->uids, err);
}

static bool
recall(struct wd_domain *d, struct wd_docs *batch, const struct wd_once *once, struct wd_expunged *part, bool *more,
       bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool ok = wd_docs_is_atomic(batch) ? wd_once_find(batch, once, &outcome, found, err)
                                       : wd_once_settle(d, once, &outcome, found, err);

    return ok && (!*found || read_outcome(&outcome, part, more, err));
}

static bool
claim(struct wd_docs *batch, const struct wd_removal *what, const struct wd_expunged *part,
      struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!what->once)
        return true;
    wd_doc_add_set(&outcome, "uids", &part->uids);
    wd_doc_add_int(&outcome, "modseq", (int64_t)part->modseq);
    wd_doc_add_bool(&outcome, "more", what->more);
    return wd_once_claim(batch, what->once, &outcome, &what->change, err);
}

/* ---- the archive ---- */

/* One removal while it runs. */
struct removing {
    struct wd_domain *d;
    struct wd_docs *batch;
    struct wd_arena *arena;
    struct wd_removal *what;
    struct wd_refs freed;
    uint64_t bytes;
};

static bool
is_kept(const struct wd_removal *what, const struct wd_message *m)
{
    return what->archive && !m->copied && !wd_message_has(m, WD_FLAG_DRAFT);
}

static bson_t *
archived(const struct wd_domain *d, const bson_t *doc, int64_t now)
{
    static const char *const replaced[] = { "exp", "rdate", "archived", NULL };
    bson_t *row = bson_sized_new(doc->len + 64);

    wd_doc_copy(row, doc, replaced);
    wd_doc_add_bool(row, "exp", true);
    wd_doc_add_int(row, "rdate", now + d->options.archive_ms);
    wd_doc_add_date(row, "archived", now);
    return row;
}

/* An earlier attempt that stopped half-way, on a driver without transactions, may have archived
 * some already. */
static bool
insert_archived(struct removing *r, const bson_t *const *rows, size_t n, struct wd_error *err)
{
    if (wd_docs_insert_many(r->batch, WD_ARCHIVED, rows, n, err))
        return true;
    for (size_t i = 0; err->reason == WD_DUPLICATE && i < n; i++)
        if (!wd_docs_insert(r->batch, WD_ARCHIVED, rows[i], err) && err->reason != WD_DUPLICATE)
            break;
    return err->reason == WD_DUPLICATE || wd_fail_in(err, "archive messages");
}

/* The archived documents keep the attachment references; what is not archived gives them back. */
static bool
archive_some(struct removing *r, const struct wd_message *heads, size_t n,
             const struct wd_message_docs *docs, struct wd_error *err)
{
    bson_t *rows[WD_DOCS_AT_ONCE];
    int64_t now = wd_now_ms();
    size_t kept = 0;
    bool ok;

    for (size_t i = 0; i < n; i++) {
        r->bytes += heads[i].size;
        if (is_kept(r->what, &heads[i]))
            rows[kept++] = archived(r->d, docs->all.p[i], now);
        else
            wd_refs_add(&r->freed, docs->all.p[i]);
    }
    ok = insert_archived(r, (const bson_t *const *)rows, kept, err);
    for (size_t i = 0; i < kept; i++)
        bson_destroy(rows[i]);
    return ok;
}

/* Whole documents are read only for the archive. */
static bool
archive_all(struct removing *r, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_docs docs = { 0 };
    const struct wd_removal *what = r->what;
    bool ok = true;

    wd_doc_add_int(&fields, "uid", 1);
    wd_doc_add_int(&fields, "magic", 1);
    wd_doc_add_int(&fields, "mimeTree", 1);
    for (size_t done = 0; ok && done < what->n; done += docs.all.n)
        ok = wd_message_docs_read(r->batch, what->mailbox, what->heads + done, what->n - done,
                                  what->archive ? NULL : &fields, &docs, err) &&
             archive_some(r, what->heads + done, docs.all.n, &docs, err) &&
             (!what->begun || wd_change_alive(r->batch, &r->what->change, err));
    wd_message_docs_done(&docs);
    return ok;
}

/* ---- removal ---- */

static bool
journal(struct removing *r, struct wd_error *err)
{
    const struct wd_removal *what = r->what;
    struct wd_journal_row *rows = WD_ARENA_ARRAY(r->arena, struct wd_journal_row, what->n);

    if (what->orphaned)
        return true;
    for (size_t i = 0; i < what->n; i++) {
        const struct wd_message *m = &what->heads[i];

        rows[i] = (struct wd_journal_row){ .command = WD_JOURNAL_EXPUNGE,
                                           .user = what->user,
                                           .mailbox = what->mailbox,
                                           .modseq = what->change.first_modseq,
                                           .ignore = what->session,
                                           .uid = m->uid,
                                           .message = m->id,
                                           .thread = m->thread,
                                           .unseen = !wd_message_has(m, WD_FLAG_SEEN) };
    }
    return wd_change_journal(r->batch, &what->change, rows, what->n, err);
}

static void
set_of(const struct wd_removal *what, struct wd_seqset *uids)
{
    for (size_t i = 0; i < what->n; i++)
        wd_seqset_add(uids, what->heads[i].uid, what->heads[i].uid);
}

/* From the mark on nobody else removes or changes messages of the mailbox; so they are read again
 * after it. */
static bool
hold(struct removing *r, struct wd_error *err)
{
    struct wd_removal *what = r->what;
    struct wd_seqset uids wd_auto(wd_seqset_done) = { 0 };
    struct wd_message_walk walk = { .mailbox = what->mailbox, .uids = &uids, .only = what->only };
    struct wd_change_plan plan = { .kind = WD_CHANGE_LEAVE,
                                   .user = what->user,
                                   .mailbox = what->mailbox,
                                   .uids = &uids,
                                   .once = what->once };
    uint32_t next;

    if (what->orphaned)
        return true;
    set_of(what, &uids);
    what->begun = wd_change_begin(r->d, r->batch, r->arena, &plan, &what->change, err);
    return what->begun &&
           (!what->change.marked || wd_message_heads(r->batch, r->arena, &walk, WD_JOURNAL_GROUP,
                                                     &what->heads, &what->n, &next, err));
}

/* Counters go down last: a crash leaves them too high, which the check finds. */
static bool
give_back(struct removing *r, struct wd_error *err)
{
    bool ok = wd_refs_release(&r->freed, r->d, r->batch, err) &&
              wd_quota_release(r->batch, r->what->user, r->bytes, err);

    return ok || !wd_docs_is_atomic(r->batch);
}

static bool
remove_held(struct removing *r, bool *started, struct wd_error *err)
{
    if (!archive_all(r, err))
        return false;
    *started = true;
    return wd_message_remove_rows(r->batch, r->what->mailbox, r->what->heads, r->what->n,
                                  r->what->only, NULL, err) &&
           journal(r, err) && give_back(r, err);
}

static bool
recall_other(struct removing *r, struct wd_expunged *out, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    return wd_once_wait(r->d, r->what->once, &outcome, err) &&
           read_outcome(&outcome, out, &r->what->more, err);
}

static bool
remove_all(struct removing *r, struct wd_expunged *out, struct wd_error *err)
{
    struct wd_removal *what = r->what;
    bool started = false, elsewhere = false, ok;

    if (!hold(r, err) || what->n == 0) {
        if (what->begun)
            wd_change_give_back(r->d, &what->change);
        ok = what->begun && what->n == 0;
        what->begun = false;
        return ok;
    }
    set_of(what, &out->uids);
    out->modseq = what->orphaned ? 0 : what->change.first_modseq;
    ok = what->orphaned || claim(r->batch, what, out, err);
    elsewhere = !ok && err->reason == WD_DUPLICATE && what->change.marked;
    if (ok && remove_held(r, &started, err))
        return true;
    if (what->begun && !started)
        wd_change_void(r->d, &what->change);
    what->begun = false;
    return elsewhere && recall_other(r, out, err);
}

bool
wd_message_remove(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
                  struct wd_removal *what, struct wd_expunged *out, struct wd_error *err)
{
    struct removing r = { .d = d, .batch = batch, .arena = a, .what = what };
    bool ok = what->n == 0 || remove_all(&r, out, err);

    wd_refs_done(&r.freed);
    return ok;
}

void
wd_message_removed(struct wd_domain *d, const struct wd_removal *what)
{
    if (!what->begun)
        return;
    wd_change_done(d, &what->change);
    wd_beacon_send(d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX,
                                           .user = what->user,
                                           .mailbox = what->mailbox,
                                           .modseq = what->change.last_modseq });
}

/* ---- EXPUNGE ---- */

static bool
expunge_heads(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
              const struct wd_expunge *in, struct wd_removal *what, struct wd_expunged *part,
              struct wd_error *err)
{
    bson_t deleted wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_walk walk = { .mailbox = in->mailbox, .uids = in->uids, .only = &deleted };
    struct wd_mailbox mailbox;
    uint32_t next;

    wd_doc_add_bool(&deleted, "undeleted", false);
    what->only = &deleted;
    if (!wd_mailbox_need_id(batch, a, in->user, in->mailbox, &mailbox, err) ||
        !wd_message_heads(batch, a, &walk, WD_JOURNAL_GROUP, &what->heads, &what->n, &next, err))
        return false;
    what->more = next != 0;
    return wd_message_remove(d, batch, a, what, part, err);
}

/* One batch: the first outcome again, or the next messages. */
static bool
expunge_part(struct wd_domain *d, struct wd_arena *a, const struct wd_expunge *in,
             const struct wd_once *once, struct wd_expunged *part, bool *more, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_removal what = { .user = in->user,
                               .mailbox = in->mailbox,
                               .archive = true,
                               .session = in->session,
                               .once = once };
    bool found = false;

    if (!wd_docs_batch_begin(d->docs, &batch, err) ||
        (wd_docs_is_atomic(batch) && !recall(d, batch, once, part, more, &found, err)))
        return false;
    if (found)
        return true;
    if (!expunge_heads(d, batch, a, in, &what, part, err))
        return false;
    *more = what.more;
    /* Nothing to remove: perhaps because a first call of the same key has removed it. */
    if (!part->uids.n && !wd_docs_is_atomic(batch) && !recall(d, batch, once, part, more, &found, err))
        return false;
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return false;
    wd_message_removed(d, &what);
    return true;
}

/* What others did meanwhile, or a failed attempt of the same call, is no reason to trouble the
 * caller. */
static bool
expunge_again(struct wd_domain *d, const struct wd_expunge *in, const struct wd_once *once,
              struct wd_expunged *part, bool *more, struct wd_error *err)
{
    bool ok = false;

    for (int i = 0; i < TRIES && !ok; i++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);

        wd_expunged_done(part);
        ok = expunge_part(d, arena, in, once, part, more, err);
        if (!ok && err->reason != WD_CONFLICT)
            break;
    }
    return ok;
}

bool
wd_message_expunge(struct wd_domain *d, struct wd_arena *a, const struct wd_expunge *in,
                   const struct wd_once *once, struct wd_expunged *out, struct wd_error *err)
{
    bool more = true;

    for (unsigned i = 0; more; i++) {
        struct wd_expunged part wd_auto(wd_expunged_done) = { 0 };
        struct wd_once step = *once;

        if (i && once->key.n)
            step.key = wd_arena_printf(a, "%.*s#%u", WD_FMT(once->key), i);
        if (!expunge_again(d, in, &step, &part, &more, err))
            return false;
        wd_seqset_or(&out->uids, &part.uids);
        out->modseq = part.modseq ? part.modseq : out->modseq;
    }
    return true;
}
