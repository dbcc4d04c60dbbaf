/* What every docs driver does. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

static struct contract c;

/* ---- reading and writing one document ---- */

START_TEST(what_is_inserted_is_found_again)
{
    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'm': 1, 'u': 5, 'f': ['p', 'q'], 'bulk': {'a': [1, {'b': 'c'}]}, 'big': 'text'}");
    ck_assert_str_eq(shown(&c, "things", 1), "{ '_id' : 1, 'm' : 1, 'u' : 5, 'f' : [ 'p', 'q' ], 'bulk' : { 'a' : "
                                             "[ 1, { 'b' : 'c' } ] }, 'big' : 'text' }");
    ck_assert_str_eq(shown(&c, "things", 2), "");
    contract_end(&c);
}
END_TEST

START_TEST(a_second_id_is_a_duplicate)
{
    struct wd_error err;

    contract_begin(&c, _i);
    put(&c, "stuff", "{'_id': 1}");
    ck_fails(wd_docs_insert(c.docs, "stuff", J(&c, "{'_id': 1, 'a': 2}"), &err), WD_DUPLICATE);
    ck_assert(strstr(err.text, "_id_") != NULL);
    ck_assert_str_eq(shown(&c, "stuff", 1), "{ '_id' : 1 }");
    contract_end(&c);
}
END_TEST

START_TEST(a_unique_index_holds_and_is_named)
{
    struct wd_error err;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'x': 'a', 'y': 1}");
    put(&c, "things", "{'_id': 2, 'x': 'a', 'y': 2}");
    put(&c, "things", "{'_id': 3, 'x': 'b'}");
    ck_fails(wd_docs_insert(c.docs, "things", J(&c, "{'_id': 4, 'x': 'a', 'y': 2}"), &err), WD_DUPLICATE);
    ck_assert(strstr(err.text, "x_unique") != NULL);
    /* null and missing are one value */
    ck_fails(wd_docs_insert(c.docs, "things", J(&c, "{'_id': 5, 'x': 'b', 'y': null}"), &err), WD_DUPLICATE);
    ck_fails(wd_docs_update(c.docs, "things", J(&c, "{'_id': 1}"), J(&c, "{'$set': {'y': 2}}"), 0, NULL, &err),
             WD_DUPLICATE);
    ck_fails(wd_docs_update(c.docs, "things", J(&c, "{'_id': 1}"), J(&c, "{'$set': {'x': 'b'}, '$unset': {'y': 1}}"),
                            0, NULL, &err),
             WD_DUPLICATE);
    ck_assert_str_eq(ids(&c, "things", "{'x': 'a', 'y': 2}", NULL), "2");
    ck_assert_int_eq(count(&c, "things", "{}"), 3);
    contract_end(&c);
}
END_TEST

START_TEST(a_unique_index_holds_in_find_and_update)
{
    bson_t doc = BSON_INITIALIZER;
    struct wd_error err;
    bool found;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'x': 'a', 'y': 1}");
    put(&c, "things", "{'_id': 2, 'x': 'a', 'y': 2}");
    ck_fails(wd_docs_find_and_update(c.docs, "things", J(&c, "{'_id': 1}"), J(&c, "{'$set': {'y': 2}}"), 0, NULL, &doc,
                                     &found, &err),
             WD_DUPLICATE);
    ck_fails(wd_docs_find_and_update(c.docs, "things", J(&c, "{'_id': 3}"), J(&c, "{'$set': {'x': 'a', 'y': 1}}"),
                                     WD_UPDATE_UPSERT, NULL, &doc, &found, &err),
             WD_DUPLICATE);
    ck_assert(bson_empty(&doc));
    ck_assert_str_eq(ids(&c, "things", "{}", "{'y': 1}"), "1 2");
    bson_destroy(&doc);
    contract_end(&c);
}
END_TEST

START_TEST(insert_many_keeps_those_before_a_duplicate)
{
    struct wd_error err;
    const bson_t *docs[3];

    contract_begin(&c, _i);
    docs[0] = J(&c, "{'_id': 1}");
    docs[1] = J(&c, "{'_id': 1}");
    docs[2] = J(&c, "{'_id': 2}");
    ck_fails(wd_docs_insert_many(c.docs, "stuff", docs, 3, &err), WD_DUPLICATE);
    ck_assert_str_eq(ids(&c, "stuff", "{}", "{'_id': 1}"), "1");
    contract_end(&c);
}
END_TEST

/* ---- filters: the same rows through indexes and without them ---- */

static const char *const rows[] = {
    "{'_id': 1, 'm': 1, 'u': 1, 'f': ['a', 'b'], 'b': true, 'h': [{'k': 's', 'v': 'hello world'}], 'd': {'x': 1}, "
      "'x': 1}",
    "{'_id': 2, 'm': 1, 'u': 2, 'f': [], 'b': false, 'h': [{'k': 's', 'v': 'other'}, {'k': 'to', 'v': 'hello'}], "
      "'x': 2}",
    "{'_id': 3, 'm': 1, 'u': 3, 'f': ['b'], 'a': 'text', 'd': {'x': 'str'}, 'x': 3}",
    "{'_id': 4, 'm': 1, 'u': null, 'a': null, 'd': 5, 'x': 4}",
    "{'_id': 5, 'm': 2, 'u': 2.5, 'f': 'a', 'a': 7, 'x': 5}",
    "{'_id': 6, 'm': {'$oid': '0123456789abcdef01234567'}, 'u': {'$date': '2020-01-01T00:00:00Z'}, 'x': 6}",
    "{'_id': 7, 'm': 1, 'u': {'$numberLong': '9007199254740993'}, 'a': true, 'x': 7}",
};

