#include "store-svc/domain/change.h"

#include <unistd.h>

#include "common/base/clock.h"
#include "store-svc/domain/change_priv.h"
#include "store-svc/domain/doc_set.h"
#include "store-svc/domain/mend.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/settler.h"

enum {
    KNOWN_MAX = 64,
    WAIT_MS = 10000,
    STEP_MS = 4,
    LONGEST_STEP_MS = 100,
    SETTLE_WAIT_MS = 3000,
    TAKE_TRIES = 4
};

struct beginning {
    struct wd_domain *d;
    struct wd_docs *batch;
    struct wd_arena *arena;
    const struct wd_change_plan *plan;
    struct wd_change *out;
    struct wd_id known[KNOWN_MAX]; /* changes that are settled, so that their marks are litter */
    size_t n_known, n_local;
    int64_t deadline;
    unsigned step_ms;
};

static void
add_place(const struct wd_change_plan *plan, bson_t *filter)
{
    if (!wd_id_is_zero(plan->mailbox))
        wd_doc_add_id(filter, "_id", plan->mailbox);
    wd_doc_add_id(filter, "user", plan->user);
    if (wd_id_is_zero(plan->mailbox))
        wd_doc_add_str(filter, plan->place.n && plan->place.p[0] == '\\' ? "specialUse" : "path",
                       plan->place);
}

/* ---- an atomic driver ---- */

static bool
count_up(struct beginning *b, bson_t *before, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t inc;

    add_place(b->plan, &filter);
    bson_append_document_begin(&update, "$inc", -1, &inc);
    if (b->plan->count)
        wd_doc_add_int(&inc, "uidNext", b->plan->count);
    wd_doc_add_int(&inc, "modifyIndex", b->plan->count ? b->plan->count : 1);
    bson_append_document_end(&update, &inc);
    return wd_docs_find_and_update(b->batch, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, NULL,
                                   before, found, err);
}

/* ---- a driver whose batches are no transactions ---- */

/* In the way are other exclusive changes that are not known to be settled. */
static void
add_alone(const struct beginning *b, bson_t *filter)
{
    bson_t pending, no, match, op, list;
    char key[24];

    bson_append_document_begin(filter, "pending", -1, &pending);
    bson_append_document_begin(&pending, "$not", -1, &no);
    bson_append_document_begin(&no, "$elemMatch", -1, &match);
    wd_doc_add_bool(&match, "x", true);
    bson_append_document_begin(&match, "op", -1, &op);
    bson_append_array_begin(&op, "$nin", -1, &list);
    for (size_t i = 0; i < b->n_known; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_id(&list, key, b->known[i]);
    }
    bson_append_array_end(&op, &list);
    bson_append_document_end(&match, &op);
    bson_append_document_end(&no, &match);
    bson_append_document_end(&pending, &no);
    bson_append_document_end(filter, &pending);
}

/* An attempt whose answer was lost must not be made again. */
static void
add_not_yet(const struct beginning *b, bson_t *filter)
{
    bson_t field;

    bson_append_document_begin(filter, "pending.op", -1, &field);
    wd_doc_add_id(&field, "$ne", b->out->op);
    bson_append_document_end(filter, &field);
}

static bool
take_marked(struct beginning *b, bson_t *before, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;

    add_place(b->plan, &filter);
    add_not_yet(b, &filter);
    if (wd_mark_is_exclusive(b->plan->kind))
        add_alone(b, &filter);
    wd_mark_update(b->plan, b->out->op, b->known, b->n_known, &update);
    return wd_docs_find_and_update(b->batch, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, NULL,
                                   before, found, err);
}

static void
pause_for(struct beginning *b)
{
    usleep(b->step_ms * 1000);
    b->step_ms = b->step_ms * 2 < LONGEST_STEP_MS ? b->step_ms * 2 : LONGEST_STEP_MS;
}

static bool
read_row(struct beginning *b, bson_t *row, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    add_place(b->plan, &filter);
    return wd_docs_find_one(b->batch, WD_MAILBOXES, &filter, NULL, row, found, err);
}

/* The answer was lost: was the mark left? */
static bool
find_own(struct beginning *b, bool *ours, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_mark *marks;
    bool found;
    size_t n;

    *ours = false;
    if (!read_row(b, &row, &found, err) || !found)
        return false;
    wd_marks_read(&row, b->arena, &marks, &n);
    for (size_t i = 0; i < n; i++) {
        if (!wd_id_eq(marks[i].op, b->out->op) || marks[i].kind != b->plan->kind)
            continue;
        wd_mailbox_read(&row, b->arena, &b->out->mailbox);
        b->out->mark = marks[i];
        b->out->first_uid = marks[i].first_uid;
        b->out->first_modseq = marks[i].first_modseq;
        *ours = true;
    }
    return true;
}

