/* The bytes of bodies in blobs.db. A body without a key is being written, or is forgotten and waits to be swept. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/embedded/embedded_priv.h"

enum { SPILL_CHUNKS = 4 /* held in memory by a writer */, CHUNK_BITS = 24 /* of a row number; the rest is the body */ };

struct writer {
    struct wd_blob_writer base;
    struct em_store *store;
    struct wd_blob_key key;
    int64_t body; /* 0: nothing was written yet */
    int64_t chunks;
    uint64_t length;
    bool failed; /* it can only be aborted */
    struct wd_buf buf;
};

bool
em_bodies_ensure(struct em_db *db, struct wd_error *err)
{
    struct em_conn *conn;
    bool ok;

    if (!em_writer_begin(db, &conn, err))
        return false;
    ok = em_exec(conn, "CREATE TABLE IF NOT EXISTS bodies(body INTEGER PRIMARY KEY AUTOINCREMENT,key BLOB UNIQUE,"
                       "length INTEGER,created INTEGER);"
                       "CREATE INDEX IF NOT EXISTS keyless ON bodies(created) WHERE key IS NULL;"
                       "CREATE TABLE IF NOT EXISTS chunks(id INTEGER PRIMARY KEY,bytes BLOB)", err);
    if (ok)
        return em_writer_commit(db, err);
    em_writer_abort(db);
    return false;
}

static int64_t
chunk_id(int64_t body, int64_t n)
{
    return (int64_t)((uint64_t)body << CHUNK_BITS) + n;
}

static bool
find_body(struct em_conn *conn, const struct wd_blob_key *key, int64_t *body, uint64_t *length, bool *found,
          struct wd_error *err)
{
    struct em_use use wd_auto(em_done) = { 0 };

    if (!em_prepare(conn, WD_STR("SELECT body,length FROM bodies WHERE key=?"), &use, err))
        return false;
    sqlite3_bind_blob(use.st, 1, key->b, sizeof key->b, SQLITE_STATIC);
    if (!em_step(&use, found, err))
        return false;
    if (*found) {
        *body = sqlite3_column_int64(use.st, 0);
        *length = (uint64_t)sqlite3_column_int64(use.st, 1);
    }
    return true;
}

bool
em_body_exists(struct em_store *s, const struct wd_blob_key *key, bool *found, struct wd_error *err)
{
    struct em_conn *conn;
    uint64_t length;
    int64_t body;
    bool ok;

    if (!em_reader_take(s->bodies, &conn, err))
        return false;
    ok = find_body(conn, key, &body, &length, found, err);
    em_reader_give(s->bodies, conn);
    return ok;
}

/* ---- writing ---- */

bool
em_body_begin(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out, struct wd_error *err)
{
    struct writer *w = WD_NEW(struct writer);

    (void)err;
    w->base.ops = b->ops;
    w->store = ((struct em_blobs *)b)->store;
    w->key = *key;
    *out = &w->base;
    return true;
}

static void
writer_free(struct writer *w)
{
    wd_buf_done(&w->buf);
    free(w);
}

