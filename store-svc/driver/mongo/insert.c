/* store-svc/driver/mongo/insert.c – inserting. An insert whose answer was lost is sent again: what it then finds under
 * the same _id is either its own document or somebody else's, which is looked up. */
#include "common/base/alloc.h"
#include "store-svc/driver/mongo/docs_priv.h"

enum { DUPLICATE_KEY = 11000 };

struct insertion {
    const struct mongo_coll *coll;
    const bson_t *const *docs;
    size_t n;
};

/* True when the stored document with this _id is this one, byte for byte. */
static bool
is_stored(mongoc_collection_t *coll, const bson_t *doc)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;
    mongoc_cursor_t *cursor;
    const bson_t *stored;
    bson_iter_t id;
    bool same;

    if (!bson_iter_init_find(&id, doc, "_id"))
        return false;
    bson_append_iter(&filter, "_id", 3, &id);
    BSON_APPEND_INT64(&opts, "limit", 1);
    BSON_APPEND_BOOL(&opts, "singleBatch", true);
    cursor = mongoc_collection_find_with_opts(coll, &filter, &opts, NULL);
    same = mongoc_cursor_next(cursor, &stored) && stored->len == doc->len;
    if (same) { /* MongoDB moves the _id to the front: then only the length and the fields are the same */
        bson_iter_t it, other;

        for (same = bson_iter_init(&it, doc); same && bson_iter_next(&it);)
            same = bson_iter_init_find(&other, stored, bson_iter_key(&it)) &&
                   it.next_off - it.off == other.next_off - other.off &&
                   memcmp(it.raw + it.off, other.raw + other.off, it.next_off - it.off) == 0;
    }
    mongoc_cursor_destroy(cursor);
    return same;
}

/* All errors of an unordered insert are duplicates of our own documents: an earlier attempt had inserted them. */
static bool
all_are_ours(mongoc_collection_t *coll, const struct insertion *in, const bson_t *reply)
{
    bson_iter_t errors, each, field;

    if (!bson_iter_init_find(&errors, reply, "writeErrors") || !bson_iter_recurse(&errors, &each))
        return false;
    while (bson_iter_next(&each)) {
        int64_t code = 0, index = -1;

        if (!bson_iter_recurse(&each, &field))
            return false;
        while (bson_iter_next(&field)) {
            if (strcmp(bson_iter_key(&field), "code") == 0)
                code = bson_iter_as_int64(&field);
            else if (strcmp(bson_iter_key(&field), "index") == 0)
                index = bson_iter_as_int64(&field);
        }
        if (code != DUPLICATE_KEY || index < 0 || (size_t)index >= in->n || !is_stored(coll, in->docs[index]))
            return false;
    }
    return true;
}

static bool
try_one(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    const struct insertion *in = data;
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(in->coll, lease);
    bson_t opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    BSON_APPEND_BOOL(&opts, "validate", false);
    return mongoc_collection_insert_one(coll, in->docs[0], &opts, reply, why) ||
           (again && why->code == DUPLICATE_KEY && is_stored(coll, in->docs[0]));
}

/* Ordered at first: those behind a duplicate are not inserted. The second time those that are there are in the way. */
static bool
try_many(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    const struct insertion *in = data;
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(in->coll, lease);
    bson_t opts wd_auto(bson_destroy) = BSON_INITIALIZER;
    const bson_t **docs = wd_alloc(in->n * sizeof(const bson_t *));
    bool ok;

    for (size_t i = 0; i < in->n; i++)
        docs[i] = in->docs[i];
    BSON_APPEND_BOOL(&opts, "validate", false);
    BSON_APPEND_BOOL(&opts, "ordered", !again);
    ok = mongoc_collection_insert_many(coll, docs, in->n, &opts, reply, why) ||
         (again && why->code == DUPLICATE_KEY && all_are_ours(coll, in, reply));
    free(docs);
    return ok;
}

bool
mongo_insert(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *c = mongo_coll_find(store, coll, err);
    struct insertion in = { .coll = c, .docs = docs, .n = n };

    return c && mongo_run(store->link, c->database, MONGO_REPEAT, n == 1 ? try_one : try_many, &in,
                          mongo_doing("insert into", c).text, err);
}
