/* store-svc/driver/mongo/find.c – reading: one document, many, and how many. */
#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "store-svc/driver/mongo/docs_priv.h"

/* Documents in one batch of a cursor: 1,000 messages' heads or a large mailbox's UIDs in one or a few trips, where the
 * server's default of 101 would cost many. It cuts a batch at 16 MiB, so memory is bounded by that. */
enum { BATCH = 50000 };

struct mongo_cursor {
    struct wd_docs_cursor base;
    struct mongo_link *link;
    struct mongo_coll *coll;
    /* While the server has more: the connection that it hangs on. */
    struct mongo_lease lease;
    mongoc_cursor_t *from;
    const bson_t *first;
    /* Or all documents, one behind the other: a result of one batch gives the connection back at once, so that a
     * thread that reads and works on what it reads does not need two. */
    struct wd_buf all;
    bson_reader_t *reader; /* of `all` */
};

/* What a find asks. */
struct search {
    struct mongo_coll *coll;
    const bson_t *filter;
    const struct wd_docs_query *query;
    bool one;
    mongoc_cursor_t *cursor; /* out */
    const bson_t *first;     /* out: NULL when nothing matches; borrowed from the cursor */
};

static void
append_options(const struct search *s, const struct mongo_index *hint, bson_t *opts)
{
    const struct wd_docs_query *q = s->query;

    if (q->projection && !bson_empty(q->projection))
        BSON_APPEND_DOCUMENT(opts, "projection", q->projection);
    if (q->sort && !bson_empty(q->sort))
        BSON_APPEND_DOCUMENT(opts, "sort", q->sort);
    if (q->skip > 0)
        BSON_APPEND_INT64(opts, "skip", q->skip);
    if (s->one || q->limit > 0)
        BSON_APPEND_INT64(opts, "limit", s->one ? 1 : q->limit);
    if (s->one)
        BSON_APPEND_BOOL(opts, "singleBatch", true);
    else
        BSON_APPEND_INT32(opts, "batchSize", BATCH);
    if (hint)
        BSON_APPEND_UTF8(opts, "hint", hint->name);
}

static bool
is_missing_hint(const bson_error_t *why)
{
    return why->domain == MONGOC_ERROR_SERVER && strstr(why->message, "hint") != NULL;
}

static bool
start(const struct mongo_lease *lease, struct search *s, const struct mongo_index *hint, bson_error_t *why)
{
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(s->coll, lease);
    bson_t opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    append_options(s, hint, &opts);
    s->cursor = mongoc_collection_find_with_opts(coll, s->filter, &opts, NULL);
    if (mongoc_cursor_next(s->cursor, &s->first))
        return true;
    s->first = NULL;
    if (!mongoc_cursor_error(s->cursor, why))
        return true;
    mongoc_cursor_destroy(s->cursor);
    s->cursor = NULL;
    return false;
}

/* The first batch. An index that is only a hint may be missing in a database from elsewhere: then without it. */
static bool
try_find(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct search *s = data;
    struct mongo_index *hint = s->query->hint ? mongo_coll_index(s->coll, s->query->hint) : NULL;

    (void)again, (void)reply;
    if (hint && atomic_load(&hint->missing))
        hint = NULL;
    if (start(lease, s, hint, why))
        return true;
    if (!hint || !is_missing_hint(why))
        return false;
    atomic_store(&hint->missing, true);
    return start(lease, s, NULL, why);
}

bool
mongo_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q, bson_t *out,
               bool *found, struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *c = mongo_coll_find(store, coll, err);
    struct mongo_lease lease wd_auto(mongo_lease_give) = { 0 };
    struct search s = { .coll = c, .filter = filter, .query = q, .one = true };

    if (!c || !mongo_check_filter(c, filter, err) || !mongo_lease_take(store->link, c->database, &lease, err) ||
        !mongo_run_with(store->link, c->database, &lease, MONGO_REPEAT, try_find, &s, mongo_doing("find in", c).text,
                        err))
        return false;
    *found = s.first != NULL;
    if (s.first)
        bson_concat(out, s.first); /* the caller may have it on the heap */
    mongoc_cursor_destroy(s.cursor);
    return true;
}

