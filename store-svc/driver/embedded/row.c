/* One document in its tables: columns and head, bulk, entries and words. */
#include "store-svc/driver/embedded/row_priv.h"

#include "store-svc/port/match.h"

static void
split(const struct em_coll *coll, const bson_t *doc, bson_t *head, bson_t *bulk)
{
    bson_iter_t it;

    bson_init(head);
    bson_init(bulk);
    bson_iter_init(&it, doc);
    while (bson_iter_next(&it))
        bson_append_iter(em_in_head(coll, bson_iter_key(&it)) ? head : bulk, NULL, 0, &it);
}

/* ---- unique indexes ---- */

static bool
duplicate(struct wd_error *err, const struct em_coll *coll, const char *index)
{
    return wd_fail(err, WD_DUPLICATE, "%s: index %s has it already", coll->declared->name, index);
}

/* SQLite names the columns, callers want the index. */
static bool
name_duplicate(const struct em_coll *coll, struct wd_error *err)
{
    struct wd_str text = wd_str_c(err->text);

    for (size_t i = 0; i < coll->n_indexes; i++) {
        const struct em_index *x = &coll->indexes[i];
        struct wd_buf columns wd_auto(wd_buf_done) = { 0 };
        if (!(x->declared->flags & WD_INDEX_UNIQUE))
            continue;
        for (size_t j = 0; j < x->n_fields; j++)
            wd_buf_printf(&columns, "%s c_%s.%s", j ? "," : ":", coll->declared->name, x->fields[j].path);
        if (wd_str_ends(text, wd_buf_view(&columns)))
            return duplicate(err, coll, x->declared->name);
    }
    return duplicate(err, coll, "_id_");
}

