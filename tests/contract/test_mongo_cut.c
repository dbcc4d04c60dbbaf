/* The mongo driver when connections are cut after a command has reached the server and before its answer is back. */
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/mongo/mongo.h"
#include "tests/contract/contract.h"
#include "tests/contract/cutter.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;
static struct cutter *cutter;
static struct wd_docs *docs; /* through the cutter; c.docs is not */
static struct wd_blobs *blobs;

static void
begin(void)
{
    const char *base = getenv("WD_TEST_MONGO_URI");
    mongoc_uri_t *uri;
    const mongoc_host_list_t *host;
    char through[128];
    struct wd_mongo_options o = { .uri = through, .timeout_ms = 5000, .weak_writes = true };

    contract_begin(&c, 0);
    uri = mongoc_uri_new(base);
    host = mongoc_uri_get_hosts(uri);
    cutter = cutter_new(strcmp(host->host, "localhost") == 0 ? "127.0.0.1" : host->host, host->port);
    mongoc_uri_destroy(uri);
    snprintf(through, sizeof through, "mongodb://127.0.0.1:%u/%s?directConnection=true", cutter_port(cutter),
             c.database);
    ck_ok(wd_mongo_open(&o, &docs, &blobs, &err));
    ck_ok(wd_docs_ensure(docs, contract_schema, &err));
}

static void
end(void)
{
    ck_assert_int_eq(cutter_left(cutter), 0);
    wd_blobs_close(blobs);
    wd_docs_close(docs);
    cutter_free(cutter);
    contract_end(&c);
}

START_TEST(an_insert_is_done_once)
{
    begin();
    cutter_cut_answers(cutter, "insert", 1);
    ck_ok(wd_docs_insert(docs, "stuff", J(&c, "{'a': 1, '_id': 1}"), &err));
    ck_assert_int_eq(count(&c, "stuff", "{}"), 1);
    end();
}
END_TEST

START_TEST(an_insert_of_many_is_done_once)
{
    const bson_t *list[3];

    begin();
    for (int i = 0; i < 3; i++)
        list[i] = JF(&c, "{'_id': %d, 'a': [1, {'b': %d}]}", i, i);
    cutter_cut_answers(cutter, "insert", 1);
    ck_ok(wd_docs_insert_many(docs, "stuff", list, 3, &err));
    ck_assert_int_eq(count(&c, "stuff", "{}"), 3);
    end();
}
END_TEST

START_TEST(a_document_of_somebody_else_is_still_a_duplicate)
{
    const bson_t *list[2];

    begin();
    put(&c, "stuff", "{'_id': 1, 'a': 1}");
    put(&c, "things", "{'_id': 7, 'x': 1}");
    cutter_cut_answers(cutter, "insert", 1);
    ck_fails(wd_docs_insert(docs, "stuff", J(&c, "{'_id': 1, 'a': 2}"), &err), WD_DUPLICATE);
    cutter_cut_answers(cutter, "insert", 1);
    ck_fails(wd_docs_insert(docs, "things", J(&c, "{'_id': 8, 'x': 1}"), &err), WD_DUPLICATE);
    ck_assert_msg(strstr(err.text, "x_unique") != NULL, "%s", err.text);
    list[0] = J(&c, "{'_id': 2, 'a': 2}");
    list[1] = J(&c, "{'_id': 1, 'a': 2}");
    cutter_cut_answers(cutter, "insert", 1);
    ck_fails(wd_docs_insert_many(docs, "stuff", list, 2, &err), WD_DUPLICATE);
    ck_assert_str_eq(shown(&c, "stuff", 1), "{ '_id' : 1, 'a' : 1 }");
    ck_assert_str_eq(shown(&c, "things", 8), "");
    end();
}
END_TEST

START_TEST(reads_and_harmless_writes_are_repeated)
{
    bson_t doc = BSON_INITIALIZER;
    struct wd_docs_cursor *cursor;
    const bson_t *next;
    int64_t n;
    bool found;

    begin();
    put(&c, "stuff", "{'_id': 1, 'a': 1}");
    cutter_cut_answers(cutter, "find", 2);
    ck_ok(wd_docs_find_one(docs, "stuff", J(&c, "{'_id': 1}"), NULL, &doc, &found, &err));
    ck_assert(found);
    cutter_cut_answers(cutter, "find", 1);
    ck_ok(wd_docs_find(docs, "stuff", J(&c, "{}"), NULL, &cursor, &err));
    ck_ok(wd_docs_cursor_next(cursor, &next, &err));
    ck_assert_ptr_nonnull(next);
    wd_docs_cursor_free(cursor);
    cutter_cut_answers(cutter, "aggregate", 1);
    ck_ok(wd_docs_count(docs, "stuff", J(&c, "{}"), &n, &err));
    ck_assert_int_eq(n, 1);
    cutter_cut_answers(cutter, "update", 1);
    ck_ok(wd_docs_update(docs, "stuff", J(&c, "{'_id': 1}"),
                         J(&c, "{'$set': {'a': 2}, '$addToSet': {'f': 'x'}, '$unset': {'z': 1}}"), 0, NULL, &err));
    ck_assert_str_eq(shown(&c, "stuff", 1), "{ '_id' : 1, 'a' : 2, 'f' : [ 'x' ] }");
    cutter_cut_answers(cutter, "delete", 1);
    ck_ok(wd_docs_remove_many(docs, "stuff", J(&c, "{}"), NULL, &err));
    ck_assert_int_eq(count(&c, "stuff", "{}"), 0);
    bson_destroy(&doc);
    end();
}
END_TEST