/* Looks at what is in the way: settled changes go to `known`, dead ones are mended. */
static bool
clear_way(struct beginning *b, const bson_t *row, struct wd_error *err)
{
    struct wd_mailbox mailbox;
    struct wd_mark *open;
    size_t n;

    wd_mailbox_read(row, b->arena, &mailbox);
    n = mailbox.n_marks;
    open = WD_ARENA_ARRAY(b->arena, struct wd_mark, n);
    if (n)
        memcpy(open, mailbox.marks, n * sizeof *open);
    if (!wd_marks_open(b->batch, mailbox.id, open, &n, err))
        return false;
    b->n_known = b->n_local;
    for (size_t i = 0; i < mailbox.n_marks && b->n_known < KNOWN_MAX; i++) {
        bool is_open = false;

        for (size_t k = 0; k < n; k++)
            is_open |= wd_id_eq(open[k].op, mailbox.marks[i].op);
        if (!is_open)
            b->known[b->n_known++] = mailbox.marks[i].op;
    }
    for (size_t i = 0; i < n; i++)
        if (wd_mark_expired(&open[i]) && !wd_mend(b->d, mailbox.user, mailbox.id, &open[i], err))
            return false;
    return true;
}

/* One attempt; *found false and *busy true: another one is in the way. */
static bool
attempt(struct beginning *b, bson_t *before, bool *found, bool *busy, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    *busy = false;
    if (!take_marked(b, before, found, err))
        return false;
    if (*found || !wd_mark_is_exclusive(b->plan->kind))
        return true;
    if (!read_row(b, &row, busy, err))
        return false;
    return !*busy || clear_way(b, &row, err);
}

static bool
take_until(struct beginning *b, bson_t *before, bool *found, struct wd_error *err)
{
    int lost = 0;
    bool busy, ours;

    for (;;) {
        bool answered = attempt(b, before, found, &busy, err);

        if (answered && *found)
            return true;
        if (!answered && (err->reason != WD_DATABASE || ++lost == TAKE_TRIES))
            return false;
        if (lost && find_own(b, &ours, err) && ours) {
            *found = true;
            return true;
        }
        if (answered && !busy)
            return true;
        if (wd_mono_ms() > b->deadline)
            return wd_fail(err, WD_UNAVAILABLE, "the mailbox is being changed by others");
        pause_for(b);
        bson_reinit(before);
    }
}

/* ---- begin ---- */

static bool
fill(struct beginning *b, const bson_t *before, struct wd_error *err)
{
    struct wd_change *c = b->out;
    int64_t next = wd_doc_int(before, "uidNext", 1);

    if (c->first_modseq == 0) { /* not found by its mark */
        wd_mailbox_read(before, b->arena, &c->mailbox);
        c->first_uid = (uint32_t)next;
        c->first_modseq = c->mailbox.modify_index + 1;
    }
    c->count = b->plan->count;
    c->last_modseq = c->first_modseq + (c->count ? c->count : 1) - 1;
    c->mark.op = c->op;
    c->mark.kind = c->kind;
    c->mark.first_uid = c->first_uid;
    c->mark.count = c->count;
    c->mark.first_modseq = c->first_modseq;
    c->mark.last_modseq = c->last_modseq;
    c->mark.other = b->plan->other;
    c->mark.peer = b->plan->peer;
    if (b->plan->once && b->plan->once->key.n) {
        uint8_t request[WD_ONCE_ID];

        wd_once_id(b->plan->once, request);
        c->mark.request = wd_arena_str(b->arena, (struct wd_str){ (const char *)request, sizeof request });
    }
    if (c->count == 0 || (next >= 1 && next + c->count <= UINT32_MAX))
        return true;
    wd_change_void(b->d, c);
    return wd_fail(err, WD_MAILBOX_REFUSED, "the mailbox has no more UIDs");
}

