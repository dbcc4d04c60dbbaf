#include "store-svc/domain/view.h"

#include "common/base/vec.h"
#include "store-svc/domain/change.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

enum { CHANGES_BYTES = 640 * 1024 };

/* ---- bringing a view up to date ---- */

static bool
seen(const struct wd_journal_row *row)
{
    for (size_t i = 0; i < row->n_flags; i++)
        if (wd_str_eq(row->flags[i], WD_STR("\\Seen")))
            return true;
    return false;
}

static void
set_unseen(struct wd_view *v, uint32_t uid, bool unseen)
{
    if (unseen && wd_seqset_has(&v->uids, uid))
        wd_seqset_add(&v->unseen, uid, uid);
    else
        wd_seqset_remove(&v->unseen, uid, uid);
}

/* Applying a row twice does no harm, nor does one that the view has already: a UID comes once and
 * goes once. */
static bool
apply(const struct wd_journal_row *row, void *data)
{
    struct wd_view *v = data;

    if (row->command == WD_JOURNAL_EXISTS && row->uid) {
        wd_seqset_add(&v->uids, row->uid, row->uid);
        set_unseen(v, row->uid, row->unseen);
    } else if (row->command == WD_JOURNAL_EXPUNGE) {
        wd_seqset_remove(&v->uids, row->uid, row->uid);
        wd_seqset_remove(&v->unseen, row->uid, row->uid);
    } else if (row->command == WD_JOURNAL_FETCH) {
        set_unseen(v, row->uid, !seen(row));
    }
    return true;
}

/* *whole false: the journal does not reach from the view to upto, and the view is useless. */
static bool
advance(struct wd_domain *d, struct wd_id mailbox, struct wd_view *v, uint64_t upto, bool *whole,
        struct wd_error *err)
{
    if (!wd_journal_walk(d->docs, mailbox, v->modseq, upto, apply, v, whole, err))
        return false;
    v->modseq = upto;
    return true;
}

/* ---- reading a view anew ---- */

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The UIDs of all rows that match, in any order of the cursor. */
static bool
read_uids(struct wd_domain *d, const bson_t *filter, const char *index, struct wd_seqset *out,
          struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields, .hint = index };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct WD_VEC(uint32_t) uids = { 0 };
    const bson_t *row;
    bool ok;

    wd_doc_add_int(&fields, "uid", 1);
    if (!wd_docs_find(d->docs, WD_MESSAGES, filter, &query, &rows, err))
        return wd_fail_in(err, "read UIDs");
    while ((ok = wd_docs_cursor_next(rows, &row, err)) && row) {
        int64_t uid = wd_doc_int(row, "uid", 0);

        if (uid > 0 && uid <= UINT32_MAX)
            wd_vec_push(&uids, (uint32_t)uid);
    }
    if (ok && uids.n)
        qsort(uids.p, uids.n, sizeof *uids.p, by_number);
    for (size_t i = 0, run; ok && i < uids.n; i = run) {
        for (run = i + 1; run < uids.n && uids.p[run] - uids.p[run - 1] <= 1; run++)
            continue;
        wd_seqset_add(out, uids.p[i], uids.p[run - 1]);
    }
    wd_vec_done(&uids);
    return ok || wd_fail_in(err, "read UIDs");
}

static bool
read_messages(struct wd_domain *d, struct wd_id mailbox, struct wd_view *out, struct wd_error *err)
{
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t unseen wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_seqset found = { 0 };
    bool ok;

    wd_doc_add_id(&all, "mailbox", mailbox);
    wd_doc_add_id(&unseen, "mailbox", mailbox);
    wd_doc_add_bool(&unseen, "unseen", true);
    ok = read_uids(d, &all, "mailbox_uid", &out->uids, err) &&
         read_uids(d, &unseen, "mailbox_unseen_flag", &found, err);
    if (ok)
        wd_seqset_and(&out->unseen, &found, &out->uids);
    wd_seqset_done(&found);
    return ok;
}

/* The messages are read without stopping the writers, so they are those of a moment after the row:
 * what arrived since has a UID that the row had not handed out, and is left for the journal; what
 * went or changed since is in the journal too, and applying that once more does no harm. */
