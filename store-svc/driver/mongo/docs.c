/* store-svc/driver/mongo/docs.c – the declared collections, batches that are none, opening and closing. */
#include "store-svc/driver/mongo/docs_priv.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "store-svc/driver/mongo/ensure_priv.h"

struct mongo_store *
mongo_store_of(struct wd_docs *d)
{
    return ((struct mongo_docs *)d)->store;
}

/* ---- collections ---- */

struct mongo_coll *
mongo_coll_find(struct mongo_store *s, const char *name, struct wd_error *err)
{
    for (size_t i = 0; i < s->colls.n; i++)
        if (strcmp(s->colls.p[i]->declared->name, name) == 0)
            return s->colls.p[i];
    wd_fail(err, WD_INVALID, "collection %.40s is not declared", name);
    return NULL;
}

struct mongo_index *
mongo_coll_index(const struct mongo_coll *c, const char *name)
{
    for (size_t i = 0; i < c->n_indexes; i++)
        if (strcmp(c->indexes[i].declared->name, name) == 0)
            return &c->indexes[i];
    return NULL;
}

static void
drop_indexes(struct mongo_coll *c)
{
    for (size_t i = 0; i < c->n_indexes; i++)
        free(c->indexes[i].name);
    free(c->indexes);
    c->indexes = NULL;
    c->n_indexes = 0;
    c->has_text = false;
}

static void
coll_free(struct mongo_coll *c)
{
    drop_indexes(c);
    free(c->name);
    free(c);
}

/* The declaration of the attachments' documents has the usual name of the bucket; the bucket's real one counts. */
static char *
name_on_server(const struct mongo_store *s, const struct wd_docs_collection *declared)
{
    static const char usual[] = "attachments.";
    struct wd_buf name = { 0 };

    if (declared->database == WD_DB_FILES && strncmp(declared->name, usual, sizeof usual - 1) == 0)
        wd_buf_printf(&name, "%s.%s", mongo_link_bucket(s->link), declared->name + sizeof usual - 1);
    else
        wd_buf_c(&name, declared->name);
    wd_buf_chr(&name, '\0');
    return name.p;
}

static void
declare_indexes(struct mongo_coll *c, const struct wd_docs_index *declared)
{
    size_t n = 0;

    while (declared[n].name)
        n++;
    c->indexes = wd_alloc((n + 1) * sizeof *c->indexes);
    c->n_indexes = n;
    for (size_t i = 0; i < n; i++) {
        c->indexes[i].declared = &declared[i];
        c->indexes[i].name = strdup(declared[i].name);
        atomic_init(&c->indexes[i].missing, false);
        c->has_text = c->has_text || (declared[i].flags & WD_INDEX_TEXT);
    }
}

struct mongo_coll *
mongo_coll_declare(struct mongo_store *s, const struct wd_docs_collection *declared)
{
    struct wd_error ignored;
    struct mongo_coll *c = mongo_coll_find(s, declared->name, &ignored);

    if (!c) {
        c = wd_alloc(sizeof *c);
        c->name = name_on_server(s, declared);
        wd_vec_push(&s->colls, c);
    }
    drop_indexes(c);
    c->declared = declared;
    c->database = declared->database;
    declare_indexes(c, declared->indexes);
    return c;
}

mongoc_collection_t *
mongo_coll_open(const struct mongo_coll *c, const struct mongo_lease *lease)
{
    return mongoc_client_get_collection(lease->client, lease->database, c->name);
}

void
mongo_coll_closep(mongoc_collection_t **c)
{
    mongoc_collection_destroy(*c);
}

struct mongo_doing
mongo_doing(const char *verb, const struct mongo_coll *c)
{
    struct mongo_doing doing;

    snprintf(doing.text, sizeof doing.text, "%s %s", verb, c->name);
    return doing;
}

/* ---- batches: each write happens at once, in the order of the calls ---- */

static struct wd_docs *
handle_new(struct mongo_store *s)
{
    struct mongo_docs *h = WD_NEW(struct mongo_docs);

    h->base.ops = &mongo_docs_ops;
    h->store = s;
    return &h->base;
}

static bool
batch_begin(struct wd_docs *d, struct wd_docs **batch, struct wd_error *err)
{
    (void)err;
    *batch = handle_new(mongo_store_of(d));
    return true;
}

static bool
batch_commit(struct wd_docs *batch, struct wd_error *err)
{
    (void)err;
    free(batch);
    return true;
}

static void
batch_abort(struct wd_docs *batch)
{
    free(batch);
}

/* The server's TTL thread does it. */
static bool
expire(struct wd_docs *d, int64_t *removed, struct wd_error *err)
{
    (void)d, (void)err;
    *removed = 0;
    return true;
}

static void
docs_close(struct wd_docs *d)
{
    struct mongo_store *s = mongo_store_of(d);

    mongo_builder_free(s->builder);
    for (size_t i = 0; i < s->colls.n; i++)
        coll_free(s->colls.p[i]);
    wd_vec_done(&s->colls);
    mongo_link_release(s->link);
    free(s);
    free(d);
}

struct wd_docs *
mongo_docs_new(struct mongo_link *link, const struct wd_mongo_options *o)
{
    struct mongo_store *s = WD_NEW(struct mongo_store);

    s->link = mongo_link_share(link);
    s->keep_indexes = o->keep_indexes;
    s->check_indexes = o->check_indexes;
    return handle_new(s);
}

const struct wd_docs_ops mongo_docs_ops = {
    .name = "mongo",
    .atomic = false,
    .ensure = mongo_ensure,
    .find_one = mongo_find_one,
    .find = mongo_find,
    .cursor_next = mongo_cursor_next,
    .cursor_free = mongo_cursor_free,
    .insert = mongo_insert,
    .update = mongo_update,
    .find_and_update = mongo_find_and_update,
    .remove = mongo_remove,
    .count = mongo_count,
    .batch_begin = batch_begin,
    .batch_commit = batch_commit,
    .batch_abort = batch_abort,
    .expire = expire,
    .close = docs_close,
};
