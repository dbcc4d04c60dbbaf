/* The entries of multikey indexes and the words of text indexes. */
#include <stdlib.h>

#include "store-svc/driver/embedded/row_priv.h"
#include "store-svc/port/match.h"

struct entry {
    struct em_value k[EM_FIELDS_MAX];
};

struct entries {
    struct entry *p;
    size_t n, cap;
    bool odd; /* the document does not fit into entries */
};

static void
entries_done(struct entries *e)
{
    wd_vec_done(e);
}

/* The array that a path goes through or ends in: its position, and what of the path is left ("" at the end). */
static bool
find_array(const bson_t *doc, const char *path, bson_iter_t *array, const char **rest)
{
    bson_iter_t it, inner;
    size_t n = strcspn(path, ".");
    bool found = bson_iter_init_find_w_len(&it, doc, path, (int)n);

    while (found && path[n] == '.' && BSON_ITER_HOLDS_DOCUMENT(&it)) {
        path += n + 1;
        n = strcspn(path, ".");
        found = bson_iter_recurse(&it, &inner) && bson_iter_find_w_len(&inner, path, (int)n);
        it = inner;
    }
    if (!found || !BSON_ITER_HOLDS_ARRAY(&it))
        return false;
    *array = it;
    *rest = path[n] ? path + n + 1 : "";
    return true;
}

static void
element_value(const bson_iter_t *element, const char *rest, struct em_value *out)
{
    const uint8_t *bytes;
    uint32_t n;
    bson_t doc;

    if (!*rest) {
        em_value_of(element, out);
        return;
    }
    em_value_of(NULL, out);
    if (!BSON_ITER_HOLDS_DOCUMENT(element))
        return;
    bson_iter_document(element, &n, &bytes);
    if (bson_init_static(&doc, bytes, n))
        em_value_at(&doc, rest, out);
}

/* Rows without any value of the array would never be found through the index. */
static bool
entry_counts(const struct em_index *x, const struct entry *e)
{
    for (size_t i = 0; i < x->n_fields; i++)
        if (x->fields[i].column < 0 && e->k[i].type != EM_NULL)
            return true;
    return false;
}

static bool
entry_eq(const struct em_index *x, const struct entry *a, const struct entry *b)
{
    for (size_t i = 0; i < x->n_fields; i++)
        if (!em_value_eq(&a->k[i], &b->k[i]))
            return false;
    return true;
}

static bool
entries_have(const struct em_index *x, const struct entries *all, const struct entry *e)
{
    for (size_t i = 0; i < all->n; i++)
        if (entry_eq(x, &all->p[i], e))
            return true;
    return false;
}

/* An element that is an array itself, or a second array beside the first, does not fit into entries. */
static bool
is_odd(const struct em_index *x, const struct entry *e, const bool *elements)
{
    for (size_t i = 0; i < x->n_fields; i++)
        if (em_value_is_array(&e->k[i]) && (elements[i] || x->fields[i].column < 0))
            return true;
    return false;
}

static void
entries_add(const struct em_index *x, struct entries *out, const struct entry *e, const bool *elements)
{
    out->odd = out->odd || is_odd(x, e, elements);
    if (entry_counts(x, e))
        wd_vec_push(out, *e);
}

/* One entry per element of the array that the index goes through, or one when there is no array. */
static void
entries_make(const struct em_index *x, const bson_t *doc, struct entries *out)
{
    const char *rests[EM_FIELDS_MAX] = { NULL };
    bool elements[EM_FIELDS_MAX] = { false }, any = false;
    bson_iter_t array, other, element;
    struct entry e;

    for (size_t i = 0; i < x->n_fields; i++) {
        bool found = find_array(doc, x->fields[i].path, &other, &rests[i]);
        if (found && (!any || other.raw + other.off == array.raw + array.off)) {
            array = other;
            any = elements[i] = true;
        } else {
            em_value_at(doc, x->fields[i].path, &e.k[i]);
        }
        if (!found && x->fields[i].column < 0 && e.k[i].type != EM_NULL && strchr(x->fields[i].path, '.'))
            out->odd = true; /* a document where an array of documents belongs */
    }
    if (!any) {
        entries_add(x, out, &e, elements);
        return;
    }
    if (!bson_iter_recurse(&array, &element))
        return;
    for (any = false; bson_iter_next(&element); any = true) {
        for (size_t i = 0; i < x->n_fields; i++)
            if (elements[i])
                element_value(&element, rests[i], &e.k[i]);
        entries_add(x, out, &e, elements);
    }
    for (size_t i = 0; i < x->n_fields && !any; i++)
        if (elements[i])
            em_value_of(NULL, &e.k[i]);
    if (!any) /* the other fields can still be asked for */
        entries_add(x, out, &e, elements);
}

/* The key of the table holds no NULL; an empty blob stands for it. */
static void
bind_key(sqlite3_stmt *st, int at, const struct em_value *v)
{
    if (v->type == EM_NULL)
        sqlite3_bind_zeroblob(st, at, 0);
    else
        em_value_bind(st, at, v, false);
}