static bool
rebuild(struct wd_domain *d, const struct wd_mailbox *mailbox, struct wd_view *out,
        struct wd_error *err)
{
    wd_view_done(out);
    out->modseq = mailbox->modify_index;
    if (!read_messages(d, mailbox->id, out, err))
        return false;
    wd_seqset_remove(&out->uids, mailbox->uid_next, UINT32_MAX);
    wd_seqset_remove(&out->unseen, mailbox->uid_next, UINT32_MAX);
    return true;
}

bool
wd_view_load(struct wd_domain *d, const struct wd_mailbox *mailbox, struct wd_view *out,
             struct wd_error *err)
{
    bool whole = false;

    if (wd_view_cache_get(d->view_cache, mailbox->id, out)) {
        if (out->modseq >= mailbox->modify_index)
            return true;
        if (!advance(d, mailbox->id, out, mailbox->modify_index, &whole, err))
            goto failed;
    }
    if (!whole && !rebuild(d, mailbox, out, err))
        goto failed;
    wd_view_cache_put(d->view_cache, mailbox->id, out);
    return true;
failed:
    wd_view_done(out);
    return false;
}

bool
wd_view_open(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
             struct wd_mailbox *mailbox, struct wd_view *out, struct wd_error *err)
{
    if (!wd_mailbox_need_path(d->docs, a, user, path, mailbox, err))
        return false;
    if (mailbox->hidden)
        return wd_fail(err, WD_MAILBOX_REFUSED, "this mailbox cannot be selected");
    if (!wd_change_settled(d, mailbox, err) || !wd_view_load(d, mailbox, out, err))
        return false;
    /* The view may be younger than the row that was read. */
    mailbox->modify_index = out->modseq;
    if (mailbox->uid_next <= wd_seqset_max(&out->uids))
        mailbox->uid_next = wd_seqset_max(&out->uids) + 1;
    return true;
}

/* ---- counts ---- */

static bool
count(struct wd_domain *d, struct wd_id mailbox, bool unseen, uint32_t *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t n;

    wd_doc_add_id(&filter, "mailbox", mailbox);
    if (unseen)
        wd_doc_add_bool(&filter, "unseen", true);
    if (!wd_docs_count(d->docs, WD_MESSAGES, &filter, &n, err))
        return wd_fail_in(err, "count messages");
    *out = (uint32_t)n;
    return true;
}

bool
wd_view_counts(struct wd_domain *d, struct wd_mailbox *mailbox, struct wd_mailbox_counts *out,
               struct wd_error *err)
{
    struct wd_view v = { 0 };
    bool whole = false, known, ok = true;

    if (!wd_change_settled(d, mailbox, err))
        return false;
    known = wd_view_cache_get(d->view_cache, mailbox->id, &v);

    if (known && v.modseq < mailbox->modify_index)
        ok = advance(d, mailbox->id, &v, mailbox->modify_index, &whole, err);
    else
        whole = known;
    if (ok && whole) {
        wd_view_cache_put(d->view_cache, mailbox->id, &v);
        *out = (struct wd_mailbox_counts){ wd_seqset_count(&v.uids), wd_seqset_count(&v.unseen) };
    } else if (ok) {
        ok = count(d, mailbox->id, false, &out->messages, err) &&
             count(d, mailbox->id, true, &out->unseen, err);
    }
    wd_view_done(&v);
    return ok;
}

/* ---- changes ---- */

struct collecting {
    struct wd_arena *arena;
    struct WD_VEC(struct wd_journal_row) rows;
    size_t limit, bytes;
    uint64_t modseq;
    bool full;
};

static bool
collect(const struct wd_journal_row *row, void *data)
{
    struct collecting *c = data;
    struct wd_journal_row kept = *row;
    struct wd_str *flags = WD_ARENA_ARRAY(c->arena, struct wd_str, row->n_flags);

    if (row->modseq != c->modseq && (c->rows.n >= c->limit || c->bytes >= CHANGES_BYTES)) {
        c->full = true;
        return false;
    }
    c->modseq = row->modseq;
    c->bytes += 32 + row->path.n;
    for (size_t i = 0; i < row->n_flags; i++) {
        flags[i] = wd_arena_str(c->arena, row->flags[i]);
        c->bytes += flags[i].n + 2;
    }
    kept.flags = flags;
    kept.ignore = wd_arena_str(c->arena, row->ignore);
    kept.path = wd_arena_str(c->arena, row->path);
    wd_vec_push(&c->rows, kept);
    return true;
}