static const struct {
    const char *filter, *sort, *ids;
} finds[] = {
    { "{}", "{'_id': 1}", "1 2 3 4 5 6 7" },
    { "{'m': 1}", "{'u': 1, '_id': 1}", "4 1 2 3 7" },
    { "{'m': 1}", "{'u': -1, '_id': 1}", "7 3 2 1 4" },
    { "{'m': 1, 'u': {'$gt': 1}}", "{'u': 1}", "2 3 7" },
    { "{'m': 1, 'u': {'$gte': 1, '$lt': 3}}", "{'u': 1}", "1 2" },
    { "{'u': {'$gt': 2}}", "{'_id': 1}", "3 5 7" }, /* not the date */
    { "{'u': {'$lt': {'$date': '2021-01-01T00:00:00Z'}}}", NULL, "6" },
    { "{'u': {'$gt': 9007199254740992.0}}", NULL, "7" },
    { "{'u': {'$lte': 9007199254740992.0, '$gt': 5}}", NULL, "" },
    { "{'u': 2.0}", NULL, "2" },
    { "{'u': null}", NULL, "4" },
    { "{'a': null}", "{'_id': 1}", "1 2 4 6" },
    { "{'a': {'$exists': true}}", "{'_id': 1}", "3 4 5 7" },
    { "{'a': {'$exists': false}}", "{'_id': 1}", "1 2 6" },
    { "{'a': {'$ne': null}}", "{'_id': 1}", "3 5 7" },
    { "{'a': {'$ne': 7}}", "{'_id': 1}", "1 2 3 4 6 7" },
    { "{'a': {'$in': [7, 'text']}}", "{'_id': 1}", "3 5" },
    { "{'a': {'$in': [7, null]}}", "{'_id': 1}", "1 2 4 5 6" },
    { "{'a': {'$nin': [7, 'text']}}", "{'_id': 1}", "1 2 4 6 7" },
    { "{'a': {'$nin': [7, null]}}", "{'_id': 1}", "3 7" },
    { "{'a': {'$not': {'$gt': 5}}}", "{'_id': 1}", "1 2 3 4 6 7" },
    { "{'a': {'$regex': '^T.x', '$options': 'i'}}", NULL, "3" },
    { "{'a': {'$regex': 'tex$'}}", NULL, "" },
    { "{'f': 'a'}", "{'_id': 1}", "1 5" },
    { "{'m': 1, 'f': 'b'}", "{'_id': 1}", "1 3" },
    { "{'m': 1, 'f': {'$ne': 'b'}}", "{'_id': 1}", "2 4 7" },
    { "{'m': 1, 'f': {'$nin': ['a', 'z']}}", "{'_id': 1}", "2 3 4 7" },
    { "{'f': {'$in': ['b', 'z']}}", "{'_id': 1}", "1 3" },
    { "{'f': {'$exists': true}}", "{'_id': 1}", "1 2 3 5" },
    { "{'f': null}", "{'_id': 1}", "4 6 7" },
    { "{'f': ['b']}", NULL, "3" },
    { "{'f': []}", NULL, "2" },
    { "{'h': {'$elemMatch': {'k': 's', 'v': {'$regex': 'hel'}}}}", NULL, "1" },
    { "{'m': 1, 'h': {'$elemMatch': {'k': 'to', 'v': 'hello'}}}", NULL, "2" },
    { "{'h.k': 's', 'h.v': 'hello'}", NULL, "2" },
    { "{'h.k': 's'}", "{'_id': 1}", "1 2" },
    { "{'h.0.k': 's'}", "{'_id': 1}", "1 2" },
    { "{'d.x': 1}", NULL, "1" },
    { "{'d.x': 'str'}", NULL, "3" },
    { "{'d.x': null}", "{'_id': 1}", "2 4 5 6 7" },
    { "{'d.x': {'$exists': true}}", "{'_id': 1}", "1 3" },
    { "{'m': 1, 'b': true}", NULL, "1" },
    { "{'b': {'$ne': true}}", "{'_id': 1}", "2 3 4 5 6 7" },
    { "{'m': {'$oid': '0123456789abcdef01234567'}}", NULL, "6" },
    { "{'$or': [{'u': 1}, {'a': 7}, {'f': 'b'}]}", "{'_id': 1}", "1 3 5" },
    { "{'$or': [{'u': 1}, {'bulk': 7}]}", "{'_id': 1}", "1" },
    { "{'$nor': [{'m': 1}, {'u': 2.5}]}", NULL, "6" },
    { "{'$and': [{'m': 1}, {'$or': [{'u': 1}, {'u': 3}]}]}", "{'_id': 1}", "1 3" },
    { "{'_id': {'$in': [7, 3, 99]}}", "{'_id': -1}", "7 3" },
    { "{'_id': {'$in': [1, 2, 3, 4, 5, 6, 99]}, 'm': 1}", "{'_id': -1}", "4 3 2 1" },
    { "{'_id': {'$gt': 3, '$lte': 5}}", "{'_id': 1}", "4 5" },
    { "{'m': {'$in': []}}", NULL, "" },
};

