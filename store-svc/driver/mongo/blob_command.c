/* The commands of the blobs, each as an attempt that mongo_run may repeat. */
#include "store-svc/driver/mongo/blob_priv.h"

enum { DUPLICATE_KEY = 11000 };

struct command {
    const char *collection;
    const bson_t *subject; /* filter or document */
    const bson_t *opts;
    int64_t count; /* what was counted or removed */
    bool many, only_once;
    mongo_blob_row *row;
    mongo_blob_fill *fill;
    void *data;
    struct mongo_blob_bulk *bulk;
};

static mongoc_collection_t *
collection_of(const struct mongo_lease *lease, const struct command *c)
{
    return mongoc_client_get_collection(lease->client, lease->database, c->collection);
}

static int64_t
number_in(const bson_t *reply, const char *field)
{
    bson_iter_t it;

    return bson_iter_init_find(&it, reply, field) ? bson_iter_as_int64(&it) : 0;
}

void
mongo_blob_append_opts(bson_t *opts, const char *fields, bool without_id, int64_t limit)
{
    bson_t projection;

    bson_append_document_begin(opts, "projection", -1, &projection);
    if (without_id)
        bson_append_int32(&projection, "_id", -1, 0);
    while (*fields) {
        size_t n = strcspn(fields, " ");
        bson_append_int32(&projection, fields, (int)n, 1);
        fields += n + strspn(fields + n, " ");
    }
    bson_append_document_end(opts, &projection);
    if (limit)
        bson_append_int64(opts, "limit", -1, limit);
}

/* ---- find ---- */

static bool
try_find(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct command *c = data;
    mongoc_collection_t *coll = collection_of(lease, c);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(coll, c->subject, c->opts, NULL);
    const bson_t *doc, *answer;
    bool ok;

    (void)again;
    c->row(NULL, c->data);
    while (mongoc_cursor_next(cursor, &doc))
        if (!c->row(doc, c->data))
            break;
    ok = !mongoc_cursor_error_document(cursor, why, &answer);
    if (!ok && answer)
        bson_concat(reply, answer);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(coll);
    return ok;
}

bool
mongo_blob_find(struct mongo_blobs *b, const char *collection, const bson_t *filter, const bson_t *opts,
                mongo_blob_row *row, void *data, const char *doing, struct wd_error *err)
{
    struct command c = { .collection = collection, .subject = filter, .opts = opts, .row = row, .data = data };

    return mongo_run(b->link, WD_DB_FILES, MONGO_REPEAT, try_find, &c, doing, err);
}

static bool
note_found(const bson_t *doc, void *data)
{
    *(bool *)data = doc != NULL;
    return true;
}

bool
mongo_blob_exists(struct mongo_blobs *b, const char *collection, const bson_t *filter, bool *found, const char *doing,
                  struct wd_error *err)
{
    bson_t opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    mongo_blob_append_opts(&opts, "_id", false, 1);
    return mongo_blob_find(b, collection, filter, &opts, note_found, found, doing, err);
}

static bool
try_count(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct command *c = data;
    mongoc_collection_t *coll = collection_of(lease, c);

    (void)again;
    c->count = mongoc_collection_count_documents(coll, c->subject, NULL, NULL, reply, why);
    mongoc_collection_destroy(coll);
    return c->count >= 0;
}

bool
mongo_blob_count(struct mongo_blobs *b, const char *collection, const bson_t *filter, int64_t *out, const char *doing,
                 struct wd_error *err)
{
    struct command c = { .collection = collection, .subject = filter };

    if (!mongo_run(b->link, WD_DB_FILES, MONGO_REPEAT, try_count, &c, doing, err))
        return false;
    *out = c.count;
    return true;
}

/* ---- one document ---- */

static bool
try_insert(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct command *c = data;
    mongoc_collection_t *coll = collection_of(lease, c);
    bool ok = mongoc_collection_insert_one(coll, c->subject, c->opts, reply, why);

    (void)again;
    mongoc_collection_destroy(coll);
    return ok;
}

