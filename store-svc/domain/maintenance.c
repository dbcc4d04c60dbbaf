#include "store-svc/domain/maintenance.h"

#include "common/base/clock.h"
#include "common/base/vec.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/expunge.h"
#include "store-svc/domain/refs.h"
#include "store-svc/domain/schema.h"

enum {
    LOCK_MS = 18 * 60 * 1000,
    ROUND_MS = 12 * 60 * 1000,
    BATCH = 200,  /* messages of one transaction: others wait for it */
    PAGE = 1000,
    FAILURES = 20, /* after so many the step ends: something larger is wrong */
    BLOB_GRACE_S = 24 * 60 * 60,
    UPLOAD_GRACE_S = 60 * 60,
};

#define LOCK WD_STR("wildduck:gc_expired")

struct round {
    struct wd_domain *d;
    struct wd_maintenance_stats *stats;
    bool everything;
    bool alone; /* nobody else does a round, or it could do no harm */
    int64_t now, until_mono_ms;
};

static bool
is_over(const struct round *r)
{
    return wd_mono_ms() >= r->until_mono_ms || r->stats->failures >= FAILURES;
}

static void
add_expired(bson_t *filter, int64_t now)
{
    wd_doc_add_bool(filter, "exp", true);
    wd_doc_add_op(filter, "rdate", "$lte", now);
}

/* ---- messages whose retention has ended ---- */

struct place {
    struct wd_id user, mailbox;
};

struct places {
    struct WD_VEC(struct place) all;
};

static void
note_place(struct places *places, const bson_t *doc)
{
    struct place p;
    size_t i;

    if (!wd_doc_id(doc, "user", &p.user) || !wd_doc_id(doc, "mailbox", &p.mailbox))
        return;
    for (i = 0; i < places->all.n; i++)
        if (wd_id_eq(places->all.p[i].mailbox, p.mailbox))
            return;
    wd_vec_push(&places->all, p);
}

/* The mailboxes of one page of expired messages. */
static bool
find_places(struct round *r, struct places *places, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields, .limit = PAGE };
    struct wd_docs_cursor *cursor wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;

    add_expired(&filter, r->now);
    wd_doc_add_int(&fields, "user", 1);
    wd_doc_add_int(&fields, "mailbox", 1);
    if (!wd_docs_find(r->d->docs, WD_MESSAGES, &filter, &query, &cursor, err))
        return wd_fail_in(err, "find expired messages");
    do {
        if (!wd_docs_cursor_next(cursor, &doc, err))
            return wd_fail_in(err, "find expired messages");
        if (doc)
            note_place(places, doc);
    } while (doc);
    return true;
}

struct heads {
    struct WD_VEC(struct wd_message) all;
    bool user_deleted; /* of the first; the others of the batch are the same */
};

static bool
read_heads(struct round *r, struct wd_docs *batch, struct wd_arena *a, const struct place *p, struct heads *out,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields, .limit = BATCH };
    struct wd_docs_cursor *cursor wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;

    wd_doc_add_id(&filter, "mailbox", p->mailbox);
    add_expired(&filter, r->now);
    wd_message_fields(&fields);
    wd_doc_add_int(&fields, "userDeleted", 1);
    if (!wd_docs_find(batch, WD_MESSAGES, &filter, &query, &cursor, err))
        return false;
    for (;;) {
        struct wd_message head;
        bool deleted;

        if (!wd_docs_cursor_next(cursor, &doc, err))
            return false;
        if (!doc)
            return true;
        deleted = wd_doc_bool(doc, "userDeleted", false);
        if (out->all.n == 0)
            out->user_deleted = deleted;
        if (deleted != out->user_deleted)
            continue;
        wd_message_read(doc, a, &head);
        wd_vec_push(&out->all, head);
    }
}

/* One transaction; *removed is 0 when there was nothing left. */
static bool
expire_batch(struct round *r, const struct place *p, size_t *removed, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct heads heads = { 0 };
    struct wd_removal what = { .user = p->user, .mailbox = p->mailbox };
    struct wd_expunged gone = { 0 };
    struct wd_mailbox mailbox;
    bool there, ok;

    if (!wd_docs_batch_begin(r->d->docs, &batch, err))
        return false;
    /* A mailbox holds off a second process; without one, both would give back what a message holds. */
    ok = wd_mailbox_by_id(batch, a, p->user, p->mailbox, &mailbox, &there, err) &&
         ((!there && !r->alone) || read_heads(r, batch, a, p, &heads, err));
    *removed = heads.all.n;
    if (ok && heads.all.n) {
        what.orphaned = !there;
        what.archive = !heads.user_deleted;
        what.heads = heads.all.p;
        what.n = heads.all.n;
        ok = wd_message_remove(r->d, batch, a, &what, &gone, err) && wd_docs_batch_commit(wd_take(batch), err);
        if (ok)
            wd_message_removed(r->d, &what);
    }
    wd_expunged_done(&gone);
    wd_vec_done(&heads.all);
    return ok;
}

static bool
step_messages(struct round *r, struct wd_error *err)
{
    uint64_t before;

    do {
        struct places places = { 0 };
        size_t i;

        before = r->stats->messages;
        if (!find_places(r, &places, err)) {
            wd_vec_done(&places.all);
            return false;
        }
        for (i = 0; i < places.all.n; i++) {
            size_t removed = 1;

            while (removed > 0 && !is_over(r)) {
                if (!expire_batch(r, &places.all.p[i], &removed, err)) {
                    r->stats->failures++;
                    break;
                }
                r->stats->messages += removed;
            }
        }
        wd_vec_done(&places.all);
    } while (r->stats->messages > before && !is_over(r));
    return true;
}