START_TEST(filters_find_what_they_say)
{
    int driver = _i / (int)WD_COUNT(finds), row = _i % (int)WD_COUNT(finds);

    contract_begin(&c, driver);
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        put(&c, "things", rows[i]);
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        put(&c, "stuff", rows[i]);
    for (size_t i = 0; i < 2; i++) {
        const char *coll = i ? "stuff" : "things", *got = ids(&c, coll, finds[row].filter, finds[row].sort);
        ck_assert_msg(strcmp(got, finds[row].ids) == 0, "%s in %s: %s", finds[row].filter, coll, got);
    }
    ck_assert_int_eq(count(&c, "things", finds[row].filter), count(&c, "stuff", finds[row].filter));
    contract_end(&c);
}
END_TEST

START_TEST(thousands_of_values_in_one_list)
{
    struct wd_buf list wd_auto(wd_buf_done) = { 0 };

    contract_begin(&c, _i);
    wd_buf_c(&list, "{'m': 1, 'u': {'$in': [0");
    for (int i = 1; i < 5000; i++) {
        wd_buf_printf(&list, ", %d", i * 2);
        if (i % 10 == 0) {
            struct wd_error err;
            ck_ok(wd_docs_insert(c.docs, "things", JF(&c, "{'_id': %d, 'm': 1, 'u': %d, 'x': %d}", i, i, i), &err));
        }
    }
    wd_buf_c(&list, "]}}");
    wd_buf_chr(&list, '\0');
    ck_assert_int_eq(count(&c, "things", list.p), 499);
    contract_end(&c);
}
END_TEST

START_TEST(skip_and_limit_follow_the_sort)
{
    struct wd_docs_query q = { .skip = 1, .limit = 2 };
    struct wd_docs_cursor *cursor;
    struct wd_error err;
    const bson_t *doc;
    static const char *const sorts[] = { "{'u': -1, '_id': 1}", "{'d.x': 1, 'bulk': 1, '_id': 1}" };
    static const int64_t want[][2] = { { 3, 2 }, { 2, 3 } };

    contract_begin(&c, _i);
    for (int i = 1; i <= 5; i++)
        ck_ok(wd_docs_insert(c.docs, "things", JF(&c, "{'_id': %d, 'm': 1, 'u': %d, 'x': %d}", i, i == 5 ? 0 : i, i),
                             &err));
    for (size_t s = 0; s < WD_COUNT(sorts); s++) {
        q.sort = J(&c, sorts[s]);
        ck_ok(wd_docs_find(c.docs, "things", J(&c, "{'m': 1}"), &q, &cursor, &err));
        for (size_t i = 0; i < 2; i++) {
            bson_iter_t it;
            ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
            ck_assert(doc && bson_iter_init_find(&it, doc, "_id"));
            ck_assert_int_eq(bson_iter_as_int64(&it), want[s][i]);
        }
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
        ck_assert_ptr_null(doc);
        wd_docs_cursor_free(cursor);
    }
    contract_end(&c);
}
END_TEST

static const struct {
    const char *projection, *json;
} projections[] = {
    { "{'u': 1}", "{ '_id' : 1, 'u' : 2 }" },
    { "{'u': 1, 'a': 1}", "{ '_id' : 1, 'u' : 2, 'a' : null }" },
    { "{'m': 1, 'nothing': 1}", "{ '_id' : 1, 'm' : 1 }" },
    { "{'f': 1}", "{ '_id' : 1, 'f' : [ 'p' ] }" },
    { "{'bulk.a': 1}", "{ '_id' : 1, 'bulk' : { 'a' : 1 } }" },
    { "{'list.k': 1}", "{ '_id' : 1, 'list' : [ { 'k' : 1 }, { 'k' : 3 } ] }" },
    { "{'d.x': 1}", "{ '_id' : 1 }" },
    { "{'b': 1}", "{ '_id' : 1, 'b' : true }" },
};

START_TEST(projections_show_what_they_name)
{
    int driver = _i / (int)WD_COUNT(projections), row = _i % (int)WD_COUNT(projections);
    struct wd_docs_query q = { 0 };
    bson_t doc = BSON_INITIALIZER;
    struct wd_error err;
    char *json;
    bool found;

    contract_begin(&c, driver);
    put(&c, "things", "{'_id': 1, 'm': 1, 'u': 2, 'a': null, 'b': true, 'f': ['p'], 'bulk': {'a': 1, 'b': 2}, "
                      "'list': [{'k': 1, 'v': 2}, 5, {'k': 3}]}");
    q.projection = J(&c, projections[row].projection);
    ck_ok(wd_docs_find_one(c.docs, "things", J(&c, "{'_id': 1}"), &q, &doc, &found, &err));
    ck_assert(found);
    json = bson_as_relaxed_extended_json(&doc, NULL);
    for (char *p = json; *p; p++)
        if (*p == '"')
            *p = '\'';
    ck_assert_str_eq(json, projections[row].json);
    bson_free(json);
    bson_destroy(&doc);
    contract_end(&c);
}
END_TEST

