/* What only the mongo driver has: error lines, indexes in a database from elsewhere, round trips. */
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/mongo/mongo.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;

/* ---- the server beside the driver ---- */

static mongoc_client_t *
raw_client(void)
{
    char *uri wd_auto(wd_freep) = contract_mongo_uri(c.database);

    return mongoc_client_new(uri);
}

static void
raw_command_in(const char *database, const char *json)
{
    mongoc_client_t *client = raw_client();
    bson_error_t why;

    ck_assert_msg(mongoc_client_command_simple(client, database, J(&c, json), NULL, NULL, &why), "%s: %s", json,
                  why.message);
    mongoc_client_destroy(client);
}

static void
raw_command(const char *json)
{
    raw_command_in(c.database, json);
}

/* The index as the server describes it, in relaxed JSON; "" when there is none. Yours to free. */
static char *
raw_index(const char *coll_name, const char *name)
{
    mongoc_client_t *client = raw_client();
    mongoc_collection_t *coll = mongoc_client_get_collection(client, c.database, coll_name);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(coll, NULL);
    char *found = NULL;
    const bson_t *doc;
    bson_iter_t it;

    while (mongoc_cursor_next(cursor, &doc)) {
        char *json;
        if (!bson_iter_init_find(&it, doc, "name") || strcmp(bson_iter_utf8(&it, NULL), name) != 0)
            continue;
        json = bson_as_relaxed_extended_json(doc, NULL);
        free(found);
        found = strdup(json);
        bson_free(json);
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(coll);
    mongoc_client_destroy(client);
    return found ? found : strdup("");
}

static void
check_index(const char *coll, const char *name, const char *part)
{
    char *json wd_auto(wd_freep) = raw_index(coll, name);

    ck_assert_msg(strstr(json, part) != NULL, "%s of %s: '%s' lacks %s", name, coll, json, part);
}

/* ---- opening ---- */

static bool
open_with(struct wd_mongo_options o)
{
    struct wd_blobs *blobs;
    struct wd_docs *docs;

    if (!wd_mongo_open(&o, &docs, &blobs, &err))
        return false;
    wd_blobs_close(blobs);
    wd_docs_close(docs);
    return true;
}

static void
check_line(const char *const *parts)
{
    for (; *parts; parts++)
        ck_assert_msg(strstr(err.text, *parts) != NULL, "'%s' lacks '%s'", err.text, *parts);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_ptr_null(strstr(err.text, "geheim"));
}

START_TEST(what_can_not_be_opened_is_one_clear_line)
{
    char *uri wd_auto(wd_freep) = contract_mongo_uri("wd_test_nothing");
    struct {
        struct wd_mongo_options o;
        enum wd_reason reason;
        const char *parts[4];
    } rows[] = {
        { { .uri = "mongodb://u:geheim@127.0.0.1:1/mail", .timeout_ms = 300 }, WD_DATABASE,
          { "dbs.mongo", "127.0.0.1:1", "no server answers" } },
        { { .uri = "mongodb://u:geheim@127.0.0.1:1/", .timeout_ms = 300 },
          WD_INVALID,
          { "dbs.mongo", "names no database" } },
        { { .uri = "mongo://u:geheim@127.0.0.1:1/x" }, WD_INVALID, { "dbs.mongo", "not a MongoDB URI" } },
        { { .uri = "mongodb://u:geheim@127.0.0.1:port/x" }, WD_INVALID, { "dbs.mongo", "not a MongoDB URI" } },
        { { .uri = uri, .users_db = "a.b" }, WD_INVALID, { "dbs.users", "'a.b'" } },
        { { .uri = uri, .files_db = "mongodb://u:geheim@127.0.0.1:1/files", .timeout_ms = 300 }, WD_DATABASE,
          { "dbs.gridfs", "127.0.0.1:1", "no server answers" } },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        int64_t start = wd_mono_ms();
        ck_assert_msg(!open_with(rows[i].o), "row %zu was opened", i);
        ck_assert_int_eq(err.reason, rows[i].reason);
        check_line(rows[i].parts);
        ck_assert_int_lt(wd_mono_ms() - start, 5000);
    }
}
END_TEST

START_TEST(a_refused_login_is_told_without_the_password)
{
    char *uri wd_auto(wd_freep) = contract_mongo_uri("admin"), *with wd_auto(wd_freep) = NULL;
    static const char *const parts[] = { "dbs.mongo", "the user or the password", NULL };

    if (strchr(uri, '@'))
        return;
    ck_assert_int_ge(asprintf(&with, "mongodb://nobody:geheim@%s", uri + strlen("mongodb://")), 0);
    if (!open_with((struct wd_mongo_options){ .uri = with, .timeout_ms = 3000 }))
        check_line(parts);
}
END_TEST

START_TEST(databases_may_have_other_names_and_addresses)
{
    char *uri wd_auto(wd_freep) = NULL, *files_uri wd_auto(wd_freep) = NULL, users[64], files[64];
    struct wd_mongo_options o = { .users_db = users };
    static const struct wd_docs_index none[] = { { NULL, NULL, 0, NULL, -1 } };
    static const struct wd_docs_collection people = { "people", WD_DB_USERS, none, NULL };
    static const struct wd_docs_collection *const schema[] = { &people, NULL };
    struct wd_blobs *blobs;
    struct wd_docs *docs;
    int64_t n;

    contract_begin(&c, 0);
    snprintf(users, sizeof users, "%s_u", c.database);
    snprintf(files, sizeof files, "%s_f", c.database);
    o.uri = uri = contract_mongo_uri(c.database);
    o.files_db = files_uri = contract_mongo_uri(files);
    ck_ok(wd_mongo_open(&o, &docs, &blobs, &err));
    ck_ok(wd_docs_ensure(docs, schema, &err));
    ck_ok(wd_docs_insert(docs, "people", J(&c, "{'_id': 1}"), &err));
    ck_ok(wd_docs_count(docs, "people", J(&c, "{}"), &n, &err));
    ck_assert_int_eq(n, 1);
    wd_docs_close(docs); /* in any order */
    wd_blobs_close(blobs);
    raw_command_in(users, "{'drop': 'people'}"); /* fails when it is not there */
    raw_command_in(files, "{'drop': 'attachments.chunks'}");
    raw_command_in(users, "{'dropDatabase': 1}");
    raw_command_in(files, "{'dropDatabase': 1}");
    contract_end(&c);
}
END_TEST

/* ---- indexes ---- */

START_TEST(declared_indexes_are_on_the_server)
{
    contract_begin(&c, 0);
    check_index("things", "x_unique", "\"unique\" : true");
    check_index("things", "m_u_down", "\"m\" : 1, \"u\" : -1, \"_id\" : -1");
    check_index("things", "a", "\"sparse\" : true");
    check_index("things", "flagged", "\"partialFilterExpression\" : { \"b\" : true }");
    check_index("things", "ttl", "\"expireAfterSeconds\" : 0");
    check_index("words", "text", "\"user\" : 1, \"_fts\" : \"text\"");
    check_index("words", "text", "\"default_language\" : \"none\"");
    check_index("attachments.chunks", "files_id_1_n_1", "\"unique\" : true");
    contract_end(&c);
}
END_TEST

static const struct wd_docs_index old_indexes[] = {
    { "by_k", "k 1, _id -1 | n", 0, NULL, -1 },
    { "text", "n 1, t text", WD_INDEX_TEXT, "{\"searchable\": true}", -1 },
    { "hashed", "n hashed", 0, NULL, -1 },
    { "k_unique", "k 1", WD_INDEX_UNIQUE, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection old = { "old", WD_DB_MAIN, old_indexes, NULL };
static const struct wd_docs_collection *const old_schema[] = { &old, NULL };

static void
wait_for_index(const char *coll, const char *name)
{
    struct timespec pause = { 0, 20000000 };
    int64_t until = wd_mono_ms() + 20000;

    for (;;) {
        char *json wd_auto(wd_freep) = raw_index(coll, name);
        if (*json)
            return;
        ck_assert_int_lt(wd_mono_ms(), until);
        nanosleep(&pause, NULL);
    }
}

START_TEST(a_collection_with_documents_gets_unique_indexes_at_once_and_the_others_soon)
{
    contract_begin(&c, 0);
    raw_command("{'insert': 'old', 'documents': [{'_id': 1, 'k': 1}, {'_id': 2, 'k': 2}]}");
    ck_ok(wd_docs_ensure(c.docs, old_schema, &err));
    check_index("old", "k_unique", "\"unique\" : true");
    ck_fails(wd_docs_insert(c.docs, "old", J(&c, "{'_id': 3, 'k': 2}"), &err), WD_DUPLICATE);
    wait_for_index("old", "by_k");
    wait_for_index("old", "text");
    wait_for_index("old", "hashed");
    check_index("old", "by_k", "{ \"k\" : 1, \"_id\" : -1 }");
    ck_ok(wd_docs_ensure(c.docs, old_schema, &err));
    contract_end(&c);
}
END_TEST

START_TEST(duplicates_in_the_way_of_a_unique_index_are_told)
{
    static const char *const parts[] = { "'k_unique'", "old", "same value", NULL };

    contract_begin(&c, 0);
    raw_command("{'insert': 'old', 'documents': [{'_id': 1, 'k': 1}, {'_id': 2, 'k': 1}]}");
    ck_fails(wd_docs_ensure(c.docs, old_schema, &err), WD_CONFLICT);
    check_line(parts);
    contract_end(&c);
}
END_TEST

START_TEST(an_index_of_the_same_name_for_something_else_is_told)
{
    static const char *const made[] = {
        "{'createIndexes': 'old', 'indexes': [{'key': {'k': 1, 'n': 1}, 'name': 'k_unique', 'unique': true}]}",
        "{'createIndexes': 'old', 'indexes': [{'key': {'k': 1}, 'name': 'k_unique'}]}",
        "{'createIndexes': 'old', 'indexes': [{'key': {'k': 1, '_id': 1}, 'name': 'by_k'}]}",
    };
    static const char *const parts[][3] = { { "'k_unique'", "old" }, { "'k_unique'", "old" }, { "'by_k'", "old" } };

    contract_begin(&c, 0);
    for (size_t i = 0; i < WD_COUNT(made); i++) {
        raw_command(made[i]);
        ck_fails(wd_docs_ensure(c.docs, old_schema, &err), WD_CONFLICT);
        check_line(parts[i]);
        raw_command("{'drop': 'old'}");
    }
    contract_end(&c);
}
END_TEST

START_TEST(the_same_index_under_another_name_will_do)
{
    struct wd_docs_query q = { .hint = "by_k" };
    bson_t doc = BSON_INITIALIZER;
    uint64_t before;
    bool found;

    contract_begin(&c, 0);
    raw_command("{'createIndexes': 'old', 'indexes': [{'key': {'k': 1, '_id': -1}, 'name': 'k_1__id_-1'}, "
                "{'key': {'k': 1}, 'name': 'k_1', 'unique': true}, {'key': {'n': 1, 't': 'text'}, 'name': 'words', "
                "'partialFilterExpression': {'searchable': true}}]}");
    ck_ok(wd_docs_ensure(c.docs, old_schema, &err));
    ck_ok(wd_docs_insert(c.docs, "old", J(&c, "{'_id': 1, 'k': 1}"), &err));
    ck_fails(wd_docs_insert(c.docs, "old", J(&c, "{'_id': 2, 'k': 1}"), &err), WD_DUPLICATE);
    before = wd_mongo_commands();
    ck_ok(wd_docs_find_one(c.docs, "old", J(&c, "{'k': 1}"), &q, &doc, &found, &err));
    ck_assert(found);
    ck_assert_uint_eq(wd_mongo_commands() - before, 1); /* its name is known: the hint is right at once */
    check_index("old", "k_1", "\"unique\" : true");
    wait_for_index("old", "hashed");
    check_index("old", "by_k", "");
    bson_destroy(&doc);
    contract_end(&c);
}
END_TEST

START_TEST(a_hint_that_the_database_lacks_is_tried_once)
{
    char *uri wd_auto(wd_freep) = NULL;
    struct wd_mongo_options o = { .keep_indexes = true, .weak_writes = true };
    struct wd_docs_query q = { .hint = "by_k", .limit = 5 };
    struct wd_docs_cursor *cursor;
    struct wd_blobs *blobs;
    struct wd_docs *docs;
    const bson_t *doc;

    contract_begin(&c, 0);
    o.uri = uri = contract_mongo_uri(c.database);
    ck_ok(wd_mongo_open(&o, &docs, &blobs, &err));
    ck_ok(wd_docs_ensure(docs, old_schema, &err));
    ck_ok(wd_docs_insert(docs, "old", J(&c, "{'_id': 1, 'k': 1}"), &err));
    for (uint64_t want = 2; want >= 1; want--) {
        uint64_t before = wd_mongo_commands();
        ck_ok(wd_docs_find(docs, "old", J(&c, "{'k': 1}"), &q, &cursor, &err));
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
        ck_assert_ptr_nonnull(doc);
        wd_docs_cursor_free(cursor);
        ck_assert_uint_eq(wd_mongo_commands() - before, want);
    }
    check_index("old", "by_k", ""); /* nothing was created */
    wd_blobs_close(blobs);
    wd_docs_close(docs);
    contract_end(&c);
}
END_TEST

static void *
start_replica(void *data)
{
    char *uri wd_auto(wd_freep) = contract_mongo_uri(c.database);
    struct wd_mongo_options o = { .uri = uri, .weak_writes = true };
    struct wd_error *out = data;
    struct wd_blobs *blobs;
    struct wd_docs *docs;

    if (!wd_mongo_open(&o, &docs, &blobs, out))
        return NULL;
    if (wd_docs_ensure(docs, contract_schema, out) && wd_docs_ensure(docs, old_schema, out))
        out->reason = WD_NO_ERROR;
    wd_blobs_close(blobs);
    wd_docs_close(docs);
    return NULL;
}

START_TEST(replicas_may_start_together)
{
    struct wd_error errors[4];
    pthread_t threads[4];

    contract_begin(&c, 0);
    contract_close(&c);
    raw_command("{'dropDatabase': 1}");
    for (size_t i = 0; i < WD_COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, start_replica, &errors[i]), 0);
    for (size_t i = 0; i < WD_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        ck_assert_msg(errors[i].reason == WD_NO_ERROR, "%s", errors[i].text);
    }
    check_index("things", "x_unique", "\"unique\" : true");
    check_index("old", "k_unique", "\"unique\" : true");
    contract_end(&c);
}
END_TEST

/* ---- round trips ---- */

static int
read_all(struct wd_docs_cursor *cursor)
{
    const bson_t *doc;
    int n = 0;

    for (;; n++) {
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
        if (!doc)
            break;
    }
    wd_docs_cursor_free(cursor);
    return n;
}

static void
fill(const char *coll, int first, int n, size_t bytes)
{
    const bson_t **docs = wd_alloc((size_t)n * sizeof(const bson_t *));
    char *filler = wd_alloc(bytes);

    for (int i = 0; i < n; i++) {
        bson_t *doc = bson_new();
        BSON_APPEND_INT32(doc, "_id", first + i);
        BSON_APPEND_INT32(doc, "u", i);
        bson_append_binary(doc, "bulk", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)filler, (uint32_t)bytes);
        docs[i] = doc;
    }
    ck_ok(wd_docs_insert_many(c.docs, coll, docs, (size_t)n, &err));
    for (int i = 0; i < n; i++)
        bson_destroy((bson_t *)(uintptr_t)docs[i]);
    free(docs);
    free(filler);
}

#define TRIPS(want, call)                                                                                              \
    do {                                                                                                               \
        uint64_t before_ = wd_mongo_commands();                                                                        \
        call;                                                                                                          \
        ck_assert_msg(wd_mongo_commands() - before_ == (want), "%s: %d trips", #call,                                  \
                      (int)(wd_mongo_commands() - before_));                                                           \
    } while (0)

START_TEST(an_operation_is_one_round_trip)
{
    const bson_t *two[2], *filter, *set;
    struct wd_docs_cursor *cursor;
    bson_t doc = BSON_INITIALIZER;
    struct wd_docs *batch;
    bool found;
    int64_t n;

    contract_begin(&c, 0);
    two[0] = J(&c, "{'_id': 1, 'a': 1}");
    two[1] = J(&c, "{'_id': 2, 'a': 1}");
    filter = J(&c, "{'_id': 1}");
    set = J(&c, "{'$set': {'a': 2}}");
    TRIPS(1, ck_ok(wd_docs_insert_many(c.docs, "stuff", two, 2, &err)));
    TRIPS(1, put(&c, "stuff", "{'_id': 3}"));
    TRIPS(1, ck_ok(wd_docs_find_one(c.docs, "stuff", filter, NULL, &doc, &found, &err)));
    TRIPS(1, ck_ok(wd_docs_find(c.docs, "stuff", J(&c, "{}"), NULL, &cursor, &err)));
    TRIPS(0, ck_assert_int_eq(read_all(cursor), 3));
    TRIPS(1, ck_ok(wd_docs_find(c.docs, "stuff", J(&c, "{'_id': 99}"), NULL, &cursor, &err)));
    TRIPS(0, ck_assert_int_eq(read_all(cursor), 0));
    TRIPS(1, ck_ok(wd_docs_update(c.docs, "stuff", filter, set, 0, NULL, &err)));
    TRIPS(1, ck_ok(wd_docs_update(c.docs, "stuff", J(&c, "{}"), set, WD_UPDATE_MANY, NULL, &err)));
    bson_reinit(&doc);
    TRIPS(1, ck_ok(wd_docs_find_and_update(c.docs, "stuff", filter, set, 0, NULL, &doc, &found, &err)));
    TRIPS(1, ck_ok(wd_docs_count(c.docs, "stuff", J(&c, "{}"), &n, &err)));
    TRIPS(1, ck_ok(wd_docs_remove_one(c.docs, "stuff", filter, NULL, &err)));
    TRIPS(1, ck_ok(wd_docs_remove_many(c.docs, "stuff", J(&c, "{}"), NULL, &err)));
    TRIPS(0, ck_ok(wd_docs_batch_begin(c.docs, &batch, &err)));
    TRIPS(0, ck_ok(wd_docs_batch_commit(batch, &err)));
    TRIPS(0, ck_fails(wd_docs_count(c.docs, "stuff", J(&c, "{'$where': 'x'}"), &n, &err), WD_INVALID));
    bson_destroy(&doc);
    contract_end(&c);
}
END_TEST

START_TEST(many_documents_come_in_few_round_trips)
{
    struct wd_docs_query ids_only = { 0 }, some = { .limit = 5 };
    struct wd_docs_cursor *cursor;
    const bson_t *all;

    contract_begin(&c, 0);
    all = J(&c, "{}");
    ids_only.projection = J(&c, "{'u': 1}");
    fill("stuff", 0, 1000, 10240);
    TRIPS(1, ck_ok(wd_docs_find(c.docs, "stuff", all, NULL, &cursor, &err)));
    TRIPS(0, ck_assert_int_eq(read_all(cursor), 1000));
    fill("stuff", 1000, 1000, 10240);
    TRIPS(2, { /* more than 16 MiB */
        ck_ok(wd_docs_find(c.docs, "stuff", all, NULL, &cursor, &err));
        ck_assert_int_eq(read_all(cursor), 2000);
    });
    TRIPS(2, { /* an early end is told to the server */
        ck_ok(wd_docs_find(c.docs, "stuff", all, NULL, &cursor, &err));
        wd_docs_cursor_free(cursor);
    });
    fill("stuff", 2000, 23000, 10);
    TRIPS(1, {
        ck_ok(wd_docs_find(c.docs, "stuff", all, &ids_only, &cursor, &err));
        ck_assert_int_eq(read_all(cursor), 25000);
    });
    TRIPS(1, {
        ck_ok(wd_docs_find(c.docs, "stuff", all, &some, &cursor, &err));
        ck_assert_int_eq(read_all(cursor), 5);
    });
    contract_end(&c);
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 10 };

static struct wd_docs *shared;

static void
must(bool ok, const struct wd_error *why)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", why->text);
    abort();
}