/* ---- cursors ---- */

static bool
next_document(struct mongo_cursor *c, const bson_t **doc, struct wd_error *err)
{
    bson_error_t why;

    if (mongoc_cursor_next(c->from, doc))
        return true;
    *doc = NULL;
    return !mongoc_cursor_error(c->from, &why) ||
           wd_fail(err, WD_DATABASE, "read more of %s: %s", c->coll->name, why.message);
}

static void
end_reading(struct mongo_cursor *c)
{
    mongoc_cursor_destroy(c->from);
    c->from = NULL;
    c->first = NULL;
    mongo_lease_give(&c->lease);
}

static bool
take_all(struct mongo_cursor *c, struct wd_error *err)
{
    const bson_t *doc = c->first;

    while (doc) {
        wd_buf_add(&c->all, bson_get_data(doc), doc->len);
        if (!next_document(c, &doc, err))
            return false;
    }
    end_reading(c);
    return true;
}

bool
mongo_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
           struct wd_docs_cursor **out, struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *coll_found = mongo_coll_find(store, coll, err);
    struct search s = { .coll = coll_found, .filter = filter, .query = q };
    struct mongo_cursor *c;

    if (!coll_found || !mongo_check_filter(coll_found, filter, err))
        return false;
    c = WD_NEW(struct mongo_cursor);
    c->base.ops = &mongo_docs_ops;
    c->link = store->link;
    c->coll = coll_found;
    if (!mongo_lease_take(store->link, coll_found->database, &c->lease, err) ||
        !mongo_run_with(store->link, coll_found->database, &c->lease, MONGO_REPEAT, try_find, &s,
                        mongo_doing("find in", coll_found).text, err)) {
        mongo_cursor_free(&c->base);
        return false;
    }
    c->from = s.cursor;
    c->first = s.first;
    if (mongoc_cursor_get_id(c->from) == 0 && !take_all(c, err)) {
        mongo_cursor_free(&c->base);
        return false;
    }
    *out = &c->base;
    return true;
}

static void
next_of_all(struct mongo_cursor *c, const bson_t **doc)
{
    *doc = NULL;
    if (!c->all.n)
        return;
    if (!c->reader)
        c->reader = bson_reader_new_from_data((const uint8_t *)c->all.p, c->all.n);
    *doc = bson_reader_read(c->reader, NULL);
}

bool
mongo_cursor_next(struct wd_docs_cursor *cursor, const bson_t **doc, struct wd_error *err)
{
    struct mongo_cursor *c = (struct mongo_cursor *)cursor;

    if (!c->from) {
        next_of_all(c, doc);
        return true;
    }
    if (c->first) {
        *doc = c->first;
        c->first = NULL;
        return true;
    }
    if (!next_document(c, doc, err))
        return false;
    if (!*doc)
        end_reading(c);
    return true;
}

void
mongo_cursor_free(struct wd_docs_cursor *cursor)
{
    struct mongo_cursor *c = (struct mongo_cursor *)cursor;

    mongoc_cursor_destroy(c->from); /* tells the server when it has more */
    mongo_lease_give(&c->lease);
    if (c->reader)
        bson_reader_destroy(c->reader);
    wd_buf_done(&c->all);
    free(c);
}

/* ---- counting ---- */

struct counting {
    const struct mongo_coll *coll;
    const bson_t *filter;
    int64_t n;
};

static bool
try_count(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct counting *k = data;
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(k->coll, lease);

    (void)again;
    k->n = mongoc_collection_count_documents(coll, k->filter, NULL, NULL, reply, why);
    return k->n >= 0;
}

bool
mongo_count(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out, struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *c = mongo_coll_find(store, coll, err);
    struct counting k = { .coll = c, .filter = filter };

    if (!c || !mongo_check_filter(c, filter, err) ||
        !mongo_run(store->link, c->database, MONGO_REPEAT, try_count, &k, mongo_doing("count", c).text, err))
        return false;
    *out = k.n;
    return true;
}