START_TEST(a_dotted_projection_keeps_the_shape_even_when_an_index_has_the_value)
{
    struct wd_docs_query q = { 0 };
    bson_t *doc = bson_new(); /* on the heap: a caller may have it there */
    struct wd_error err;
    char *json;
    bool found;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 2, 'm': 1, 'd': {'x': 7, 'y': 8}}");
    q.projection = J(&c, "{'d.x': 1}");
    ck_ok(wd_docs_find_one(c.docs, "things", J(&c, "{'_id': 2}"), &q, doc, &found, &err));
    ck_assert(found);
    json = bson_as_relaxed_extended_json(doc, NULL);
    ck_assert_str_eq(json, "{ \"_id\" : 2, \"d\" : { \"x\" : 7 } }");
    bson_free(json);
    bson_destroy(doc);
    contract_end(&c);
}
END_TEST

/* ---- updates ---- */

static const struct {
    const char *before, *update, *after; /* without _id */
} updates[] = {
    { "'n': 1, 'z': 1", "{'$inc': {'n': 2}, '$set': {'k': 'v'}}", "'n' : 3, 'z' : 1, 'k' : 'v'" },
    { "'n': 2147483647", "{'$inc': {'n': 1}}", "'n' : 2147483648" },
    { "'z': {'a': 1}", "{'$set': {'z.b.c': 2}, '$unset': {'z.a': 1}}", "'z' : { 'b' : { 'c' : 2 } }" },
    { "'z': [1, 2]", "{'$set': {'z.1': 5}}", "'z' : [ 1, 5 ]" },
    { "'f': ['a']", "{'$addToSet': {'f': {'$each': ['a', 'b', 'b']}}}", "'f' : [ 'a', 'b' ]" },
    { "'f': ['a', 'b', 'a']", "{'$pull': {'f': 'a'}}", "'f' : [ 'b' ]" },
    { "'f': ['a', 'b', 'c']", "{'$pull': {'f': {'$in': ['a', 'c']}}}", "'f' : [ 'b' ]" },
    { "'z': [{'id': 1}, {'id': 2}]", "{'$pull': {'z': {'id': 1}}}", "'z' : [ { 'id' : 2 } ]" },
    { "'z': []", "{'$push': {'z': {'a': 1}}}", "'z' : [ { 'a' : 1 } ]" },
    { "'n': 5", "{'$max': {'n': 3}, '$min': {'u': 2}}", "'n' : 5, 'u' : 2" },
    { "'n': 5", "{'$max': {'n': 9}}", "'n' : 9" },
    { "'n': 5", "{'$unset': {'n': 1, 'gone': 1}}", "" },
    { "'n': 5", "{'$setOnInsert': {'n': 6}}", "'n' : 5" },
};

START_TEST(updates_change_what_they_say)
{
    int driver = _i / (int)WD_COUNT(updates), row = _i % (int)WD_COUNT(updates);
    struct wd_docs_updated done;
    struct wd_error err;
    char want[256];

    contract_begin(&c, driver);
    ck_ok(wd_docs_insert(c.docs, "things", JF(&c, "{'_id': 1, %s}", updates[row].before), &err));
    ck_ok(wd_docs_update(c.docs, "things", J(&c, "{'_id': 1}"), J(&c, updates[row].update), 0, &done, &err));
    snprintf(want, sizeof want, "{ '_id' : 1%s%s }", *updates[row].after ? ", " : "", updates[row].after);
    ck_assert_str_eq(shown(&c, "things", 1), want);
    ck_assert_int_eq(done.matched, 1);
    ck_assert_int_eq(done.modified, strcmp(updates[row].update, "{'$setOnInsert': {'n': 6}}") != 0);
    contract_end(&c);
}
END_TEST

START_TEST(indexes_follow_updates_and_removals)
{
    struct wd_error err;
    int64_t removed;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'm': 1, 'u': 1, 'f': ['a'], 'b': true, 'h': [{'k': 'x', 'v': '1'}], 'x': 1}");
    put(&c, "things", "{'_id': 2, 'm': 1, 'u': 2, 'f': ['a'], 'h': [{'k': 'x', 'v': '1'}], 'x': 2}");
    ck_ok(wd_docs_update(c.docs, "things", J(&c, "{'_id': 1}"), J(&c, "{'$set': {'m': 2, 'b': false, 'f': ['z']}}"), 0,
                         NULL, &err));
    ck_assert_str_eq(ids(&c, "things", "{'m': 1}", NULL), "2");
    ck_assert_str_eq(ids(&c, "things", "{'m': 2, 'h': {'$elemMatch': {'k': 'x', 'v': '1'}}}", NULL), "1");
    ck_assert_str_eq(ids(&c, "things", "{'m': 1, 'h.k': 'x'}", NULL), "2");
    ck_assert_str_eq(ids(&c, "things", "{'f': 'a'}", NULL), "2");
    ck_assert_str_eq(ids(&c, "things", "{'f': 'z'}", NULL), "1");
    ck_assert_int_eq(count(&c, "things", "{'m': 2, 'b': true}"), 0);
    ck_ok(wd_docs_remove_many(c.docs, "things", J(&c, "{'f': 'z'}"), &removed, &err));
    ck_assert_int_eq(removed, 1);
    ck_assert_int_eq(count(&c, "things", "{'f': 'z'}"), 0);
    ck_assert_int_eq(count(&c, "things", "{'h.k': 'x'}"), 1);
    contract_end(&c);
}
END_TEST

