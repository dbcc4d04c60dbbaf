/* Bodies as the `files` documents of attachments.files in mail.db, written through the batch of the message. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/embedded/docs_priv.h"
#include "store-svc/port/blob_file.h"

enum { AT_ONCE = 64 /* names checked while the writer is held */, EXAMINE = 5000 /* bodies looked at per run */ };

static const char files[] = "attachments.files";

static struct em_store *
store_of(struct wd_blobs *b)
{
    return ((struct em_blobs *)b)->store;
}

static bool
blobs_stat(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_blob_file_append_key(&filter, "_id", key);
    if (!wd_docs_find_one(&store_of(b)->docs->base, files, &filter, NULL, &doc, found, err))
        return false;
    return !*found || wd_blob_file_info(&doc, info, err);
}

static bool
count_refs(struct wd_docs *d, const struct wd_blob_key *key, int64_t count, int64_t magic, bool *found,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;

    wd_blob_file_append_key(&filter, "_id", key);
    wd_blob_file_append_counting(&update, count, magic);
    if (!wd_docs_update(d, files, &filter, &update, WD_UPDATE_ONE, &done, err))
        return false;
    *found = done.matched > 0;
    return true;
}

static bool
blobs_ref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    bool found;

    for (size_t i = 0; i < n; i++)
        if (!count_refs(batch ? batch : &store_of(b)->docs->base, &refs[i].key, refs[i].count,
                        (int64_t)refs[i].magic_sum, &found, err))
            return false;
    return true;
}

static bool
blobs_unref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    bool found;

    for (size_t i = 0; i < n; i++)
        if (!count_refs(batch ? batch : &store_of(b)->docs->base, &refs[i].key, -(int64_t)refs[i].count,
                        -(int64_t)refs[i].magic_sum, &found, err))
            return false;
    return true;
}

static bool
add_in(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
       struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!count_refs(batch, &ref->key, ref->count, (int64_t)ref->magic_sum, &found, err) || found)
        return found;
    if (!em_body_exists(store_of(b), &ref->key, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_CONFLICT, "the attachment was collected before it was used");
    wd_blob_file_make(ref, info, &doc);
    return wd_docs_insert(batch, files, &doc, err);
}

/* The collector takes a name away only while it holds the writer and sees no document, so what em_body_exists says
 * stays true until the end of the batch. */
static bool
blobs_add(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
          struct wd_error *err)
{
    struct wd_docs *own wd_auto(wd_docs_batch_abortp) = NULL;

    if (batch)
        return add_in(b, batch, ref, info, err);
    return wd_docs_batch_begin(&store_of(b)->docs->base, &own, err) && add_in(b, own, ref, info, err) &&
           wd_docs_batch_commit(wd_take(own), err);
}

/* ---- collecting ---- */

struct keys {
    struct wd_blob_key *p;
    size_t n, cap;
};

static void
keys_done(struct keys *k)
{
    wd_vec_done(k);
}

static bool
find_unused(struct em_store *s, int64_t before_ms, size_t limit, struct keys *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, only_id wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query q = { .projection = &only_id, .limit = (int64_t)limit, .hint = "related_attachments_cu" };
    struct wd_docs_cursor *c wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;

    wd_blob_file_append_unused(&filter, before_ms);
    bson_append_int32(&only_id, "_id", 3, 1);
    if (!wd_docs_find(&s->docs->base, files, &filter, &q, &c, err))
        return false;
    for (;;) {
        struct wd_blob_key key;
        if (!wd_docs_cursor_next(c, &doc, err))
            return false;
        if (!doc)
            return true;
        if (wd_blob_file_key(doc, "_id", &key))
            wd_vec_push(out, key);
    }
}

/* Documents first, and durably: a body without a document is found again, a document without its body is a loss. */
static bool
remove_unused(struct em_store *s, int64_t before_ms, const struct keys *keys, uint64_t *removed, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    uint64_t n = 0;

    if (keys->n == 0)
        return true;
    if (!wd_docs_batch_begin(&s->docs->base, &batch, err))
        return false;
    for (size_t i = 0; i < keys->n; i++) {
        bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
        int64_t one;
        wd_blob_file_append_key(&filter, "_id", &keys->p[i]);
        wd_blob_file_append_unused(&filter, before_ms);
        if (!wd_docs_remove_one(batch, files, &filter, &one, err))
            return false;
        n += (uint64_t)one;
    }
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return false;
    *removed += n;
    return true;
}

