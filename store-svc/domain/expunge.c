#include "store-svc/domain/expunge.h"

#include "common/base/clock.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc_copy.h"
#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/refs.h"
#include "store-svc/domain/schema.h"

void
wd_expunged_done(struct wd_expunged *e)
{
    wd_seqset_done(&e->uids);
}

/* ---- one message ---- */

static bool
load(struct wd_docs *batch, const struct wd_removal *what, const struct wd_message *m, bool whole, bson_t *out,
     bool *found, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_int(&fields, "magic", 1);
    wd_doc_add_int(&fields, "mimeTree", 1);
    return wd_message_doc(batch, what->mailbox, m->uid, whole ? NULL : &fields, out, found, err);
}

static bool
to_archive(struct wd_domain *d, struct wd_docs *batch, const bson_t *doc, struct wd_error *err)
{
    static const char *const replaced[] = { "exp", "rdate", "archived", NULL };
    int64_t now = wd_now_ms();
    bson_t *row = bson_sized_new(doc->len + 64);
    bool ok;

    wd_doc_copy(row, doc, replaced);
    wd_doc_add_bool(row, "exp", true);
    wd_doc_add_int(row, "rdate", now + d->options.archive_ms);
    wd_doc_add_date(row, "archived", now);
    ok = wd_docs_insert(batch, WD_ARCHIVED, row, err);
    bson_destroy(row);
    /* An earlier attempt that stopped half-way, on a driver without transactions, has archived it already. */
    return ok || err->reason == WD_DUPLICATE || wd_fail_in(err, "archive message");
}

static bool
remove_row(struct wd_docs *batch, const struct wd_removal *what, const struct wd_message *m, bool *gone,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t removed;

    wd_doc_add_id(&filter, "_id", m->id);
    wd_doc_add_id(&filter, "mailbox", what->mailbox);
    wd_doc_add_int(&filter, "uid", m->uid);
    if (!wd_docs_remove_one(batch, WD_MESSAGES, &filter, &removed, err))
        return wd_fail_in(err, "remove message");
    *gone = removed == 1;
    return true;
}

/* The archived document keeps the attachment references; what is not archived gives them back. */
static bool
remove_one(struct wd_domain *d, struct wd_docs *batch, const struct wd_removal *what, const struct wd_message *m,
           struct wd_refs *freed, bool *gone, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool archive = what->archive && !m->copied && !wd_message_has(m, WD_FLAG_DRAFT);
    bool found;

    *gone = false;
    if (!load(batch, what, m, archive, &doc, &found, err))
        return false;
    if (!found)
        return true;
    if (archive && !to_archive(d, batch, &doc, err))
        return false;
    if (!remove_row(batch, what, m, gone, err))
        return false;
    if (*gone && !archive)
        wd_refs_add(freed, &doc);
    return true;
}

/* ---- many messages ---- */

static bool
journal(struct wd_docs *batch, struct wd_arena *a, const struct wd_removal *what, const bool *gone, uint64_t *modseq,
        struct wd_error *err)
{
    struct wd_journal_row *rows = WD_ARENA_ARRAY(a, struct wd_journal_row, what->n);
    size_t k = 0;

    if (what->orphaned)
        return true;
    if (!wd_mailbox_take_modseq(batch, what->user, what->mailbox, 1, modseq, err))
        return false;
    for (size_t i = 0; i < what->n; i++) {
        const struct wd_message *m = &what->heads[i];

        if (gone[i])
            rows[k++] = (struct wd_journal_row){ .command = WD_JOURNAL_EXPUNGE,
                                                 .user = what->user,
                                                 .mailbox = what->mailbox,
                                                 .modseq = *modseq,
                                                 .ignore = what->session,
                                                 .uid = m->uid,
                                                 .message = m->id,
                                                 .thread = m->thread,
                                                 .unseen = !wd_message_has(m, WD_FLAG_SEEN) };
    }
    return wd_journal_add(batch, rows, k, err);
}