START_TEST(update_many_changes_all_and_counts)
{
    struct wd_docs_updated done;
    struct wd_error err;

    contract_begin(&c, _i);
    for (int i = 1; i <= 6; i++)
        ck_ok(wd_docs_insert(c.docs, "things", JF(&c, "{'_id': %d, 'm': %d, 'u': %d, 'x': %d}", i, i % 2, i, i), &err));
    ck_ok(wd_docs_update(c.docs, "things", J(&c, "{'m': 1, 'u': {'$gt': 0}}"),
                         J(&c, "{'$inc': {'u': 10}, '$addToSet': {'f': 'q'}}"), WD_UPDATE_MANY, &done, &err));
    ck_assert_int_eq(done.matched, 3);
    ck_assert_int_eq(done.modified, 3);
    ck_assert_str_eq(ids(&c, "things", "{'m': 1, 'f': 'q'}", "{'u': 1}"), "1 3 5");
    ck_assert_str_eq(ids(&c, "things", "{'u': {'$gt': 10}}", "{'u': -1}"), "5 3 1");
    contract_end(&c);
}
END_TEST

START_TEST(upsert_starts_from_the_equalities)
{
    struct wd_docs_updated done;
    struct wd_error err;

    contract_begin(&c, _i);
    for (int i = 0; i < 2; i++) {
        ck_ok(wd_docs_update(c.docs, "things", J(&c, "{'_id': 9, 'm': 1, 'u': {'$eq': 4}, 'a': {'$ne': 5}}"),
                             J(&c, "{'$inc': {'n': 1}, '$setOnInsert': {'z': true}}"), WD_UPDATE_UPSERT, &done, &err));
        ck_assert_int_eq(done.upserted, i == 0);
        ck_assert_int_eq(done.matched, i);
    }
    ck_assert_str_eq(ids(&c, "things", "{'m': 1, 'u': 4, 'n': 2, 'z': true}", NULL), "9");
    /* without an _id in the filter one is made */
    ck_ok(wd_docs_update(c.docs, "stuff", J(&c, "{'key': 'a'}"), J(&c, "{'$set': {'v': 1}}"), WD_UPDATE_UPSERT, &done,
                         &err));
    ck_assert_int_eq(count(&c, "stuff", "{'key': 'a', '_id': {'$exists': true}}"), 1);
    contract_end(&c);
}
END_TEST

START_TEST(find_and_update_returns_before_or_after)
{
    struct wd_docs_query q = { 0 };
    bson_t doc = BSON_INITIALIZER;
    struct wd_error err;
    bson_iter_t it;
    bool found;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'm': 1, 'u': 1, 'n': 1, 'bulk': 7, 'x': 1}");
    put(&c, "things", "{'_id': 2, 'm': 1, 'u': 2, 'n': 1, 'bulk': 7, 'x': 2}");
    q.sort = J(&c, "{'u': -1}");
    ck_ok(wd_docs_find_and_update(c.docs, "things", J(&c, "{'m': 1}"), J(&c, "{'$inc': {'n': 1}}"), 0, &q, &doc, &found,
                                  &err));
    ck_assert(found && bson_iter_init_find(&it, &doc, "n") && bson_iter_as_int64(&it) == 1);
    ck_assert(bson_iter_init_find(&it, &doc, "_id") && bson_iter_as_int64(&it) == 2);
    ck_assert(bson_has_field(&doc, "bulk"));
    bson_destroy(&doc);
    bson_init(&doc);
    q.projection = J(&c, "{'n': 1}");
    ck_ok(wd_docs_find_and_update(c.docs, "things", J(&c, "{'_id': 2}"), J(&c, "{'$inc': {'n': 1}}"),
                                  WD_UPDATE_RETURN_NEW, &q, &doc, &found, &err));
    ck_assert(found && bson_iter_init_find(&it, &doc, "n") && bson_iter_as_int64(&it) == 3);
    ck_assert(!bson_has_field(&doc, "bulk"));
    bson_destroy(&doc);
    bson_init(&doc);
    ck_ok(wd_docs_find_and_update(c.docs, "things", J(&c, "{'_id': 77}"), J(&c, "{'$inc': {'n': 1}}"), 0, NULL, &doc,
                                  &found, &err));
    ck_assert(!found);
    ck_ok(wd_docs_find_and_update(c.docs, "things", J(&c, "{'_id': 77}"), J(&c, "{'$inc': {'n': 1}}"),
                                  WD_UPDATE_UPSERT | WD_UPDATE_RETURN_NEW, NULL, &doc, &found, &err));
    ck_assert(found && bson_iter_init_find(&it, &doc, "n") && bson_iter_as_int64(&it) == 1);
    bson_destroy(&doc);
    contract_end(&c);
}
END_TEST