bool
mongo_blob_insert(struct mongo_blobs *b, const char *collection, enum mongo_repeat repeat, const bson_t *doc,
                  const bson_t *opts, const char *doing, struct wd_error *err)
{
    struct command c = { .collection = collection, .subject = doc, .opts = opts };

    return mongo_run(b->link, WD_DB_FILES, repeat, try_insert, &c, doing, err);
}

static bool
try_remove(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct command *c = data;
    mongoc_collection_t *coll = collection_of(lease, c);
    bool ok = c->many ? mongoc_collection_delete_many(coll, c->subject, c->opts, reply, why)
                      : mongoc_collection_delete_one(coll, c->subject, c->opts, reply, why);

    (void)again;
    mongoc_collection_destroy(coll);
    c->count = ok ? number_in(reply, "deletedCount") : 0;
    return ok;
}

bool
mongo_blob_remove(struct mongo_blobs *b, const char *collection, bool many, const bson_t *filter, const bson_t *opts,
                  int64_t *removed, const char *doing, struct wd_error *err)
{
    struct command c = { .collection = collection, .subject = filter, .opts = opts, .many = many };

    if (!mongo_run(b->link, WD_DB_FILES, MONGO_REPEAT, try_remove, &c, doing, err))
        return false;
    *removed = c.count;
    return true;
}

/* ---- many ---- */

static bool
is_empty_array(const bson_t *reply, const char *field)
{
    bson_iter_t it, at;

    return !bson_iter_init_find(&it, reply, field) || !bson_iter_recurse(&it, &at) || !bson_iter_next(&at);
}

/* True when nothing went wrong but inserts whose key was there; *duplicates says which. */
static bool
only_duplicates(const bson_t *reply, uint32_t *duplicates)
{
    bson_iter_t it, each;
    bool some = false;

    *duplicates = 0;
    if (!is_empty_array(reply, "writeConcernErrors") || !bson_iter_init_find(&it, reply, "writeErrors") ||
        !bson_iter_recurse(&it, &each))
        return false;
    while (bson_iter_next(&each)) {
        bson_iter_t code, index;
        int64_t i;
        if (!bson_iter_recurse(&each, &code) || !bson_iter_find(&code, "code") ||
            bson_iter_as_int64(&code) != DUPLICATE_KEY || !bson_iter_recurse(&each, &index) ||
            !bson_iter_find(&index, "index"))
            return false;
        i = bson_iter_as_int64(&index);
        if (i < 0 || i >= 32)
            return false;
        *duplicates |= (uint32_t)1 << i;
        some = true;
    }
    return some;
}

static bool
try_bulk(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct command *c = data;
    mongoc_collection_t *coll = collection_of(lease, c);
    bson_t opts = BSON_INITIALIZER;
    mongoc_bulk_operation_t *bulk;
    bool ok;

    (void)again;
    bson_append_bool(&opts, "ordered", -1, false);
    bulk = mongoc_collection_create_bulk_operation_with_opts(coll, &opts);
    c->fill(bulk, c->data);
    ok = mongoc_bulk_operation_execute(bulk, reply, why) != 0;
    if (c->bulk) {
        c->bulk->duplicates = 0;
        ok = ok || only_duplicates(reply, &c->bulk->duplicates);
        c->bulk->matched = ok ? number_in(reply, "nMatched") : 0;
    }
    if (!ok && c->only_once && !is_empty_array(reply, "writeErrors"))
        why->domain = MONGOC_ERROR_COMMAND; /* the other operations happened: whatever the error, nothing is repeated */
    mongoc_bulk_operation_destroy(bulk);
    bson_destroy(&opts);
    mongoc_collection_destroy(coll);
    return ok;
}

bool
mongo_blob_bulk(struct mongo_blobs *b, const char *collection, enum mongo_repeat repeat, mongo_blob_fill *fill,
                void *data, struct mongo_blob_bulk *out, const char *doing, struct wd_error *err)
{
    struct command c = { .collection = collection, .only_once = repeat == MONGO_REPEAT_NEVER, .fill = fill,
                         .data = data, .bulk = out };

    return mongo_run(b->link, WD_DB_FILES, repeat, try_bulk, &c, doing, err);
}
