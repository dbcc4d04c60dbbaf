/* The writer. A batch is a savepoint in the transaction of a group; the group is committed, with one sync, when nobody
 * waits to join it or when it is big or old enough, and only then do its members return. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/embedded/db_priv.h"

struct em_group {
    unsigned members; /* batches that wait for the commit; guarded by the lock of the database */
    unsigned batches;
    int64_t since_ms;
    bool finished, ok;
    struct wd_error err;
};

static void
writer_take(struct em_db *db)
{
    pthread_mutex_lock(&db->lock);
    db->waiting++;
    while (db->writing)
        pthread_cond_wait(&db->turn, &db->lock);
    db->waiting--;
    db->writing = true;
    pthread_mutex_unlock(&db->lock);
}

static void
writer_give(struct em_db *db)
{
    pthread_mutex_lock(&db->lock);
    db->writing = false;
    pthread_cond_signal(&db->turn);
    pthread_mutex_unlock(&db->lock);
}

/* Tells the members how it ended. The last member frees it; without members it goes at once. */
static void
group_finish(struct em_db *db, bool ok, const struct wd_error *why)
{
    struct em_group *g = db->open;

    pthread_mutex_lock(&db->lock);
    db->open = NULL;
    g->finished = true;
    g->ok = ok;
    if (!ok)
        g->err = *why;
    if (g->members == 0)
        free(g);
    pthread_cond_broadcast(&db->done);
    pthread_mutex_unlock(&db->lock);
}

static bool
transaction_lost(struct em_db *db)
{
    return sqlite3_get_autocommit(db->writer->db) != 0;
}

/* Ends the transaction of the group: on disk, or rolled back and reported. */
static void
group_commit(struct em_db *db)
{
    struct wd_error why;
    bool ok;

    if (transaction_lost(db)) {
        wd_fail(&why, WD_DATABASE, "the transaction was rolled back by an earlier error");
        group_finish(db, false, &why);
        return;
    }
    ok = em_do(db->writer, "COMMIT", &why);
    if (!ok && !transaction_lost(db))
        sqlite3_exec(db->writer->db, "ROLLBACK", NULL, NULL, NULL);
    group_finish(db, ok, &why);
}

bool
em_writer_begin(struct em_db *db, struct em_conn **out, struct wd_error *err)
{
    writer_take(db);
    if (!db->open) {
        if (!em_do(db->writer, "BEGIN IMMEDIATE", err)) {
            writer_give(db);
            return false;
        }
        db->open = WD_NEW(struct em_group);
        db->open->since_ms = wd_mono_ms();
    }
    if (!em_do(db->writer, "SAVEPOINT batch", err)) {
        group_commit(db);
        writer_give(db);
        return false;
    }
    *out = db->writer;
    return true;
}

/* Lets the next batch in when one waits and the group has room, commits otherwise. */
static void
group_pass_on(struct em_db *db)
{
    const struct em_group *g = db->open;
    bool more;

    pthread_mutex_lock(&db->lock);
    more = db->waiting > 0 && g->batches < db->options.group_batches &&
           wd_mono_ms() - g->since_ms < (int64_t)db->options.group_ms;
    pthread_mutex_unlock(&db->lock);
    if (!more)
        group_commit(db);
    writer_give(db);
}

static bool
group_wait(struct em_db *db, struct em_group *g, struct wd_error *err)
{
    bool ok;

    pthread_mutex_lock(&db->lock);
    while (!g->finished)
        pthread_cond_wait(&db->done, &db->lock);
    ok = g->ok;
    if (!ok)
        *err = g->err;
    if (--g->members == 0)
        free(g);
    pthread_mutex_unlock(&db->lock);
    return ok;
}

bool
em_writer_commit(struct em_db *db, struct wd_error *err)
{
    struct em_group *g = db->open;

    if (transaction_lost(db) || !em_do(db->writer, "RELEASE batch", err)) {
        em_writer_abort(db);
        return wd_fail(err, WD_DATABASE, "the transaction was rolled back by an earlier error");
    }
    pthread_mutex_lock(&db->lock);
    g->members++;
    g->batches++;
    pthread_mutex_unlock(&db->lock);
    group_pass_on(db);
    return group_wait(db, g, err);
}

void
em_writer_abort(struct em_db *db)
{
    bool alone;

    if (!transaction_lost(db) &&
        sqlite3_exec(db->writer->db, "ROLLBACK TO batch;RELEASE batch", NULL, NULL, NULL) != SQLITE_OK)
        sqlite3_exec(db->writer->db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_lock(&db->lock);
    alone = db->open->members == 0 && db->waiting == 0;
    pthread_mutex_unlock(&db->lock);
    if (alone && !transaction_lost(db))
        sqlite3_exec(db->writer->db, "ROLLBACK", NULL, NULL, NULL);
    if (transaction_lost(db)) {
        group_commit(db); /* there is none: its members, if any, learn that */
        writer_give(db);
        return;
    }
    group_pass_on(db);
}

void
em_writer_pause(struct em_db *db, void (*fn)(struct em_db *db))
{
    writer_take(db);
    if (db->open)
        group_commit(db);
    fn(db);
    writer_give(db);
}
