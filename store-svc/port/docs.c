#include "store-svc/port/docs.h"

#include <assert.h>

bool
wd_docs_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err)
{
    return d->ops->ensure(d, collections, err);
}

bool
wd_docs_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q, bson_t *out,
                 bool *found, struct wd_error *err)
{
    static const struct wd_docs_query whole;

    assert(bson_empty(out));
    return d->ops->find_one(d, coll, filter, q ? q : &whole, out, found, err);
}

bool
wd_docs_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
             struct wd_docs_cursor **out, struct wd_error *err)
{
    static const struct wd_docs_query whole;

    return d->ops->find(d, coll, filter, q ? q : &whole, out, err);
}

bool
wd_docs_cursor_next(struct wd_docs_cursor *c, const bson_t **doc, struct wd_error *err)
{
    return c->ops->cursor_next(c, doc, err);
}

void
wd_docs_cursor_free(struct wd_docs_cursor *c)
{
    if (c)
        c->ops->cursor_free(c);
}

void
wd_docs_cursor_freep(struct wd_docs_cursor **c)
{
    wd_docs_cursor_free(*c);
}

bool
wd_docs_insert(struct wd_docs *d, const char *coll, const bson_t *doc, struct wd_error *err)
{
    assert(bson_has_field(doc, "_id"));
    return d->ops->insert(d, coll, &doc, 1, err);
}

bool
wd_docs_insert_many(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err)
{
    return n == 0 || d->ops->insert(d, coll, docs, n, err);
}

bool
wd_docs_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
               struct wd_docs_updated *out, struct wd_error *err)
{
    struct wd_docs_updated unused;

    return d->ops->update(d, coll, filter, update, flags, out ? out : &unused, err);
}

bool
wd_docs_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                        const struct wd_docs_query *q, bson_t *out, bool *found, struct wd_error *err)
{
    static const struct wd_docs_query whole;

    assert(bson_empty(out));
    return d->ops->find_and_update(d, coll, filter, update, flags, q ? q : &whole, out, found, err);
}

bool
wd_docs_remove_one(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *removed, struct wd_error *err)
{
    int64_t unused;

    return d->ops->remove(d, coll, filter, false, removed ? removed : &unused, err);
}

bool
wd_docs_remove_many(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *removed, struct wd_error *err)
{
    int64_t unused;

    return d->ops->remove(d, coll, filter, true, removed ? removed : &unused, err);
}

bool
wd_docs_count(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out, struct wd_error *err)
{
    return d->ops->count(d, coll, filter, out, err);
}

bool
wd_docs_batch_begin(struct wd_docs *d, struct wd_docs **batch, struct wd_error *err)
{
    return d->ops->batch_begin(d, batch, err);
}

bool
wd_docs_batch_commit(struct wd_docs *batch, struct wd_error *err)
{
    return batch->ops->batch_commit(batch, err);
}

void
wd_docs_batch_abort(struct wd_docs *batch)
{
    if (batch)
        batch->ops->batch_abort(batch);
}

void
wd_docs_batch_abortp(struct wd_docs **batch)
{
    wd_docs_batch_abort(*batch);
}

bool
wd_docs_expire(struct wd_docs *d, int64_t *removed, struct wd_error *err)
{
    return d->ops->expire(d, removed, err);
}

bool
wd_docs_is_atomic(const struct wd_docs *d)
{
    return d->ops->atomic;
}

void
wd_docs_close(struct wd_docs *d)
{
    if (d)
        d->ops->close(d);
}