/* Takes the names of bodies that no document has, while nobody can add one. */
static bool
forget_orphans(struct em_store *s, int64_t before_ms, const struct wd_blob_key *keys, size_t n, uint64_t *orphans,
               struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct keys gone wd_auto(keys_done) = { 0 };

    if (!wd_docs_batch_begin(&s->docs->base, &batch, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
        int64_t count;
        wd_blob_file_append_key(&filter, "_id", &keys[i]);
        if (!wd_docs_count(batch, files, &filter, &count, err))
            return false;
        if (count == 0)
            wd_vec_push(&gone, keys[i]);
    }
    *orphans += gone.n;
    return gone.n == 0 || em_body_forget(s, gone.p, gone.n, before_ms, err);
}

static bool
forget_in_parts(struct em_store *s, int64_t before_ms, const struct wd_blob_key *keys, size_t n, uint64_t *orphans,
                struct wd_error *err)
{
    for (size_t i = 0; i < n; i += AT_ONCE)
        if (!forget_orphans(s, before_ms, keys + i, n - i < AT_ONCE ? n - i : AT_ONCE, orphans, err))
            return false;
    return true;
}

/* Looks at the next old bodies after those of the last run, round and round. */
static bool
examine(struct em_blobs *b, int64_t before_ms, size_t limit, uint64_t *removed, struct wd_error *err)
{
    size_t most = limit < EXAMINE ? limit : EXAMINE, n;
    struct wd_blob_key *keys wd_auto(wd_freep) = NULL, from;
    bool began;

    pthread_mutex_lock(&b->lock);
    from = b->examined;
    began = b->began;
    pthread_mutex_unlock(&b->lock);
    if (!em_body_old(b->store, before_ms, began ? &from : NULL, most, &keys, &n, err) ||
        !forget_in_parts(b->store, before_ms, keys, n, removed, err))
        return false;
    pthread_mutex_lock(&b->lock);
    b->began = n == most;
    if (n)
        b->examined = keys[n - 1];
    pthread_mutex_unlock(&b->lock);
    return true;
}

static bool
blobs_collect(struct wd_blobs *base, int64_t unused_for_s, size_t limit, uint64_t *removed, struct wd_error *err)
{
    struct em_blobs *b = (struct em_blobs *)base;
    int64_t before_ms = wd_now_ms() - unused_for_s * 1000;
    struct keys unused wd_auto(keys_done) = { 0 };
    uint64_t counted = 0;

    *removed = 0;
    if (limit == 0)
        return true;
    return find_unused(b->store, before_ms, limit, &unused, err) &&
           remove_unused(b->store, before_ms, &unused, removed, err) &&
           forget_in_parts(b->store, before_ms, unused.p, unused.n, &counted, err) &&
           (*removed >= limit || examine(b, before_ms, limit - (size_t)*removed, removed, err)) &&
           em_body_sweep(b->store, before_ms, err);
}

static void
blobs_close(struct wd_blobs *base)
{
    struct em_blobs *b = (struct em_blobs *)base;

    em_store_unref(b->store);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

const struct wd_blobs_ops em_blobs_ops = {
    .name = "embedded",
    .stat = blobs_stat,
    .write_begin = em_body_begin,
    .write = em_body_write,
    .write_finish = em_body_finish,
    .write_abort = em_body_abort,
    .add = blobs_add,
    .ref = blobs_ref,
    .unref = blobs_unref,
    .read = em_body_read,
    .collect = blobs_collect,
    .upload_write = em_upload_write,
    .upload_read = em_upload_read,
    .upload_drop = em_upload_drop,
    .upload_expire = em_upload_expire,
    .close = blobs_close,
};

struct wd_blobs *
em_blobs_new(struct em_store *s)
{
    struct em_blobs *b = WD_NEW(struct em_blobs);

    b->base.ops = &em_blobs_ops;
    b->store = s;
    pthread_mutex_init(&b->lock, NULL);
    return &b->base;
}
