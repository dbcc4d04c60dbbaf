/* Moves pages from the write-ahead log to the database file beside the writers. Only when the log keeps growing,
 * because it never comes to rest, is the writer held for the small rest, so that the log can start again. */
#include "store-svc/driver/embedded/db_priv.h"

enum { CHECK_PAGES = 2000, HOLD_PAGES = 20000 };

/* Runs in the writer's thread after each commit. */
static int
wal_grew(void *data, sqlite3 *sqlite, const char *name, int pages)
{
    struct em_db *db = data;

    (void)sqlite, (void)name;
    pthread_mutex_lock(&db->lock);
    db->wal_pages = pages;
    if (pages >= CHECK_PAGES)
        pthread_cond_signal(&db->wake);
    pthread_mutex_unlock(&db->lock);
    return SQLITE_OK;
}

static void
checkpoint(struct em_db *db)
{
    int in_log, moved;

    sqlite3_wal_checkpoint_v2(db->check->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
}

static void *
checkpointer(void *data)
{
    struct em_db *db = data;
    int pages;

    pthread_mutex_lock(&db->lock);
    while (!db->stop) {
        if (db->wal_pages < CHECK_PAGES) {
            pthread_cond_wait(&db->wake, &db->lock);
            continue;
        }
        pages = db->wal_pages;
        db->wal_pages = 0; /* until the next commit says how many */
        pthread_mutex_unlock(&db->lock);
        checkpoint(db);
        if (pages >= HOLD_PAGES)
            em_writer_pause(db, checkpoint);
        pthread_mutex_lock(&db->lock);
    }
    pthread_mutex_unlock(&db->lock);
    return NULL;
}

bool
em_checkpoint_start(struct em_db *db, struct wd_error *err)
{
    db->check = em_conn_open(db, false, err);
    if (!db->check)
        return false;
    sqlite3_wal_hook(db->writer->db, wal_grew, db);
    if (pthread_create(&db->checkpointer, NULL, checkpointer, db) != 0)
        return wd_fail(err, WD_DATABASE, "can not start the checkpoint thread");
    db->started = true;
    return true;
}

void
em_checkpoint_stop(struct em_db *db)
{
    if (db->started) {
        pthread_mutex_lock(&db->lock);
        db->stop = true;
        pthread_cond_signal(&db->wake);
        pthread_mutex_unlock(&db->lock);
        pthread_join(db->checkpointer, NULL);
    }
    em_conn_close(db->check);
}
