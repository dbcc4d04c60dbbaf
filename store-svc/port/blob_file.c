#include "store-svc/port/blob_file.h"

#include "common/base/clock.h"
#include "common/base/hex.h"

enum { CHUNK_MAX = 16 << 20 /* no document is larger */ };

static const double int64_limit = 9223372036854774784.0; /* the largest double below 2^63 */

void
wd_blob_file_append_key(bson_t *to, const char *field, const struct wd_blob_key *key)
{
    bson_append_binary(to, field, -1, BSON_SUBTYPE_BINARY, key->b, sizeof key->b);
}

bool
wd_blob_file_key(const bson_t *doc, const char *field, struct wd_blob_key *out)
{
    const uint8_t *p;
    bson_iter_t it;
    uint32_t n;

    if (!bson_iter_init_find(&it, doc, field) || !BSON_ITER_HOLDS_BINARY(&it))
        return false;
    bson_iter_binary(&it, NULL, &n, &p);
    if (n != sizeof out->b)
        return false;
    memcpy(out->b, p, n);
    return true;
}

static bool
find(const bson_t *doc, const char *path, bson_iter_t *at)
{
    bson_iter_t it;

    return bson_iter_init(&it, doc) && bson_iter_find_descendant(&it, path, at);
}

/* A number of any type; fallback for anything else, and for a double that is no int64. */
static int64_t
number_at(const bson_t *doc, const char *path, int64_t fallback)
{
    bson_iter_t at;
    double d;

    if (!find(doc, path, &at))
        return fallback;
    if (!BSON_ITER_HOLDS_DOUBLE(&at))
        return BSON_ITER_HOLDS_INT(&at) ? bson_iter_as_int64(&at) : fallback;
    d = bson_iter_double(&at);
    return d >= -int64_limit && d <= int64_limit ? (int64_t)d : fallback;
}

static uint32_t
small_at(const bson_t *doc, const char *path)
{
    int64_t n = number_at(doc, path, 0);

    return n > 0 && n <= INT32_MAX ? (uint32_t)n : 0;
}

static bool
true_at(const bson_t *doc, const char *path)
{
    bson_iter_t at;

    return find(doc, path, &at) && bson_iter_as_bool(&at);
}

static void
copy_text(const bson_t *doc, const char *path, char *to, size_t size)
{
    bson_iter_t at;
    const char *p = "";

    if (find(doc, path, &at) && BSON_ITER_HOLDS_UTF8(&at))
        p = bson_iter_utf8(&at, NULL);
    strncpy(to, p, size - 1);
    to[size - 1] = '\0';
}

void
wd_blob_file_make(const struct wd_blob_ref *ref, const struct wd_blob_info *info, bson_t *out)
{
    bson_t meta;

    wd_blob_file_append_key(out, "_id", &ref->key);
    bson_append_int64(out, "length", -1, (int64_t)info->length);
    bson_append_int32(out, "chunkSize", -1, WD_BLOB_CHUNK);
    bson_append_date_time(out, "uploadDate", -1, wd_now_ms());
    bson_append_utf8(out, "contentType", -1, info->content_type, -1);
    bson_append_document_begin(out, "metadata", -1, &meta);
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
    bson_append_document_end(out, &meta);
}

bool
wd_blob_file_info(const bson_t *doc, struct wd_blob_info *out, struct wd_error *err)
{
    int64_t length = number_at(doc, "length", -1), encoded = number_at(doc, "metadata.esize", length);

    if (length < 0 || encoded < 0)
        return wd_fail(err, WD_DATA_LOSS, "an attachment without a length");
    *out = (struct wd_blob_info){
        .length = (uint64_t)length,
        .encoded_length = (uint64_t)encoded,
        .decoded = true_at(doc, "metadata.decoded"),
        .line_length = small_at(doc, "metadata.lineLen"),
        .tail = small_at(doc, "metadata.tail"),
    };
    copy_text(doc, "contentType", out->content_type, sizeof out->content_type);
    copy_text(doc, "metadata.transferEncoding", out->transfer_encoding, sizeof out->transfer_encoding);
    copy_text(doc, "metadata.fileContentHash", out->content_hash, sizeof out->content_hash);
    return true;
}

bool
wd_blob_file_extent(const bson_t *doc, uint64_t *length, uint32_t *chunk_size, struct wd_error *err)
{
    int64_t bytes = number_at(doc, "length", -1), in_chunk = number_at(doc, "chunkSize", -1);

    if (bytes < 0 || in_chunk < 1 || in_chunk > CHUNK_MAX || bytes / in_chunk >= INT32_MAX)
        return wd_fail(err, WD_DATA_LOSS, "an attachment of %lld bytes in chunks of %lld", (long long)bytes,
                       (long long)in_chunk);
    *length = (uint64_t)bytes;
    *chunk_size = (uint32_t)in_chunk;
    return true;
}

void
wd_blob_file_append_counting(bson_t *update, int64_t count, int64_t magic)
{
    bson_t part;

    bson_append_document_begin(update, "$inc", -1, &part);
    bson_append_int64(&part, "metadata.c", -1, count);
    bson_append_int64(&part, "metadata.m", -1, magic);
    bson_append_document_end(update, &part);
    bson_append_document_begin(update, "$set", -1, &part);
    bson_append_date_time(&part, "metadata.cu", -1, wd_now_ms());
    bson_append_document_end(update, &part);
}

void
wd_blob_file_append_unused(bson_t *filter, int64_t before_ms)
{
    bson_t list, branch, range;

    bson_append_int32(filter, "metadata.c", -1, 0);
    bson_append_int32(filter, "metadata.m", -1, 0);
    bson_append_array_begin(filter, "$or", -1, &list);
    bson_append_document_begin(&list, "0", -1, &branch);
    bson_append_document_begin(&branch, "metadata.cu", -1, &range);
    bson_append_date_time(&range, "$lt", -1, before_ms);
    bson_append_document_end(&branch, &range);
    bson_append_document_end(&list, &branch);
    bson_append_document_begin(&list, "1", -1, &branch);
    bson_append_null(&branch, "metadata.cu", -1);
    bson_append_document_end(&list, &branch);
    bson_append_array_end(filter, &list);
}

bool
wd_blob_file_lost(const struct wd_blob_key *key, const char *what, struct wd_error *err)
{
    struct wd_buf hex wd_auto(wd_buf_done) = { 0 };

    wd_hex_encode(&hex, key->b, sizeof key->b);
    return wd_fail(err, WD_DATA_LOSS, "attachment %.*s: %s", WD_FMT(wd_buf_view(&hex)), what);
}
