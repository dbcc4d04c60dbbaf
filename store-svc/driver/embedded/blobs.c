/* Bodies as the `files` documents of attachments.files in mail.db, written through the batch of the message. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/embedded/docs_priv.h"

enum { AT_ONCE = 64 /* names checked while the writer is held */, EXAMINE = 5000 /* bodies looked at per run */ };

static const char files[] = "attachments.files";

static struct em_store *
store_of(struct wd_blobs *b)
{
    return ((struct em_blobs *)b)->store;
}

static void
append_key(bson_t *to, const struct wd_blob_key *key)
{
    bson_append_binary(to, "_id", 3, BSON_SUBTYPE_BINARY, key->b, sizeof key->b);
}

static void
copy_text(const bson_t *doc, const char *path, char *to, size_t size)
{
    bson_iter_t it, at;
    const char *p = "";

    if (bson_iter_init(&it, doc) && bson_iter_find_descendant(&it, path, &at) && BSON_ITER_HOLDS_UTF8(&at))
        p = bson_iter_utf8(&at, NULL);
    strncpy(to, p, size - 1);
    to[size - 1] = '\0';
}

static int64_t
number_at(const bson_t *doc, const char *path)
{
    bson_iter_t it, at;

    return bson_iter_init(&it, doc) && bson_iter_find_descendant(&it, path, &at) ? bson_iter_as_int64(&at) : 0;
}

static bool
blobs_stat(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    append_key(&filter, key);
    if (!wd_docs_find_one(&store_of(b)->docs->base, files, &filter, NULL, &doc, found, err))
        return false;
    if (!*found)
        return true;
    *info = (struct wd_blob_info){
        .length = (uint64_t)number_at(&doc, "length"),
        .encoded_length = (uint64_t)number_at(&doc, "metadata.esize"),
        .decoded = number_at(&doc, "metadata.decoded") != 0,
        .line_length = (uint32_t)number_at(&doc, "metadata.lineLen"),
        .tail = (uint32_t)number_at(&doc, "metadata.tail"),
    };
    copy_text(&doc, "contentType", info->content_type, sizeof info->content_type);
    copy_text(&doc, "metadata.transferEncoding", info->transfer_encoding, sizeof info->transfer_encoding);
    copy_text(&doc, "metadata.fileContentHash", info->content_hash, sizeof info->content_hash);
    return true;
}

/* $inc of the counter and the magic sum, $set of the time. */
static void
append_counting(bson_t *update, int64_t count, int64_t magic)
{
    bson_t part;

    bson_append_document_begin(update, "$inc", 4, &part);
    bson_append_int64(&part, "metadata.c", -1, count);
    bson_append_int64(&part, "metadata.m", -1, magic);
    bson_append_document_end(update, &part);
    bson_append_document_begin(update, "$set", 4, &part);
    bson_append_date_time(&part, "metadata.cu", -1, wd_now_ms());
    bson_append_document_end(update, &part);
}

static bool
count_refs(struct wd_docs *d, const struct wd_blob_key *key, int64_t count, int64_t magic, bool *found,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;

    append_key(&filter, key);
    append_counting(&update, count, magic);
    if (!wd_docs_update(d, files, &filter, &update, WD_UPDATE_ONE, &done, err))
        return false;
    *found = done.matched > 0;
    return true;
}

static bool
blobs_ref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref, bool *found, struct wd_error *err)
{
    return count_refs(batch ? batch : &store_of(b)->docs->base, &ref->key, ref->count, (int64_t)ref->magic_sum, found,
                      err);
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

/* An `attachments.files` document (docs/storage.md). */
static void
make_file(const struct wd_blob_ref *ref, const struct wd_blob_info *info, bson_t *doc)
{
    bson_t meta;

    append_key(doc, &ref->key);
    bson_append_int64(doc, "length", -1, (int64_t)info->length);
    bson_append_int32(doc, "chunkSize", -1, WD_BLOB_CHUNK);
    bson_append_date_time(doc, "uploadDate", -1, wd_now_ms());
    bson_append_utf8(doc, "contentType", -1, info->content_type, -1);
    bson_append_document_begin(doc, "metadata", -1, &meta);
    bson_append_int64(&meta, "m", -1, (int64_t)ref->magic_sum);
    bson_append_int64(&meta, "c", -1, ref->count);
    bson_append_date_time(&meta, "cu", -1, wd_now_ms());
    bson_append_utf8(&meta, "transferEncoding", -1, info->transfer_encoding, -1);
    bson_append_int64(&meta, "esize", -1, (int64_t)info->encoded_length);
    if (info->decoded) {
        bson_append_bool(&meta, "decoded", -1, true);
        bson_append_int32(&meta, "lineLen", -1, (int32_t)info->line_length);
        bson_append_int32(&meta, "tail", -1, (int32_t)info->tail);
    }
    bson_append_utf8(&meta, "fileContentHash", -1, info->content_hash, -1);
    bson_append_document_end(doc, &meta);
}

static bool
add_in(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
       struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!blobs_ref(b, batch, ref, &found, err) || found)
        return found;
    if (!em_body_exists(store_of(b), &ref->key, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_CONFLICT, "the attachment was collected before it was used");
    make_file(ref, info, &doc);
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

/* {metadata.c: 0, metadata.m: 0, metadata.cu: {$lt: ...}}; a missing time counts as old. */
static void
append_unused(bson_t *filter, int64_t before_ms)
{
    bson_t list, branch, range;

    bson_append_int32(filter, "metadata.c", -1, 0);
    bson_append_int32(filter, "metadata.m", -1, 0);
    bson_append_array_begin(filter, "$or", 3, &list);
    bson_append_document_begin(&list, "0", 1, &branch);
    bson_append_document_begin(&branch, "metadata.cu", -1, &range);
    bson_append_date_time(&range, "$lt", 3, before_ms);
    bson_append_document_end(&branch, &range);
    bson_append_document_end(&list, &branch);
    bson_append_document_begin(&list, "1", 1, &branch);
    bson_append_null(&branch, "metadata.cu", -1);
    bson_append_document_end(&list, &branch);
    bson_append_array_end(filter, &list);
}

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

    append_unused(&filter, before_ms);
    bson_append_int32(&only_id, "_id", 3, 1);
    if (!wd_docs_find(&s->docs->base, files, &filter, &q, &c, err))
        return false;
    for (;;) {
        struct wd_blob_key key;
        const uint8_t *p;
        bson_iter_t it;
        uint32_t n;
        if (!wd_docs_cursor_next(c, &doc, err))
            return false;
        if (!doc)
            return true;
        if (!bson_iter_init_find(&it, doc, "_id") || !BSON_ITER_HOLDS_BINARY(&it))
            continue;
        bson_iter_binary(&it, NULL, &n, &p);
        if (n != sizeof key.b)
            continue;
        memcpy(key.b, p, n);
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
        append_key(&filter, &keys->p[i]);
        append_unused(&filter, before_ms);
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
        append_key(&filter, &keys[i]);
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
