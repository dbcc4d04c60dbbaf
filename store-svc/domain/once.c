#include "store-svc/domain/once.h"

#include <openssl/evp.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "store-svc/domain/change.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mend.h"
#include "store-svc/domain/schema.h"

enum { WAIT_MS = 12000, STEP_MS = 20 };

/* A hash, because the caller's key may hold anything and be of any length. */
void
wd_once_id(const struct wd_once *once, uint8_t to[WD_ONCE_ID])
{
    struct wd_buf named wd_auto(wd_buf_done) = { 0 };
    char user[WD_ID_HEX + 1];

    wd_buf_printf(&named, "%s %s ", wd_id_hex(once->user, user), once->method);
    wd_buf_str(&named, once->key);
    EVP_Digest(named.p, named.n, to, NULL, EVP_sha256(), NULL);
}

static void
append_id(bson_t *to, const struct wd_once *once)
{
    uint8_t hash[WD_ONCE_ID];

    wd_once_id(once, hash);
    wd_doc_add_bytes(to, "_id", hash, sizeof hash);
}

static bool
take_outcome(const bson_t *row, bson_t *outcome, struct wd_error *err)
{
    bson_t inner;

    if (!wd_doc_sub(row, "outcome", &inner))
        return wd_fail(err, WD_DATA_LOSS, "request without an outcome");
    bson_concat(outcome, &inner);
    return true;
}

/* What the row of a claim says about its change. */
static bool
claim_of(const bson_t *row, struct wd_id *mailbox, struct wd_mark *mark)
{
    *mark = (struct wd_mark){ .last_modseq = (uint64_t)wd_doc_int(row, "modseq", 0) };
    return wd_doc_id(row, "op", &mark->op) && wd_doc_id(row, "mailbox", mailbox);
}

static bool
read_row(struct wd_docs *docs, const struct wd_once *once, bson_t *row, bool *found,
         struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    append_id(&filter, once);
    return wd_docs_find_one(docs, WD_REQUESTS, &filter, NULL, row, found, err) ||
           wd_fail_in(err, "find request");
}

bool
wd_once_find(struct wd_docs *batch, const struct wd_once *once, bson_t *outcome, bool *found, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    enum wd_mark_state state;
    struct wd_id mailbox;
    struct wd_mark mark;

    *found = false;
    if (once->key.n == 0)
        return true;
    if (!read_row(batch, once, &row, found, err))
        return false;
    if (!*found)
        return true;
    if (claim_of(&row, &mailbox, &mark)) {
        if (!wd_mark_state(batch, mailbox, &mark, &state, err))
            return false;
        *found = state == WD_MARK_SETTLED; /* else it is under way, or it failed half-way */
    }
    return !*found || take_outcome(&row, outcome, err);
}

bool
wd_once_keep(struct wd_docs *batch, const struct wd_once *once, const bson_t *outcome,
             struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (once->key.n == 0)
        return true;
    append_id(&row, once);
    bson_append_date_time(&row, "created", -1, wd_now_ms());
    bson_append_document(&row, "outcome", -1, outcome);
    return wd_docs_insert(batch, WD_REQUESTS, &row, err) ||
           (err->reason == WD_DUPLICATE && !wd_docs_is_atomic(batch)) ||
           wd_fail_in(err, "keep request");
}

bool
wd_once_claim(struct wd_docs *batch, const struct wd_once *once, const bson_t *outcome,
              const struct wd_change *change, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (once->key.n == 0)
        return true;
    append_id(&row, once);
    wd_doc_add_date(&row, "created", wd_now_ms());
    if (change->marked) {
        wd_doc_add_id(&row, "op", change->op);
        wd_doc_add_id(&row, "mailbox", change->mailbox.id);
        wd_doc_add_int(&row, "modseq", (int64_t)change->last_modseq);
    }
    bson_append_document(&row, "outcome", -1, outcome);
    return wd_docs_insert(batch, WD_REQUESTS, &row, err) || wd_fail_in(err, "claim request");
}

/* A change that is neither settled nor marked any more has failed half-way. It may have been settled since the first
 * look, so that is asked again, after the marks. */
static bool
look(struct wd_domain *d, struct wd_id user, struct wd_id mailbox, const struct wd_mark *claim, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    enum wd_mark_state state;
    struct wd_mailbox row;
    bool found;

    if (!wd_mailbox_by_id(d->docs, a, user, mailbox, &row, &found, err))
        return false;
    for (size_t i = 0; found && i < row.n_marks; i++)
        if (wd_id_eq(row.marks[i].op, claim->op))
            return !wd_mark_expired(&row.marks[i]) || wd_mend(d, user, mailbox, &row.marks[i], err);
    if (!wd_mark_state(d->docs, mailbox, claim, &state, err))
        return false;
    return state == WD_MARK_SETTLED || wd_mend_unclaim(d->docs, claim, err);
}

static bool
wait_once(struct wd_domain *d, const struct wd_once *once, bson_t *outcome, bool *settled, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    enum wd_mark_state state;
    uint8_t request[WD_ONCE_ID];
    struct wd_id mailbox;
    struct wd_mark claim;
    bool found;

    *settled = true;
    if (!read_row(d->docs, once, &row, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_CONFLICT, "an earlier attempt was given up");
    if (!claim_of(&row, &mailbox, &claim))
        return take_outcome(&row, outcome, err);
    if (!wd_mark_state(d->docs, mailbox, &claim, &state, err))
        return false;
    if (state == WD_MARK_SETTLED)
        return take_outcome(&row, outcome, err);
    *settled = false;
    wd_once_id(once, request);
    claim.request = (struct wd_str){ (const char *)request, sizeof request };
    return look(d, once->user, mailbox, &claim, err);
}

bool
wd_once_wait(struct wd_domain *d, const struct wd_once *once, bson_t *outcome, struct wd_error *err)
{
    int64_t deadline = wd_mono_ms() + WAIT_MS;
    bool settled;

    for (;;) {
        if (!wait_once(d, once, outcome, &settled, err))
            return false;
        if (settled)
            return true;
        if (wd_mono_ms() > deadline)
            return wd_fail(err, WD_UNAVAILABLE, "the same call is still under way elsewhere");
        usleep(STEP_MS * 1000);
    }
}

bool
wd_once_settle(struct wd_domain *d, const struct wd_once *once, bson_t *outcome, bool *found, struct wd_error *err)
{
    *found = once->key.n && wd_once_wait(d, once, outcome, err);
    return *found || once->key.n == 0 || err->reason == WD_CONFLICT;
}
