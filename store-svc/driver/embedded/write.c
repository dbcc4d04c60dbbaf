/* Inserting, updating, removing, expiring: each operation is one piece of work inside of a batch. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "store-svc/driver/embedded/docs_priv.h"
#include "store-svc/driver/embedded/row_priv.h"
#include "store-svc/port/match.h"

enum { EXPIRE_ROWS = 500 /* per batch */ };

struct ids WD_VEC(int64_t);

static void
ids_done(struct ids *ids)
{
    wd_vec_done(ids);
}

/* The rows that match, read to the end before the first is changed. */
static bool
collect(struct em_conn *conn, const struct em_coll *coll, const bson_t *filter, const struct wd_docs_query *q,
        struct ids *out, struct wd_error *err)
{
    struct em_scan scan wd_auto(em_scan_done) = { 0 };
    bool row;

    if (!em_scan(&scan, conn, coll, filter, q, EM_WANT_IDS, err))
        return false;
    for (;;) {
        if (!em_scan_next(&scan, &row, err))
            return false;
        if (!row)
            return true;
        wd_vec_push(out, scan.id);
    }
}

/* ---- insert ---- */

struct insertion {
    struct em_coll *coll;
    const bson_t *const *docs;
    size_t n;
};

static bool
do_insert(struct em_conn *conn, void *data, struct wd_error *err)
{
    const struct insertion *in = data;

    for (size_t i = 0; i < in->n; i++)
        if (!em_row_insert(conn, in->coll, in->docs[i], err))
            return false;
    return true;
}

bool
em_insert(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    struct insertion in = { em_coll_of(h, coll, err), docs, n };

    return in.coll && em_write(h, do_insert, &in, err);
}

/* ---- update ---- */

struct change {
    struct em_coll *coll;
    const bson_t *filter, *update;
    const struct wd_docs_query *query;
    unsigned flags;
    struct wd_docs_updated done;
    bson_t *out; /* find_and_update: the document, before or after */
    bool found;
};

static void
put_id_first(const bson_t *doc, bson_t *out)
{
    struct wd_id id = wd_id_new();
    bson_oid_t oid;

    memcpy(oid.bytes, id.b, sizeof oid.bytes);
    bson_init(out);
    bson_append_oid(out, "_id", 3, &oid);
    bson_concat(out, doc);
}

static bool
upsert(struct em_conn *conn, struct change *c, struct wd_error *err)
{
    bson_t seed wd_auto(bson_destroy) = BSON_INITIALIZER, doc wd_auto(bson_destroy) = BSON_INITIALIZER, made;
    bool changed;

    if (!wd_match_upsert_seed(c->filter, &made, err))
        return false;
    bson_steal(&seed, &made);
    if (!wd_match_update(&seed, c->update, true, &made, &changed, err))
        return false;
    bson_steal(&doc, &made);
    if (!bson_has_field(&doc, "_id")) {
        put_id_first(&doc, &made);
        bson_destroy(&doc);
        bson_steal(&doc, &made);
    }
    if (!em_row_insert(conn, c->coll, &doc, err))
        return false;
    c->done.upserted = true;
    if (c->out && (c->flags & WD_UPDATE_RETURN_NEW)) {
        bson_copy_to(&doc, c->out);
        c->found = true;
    }
    return true;
}

static bool
update_row(struct em_conn *conn, struct change *c, int64_t id, struct wd_error *err)
{
    struct em_row_change row = { .update = c->update };

    if (c->out && (c->flags & WD_UPDATE_RETURN_NEW))
        row.after = c->out;
    else if (c->out)
        row.before = c->out;
    if (!em_row_update(conn, c->coll, id, &row, err))
        return false;
    c->found = c->found || row.found;
    c->done.matched += row.found;
    c->done.modified += row.found && row.modified;
    return true;
}

static bool
do_update(struct em_conn *conn, void *data, struct wd_error *err)
{
    struct ids ids wd_auto(ids_done) = { 0 };
    struct change *c = data;
    struct wd_docs_query q = { .limit = c->flags & WD_UPDATE_MANY ? 0 : 1 };

    if (c->query) {
        q.sort = c->query->sort;
        q.hint = c->query->hint;
    }
    if (!collect(conn, c->coll, c->filter, &q, &ids, err))
        return false;
    for (size_t i = 0; i < ids.n; i++)
        if (!update_row(conn, c, ids.p[i], err))
            return false;
    return ids.n || !(c->flags & WD_UPDATE_UPSERT) || upsert(conn, c, err);
}

