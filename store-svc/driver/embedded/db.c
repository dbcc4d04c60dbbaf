/* Connections, the statement cache and the pool of readers. */
#include "store-svc/driver/embedded/db_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "store-svc/driver/embedded/functions_priv.h"

bool
em_fail(struct em_conn *conn, struct wd_error *err)
{
    int code = sqlite3_extended_errcode(conn->db);

    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
        return wd_fail(err, WD_DUPLICATE, "%s", sqlite3_errmsg(conn->db));
    if ((code & 0xff) == SQLITE_FULL)
        return wd_fail(err, WD_DATABASE, "the database or its disk is full");
    return wd_fail(err, WD_DATABASE, "sqlite: %s (%d)", sqlite3_errmsg(conn->db), code);
}

static uint64_t
hash_of(struct wd_str s)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

static void
cached_drop(struct em_cached *slot)
{
    sqlite3_finalize(slot->st);
    free(slot->sql);
    *slot = (struct em_cached){ 0 };
}

/* Where a statement is, or belongs: in one of the few places that its hash allows. NULL: all of them are busy. */
static struct em_cached *
cache_slot(struct em_conn *conn, struct wd_str sql, uint64_t hash)
{
    struct em_cached *set = &conn->cache[(hash ^ hash >> 32) % (EM_STATEMENTS / EM_WAYS) * EM_WAYS], *place = NULL;

    for (size_t i = 0; i < EM_WAYS; i++)
        if (set[i].st && set[i].hash == hash && set[i].n == sql.n && memcmp(set[i].sql, sql.p, sql.n) == 0)
            return &set[i];
    for (size_t i = 0; i < EM_WAYS; i++)
        if (!set[i].busy && (!place || (place->st && (!set[i].st || set[i].used < place->used))))
            place = &set[i];
    return place;
}

bool
em_prepare(struct em_conn *conn, struct wd_str sql, struct em_use *out, struct wd_error *err)
{
    uint64_t hash = hash_of(sql);
    struct em_cached *slot = cache_slot(conn, sql, hash);
    bool same = slot && slot->st && slot->hash == hash && slot->n == sql.n && memcmp(slot->sql, sql.p, sql.n) == 0;

    *out = (struct em_use){ .conn = conn };
    if (!slot || slot->busy || !same) {
        if (sqlite3_prepare_v3(conn->db, sql.p, (int)sql.n, SQLITE_PREPARE_PERSISTENT, &out->st, NULL) != SQLITE_OK)
            return em_fail(conn, err);
        if (!slot || slot->busy)
            return true;
        cached_drop(slot);
        *slot = (struct em_cached){ .st = out->st, .sql = wd_alloc(sql.n + 1), .n = sql.n, .hash = hash };
        memcpy(slot->sql, sql.p, sql.n);
    }
    slot->busy = true;
    slot->used = ++conn->uses;
    out->st = slot->st;
    out->slot = slot;
    return true;
}

void
em_done(struct em_use *use)
{
    if (use->slot) {
        sqlite3_reset(use->st);
        sqlite3_clear_bindings(use->st);
        use->slot->busy = false;
    } else if (use->st) {
        sqlite3_finalize(use->st);
    }
    *use = (struct em_use){ 0 };
}

bool
em_step(struct em_use *use, bool *row, struct wd_error *err)
{
    int code = sqlite3_step(use->st);

    *row = code == SQLITE_ROW;
    return *row || code == SQLITE_DONE || em_fail(use->conn, err);
}

bool
em_run(struct em_use *use, struct wd_error *err)
{
    bool row, ok = em_step(use, &row, err);

    em_done(use);
    return ok;
}

bool
em_do(struct em_conn *conn, const char *sql, struct wd_error *err)
{
    struct em_use use = { 0 };

    return em_prepare(conn, wd_str_c(sql), &use, err) && em_run(&use, err);
}

bool
em_exec(struct em_conn *conn, const char *sql, struct wd_error *err)
{
    return sqlite3_exec(conn->db, sql, NULL, NULL, NULL) == SQLITE_OK || em_fail(conn, err);
}