START_TEST(what_would_count_twice_is_not_repeated)
{
    static const char *const unsafe[] = { "{'$inc': {'n': 1}}", "{'$push': {'l': 1}}", "{'0': {'$set': {'n': 5}}}",
                                          "{'$set': {'z': 1}, '$inc': {'n': 1}}" };
    bson_t doc = BSON_INITIALIZER;
    bool found;

    begin();
    for (size_t i = 0; i < WD_COUNT(unsafe); i++) {
        put(&c, "stuff", "{'_id': 1, 'n': 0, 'l': []}");
        cutter_cut_answers(cutter, "update", 1);
        ck_fails(wd_docs_update(docs, "stuff", J(&c, "{'_id': 1}"), J(&c, unsafe[i]), 0, NULL, &err), WD_DATABASE);
        ck_assert_int_eq(count(&c, "stuff", "{'n': {'$gt': 1}, 'l.1': {'$exists': true}}"), 0);
        ck_ok(wd_docs_remove_many(c.docs, "stuff", J(&c, "{}"), NULL, &err));
    }
    put(&c, "stuff", "{'_id': 1, 'n': 0}");
    cutter_cut_answers(cutter, "findAndModify", 1);
    ck_fails(wd_docs_find_and_update(docs, "stuff", J(&c, "{'_id': 1}"), J(&c, "{'$inc': {'n': 1}}"),
                                     WD_UPDATE_RETURN_NEW, NULL, &doc, &found, &err),
             WD_DATABASE);
    ck_assert_str_eq(shown(&c, "stuff", 1), "{ '_id' : 1, 'n' : 1 }");
    bson_destroy(&doc);
    end();
}
END_TEST

/* "Nothing matched" would say that somebody else was faster; it was the lost attempt itself. */
START_TEST(a_repeat_never_tells_a_false_loss)
{
    struct wd_docs_updated done;

    begin();
    put(&c, "stuff", "{'_id': 1, 'state': 'free'}");
    cutter_cut_answers(cutter, "update", 1);
    ck_fails(wd_docs_update(docs, "stuff", J(&c, "{'_id': 1, 'state': 'free'}"), J(&c, "{'$set': {'state': 'mine'}}"),
                            0, &done, &err),
             WD_DATABASE);
    ck_assert_str_eq(shown(&c, "stuff", 1), "{ '_id' : 1, 'state' : 'mine' }");
    cutter_cut_answers(cutter, "delete", 1);
    ck_fails(wd_docs_remove_one(docs, "stuff", J(&c, "{'_id': 1}"), NULL, &err), WD_DATABASE);
    ck_assert_int_eq(count(&c, "stuff", "{}"), 0);
    end();
}
END_TEST

START_TEST(a_removal_of_any_one_takes_one)
{
    begin();
    put(&c, "stuff", "{'_id': 1, 'a': 1}");
    put(&c, "stuff", "{'_id': 2, 'a': 1}");
    cutter_cut_answers(cutter, "delete", 1);
    ck_fails(wd_docs_remove_one(docs, "stuff", J(&c, "{'a': 1}"), NULL, &err), WD_DATABASE);
    ck_assert_int_eq(count(&c, "stuff", "{}"), 1);
    end();
}
END_TEST

START_TEST(a_server_that_stays_away_is_told_in_time)
{
    int64_t start;

    begin();
    cutter_cut_answers(cutter, "find", 1000);
    start = wd_mono_ms();
    ck_fails(wd_docs_count(docs, "nowhere", J(&c, "{}"), &(int64_t){ 0 }, &err), WD_INVALID);
    {
        bson_t doc = BSON_INITIALIZER;
        bool found;
        ck_fails(wd_docs_find_one(docs, "stuff", J(&c, "{}"), NULL, &doc, &found, &err), WD_DATABASE);
        bson_destroy(&doc);
    }
    ck_assert_int_lt(wd_mono_ms() - start, 11000);
    ck_assert_msg(strstr(err.text, "find in stuff") != NULL, "%s", err.text);
    cutter_cut_answers(cutter, "find", 0);
    end();
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
    t = tcase_create("mongo_cut");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_insert_is_done_once);
    tcase_add_test(t, an_insert_of_many_is_done_once);
    tcase_add_test(t, a_document_of_somebody_else_is_still_a_duplicate);
    tcase_add_test(t, reads_and_harmless_writes_are_repeated);
    tcase_add_test(t, what_would_count_twice_is_not_repeated);
    tcase_add_test(t, a_repeat_never_tells_a_false_loss);
    tcase_add_test(t, a_removal_of_any_one_takes_one);
    tcase_add_test(t, a_server_that_stays_away_is_told_in_time);
    return run_case("mongo_cut", t);
}
