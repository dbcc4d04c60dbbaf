#include "store-svc/driver/embedded/scan_priv.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/port/match.h"

enum { SORT_BYTES_MAX = 256 << 20 };

struct em_sorted {
    int64_t id;
    bson_t *doc;
};

void
em_doc_done(struct em_doc *d)
{
    wd_buf_done(&d->bytes);
}

bool
em_doc_join(struct em_doc *d, struct wd_str head, struct wd_str bulk, struct wd_error *err)
{
    size_t extra = bulk.n > 5 ? bulk.n - 5 : 0;
    uint32_t n = BSON_UINT32_TO_LE((uint32_t)(head.n + extra));

    if (head.n < 5 || head.n + extra > INT32_MAX)
        return wd_fail(err, WD_DATA_LOSS, "a stored document is damaged");
    d->bytes.n = 0;
    wd_buf_add(&d->bytes, &n, 4);
    wd_buf_add(&d->bytes, head.p + 4, head.n - 5);
    if (extra)
        wd_buf_add(&d->bytes, bulk.p + 4, extra);
    wd_buf_chr(&d->bytes, '\0');
    if (!bson_init_static(&d->view, (const uint8_t *)d->bytes.p, d->bytes.n))
        return wd_fail(err, WD_DATA_LOSS, "a stored document is damaged");
    return true;
}

static struct wd_str
column_bytes(sqlite3_stmt *st, int column)
{
    const void *p = sqlite3_column_blob(st, column);

    return wd_str_n(p, (size_t)sqlite3_column_bytes(st, column));
}

static bool
prepare_printf(struct em_conn *conn, const struct wd_buf *sql, struct em_use *use, struct wd_error *err)
{
    return em_prepare(conn, wd_buf_view(sql), use, err);
}

static bool
bulk_open(struct em_conn *conn, const struct em_coll *coll, struct em_use *use, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };

    wd_buf_printf(&sql, "SELECT bulk FROM %s WHERE id=?", coll->b);
    return prepare_printf(conn, &sql, use, err);
}

/* The bulk of a row, borrowed until the statement is reset; empty when it has none. */
static bool
bulk_read(struct em_use *use, int64_t id, struct wd_str *out, struct wd_error *err)
{
    bool row;

    sqlite3_reset(use->st);
    sqlite3_bind_int64(use->st, 1, id);
    if (!em_step(use, &row, err))
        return false;
    *out = row ? column_bytes(use->st, 0) : WD_NONE;
    return true;
}

bool
em_load(struct em_conn *conn, const struct em_coll *coll, int64_t id, bool all, struct em_doc *out, bool *found,
        struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use head wd_auto(em_done) = { 0 }, bulk wd_auto(em_done) = { 0 };
    struct wd_str rest = WD_NONE;

    wd_buf_printf(&sql, "SELECT head FROM %s WHERE id=?", coll->c);
    if (!prepare_printf(conn, &sql, &head, err))
        return false;
    sqlite3_bind_int64(head.st, 1, id);
    if (!em_step(&head, found, err) || !*found)
        return !*found && sqlite3_errcode(conn->db) == SQLITE_DONE;
    if (all && coll->head && (!bulk_open(conn, coll, &bulk, err) || !bulk_read(&bulk, id, &rest, err)))
        return false;
    return em_doc_join(out, column_bytes(head.st, 0), rest, err);
}

/* ---- the statement ---- */

static bool
sql_sortable(const struct em_coll *coll, const bson_t *sort)
{
    bson_iter_t it;

    if (!bson_iter_init(&it, sort))
        return false;
    while (bson_iter_next(&it)) {
        int at = em_coll_column(coll, bson_iter_key(&it));
        if (at < 0 || atomic_load_explicit(&coll->columns[at].arrays, memory_order_relaxed))
            return false;
    }
    return true;
}

bool
em_projects_columns(const struct em_coll *coll, const bson_t *projection)
{
    bson_iter_t it;

    if (!projection || bson_empty(projection) || !sql_sortable(coll, projection))
        return false;
    bson_iter_init(&it, projection);
    while (bson_iter_next(&it))
        if (strchr(bson_iter_key(&it), '.')) /* a column is flat, the document is not */
            return false;
    return true;
}

