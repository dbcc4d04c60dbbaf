/* Reading: one document, a cursor, a count. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/driver/embedded/docs_priv.h"
#include "store-svc/port/match.h"

enum { FIELDS_MAX = 32 };

struct em_cursor {
    struct wd_docs_cursor base;
    struct em_handle *handle;
    struct em_conn *conn;
    struct em_scan scan;
    bson_t doc; /* what next() shows */
    struct em_doc loaded;
    const char *keys[FIELDS_MAX]; /* of EM_WANT_COLUMNS, after _id; in scan.projection */
    int key_lengths[FIELDS_MAX];
    size_t n_keys;
};

static enum em_want
wanted(const struct em_coll *coll, const struct wd_docs_query *q)
{
    bson_iter_t it;

    if (!q->projection || bson_empty(q->projection))
        return EM_WANT_ALL;
    if (em_projects_columns(coll, q->projection) && bson_count_keys(q->projection) <= FIELDS_MAX)
        return EM_WANT_COLUMNS;
    if (bson_iter_init(&it, q->projection))
        while (bson_iter_next(&it))
            if (!em_in_head(coll, bson_iter_key(&it)))
                return EM_WANT_ALL;
    return EM_WANT_HEAD;
}

static void
remember_keys(struct em_cursor *c)
{
    bson_iter_t it;

    bson_iter_init(&it, &c->scan.projection);
    while (bson_iter_next(&it)) {
        if (strcmp(bson_iter_key(&it), "_id") == 0)
            continue;
        c->keys[c->n_keys] = bson_iter_key(&it);
        c->key_lengths[c->n_keys++] = (int)bson_iter_key_len(&it);
    }
}

static bool
check_projection(const bson_t *projection, struct wd_error *err)
{
    bson_t nothing = BSON_INITIALIZER, out;

    if (!wd_match_project(&nothing, projection, &out, err))
        return false;
    bson_destroy(&out);
    return true;
}

static bool
cursor_open(struct em_handle *h, const char *name, const bson_t *filter, const struct wd_docs_query *q,
            struct em_cursor *c, struct wd_error *err)
{
    struct em_coll *coll = em_coll_of(h, name, err);

    c->base.ops = &em_docs_ops;
    c->handle = h;
    bson_init(&c->doc);
    if (!coll || (q->projection && !check_projection(q->projection, err)) || !em_read_begin(h, &c->conn, err) ||
        !em_scan(&c->scan, c->conn, coll, filter, q, wanted(coll, q), err))
        return false;
    if (c->scan.want == EM_WANT_COLUMNS)
        remember_keys(c);
    return true;
}

static void
cursor_done(struct em_cursor *c)
{
    em_scan_done(&c->scan);
    if (c->conn)
        em_read_end(c->handle, c->conn);
    bson_destroy(&c->doc);
    em_doc_done(&c->loaded);
}

static bool
project(struct em_cursor *c, const bson_t *from, struct wd_error *err)
{
    bson_t made;

    if (bson_empty(&c->scan.projection)) {
        bson_destroy(&c->doc);
        if (!bson_init_static(&c->doc, bson_get_data(from), from->len))
            return wd_fail(err, WD_DATA_LOSS, "a stored document is damaged");
        return true;
    }
    if (!wd_match_project(from, &c->scan.projection, &made, err))
        return false;
    bson_destroy(&c->doc);
    bson_steal(&c->doc, &made);
    return true;
}

/* A column that is NULL or opaque does not tell what the document has: reads it. */
static bool
from_columns(struct em_cursor *c, struct wd_error *err)
{
    sqlite3_stmt *st = c->scan.rows.st;
    bool found, ok;

    bson_reinit(&c->doc);
    ok = em_column_append(st, 1, "_id", 3, &c->doc);
    for (size_t i = 0; i < c->n_keys && ok; i++)
        ok = em_column_append(st, (int)i + 2, c->keys[i], c->key_lengths[i], &c->doc);
    if (ok)
        return true;
    if (!em_load(c->conn, c->scan.coll, c->scan.id, true, &c->loaded, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_DATA_LOSS, "a stored document is missing");
    return project(c, &c->loaded.view, err);
}

static bool
cursor_step(struct em_cursor *c, bool *row, struct wd_error *err)
{
    if (!em_scan_next(&c->scan, row, err))
        return false;
    if (!*row)
        return true;
    return c->scan.want == EM_WANT_COLUMNS ? from_columns(c, err) : project(c, &c->scan.doc.view, err);
}

bool
em_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
        struct wd_docs_cursor **out, struct wd_error *err)
{
    struct em_cursor *c = WD_NEW(struct em_cursor);

    if (!cursor_open((struct em_handle *)d, coll, filter, q, c, err)) {
        em_cursor_free(&c->base);
        return false;
    }
    *out = &c->base;
    return true;
}

bool
em_cursor_next(struct wd_docs_cursor *base, const bson_t **doc, struct wd_error *err)
{
    struct em_cursor *c = (struct em_cursor *)base;
    bool row;

    if (!cursor_step(c, &row, err))
        return false;
    *doc = row ? &c->doc : NULL;
    return true;
}

void
em_cursor_free(struct wd_docs_cursor *base)
{
    struct em_cursor *c = (struct em_cursor *)base;

    cursor_done(c);
    free(c);
}

bool
em_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q, bson_t *out,
            bool *found, struct wd_error *err)
{
    struct em_cursor c = { 0 };
    struct wd_docs_query one = *q;
    bool ok;

    one.limit = 1;
    ok = cursor_open((struct em_handle *)d, coll, filter, &one, &c, err) && cursor_step(&c, found, err);
    if (ok && *found)
        bson_concat(out, &c.doc); /* the caller may have it on the heap */
    cursor_done(&c);
    return ok;
}

bool
em_count(struct wd_docs *d, const char *name, const bson_t *filter, int64_t *out, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    struct em_coll *coll = em_coll_of(h, name, err);
    struct em_scan scan wd_auto(em_scan_done) = { 0 };
    struct em_conn *conn;
    int64_t n = 0;
    bool row, ok;

    if (!coll || !em_read_begin(h, &conn, err))
        return false;
    ok = em_scan(&scan, conn, coll, filter, NULL, EM_WANT_COUNT, err);
    while (ok && (ok = em_scan_next(&scan, &row, err)) && row)
        n = em_scan_counts(&scan) ? sqlite3_column_int64(scan.rows.st, 0) : n + 1;
    em_scan_done(&scan);
    em_read_end(h, conn);
    *out = n;
    return ok;
}