/* Reads all and, in the midst of it, one by one: with fewer connections than threads that must not block. */
static void
read_and_look_up(void)
{
    bson_t all = BSON_INITIALIZER;
    struct wd_docs_cursor *cursor;
    struct wd_error why;
    const bson_t *doc;

    must(wd_docs_find(shared, "stuff", &all, NULL, &cursor, &why), &why);
    for (;;) {
        bson_t filter = BSON_INITIALIZER, one = BSON_INITIALIZER;
        bson_iter_t id;
        bool found;

        must(wd_docs_cursor_next(cursor, &doc, &why), &why);
        if (!doc)
            break;
        if (!bson_iter_init_find(&id, doc, "_id"))
            abort();
        bson_append_iter(&filter, "_id", 3, &id);
        must(wd_docs_find_one(shared, "stuff", &filter, NULL, &one, &found, &why), &why);
        bson_destroy(&filter);
        bson_destroy(&one);
    }
    wd_docs_cursor_free(cursor);
    bson_destroy(&all);
}

static void *
use_shared(void *data)
{
    int thread = *(const int *)data;
    struct wd_error why;

    for (int i = 0; i < ROUNDS; i++) {
        bson_t doc = BSON_INITIALIZER, filter = BSON_INITIALIZER, update = BSON_INITIALIZER, inc;

        BSON_APPEND_INT32(&doc, "_id", 1 + thread * ROUNDS + i);
        must(wd_docs_insert(shared, "stuff", &doc, &why), &why);
        BSON_APPEND_INT32(&filter, "_id", 0);
        BSON_APPEND_DOCUMENT_BEGIN(&update, "$inc", &inc);
        BSON_APPEND_INT32(&inc, "n", 1);
        bson_append_document_end(&update, &inc);
        must(wd_docs_update(shared, "things", &filter, &update, WD_UPDATE_UPSERT, NULL, &why), &why);
        if (i == thread)
            read_and_look_up();
        bson_destroy(&doc);
        bson_destroy(&filter);
        bson_destroy(&update);
    }
    return NULL;
}