static void
put_select(struct em_scan *s, struct wd_buf *sql)
{
    bson_iter_t it;

    if (s->want == EM_WANT_COUNT) {
        wd_buf_c(sql, "SELECT count(*)");
        return;
    }
    wd_buf_c(sql, "SELECT c.id");
    if (s->want == EM_WANT_COLUMNS) {
        wd_buf_c(sql, ",c.\"_id\"");
        bson_iter_init(&it, &s->projection);
        while (bson_iter_next(&it))
            if (strcmp(bson_iter_key(&it), "_id") != 0)
                wd_buf_printf(sql, ",c.\"%s\"", bson_iter_key(&it));
    } else if (s->want != EM_WANT_IDS || s->plan.checks || s->sorts) {
        wd_buf_c(sql, ",c.head");
    }
}

static void
put_order(struct em_scan *s, struct wd_buf *sql)
{
    bson_iter_t it;
    bool first = true;

    if (bson_empty(&s->sort) || s->sorts || s->want == EM_WANT_COUNT)
        return;
    bson_iter_init(&it, &s->sort);
    for (; bson_iter_next(&it); first = false)
        wd_buf_printf(sql, "%s c.\"%s\"%s", first ? " ORDER BY" : ",", bson_iter_key(&it),
                      bson_iter_as_int64(&it) < 0 ? " DESC" : "");
}

static const char *
usable_hint(const struct em_coll *coll, const char *hint)
{
    for (size_t i = 0; hint && i < coll->n_indexes; i++)
        if (strcmp(coll->indexes[i].declared->name, hint) == 0 && coll->indexes[i].kind == EM_INDEX_PLAIN &&
            !coll->indexes[i].skipped)
            return hint;
    return NULL;
}

static bool
open_rows(struct em_scan *s, const char *hint, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    bool in_sql = !s->plan.checks && !s->sorts && (s->limit >= 0 || s->skip > 0) && s->want != EM_WANT_COUNT;

    put_select(s, &sql);
    wd_buf_printf(&sql, " FROM %s AS c", s->coll->c);
    if (hint)
        wd_buf_printf(&sql, " INDEXED BY \"i_%s.%s\"", s->coll->declared->name, hint);
    if (s->plan.where.n) {
        wd_buf_c(&sql, " WHERE ");
        wd_buf_add(&sql, s->plan.where.p, s->plan.where.n);
    }
    put_order(s, &sql);
    if (in_sql)
        wd_buf_c(&sql, " LIMIT ? OFFSET ?");
    if (!em_prepare(s->conn, wd_buf_view(&sql), &s->rows, err))
        return hint ? open_rows(s, NULL, err) : false; /* the filter does not fit the hint */
    em_plan_bind(&s->plan, s->rows.st, 1);
    if (in_sql) {
        sqlite3_bind_int64(s->rows.st, (int)s->plan.binds.n + 1, s->limit);
        sqlite3_bind_int64(s->rows.st, (int)s->plan.binds.n + 2, s->skip);
        s->limit = -1;
        s->skip = 0;
    }
    return true;
}

/* Does any path of the document lead out of the head? */
static bool
leaves_head(const struct em_coll *coll, const bson_t *paths)
{
    bson_iter_t it;

    if (bson_iter_init(&it, paths))
        while (bson_iter_next(&it))
            if (bson_iter_key(&it)[0] == '$' || !em_in_head(coll, bson_iter_key(&it)))
                return true;
    return false;
}

static int
compare_sorted(const void *a, const void *b, void *sort)
{
    return wd_match_compare(((const struct em_sorted *)a)->doc, ((const struct em_sorted *)b)->doc, sort);
}

static bool next_row(struct em_scan *s, bool *row, struct wd_error *err);

static bool
sort_rows(struct em_scan *s, struct wd_error *err)
{
    size_t bytes = 0, cap = 0;
    bool row;

    for (;;) {
        if (!next_row(s, &row, err))
            return false;
        if (!row)
            break;
        bytes += s->doc.view.len + sizeof(bson_t);
        if (bytes > SORT_BYTES_MAX)
            return wd_fail(err, WD_DATABASE, "%s: too much to sort without an index", s->coll->declared->name);
        wd_vec_grow_((void **)&s->sorted, s->n_sorted, &cap, sizeof *s->sorted);
        s->sorted[s->n_sorted++] = (struct em_sorted){ s->id, bson_copy(&s->doc.view) };
    }
    if (s->n_sorted)
        qsort_r(s->sorted, s->n_sorted, sizeof *s->sorted, compare_sorted, &s->sort);
    return true;
}

static void
copy_bson(const bson_t *from, bson_t *to)
{
    if (from)
        bson_copy_to(from, to);
    else
        bson_init(to);
}

