/* Reading a range of a body: its row, then the chunks of the range. Whatever is not as it must be is a loss, and never
 * bytes of another place. */
#include "store-svc/driver/mongo/blob_priv.h"

struct reading {
    const struct wd_blob_key *key;
    uint64_t length, offset, end; /* of the body; of the range */
    uint32_t chunk_size;
    int64_t next; /* number of the chunk that must come now */
    size_t before;
    struct wd_buf *out;
    bool found, lost;
    struct wd_error err; /* when lost */
};

static bool
note_extent(const bson_t *doc, void *data)
{
    struct reading *r = data;
    struct wd_error err;

    r->found = doc != NULL;
    r->lost = doc && !wd_blob_file_extent(doc, &r->length, &r->chunk_size, &err) &&
              !wd_blob_file_lost(r->key, err.text, &r->err);
    return true;
}

static bool
find_extent(struct mongo_blobs *b, struct reading *r, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_blob_file_append_key(&filter, "_id", r->key);
    mongo_blob_append_opts(&opts, "length chunkSize", true, 1);
    return mongo_blob_find(b, b->files, &filter, &opts, note_extent, r, "find attachment", err);
}

static bool
lost_chunk(struct reading *r, const char *what)
{
    char text[64];

    snprintf(text, sizeof text, "chunk %lld %s", (long long)r->next, what);
    r->lost = true;
    return wd_blob_file_lost(r->key, text, &r->err);
}

/* Appends what the range has of the next chunk. */
static bool
take_chunk(const bson_t *doc, void *data)
{
    struct reading *r = data;
    uint64_t start = (uint64_t)r->next * r->chunk_size, from, to;
    const uint8_t *p;
    bson_iter_t it;
    uint32_t n;

    if (!doc) {
        r->next = (int64_t)(r->offset / r->chunk_size);
        r->out->n = r->before;
        r->lost = false;
        return true;
    }
    if (!bson_iter_init_find(&it, doc, "n") || bson_iter_as_int64(&it) != r->next)
        return lost_chunk(r, "is missing");
    if (!bson_iter_init_find(&it, doc, "data") || !BSON_ITER_HOLDS_BINARY(&it))
        return lost_chunk(r, "has no bytes");
    bson_iter_binary(&it, NULL, &n, &p);
    if (n != (r->length - start < r->chunk_size ? r->length - start : r->chunk_size))
        return lost_chunk(r, "has the wrong size");
    from = r->offset > start ? r->offset - start : 0;
    to = r->end - start < n ? r->end - start : n;
    wd_buf_add(r->out, p + from, (size_t)(to - from));
    r->next++;
    return true;
}

static bool
read_chunks(struct mongo_blobs *b, struct reading *r, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER, sort;
    int32_t first = (int32_t)(r->offset / r->chunk_size), last = (int32_t)((r->end - 1) / r->chunk_size);

    mongo_chunk_append_range(&filter, r->key, first, last);
    mongo_blob_append_opts(&opts, "n data", true, (int64_t)last - first + 1);
    bson_append_document_begin(&opts, "sort", -1, &sort);
    bson_append_int32(&sort, "n", -1, 1);
    bson_append_document_end(&opts, &sort);
    if (!mongo_blob_find(b, b->chunks, &filter, &opts, take_chunk, r, "read chunks", err))
        return false;
    if (!r->lost && r->next != (int64_t)last + 1)
        lost_chunk(r, "is missing");
    return true;
}

bool
mongo_blob_read(struct wd_blobs *base, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
                struct wd_error *err)
{
    struct mongo_blobs *b = (struct mongo_blobs *)base;
    struct reading r = { .key = key, .offset = offset, .out = out, .before = out->n };
    bool ok = find_extent(b, &r, err);

    if (ok && !r.found)
        return wd_blob_file_lost(key, "there is none", err);
    if (ok && !r.lost && offset < r.length && n > 0) {
        r.end = n < r.length - offset ? offset + n : r.length;
        ok = read_chunks(b, &r, err);
    }
    if (ok && r.lost) {
        *err = r.err;
        ok = false;
    }
    if (!ok)
        out->n = r.before;
    return ok;
}