/* ---- the archive ---- */

struct page {
    struct WD_VEC(bson_t *) all;
};

static void
page_done(struct page *page)
{
    size_t i;

    for (i = 0; i < page->all.n; i++)
        bson_destroy(page->all.p[i]);
    wd_vec_done(&page->all);
}

static bool
read_archived(struct round *r, struct wd_docs *batch, struct page *page, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields, .limit = BATCH };
    struct wd_docs_cursor *cursor wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;

    add_expired(&filter, r->now);
    wd_doc_add_int(&fields, "magic", 1);
    wd_doc_add_int(&fields, "mimeTree.attachmentMap", 1);
    if (!wd_docs_find(batch, WD_ARCHIVED, &filter, &query, &cursor, err))
        return false;
    do {
        if (!wd_docs_cursor_next(cursor, &doc, err))
            return false;
        if (doc)
            wd_vec_push(&page->all, bson_copy(doc));
    } while (doc);
    return true;
}

/* Takes one archived message away and notes its references. */
static bool
purge_one(struct wd_docs *batch, const bson_t *doc, struct wd_refs *refs, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_id id;
    int64_t removed;

    if (!wd_doc_id(doc, "_id", &id))
        return wd_fail(err, WD_DATA_LOSS, "archived message without an id");
    wd_doc_add_id(&filter, "_id", id);
    if (!wd_docs_remove_one(batch, WD_ARCHIVED, &filter, &removed, err))
        return wd_fail_in(err, "purge");
    if (removed)
        wd_refs_add(refs, doc);
    return true;
}

static bool
purge_batch(struct round *r, size_t *found, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_refs refs wd_auto(wd_refs_done) = { 0 };
    struct page page wd_auto(page_done) = { 0 };
    size_t i;

    if (!wd_docs_batch_begin(r->d->docs, &batch, err) || !read_archived(r, batch, &page, err))
        return false;
    for (i = 0; i < page.all.n; i++)
        if (!purge_one(batch, page.all.p[i], &refs, err))
            return false;
    *found = page.all.n;
    if (!wd_refs_release(&refs, r->d, batch, err) || !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    r->stats->purged += page.all.n;
    return true;
}

static bool
step_archive(struct round *r, struct wd_error *err)
{
    size_t found = 1;

    while (found > 0 && !is_over(r))
        if (!purge_batch(r, &found, err))
            return false;
    return true;
}

/* ---- everything else ---- */

static bool
step_blobs(struct round *r, struct wd_error *err)
{
    uint64_t removed = 1;

    while (removed > 0 && !is_over(r)) {
        if (!wd_blobs_collect(r->d->blobs, r->everything ? 0 : BLOB_GRACE_S, PAGE, &removed, err))
            return wd_fail_in(err, "collect attachments");
        r->stats->blobs += removed;
    }
    return true;
}

static bool
step_rows(struct round *r, struct wd_error *err)
{
    int64_t removed;

    if (!wd_docs_expire(r->d->docs, &removed, err))
        return wd_fail_in(err, "expire rows");
    r->stats->rows += (uint64_t)removed;
    if (r->d->users == r->d->docs)
        return true;
    if (!wd_docs_expire(r->d->users, &removed, err))
        return wd_fail_in(err, "expire rows of users");
    r->stats->rows += (uint64_t)removed;
    return true;
}

static bool
step_uploads(struct round *r, struct wd_error *err)
{
    uint64_t removed;

    if (!wd_blobs_upload_expire(r->d->blobs, UPLOAD_GRACE_S, &removed, err))
        return wd_fail_in(err, "expire uploads");
    r->stats->uploads += removed;
    return true;
}

static bool (*const steps[])(struct round *, struct wd_error *) = {
    step_messages, step_blobs, step_archive, step_blobs, step_rows, step_uploads,
};

/* The lock spares work: almost every step bears another process beside it. So a bus that does not answer keeps nobody
 * from a round; *holder is 0 then. */
static bool
take_lock(struct wd_domain *d, uint64_t *holder)
{
    struct wd_error ignored;
    bool taken;

    if (wd_bus_lock(d->bus, LOCK, LOCK_MS, holder, &taken, &ignored))
        return taken;
    *holder = 0;
    return true;
}

bool
wd_maintenance_round(struct wd_domain *d, bool everything, struct wd_maintenance_stats *out, struct wd_error *err)
{
    struct round r = { .d = d, .stats = out, .everything = everything, .now = wd_now_ms(),
                       .until_mono_ms = wd_mono_ms() + ROUND_MS };
    struct wd_error ignored;
    uint64_t holder;
    bool ok = true;
    size_t i;

    *out = (struct wd_maintenance_stats){ 0 };
    out->skipped = !take_lock(d, &holder);
    if (out->skipped)
        return true;
    r.alone = holder != 0 || wd_docs_is_atomic(d->docs);
    for (i = 0; ok && i < WD_COUNT(steps); i++)
        ok = steps[i](&r, err);
    if (holder && !wd_bus_unlock(d->bus, LOCK, holder, &ignored))
        return ok; /* it ends by itself */
    return ok;
}
