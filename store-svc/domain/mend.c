#include "store-svc/domain/mend.h"

#include "common/base/clock.h"
#include "common/base/vec.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/settler.h"

/* One change that is mended. */
struct mending {
    struct wd_domain *d;
    struct wd_id user, mailbox;
    const struct wd_mark *mark;
    struct wd_arena *arena;
};

/* ---- common steps ---- */

bool
wd_mend_unclaim(struct wd_docs *docs, const struct wd_mark *mark, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (mark->request.n == 0)
        return true;
    wd_doc_add_bytes(&filter, "_id", mark->request.p, mark->request.n);
    wd_doc_add_id(&filter, "op", mark->op);
    return wd_docs_remove_one(docs, WD_REQUESTS, &filter, NULL, err) ||
           wd_fail_in(err, "take back claim");
}

static void
add_arrived(const struct mending *m, bson_t *filter)
{
    bson_t uid;

    wd_doc_add_id(filter, "mailbox", m->mailbox);
    bson_append_document_begin(filter, "uid", -1, &uid);
    wd_doc_add_int(&uid, "$gte", m->mark->first_uid);
    wd_doc_add_int(&uid, "$lt", (int64_t)m->mark->first_uid + m->mark->count);
    bson_append_document_end(filter, &uid);
}

static void
tell(const struct mending *m)
{
    wd_settler_add(m->d, m->user, m->mailbox, m->mark->op);
    wd_beacon_send(m->d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX,
                                              .user = m->user,
                                              .mailbox = m->mailbox,
                                              .modseq = m->mark->last_modseq });
}

static bool
fill(const struct mending *m, struct wd_error *err)
{
    if (!wd_journal_fill(m->d->docs, m->user, m->mailbox, m->mark, err))
        return false;
    tell(m);
    return true;
}

static bool
take_back(const struct mending *m, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (m->mark->kind == WD_CHANGE_ARRIVE && m->mark->count) {
        add_arrived(m, &filter);
        if (!wd_docs_remove_many(m->d->docs, WD_MESSAGES, &filter, NULL, err))
            return wd_fail_in(err, "take back messages");
    }
    return wd_mend_unclaim(m->d->docs, m->mark, err) && fill(m, err);
}

/* The rows of the change; the last of them settles it. */
static bool
write_rows(const struct mending *m, struct wd_journal_row *rows, size_t n, bool last,
           struct wd_error *err)
{
    if (last)
        rows[n - 1].op = m->mark->op;
    return wd_journal_add(m->d->docs, rows, n, err);
}

static struct wd_journal_row
row_of(const struct mending *m, enum wd_journal_command command, const struct wd_message *head)
{
    return (struct wd_journal_row){
        .command = command,
        .user = m->user,
        .mailbox = m->mailbox,
        .modseq = m->mark->first_modseq,
        .uid = head->uid,
        .message = head->id,
        .thread = head->thread,
        .unseen = !wd_message_has(head, WD_FLAG_SEEN),
        .idate_ms = head->idate_ms,
        .flags = head->flags,
        .n_flags = head->n_flags,
    };
}

static bool
uids_of(const struct wd_mark *mark, struct wd_seqset *out, struct wd_error *err)
{
    return mark->uids.n == 0 || wd_seqset_parse(mark->uids, 0, SIZE_MAX, out) ||
           wd_fail(err, WD_DATA_LOSS, "a mark with broken UIDs");
}

/* ---- messages that left ---- */

/* EXPUNGE rows for a set of UIDs; of messages that are gone nothing else is known. */
static bool
write_gone(const struct mending *m, const struct wd_seqset *gone, struct wd_error *err)
{
    struct WD_VEC(struct wd_journal_row) rows = { 0 };
    bool ok;

    for (uint32_t uid = wd_seqset_next(gone, 1); uid;
         uid = uid == UINT32_MAX ? 0 : wd_seqset_next(gone, uid + 1)) {
        struct wd_message head = { .uid = uid, .system_flags = WD_FLAG_SEEN };

        wd_vec_push(&rows, row_of(m, WD_JOURNAL_EXPUNGE, &head));
    }
    ok = rows.n ? write_rows(m, rows.p, rows.n, true, err)
                : wd_journal_fill(m->d->docs, m->user, m->mailbox, m->mark, err);
    wd_vec_done(&rows);
    if (ok)
        tell(m);
    return ok;
}

/* What is still there was archived for nothing, perhaps: its archived twin goes, before a purge
 * gives back references that the message still has. */
static bool
unarchive(const struct mending *m, const struct wd_message *heads, size_t n, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t id, in;
    char key[24];

    if (n == 0)
        return true;
    wd_doc_add_id(&filter, "user", m->user);
    bson_append_document_begin(&filter, "_id", -1, &id);
    bson_append_array_begin(&id, "$in", -1, &in);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_id(&in, key, heads[i].id);
    }
    bson_append_array_end(&id, &in);
    bson_append_document_end(&filter, &id);
    return wd_docs_remove_many(m->d->docs, WD_ARCHIVED, &filter, NULL, err) ||
           wd_fail_in(err, "take out of archive");
}