START_TEST(what_is_outside_of_the_subset_is_refused)
{
    static const char *const filters[] = { "{'u': {'$size': 1}}", "{'$where': 'x'}", "{'u': {'$regex': '(a'}}",
                                           "{'$text': {'$search': 'x'}}", "{'$and': 1}" };
    static const char *const bad[] = { "{'$rename': {'a': 'b'}}", "{'a': 1}", "{'$set': {'_id': 7}}",
                                       "{'$inc': {'m': 'x'}}", "{'$set': {'n': 1}, '$inc': {'n': 1}}" };
    struct wd_error err;
    int64_t n;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'm': 1, 'u': 1}");
    for (size_t i = 0; i < WD_COUNT(filters); i++)
        ck_fails(wd_docs_count(c.docs, "things", J(&c, filters[i]), &n, &err), WD_INVALID);
    for (size_t i = 0; i < WD_COUNT(bad); i++)
        ck_fails(wd_docs_update(c.docs, "things", J(&c, "{'_id': 1}"), J(&c, bad[i]), 0, NULL, &err), WD_INVALID);
    ck_fails(wd_docs_count(c.docs, "nowhere", J(&c, "{}"), &n, &err), WD_INVALID);
    ck_assert_str_eq(shown(&c, "things", 1), "{ '_id' : 1, 'm' : 1, 'u' : 1 }");
    contract_end(&c);
}
END_TEST

START_TEST(ttl_indexes_expire)
{
    struct wd_error err;
    int64_t removed;

    contract_begin(&c, _i);
    if (!c.driver->expires) {
        contract_end(&c);
        return;
    }
    put(&c, "things", "{'_id': 1, 'expires': {'$date': '2020-01-01T00:00:00Z'}, 'f': ['a'], 'x': 1}");
    put(&c, "things", "{'_id': 2, 'expires': {'$date': '2120-01-01T00:00:00Z'}, 'x': 2}");
    put(&c, "things", "{'_id': 3, 'expires': 5, 'x': 3}");
    put(&c, "things", "{'_id': 4, 'x': 4}");
    ck_ok(wd_docs_expire(c.docs, &removed, &err));
    ck_assert_int_eq(removed, 1);
    ck_assert_str_eq(ids(&c, "things", "{}", "{'_id': 1}"), "2 3 4");
    contract_end(&c);
}
END_TEST

/* ---- text ---- */

static const struct {
    const char *search, *ids;
    bool corner;
} searches[] = {
    { "apple", "1 2", false },
    { "Äpfel", "3", false },
    { "apfel", "3", true },
    { "apple banana", "1 2 3", false },
    { "\\\"red apple\\\"", "1", false },
    { "apple -red", "2", false },
    { "-apple", "", true },
    { "", "", false },
    { "fromheader", "2", false },
    { "\\\"red apple\\\" \\\"green pear\\\"", "", false },
    { "pear", "1", false },
    { "!!!", "", false },
    { "nothing", "", false },
    { "APPLE", "1 2", false },
    { "apple AND OR NOT NEAR(", "1 2", true },
    { "hidden", "", false },
};

START_TEST(text_is_searched_by_words)
{
    int driver = _i / (int)WD_COUNT(searches), row = _i % (int)WD_COUNT(searches);
    char filter[256];

    contract_begin(&c, driver);
    if (searches[row].corner && !c.driver->searches_exactly) {
        contract_end(&c);
        return;
    }
    put(&c, "words", "{'_id': 1, 'user': 'u1', 'searchable': true, 't': 'a red apple and a pear'}");
    put(&c, "words", "{'_id': 2, 'user': 'u1', 'searchable': true, 't': 'apple', 'h': [{'v': 'fromheader'}, {'v': "
      "'x'}]}");
    put(&c, "words", "{'_id': 3, 'user': 'u1', 'searchable': true, 't': 'Äpfel banana'}");
    put(&c, "words", "{'_id': 4, 'user': 'u2', 'searchable': true, 't': 'red apple pear'}");
    put(&c, "words", "{'_id': 5, 'user': 'u1', 't': 'hidden apple'}");
    snprintf(filter, sizeof filter, "{'user': 'u1', 'searchable': true, '$text': {'$search': '%s'}}",
             searches[row].search);
    ck_assert_str_eq(ids(&c, "words", filter, "{'_id': 1}"), searches[row].ids);
    contract_end(&c);
}
END_TEST