/* Inserts, or removes, the entries of `all` that `others` does not have. */
static bool
entries_write(struct em_conn *conn, const struct em_index *x, int64_t id, const struct entries *all,
              const struct entries *others, bool insert, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use wd_auto(em_done) = { 0 };
    bool row;

    wd_buf_printf(&sql, insert ? "INSERT OR IGNORE INTO %s VALUES(?" : "DELETE FROM %s WHERE id=?", x->table);
    for (size_t i = 0; i < x->n_fields; i++)
        wd_buf_printf(&sql, insert ? ",?" : " AND k%zu=?", i);
    if (insert)
        wd_buf_c(&sql, ")");
    for (size_t i = 0; i < all->n; i++) {
        if (entries_have(x, others, &all->p[i]))
            continue;
        if (!use.st && !em_prepare(conn, wd_buf_view(&sql), &use, err))
            return false;
        sqlite3_reset(use.st);
        sqlite3_bind_int64(use.st, 1, id);
        for (size_t k = 0; k < x->n_fields; k++)
            bind_key(use.st, (int)k + 2, &all->p[i].k[k]);
        if (!em_step(&use, &row, err))
            return false;
    }
    return true;
}

static bool
side_change(struct em_conn *conn, struct em_index *x, int64_t id, const bson_t *old, const bson_t *now,
            struct wd_error *err)
{
    struct entries before wd_auto(entries_done) = { 0 }, after wd_auto(entries_done) = { 0 };

    if (old)
        entries_make(x, old, &before);
    if (now)
        entries_make(x, now, &after);
    if (after.odd) { /* from now on such conditions are checked in C, in this process and the next */
        struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
        struct em_use use = { 0 };
        atomic_store(&x->odd, true);
        wd_buf_printf(&sql, "INSERT OR IGNORE INTO wd_odd VALUES('%s')", x->table);
        if (!em_prepare(conn, wd_buf_view(&sql), &use, err) || !em_run(&use, err))
            return false;
    }
    return entries_write(conn, x, id, &before, &after, false, err) &&
           entries_write(conn, x, id, &after, &before, true, err);
}

/* ---- words ---- */

static bool
add_words(const bson_iter_t *value, void *data)
{
    struct wd_buf *out = data;
    const char *p;
    uint32_t n;

    if (value && BSON_ITER_HOLDS_UTF8(value)) {
        p = bson_iter_utf8(value, &n);
        wd_buf_add(out, p, n);
        wd_buf_c(out, " \n");
    }
    return false;
}

/* One buffer per column: the prefix tokens, then each text field. n: how many. */
static void
words_make(const struct em_index *x, const bson_t *doc, struct wd_buf *columns, size_t *n)
{
    struct em_value v;

    *n = 1;
    for (size_t i = 0; i < x->n_fields; i++) {
        if (x->fields[i].text) {
            wd_match_each(doc, x->fields[i].path, add_words, &columns[(*n)++]);
        } else {
            em_value_at(doc, x->fields[i].path, &v);
            em_text_prefix(&columns[0], &v);
        }
    }
}

static bool
words_write(struct em_conn *conn, const struct em_index *x, int64_t id, const struct wd_buf *columns, size_t n,
            bool insert, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use = { 0 };

    wd_buf_printf(&sql, "INSERT INTO %s(%s%srowid,p", x->table, insert ? "" : x->table, insert ? "" : ",");
    for (size_t i = 1; i < n; i++)
        wd_buf_printf(&sql, ",t%zu", i - 1);
    wd_buf_c(&sql, insert ? ")VALUES(?" : ")VALUES('delete',?");
    for (size_t i = 0; i < n; i++)
        wd_buf_c(&sql, ",?");
    wd_buf_c(&sql, ")");
    if (!em_prepare(conn, wd_buf_view(&sql), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, id);
    for (size_t i = 0; i < n; i++)
        sqlite3_bind_text(use.st, (int)i + 2, columns[i].p ? columns[i].p : "", (int)columns[i].n, SQLITE_STATIC);
    return em_run(&use, err);
}

static bool
is_indexed(const struct em_index *x, const bson_t *doc, bool *in, struct wd_error *err)
{
    *in = doc != NULL;
    return !doc || !x->partial || wd_match(x->partial, doc, in, err);
}

static bool
text_change(struct em_conn *conn, const struct em_index *x, int64_t id, const bson_t *old, const bson_t *now,
            struct wd_error *err)
{
    struct wd_buf before[EM_FIELDS_MAX + 1] = { { .n = 0 } }, after[EM_FIELDS_MAX + 1] = { { .n = 0 } };
    bool was, is, same, ok = true;
    size_t n = 0;

    if (!is_indexed(x, old, &was, err) || !is_indexed(x, now, &is, err))
        return false;
    if (was)
        words_make(x, old, before, &n);
    if (is)
        words_make(x, now, after, &n);
    same = was && is;
    for (size_t i = 0; i < n && same; i++)
        same = wd_str_eq(wd_buf_view(&before[i]), wd_buf_view(&after[i]));
    if (!same)
        ok = (!was || words_write(conn, x, id, before, n, false, err)) &&
             (!is || words_write(conn, x, id, after, n, true, err));
    for (size_t i = 0; i <= EM_FIELDS_MAX; i++) {
        wd_buf_done(&before[i]);
        wd_buf_done(&after[i]);
    }
    return ok;
}

bool
em_entries_change(struct em_conn *conn, struct em_index *x, int64_t id, const bson_t *old, const bson_t *now,
                  struct wd_error *err)
{
    if (x->kind == EM_INDEX_SIDE)
        return side_change(conn, x, id, old, now, err);
    return x->kind == EM_INDEX_PLAIN || text_change(conn, x, id, old, now, err);
}