/* A body of its own, without a key. */
static bool
make_body(struct writer *w, struct em_conn *conn, struct wd_error *err)
{
    struct em_use use = { 0 };

    if (w->body)
        return true;
    if (!em_prepare(conn, WD_STR("INSERT INTO bodies(created)VALUES(?)"), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, wd_now_ms());
    if (!em_run(&use, err))
        return false;
    w->body = sqlite3_last_insert_rowid(conn->db);
    return true;
}

static bool
write_chunks(struct writer *w, struct em_conn *conn, bool all, struct wd_error *err)
{
    size_t done = 0;
    bool ok = make_body(w, conn, err);

    while (ok && (w->buf.n - done >= WD_BLOB_CHUNK || (all && w->buf.n > done))) {
        size_t n = w->buf.n - done < WD_BLOB_CHUNK ? w->buf.n - done : WD_BLOB_CHUNK;
        struct em_use use = { 0 };
        ok = em_prepare(conn, WD_STR("INSERT INTO chunks VALUES(?,?)"), &use, err);
        if (!ok)
            break;
        sqlite3_bind_int64(use.st, 1, chunk_id(w->body, w->chunks));
        sqlite3_bind_blob(use.st, 2, w->buf.p + done, (int)n, SQLITE_STATIC);
        ok = em_run(&use, err);
        w->chunks++;
        done += n;
    }
    wd_buf_cut(&w->buf, done);
    return ok;
}

bool
em_body_write(struct wd_blob_writer *base, struct wd_str bytes, struct wd_error *err)
{
    struct writer *w = (struct writer *)base;
    struct em_conn *conn;

    w->length += bytes.n;
    while (bytes.n) {
        size_t room = (size_t)SPILL_CHUNKS * WD_BLOB_CHUNK - w->buf.n;
        struct wd_str part = wd_str_part(bytes, 0, room);
        wd_buf_str(&w->buf, part);
        bytes = wd_str_part(bytes, part.n, bytes.n);
        if (w->buf.n < (size_t)SPILL_CHUNKS * WD_BLOB_CHUNK)
            continue;
        w->failed = true;
        if (!em_writer_begin(w->store->bodies, &conn, err))
            return false;
        if (!write_chunks(w, conn, false, err)) {
            em_writer_abort(w->store->bodies);
            return false;
        }
        if (!em_writer_commit(w->store->bodies, err))
            return false;
        w->failed = false;
    }
    return true;
}

static bool
drop_body(struct em_conn *conn, int64_t body, struct wd_error *err)
{
    struct em_use use = { 0 };

    if (!em_prepare(conn, WD_STR("DELETE FROM chunks WHERE id>=? AND id<?"), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, chunk_id(body, 0));
    sqlite3_bind_int64(use.st, 2, chunk_id(body + 1, 0));
    if (!em_run(&use, err) || !em_prepare(conn, WD_STR("DELETE FROM bodies WHERE body=?"), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, body);
    return em_run(&use, err);
}

static bool
refresh(struct em_conn *conn, int64_t body, struct wd_error *err)
{
    struct em_use use = { 0 };

    if (!em_prepare(conn, WD_STR("UPDATE bodies SET created=? WHERE body=?"), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, wd_now_ms());
    sqlite3_bind_int64(use.st, 2, body);
    return em_run(&use, err);
}

static bool
name_body(struct writer *w, struct em_conn *conn, struct wd_error *err)
{
    struct em_use use = { 0 };

    if (!em_prepare(conn, WD_STR("UPDATE bodies SET key=?,length=?,created=? WHERE body=?"), &use, err))
        return false;
    sqlite3_bind_blob(use.st, 1, w->key.b, sizeof w->key.b, SQLITE_STATIC);
    sqlite3_bind_int64(use.st, 2, (int64_t)w->length);
    sqlite3_bind_int64(use.st, 3, wd_now_ms());
    sqlite3_bind_int64(use.st, 4, w->body);
    return em_run(&use, err);
}

/* Another writer of the same bytes may have been faster: then its body stays, and is as good as new. */
static bool
finish(struct writer *w, struct em_conn *conn, struct wd_error *err)
{
    uint64_t length;
    int64_t other;
    bool found;

    if (!find_body(conn, &w->key, &other, &length, &found, err))
        return false;
    if (!found)
        return write_chunks(w, conn, true, err) && name_body(w, conn, err);
    return refresh(conn, other, err) && (!w->body || drop_body(conn, w->body, err));
}

bool
em_body_finish(struct wd_blob_writer *base, struct wd_error *err)
{
    struct writer *w = (struct writer *)base;
    struct em_db *db = w->store->bodies;
    struct em_conn *conn;
    bool ok;

    if (w->failed) {
        em_body_abort(base);
        return wd_fail(err, WD_DATABASE, "writing the attachment failed earlier");
    }
    ok = em_writer_begin(db, &conn, err);
    if (ok && finish(w, conn, err)) {
        ok = em_writer_commit(db, err);
    } else if (ok) {
        em_writer_abort(db);
        ok = false;
    }
    writer_free(w);
    return ok;
}

void
em_body_abort(struct wd_blob_writer *base)
{
    struct writer *w = (struct writer *)base;
    struct em_db *db = w->store->bodies;
    struct em_conn *conn;
    struct wd_error unused;

    if (w->body && em_writer_begin(db, &conn, &unused)) {
        if (!drop_body(conn, w->body, &unused))
            em_writer_abort(db); /* the sweep comes by */
        else if (!em_writer_commit(db, &unused))
            w->body = 0;
    }
    writer_free(w);
}

/* ---- reading ---- */

static bool
read_chunks(struct em_conn *conn, int64_t body, uint64_t offset, uint64_t end, struct wd_buf *out,
            struct wd_error *err)
{
    struct em_use use wd_auto(em_done) = { 0 };
    bool row;

    if (!em_prepare(conn, WD_STR("SELECT bytes FROM chunks WHERE id=?"), &use, err))
        return false;
    while (offset < end) {
        size_t skip = offset % WD_BLOB_CHUNK, n;
        sqlite3_reset(use.st);
        sqlite3_bind_int64(use.st, 1, chunk_id(body, (int64_t)(offset / WD_BLOB_CHUNK)));
        if (!em_step(&use, &row, err))
            return false;
        n = row ? (size_t)sqlite3_column_bytes(use.st, 0) : 0;
        if (n <= skip)
            return wd_fail(err, WD_DATA_LOSS, "a chunk of an attachment is missing");
        n = n - skip < end - offset ? n - skip : (size_t)(end - offset);
        wd_buf_add(out, (const char *)sqlite3_column_blob(use.st, 0) + skip, n);
        offset += n;
    }
    return true;
}

bool
em_body_read(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
             struct wd_error *err)
{
    struct em_db *db = ((struct em_blobs *)b)->store->bodies;
    struct em_conn *conn;
    uint64_t length = 0;
    int64_t body = 0;
    bool found = false, ok;

    if (!em_reader_take(db, &conn, err))
        return false;
    ok = em_exec(conn, "BEGIN", err) && find_body(conn, key, &body, &length, &found, err);
    if (ok && !found)
        ok = wd_fail(err, WD_DATA_LOSS, "an attachment is missing");
    if (ok && offset < length)
        ok = read_chunks(conn, body, offset, n < length - offset ? offset + n : length, out, err);
    sqlite3_exec(conn->db, "COMMIT", NULL, NULL, NULL);
    em_reader_give(db, conn);
    return ok;
}

/* ---- removing ---- */

bool
em_body_old(struct em_store *s, int64_t before_ms, const struct wd_blob_key *from, size_t limit,
            struct wd_blob_key **out, size_t *n, struct wd_error *err)
{
    struct em_use use = { 0 };
    struct em_conn *conn;
    bool row = true, ok;

    *out = NULL;
    *n = 0;
    if (!em_reader_take(s->bodies, &conn, err))
        return false;
    ok = em_prepare(conn, WD_STR("SELECT key FROM bodies WHERE key>? AND created<? ORDER BY key LIMIT ?"), &use, err);
    if (ok) {
        *out = wd_alloc(limit * sizeof **out);
        sqlite3_bind_blob(use.st, 1, from ? from->b : (const uint8_t *)"", from ? 32 : 0, SQLITE_STATIC);
        sqlite3_bind_int64(use.st, 2, before_ms);
        sqlite3_bind_int64(use.st, 3, (int64_t)limit);
    }
    while (ok && (ok = em_step(&use, &row, err)) && row)
        if (sqlite3_column_bytes(use.st, 0) == 32)
            memcpy((*out)[(*n)++].b, sqlite3_column_blob(use.st, 0), 32);
    em_done(&use);
    em_reader_give(s->bodies, conn);
    return ok;
}

static bool
forget(struct em_conn *conn, const struct wd_blob_key *keys, size_t n, int64_t before_ms, struct wd_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct em_use use = { 0 };
        if (!em_prepare(conn, WD_STR("UPDATE bodies SET key=NULL,created=0 WHERE key=? AND created<?"), &use, err))
            return false;
        sqlite3_bind_blob(use.st, 1, keys[i].b, 32, SQLITE_STATIC);
        sqlite3_bind_int64(use.st, 2, before_ms);
        if (!em_run(&use, err))
            return false;
    }
    return true;
}

bool
em_body_forget(struct em_store *s, const struct wd_blob_key *keys, size_t n, int64_t before_ms, struct wd_error *err)
{
    struct em_conn *conn;

    if (!em_writer_begin(s->bodies, &conn, err))
        return false;
    if (forget(conn, keys, n, before_ms, err))
        return em_writer_commit(s->bodies, err);
    em_writer_abort(s->bodies);
    return false;
}

static bool
next_keyless(struct em_conn *conn, int64_t before_ms, int64_t *body, bool *found, struct wd_error *err)
{
    struct em_use use wd_auto(em_done) = { 0 };

    if (!em_prepare(conn, WD_STR("SELECT body FROM bodies WHERE key IS NULL AND created<? LIMIT 1"), &use, err))
        return false;
    sqlite3_bind_int64(use.st, 1, before_ms);
    if (!em_step(&use, found, err))
        return false;
    *body = *found ? sqlite3_column_int64(use.st, 0) : 0;
    return true;
}

bool
em_body_sweep(struct em_store *s, int64_t before_ms, struct wd_error *err)
{
    bool found = true;

    while (found) {
        struct em_conn *conn;
        int64_t body;
        if (!em_writer_begin(s->bodies, &conn, err))
            return false;
        if (!next_keyless(conn, before_ms, &body, &found, err) || (found && !drop_body(conn, body, err))) {
            em_writer_abort(s->bodies);
            return false;
        }
        if (!em_writer_commit(s->bodies, err))
            return false;
    }
    return true;
}