bool
em_scan(struct em_scan *s, struct em_conn *conn, const struct em_coll *coll, const bson_t *filter,
        const struct wd_docs_query *q, enum em_want want, struct wd_error *err)
{
    static const struct wd_docs_query whole;

    q = q ? q : &whole;
    s->conn = conn;
    s->coll = coll;
    s->want = want;
    s->open = true;
    copy_bson(filter, &s->filter);
    copy_bson(q->sort, &s->sort);
    copy_bson(q->projection, &s->projection);
    s->skip = q->skip;
    s->limit = q->limit > 0 ? q->limit : -1;
    if (!em_plan(&s->plan, coll, &s->filter, err))
        return false;
    s->sorts = !bson_empty(&s->sort) && want != EM_WANT_COUNT && !sql_sortable(coll, &s->sort);
    if (s->want == EM_WANT_COLUMNS && (s->plan.checks || s->sorts))
        s->want = leaves_head(coll, &s->projection) ? EM_WANT_ALL : EM_WANT_HEAD;
    if (s->want == EM_WANT_COUNT && s->plan.checks)
        s->want = EM_WANT_IDS;
    s->check_all = coll->head && s->want != EM_WANT_COLUMNS && s->want != EM_WANT_COUNT &&
                   ((s->plan.checks && leaves_head(coll, &s->plan.rest)) || (s->sorts && leaves_head(coll, &s->sort)));
    if (coll->head && (s->check_all || s->want == EM_WANT_ALL) && !bulk_open(conn, coll, &s->bulk, err))
        return false;
    return open_rows(s, usable_hint(coll, q->hint), err) && (!s->sorts || sort_rows(s, err));
}

bool
em_scan_counts(const struct em_scan *s)
{
    return s->want == EM_WANT_COUNT;
}

static bool
read_doc(struct em_scan *s, bool all, struct wd_error *err)
{
    struct wd_str head = column_bytes(s->rows.st, 1), bulk = WD_NONE;

    if (!all || !s->coll->head) {
        if (!bson_init_static(&s->doc.view, (const uint8_t *)head.p, head.n))
            return wd_fail(err, WD_DATA_LOSS, "a stored document is damaged");
        return true;
    }
    return bulk_read(&s->bulk, s->id, &bulk, err) && em_doc_join(&s->doc, head, bulk, err);
}

/* The next row that passes the conditions that SQL did not check. */
static bool
next_row(struct em_scan *s, bool *row, struct wd_error *err)
{
    bool need = s->plan.checks || s->sorts, matches;

    for (;;) {
        if (!em_step(&s->rows, row, err))
            return false;
        if (!*row || s->want == EM_WANT_COUNT)
            return true;
        s->id = sqlite3_column_int64(s->rows.st, 0);
        if (s->want == EM_WANT_COLUMNS || (s->want == EM_WANT_IDS && !need))
            return true;
        if (need && !read_doc(s, s->check_all, err))
            return false;
        if (s->plan.checks && !wd_match(&s->plan.rest, &s->doc.view, &matches, err))
            return false;
        if (!s->plan.checks || matches)
            break;
    }
    if (s->want == EM_WANT_IDS || (need && (s->want == EM_WANT_HEAD || s->check_all)))
        return true;
    return read_doc(s, s->want == EM_WANT_ALL, err);
}

static bool
next_sorted(struct em_scan *s, bool *row, struct wd_error *err)
{
    const struct em_sorted *at;

    *row = s->at_sorted < s->n_sorted;
    if (!*row)
        return true;
    at = &s->sorted[s->at_sorted++];
    s->id = at->id;
    if (!bson_init_static(&s->doc.view, bson_get_data(at->doc), at->doc->len))
        return wd_fail(err, WD_DATA_LOSS, "a stored document is damaged");
    return true;
}

bool
em_scan_next(struct em_scan *s, bool *row, struct wd_error *err)
{
    if (s->limit == 0) {
        *row = false;
        return true;
    }
    do {
        if (!(s->sorts ? next_sorted(s, row, err) : next_row(s, row, err)))
            return false;
    } while (*row && s->skip-- > 0);
    s->skip = 0;
    if (*row && s->limit > 0)
        s->limit--;
    return true;
}

void
em_scan_done(struct em_scan *s)
{
    if (!s->open)
        return;
    em_done(&s->rows);
    em_done(&s->bulk);
    for (size_t i = 0; i < s->n_sorted; i++)
        bson_destroy(s->sorted[i].doc);
    free(s->sorted);
    em_plan_done(&s->plan);
    em_doc_done(&s->doc);
    bson_destroy(&s->filter);
    bson_destroy(&s->sort);
    bson_destroy(&s->projection);
    s->open = false;
}