/* Refuses an update outside of the subset also when nothing matches. */
static bool
check_update(const bson_t *update, struct wd_error *err)
{
    static const char *const known[] = { "$set", "$setOnInsert", "$unset", "$inc", "$max", "$min", "$addToSet",
                                         "$pull", "$push" };
    bson_iter_t it;

    if (!bson_iter_init(&it, update))
        return wd_fail(err, WD_INVALID, "update: not BSON");
    while (bson_iter_next(&it)) {
        bool ok = false;
        for (size_t i = 0; i < WD_COUNT(known) && !ok; i++)
            ok = strcmp(bson_iter_key(&it), known[i]) == 0;
        if (!ok)
            return wd_fail(err, WD_INVALID, "update: bad operator %.20s", bson_iter_key(&it));
    }
    return true;
}

bool
em_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
          struct wd_docs_updated *out, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    struct change c = { .coll = em_coll_of(h, coll, err), .filter = filter, .update = update, .flags = flags };

    if (!c.coll || !check_update(update, err) || !em_write(h, do_update, &c, err))
        return false;
    *out = c.done;
    return true;
}

bool
em_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                   const struct wd_docs_query *q, bson_t *out, bool *found, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    bson_t whole = BSON_INITIALIZER, projected;
    struct change c = { .coll = em_coll_of(h, coll, err), .filter = filter, .update = update, .query = q,
                        .flags = flags & ~(unsigned)WD_UPDATE_MANY, .out = &whole };
    bool ok = c.coll && check_update(update, err) && em_write(h, do_update, &c, err);

    if (ok && c.found && q->projection && !bson_empty(q->projection)) {
        ok = wd_match_project(&whole, q->projection, &projected, err);
        if (ok) {
            bson_destroy(&whole);
            bson_steal(&whole, &projected);
        }
    }
    if (ok) {
        *found = c.found;
        bson_concat(out, &whole); /* the caller may have it on the heap */
    }
    bson_destroy(&whole);
    return ok;
}

/* ---- remove ---- */

struct removal {
    struct em_coll *coll;
    const bson_t *filter;
    int64_t limit, removed;
};

static bool
do_remove(struct em_conn *conn, void *data, struct wd_error *err)
{
    struct ids ids wd_auto(ids_done) = { 0 };
    struct removal *r = data;
    struct wd_docs_query q = { .limit = r->limit };
    bool found;

    if (!collect(conn, r->coll, r->filter, &q, &ids, err))
        return false;
    for (size_t i = 0; i < ids.n; i++) {
        if (!em_row_remove(conn, r->coll, ids.p[i], &found, err))
            return false;
        r->removed += found;
    }
    return true;
}

bool
em_remove(struct wd_docs *d, const char *coll, const bson_t *filter, bool many, int64_t *removed, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    struct removal r = { em_coll_of(h, coll, err), filter, many ? 0 : 1, 0 };

    if (!r.coll || !em_write(h, do_remove, &r, err))
        return false;
    *removed = r.removed;
    return true;
}

/* Small batches, so that others are not held up. */
static bool
expire_index(struct em_handle *h, struct em_coll *coll, const struct em_index *x, int64_t *removed,
             struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, range;
    struct removal r = { coll, &filter, EXPIRE_ROWS, 0 };
    int64_t before;

    bson_append_document_begin(&filter, x->fields[0].path, -1, &range);
    bson_append_date_time(&range, "$lt", 3, wd_now_ms() - x->declared->expire_after_s * 1000);
    bson_append_document_end(&filter, &range);
    do {
        before = r.removed;
        if (!em_write(h, do_remove, &r, err))
            return false;
    } while (r.removed - before == EXPIRE_ROWS);
    *removed += r.removed;
    return true;
}

bool
em_expire(struct wd_docs *d, int64_t *removed, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    const struct em_schema *s = h->store->schema;

    *removed = 0;
    for (size_t i = 0; s && i < s->n; i++)
        for (size_t j = 0; j < s->colls[i].n_indexes; j++)
            if (s->colls[i].indexes[j].declared->expire_after_s >= 0 &&
                s->colls[i].indexes[j].kind == EM_INDEX_PLAIN && s->colls[i].indexes[j].n_fields == 1 &&
                !expire_index(h, &s->colls[i], &s->colls[i].indexes[j], removed, err))
                return false;
    return true;
}
