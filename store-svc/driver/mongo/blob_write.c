/* Writing the chunks of a body. What a writer leaves when it stops is for the next one or for the collector: it can not
 * be taken back, for another writer of the same body may use it already. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/mongo/blob_priv.h"

/* 3 MB are gathered and sent as one command; while it runs, libmongoc has a copy (up to 4 MB), so a writer takes 7 MB
 * at most. */
enum { HELD = 12 /* chunks; at most 32 */, TRIES = 6 };

struct writer {
    struct wd_blob_writer base;
    struct mongo_blobs *blobs;
    struct wd_blob_key key;
    int64_t begun_ms;
    uint64_t length; /* of all that was written */
    int32_t next;    /* number of the first chunk in buf */
    bool failed;     /* it can only be aborted */
    bool doubtful;   /* an old chunk was left in its place, or the time was long: wd_blobs_add is to look for itself */
    struct wd_buf buf;
};

bool
mongo_blob_write_begin(struct wd_blobs *base, const struct wd_blob_key *key, struct wd_blob_writer **out,
                       struct wd_error *err)
{
    struct writer *w = WD_NEW(struct writer);

    (void)err;
    w->base.ops = base->ops;
    w->blobs = (struct mongo_blobs *)base;
    w->key = *key;
    w->begun_ms = wd_now_ms();
    *out = &w->base;
    return true;
}

static void
writer_free(struct writer *w)
{
    wd_buf_done(&w->buf);
    free(w);
}

/* ---- one flush ---- */

enum state { TO_INSERT, REFUSED, OLD, DONE };

struct piece {
    enum state state;
    bson_oid_t id;  /* ours */
    bson_oid_t old; /* of the chunk that is to be refreshed */
};

struct flush {
    struct writer *w;
    size_t n;
    int64_t now_ms;
    struct piece pieces[HELD];
};

static bool
any(const struct flush *f, enum state state)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->pieces[i].state == state)
            return true;
    return false;
}

static void
turn(struct flush *f, enum state from, enum state to)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->pieces[i].state == from)
            f->pieces[i].state = to;
}

static void
append_data(const struct flush *f, size_t i, bson_t *to)
{
    struct wd_str bytes = wd_str_part(wd_buf_view(&f->w->buf), i * WD_BLOB_CHUNK, (i + 1) * WD_BLOB_CHUNK);

    bson_append_binary(to, "data", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)bytes.p, (uint32_t)bytes.n);
}

static void
fill_inserts(mongoc_bulk_operation_t *bulk, void *data)
{
    struct flush *f = data;

    for (size_t i = 0; i < f->n; i++) {
        bson_t doc = BSON_INITIALIZER;
        if (f->pieces[i].state == TO_INSERT) {
            bson_append_oid(&doc, "_id", -1, &f->pieces[i].id);
            wd_blob_file_append_key(&doc, "files_id", &f->w->key);
            bson_append_int32(&doc, "n", -1, f->w->next + (int32_t)i);
            append_data(f, i, &doc);
            mongoc_bulk_operation_insert_with_opts(bulk, &doc, NULL, NULL);
        }
        bson_destroy(&doc);
    }
}

/* Chunks that another writer inserted are REFUSED then, and so are our own when the command was repeated. */
static bool
insert_chunks(struct flush *f, struct wd_error *err)
{
    struct mongo_blobs *b = f->w->blobs;
    struct mongo_blob_bulk done;
    uint32_t bit = 1;

    if (!mongo_blob_bulk(b, b->chunks, MONGO_REPEAT, fill_inserts, f, &done, "insert chunks", err))
        return false;
    for (size_t i = 0; i < f->n; i++) {
        if (f->pieces[i].state != TO_INSERT)
            continue;
        f->pieces[i].state = done.duplicates & bit ? REFUSED : DONE;
        bit <<= 1;
    }
    return true;
}

static bool
judge_chunk(const bson_t *doc, void *data)
{
    struct flush *f = data;
    bson_iter_t it;
    int64_t i;

    if (!doc) {
        turn(f, OLD, REFUSED); /* from an earlier attempt */
        return true;
    }
    if (!bson_iter_init_find(&it, doc, "n"))
        return true;
    i = bson_iter_as_int64(&it) - f->w->next;
    if (i < 0 || i >= (int64_t)f->n || f->pieces[i].state != REFUSED)
        return true;
    if (f->now_ms - mongo_chunk_time(doc) < (int64_t)MONGO_CHUNK_USABLE_S * 1000) {
        f->pieces[i].state = DONE;
    } else if (bson_iter_init_find(&it, doc, "_id") && BSON_ITER_HOLDS_OID(&it)) {
        bson_oid_copy(bson_iter_oid(&it), &f->pieces[i].old);
        f->pieces[i].state = OLD;
    }
    return true;
}

