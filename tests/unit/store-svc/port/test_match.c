#include "store-svc/port/match.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/run.h"

static struct wd_error err;

/* BSON from relaxed extended JSON in which ' stands for ". */
static bson_t *
parse(const char *json)
{
    char *copy = strdup(json);
    bson_error_t why;
    bson_t *doc;

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    doc = bson_new_from_json((const uint8_t *)copy, -1, &why);
    ck_assert_msg(doc != NULL, "%s: %s", json, why.message);
    free(copy);
    return doc;
}

static void
bson_freep(bson_t **b)
{
    bson_destroy(*b);
}

#define DOC(name, json) bson_t *name wd_auto(bson_freep) = parse(json)

static void
check_text(const bson_t *doc, const char *want)
{
    char *json = bson_as_relaxed_extended_json(doc, NULL);

    for (char *p = json; *p; p++)
        if (*p == '"')
            *p = '\'';
    ck_assert_str_eq(json, want);
    bson_free(json);
}

static const struct {
    const char *filter, *doc;
    bool matches;
} rows[] = {
    { "{}", "{'a': 1}", true },
    { "{'a': 1}", "{'a': 1.0}", true },
    { "{'a': 1}", "{'a': [2, 1]}", true },
    { "{'a': [2, 1]}", "{'a': [2, 1]}", true },
    { "{'a': [1]}", "{'a': [[1], 2]}", true },
    { "{'a': null}", "{}", true },
    { "{'a': null}", "{'a': 1}", false },
    { "{'a.b': null}", "{'a': [{'b': 1}, {}]}", true },
    { "{'a.b': null}", "{'a': []}", false },
    { "{'a.b': 2}", "{'a': [{'b': 1}, {'b': 2}]}", true },
    { "{'a.1.b': 2}", "{'a': [{'b': 1}, {'b': 2}]}", true },
    { "{'a.1': 5}", "{'a': [4, 5]}", true },
    { "{'a': {'$ne': 2}}", "{'a': [1, 2]}", false },
    { "{'a': {'$ne': 2}}", "{}", true },
    { "{'a': {'$gt': 1, '$lt': 3}}", "{'a': [0, 5]}", true }, /* each by another element */
    { "{'a': {'$elemMatch': {'$gt': 1, '$lt': 3}}}", "{'a': [0, 5]}", false },
    { "{'a': {'$elemMatch': {'$gt': 1, '$lt': 3}}}", "{'a': [0, 2]}", true },
    { "{'a': {'$elemMatch': {'k': 1, 'v': 2}}}", "{'a': [{'k': 1}, {'v': 2}]}", false },
    { "{'a': {'$elemMatch': {'k': 1, 'v': 2}}}", "{'a': [{'k': 1, 'v': 2}]}", true },
    { "{'a': {'$gt': 1}}", "{'a': 'x'}", false },
    { "{'a': {'$gte': null}}", "{}", true },
    { "{'a': {'$lte': {'$numberLong': '9007199254740993'}}}", "{'a': 9007199254740992.0}", true },
    { "{'a': {'$lt': {'$numberLong': '9007199254740993'}}}", "{'a': {'$numberLong': '9007199254740993'}}", false },
    { "{'a': {'$lt': 5}}", "{'a': {'$numberDouble': 'NaN'}}", false },
    { "{'a': {'$in': [1, null]}}", "{}", true },
    { "{'a': {'$nin': [1, null]}}", "{}", false },
    { "{'a': {'$in': [[1]]}}", "{'a': [1]}", true },
    { "{'a': {'$exists': false}}", "{'a': null}", false },
    { "{'a': {'$exists': 1}}", "{'a': null}", true },
    { "{'a': {'$not': {'$gt': 5}}}", "{'a': 'x'}", true },
    { "{'a': {'$regex': 'B', '$options': 'i'}}", "{'a': ['x', 'abc']}", true },
    { "{'a': {'$options': 'i', '$regex': 'B'}}", "{'a': 'abc'}", true },
    { "{'a': {'$regularExpression': {'pattern': '^b', 'options': ''}}}", "{'a': 'abc'}", false },
    { "{'$or': [{'a': 1}, {'b': 1}]}", "{'b': 1}", true },
    { "{'$and': [{'a': 1}, {'b': 1}]}", "{'b': 1}", false },
    { "{'$nor': [{'a': 1}, {'b': 1}]}", "{'b': 1}", false },
    { "{'$nor': [{'a': 1}, {'b': 1}]}", "{}", true },
    { "{'a': {'b': 1, 'c': 2}}", "{'a': {'c': 2, 'b': 1}}", false },
    { "{'a': {'b': {'$numberLong': '1'}}}", "{'a': {'b': 1.0}}", true },
};

