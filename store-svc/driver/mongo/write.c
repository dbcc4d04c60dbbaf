/* store-svc/driver/mongo/write.c – changing documents. */
#include "common/base/alloc.h"
#include "store-svc/driver/mongo/docs_priv.h"

/* ---- what a repeat found ---- */

/* A command that was sent twice may have been carried out the first time: then the second finds nothing to do, which
 * looks as if somebody else had been faster. Whoever relies on that answer must not be told so. */
static bool
answer_is_lost(bool again, bool nothing_found, bson_error_t *why)
{
    if (!again || !nothing_found)
        return false;
    bson_set_error(why, MONGOC_ERROR_COMMAND, MONGOC_ERROR_COMMAND_INVALID_ARG,
                   "the connection broke; it may have been done or not");
    return true;
}

static int64_t
number_in(const bson_t *reply, const char *key)
{
    bson_iter_t it;

    return bson_iter_init_find(&it, reply, key) ? bson_iter_as_int64(&it) : 0;
}

/* ---- update ---- */

struct change {
    const struct mongo_coll *coll;
    const bson_t *filter, *update;
    const struct wd_docs_query *query;
    unsigned flags;
    struct wd_docs_updated done;
    bson_t *out; /* find_and_update: the document */
    bool found;
};

static bool
try_update(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct change *c = data;
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(c->coll, lease);
    bson_t opts wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool many = c->flags & WD_UPDATE_MANY;

    BSON_APPEND_BOOL(&opts, "validate", false); /* our own documents: keys may be anything */
    if (c->flags & WD_UPDATE_UPSERT)
        BSON_APPEND_BOOL(&opts, "upsert", true);
    if (many ? !mongoc_collection_update_many(coll, c->filter, c->update, &opts, reply, why)
             : !mongoc_collection_update_one(coll, c->filter, c->update, &opts, reply, why))
        return false;
    c->done.matched = number_in(reply, "matchedCount");
    c->done.modified = number_in(reply, "modifiedCount");
    c->done.upserted = bson_has_field(reply, "upsertedId");
    return !answer_is_lost(again && !many, c->done.matched == 0 && !c->done.upserted, why);
}

/* Two upserts that find nothing both insert, and one fails: its second try finds the other's document. */
static bool
run_change(struct mongo_store *store, struct change *c, enum mongo_repeat repeat, mongo_attempt *attempt,
           struct wd_error *err)
{
    struct mongo_doing doing = mongo_doing("update", c->coll);

    if (mongo_run(store->link, c->coll->database, repeat, attempt, c, doing.text, err))
        return true;
    return (c->flags & WD_UPDATE_UPSERT) && err->reason == WD_DUPLICATE &&
           mongo_run(store->link, c->coll->database, repeat, attempt, c, doing.text, err);
}

bool
mongo_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
             struct wd_docs_updated *out, struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *found = mongo_coll_find(store, coll, err);
    struct change c = { .coll = found, .filter = filter, .update = update, .flags = flags };
    enum mongo_repeat repeat;

    if (!found || !mongo_check_filter(found, filter, err) || !mongo_check_update(update, &repeat, err) ||
        !run_change(store, &c, repeat, try_update, err))
        return false;
    *out = c.done;
    return true;
}

/* ---- find and update ---- */

static void
opts_destroyp(mongoc_find_and_modify_opts_t **opts)
{
    mongoc_find_and_modify_opts_destroy(*opts);
}

static mongoc_find_and_modify_opts_t *
find_and_update_options(const struct change *c)
{
    mongoc_find_and_modify_opts_t *opts = mongoc_find_and_modify_opts_new();
    unsigned flags = MONGOC_FIND_AND_MODIFY_NONE;

    if (c->flags & WD_UPDATE_UPSERT)
        flags |= MONGOC_FIND_AND_MODIFY_UPSERT;
    if (c->flags & WD_UPDATE_RETURN_NEW)
        flags |= MONGOC_FIND_AND_MODIFY_RETURN_NEW;
    mongoc_find_and_modify_opts_set_flags(opts, (mongoc_find_and_modify_flags_t)flags);
    mongoc_find_and_modify_opts_set_update(opts, c->update);
    if (c->query->sort && !bson_empty(c->query->sort))
        mongoc_find_and_modify_opts_set_sort(opts, c->query->sort);
    if (c->query->projection && !bson_empty(c->query->projection))
        mongoc_find_and_modify_opts_set_fields(opts, c->query->projection);
    return opts;
}

static bool
take_value(const bson_t *reply, bson_t *out)
{
    const uint8_t *bytes;
    bson_iter_t it;
    bson_t value;
    uint32_t n;

    if (!bson_iter_init_find(&it, reply, "value") || !BSON_ITER_HOLDS_DOCUMENT(&it))
        return false;
    bson_iter_document(&it, &n, &bytes);
    return bson_init_static(&value, bytes, n) && bson_concat(out, &value);
}

static bool
try_find_and_update(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct change *c = data;
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(c->coll, lease);
    mongoc_find_and_modify_opts_t *opts wd_auto(opts_destroyp) = find_and_update_options(c);

    if (!mongoc_collection_find_and_modify_with_opts(coll, c->filter, opts, reply, why))
        return false;
    c->found = take_value(reply, c->out);
    return !answer_is_lost(again, !c->found, why);
}

bool
mongo_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                      const struct wd_docs_query *q, bson_t *out, bool *found, struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *where = mongo_coll_find(store, coll, err);
    struct change c = { .coll = where, .filter = filter, .update = update, .query = q, .flags = flags, .out = out };
    enum mongo_repeat repeat;

    if (!where || !mongo_check_filter(where, filter, err) || !mongo_check_update(update, &repeat, err))
        return false;
    if (!(flags & WD_UPDATE_RETURN_NEW)) /* the second time, "before" would be after the first */
        repeat = MONGO_REPEAT_NEVER;
    if (!run_change(store, &c, repeat, try_find_and_update, err))
        return false;
    *found = c.found;
    return true;
}

/* ---- remove ---- */

struct removal {
    const struct mongo_coll *coll;
    const bson_t *filter;
    bool many;
    int64_t removed;
};

static bool
try_remove(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct removal *r = data;
    mongoc_collection_t *coll wd_auto(mongo_coll_closep) = mongo_coll_open(r->coll, lease);

    if (r->many ? !mongoc_collection_delete_many(coll, r->filter, NULL, reply, why)
                : !mongoc_collection_delete_one(coll, r->filter, NULL, reply, why))
        return false;
    r->removed = number_in(reply, "deletedCount");
    return !answer_is_lost(again && !r->many, r->removed == 0, why);
}

/* Without the _id, a second "remove one" might take another one. */
static bool
names_one(const bson_t *filter)
{
    bson_iter_t it;

    return bson_iter_init_find(&it, filter, "_id") && !BSON_ITER_HOLDS_DOCUMENT(&it);
}

bool
mongo_remove(struct wd_docs *d, const char *coll, const bson_t *filter, bool many, int64_t *removed,
             struct wd_error *err)
{
    struct mongo_store *store = mongo_store_of(d);
    struct mongo_coll *c = mongo_coll_find(store, coll, err);
    struct removal r = { .coll = c, .filter = filter, .many = many };

    if (!c || !mongo_check_filter(c, filter, err) ||
        !mongo_run(store->link, c->database, many || names_one(filter) ? MONGO_REPEAT : MONGO_REPEAT_NEVER, try_remove,
                   &r, mongo_doing("remove from", c).text, err))
        return false;
    *removed = r.removed;
    return true;
}
