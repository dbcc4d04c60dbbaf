#include "store-svc/domain/store.h"

#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/journal.h"

void
wd_stored_done(struct wd_stored *s)
{
    wd_seqset_done(&s->modified);
    wd_seqset_done(&s->missing);
}

/* ---- the request ---- */

static bool
known(const struct wd_str *list, size_t n, struct wd_str keyword)
{
    for (size_t i = 0; i < n; i++)
        if (wd_str_ieq(list[i], keyword))
            return true;
    return false;
}

static bool
to_change(struct wd_arena *a, const struct wd_store *in, struct wd_flag_change *out,
          struct wd_error *err)
{
    struct wd_str *keywords;
    size_t n = 0;

    if (in->n_keywords > WD_MAILBOX_FLAGS)
        return wd_fail(err, WD_INVALID, "more than %d keywords", WD_MAILBOX_FLAGS);
    keywords = WD_ARENA_ARRAY(a, struct wd_str, in->n_keywords);
    for (size_t i = 0; i < in->n_keywords; i++) {
        if (!wd_keyword_valid(in->keywords[i]))
            return wd_fail(err, WD_INVALID, "a flag that is no keyword");
        if (!known(keywords, n, in->keywords[i]))
            keywords[n++] = in->keywords[i];
    }
    *out = (struct wd_flag_change){
        .mode = in->mode,
        .system_flags = in->system_flags,
        .keywords = keywords,
        .n_keywords = n,
        .session = in->session,
    };
    return true;
}

/* ---- the outcome, kept and recalled ---- */

static bool
keep(struct wd_docs *batch, const struct wd_once *once, const struct wd_stored *out,
     struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_seqset changed = { 0 };

    for (size_t i = 0; i < out->n_changed; i++)
        wd_seqset_add(&changed, out->changed[i].uid, out->changed[i].uid);
    wd_doc_add_set(&outcome, "changed", &changed);
    wd_doc_add_set(&outcome, "modified", &out->modified);
    wd_doc_add_set(&outcome, "missing", &out->missing);
    wd_doc_add_int(&outcome, "modseq", (int64_t)out->modseq);
    wd_doc_add_int(&outcome, "next", out->continue_from);
    wd_seqset_done(&changed);
    return wd_once_keep(batch, once, &outcome, err);
}

static bool
recall(struct wd_docs *batch, struct wd_arena *a, const struct wd_store *in,
       const struct wd_once *once, struct wd_stored *out, bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_seqset changed = { 0 };
    struct wd_message_walk walk = { .mailbox = in->mailbox, .uids = &changed };
    uint32_t next;
    bool ok;

    if (!wd_once_find(batch, once, &outcome, found, err))
        return false;
    if (!*found)
        return true;
    out->modseq = (uint64_t)wd_doc_int(&outcome, "modseq", 0);
    out->continue_from = (uint32_t)wd_doc_int(&outcome, "next", 0);
    ok = wd_doc_set(&outcome, "changed", &changed, err) &&
         wd_doc_set(&outcome, "modified", &out->modified, err) &&
         wd_doc_set(&outcome, "missing", &out->missing, err) &&
         wd_message_heads(batch, a, &walk, WD_JOURNAL_GROUP, &out->changed, &out->n_changed, &next,
                          err);
    wd_seqset_done(&changed);
    return ok;
}

/* ---- the work ---- */

struct storing {
    const struct wd_store *in;
    struct wd_stored *out;
    struct wd_seqset found; /* UIDs */
};

/* Takes those out that fail UNCHANGEDSINCE. */
static size_t
choose(struct wd_flag_run *r, struct wd_message *heads, size_t n)
{
    struct storing *s = r->data;
    const struct wd_store *in = s->in;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        wd_seqset_add(&s->found, heads[i].uid, heads[i].uid);
        if (in->conditional && (in->unchanged_since == 0 || heads[i].modseq > in->unchanged_since))
            wd_seqset_add(&s->out->modified, heads[i].uid, heads[i].uid);
        else
            heads[kept++] = heads[i];
    }
    return kept;
}

/* What of the request up to the next page was not there. */
static void
find_missing(struct storing *s)
{
    struct wd_stored *out = s->out;

    wd_seqset_minus(&out->missing, s->in->uids, &s->found);
    if (out->continue_from) {
        wd_seqset_remove(&out->missing, out->continue_from, UINT32_MAX);
        if (out->modified.n)
            wd_seqset_remove(&out->modified, out->continue_from, UINT32_MAX);
    }
}

static void
take_result(struct wd_flag_run *r, struct storing *s)
{
    struct wd_stored *out = s->out;

    out->continue_from = r->next;
    out->modseq = r->modseq;
    find_missing(s);
    out->changed = r->heads;
    for (size_t i = 0; i < r->done; i++)
        if (r->changed[i])
            out->changed[out->n_changed++] = r->heads[i];
}

/* A repeat that sets the same flags once more does no harm; one with a condition must hear the
 * first outcome, because the first call has made its condition false. */
static bool
keep_outcome(const struct wd_flag_run *r, const struct wd_store *in, const struct wd_once *once,
             const struct wd_stored *out, struct wd_error *err)
{
    if (!wd_docs_is_atomic(r->batch) && !in->conditional)
        return true;
    return keep(r->batch, once, out, err) || err->reason == WD_DUPLICATE;
}

static bool
apply(struct wd_flag_run *r, struct storing *s, const struct wd_once *once, struct wd_error *err)
{
    if (!wd_flag_run(r, err))
        return false;
    take_result(r, s);
    if (r->done && r->change->mode != WD_FLAGS_REMOVE &&
        !wd_mailbox_note_flags(r->batch, &r->taken.mailbox, r->change->keywords,
                               r->change->n_keywords, err))
        return false;
    return keep_outcome(r, s->in, once, s->out, err);
}

bool
wd_message_store(struct wd_domain *d, struct wd_arena *a, const struct wd_store *in,
                 const struct wd_once *once, struct wd_stored *out, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct storing s = { .in = in, .out = out };
    struct wd_flag_change change;
    struct wd_flag_run run = { .d = d,
                               .arena = a,
                               .user = in->user,
                               .mailbox = in->mailbox,
                               .uids = in->uids,
                               .change = &change,
                               .choose = choose,
                               .data = &s };
    bool found = false, ok;

    if (!to_change(a, in, &change, err) || !wd_docs_batch_begin(d->docs, &batch, err))
        return false;
    if ((wd_docs_is_atomic(batch) || in->conditional) &&
        !recall(batch, a, in, once, out, &found, err))
        return false;
    if (found)
        return true;
    run.batch = batch;
    ok = apply(&run, &s, once, err);
    wd_seqset_done(&s.found);
    if (!ok || !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    wd_flag_run_done(&run);
    return true;
}