static void
collected(struct collecting *c, struct wd_view_changes *io)
{
    io->rows = WD_ARENA_ARRAY(c->arena, struct wd_journal_row, c->rows.n);
    if (c->rows.n)
        memcpy(io->rows, c->rows.p, c->rows.n * sizeof *io->rows);
    io->n = c->rows.n;
}

static void
tell_deleted(struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
             struct wd_view_changes *io)
{
    io->rows = WD_ARENA_NEW(a, struct wd_journal_row);
    io->n = 1;
    io->rows[0] = (struct wd_journal_row){
        .command = WD_JOURNAL_DELETE, .user = user, .mailbox = mailbox, .modseq = ++io->after
    };
}

bool
wd_view_changes(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                struct wd_view_changes *io, struct wd_error *err)
{
    struct collecting c = { .arena = a, .limit = io->limit, .modseq = io->after };
    struct wd_mailbox row;
    bool found, whole, ok;

    io->n = 0;
    io->more = false;
    if (!wd_mailbox_by_id(d->docs, a, user, mailbox, &row, &found, err))
        return false;
    if (!found) {
        tell_deleted(a, user, mailbox, io);
        return true;
    }
    if (!wd_change_settled(d, &row, err))
        return false;
    if (io->after == row.modify_index)
        return true;
    ok = wd_journal_walk(d->docs, mailbox, io->after, row.modify_index, collect, &c, &whole, err);
    if (ok && (!whole || io->after > row.modify_index))
        ok = wd_fail(err, WD_CURSOR_EXPIRED, "the journal does not reach back so far");
    if (ok) {
        collected(&c, io);
        io->more = c.full;
        io->after = c.full ? c.modseq : row.modify_index;
    }
    wd_vec_done(&c.rows);
    return ok;
}

/* ---- poll ---- */

static bool
present(struct wd_domain *d, const struct wd_watch *watches, size_t n, struct wd_docs_cursor **out,
        struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields };
    bson_t id, in;
    char key[24];

    bson_append_document_begin(&filter, "_id", 3, &id);
    bson_append_array_begin(&id, "$in", 3, &in);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_id(&in, key, watches[i].mailbox);
    }
    bson_append_array_end(&id, &in);
    bson_append_document_end(&filter, &id);
    wd_doc_add_int(&fields, "user", 1);
    wd_doc_add_int(&fields, "modifyIndex", 1);
    return wd_docs_find(d->docs, WD_MAILBOXES, &filter, &query, out, err) ||
           wd_fail_in(err, "poll mailboxes");
}

static void
compare(struct wd_watch *watches, size_t n, const bson_t *row)
{
    uint64_t modseq = (uint64_t)wd_doc_int(row, "modifyIndex", 0);
    struct wd_id id = { 0 }, user = { 0 };

    wd_doc_id(row, "_id", &id);
    wd_doc_id(row, "user", &user);
    for (size_t i = 0; i < n; i++) {
        if (!wd_id_eq(watches[i].mailbox, id) || !wd_id_eq(watches[i].user, user))
            continue;
        watches[i].gone = false;
        watches[i].moved = modseq > watches[i].modseq;
        watches[i].modseq = modseq;
    }
}

static bool
poll_some(struct wd_domain *d, struct wd_watch *watches, size_t n, struct wd_error *err)
{
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *row;

    for (size_t i = 0; i < n; i++)
        watches[i].gone = watches[i].moved = true;
    if (!present(d, watches, n, &rows, err))
        return false;
    for (;;) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "poll mailboxes");
        if (!row)
            return true;
        compare(watches, n, row);
    }
}

bool
wd_view_poll(struct wd_domain *d, struct wd_watch *watches, size_t n, struct wd_error *err)
{
    enum { AT_ONCE = 200 };

    for (size_t i = 0; i < n; i += AT_ONCE)
        if (!poll_some(d, watches + i, n - i < AT_ONCE ? n - i : AT_ONCE, err))
            return false;
    return true;
}