bool
wd_message_remove(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a, const struct wd_removal *what,
                  struct wd_expunged *out, struct wd_error *err)
{
    struct wd_refs freed wd_auto(wd_refs_done) = { 0 };
    bool *gone = WD_ARENA_ARRAY(a, bool, what->n);
    uint64_t bytes = 0;
    bool any = false;

    for (size_t i = 0; i < what->n; i++) {
        if (!remove_one(d, batch, what, &what->heads[i], &freed, &gone[i], err))
            return false;
        if (!gone[i])
            continue;
        any = true;
        bytes += what->heads[i].size;
        wd_seqset_add(&out->uids, what->heads[i].uid, what->heads[i].uid);
    }
    if (!any)
        return true;
    return wd_refs_release(&freed, d, batch, err) && wd_quota_release(batch, what->user, bytes, err) &&
           journal(batch, a, what, gone, &out->modseq, err);
}

/* ---- EXPUNGE ---- */

static bool
keep(struct wd_docs *batch, const struct wd_once *once, const struct wd_expunged *part, bool more,
     struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_set(&outcome, "uids", &part->uids);
    wd_doc_add_int(&outcome, "modseq", (int64_t)part->modseq);
    wd_doc_add_bool(&outcome, "more", more);
    return wd_once_keep(batch, once, &outcome, err);
}

static bool
recall(struct wd_docs *batch, const struct wd_once *once, struct wd_expunged *part, bool *more, bool *found,
       struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!wd_once_find(batch, once, &outcome, found, err))
        return false;
    part->modseq = (uint64_t)wd_doc_int(&outcome, "modseq", 0);
    *more = wd_doc_bool(&outcome, "more", false);
    return wd_doc_set(&outcome, "uids", &part->uids, err);
}

static bool
expunge_heads(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a, const struct wd_expunge *in,
              struct wd_expunged *part, bool *more, struct wd_error *err)
{
    bson_t deleted wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_walk walk = { .mailbox = in->mailbox, .uids = in->uids, .only = &deleted };
    struct wd_removal what = {
        .user = in->user, .mailbox = in->mailbox, .archive = true, .session = in->session
    };
    struct wd_message *heads;
    struct wd_mailbox mailbox;
    uint32_t next;

    wd_doc_add_bool(&deleted, "undeleted", false);
    if (!wd_mailbox_need_id(batch, a, in->user, in->mailbox, &mailbox, err) ||
        !wd_message_heads(batch, a, &walk, WD_JOURNAL_GROUP, &heads, &what.n, &next, err))
        return false;
    what.heads = heads;
    *more = next != 0;
    return wd_message_remove(d, batch, a, &what, part, err);
}

/* One batch: the first outcome again, or the next messages. */
static bool
expunge_part(struct wd_domain *d, struct wd_arena *a, const struct wd_expunge *in, const struct wd_once *once,
             struct wd_expunged *part, bool *more, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bool found;

    if (!wd_docs_batch_begin(d->docs, &batch, err) || !recall(batch, once, part, more, &found, err))
        return false;
    if (found)
        return true;
    if (!expunge_heads(d, batch, a, in, part, more, err) || !keep(batch, once, part, *more, err) ||
        !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    if (part->modseq)
        wd_beacon_send(d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX,
                                               .user = in->user,
                                               .mailbox = in->mailbox,
                                               .modseq = part->modseq });
    return true;
}

bool
wd_message_expunge(struct wd_domain *d, struct wd_arena *a, const struct wd_expunge *in, const struct wd_once *once,
                   struct wd_expunged *out, struct wd_error *err)
{
    bool more = true;

    for (unsigned i = 0; more; i++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct wd_expunged part wd_auto(wd_expunged_done) = { 0 };
        struct wd_once step = *once;

        if (i && once->key.n)
            step.key = wd_arena_printf(a, "%.*s#%u", WD_FMT(once->key), i);
        if (!expunge_part(d, arena, in, &step, &part, &more, err))
            return false;
        wd_seqset_or(&out->uids, &part.uids);
        out->modseq = part.modseq ? part.modseq : out->modseq;
    }
    return true;
}
