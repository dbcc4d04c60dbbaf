/* The directory, its lock, and the three ports on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "store-svc/driver/embedded/docs_priv.h"

static char *
path_in(const char *directory, const char *name)
{
    struct wd_buf b = { 0 };

    wd_buf_printf(&b, "%s/%s", directory, name);
    wd_buf_chr(&b, '\0');
    return b.p;
}

static bool
make_directory(const char *path, struct wd_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return wd_fail(err, WD_DATABASE, "%s: %s", path, strerror(errno));
}

/* Waits a little: a process that was just killed keeps the lock until the kernel is done with it. */
static bool
lock_file(int fd)
{
    enum { TRIES = 100, PAUSE_MS = 30 };
    struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* Held for the life of the store; the kernel drops it with the process. */
static bool
take_lock(struct em_store *s, struct wd_error *err)
{
    char *path wd_auto(wd_freep) = path_in(s->directory, "lock");

    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return wd_fail(err, WD_DATABASE, "%s: %s", path, strerror(errno));
    if (!lock_file(s->lock_fd))
        return wd_fail(err, WD_DATABASE, "%s is in use by another process", s->directory);
    return true;
}

static bool
open_files(struct em_store *s, const struct wd_embedded_options *o, struct wd_error *err)
{
    char *mail wd_auto(wd_freep) = path_in(s->directory, "mail.db");
    char *blobs wd_auto(wd_freep) = path_in(s->directory, "blobs.db");
    char *uploads wd_auto(wd_freep) = path_in(s->directory, "uploads");
    struct em_db_options db = {
        .path = mail,
        .sync = !o->no_sync,
        .readers = o->readers ? o->readers : 8,
        .cache_kib = o->cache_kib ? o->cache_kib : 16 * 1024,
        .page_bytes = 4096,
        .max_pages = o->max_pages,
        .group_batches = o->group_batches ? o->group_batches : 256,
        .group_ms = o->group_ms ? o->group_ms : 20,
    };

    if (!make_directory(uploads, err) || !em_db_open(&db, &s->mail, err))
        return false;
    db.path = blobs;
    db.page_bytes = 16384;
    db.cache_kib = 4096;
    db.max_pages = 0;
    return em_db_open(&db, &s->bodies, err);
}

/* A new file is only safe when its name is. */
static bool
sync_directory(const char *path, struct wd_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        wd_fail(err, WD_DATABASE, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/* What a savepoint remembers stays in memory instead of a temporary file; no statistics, whose lock all threads would
 * share. Has no effect, and does no harm, when SQLite is in use already. */
static void
configure_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, 16 << 20);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void
store_free(struct em_store *s)
{
    em_db_close(s->bodies);
    em_db_close(s->mail);
    em_schema_free(s->schema);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->docs);
    free(s->directory);
    free(s);
}

void
em_store_unref(struct em_store *s)
{
    if (atomic_fetch_sub(&s->users, 1) == 1)
        store_free(s);
}

bool
wd_embedded_open(const struct wd_embedded_options *o, struct wd_docs **docs, struct wd_blobs **blobs,
                 struct wd_bus **bus, struct wd_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct em_store *s = WD_NEW(struct em_store);

    pthread_once(&once, configure_sqlite);
    s->lock_fd = -1;
    s->users = 3;
    s->directory = strdup(o->directory);
    s->docs = WD_NEW(struct em_handle);
    *s->docs = (struct em_handle){ { &em_docs_ops }, s, NULL, false };
    if (!s->directory || !make_directory(s->directory, err) || !take_lock(s, err) || !open_files(s, o, err) ||
        !em_ensure_version(s, err) || !em_bodies_ensure(s->bodies, err) ||
        (!o->no_sync && !sync_directory(s->directory, err)) || !(*bus = em_bus_new(s, err))) {
        store_free(s);
        return false;
    }
    *docs = &s->docs->base;
    *blobs = em_blobs_new(s);
    return true;
}
