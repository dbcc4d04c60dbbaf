/* Collecting bodies that nothing refers to, and chunks that belong to no body. Why that is safe: blob_priv.h. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/base/vec.h"
#include "store-svc/driver/mongo/blob_priv.h"

enum {
    PAGE = 1000,     /* rows or chunks looked at by one command */
    EXAMINE = 20000, /* chunks whose row is looked for in one call */
};

struct keys {
    struct wd_blob_key *p;
    size_t n, cap;
};

struct round {
    struct mongo_blobs *blobs;
    int64_t rows_before_ms, chunks_before_ms; /* noted before anything is looked at */
    uint64_t limit, removed;
    struct keys keys;  /* of the page at hand */
    size_t documents;  /* of the page */
    const char *field; /* where the key is */
};

static bool
note_key(const bson_t *doc, void *data)
{
    struct round *r = data;
    struct wd_blob_key key;

    if (!doc) {
        r->keys.n = r->documents = 0;
        return true;
    }
    r->documents++;
    if (wd_blob_file_key(doc, r->field, &key) &&
        (r->keys.n == 0 || memcmp(r->keys.p[r->keys.n - 1].b, key.b, sizeof key.b) != 0))
        wd_vec_push(&r->keys, key);
    return true;
}

/* Removes the old chunks of a body that has no row. */
static bool
remove_chunks(struct round *r, const struct wd_blob_key *key, int64_t *n, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_blob_file_append_key(&filter, "files_id", key);
    mongo_chunk_append_older(&filter, r->chunks_before_ms);
    return mongo_blob_remove(r->blobs, r->blobs->chunks, true, &filter, NULL, n, "remove chunks", err);
}

/* ---- bodies without references ---- */

static bool
find_unused(struct round *r, size_t most, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;

    r->field = "_id";
    wd_blob_file_append_unused(&filter, r->rows_before_ms);
    mongo_blob_append_opts(&opts, "_id", false, (int64_t)most);
    return mongo_blob_find(r->blobs, r->blobs->files, &filter, &opts, note_key, r, "find unused attachments", err);
}

/* The condition is repeated: a reference that came meanwhile keeps the row. */
static bool
remove_unused(struct round *r, const struct wd_blob_key *key, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t rows, chunks;

    wd_blob_file_append_key(&filter, "_id", key);
    wd_blob_file_append_unused(&filter, r->rows_before_ms);
    if (!mongo_blob_remove(r->blobs, r->blobs->files, false, &filter, NULL, &rows, "remove attachment", err))
        return false;
    r->removed += (uint64_t)rows;
    return rows == 0 || remove_chunks(r, key, &chunks, err);
}

/* Until nothing comes any more, or nothing of what comes can be removed. */
static bool
collect_unused(struct round *r, struct wd_error *err)
{
    bool more = true;

    while (more && r->removed < r->limit) {
        uint64_t before = r->removed, most = r->limit - before < PAGE ? r->limit - before : PAGE;
        if (!find_unused(r, (size_t)most, err))
            return false;
        for (size_t i = 0; i < r->keys.n; i++)
            if (!remove_unused(r, &r->keys.p[i], err))
                return false;
        more = r->documents == most && r->removed > before;
    }
    return true;
}

/* ---- chunks without a row ---- */

/* The bodies of the next chunks by the index of files_id and n, which answers without reading a chunk. */
static bool
find_bodies(struct round *r, const char *bound, const struct wd_blob_key *from, const struct wd_blob_key *to,
            struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER, part;

    r->field = "files_id";
    bson_append_document_begin(&filter, "files_id", -1, &part);
    wd_blob_file_append_key(&part, bound, from);
    if (to)
        wd_blob_file_append_key(&part, "$lt", to);
    bson_append_document_end(&filter, &part);
    mongo_blob_append_opts(&opts, "files_id", true, PAGE);
    bson_append_document_begin(&opts, "sort", -1, &part);
    bson_append_int32(&part, "files_id", -1, 1);
    bson_append_int32(&part, "n", -1, 1);
    bson_append_document_end(&opts, &part);
    return mongo_blob_find(r->blobs, r->blobs->chunks, &filter, &opts, note_key, r, "find chunks", err);
}

