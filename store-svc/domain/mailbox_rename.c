/* RENAME: one row, or one row and those below it. */
#include "common/base/vec.h"
#include "store-svc/domain/change.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/mailbox_list.h"
#include "store-svc/domain/mailbox_priv.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/schema.h"

struct rename {
    struct wd_domain *d;
    struct wd_docs *batch;
    struct wd_arena *arena;
    struct wd_id user;
    struct wd_str from, to;
    bool with_children;
    struct wd_mailbox *rows; /* to be renamed, parents first */
    size_t n;
    struct wd_mailbox *others; /* those that stay */
    size_t n_others;
};

static bool
concerned(const struct rename *r, const struct wd_mailbox *row)
{
    return wd_str_eq(row->path, r->from) ||
           (r->with_children && wd_path_below(row->path, r->from) && !row->hidden);
}

static bool
pick(struct rename *r, struct wd_error *err)
{
    struct wd_mailbox *all;
    size_t n;

    if (!wd_mailbox_all(r->batch, r->arena, r->user, &all, &n, err))
        return false;
    r->rows = WD_ARENA_ARRAY(r->arena, struct wd_mailbox, n);
    r->others = WD_ARENA_ARRAY(r->arena, struct wd_mailbox, n);
    for (size_t i = 0; i < n; i++) {
        if (concerned(r, &all[i]))
            r->rows[r->n++] = all[i];
        else
            r->others[r->n_others++] = all[i];
    }
    return r->n > 0 || wd_fail(err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
}

static struct wd_str
renamed(const struct rename *r, struct wd_str path)
{
    return wd_arena_printf(r->arena, "%.*s%.*s", WD_FMT(r->to), (int)(path.n - r->from.n),
                           path.p + r->from.n);
}

/* Everything that can refuse is looked at before the first row is changed, for drivers that cannot
 * take it back. */
static bool
check(struct rename *r, struct wd_error *err)
{
    if (wd_path_is_inbox(r->from))
        return wd_fail(err, WD_MAILBOX_REFUSED, "INBOX cannot be renamed");
    if (wd_path_is_inbox(r->to) || wd_str_eq(r->from, r->to))
        return wd_fail(err, WD_MAILBOX_EXISTS, "the mailbox exists already");
    if (r->with_children && wd_path_below(r->to, r->from))
        return wd_fail(err, WD_MAILBOX_REFUSED, "a mailbox cannot move below itself");
    if (!wd_path_check(r->to, err) || !pick(r, err))
        return false;
    for (size_t i = 0; i < r->n; i++) {
        struct wd_str path = renamed(r, r->rows[i].path);

        if (r->rows[i].hidden)
            return wd_fail(err, WD_MAILBOX_REFUSED, "this mailbox cannot be renamed");
        if (!wd_path_check(path, err))
            return false;
        for (size_t k = 0; k < r->n_others; k++)
            if (wd_str_eq(r->others[k].path, path))
                return wd_fail(err, WD_MAILBOX_EXISTS, "the mailbox exists already");
    }
    return true;
}

static bool
write_row(struct rename *r, const struct wd_mailbox *row, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    wd_doc_add_id(&filter, "_id", row->id);
    wd_doc_add_id(&filter, "user", row->user);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_str(&set, "path", row->path);
    wd_doc_add_int(&set, "uidValidity", row->uid_validity);
    bson_append_document_end(&update, &set);
    if (wd_docs_update(r->batch, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, NULL, err))
        return true;
    if (err->reason == WD_DUPLICATE)
        return wd_fail(err, WD_MAILBOX_EXISTS, "the mailbox exists already");
    return wd_fail_in(err, "rename mailbox");
}

/* Its number first, so that on a driver without transactions a session hears of it, or at least of
 * something. */
static bool
rename_row(struct rename *r, struct wd_mailbox *row, struct wd_error *err)
{
    struct wd_change_plan plan = { .kind = WD_CHANGE_NOTE, .user = r->user, .mailbox = row->id };
    struct wd_journal_row note = {
        .command = WD_JOURNAL_RENAME, .user = r->user, .mailbox = row->id, .path = row->path
    };
    struct wd_change change;

    if (!wd_change_begin(r->d, r->batch, r->arena, &plan, &change, err))
        return false;
    note.modseq = row->modify_index = change.first_modseq;
    if (!write_row(r, row, err)) {
        wd_change_void(r->d, &change);
        return false;
    }
    if (!wd_change_journal(r->batch, &change, &note, 1, err))
        return false;
    wd_change_done(r->d, &change);
    return true;
}

/* The new name may have had another mailbox with this UIDVALIDITY or a greater one: then the row
 * gets a new one. */
static bool
rename_rows(struct rename *r, struct wd_error *err)
{
    uint32_t floor, highest = 0;

    if (!wd_validity_floor(r->batch, r->user, &floor, err))
        return false;
    for (size_t i = 0; i < r->n; i++) {
        struct wd_mailbox *row = &r->rows[i];

        highest = row->uid_validity > highest ? row->uid_validity : highest;
        if (row->uid_validity <= floor)
            row->uid_validity = wd_validity_above(floor);
        row->path = renamed(r, row->path);
        if (!rename_row(r, row, err))
            return false;
    }
    return wd_validity_raise(r->batch, r->user, highest, err);
}

static bool
keep(struct rename *r, const struct wd_once *once, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t ids;
    char key[24];

    bson_append_array_begin(&outcome, "mailboxes", -1, &ids);
    for (size_t i = 0; i < r->n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_id(&ids, key, r->rows[i].id);
    }
    bson_append_array_end(&outcome, &ids);
    return wd_once_keep(r->batch, once, &outcome, err);
}

static bool
recall(struct rename *r, const struct wd_once *once, bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t ids;
    bson_iter_t at;

    if (!wd_once_find(r->batch, once, &outcome, found, err))
        return false;
    if (!*found || !wd_doc_sub(&outcome, "mailboxes", &ids))
        return true;
    r->rows = WD_ARENA_ARRAY(r->arena, struct wd_mailbox, bson_count_keys(&ids));
    for (bson_iter_init(&at, &ids); bson_iter_next(&at);) {
        struct wd_id id;
        bool there;

        memcpy(id.b, bson_iter_oid(&at)->bytes, sizeof id.b);
        if (!wd_mailbox_by_id(r->batch, r->arena, r->user, id, &r->rows[r->n], &there, err))
            return false;
        r->n += there;
    }
    return true;
}

/* A first call of this key has begun: the rows that it had not come to are renamed now. */
static bool
finish(struct rename *r, struct wd_error *err)
{
    struct rename rest = *r;

    rest.rows = WD_ARENA_ARRAY(r->arena, struct wd_mailbox, r->n);
    rest.n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (concerned(r, &r->rows[i]))
            rest.rows[rest.n++] = r->rows[i];
    return rest.n == 0 || rename_rows(&rest, err);
}

bool
wd_mailbox_rename(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                  struct wd_str new_path, bool with_children, const struct wd_once *once,
                  struct wd_mailbox **out, size_t *n, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct rename r = { .d = d, .arena = a, .user = user, .with_children = with_children };
    bool found;

    r.from = wd_path_normal(a, path);
    r.to = wd_path_normal(a, new_path);
    if (!wd_docs_batch_begin(d->docs, &batch, err))
        return false;
    r.batch = batch;
    if (!recall(&r, once, &found, err))
        return false;
    if (!found) {
        if (!check(&r, err) || !keep(&r, once, err) || !rename_rows(&r, err) ||
            !wd_docs_batch_commit(wd_take(batch), err))
            return false;
        for (size_t i = 0; i < r.n; i++)
            wd_mailbox_tell(d, user, r.rows[i].id, r.rows[i].modify_index);
    }
    if (found && !wd_docs_is_atomic(batch) && !finish(&r, err))
        return false;
    *out = r.rows;
    *n = r.n;
    return true;
}
