/* The table of operations, handles and batches. */
#include "store-svc/driver/embedded/docs_priv.h"

#include <stdlib.h>

#include "common/base/alloc.h"

struct em_coll *
em_coll_of(const struct em_handle *h, const char *name, struct wd_error *err)
{
    struct em_coll *coll = em_schema_find(h->store->schema, name);

    if (!coll)
        wd_fail(err, WD_INVALID, "no collection %.60s", name);
    return coll;
}

bool
em_read_begin(struct em_handle *h, struct em_conn **out, struct wd_error *err)
{
    *out = h->conn;
    if (h->broken)
        return wd_fail(err, WD_DATABASE, "the batch failed earlier");
    return h->conn || em_reader_take(h->store->mail, out, err);
}

void
em_read_end(struct em_handle *h, struct em_conn *conn)
{
    if (!h->conn)
        em_reader_give(h->store->mail, conn);
}

/* What was done before such a failure stays done, as the port says. */
static bool
is_partial(const struct wd_error *err)
{
    return err->reason == WD_DUPLICATE || err->reason == WD_INVALID;
}

bool
em_write(struct em_handle *h, em_work *work, void *data, struct wd_error *err)
{
    struct wd_error lost;
    struct em_conn *conn;
    bool ok;

    if (h->broken)
        return wd_fail(err, WD_DATABASE, "the batch failed earlier");
    if (h->conn) {
        ok = work(h->conn, data, err);
        h->broken = !ok && !is_partial(err);
        return ok;
    }
    if (!em_writer_begin(h->store->mail, &conn, err))
        return false;
    ok = work(conn, data, err);
    if (ok)
        return em_writer_commit(h->store->mail, err);
    if (!is_partial(err))
        em_writer_abort(h->store->mail);
    else if (!em_writer_commit(h->store->mail, &lost))
        *err = lost;
    return false;
}

static bool
batch_begin(struct wd_docs *d, struct wd_docs **batch, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d, *b;
    struct em_conn *conn;

    if (h->conn)
        return wd_fail(err, WD_INVALID, "batches do not nest");
    if (!em_writer_begin(h->store->mail, &conn, err))
        return false;
    b = WD_NEW(struct em_handle);
    *b = (struct em_handle){ h->base, h->store, conn, false };
    *batch = &b->base;
    return true;
}

static void
batch_abort(struct wd_docs *batch)
{
    struct em_handle *b = (struct em_handle *)batch;

    em_writer_abort(b->store->mail);
    free(b);
}

static bool
batch_commit(struct wd_docs *batch, struct wd_error *err)
{
    struct em_handle *b = (struct em_handle *)batch;
    struct em_db *db = b->store->mail;

    if (b->broken) {
        batch_abort(batch);
        return wd_fail(err, WD_DATABASE, "the batch failed earlier");
    }
    free(b);
    return em_writer_commit(db, err);
}

static void
docs_close(struct wd_docs *d)
{
    struct em_handle *h = (struct em_handle *)d;

    em_store_unref(h->store);
}

const struct wd_docs_ops em_docs_ops = {
    .name = "embedded",
    .atomic = true,
    .ensure = em_ensure,
    .find_one = em_find_one,
    .find = em_find,
    .cursor_next = em_cursor_next,
    .cursor_free = em_cursor_free,
    .insert = em_insert,
    .update = em_update,
    .find_and_update = em_find_and_update,
    .remove = em_remove,
    .count = em_count,
    .batch_begin = batch_begin,
    .batch_commit = batch_commit,
    .batch_abort = batch_abort,
    .expire = em_expire,
    .close = docs_close,
};
