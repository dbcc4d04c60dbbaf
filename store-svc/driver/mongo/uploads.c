/* Uploads: {_id: {u: upload, o: offset}, end, data, created} in `uploads`. The pieces of one upload lie end to end and
 * are never changed, so a repeat has nothing to do. One at -1 without bytes stands for an upload that is still empty.
 * They are acknowledged by one server without its journal: what is lost with it, the client sends again. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/vec.h"
#include "store-svc/driver/mongo/blob_priv.h"

enum { PIECE = 4 << 20 /* bytes in a document at most */, TRIES = 8, EXPIRE_AT_ONCE = 1000 };

static const char uploads[] = "uploads";

static void
append_id(bson_t *to, const char *field, struct wd_id upload, int64_t offset)
{
    bson_oid_t oid;
    bson_t id;

    memcpy(oid.bytes, upload.b, sizeof oid.bytes);
    bson_append_document_begin(to, field, -1, &id);
    bson_append_oid(&id, "u", -1, &oid);
    bson_append_int64(&id, "o", -1, offset);
    bson_append_document_end(to, &id);
}

/* {_id: {$gte: from, $lt: to}}: the pieces that begin there. */
static void
append_range(bson_t *filter, struct wd_id upload, int64_t from, int64_t to)
{
    bson_t range;

    bson_append_document_begin(filter, "_id", -1, &range);
    append_id(&range, "$gte", upload, from);
    append_id(&range, "$lt", upload, to);
    bson_append_document_end(filter, &range);
}

static void
append_sort(bson_t *opts, int direction)
{
    bson_t sort;

    bson_append_document_begin(opts, "sort", -1, &sort);
    bson_append_int32(&sort, "_id", -1, direction);
    bson_append_document_end(opts, &sort);
}

static void
append_concern(bson_t *opts)
{
    bson_t concern;

    bson_append_document_begin(opts, "writeConcern", -1, &concern);
    bson_append_int32(&concern, "w", -1, 1);
    bson_append_document_end(opts, &concern);
}

/* A range that no offset is out of. */
enum { BEFORE_ALL = -1 };
#define AFTER_ALL INT64_MAX

/* ---- writing ---- */

struct size {
    bool found;
    int64_t bytes;
};

static bool
note_end(const bson_t *doc, void *data)
{
    struct size *s = data;
    bson_iter_t it;

    *s = (struct size){ .found = doc != NULL };
    if (doc && bson_iter_init_find(&it, doc, "end"))
        s->bytes = bson_iter_as_int64(&it);
    return true;
}

static bool
find_size(struct mongo_blobs *b, struct wd_id upload, struct size *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    append_range(&filter, upload, BEFORE_ALL, AFTER_ALL);
    mongo_blob_append_opts(&opts, "end", true, 1);
    append_sort(&opts, -1);
    return mongo_blob_find(b, uploads, &filter, &opts, note_end, out, "find upload", err);
}

/* WD_DUPLICATE when there is a piece with that offset. */
static bool
add_piece(struct mongo_blobs *b, struct wd_id upload, int64_t offset, struct wd_str bytes, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    append_id(&doc, "_id", upload, bytes.n ? offset : BEFORE_ALL);
    bson_append_int64(&doc, "end", -1, offset + (int64_t)bytes.n);
    bson_append_binary(&doc, "data", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)bytes.p, (uint32_t)bytes.n);
    bson_append_date_time(&doc, "created", -1, wd_now_ms());
    append_concern(&opts);
    return mongo_blob_insert(b, uploads, MONGO_REPEAT, &doc, &opts, "insert into uploads", err);
}

/* A first piece is inserted without a look; after a duplicate, what is there counts. */
bool
mongo_upload_write(struct wd_blobs *base, struct wd_id upload, uint64_t offset, struct wd_str bytes, uint64_t *size,
                   struct wd_error *err)
{
    struct mongo_blobs *b = (struct mongo_blobs *)base;
    struct size have = { 0 };
    bool look = offset > 0;

    if (offset > INT64_MAX / 2)
        return wd_fail(err, WD_INVALID, "upload: the offset is behind its end");
    for (int tries = 0; tries < TRIES;) {
        int64_t end = (int64_t)(offset + bytes.n);
        struct wd_str part;
        if (look && !find_size(b, upload, &have, err))
            return false;
        if ((int64_t)offset > have.bytes)
            return wd_fail(err, WD_INVALID, "upload: the offset is behind its end");
        if (have.bytes >= end && (have.found || end > 0)) {
            *size = (uint64_t)have.bytes;
            return true;
        }
        part = wd_str_part(bytes, (size_t)(have.bytes - (int64_t)offset), bytes.n);
        part = wd_str_part(part, 0, PIECE);
        look = !add_piece(b, upload, have.bytes, part, err);
        if (look && err->reason != WD_DUPLICATE)
            return false;
        tries += look;
        if (!look)
            have = (struct size){ true, have.bytes + (int64_t)part.n };
    }
    return wd_fail(err, WD_DATABASE, "upload: others write to it");
}

/* ---- reading ---- */

struct reading {
    int64_t at, end; /* what is to come */
    size_t before;
    int64_t start; /* of the first byte */
    struct wd_buf *out;
    bool found, lost;
};