START_TEST(text_follows_updates_and_removals)
{
    static const char all[] = "{'user': 'u', 'searchable': true, '$text': {'$search': 'alpha beta'}}";
    struct wd_error err;

    contract_begin(&c, _i);
    put(&c, "words", "{'_id': 1, 'user': 'u', 'searchable': true, 't': 'alpha'}");
    put(&c, "words", "{'_id': 2, 'user': 'u', 'searchable': true, 't': 'alpha'}");
    put(&c, "words", "{'_id': 3, 'user': 'u', 't': 'alpha'}");
    ck_ok(wd_docs_update(c.docs, "words", J(&c, "{'_id': 1}"), J(&c, "{'$unset': {'searchable': "
      "true}}"), 0, NULL, &err));
    ck_assert_str_eq(ids(&c, "words", all, "{'_id': 1}"), "2");
    ck_ok(wd_docs_update(c.docs, "words", J(&c, "{}"), J(&c, "{'$set': {'searchable': true}}"), WD_UPDATE_MANY, NULL,
                         &err));
    ck_assert_str_eq(ids(&c, "words", all, "{'_id': 1}"), "1 2 3");
    ck_ok(wd_docs_update(c.docs, "words", J(&c, "{'_id': 2}"), J(&c, "{'$set': {'t': 'gamma'}}"), 0, NULL, &err));
    ck_ok(wd_docs_remove_one(c.docs, "words", J(&c, "{'_id': 3}"), NULL, &err));
    ck_assert_str_eq(ids(&c, "words", all, "{'_id': 1}"), "1");
    contract_end(&c);
}
END_TEST

/* ---- batches ---- */

START_TEST(a_batch_sees_its_writes_and_is_all_or_nothing)
{
    struct wd_docs *batch;
    struct wd_error err;
    int64_t n;

    contract_begin(&c, _i);
    ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
    ck_ok(wd_docs_insert(batch, "things", J(&c, "{'_id': 1, 'm': 1, 'f': ['a'], 'bulk': 1}"), &err));
    ck_ok(wd_docs_count(batch, "things", J(&c, "{'f': 'a'}"), &n, &err));
    ck_assert_int_eq(n, 1);
    if (wd_docs_is_atomic(c.docs)) {
        ck_assert_int_eq(count(&c, "things", "{}"), 0);
        wd_docs_batch_abort(batch);
        ck_assert_int_eq(count(&c, "things", "{}"), 0);
        ck_assert_int_eq(count(&c, "things", "{'f': 'a'}"), 0);
        ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
        ck_ok(wd_docs_insert(batch, "things", J(&c, "{'_id': 1, 'm': 1, 'f': ['a'], 'bulk': 1}"), &err));
    }
    ck_ok(wd_docs_batch_commit(batch, &err));
    ck_assert_int_eq(count(&c, "things", "{'f': 'a'}"), 1);
    contract_end(&c);
}
END_TEST

START_TEST(a_duplicate_leaves_the_batch_usable)
{
    struct wd_docs *batch;
    struct wd_error err;

    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'x': 1}");
    ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
    ck_ok(wd_docs_insert(batch, "things", J(&c, "{'_id': 2, 'x': 2}"), &err));
    ck_fails(wd_docs_insert(batch, "things", J(&c, "{'_id': 3, 'x': 1}"), &err), WD_DUPLICATE);
    ck_ok(wd_docs_insert(batch, "things", J(&c, "{'_id': 4, 'x': 4}"), &err));
    ck_ok(wd_docs_batch_commit(batch, &err));
    ck_assert_str_eq(ids(&c, "things", "{}", "{'_id': 1}"), "1 2 4");
    contract_end(&c);
}
END_TEST

START_TEST(a_cursor_shows_one_moment)
{
    struct wd_docs_cursor *cursor;
    struct wd_error err;
    const bson_t *doc;
    int n = 0;

    contract_begin(&c, _i);
    for (int i = 0; i < 500; i++)
        ck_ok(wd_docs_insert(c.docs, "things", JF(&c, "{'_id': %d, 'm': 1, 'u': %d, 'x': %d, 'bulk': 1}",
          i, i, i), &err));
    ck_ok(wd_docs_find(c.docs, "things", J(&c, "{'m': 1}"), NULL, &cursor, &err));
    ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
    for (; doc; n++) {
        ck_assert(bson_has_field(doc, "bulk"));
        if (n == 10 && wd_docs_is_atomic(c.docs))
            ck_ok(wd_docs_remove_many(c.docs, "things", J(&c, "{'u': {'$gt': 100}}"), NULL, &err));
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
    }
    wd_docs_cursor_free(cursor);
    ck_assert_int_eq(n, 500);
    contract_end(&c);
}
END_TEST

START_TEST(everything_is_there_after_a_restart)
{
    contract_begin(&c, _i);
    put(&c, "things", "{'_id': 1, 'm': 1, 'u': 2, 'f': ['a'], 'a': ['odd', 'array'], 'bulk': {'z': 1}}");
    put(&c, "words", "{'_id': 1, 'user': 'u', 'searchable': true, 't': 'alpha'}");
    contract_close(&c);
    contract_open(&c);
    ck_assert_str_eq(ids(&c, "things", "{'m': 1, 'f': 'a'}", NULL), "1");
    ck_assert_str_eq(ids(&c, "things", "{'a': 'array'}", NULL), "1");
    ck_assert_str_eq(ids(&c, "words", "{'user': 'u', 'searchable': true, '$text': {'$search': 'alpha'}}", NULL), "1");
    contract_end(&c);
}
END_TEST