/* Looks at what is in the place of the refused chunks. What is gone by now is inserted again. */
static bool
judge_chunks(struct flush *f, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, opts wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct mongo_blobs *b = f->w->blobs;

    mongo_chunk_append_range(&filter, &f->w->key, f->w->next, f->w->next + (int32_t)f->n - 1);
    mongo_blob_append_opts(&opts, "n refreshed", false, 0);
    if (!mongo_blob_find(b, b->chunks, &filter, &opts, judge_chunk, f, "look at chunks", err))
        return false;
    turn(f, REFUSED, TO_INSERT);
    return true;
}

static void
fill_refreshes(mongoc_bulk_operation_t *bulk, void *data)
{
    struct flush *f = data;

    for (size_t i = 0; i < f->n; i++) {
        bson_t filter = BSON_INITIALIZER, update = BSON_INITIALIZER, set;
        if (f->pieces[i].state == OLD) {
            bson_append_oid(&filter, "_id", -1, &f->pieces[i].old);
            wd_blob_file_append_key(&filter, "files_id", &f->w->key);
            bson_append_document_begin(&update, "$set", -1, &set);
            append_data(f, i, &set);
            bson_append_date_time(&set, "refreshed", -1, f->now_ms);
            bson_append_document_end(&update, &set);
            mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &update, NULL, NULL);
        }
        bson_destroy(&update);
        bson_destroy(&filter);
    }
}

/* Overwrites old chunks in their place; they may hold the body in another form, so they get our bytes. The next round
 * sees whether a collector took one before. */
static bool
refresh_chunks(struct flush *f, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct mongo_blobs *b = f->w->blobs;
    struct mongo_blob_bulk done;
    bool in_use;

    wd_blob_file_append_key(&filter, "_id", &f->w->key);
    if (!mongo_blob_exists(b, b->files, &filter, &in_use, "find attachment", err))
        return false;
    if (in_use) {
        f->w->doubtful = true;
        turn(f, OLD, DONE);
        return true;
    }
    if (!mongo_blob_bulk(b, b->chunks, MONGO_REPEAT, fill_refreshes, f, &done, "refresh chunks", err))
        return false;
    turn(f, OLD, TO_INSERT);
    return true;
}

/* Writes the first n chunks of the buffer. */
static bool
flush(struct writer *w, size_t n, struct wd_error *err)
{
    struct flush f = { .w = w, .n = n, .now_ms = wd_now_ms() };

    for (size_t i = 0; i < n; i++) {
        struct wd_id id = wd_id_new();
        memcpy(f.pieces[i].id.bytes, id.b, sizeof id.b);
    }
    for (int tries = 0; any(&f, TO_INSERT); tries++) {
        if (tries == TRIES)
            return wd_fail(err, WD_DATABASE, "the chunks of an attachment do not stay in their places");
        if (!insert_chunks(&f, err) || (any(&f, REFUSED) && !judge_chunks(&f, err)) ||
            (any(&f, OLD) && !refresh_chunks(&f, err)))
            return false;
    }
    w->next += (int32_t)n;
    wd_buf_cut(&w->buf, n * WD_BLOB_CHUNK < w->buf.n ? n * WD_BLOB_CHUNK : w->buf.n);
    return true;
}

/* ---- the writer ---- */

bool
mongo_blob_write(struct wd_blob_writer *base, struct wd_str bytes, struct wd_error *err)
{
    const size_t room = (size_t)HELD * WD_BLOB_CHUNK;
    struct writer *w = (struct writer *)base;

    if (w->failed)
        return wd_fail(err, WD_DATABASE, "writing the attachment failed earlier");
    w->length += bytes.n;
    while (bytes.n) {
        struct wd_str part = wd_str_part(bytes, 0, room - w->buf.n);
        wd_buf_str(&w->buf, part);
        bytes = wd_str_part(bytes, part.n, bytes.n);
        if (w->buf.n == room && !flush(w, HELD, err)) {
            w->failed = true;
            return false;
        }
    }
    return true;
}

bool
mongo_blob_write_finish(struct wd_blob_writer *base, struct wd_error *err)
{
    struct writer *w = (struct writer *)base;
    int64_t took_ms;
    bool ok = !w->failed || wd_fail(err, WD_DATABASE, "writing the attachment failed earlier");

    if (ok && w->buf.n)
        ok = flush(w, (w->buf.n + WD_BLOB_CHUNK - 1) / WD_BLOB_CHUNK, err);
    took_ms = wd_now_ms() - w->begun_ms;
    if (ok && !w->doubtful && took_ms >= 0 && took_ms < MONGO_WRITE_S * 1000)
        mongo_recent_add(&w->blobs->recent, &w->key, w->length);
    writer_free(w);
    return ok;
}

void
mongo_blob_write_abort(struct wd_blob_writer *base)
{
    writer_free((struct writer *)base);
}