START_TEST(filters_match_what_they_say)
{
    DOC(filter, rows[_i].filter);
    DOC(doc, rows[_i].doc);
    bool matches;

    ck_assert_msg(wd_match(filter, doc, &matches, &err), "%s", err.text);
    ck_assert_msg(matches == rows[_i].matches, "%s on %s", rows[_i].filter, rows[_i].doc);
}
END_TEST

static const char *const bad_filters[] = {
    "{'a': {'$size': 1}}",       "{'$text': {'$search': 'x'}}", "{'$or': 5}",      "{'$or': [5]}",
    "{'a': {'$in': 5}}",         "{'a': {'$not': 5}}",          "{'a..b': 1}",     "{'a': {'$regex': '('}}",
    "{'a': {'$elemMatch': 5}}",  "{'': 1}",                     "{'a': {'$gt': 1, 'b': 2}}",
    "{'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a': 1}",
};

START_TEST(bad_filters_are_refused)
{
    DOC(filter, bad_filters[_i]);
    DOC(doc, "{'a': 5}");
    bool matches;

    ck_assert_msg(!wd_match(filter, doc, &matches, &err), "%s", bad_filters[_i]);
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

START_TEST(operators_are_not_nested_without_end)
{
    bson_t *filter = bson_new();
    bson_t empty = BSON_INITIALIZER;
    bool matches;

    for (int i = 0; i < 40; i++) {
        bson_t *outer = bson_new(), list;
        bson_append_array_begin(outer, "$and", -1, &list);
        bson_append_document(&list, "0", 1, filter);
        bson_append_array_end(outer, &list);
        bson_destroy(filter);
        filter = outer;
    }
    ck_assert(!wd_match(filter, &empty, &matches, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    bson_destroy(filter);
}
END_TEST

/* "" as the result: refused */
static const struct {
    const char *doc, *update, *result;
} updates[] = {
    { "{'a': 1, 'b': 2, 'c': 3}", "{'$set': {'b': 5, 'd': 6}}", "{ 'a' : 1, 'b' : 5, 'c' : 3, 'd' : 6 }" },
    { "{'a': {'x': 1}}", "{'$set': {'a.y.z': 1}, '$unset': {'a.x': 1}}", "{ 'a' : { 'y' : { 'z' : 1 } } }" },
    { "{'a': [1]}", "{'$set': {'a.3': 4}}", "{ 'a' : [ 1, null, null, 4 ] }" },
    { "{'a': [1, 2]}", "{'$unset': {'a.0': 1}}", "{ 'a' : [ null, 2 ] }" },
    { "{'a': [{'n': 1}]}", "{'$inc': {'a.0.n': 1}}", "{ 'a' : [ { 'n' : 2 } ] }" },
    { "{'a': 1.5}", "{'$inc': {'a': 1}}", "{ 'a' : 2.5 }" },
    { "{'a': 5}", "{'$min': {'a': 'x'}}", "{ 'a' : 5 }" },
    { "{}", "{'$push': {'a': {'$each': [1, 1]}}}", "{ 'a' : [ 1, 1 ] }" },
    { "{'a': [1, 2, 3]}", "{'$pull': {'a': {'$in': [1, 3]}}}", "{ 'a' : [ 2 ] }" },
    { "{}", "{'$pull': {'a': 1}}", "{ }" },
    { "{}", "{'$unset': {'a.b': 1}}", "{ }" },
    { "{'a': 5}", "{'$set': {'a.b': 1}}", "" },
    { "{'a': 5}", "{'$unset': {'a.b': 1}}", "{ 'a' : 5 }" },
    { "{'a': 5}", "{'$push': {'a': 1}}", "" },
    { "{'a': 'x'}", "{'$inc': {'a': 1}}", "" },
    { "{'a': {'$numberLong': '9223372036854775807'}}", "{'$inc': {'a': 1}}", "" },
    { "{'a': []}", "{'$set': {'a.b': 1}}", "" },
    { "{'a': []}", "{'$set': {'a.100000': 1}}", "" },
    { "{}", "{'$set': {'a': 1, 'a.b': 2}}", "" },
    { "{}", "{'$set': {'a': 1}, '$inc': {'a': 2}}", "" },
    { "{'_id': 1}", "{'$set': {'_id': 2}}", "" },
    { "{'_id': 1}", "{'$set': {'_id': 1}}", "{ '_id' : 1 }" },
    { "{}", "{'$rename': {'a': 'b'}}", "" },
    { "{}", "{'a': 1}", "" },
    { "{}", "{'$addToSet': {'a': {'$slice': 1}}}", "" },
};

START_TEST(updates_change_what_they_say)
{
    DOC(doc, updates[_i].doc);
    DOC(update, updates[_i].update);
    bool changed, ok;
    bson_t out;

    ok = wd_match_update(doc, update, false, &out, &changed, &err);
    ck_assert_msg(ok == (*updates[_i].result != '\0'), "%s: %s", updates[_i].update, ok ? "accepted" : err.text);
    if (!ok) {
        ck_assert_int_eq(err.reason, WD_INVALID);
        return;
    }
    check_text(&out, updates[_i].result);
    ck_assert(changed == !bson_equal(doc, &out));
    bson_destroy(&out);
}
END_TEST

START_TEST(an_upsert_starts_from_the_equalities)
{
    DOC(filter, "{'a': 1, 'b.c': {'$eq': 2}, 'd': {'$gt': 3}, '$and': [{'e': 4}], '$or': [{'f': 5}]}");
    DOC(update, "{'$setOnInsert': {'g': 6}}");
    bson_t seed, out;
    bool changed;

    ck_assert(wd_match_upsert_seed(filter, &seed, &err));
    check_text(&seed, "{ 'a' : 1, 'b' : { 'c' : 2 }, 'e' : 4 }");
    ck_assert(wd_match_update(&seed, update, true, &out, &changed, &err));
    check_text(&out, "{ 'a' : 1, 'b' : { 'c' : 2 }, 'e' : 4, 'g' : 6 }");
    bson_destroy(&out);
    bson_destroy(&seed);
}
END_TEST

START_TEST(projections_keep_what_they_name)
{
    DOC(doc, "{'_id': 1, 'a': {'x': 1, 'y': 2}, 'b': [{'x': 1}, 5, {'y': 2}], 'c': 3}");
    DOC(some, "{'a.x': 1, 'b.x': true}");
    DOC(none, "{'c': 0}");
    bson_t out;

    ck_assert(wd_match_project(doc, some, &out, &err));
    check_text(&out, "{ '_id' : 1, 'a' : { 'x' : 1 }, 'b' : [ { 'x' : 1 }, {  } ] }");
    bson_destroy(&out);
    ck_assert(!wd_match_project(doc, none, &out, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

START_TEST(types_have_an_order)
{
    static const char *const ordered[] = {
        "{}", "{'a': -1}", "{'a': 0.5}", "{'a': 1}", "{'a': ''}", "{'a': 'a'}", "{'a': 'ab'}", "{'a': {}}",
        "{'a': {'b': 1}}", "{'a': {'$binary': {'base64': 'AA==', 'subType': '00'}}}",
        "{'a': {'$oid': '000000000000000000000000'}}", "{'a': false}", "{'a': true}",
        "{'a': {'$date': '1970-01-01T00:00:00Z'}}",
    };
    DOC(up, "{'a': 1}");
    DOC(down, "{'a': -1}");

    for (size_t i = 0; i < WD_COUNT(ordered); i++)
        for (size_t j = 0; j < WD_COUNT(ordered); j++) {
            DOC(a, ordered[i]);
            DOC(b, ordered[j]);
            int c = wd_match_compare(a, b, up), want = (i > j) - (i < j);
            ck_assert_msg((c > 0) - (c < 0) == want, "%s and %s", ordered[i], ordered[j]);
            c = wd_match_compare(a, b, down);
            ck_assert_int_eq((c > 0) - (c < 0), -want);
        }
}
END_TEST

START_TEST(an_array_sorts_by_its_extreme)
{
    DOC(a, "{'a': [1, 9]}");
    DOC(b, "{'a': 5}");
    DOC(up, "{'a': 1}");
    DOC(down, "{'a': -1}");

    ck_assert_int_lt(wd_match_compare(a, b, up), 0);
    ck_assert_int_lt(wd_match_compare(a, b, down), 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("match");

    tcase_add_loop_test(t, filters_match_what_they_say, 0, (int)WD_COUNT(rows));
    tcase_add_loop_test(t, bad_filters_are_refused, 0, (int)WD_COUNT(bad_filters));
    tcase_add_test(t, operators_are_not_nested_without_end);
    tcase_add_loop_test(t, updates_change_what_they_say, 0, (int)WD_COUNT(updates));
    tcase_add_test(t, an_upsert_starts_from_the_equalities);
    tcase_add_test(t, projections_keep_what_they_name);
    tcase_add_test(t, types_have_an_order);
    tcase_add_test(t, an_array_sorts_by_its_extreme);
    return run_case("match", t);
}