/* What has gone has gone; what is there stays. */
static bool
mend_expunge(const struct mending *m, struct wd_error *err)
{
    struct wd_seqset gone wd_auto(wd_seqset_done) = { 0 };
    struct wd_message_walk walk = { .mailbox = m->mailbox, .uids = &gone };
    struct wd_message *heads;
    uint32_t next;
    size_t n;

    if (!uids_of(m->mark, &gone, err) ||
        !wd_message_heads(m->d->docs, m->arena, &walk, WD_JOURNAL_GROUP, &heads, &n, &next, err) ||
        !unarchive(m, heads, n, err) || (n && !wd_mend_unclaim(m->d->docs, m->mark, err)))
        return false;
    for (size_t i = 0; i < n; i++)
        wd_seqset_remove(&gone, heads[i].uid, heads[i].uid);
    return write_gone(m, &gone, err);
}

/* The mark of the same change in the mailbox at the other end. */
static bool
other_end(const struct mending *m, enum wd_change_kind kind, struct wd_mark *out, bool *found,
          struct wd_error *err)
{
    struct wd_mailbox row;
    bool there;

    *found = false;
    if (!wd_mailbox_by_id(m->d->docs, m->arena, m->user, m->mark->other, &row, &there, err))
        return false;
    for (size_t i = 0; there && i < row.n_marks; i++) {
        if (!wd_id_eq(row.marks[i].op, m->mark->peer) || row.marks[i].kind != kind)
            continue;
        *out = row.marks[i];
        *found = true;
    }
    return true;
}

static bool mend_arrived(const struct mending *m, struct wd_error *err);

/* The source of a MOVE: the target's mark decides. Where that is gone, either this end was settled
 * before it, or nothing had been moved yet. */
static bool
mend_move_out(const struct mending *m, struct wd_error *err)
{
    struct mending target = *m;
    struct wd_mark mark;
    bool found;
    size_t open = 1;

    if (!other_end(m, WD_CHANGE_ARRIVE, &mark, &found, err))
        return false;
    if (!found) {
        struct wd_mark own = *m->mark;

        return wd_marks_open(m->d->docs, m->mailbox, &own, &open, err) &&
               (open == 0 || fill(m, err));
    }
    target.mailbox = m->mark->other;
    target.mark = &mark;
    return mend_arrived(&target, err);
}

static bool
mend_leave(const struct mending *m, struct wd_error *err)
{
    return wd_id_is_zero(m->mark->other) ? mend_expunge(m, err) : mend_move_out(m, err);
}

/* ---- messages that arrived ---- */

/* All new messages of a MOVE are there: the old ones go, and the source hears of it first. */
static bool
finish_source(const struct mending *m, struct wd_error *err)
{
    struct wd_seqset moved wd_auto(wd_seqset_done) = { 0 };
    struct wd_message_walk walk = { .mailbox = m->mark->other, .uids = &moved };
    struct mending source = *m;
    struct wd_message *heads;
    struct wd_mark mark;
    uint32_t next;
    size_t n;
    bool found;

    source.mailbox = m->mark->other;
    source.mark = &mark;
    if (!uids_of(m->mark, &moved, err) ||
        !wd_message_heads(m->d->docs, m->arena, &walk, WD_JOURNAL_GROUP, &heads, &n, &next, err) ||
        !wd_message_remove_rows(m->d->docs, m->mark->other, heads, n, NULL, NULL, err) ||
        !other_end(m, WD_CHANGE_LEAVE, &mark, &found, err))
        return false;
    return !found || write_gone(&source, &moved, err);
}

/* The source of a MOVE that is taken back. */
static bool
free_source(const struct mending *m, struct wd_error *err)
{
    struct mending source = *m;
    struct wd_mark mark;
    bool found;

    if (wd_id_is_zero(m->mark->other))
        return true;
    source.mailbox = m->mark->other;
    source.mark = &mark;
    return other_end(m, WD_CHANGE_LEAVE, &mark, &found, err) && (!found || fill(&source, err));
}

static bool
tell_arrived(const struct mending *m, struct wd_error *err)
{
    struct wd_seqset all wd_auto(wd_seqset_done) = { 0 };
    struct wd_message_walk walk = { .mailbox = m->mailbox, .uids = &all };
    uint32_t next = m->mark->first_uid;

    wd_seqset_add(&all, next, next + m->mark->count - 1);
    while (next) {
        struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct wd_journal_row *rows;
        struct wd_message *heads;
        size_t n;

        walk.from = next;
        if (!wd_message_heads(m->d->docs, a, &walk, WD_JOURNAL_GROUP, &heads, &n, &next, err))
            return false;
        rows = WD_ARENA_ARRAY(a, struct wd_journal_row, n);
        for (size_t i = 0; i < n; i++) {
            rows[i] = row_of(m, WD_JOURNAL_EXISTS, &heads[i]);
            rows[i].modseq += heads[i].uid - m->mark->first_uid;
        }
        if (n && !write_rows(m, rows, n, next == 0, err))
            return false;
    }
    tell(m);
    return true;
}