/* ---- declarations that change ---- */

static const struct wd_docs_index old_indexes[] = {
    { "n", "n 1", 0, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_index new_indexes[] = {
    { "n", "n -1, k 1", 0, NULL, -1 },
    { "tags", "tags 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "text", "n 1, t text", WD_INDEX_TEXT, NULL, -1 },
    { "k_unique", "k 1", WD_INDEX_UNIQUE, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection old_grown = { "grown", WD_DB_MAIN, old_indexes, NULL };
static const struct wd_docs_collection new_grown = { "grown", WD_DB_MAIN, new_indexes, "n k" };
static const struct wd_docs_collection *const old_schema[] = { &old_grown, NULL };
static const struct wd_docs_collection *const new_schema[] = { &new_grown, NULL };

START_TEST(new_declarations_take_up_old_documents)
{
    struct wd_error err;

    contract_begin(&c, _i);
    if (!c.driver->redeclares) {
        contract_end(&c);
        return;
    }
    ck_ok(wd_docs_ensure(c.docs, old_schema, &err));
    put(&c, "grown", "{'_id': 1, 'n': 1, 'k': 'a', 'tags': ['x', 'y'], 't': 'some words'}");
    put(&c, "grown", "{'_id': 2, 'n': 2, 'k': 'b', 'tags': ['y'], 't': 'others'}");
    ck_ok(wd_docs_ensure(c.docs, new_schema, &err));
    ck_assert_str_eq(ids(&c, "grown", "{'tags': 'y'}", "{'n': -1}"), "2 1");
    ck_assert_str_eq(ids(&c, "grown", "{'k': 'b'}", NULL), "2");
    ck_assert_str_eq(ids(&c, "grown", "{'n': 1, '$text': {'$search': 'words others'}}", NULL), "1");
    ck_fails(wd_docs_insert(c.docs, "grown", J(&c, "{'_id': 3, 'k': 'a'}"), &err), WD_DUPLICATE);
    ck_assert_str_eq(shown(&c, "grown", 1), "{ '_id' : 1, 'n' : 1, 'k' : 'a', 'tags' : [ 'x', 'y' ], 't' : 'some "
      "words' }");
    ck_ok(wd_docs_ensure(c.docs, old_schema, &err));
    ck_assert_str_eq(ids(&c, "grown", "{'tags': 'y', 'n': 2}", NULL), "2");
    ck_ok(wd_docs_insert(c.docs, "grown", J(&c, "{'_id': 3, 'k': 'a'}"), &err));
    contract_end(&c);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("docs");
    int n = contract_suite(CONTRACT_DOCS);

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_is_inserted_is_found_again, 0, n);
    tcase_add_loop_test(t, a_second_id_is_a_duplicate, 0, n);
    tcase_add_loop_test(t, a_unique_index_holds_and_is_named, 0, n);
    tcase_add_loop_test(t, a_unique_index_holds_in_find_and_update, 0, n);
    tcase_add_loop_test(t, insert_many_keeps_those_before_a_duplicate, 0, n);
    tcase_add_loop_test(t, filters_find_what_they_say, 0, n * (int)WD_COUNT(finds));
    tcase_add_loop_test(t, thousands_of_values_in_one_list, 0, n);
    tcase_add_loop_test(t, skip_and_limit_follow_the_sort, 0, n);
    tcase_add_loop_test(t, projections_show_what_they_name, 0, n * (int)WD_COUNT(projections));
    tcase_add_loop_test(t, a_dotted_projection_keeps_the_shape_even_when_an_index_has_the_value, 0, n);
    tcase_add_loop_test(t, updates_change_what_they_say, 0, n * (int)WD_COUNT(updates));
    tcase_add_loop_test(t, indexes_follow_updates_and_removals, 0, n);
    tcase_add_loop_test(t, update_many_changes_all_and_counts, 0, n);
    tcase_add_loop_test(t, upsert_starts_from_the_equalities, 0, n);
    tcase_add_loop_test(t, find_and_update_returns_before_or_after, 0, n);
    tcase_add_loop_test(t, what_is_outside_of_the_subset_is_refused, 0, n);
    tcase_add_loop_test(t, ttl_indexes_expire, 0, n);
    tcase_add_loop_test(t, text_is_searched_by_words, 0, n * (int)WD_COUNT(searches));
    tcase_add_loop_test(t, text_follows_updates_and_removals, 0, n);
    tcase_add_loop_test(t, a_batch_sees_its_writes_and_is_all_or_nothing, 0, n);
    tcase_add_loop_test(t, a_duplicate_leaves_the_batch_usable, 0, n);
    tcase_add_loop_test(t, a_cursor_shows_one_moment, 0, n);
    tcase_add_loop_test(t, everything_is_there_after_a_restart, 0, n);
    tcase_add_loop_test(t, new_declarations_take_up_old_documents, 0, n);
    return run_case("docs", t);
}