/* Appends what a piece has of the range; one that begins behind it would leave a gap. */
static bool
take_piece(const bson_t *doc, void *data)
{
    struct reading *r = data;
    bson_iter_t it, offset;
    const uint8_t *p;
    int64_t o, skip;
    uint32_t n;

    if (!doc) {
        r->at = r->start;
        r->out->n = r->before;
        r->found = r->lost = false;
        return true;
    }
    r->found = true;
    r->lost = !bson_iter_init(&it, doc) || !bson_iter_find_descendant(&it, "_id.o", &offset) ||
              !bson_iter_init_find(&it, doc, "data") || !BSON_ITER_HOLDS_BINARY(&it);
    if (r->lost)
        return false;
    bson_iter_binary(&it, NULL, &n, &p);
    o = bson_iter_as_int64(&offset);
    if (o > r->at)
        return false;
    skip = r->at - o;
    if (o < 0 || skip >= (int64_t)n)
        return true;
    n = (uint32_t)((int64_t)n - skip < r->end - r->at ? (int64_t)n - skip : r->end - r->at);
    wd_buf_add(r->out, p + skip, n);
    r->at += n;
    return true;
}

static bool
read_pieces(struct mongo_blobs *b, struct wd_id upload, struct reading *r, int64_t from, int64_t to, int direction,
            int64_t limit, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    r->start = r->at;
    r->before = r->out->n;
    append_range(&filter, upload, from, to);
    mongo_blob_append_opts(&opts, "data", false, limit);
    append_sort(&opts, direction);
    return mongo_blob_find(b, uploads, &filter, &opts, take_piece, r, "read upload", err);
}

/* The piece with the first byte, and only then, for it may be enough, those after it. */
static bool
read_range(struct mongo_blobs *b, struct wd_id upload, struct reading *r, struct wd_error *err)
{
    int64_t start = r->at;

    if (!read_pieces(b, upload, r, BEFORE_ALL, start + 1, -1, 1, err))
        return false;
    if (!r->found)
        return wd_fail(err, WD_UPLOAD_NOT_FOUND, "no such upload");
    if (!r->lost && r->at > start && r->at < r->end && !read_pieces(b, upload, r, r->at, r->end, 1, 0, err))
        return false;
    return !r->lost || wd_fail(err, WD_DATA_LOSS, "a piece of an upload has no bytes");
}

bool
mongo_upload_read(struct wd_blobs *base, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
                  struct wd_error *err)
{
    uint64_t start = offset < INT64_MAX / 2 ? offset : INT64_MAX / 2;
    struct reading r = {
        .at = (int64_t)start,
        .end = (int64_t)(start + (n < INT64_MAX / 2 ? n : INT64_MAX / 2)),
        .out = out,
    };
    size_t before = out->n;

    if (read_range((struct mongo_blobs *)base, upload, &r, err))
        return true;
    out->n = before;
    return false;
}

/* ---- removing ---- */

static bool
drop(struct mongo_blobs *b, struct wd_id upload, int64_t *pieces, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    append_range(&filter, upload, BEFORE_ALL, AFTER_ALL);
    append_concern(&opts);
    return mongo_blob_remove(b, uploads, true, &filter, &opts, pieces, "remove upload", err);
}

bool
mongo_upload_drop(struct wd_blobs *base, struct wd_id upload, struct wd_error *err)
{
    int64_t pieces;

    return drop((struct mongo_blobs *)base, upload, &pieces, err);
}

struct old {
    struct wd_id *p;
    size_t n, cap;
};

static bool
note_old(const bson_t *doc, void *data)
{
    struct old *old = data;
    bson_iter_t it, at;
    struct wd_id id;

    if (!doc) {
        old->n = 0;
        return true;
    }
    if (!bson_iter_init(&it, doc) || !bson_iter_find_descendant(&it, "_id.u", &at) || !BSON_ITER_HOLDS_OID(&at))
        return true;
    memcpy(id.b, bson_iter_oid(&at)->bytes, sizeof id.b);
    for (size_t i = 0; i < old->n; i++)
        if (wd_id_eq(old->p[i], id))
            return true;
    wd_vec_push(old, id);
    return true;
}

static bool
find_old(struct mongo_blobs *b, int64_t before_ms, struct old *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER, range;

    bson_append_document_begin(&filter, "created", -1, &range);
    bson_append_date_time(&range, "$lt", -1, before_ms);
    bson_append_document_end(&filter, &range);
    mongo_blob_append_opts(&opts, "_id", false, EXPIRE_AT_ONCE);
    return mongo_blob_find(b, uploads, &filter, &opts, note_old, out, "find old uploads", err);
}

/* An upload is as old as its youngest piece. */
static bool
expire_one(struct mongo_blobs *b, struct wd_id upload, int64_t before_ms, uint64_t *removed, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, range;
    int64_t pieces;
    bool in_use;

    append_range(&filter, upload, BEFORE_ALL, AFTER_ALL);
    bson_append_document_begin(&filter, "created", -1, &range);
    bson_append_date_time(&range, "$gte", -1, before_ms);
    bson_append_document_end(&filter, &range);
    if (!mongo_blob_exists(b, uploads, &filter, &in_use, "find upload", err))
        return false;
    if (in_use)
        return true;
    if (!drop(b, upload, &pieces, err))
        return false;
    *removed += pieces > 0;
    return true;
}

bool
mongo_upload_expire(struct wd_blobs *base, int64_t unused_for_s, uint64_t *removed, struct wd_error *err)
{
    struct mongo_blobs *b = (struct mongo_blobs *)base;
    int64_t before_ms = wd_now_ms() - unused_for_s * 1000;
    struct old old = { 0 };
    uint64_t n = 0;
    bool ok = find_old(b, before_ms, &old, err);

    for (size_t i = 0; ok && i < old.n; i++)
        ok = expire_one(b, old.p[i], before_ms, &n, err);
    wd_vec_done(&old);
    if (ok)
        *removed = n;
    return ok;
}
