#include "store-svc/domain/page.h"

#include "common/base/vec.h"
#include "store-svc/domain/doc.h"

/* A read under way. */
struct reading {
    const struct wd_page_order *order;
    const struct wd_page_position *from; /* NULL: from the start */
    bool backwards;                      /* against the list's order: the page before a position */
    size_t limit;
    struct WD_VEC(bson_t *) rows; /* in the order of reading; one more than the limit when there are more */
};

static bool
ascends(const struct reading *r)
{
    return r->order->descending == r->backwards;
}

static void
reading_done(struct reading *r)
{
    for (size_t i = 0; i < r->rows.n; i++)
        bson_destroy(r->rows.p[i]);
    wd_vec_done(&r->rows);
}

static void
add_value(bson_t *doc, const char *field, const struct reading *r)
{
    if (r->order->by == WD_PAGE_BY_TEXT)
        wd_doc_add_str(doc, field, r->from->text);
    else
        wd_doc_add_date(doc, field, r->from->date_ms);
}

/* {_id: {$gt: id}} */
static void
add_id_beyond(bson_t *doc, const struct reading *r)
{
    bson_t op;

    bson_append_document_begin(doc, "_id", -1, &op);
    wd_doc_add_id(&op, ascends(r) ? "$gt" : "$lt", r->from->id);
    bson_append_document_end(doc, &op);
}

/* $or: [{field: {$gt: value}}, {field: value, _id: {$gt: id}}] */
static void
add_pair_beyond(bson_t *filter, const struct reading *r)
{
    bson_t either, one, op;

    bson_append_array_begin(filter, "$or", -1, &either);
    bson_append_document_begin(&either, "0", -1, &one);
    bson_append_document_begin(&one, r->order->field, -1, &op);
    add_value(&op, ascends(r) ? "$gt" : "$lt", r);
    bson_append_document_end(&one, &op);
    bson_append_document_end(&either, &one);
    bson_append_document_begin(&either, "1", -1, &one);
    add_value(&one, r->order->field, r);
    add_id_beyond(&one, r);
    bson_append_document_end(&either, &one);
    bson_append_array_end(filter, &either);
}

/* {$and: [filter, what lies beyond the position]}: the filter may have an $or or an _id of its own. */
static void
add_filter(bson_t *out, const bson_t *filter, const struct reading *r)
{
    bson_t both, beyond;

    if (!r->from) {
        bson_concat(out, filter);
        return;
    }
    bson_append_array_begin(out, "$and", -1, &both);
    bson_append_document(&both, "0", -1, filter);
    bson_append_document_begin(&both, "1", -1, &beyond);
    if (r->order->by == WD_PAGE_BY_ID)
        add_id_beyond(&beyond, r);
    else
        add_pair_beyond(&beyond, r);
    bson_append_document_end(&both, &beyond);
    bson_append_array_end(out, &both);
}

static bool
read_rows(struct wd_docs *docs, const bson_t *filter, struct reading *r, struct wd_error *err)
{
    bson_t where wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct wd_docs_query q = { .projection = r->order->projection, .sort = &sort, .limit = (int64_t)r->limit + 1 };
    const bson_t *row;

    add_filter(&where, filter, r);
    if (r->order->by != WD_PAGE_BY_ID)
        wd_doc_add_int(&sort, r->order->field, ascends(r) ? 1 : -1);
    wd_doc_add_int(&sort, "_id", ascends(r) ? 1 : -1);
    if (!wd_docs_find(docs, r->order->coll, &where, &q, &rows, err))
        return false;
    for (;;) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return false;
        if (!row)
            return true;
        wd_vec_push(&r->rows, bson_copy(row));
    }
}

static struct wd_page_position
position_of(const struct reading *r, struct wd_arena *a, const bson_t *row)
{
    struct wd_page_position p = { .set = true };

    if (!wd_doc_id(row, "_id", &p.id))
        p.set = false;
    if (r->order->by == WD_PAGE_BY_TEXT)
        p.text = wd_arena_str(a, wd_doc_str(row, r->order->field));
    if (r->order->by == WD_PAGE_BY_DATE)
        p.date_ms = wd_doc_date(row, r->order->field, 0);
    return p;
}

/* Gives the rows in the list's order and says what lies on both sides of them. */
static bool
give_rows(struct reading *r, struct wd_arena *a, wd_page_row *each, void *data, struct wd_paged *out,
          struct wd_error *err)
{
    bool more = r->rows.n > r->limit;
    size_t n = more ? r->limit : r->rows.n;

    for (size_t i = 0; i < n; i++)
        if (!each(data, r->rows.p[r->backwards ? n - 1 - i : i], err))
            return false;
    if (n == 0)
        return true;
    if (more || r->backwards)
        out->next = position_of(r, a, r->rows.p[r->backwards ? 0 : n - 1]);
    if (r->backwards ? more : r->from != NULL)
        out->previous = position_of(r, a, r->rows.p[r->backwards ? n - 1 : 0]);
    return true;
}

bool
wd_page_read(struct wd_docs *docs, struct wd_arena *a, const struct wd_page_order *order, const bson_t *filter,
             const struct wd_page *page, wd_page_row *each, void *data, struct wd_paged *out, struct wd_error *err)
{
    struct reading r wd_auto(reading_done) = {
        .order = order,
        .from = page->next.set ? &page->next : page->previous.set ? &page->previous : NULL,
        .backwards = !page->next.set && page->previous.set,
        .limit = page->limit == 0 ? WD_PAGE_LIMIT : page->limit > WD_PAGE_MAX ? WD_PAGE_MAX : page->limit,
    };
    int64_t total;

    *out = (struct wd_paged){ 0 };
    if (!wd_docs_count(docs, order->coll, filter, &total, err) || !read_rows(docs, filter, &r, err))
        return wd_fail_in(err, "read page");
    out->total = (uint64_t)total;
    return give_rows(&r, a, each, data, out, err);
}
