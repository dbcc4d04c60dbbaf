/* Bodies as rows of `<bucket>.files`: what is known of one, and the counting of its references. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/mongo/blob_priv.h"

enum { REFS_AT_ONCE = 1000, ADD_TRIES = 4 };

struct finding {
    struct wd_blob_info *info;
    bool found, good;
    struct wd_error err; /* when found but not good */
};

static bool
note_info(const bson_t *doc, void *data)
{
    struct finding *s = data;

    s->found = doc != NULL;
    s->good = doc && wd_blob_file_info(doc, s->info, &s->err);
    return true;
}

static bool
blobs_stat(struct wd_blobs *base, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
           struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct mongo_blobs *b = (struct mongo_blobs *)base;
    struct finding s = { .info = info };

    wd_blob_file_append_key(&filter, "_id", key);
    bson_append_int64(&opts, "limit", -1, 1);
    if (!mongo_blob_find(b, b->files, &filter, &opts, note_info, &s, "find attachment", err))
        return false;
    *found = s.found;
    return !s.found || s.good || wd_blob_file_lost(key, s.err.text, err);
}

/* ---- references ---- */

struct counting {
    const struct wd_blob_ref *refs;
    size_t n;
    int sign;
};

static void
fill_counting(mongoc_bulk_operation_t *bulk, void *data)
{
    struct counting *c = data;

    for (size_t i = 0; i < c->n; i++) {
        bson_t filter = BSON_INITIALIZER, update = BSON_INITIALIZER;
        uint64_t magic = c->sign < 0 ? 0 - c->refs[i].magic_sum : c->refs[i].magic_sum;
        wd_blob_file_append_key(&filter, "_id", &c->refs[i].key);
        wd_blob_file_append_counting(&update, c->sign * (int64_t)c->refs[i].count, (int64_t)magic);
        mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &update, NULL, NULL);
        bson_destroy(&update);
        bson_destroy(&filter);
    }
}

/* Adds to or takes from the counters of the rows that are there. Not repeated when it may have happened: counters that
 * are too high by one keep a body for ever, and counters that are too low lose it. */
static bool
count_refs(struct mongo_blobs *b, const struct wd_blob_ref *refs, size_t n, int sign, int64_t *matched,
           struct wd_error *err)
{
    *matched = 0;
    for (size_t i = 0; i < n; i += REFS_AT_ONCE) {
        struct counting c = { refs + i, n - i < REFS_AT_ONCE ? n - i : REFS_AT_ONCE, sign };
        struct mongo_blob_bulk done;
        if (!mongo_blob_bulk(b, b->files, MONGO_REPEAT_NEVER, fill_counting, &c, &done, "count references", err))
            return false;
        *matched += done.matched;
    }
    return true;
}

static bool
blobs_ref(struct wd_blobs *base, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    int64_t matched;

    (void)batch; /* there are no transactions */
    return count_refs((struct mongo_blobs *)base, refs, n, 1, &matched, err);
}

static bool
blobs_unref(struct wd_blobs *base, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n,
            struct wd_error *err)
{
    int64_t matched;

    (void)batch;
    return count_refs((struct mongo_blobs *)base, refs, n, -1, &matched, err);
}

/* ---- making a body visible ---- */

/* Every chunk is there and will not be collected for some hours. */
static bool
bytes_are_safe(struct mongo_blobs *b, const struct wd_blob_key *key, uint64_t length, bool *safe, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    uint64_t chunks = (length + WD_BLOB_CHUNK - 1) / WD_BLOB_CHUNK;
    int64_t n;

    *safe = length == 0;
    if (*safe || chunks > INT32_MAX)
        return true;
    mongo_chunk_append_range(&filter, key, 0, (int32_t)chunks - 1);
    mongo_chunk_append_since(&filter, wd_now_ms() - (int64_t)MONGO_CHUNK_USABLE_S * 1000);
    if (!mongo_blob_count(b, b->chunks, &filter, &n, "look for chunks", err))
        return false;
    *safe = (uint64_t)n == chunks;
    return true;
}

/* *made is false when another writer was faster. Not repeated when it may have happened, like any counting. */
static bool
insert_row(struct mongo_blobs *b, const struct wd_blob_ref *ref, const struct wd_blob_info *info, bool *made,
           struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_blob_file_make(ref, info, &doc);
    *made = mongo_blob_insert(b, b->files, MONGO_REPEAT_NEVER, &doc, NULL, "insert attachment", err);
    return *made || err->reason == WD_DUPLICATE;
}

/* A body that was just written is most likely new, so its row is inserted at once; of any other it is asked first. */
static bool
blobs_add(struct wd_blobs *base, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
          struct wd_error *err)
{
    struct mongo_blobs *b = (struct mongo_blobs *)base;
    bool safe = mongo_recent_take(&b->recent, &ref->key, info->length), made = false;
    int64_t matched = 0;

    (void)batch;
    for (int i = 0; i < ADD_TRIES && !made; i++) {
        if (safe && !insert_row(b, ref, info, &made, err))
            return false;
        if (made)
            break;
        if (!count_refs(b, ref, 1, 1, &matched, err))
            return false;
        if (matched)
            return true;
        if (!bytes_are_safe(b, &ref->key, info->length, &safe, err))
            return false;
        if (!safe)
            break;
    }
    return made || wd_fail(err, WD_CONFLICT, "the attachment was collected before it was used");
}

/* ---- opening and closing ---- */

static void
blobs_close(struct wd_blobs *base)
{
    struct mongo_blobs *b = (struct mongo_blobs *)base;

    mongo_link_release(b->link);
    pthread_mutex_destroy(&b->recent.lock);
    free(b->files);
    free(b->chunks);
    free(b);
}

const struct wd_blobs_ops mongo_blobs_ops = {
    .name = "mongo",
    .stat = blobs_stat,
    .write_begin = mongo_blob_write_begin,
    .write = mongo_blob_write,
    .write_finish = mongo_blob_write_finish,
    .write_abort = mongo_blob_write_abort,
    .add = blobs_add,
    .ref = blobs_ref,
    .unref = blobs_unref,
    .read = mongo_blob_read,
    .collect = mongo_blob_collect,
    .upload_write = mongo_upload_write,
    .upload_read = mongo_upload_read,
    .upload_drop = mongo_upload_drop,
    .upload_expire = mongo_upload_expire,
    .close = blobs_close,
};

static char *
collection_name(const char *bucket, const char *suffix)
{
    struct wd_buf name = { 0 };

    wd_buf_printf(&name, "%s.%s", bucket, suffix);
    wd_buf_chr(&name, '\0');
    return name.p;
}

struct wd_blobs *
mongo_blobs_new(struct mongo_link *l)
{
    struct mongo_blobs *b = WD_NEW(struct mongo_blobs);

    b->base.ops = &mongo_blobs_ops;
    b->link = mongo_link_share(l);
    b->files = collection_name(mongo_link_bucket(l), "files");
    b->chunks = collection_name(mongo_link_bucket(l), "chunks");
    pthread_mutex_init(&b->recent.lock, NULL);
    return &b->base;
}