START_TEST(threads_share_few_connections)
{
    char *uri wd_auto(wd_freep) = NULL;
    struct wd_mongo_options o = { .connections = 3 };
    pthread_t threads[THREADS];
    struct wd_blobs *blobs;
    int numbers[THREADS];

    contract_begin(&c, 0);
    o.uri = uri = contract_mongo_uri(c.database);
    ck_ok(wd_mongo_open(&o, &shared, &blobs, &err));
    ck_ok(wd_docs_ensure(shared, contract_schema, &err));
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_shared, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(count(&c, "stuff", "{}"), THREADS * ROUNDS);
    ck_assert_int_eq(count(&c, "things", "{'n': 80}"), 1);
    wd_docs_close(shared);
    wd_blobs_close(blobs);
    contract_end(&c);
}
END_TEST

/* ---- pipelines ---- */

START_TEST(a_pipeline_computes_with_the_document)
{
    bson_t doc = BSON_INITIALIZER;
    struct wd_docs_updated done;
    bson_iter_t it;
    bool found;

    contract_begin(&c, 0);
    put(&c, "stuff", "{'_id': 1, 'n': 5, 'list': [1, 2]}");
    ck_ok(wd_docs_update(c.docs, "stuff", J(&c, "{'_id': 1}"),
                         J(&c, "{'0': {'$set': {'n': {'$add': ['$n', 2]}}}, '1': {'$set': {'m': '$n'}}}"), 0, &done,
                         &err));
    ck_assert_int_eq(done.modified, 1);
    ck_ok(wd_docs_find_and_update(c.docs, "stuff", J(&c, "{'_id': 1}"),
                                  J(&c, "{'0': {'$set': {'n': {'$subtract': ['$n', '$m']}}}}"), WD_UPDATE_RETURN_NEW,
                                  NULL, &doc, &found, &err));
    ck_assert(found && bson_iter_init_find(&it, &doc, "n") && bson_iter_as_int64(&it) == 0);
    ck_assert(bson_iter_init_find(&it, &doc, "m") && bson_iter_as_int64(&it) == 7);
    ck_fails(wd_docs_update(c.docs, "stuff", J(&c, "{'_id': 1}"), J(&c, "{'0': {'$replaceWith': {'a': 1}}}"), 0, NULL,
                            &err),
             WD_INVALID);
    bson_destroy(&doc);
    contract_end(&c);
}
END_TEST

