/* store-svc/driver/mongo/ensure.c – creates the collections and indexes that are missing. Any number of replicas may
 * do it at the same time: what fails is looked at again before it counts as a failure. */
#include <time.h>

#include "common/base/alloc.h"
#include "common/log/log.h"
#include "store-svc/driver/mongo/ensure_priv.h"

enum {
    DATABASES = WD_DB_FILES + 1,
    TRIES = 5,
    PAUSE_MS = 50,
};

struct ensuring {
    struct mongo_store *store;
    mongoc_client_t *clients[DATABASES]; /* outside of the pool: building an index takes long */
    char **there[DATABASES];             /* names of collections */
    struct mongo_builder *builder;       /* NULL: nothing to do in the background */
    struct wd_error *err;
};

struct documents WD_VEC(bson_t *);

static void
documents_done(struct documents *d)
{
    while (d->n)
        bson_destroy(d->p[--d->n]);
    wd_vec_done(d);
}

/* ---- what is there ---- */

static mongoc_client_t *
client_of(struct ensuring *e, enum wd_docs_database database)
{
    if (!e->clients[database])
        e->clients[database] = mongo_link_patient_client(e->store->link, database, MONGO_BUILD_MS);
    if (!e->clients[database])
        wd_fail(e->err, WD_DATABASE, "%s: cannot connect", mongo_link_setting(e->store->link, database));
    return e->clients[database];
}

static bool
list_collections(struct ensuring *e, enum wd_docs_database database)
{
    mongoc_client_t *client = client_of(e, database);
    mongoc_database_t *db;
    bson_error_t why;

    if (!client)
        return false;
    db = mongoc_client_get_database(client, mongo_link_database(e->store->link, database));
    e->there[database] = mongoc_database_get_collection_names_with_opts(db, NULL, &why);
    mongoc_database_destroy(db);
    return e->there[database] ||
           wd_fail(e->err, WD_DATABASE, "list collections of %s: %s", mongo_link_database(e->store->link, database),
                   why.message);
}

static bool
is_there(const struct ensuring *e, const struct mongo_coll *c)
{
    for (char **name = e->there[c->database]; *name; name++)
        if (strcmp(*name, c->name) == 0)
            return true;
    return false;
}

static bool
list_indexes(struct ensuring *e, const struct mongo_coll *c, struct documents *out)
{
    mongoc_collection_t *coll = mongoc_client_get_collection(
        e->clients[c->database], mongo_link_database(e->store->link, c->database), c->name);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(coll, NULL);
    const bson_t *doc;
    bson_error_t why;
    bool failed;

    while (mongoc_cursor_next(cursor, &doc))
        wd_vec_push(out, bson_copy(doc));
    failed = mongoc_cursor_error(cursor, &why);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(coll);
    return !failed || wd_fail(e->err, WD_DATABASE, "list indexes of %s: %s", c->name, why.message);
}

/* ---- one index beside what is there ---- */

/* *found: there, under this or another name. */
static bool
look_up(struct ensuring *e, const struct mongo_coll *c, struct mongo_index *index, const bson_t *spec,
        const struct documents *there, bool *found)
{
    bool conflict = false;

    *found = false;
    for (size_t i = 0; i < there->n && !*found; i++) {
        enum mongo_index_match match = mongo_index_compare(spec, there->p[i]);
        bson_iter_t it;

        conflict = conflict || match == MONGO_INDEX_CONFLICT;
        if (match != MONGO_INDEX_SAME || !bson_iter_init_find(&it, there->p[i], "name") || !BSON_ITER_HOLDS_UTF8(&it))
            continue;
        free(index->name);
        index->name = strdup(bson_iter_utf8(&it, NULL));
        *found = true;
    }
    if (conflict && !*found && e->store->keep_indexes && !e->store->check_indexes)
        return true;
    if (conflict && !*found)
        return wd_fail(e->err, WD_CONFLICT, "index '%s' of %s: there is one of that name with other keys or options",
                       index->declared->name, c->name);
    return true;
}

static bool
look_again(struct ensuring *e, const struct mongo_coll *c, struct mongo_index *index, const bson_t *spec, bool *found)
{
    struct documents there wd_auto(documents_done) = { 0 };

    return list_indexes(e, c, &there) && look_up(e, c, index, spec, &there, found);
}

/* ---- creating ---- */

static bool
is_duplicate(const bson_error_t *why)
{
    return why->code == 11000 || strstr(why->message, "exclusion constraint") != NULL; /* DocumentDB's way to say it */
}

static bool
refused(struct ensuring *e, const struct mongo_coll *c, const struct mongo_index *index, const bson_error_t *why)
{
    if (index->declared->flags & WD_INDEX_UNIQUE) {
        if (is_duplicate(why))
            return wd_fail(e->err, WD_CONFLICT, "index '%s' of %s: documents with the same value are in the way",
                           index->declared->name, c->name);
        return wd_fail(e->err, WD_DATABASE, "index '%s' of %s: %s", index->declared->name, c->name, why->message);
    }
    wd_log(WD_LOG_WARN, "index not built, queries that want it are slow", WD_KV("collection", c->name),
           WD_KV("index", index->declared->name), WD_KV("text", why->message));
    return true;
}

static bool
create_one(struct ensuring *e, const struct mongo_coll *c, struct mongo_index *index, const bson_t *spec)
{
    struct timespec pause = { 0, PAUSE_MS * 1000000L };
    bson_error_t why;
    bool found;

    for (int try = 0; try < TRIES; try++) {
        if (mongo_index_create(e->clients[c->database], mongo_link_database(e->store->link, c->database), c->name,
                               &spec, 1, &why))
            return true;
        if (is_duplicate(&why))
            break;
        if (!look_again(e, c, index, spec, &found))
            return false;
        if (found)
            return true;
        nanosleep(&pause, NULL);
    }
    return refused(e, c, index, &why);
}