static bool
mend_arrived(const struct mending *m, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t there;

    add_arrived(m, &filter);
    if (!wd_docs_count(m->d->docs, WD_MESSAGES, &filter, &there, err))
        return wd_fail_in(err, "count messages");
    if (there < m->mark->count)
        return free_source(m, err) && take_back(m, err);
    return (wd_id_is_zero(m->mark->other) || finish_source(m, err)) && tell_arrived(m, err);
}

/* ---- messages that changed ---- */

static bool
mend_flags(const struct mending *m, struct wd_error *err)
{
    bson_t changed wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_walk walk = { .mailbox = m->mailbox, .only = &changed };
    struct wd_journal_row *rows;
    struct wd_message *heads;
    uint32_t next;
    size_t n;

    wd_doc_add_int(&changed, "modseq", (int64_t)m->mark->first_modseq);
    if (!wd_message_heads(m->d->docs, m->arena, &walk, WD_JOURNAL_GROUP, &heads, &n, &next, err))
        return false;
    if (n == 0)
        return fill(m, err);
    rows = WD_ARENA_ARRAY(m->arena, struct wd_journal_row, n);
    for (size_t i = 0; i < n; i++) {
        rows[i] = row_of(m, WD_JOURNAL_FETCH, &heads[i]);
        rows[i].unseen_change = true; /* perhaps: counts are read anew */
    }
    if (!write_rows(m, rows, n, true, err))
        return false;
    tell(m);
    return true;
}

/* ---- entry ---- */

static bool (*const menders[])(const struct mending *, struct wd_error *) = {
    [WD_CHANGE_ARRIVE] = mend_arrived,
    [WD_CHANGE_LEAVE] = mend_leave,
    [WD_CHANGE_FLAGS] = mend_flags,
    [WD_CHANGE_NOTE] = fill,
};

bool
wd_mend(struct wd_domain *d, struct wd_id user, struct wd_id mailbox, const struct wd_mark *mark,
        struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct mending m = { .d = d, .user = user, .mailbox = mailbox, .mark = mark, .arena = a };
    struct wd_mark own = *mark;
    size_t open = 1;

    if (!wd_marks_open(d->docs, mailbox, &own, &open, err))
        return false;
    if (open == 0) {
        wd_settler_add(d, user, mailbox, mark->op);
        return true;
    }
    if (mark->kind < WD_CHANGE_ARRIVE || mark->kind > WD_CHANGE_NOTE)
        return wd_fail(err, WD_UNSUPPORTED_VERSION, "a change that only a newer release can mend");
    return menders[mark->kind](&m, err) || wd_fail_in(err, "mend change");
}

bool
wd_mend_void(struct wd_domain *d, struct wd_id user, struct wd_id mailbox,
             const struct wd_mark *mark, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct mending m = { .d = d, .user = user, .mailbox = mailbox, .mark = mark, .arena = a };

    return take_back(&m, err);
}

/* ---- all that were left ---- */

static bool
mend_row(struct wd_domain *d, const bson_t *doc, uint64_t *mended, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_mailbox row;

    wd_mailbox_read(doc, a, &row);
    for (size_t i = 0; i < row.n_marks; i++) {
        if (!wd_mark_expired(&row.marks[i]))
            continue;
        if (!wd_mend(d, row.user, row.id, &row.marks[i], err))
            return false;
        ++*mended;
    }
    return true;
}

static bool
read_rows(struct wd_domain *d, bson_t **rows, size_t most, size_t *n, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .limit = (int64_t)most };
    struct wd_docs_cursor *cursor wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;
    bson_t at;

    bson_append_document_begin(&filter, "pending.at", -1, &at);
    wd_doc_add_date(&at, "$lt", wd_now_ms() - WD_MARK_LEASE_MS);
    bson_append_document_end(&filter, &at);
    if (!wd_docs_find(d->docs, WD_MAILBOXES, &filter, &query, &cursor, err))
        return false;
    while (wd_docs_cursor_next(cursor, &doc, err)) {
        if (!doc)
            return true;
        rows[(*n)++] = bson_copy(doc);
    }
    return false;
}

bool
wd_mend_all(struct wd_domain *d, uint64_t *mended, struct wd_error *err)
{
    enum { AT_ONCE = 100 };
    bson_t *rows[AT_ONCE];
    struct wd_error own;
    size_t n = 0;
    bool ok;

    *mended = 0;
    if (wd_docs_is_atomic(d->docs))
        return true;
    ok = read_rows(d, rows, AT_ONCE, &n, err) || wd_fail_in(err, "find changes under way");
    for (size_t i = 0; i < n; i++) {
        if (ok && !mend_row(d, rows[i], mended, &own)) { /* the others all the same */
            *err = own;
            ok = false;
        }
        bson_destroy(rows[i]);
    }
    return ok;
}
