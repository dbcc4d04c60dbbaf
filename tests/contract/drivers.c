#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/vec.h"
#include "common/base/rand.h"
#include "store-svc/driver/embedded/embedded.h"
#include "store-svc/driver/mongo/mongo.h"
#include "store-svc/driver/redis/redis.h"
#include "tests/contract/contract.h"
#include "tests/contract/redis_server.h"

/* ---- the drivers ---- */

static bool
open_embedded(struct contract *c, uint32_t max_pages, bool sync, struct wd_error *err)
{
    struct wd_embedded_options o = { .directory = c->directory, .no_sync = !sync, .readers = 4,
                                     .max_pages = max_pages };

    return wd_embedded_open(&o, &c->docs, &c->blobs, &c->bus, err);
}

static bool
open_mongo(struct contract *c, uint32_t max_pages, bool sync, struct wd_error *err)
{
    char *uri wd_auto(wd_freep) = contract_mongo_uri(c->database);
    struct wd_mongo_options o = { .uri = uri, .weak_writes = !sync };

    (void)max_pages;
    return wd_mongo_open(&o, &c->docs, &c->blobs, err);
}

static void
drop_mongo(struct contract *c)
{
    char *text wd_auto(wd_freep) = contract_mongo_uri(c->database);
    mongoc_client_t *client = mongoc_client_new(text);
    mongoc_database_t *db = mongoc_client_get_database(client, c->database);

    mongoc_database_drop(db, NULL);
    mongoc_database_destroy(db);
    mongoc_client_destroy(client);
}

/* The databases of tests that failed: all names of one run begin with the same random tag. */
static void
sweep_mongo(const char *tag)
{
    char *uri wd_auto(wd_freep) = contract_mongo_uri("admin");
    mongoc_client_t *client = mongoc_client_new(uri);
    char **names = mongoc_client_get_database_names_with_opts(client, NULL, NULL);

    for (char **name = names; name && *name; name++) {
        mongoc_database_t *db;
        if (strncmp(*name, tag, strlen(tag)) != 0)
            continue;
        db = mongoc_client_get_database(client, *name);
        mongoc_database_drop(db, NULL);
        mongoc_database_destroy(db);
    }
    bson_strfreev(names);
    mongoc_client_destroy(client);
}

static struct redis_server redis;

static bool
open_redis(struct contract *c, uint32_t max_pages, bool sync, struct wd_error *err)
{
    struct wd_redis_options o = { .host = redis.socket, .database = 3 };

    (void)max_pages, (void)sync;
    if (!redis.pid)
        redis_server_start(&redis, c->directory, NULL);
    return wd_redis_open(&o, &c->bus, err);
}

static void
drop_redis(struct contract *c)
{
    (void)c;
    redis_server_stop(&redis);
}

enum { DOCS_AND_BLOBS = CONTRACT_DOCS | CONTRACT_BLOBS };

const struct contract_driver contract_drivers[] = {
    { .name = "embedded",
      .ports = DOCS_AND_BLOBS | CONTRACT_BUS,
      .open = open_embedded,
      .limits_pages = true,
      .is_local = true,
      .expires = true,
      .redeclares = true,
      .searches_exactly = true },
    { .name = "mongo", .ports = DOCS_AND_BLOBS, .env = "WD_TEST_MONGO_URI", .open = open_mongo, .drop = drop_mongo,
      .sweep = sweep_mongo },
    { .name = "redis", .ports = CONTRACT_BUS, .open = open_redis, .drop = drop_redis },
};

static enum contract_port suite = CONTRACT_DOCS;
static const char *only;
static char tag[24]; /* of this run, the same in each forked test */
static pid_t runner;

static bool
is_wanted(const struct contract_driver *d)
{
    return (d->ports & suite) && (!only || strcmp(d->name, only) == 0);
}

static bool
is_reachable(const struct contract_driver *d)
{
    return !d->env || (getenv(d->env) && *getenv(d->env));
}

static void
sweep(void)
{
    if (getpid() != runner)
        return;
    for (size_t i = 0; i < WD_COUNT(contract_drivers); i++)
        if (contract_drivers[i].sweep && is_wanted(&contract_drivers[i]) && is_reachable(&contract_drivers[i]))
            contract_drivers[i].sweep(tag);
}

static void
begin_run(void)
{
    if (runner)
        return;
    runner = getpid();
    snprintf(tag, sizeof tag, "wd_test_%08x_", wd_rand_u32());
    atexit(sweep);
}

void
contract_only(const char *name)
{
    only = name;
    begin_run();
}

int
contract_suite(enum contract_port port)
{
    static bool told;
    int n = 0;

    begin_run();
    suite = port;
    for (size_t i = 0; i < WD_COUNT(contract_drivers); i++) {
        const struct contract_driver *d = &contract_drivers[i];

        if (is_wanted(d) && !is_reachable(d) && !told)
            fprintf(stderr, "without the driver %s: %s is not set\n", d->name, d->env);
        n += is_wanted(d) && is_reachable(d);
    }
    told = true;
    return n;
}

static const struct contract_driver *
nth_driver(int n)
{
    for (size_t i = 0; i < WD_COUNT(contract_drivers); i++)
        if (is_wanted(&contract_drivers[i]) && is_reachable(&contract_drivers[i]) && n-- == 0)
            return &contract_drivers[i];
    ck_abort_msg("no such driver");
    return NULL;
}