static int
compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct wd_blob_key));
}

struct known {
    const struct keys *keys; /* sorted */
    bool has_row[PAGE];
};

static bool
note_known(const bson_t *doc, void *data)
{
    struct known *k = data;
    struct wd_blob_key key, *at;

    if (!doc)
        memset(k->has_row, 0, sizeof k->has_row);
    else if (wd_blob_file_key(doc, "_id", &key) &&
             (at = bsearch(&key, k->keys->p, k->keys->n, sizeof key, compare_keys)))
        k->has_row[at - k->keys->p] = true;
    return true;
}

static bool
find_rows(struct round *r, struct known *k, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER, part, list;

    k->keys = &r->keys;
    bson_append_document_begin(&filter, "_id", -1, &part);
    bson_append_array_begin(&part, "$in", -1, &list);
    for (size_t i = 0; i < r->keys.n; i++) {
        char text[16];
        const char *name;
        bson_uint32_to_string((uint32_t)i, &name, text, sizeof text);
        wd_blob_file_append_key(&list, name, &r->keys.p[i]);
    }
    bson_append_array_end(&part, &list);
    bson_append_document_end(&filter, &part);
    mongo_blob_append_opts(&opts, "_id", false, 0);
    return mongo_blob_find(r->blobs, r->blobs->files, &filter, &opts, note_known, k, "find attachments", err);
}

static bool
remove_orphans(struct round *r, struct wd_error *err)
{
    struct known k;

    qsort(r->keys.p, r->keys.n, sizeof *r->keys.p, compare_keys);
    if (!find_rows(r, &k, err))
        return false;
    for (size_t i = 0; i < r->keys.n && r->removed < r->limit; i++) {
        int64_t n = 0;
        if (!k.has_row[i] && !remove_chunks(r, &r->keys.p[i], &n, err))
            return false;
        r->removed += n > 0;
    }
    return true;
}

/* Bodies from `from` on, up to `to` or the end. */
static bool
sweep(struct round *r, struct wd_blob_key from, const struct wd_blob_key *to, size_t *examined, struct wd_error *err)
{
    const char *bound = "$gte";

    while (r->removed < r->limit && *examined < EXAMINE) {
        if (!find_bodies(r, bound, &from, to, err))
            return false;
        if (r->keys.n == 0)
            return true;
        *examined += r->documents;
        from = r->keys.p[r->keys.n - 1];
        bound = "$gt";
        if (!remove_orphans(r, err))
            return false;
    }
    return true;
}

/* Keys are hashes, so beginning at a random one looks at all parts alike over time, whoever does the rounds, and
 * nothing has to be remembered. What fits in one round is looked at as a whole. */
static bool
collect_orphans(struct round *r, struct wd_error *err)
{
    struct wd_blob_key middle, first = { { 0 } };
    size_t examined = 0;

    wd_rand(middle.b, sizeof middle.b);
    return sweep(r, middle, NULL, &examined, err) && sweep(r, first, &middle, &examined, err);
}

bool
mongo_blob_collect(struct wd_blobs *base, int64_t unused_for_s, size_t limit, uint64_t *removed, struct wd_error *err)
{
    int64_t now = wd_now_ms(),
            chunks_for_s = unused_for_s > MONGO_CHUNK_GRACE_S ? unused_for_s : MONGO_CHUNK_GRACE_S;
    struct round r = {
        .blobs = (struct mongo_blobs *)base,
        .rows_before_ms = now - unused_for_s * 1000,
        .chunks_before_ms = now - chunks_for_s * 1000,
        .limit = limit,
    };
    bool ok = collect_unused(&r, err) && (r.removed >= limit || collect_orphans(&r, err));

    wd_vec_done(&r.keys);
    if (ok)
        *removed = r.removed;
    return ok;
}