/* SQLite lets NULL repeat in a unique index; BSON's null is a value like others. */
static bool
check_null(struct em_conn *conn, const struct em_coll *coll, const struct em_index *x, int64_t id,
           const struct em_value *values, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use wd_auto(em_done) = { 0 };
    size_t nulls = 0;
    bool row;

    for (size_t i = 0; i < x->n_fields; i++)
        nulls += values[x->fields[i].column].type == EM_NULL;
    if (nulls == 0 || (nulls == x->n_fields && (x->declared->flags & WD_INDEX_SPARSE)))
        return true;
    wd_buf_printf(&sql, "SELECT 1 FROM %s WHERE id<>?", coll->c);
    for (size_t i = 0; i < x->n_fields; i++)
        wd_buf_printf(&sql, " AND \"%s\" IS ?", x->fields[i].path);
    if (!em_prepare(conn, wd_buf_view(&sql), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, id);
    for (size_t i = 0; i < x->n_fields; i++)
        em_value_bind(use.st, (int)i + 2, &values[x->fields[i].column], false);
    return em_step(&use, &row, err) && (!row || duplicate(err, coll, x->declared->name));
}

static bool
check_unique(struct em_conn *conn, const struct em_coll *coll, int64_t id, const struct em_value *values,
             struct wd_error *err)
{
    for (size_t i = 0; i < coll->n_indexes; i++) {
        const struct em_index *x = &coll->indexes[i];
        if (!(x->declared->flags & WD_INDEX_UNIQUE) || x->kind != EM_INDEX_PLAIN)
            continue;
        for (size_t j = 0; j < x->n_fields; j++)
            if (em_value_is_array(&values[x->fields[j].column]))
                return wd_fail(err, WD_INVALID, "%s: an array in the unique index %s", coll->declared->name,
                               x->declared->name);
        if (!check_null(conn, coll, x, id, values, err))
            return false;
    }
    return true;
}

/* ---- columns ---- */

/* From now on conditions on this column are checked in C, in this process and the next. */
static bool
note_array(struct em_conn *conn, struct em_coll *coll, size_t column, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use = { 0 };

    atomic_store(&coll->columns[column].arrays, true);
    wd_buf_printf(&sql, "INSERT OR IGNORE INTO wd_odd VALUES('%s.%s')", coll->c, coll->columns[column].path);
    return em_prepare(conn, wd_buf_view(&sql), &use, err) && em_run(&use, err);
}

static bool
columns_of(struct em_conn *conn, struct em_coll *coll, const bson_t *doc, struct em_value *values,
           struct wd_error *err)
{
    for (size_t i = 0; i < coll->n_columns; i++) {
        em_value_at(doc, coll->columns[i].path, &values[i]);
        if (em_value_is_array(&values[i]) && !note_array(conn, coll, i, err))
            return false;
    }
    if (values[0].type == EM_NULL || values[0].opaque)
        return wd_fail(err, WD_INVALID, "%s: a document without a usable _id", coll->declared->name);
    return true;
}

static void
bind_bson(sqlite3_stmt *st, int at, const bson_t *doc)
{
    sqlite3_bind_blob(st, at, bson_get_data(doc), (int)doc->len, SQLITE_STATIC);
}

static bool
bulk_write(struct em_conn *conn, const struct em_coll *coll, int64_t id, const bson_t *bulk, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use = { 0 };
    bool empty = bson_empty(bulk);

    if (!coll->head)
        return true;
    wd_buf_printf(&sql, empty ? "DELETE FROM %s WHERE id=?" : "INSERT OR REPLACE INTO %s VALUES(?,?)", coll->b);
    if (!em_prepare(conn, wd_buf_view(&sql), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, id);
    if (!empty)
        bind_bson(use.st, 2, bulk);
    return em_run(&use, err);
}

static bool
write_entries(struct em_conn *conn, struct em_coll *coll, int64_t id, const bson_t *old, const bson_t *now,
              struct wd_error *err)
{
    for (size_t i = 0; i < coll->n_indexes; i++)
        if (!em_entries_change(conn, &coll->indexes[i], id, old, now, err))
            return false;
    return true;
}

/* ---- insert and remove ---- */

static bool
insert_columns(struct em_conn *conn, struct em_coll *coll, const struct em_value *values, const bson_t *head,
               struct wd_error *err)
{
    struct em_use use = { 0 };

    if (!em_prepare(conn, wd_str_c(coll->insert_sql), &use, err))
        return false;
    for (size_t i = 0; i < coll->n_columns; i++)
        em_value_bind(use.st, (int)i + 1, &values[i], false);
    bind_bson(use.st, (int)coll->n_columns + 1, head);
    if (em_run(&use, err))
        return true;
    return err->reason == WD_DUPLICATE ? name_duplicate(coll, err) : false;
}

bool
em_row_insert(struct em_conn *conn, struct em_coll *coll, const bson_t *doc, struct wd_error *err)
{
    struct em_value values[EM_COLUMNS_MAX];
    bson_t head wd_auto(bson_destroy), bulk wd_auto(bson_destroy);
    int64_t id;

    split(coll, doc, &head, &bulk);
    if (!columns_of(conn, coll, doc, values, err) || !check_unique(conn, coll, 0, values, err) ||
        !insert_columns(conn, coll, values, &head, err))
        return false;
    id = sqlite3_last_insert_rowid(conn->db);
    return (bson_empty(&bulk) || bulk_write(conn, coll, id, &bulk, err)) &&
           write_entries(conn, coll, id, NULL, doc, err);
}

static bool
has_bulk_entries(const struct em_coll *coll)
{
    for (size_t i = 0; i < coll->n_indexes; i++)
        if (coll->indexes[i].kind != EM_INDEX_PLAIN && coll->indexes[i].bulk)
            return true;
    return false;
}

static bool
delete_from(struct em_conn *conn, const char *table, int64_t id, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use = { 0 };

    wd_buf_printf(&sql, "DELETE FROM %s WHERE id=?", table);
    if (!em_prepare(conn, wd_buf_view(&sql), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, id);
    return em_run(&use, err);
}

bool
em_row_remove(struct em_conn *conn, struct em_coll *coll, int64_t id, bool *found, struct wd_error *err)
{
    struct em_doc doc wd_auto(em_doc_done) = { 0 };

    if (!em_load(conn, coll, id, has_bulk_entries(coll), &doc, found, err))
        return false;
    return !*found || (write_entries(conn, coll, id, &doc.view, NULL, err) && delete_from(conn, coll->c, id, err) &&
                       (!coll->head || delete_from(conn, coll->b, id, err)));
}

/* ---- update ---- */

/* Calls fn for the top-level field of each path that an update names, until it returns true. */
static bool
each_root(const bson_t *update, bool (*fn)(const char *root, size_t n, const void *data), const void *data)
{
    bson_iter_t op, field;

    if (!bson_iter_init(&op, update))
        return false;
    while (bson_iter_next(&op)) {
        if (!BSON_ITER_HOLDS_DOCUMENT(&op) || !bson_iter_recurse(&op, &field))
            continue;
        while (bson_iter_next(&field))
            if (fn(bson_iter_key(&field), strcspn(bson_iter_key(&field), "."), data))
                return true;
    }
    return false;
}

static bool
is_in_bulk(const char *root, size_t n, const void *data)
{
    (void)n;
    return !em_in_head(data, root);
}

static bool
is_root_of(const char *root, size_t n, const void *data)
{
    const char *path = data;

    return strcspn(path, ".") == n && memcmp(root, path, n) == 0;
}

static bool
is_in_index(const char *root, size_t n, const void *data)
{
    return em_index_has_root(data, root, n);
}

struct pair {
    const struct em_index *index;
    const bson_t *old, *now;
};

static bool
root_differs(const char *root, size_t n, const void *data)
{
    const struct pair *p = data;
    bson_iter_t a, b;
    bool had, has;

    if (!em_index_has_root(p->index, root, n))
        return false;
    had = bson_iter_init_find_w_len(&a, p->old, root, (int)n);
    has = bson_iter_init_find_w_len(&b, p->now, root, (int)n);
    return had != has || (had && (a.next_off - a.off != b.next_off - b.off ||
                                  memcmp(a.raw + a.off, b.raw + b.off, a.next_off - a.off) != 0));
}

/* Do the entries or words change in a way for which the bulk is needed? */
static bool
entries_need_bulk(const struct em_coll *coll, const bson_t *update, const bson_t *old, const bson_t *now)
{
    for (size_t i = 0; i < coll->n_indexes; i++) {
        struct pair p = { &coll->indexes[i], old, now };
        if (p.index->kind != EM_INDEX_PLAIN && p.index->bulk && each_root(update, root_differs, &p))
            return true;
    }
    return false;
}

static bool
update_columns(struct em_conn *conn, struct em_coll *coll, int64_t id, const bson_t *update, const bson_t *old,
               const bson_t *now, const bson_t *head, struct wd_error *err)
{
    struct em_value before[EM_COLUMNS_MAX], after[EM_COLUMNS_MAX];
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    bool changed[EM_COLUMNS_MAX], any = false;
    struct em_use use = { 0 };
    int at = 1;

    wd_buf_printf(&sql, "UPDATE %s SET ", coll->c);
    for (size_t i = 0; i < coll->n_columns; i++) {
        const char *path = coll->columns[i].path;
        changed[i] = false;
        if (update && !each_root(update, is_root_of, path))
            continue;
        em_value_at(old, path, &before[i]);
        em_value_at(now, path, &after[i]);
        changed[i] = !em_value_eq(&before[i], &after[i]);
        any = any || changed[i];
        if (changed[i])
            wd_buf_printf(&sql, "\"%s\"=?,", path);
        if (changed[i] && em_value_is_array(&after[i]) && !note_array(conn, coll, i, err))
            return false;
    }
    if (any) {
        struct em_value all[EM_COLUMNS_MAX];
        bool unique = false;
        for (size_t i = 0; i < coll->n_indexes; i++)
            unique = unique || (coll->indexes[i].declared->flags & WD_INDEX_UNIQUE);
        if (unique && (!columns_of(conn, coll, now, all, err) || !check_unique(conn, coll, id, all, err)))
            return false;
    }
    wd_buf_c(&sql, "head=? WHERE id=?");
    if (!em_prepare(conn, wd_buf_view(&sql), &use, err))
        return false;
    for (size_t i = 0; i < coll->n_columns; i++)
        if (changed[i])
            em_value_bind(use.st, at++, &after[i], false);
    bind_bson(use.st, at++, head);
    sqlite3_bind_int64(use.st, at, id);
    if (em_run(&use, err))
        return true;
    return err->reason == WD_DUPLICATE ? name_duplicate(coll, err) : false;
}

/* old and now are both whole documents, or both heads when the bulk does not matter. */
static bool
write_update(struct em_conn *conn, struct em_coll *coll, int64_t id, const bson_t *update, const bson_t *old,
             const bson_t *now, bool whole, struct wd_error *err)
{
    bson_t head wd_auto(bson_destroy) = BSON_INITIALIZER, bulk wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool parts = whole && coll->head;

    if (parts)
        split(coll, now, &head, &bulk);
    if (!update_columns(conn, coll, id, update, old, now, parts ? &head : now, err))
        return false;
    if (parts && each_root(update, is_in_bulk, coll) && !bulk_write(conn, coll, id, &bulk, err))
        return false;
    for (size_t i = 0; i < coll->n_indexes; i++)
        if (coll->indexes[i].kind != EM_INDEX_PLAIN && each_root(update, is_in_index, &coll->indexes[i]) &&
            (whole || !coll->indexes[i].bulk) && !em_entries_change(conn, &coll->indexes[i], id, old, now, err))
            return false;
    return true;
}

static bool
update_at(struct em_conn *conn, struct em_coll *coll, int64_t id, struct em_row_change *change, bool whole,
          bool *again, struct wd_error *err)
{
    struct em_doc old wd_auto(em_doc_done) = { 0 };
    bson_t now wd_auto(bson_destroy) = BSON_INITIALIZER, made;

    *again = false;
    if (!em_load(conn, coll, id, whole, &old, &change->found, err))
        return false;
    if (!change->found)
        return true;
    if (!wd_match_update(&old.view, change->update, false, &made, &change->modified, err))
        return false;
    bson_destroy(&now);
    bson_steal(&now, &made);
    *again = change->modified && !whole && entries_need_bulk(coll, change->update, &old.view, &now);
    if (*again)
        return true;
    if (change->modified && !write_update(conn, coll, id, change->update, &old.view, &now, whole, err))
        return false;
    if (change->before)
        bson_copy_to(&old.view, change->before);
    if (change->after)
        bson_copy_to(&now, change->after);
    return true;
}

bool
em_row_update(struct em_conn *conn, struct em_coll *coll, int64_t id, struct em_row_change *change,
              struct wd_error *err)
{
    bool whole = !coll->head || change->before || change->after || each_root(change->update, is_in_bulk, coll), again;

    return update_at(conn, coll, id, change, whole, &again, err) &&
           (!again || update_at(conn, coll, id, change, true, &again, err));
}

bool
em_row_rebuild(struct em_conn *conn, struct em_coll *coll, int64_t id, const bson_t *doc, struct wd_error *err)
{
    const bson_t nothing = BSON_INITIALIZER;
    bson_t head wd_auto(bson_destroy), bulk wd_auto(bson_destroy);

    split(coll, doc, &head, &bulk);
    return update_columns(conn, coll, id, NULL, &nothing, doc, &head, err) &&
           bulk_write(conn, coll, id, &bulk, err) && write_entries(conn, coll, id, NULL, doc, err);
}