START_TEST(an_array_of_documents_loses_those_that_are_pulled)
{
    contract_begin(&c, 0);
    put(&c, "stuff", "{'_id': 1, 'list': [{'k': 1}, {'k': 2}, {'k': 3}]}");
    ck_ok(wd_docs_update(c.docs, "stuff", J(&c, "{'_id': 1}"),
                         J(&c, "{'$pull': {'list': {'k': {'$in': [1, 3]}}}}"), 0, NULL, &err));
    ck_assert_str_eq(shown(&c, "stuff", 1), "{ '_id' : 1, 'list' : [ { 'k' : 2 } ] }");
    contract_end(&c);
}
END_TEST

int
main(void)
{
    const char *uri = getenv("WD_TEST_MONGO_URI");
    TCase *t;

    if (!uri || !*uri) {
        fprintf(stderr, "nothing tested: WD_TEST_MONGO_URI is not set\n");
        return EXIT_SUCCESS;
    }
    contract_only("mongo");
    t = tcase_create("mongo");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_can_not_be_opened_is_one_clear_line);
    tcase_add_test(t, a_refused_login_is_told_without_the_password);
    tcase_add_test(t, databases_may_have_other_names_and_addresses);
    tcase_add_test(t, declared_indexes_are_on_the_server);
    tcase_add_test(t, a_collection_with_documents_gets_unique_indexes_at_once_and_the_others_soon);
    tcase_add_test(t, duplicates_in_the_way_of_a_unique_index_are_told);
    tcase_add_test(t, an_index_of_the_same_name_for_something_else_is_told);
    tcase_add_test(t, the_same_index_under_another_name_will_do);
    tcase_add_test(t, a_hint_that_the_database_lacks_is_tried_once);
    tcase_add_test(t, replicas_may_start_together);
    tcase_add_test(t, an_operation_is_one_round_trip);
    tcase_add_test(t, many_documents_come_in_few_round_trips);
    tcase_add_test(t, threads_share_few_connections);
    tcase_add_test(t, a_pipeline_computes_with_the_document);
    tcase_add_test(t, an_array_of_documents_loses_those_that_are_pulled);
    return run_case("mongo", t);
}
