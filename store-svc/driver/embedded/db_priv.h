/* store-svc/driver/embedded/db_priv.h – one SQLite file: connections with prepared statements, a pool of readers, one
 * writer whose batches share commits, and a thread that checkpoints. */
#ifndef WD_DRIVER_EMBEDDED_DB_PRIV_H
#define WD_DRIVER_EMBEDDED_DB_PRIV_H
#include <pthread.h>
#include <sqlite3.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

enum { EM_STATEMENTS = 256, EM_WAYS = 4 /* places of one statement */ };

/* A prepared statement in its connection's cache. */
struct em_cached {
    sqlite3_stmt *st;
    char *sql;
    size_t n;
    uint64_t hash;
    uint64_t used; /* by this count of uses the least recent one gives way */
    bool busy;
};

/* One thread at a time. */
struct em_conn {
    sqlite3 *db;
    struct em_conn *next; /* in the pool */
    uint64_t uses;
    struct em_cached cache[EM_STATEMENTS];
};

/* A statement that is in use; { 0 } is none. */
struct em_use {
    struct em_conn *conn;
    sqlite3_stmt *st;
    struct em_cached *slot; /* NULL: it goes when it is given back */
};

struct em_db_options {
    const char *path; /* borrowed until open returns */
    bool sync;
    unsigned readers;
    uint32_t cache_kib, page_bytes, max_pages;
    unsigned group_batches, group_ms;
};

struct em_db;
struct em_group;

/* ---- db.c ---- */
bool em_db_open(const struct em_db_options *o, struct em_db **out, struct wd_error *err) WD_CHECKED;
void em_db_close(struct em_db *db);
/* A connection for reading; give it back. Grows beyond the pool rather than wait. */
bool em_reader_take(struct em_db *db, struct em_conn **out, struct wd_error *err) WD_CHECKED;
void em_reader_give(struct em_db *db, struct em_conn *conn);
/* A statement, from the cache when it can be. */
bool em_prepare(struct em_conn *conn, struct wd_str sql, struct em_use *out, struct wd_error *err) WD_CHECKED;
/* Gives it back, reset; { 0 } is fine, and it is { 0 } afterwards. */
void em_done(struct em_use *use);
/* One step; *row tells whether there is one. */
bool em_step(struct em_use *use, bool *row, struct wd_error *err) WD_CHECKED;
/* One step of a statement that returns no row. */
bool em_run(struct em_use *use, struct wd_error *err) WD_CHECKED;
/* The same for one that is written out and often used. */
bool em_do(struct em_conn *conn, const char *sql, struct wd_error *err) WD_CHECKED;
/* Statements that are used once. */
bool em_exec(struct em_conn *conn, const char *sql, struct wd_error *err) WD_CHECKED;
/* WD_DATABASE with SQLite's text, WD_DUPLICATE for a unique index. Returns false. */
bool em_fail(struct em_conn *conn, struct wd_error *err);

/* ---- group.c: the writer ---- */
/* Waits for the writer and opens a savepoint in the transaction of the present group. */
bool em_writer_begin(struct em_db *db, struct em_conn **out, struct wd_error *err) WD_CHECKED;
/* Keeps the writes; returns when the group's transaction is on disk, or false when it is lost. */
bool em_writer_commit(struct em_db *db, struct wd_error *err) WD_CHECKED;
/* Forgets the writes since begin. */
void em_writer_abort(struct em_db *db);
/* Waits for the writer outside of any transaction, calls fn, and lets the next one in. */
void em_writer_pause(struct em_db *db, void (*fn)(struct em_db *db));

/* ---- checkpoint.c ---- */
bool em_checkpoint_start(struct em_db *db, struct wd_error *err) WD_CHECKED;
void em_checkpoint_stop(struct em_db *db);

/* Shared by these three files. */
struct em_db {
    struct em_db_options options; /* path is owned here */
    struct em_conn *writer;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t turn;  /* the writer is free */
    pthread_cond_t done;  /* a group is on disk, or lost */
    bool writing;
    unsigned waiting;
    struct em_group *open; /* the transaction that is open; only its batch's thread changes it */
    struct em_conn *idle;
    unsigned n_idle;
    pthread_t checkpointer;
    pthread_cond_t wake;
    bool started, stop;
    int wal_pages;
    struct em_conn *check;
};

struct em_conn *em_conn_open(struct em_db *db, bool reader, struct wd_error *err);
void em_conn_close(struct em_conn *conn);
#endif