bool
wd_change_begin(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
                const struct wd_change_plan *plan, struct wd_change *out, struct wd_error *err)
{
    struct beginning b = {
        .d = d, .batch = batch, .arena = a, .plan = plan, .out = out, .step_ms = STEP_MS
    };
    bson_t before wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    *out = (struct wd_change){ .kind = plan->kind,
                               .op = plan->op,
                               .marked = !wd_docs_is_atomic(batch) };
    if (wd_id_is_zero(out->op))
        out->op = wd_id_new();
    b.deadline = wd_mono_ms() + WAIT_MS;
    if (out->marked && !wd_id_is_zero(plan->mailbox))
        b.n_known = b.n_local = wd_settler_known(d->settler, plan->mailbox, b.known, KNOWN_MAX);
    if (!(out->marked ? take_until(&b, &before, &found, err) : count_up(&b, &before, &found, err)))
        return wd_fail_in(err, "count on mailbox");
    if (!found)
        return wd_fail(err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
    out->renewed_ms = wd_mono_ms();
    if (!fill(&b, &before, err))
        return false;
    if (b.n_local)
        wd_settler_forget(d->settler, out->mailbox.id, b.known, b.n_local);
    return true;
}

bool
wd_change_alive(struct wd_docs *batch, struct wd_change *c, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;
    bson_t set;

    if (!c->marked || wd_mono_ms() - c->renewed_ms < WD_MARK_LEASE_MS / 3)
        return true;
    wd_doc_add_id(&filter, "_id", c->mailbox.id);
    wd_doc_add_id(&filter, "user", c->mailbox.user);
    wd_doc_add_id(&filter, "pending.op", c->op);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_date(&set, "pending.$.at", wd_now_ms());
    bson_append_document_end(&update, &set);
    if (!wd_docs_update(batch, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, &done, err))
        return wd_fail_in(err, "renew mark");
    if (done.matched == 0)
        return wd_fail(err, WD_CONFLICT, "the change was given up by another replica");
    c->renewed_ms = wd_mono_ms();
    return true;
}

bool
wd_change_journal(struct wd_docs *batch, const struct wd_change *c, struct wd_journal_row *rows,
                  size_t n, struct wd_error *err)
{
    if (n == 0)
        return wd_journal_fill(batch, c->mailbox.user, c->mailbox.id, &c->mark, err);
    if (c->marked)
        rows[n - 1].op = c->op;
    return wd_journal_add(batch, rows, n, err);
}

void
wd_change_done(struct wd_domain *d, const struct wd_change *c)
{
    if (c->marked)
        wd_settler_add(d, c->mailbox.user, c->mailbox.id, c->op);
}

void
wd_change_void(struct wd_domain *d, const struct wd_change *c)
{
    struct wd_error ignored; /* the mark stays then, and it is mended when its lease is over */

    if (c->marked && !wd_mend_void(d, c->mailbox.user, c->mailbox.id, &c->mark, &ignored))
        return;
}

/* Only while nobody has taken a number after it; readers have not gone beyond it, because it was marked. */
static bool
take_number_back(struct wd_domain *d, const struct wd_change *c, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;
    bson_t pull, pending;

    wd_doc_add_id(&filter, "_id", c->mailbox.id);
    wd_doc_add_id(&filter, "user", c->mailbox.user);
    wd_doc_add_int(&filter, "modifyIndex", (int64_t)c->last_modseq);
    wd_doc_add_id(&filter, "pending.op", c->op);
    wd_doc_add_op(&update, "$inc", "modifyIndex", -1);
    bson_append_document_begin(&update, "$pull", -1, &pull);
    bson_append_document_begin(&pull, "pending", -1, &pending);
    wd_doc_add_id(&pending, "op", c->op);
    bson_append_document_end(&pull, &pending);
    bson_append_document_end(&update, &pull);
    return wd_docs_update(d->docs, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, &done, err) && done.matched == 1;
}

void
wd_change_give_back(struct wd_domain *d, const struct wd_change *c)
{
    struct wd_error ignored;

    if (c->marked && !take_number_back(d, c, &ignored))
        wd_change_void(d, c);
}

/* ---- what readers see ---- */

void
wd_change_wait(struct wd_domain *d, const struct wd_change *c)
{
    struct wd_mark *open = c->mailbox.marks;
    size_t n = c->mailbox.n_marks;
    int64_t deadline = wd_mono_ms() + SETTLE_WAIT_MS;
    struct wd_error ignored;

    while (n && wd_marks_open(d->docs, c->mailbox.id, open, &n, &ignored) && n &&
           wd_mono_ms() < deadline)
        usleep(STEP_MS * 1000);
}

/* Those that this process settled need no question. */
static void
drop_known(struct wd_domain *d, struct wd_mailbox *row)
{
    struct wd_id known[KNOWN_MAX];
    size_t n = wd_settler_known(d->settler, row->id, known, KNOWN_MAX), kept = 0;

    for (size_t i = 0; i < row->n_marks; i++) {
        bool settled = false;

        for (size_t k = 0; k < n; k++)
            settled |= wd_id_eq(known[k], row->marks[i].op);
        if (!settled)
            row->marks[kept++] = row->marks[i];
    }
    row->n_marks = kept;
}

bool
wd_change_settled(struct wd_domain *d, struct wd_mailbox *row, struct wd_error *err)
{
    if (row->n_marks == 0)
        return true;
    drop_known(d, row);
    if (!wd_marks_open(d->docs, row->id, row->marks, &row->n_marks, err))
        return false;
    for (size_t i = 0; i < row->n_marks; i++) {
        const struct wd_mark *m = &row->marks[i];
        struct wd_error not_mended; /* then it holds readers back a little longer */

        if (wd_mark_expired(m) && wd_mend(d, row->user, row->id, m, &not_mended))
            continue;
        if (m->first_modseq <= row->modify_index)
            row->modify_index = m->first_modseq - 1;
        if (m->kind == WD_CHANGE_ARRIVE && m->first_uid < row->uid_next)
            row->uid_next = m->first_uid;
    }
    return true;
}