/* Mail compresses well, and zlib does it better than the server's default; a server that has no such option keeps its
 * own way. */
static void
create_compressed(struct ensuring *e, const struct mongo_coll *c)
{
    bson_t command wd_auto(bson_destroy) = BSON_INITIALIZER, engine, tiger;

    BSON_APPEND_UTF8(&command, "create", c->name);
    BSON_APPEND_DOCUMENT_BEGIN(&command, "storageEngine", &engine);
    BSON_APPEND_DOCUMENT_BEGIN(&engine, "wiredTiger", &tiger);
    BSON_APPEND_UTF8(&tiger, "configString", "block_compressor=zlib");
    bson_append_document_end(&engine, &tiger);
    bson_append_document_end(&command, &engine);
    (void)mongoc_client_command_simple(e->clients[c->database], mongo_link_database(e->store->link, c->database),
                                       &command, NULL, NULL, NULL);
}

/* ---- collections ---- */

static bool
wants_compression(const struct mongo_coll *c)
{
    return strcmp(c->declared->name, "messages") == 0 || strncmp(c->declared->name, "attachments.", 12) == 0;
}

/* The indexes of a collection that was not there: all in one command, and nothing to wait for. */
static bool
ensure_new(struct ensuring *e, struct mongo_coll *c)
{
    struct documents specs wd_auto(documents_done) = { 0 };
    bson_error_t why;

    if (wants_compression(c))
        create_compressed(e, c);
    for (size_t i = 0; i < c->n_indexes; i++) {
        wd_vec_push(&specs, bson_new());
        if (!mongo_index_spec(c->indexes[i].declared, specs.p[i], e->err))
            return false;
    }
    if (!specs.n || mongo_index_create(e->clients[c->database], mongo_link_database(e->store->link, c->database),
                                       c->name, (const bson_t *const *)specs.p, specs.n, &why))
        return true;
    for (size_t i = 0; i < c->n_indexes; i++)
        if (!create_one(e, c, &c->indexes[i], specs.p[i]))
            return false;
    return true;
}

static bool
ensure_index(struct ensuring *e, struct mongo_coll *c, struct mongo_index *index, const struct documents *there,
             bool unique)
{
    bson_t spec wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!mongo_index_spec(index->declared, &spec, e->err) || !look_up(e, c, index, &spec, there, &found))
        return false;
    if (found)
        return true;
    if (e->store->keep_indexes) {
        atomic_store(&index->missing, true);
        return true;
    }
    if (unique)
        return create_one(e, c, index, &spec);
    if (!e->builder)
        e->builder = mongo_builder_new(e->store->link);
    mongo_builder_add(e->builder, c->database, c->name, &spec, &index->missing);
    return true;
}

/* Unique ones first: the mail store relies on them. The others only make it fast. */
static bool
ensure_old(struct ensuring *e, struct mongo_coll *c)
{
    struct documents there wd_auto(documents_done) = { 0 };

    if (!list_indexes(e, c, &there))
        return false;
    for (int unique = 1; unique >= 0; unique--)
        for (size_t i = 0; i < c->n_indexes; i++)
            if (!!(c->indexes[i].declared->flags & WD_INDEX_UNIQUE) == unique &&
                !ensure_index(e, c, &c->indexes[i], &there, unique))
                return false;
    return true;
}

static bool
ensure_coll(struct ensuring *e, struct mongo_coll *c)
{
    if (!e->there[c->database] && !list_collections(e, c->database))
        return false;
    if (is_there(e, c))
        return ensure_old(e, c);
    return e->store->keep_indexes || ensure_new(e, c);
}

/* ---- all ---- */

/* What the blobs rely on, whether the caller declares it or not. */
static const struct wd_docs_index files_indexes[] = { { NULL, NULL, 0, NULL, -1 } };
static const struct wd_docs_index chunks_indexes[] = {
    { "files_id_1_n_1", "files_id 1, n 1", WD_INDEX_UNIQUE, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection bucket[] = {
    { "attachments.files", WD_DB_FILES, files_indexes, NULL },
    { "attachments.chunks", WD_DB_FILES, chunks_indexes, NULL },
};

static bool
ensure_all(struct ensuring *e, const struct wd_docs_collection *const *collections)
{
    struct wd_error unknown;

    for (; *collections; collections++)
        if (!ensure_coll(e, mongo_coll_declare(e->store, *collections)))
            return false;
    for (size_t i = 0; i < WD_COUNT(bucket); i++)
        if (!mongo_coll_find(e->store, bucket[i].name, &unknown) &&
            !ensure_coll(e, mongo_coll_declare(e->store, &bucket[i])))
            return false;
    return true;
}

static bool
start_builder(struct ensuring *e)
{
    if (!e->builder)
        return true;
    e->store->builder = wd_take(e->builder);
    return mongo_builder_start(e->store->builder, e->err);
}

bool
mongo_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err)
{
    struct ensuring e = { .store = mongo_store_of(d), .err = err };
    bool ok;

    mongo_builder_free(e.store->builder);
    e.store->builder = NULL;
    ok = ensure_all(&e, collections) && start_builder(&e);
    mongo_builder_free(e.builder);
    for (size_t i = 0; i < DATABASES; i++) {
        bson_strfreev(e.there[i]);
        mongoc_client_destroy(e.clients[i]);
    }
    return ok;
}