void
em_conn_close(struct em_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < EM_STATEMENTS; i++)
        cached_drop(&conn->cache[i]);
    sqlite3_close(conn->db);
    free(conn);
}

static bool
configure(struct em_conn *conn, const struct em_db *db, bool reader, struct wd_error *err)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };

    sqlite3_busy_timeout(conn->db, 10000);
    wd_buf_printf(&sql, "PRAGMA page_size=%u;PRAGMA journal_mode=WAL;PRAGMA synchronous=%s;PRAGMA cache_size=-%u;",
                  db->options.page_bytes, db->options.sync ? "FULL" : "OFF", db->options.cache_kib);
    wd_buf_c(&sql, "PRAGMA temp_store=MEMORY;PRAGMA secure_delete=FAST;PRAGMA wal_autocheckpoint=0;");
    if (!reader && db->options.max_pages)
        wd_buf_printf(&sql, "PRAGMA max_page_count=%u;", db->options.max_pages);
    if (reader)
        wd_buf_c(&sql, "PRAGMA query_only=1;");
    wd_buf_chr(&sql, '\0');
    return em_exec(conn, sql.p, err) && em_functions_add(conn, err);
}

struct em_conn *
em_conn_open(struct em_db *db, bool reader, struct wd_error *err)
{
    struct em_conn *conn = WD_NEW(struct em_conn);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

    if (sqlite3_open_v2(db->options.path, &conn->db, flags, NULL) != SQLITE_OK) {
        if (conn->db)
            em_fail(conn, err);
        else
            wd_fail(err, WD_DATABASE, "sqlite: out of memory");
        em_conn_close(conn);
        return NULL;
    }
    if (configure(conn, db, reader, err))
        return conn;
    em_conn_close(conn);
    return NULL;
}

bool
em_reader_take(struct em_db *db, struct em_conn **out, struct wd_error *err)
{
    pthread_mutex_lock(&db->lock);
    *out = db->idle;
    if (db->idle) {
        db->idle = db->idle->next;
        db->n_idle--;
    }
    pthread_mutex_unlock(&db->lock);
    if (!*out)
        *out = em_conn_open(db, true, err);
    return *out != NULL;
}

void
em_reader_give(struct em_db *db, struct em_conn *conn)
{
    if (!conn)
        return;
    pthread_mutex_lock(&db->lock);
    if (db->n_idle < db->options.readers) {
        conn->next = db->idle;
        db->idle = conn;
        db->n_idle++;
        conn = NULL;
    }
    pthread_mutex_unlock(&db->lock);
    em_conn_close(conn);
}

/* SQLite gives the journal files the mode of the database file. */
static bool
create_private(const char *path, struct wd_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return wd_fail(err, WD_DATABASE, "%s: %s", path, strerror(errno));
    close(fd);
    return true;
}

bool
em_db_open(const struct em_db_options *o, struct em_db **out, struct wd_error *err)
{
    struct em_db *db = WD_NEW(struct em_db);

    db->options = *o;
    db->options.path = strdup(o->path);
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->turn, NULL);
    pthread_cond_init(&db->done, NULL);
    pthread_cond_init(&db->wake, NULL);
    if (!db->options.path || !create_private(db->options.path, err) ||
        !(db->writer = em_conn_open(db, false, err)) || !em_checkpoint_start(db, err)) {
        em_db_close(db);
        return false;
    }
    *out = db;
    return true;
}

void
em_db_close(struct em_db *db)
{
    if (!db)
        return;
    em_checkpoint_stop(db);
    while (db->idle) {
        struct em_conn *next = db->idle->next;
        em_conn_close(db->idle);
        db->idle = next;
    }
    em_conn_close(db->writer);
    pthread_cond_destroy(&db->wake);
    pthread_cond_destroy(&db->done);
    pthread_cond_destroy(&db->turn);
    pthread_mutex_destroy(&db->lock);
    free((void *)(uintptr_t)db->options.path);
    free(db);
}