char *
contract_mongo_uri(const char *database)
{
    const char *base = getenv("WD_TEST_MONGO_URI"), *hosts = base ? strstr(base, "://") : NULL;
    size_t until;
    char *text;

    if (!hosts) /* not ck_assert: sweeping happens outside of a test */
        abort();
    until = (size_t)(hosts - base) + 3 + strcspn(hosts + 3, "/?");
    if (asprintf(&text, "%.*s/%s%s", (int)until, base, database, base + until + (base[until] == '/')) < 0)
        abort();
    return text;
}

/* ---- what is stored ---- */

static const struct wd_docs_index things_indexes[] = {
    { "m_u", "m 1, u 1, _id 1", 0, NULL, -1 },
    { "m_u_down", "m 1, u -1, _id -1", 0, NULL, -1 },
    { "m_f", "m 1, f 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "m_h", "m 1, h.k 1, h.v 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "o_g", "o 1, g 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "a", "a 1", WD_INDEX_SPARSE, NULL, -1 },
    { "deep", "d.x 1", 0, NULL, -1 },
    { "flagged", "m 1, b 1", 0, "{\"b\": true}", -1 },
    { "x_unique", "x 1, y 1", WD_INDEX_UNIQUE, NULL, -1 },
    { "ttl", "expires 1", 0, NULL, 0 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection things = { "things", WD_DB_MAIN, things_indexes, "m u f a b x y expires n" };

static const struct wd_docs_index words_indexes[] = {
    { "text", "user 1, h.v text, t text", WD_INDEX_TEXT, "{\"searchable\": true}", -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection words = { "words", WD_DB_MAIN, words_indexes, "user searchable n" };
static const struct wd_docs_index no_indexes[] = { { NULL, NULL, 0, NULL, -1 } };
static const struct wd_docs_collection stuff = { "stuff", WD_DB_MAIN, no_indexes, NULL };

const struct wd_docs_collection *const contract_schema[] = { &things, &words, &stuff, NULL };

/* Freed together at the end of a test. */
static struct WD_VEC(bson_t *) made;
static struct WD_VEC(char *) texts;

void
contract_open(struct contract *c)
{
    struct wd_error err;

    ck_ok(c->driver->open(c, 0, false, &err));
    if (c->docs)
        ck_ok(wd_docs_ensure(c->docs, contract_schema, &err));
}

void
contract_begin(struct contract *c, int driver)
{
    const char *base = getenv("TMPDIR");

    memset(c, 0, sizeof *c);
    c->driver = nth_driver(driver);
    snprintf(c->database, sizeof c->database, "%s%08x", tag, wd_rand_u32());
    snprintf(c->directory, sizeof c->directory, "%s/wd-contract-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(c->directory));
    contract_open(c);
}

void
contract_close(struct contract *c)
{
    wd_bus_close(c->bus);
    wd_blobs_close(c->blobs);
    wd_docs_close(c->docs);
    c->bus = NULL;
    c->blobs = NULL;
    c->docs = NULL;
}

void
contract_end(struct contract *c)
{
    char command[128];

    contract_close(c);
    if (c->driver->drop)
        c->driver->drop(c);
    snprintf(command, sizeof command, "rm -rf '%s'", c->directory);
    ck_assert_int_eq(system(command), 0);
    while (made.n)
        bson_destroy(made.p[--made.n]);
    while (texts.n)
        free(texts.p[--texts.n]);
    wd_vec_done(&made);
    wd_vec_done(&texts);
}

const bson_t *
J(struct contract *c, const char *json)
{
    char *copy wd_auto(wd_freep) = strdup(json);
    bson_error_t why;
    bson_t *doc;

    (void)c;
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    doc = bson_new_from_json((const uint8_t *)copy, -1, &why);
    ck_assert_msg(doc != NULL, "%s: %s", json, why.message);
    wd_vec_push(&made, doc);
    return doc;
}

const bson_t *
JF(struct contract *c, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return J(c, text);
}

void
put(struct contract *c, const char *coll, const char *json)
{
    struct wd_error err;

    ck_ok(wd_docs_insert(c->docs, coll, J(c, json), &err));
}

int64_t
count(struct contract *c, const char *coll, const char *filter)
{
    struct wd_error err;
    int64_t n;

    ck_ok(wd_docs_count(c->docs, coll, J(c, filter), &n, &err));
    return n;
}

const char *
ids(struct contract *c, const char *coll, const char *filter, const char *sort)
{
    struct wd_docs_query q = { .sort = sort ? J(c, sort) : NULL };
    struct wd_docs_cursor *cursor;
    struct wd_buf out = { 0 };
    struct wd_error err;
    const bson_t *doc;
    bson_iter_t it;

    ck_ok(wd_docs_find(c->docs, coll, J(c, filter), &q, &cursor, &err));
    for (;;) {
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
        if (!doc)
            break;
        ck_assert(bson_iter_init_find(&it, doc, "_id"));
        wd_buf_printf(&out, "%s%lld", out.n ? " " : "", (long long)bson_iter_as_int64(&it));
    }
    wd_docs_cursor_free(cursor);
    wd_buf_chr(&out, '\0');
    wd_vec_push(&texts, out.p);
    return out.p;
}

const char *
shown(struct contract *c, const char *coll, int64_t id)
{
    bson_t doc = BSON_INITIALIZER;
    struct wd_error err;
    char *json, *copy;
    bool found;

    ck_ok(wd_docs_find_one(c->docs, coll, JF(c, "{'_id': %lld}", (long long)id), NULL, &doc, &found, &err));
    json = found ? bson_as_relaxed_extended_json(&doc, NULL) : NULL;
    copy = strdup(json ? json : "");
    for (char *p = copy; *p; p++)
        if (*p == '"')
            *p = '\'';
    bson_free(json);
    bson_destroy(&doc);
    wd_vec_push(&texts, copy);
    return copy;
}
