/* Random operations on a driver and on a plain array of documents that the matcher serves; after each of them both
 * must agree. The seed is fixed and printed; WD_SEED and WD_STEPS change it. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/vec.h"
#include "store-svc/port/match.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;
static uint64_t state;
static bool arrays_anywhere; /* also where no multikey index expects them */
/* A server may be an engine that only speaks MongoDB's protocol: nothing in which they are known to differ. Those are
 * whether 1 may take the place of 1.0, and $unset of a field of an array. */
static bool common_ground;

struct model {
    bson_t **p;
    size_t n, cap;
};

static struct model model;

static uint32_t
below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 11) % n);
}

/* ---- random values, documents, filters, updates ---- */

static const char *const fields[] = { "m", "u", "f", "a", "b", "x", "d.x", "h", "h.k", "h.v", "n", "bulk", "d",
      "_id", "o",
                                     "g" };

static void
append_scalar(bson_t *to, const char *key)
{
    static const char *const words[] = { "", "a", "b", "abc", "B", "zz" };
    bson_oid_t oid;

    switch (below(12)) {
    case 0:
        bson_append_null(to, key, -1);
        return;
    case 1:
    case 2:
    case 3:
        bson_append_int32(to, key, -1, (int32_t)below(5));
        return;
    case 4:
        bson_append_int64(to, key, -1, (int64_t)below(4) + (below(2) && !common_ground ? 0 : (int64_t)1 << 53));
        return;
    case 5:
        bson_append_double(to, key, -1, (double)below(8) / 2 + (common_ground ? 0.25 : 0));
        return;
    case 6:
    case 7:
        bson_append_utf8(to, key, -1, words[below(WD_COUNT(words))], -1);
        return;
    case 8:
        bson_append_bool(to, key, -1, below(2));
        return;
    case 9:
        bson_append_date_time(to, key, -1, (int64_t)below(3) - 1);
        return;
    case 10:
        memset(oid.bytes, (int)below(3), sizeof oid.bytes);
        bson_append_oid(to, key, -1, &oid);
        return;
    default:
        bson_append_binary(to, key, -1, BSON_SUBTYPE_BINARY, (const uint8_t *)"abcdefgh" + below(3), 2 + below(3));
    }
}

static void
append_words(bson_t *to, const char *key)
{
    bson_t list;
    char digits[12];
    uint32_t n = below(4);

    bson_append_array_begin(to, key, -1, &list);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(digits, sizeof digits, "%u", i);
        append_scalar(&list, digits);
    }
    bson_append_array_end(to, &list);
}

static void
append_pairs(bson_t *to, const char *key)
{
    bson_t list, pair;
    char digits[12];
    uint32_t n = below(4);

    bson_append_array_begin(to, key, -1, &list);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(digits, sizeof digits, "%u", i);
        bson_append_document_begin(&list, digits, -1, &pair);
        if (below(5))
            append_scalar(&pair, "k");
        if (below(5))
            append_scalar(&pair, "v");
        bson_append_document_end(&list, &pair);
    }
    bson_append_array_end(to, &list);
}

static void
append_value(bson_t *to, const char *field, const char *key)
{
    bson_t child;

    if ((strcmp(field, "f") == 0 || strcmp(field, "g") == 0) && below(4)) {
        append_words(to, key);
    } else if (strcmp(field, "h") == 0 && below(8)) {
        append_pairs(to, key);
    } else if (strcmp(field, "d") == 0 && below(3)) {
        bson_append_document_begin(to, key, -1, &child);
        append_scalar(&child, "x");
        bson_append_document_end(to, &child);
    } else if (arrays_anywhere && below(6) == 0 && strcmp(field, "x") != 0 && strcmp(field, "_id") != 0) {
        append_words(to, key);
    } else {
        append_scalar(to, key);
    }
}

static bson_t *
random_doc(int32_t id)
{
    static const char *const names[] = { "m", "u", "f", "a", "b", "d", "h", "n", "bulk", "o", "g" };
    bson_t *doc = bson_new();

    bson_append_int32(doc, "_id", -1, id);
    bson_append_int32(doc, "x", -1, id); /* unique */
    for (size_t i = 0; i < WD_COUNT(names); i++)
        if (below(6))
            append_value(doc, names[i], names[i]);
    return doc;
}

static void random_filter(bson_t *to, int depth);

static void
append_operator(bson_t *to, const char *field, int depth)
{
    static const char *const names[] = { "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists",
                                         "$regex", "$not", "$elemMatch" };
    const char *op = names[below(WD_COUNT(names))];
    bson_t child;

    if (strcmp(op, "$in") == 0 || strcmp(op, "$nin") == 0) {
        append_words(to, op);
    } else if (strcmp(op, "$exists") == 0) {
        bson_append_bool(to, op, -1, below(2));
    } else if (strcmp(op, "$regex") == 0) {
        bson_append_utf8(to, op, -1, below(2) ? "^[aB]" : "b", -1);
        if (below(2))
            bson_append_utf8(to, "$options", -1, "i", -1);
    } else if (strcmp(op, "$not") == 0) {
        bson_append_document_begin(to, op, -1, &child);
        if (depth > 2)
            append_scalar(&child, "$eq");
        else
            append_operator(&child, field, depth + 1);
        bson_append_document_end(to, &child);
    } else if (strcmp(op, "$elemMatch") == 0) {
        bson_append_document_begin(to, op, -1, &child);
        append_scalar(&child, "k");
        if (below(2))
            append_scalar(&child, "v");
        bson_append_document_end(to, &child);
    } else {
        append_scalar(to, op);
    }
}

static void
append_condition(bson_t *to, int depth)
{
    const char *field = fields[below(WD_COUNT(fields))];
    bson_t child;

    if (bson_has_field(to, field))
        return;
    if (below(2)) {
        append_scalar(to, field);
        return;
    }
    bson_append_document_begin(to, field, -1, &child);
    append_operator(&child, field, depth);
    if (below(3) == 0)
        append_scalar(&child, below(2) ? "$gte" : "$lt");
    bson_append_document_end(to, &child);
}

static void
random_filter(bson_t *to, int depth)
{
    static const char *const lists[] = { "$or", "$and", "$nor" };
    uint32_t n = below(3) + (depth > 0);
    bson_t list, child;

    for (uint32_t i = 0; i < n; i++)
        append_condition(to, depth);
    if (depth > 2 || below(4))
        return;
    bson_append_array_begin(to, lists[below(3)], -1, &list);
    for (uint32_t i = 0; i < 2; i++) {
        bson_append_document_begin(&list, i ? "1" : "0", 1, &child);
        random_filter(&child, depth + 1);
        bson_append_document_end(&list, &child);
    }
    bson_append_array_end(to, &list);
}

static void
random_update(bson_t *to)
{
    static const char *const ops[] = { "$set", "$unset", "$addToSet", "$pull", "$push", "$max", "$setOnInsert" };
    static const char *const where[] = { "m", "u", "f", "a", "b", "d.x", "h", "n", "bulk", "d", "bulk2.y", "o",
                                        "g" };
    const char *used[3] = { NULL, NULL, NULL };
    bson_t child;

    for (size_t i = 0; i < 1 + below(3); i++) {
        const char *op = ops[below(WD_COUNT(ops))], *field = where[below(WD_COUNT(where))];
        bool list = op[1] == 'a' || op[1] == 'p';
        if (list)
            field = below(2) ? "f" : below(3) ? "g" : "list";
        if (bson_has_field(to, op) || (common_ground && arrays_anywhere && strchr(field, '.')))
            continue;
        for (size_t k = 0; k < i; k++)
            if (used[k] && used[k][0] == field[0])
                field = NULL, k = i;
        if (!field)
            continue;
        used[i] = field;
        bson_append_document_begin(to, op, -1, &child);
        if (list)
            append_scalar(&child, field);
        else
            append_value(&child, field, field);
        bson_append_document_end(to, &child);
    }
    if (bson_empty(to)) {
        bson_append_document_begin(to, "$inc", -1, &child);
        bson_append_int32(&child, "count", -1, 1);
        bson_append_document_end(to, &child);
    }
}

/* ---- comparing ---- */

static const char *
text_of(const bson_t *doc)
{
    static char *last[4];
    static int at;

    at = (at + 1) % 4;
    bson_free(last[at]);
    last[at] = bson_as_canonical_extended_json(doc, NULL);
    return last[at] ? last[at] : "(bad)";
}

static bool
same_value(const bson_iter_t *a, const bson_iter_t *b)
{
    if (BSON_ITER_HOLDS_INT(a) && BSON_ITER_HOLDS_INT(b))
        return bson_iter_as_int64(a) == bson_iter_as_int64(b); /* see projection in docs.h */
    return a->next_off - a->off == b->next_off - b->off &&
           memcmp(a->raw + a->off, b->raw + b->off, a->next_off - a->off) == 0;
}

/* The same fields in any order. */
static bool
same_doc(const bson_t *a, const bson_t *b)
{
    bson_iter_t ai, bi;

    if (bson_count_keys(a) != bson_count_keys(b) || !bson_iter_init(&ai, a))
        return false;
    while (bson_iter_next(&ai))
        if (!bson_iter_init_find(&bi, b, bson_iter_key(&ai)) || !same_value(&ai, &bi))
            return false;
    return true;
}

static int32_t
id_of(const bson_t *doc)
{
    bson_iter_t it;

    ck_assert(bson_iter_init_find(&it, doc, "_id"));
    return (int32_t)bson_iter_as_int64(&it);
}

static bool
matches(const bson_t *filter, const bson_t *doc)
{
    bool yes;

    ck_ok(wd_match(filter, doc, &yes, &err));
    return yes;
}

static int
compare_docs(const void *a, const void *b, void *sort)
{
    return wd_match_compare(*(bson_t *const *)a, *(bson_t *const *)b, sort);
}

static void
check_find(struct wd_docs *d, const bson_t *filter)
{
    static const char *const sorts[] = { "{'_id': 1}", "{'u': 1, '_id': -1}", "{'m': -1, 'u': 1, '_id': 1}",
                                         "{'bulk': 1, '_id': 1}", "{'f': -1, '_id': 1}" };
    static const char *const shapes[] = { "{}", "{'u': 1}", "{'m': 1, 'u': 1, 'a': 1}", "{'bulk': 1, 'f': 1}",
                                          "{'h.k': 1, 'x': 1}" };
    bson_t sort wd_auto(bson_destroy), shape wd_auto(bson_destroy);
    struct wd_docs_query q = { .sort = &sort, .projection = &shape, .skip = below(3), .limit = below(8) };
    struct WD_VEC(bson_t *) want = { 0 };
    struct wd_docs_cursor *cursor;
    const bson_t *doc;
    size_t at = (size_t)q.skip, end;

    bson_copy_to(J(&c, sorts[below(WD_COUNT(sorts))]), &sort);
    bson_copy_to(J(&c, shapes[below(WD_COUNT(shapes))]), &shape);
    for (size_t i = 0; i < model.n; i++)
        if (matches(filter, model.p[i]))
            wd_vec_push(&want, model.p[i]);
    if (want.n)
        qsort_r(want.p, want.n, sizeof *want.p, compare_docs, &sort);
    end = q.limit && (size_t)(q.skip + q.limit) < want.n ? (size_t)(q.skip + q.limit) : want.n;
    ck_ok(wd_docs_find(d, "things", filter, &q, &cursor, &err));
    for (;; at++) {
        bson_t shown_doc;
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
        if (!doc)
            break;
        ck_assert_msg(at < end, "filter %s finds %s too much", text_of(filter), text_of(doc));
        if (bson_empty(&shape))
            bson_copy_to(want.p[at], &shown_doc);
        else
            ck_ok(wd_match_project(want.p[at], &shape, &shown_doc, &err));
        ck_assert_msg(same_doc(doc, &shown_doc), "filter %s sort %s: %s, not %s", text_of(filter), text_of(&sort),
                      text_of(doc), text_of(&shown_doc));
        bson_destroy(&shown_doc);
    }
    ck_assert_msg(at >= end, "filter %s misses %s", text_of(filter), text_of(want.p[at < end ? at : 0]));
    wd_docs_cursor_free(cursor);
    wd_vec_done(&want);
}

static void
check_count(struct wd_docs *d, const bson_t *filter)
{
    int64_t n, want = 0;

    for (size_t i = 0; i < model.n; i++)
        want += matches(filter, model.p[i]);
    ck_ok(wd_docs_count(d, "things", filter, &n, &err));
    ck_assert_msg(n == want, "filter %s counts %lld, not %lld", text_of(filter), (long long)n, (long long)want);
}

/* ---- operations on both ---- */

static void
do_insert(struct wd_docs *d)
{
    bson_t *doc = random_doc((int32_t)below(60));
    bool exists = false, ok;

    for (size_t i = 0; i < model.n; i++)
        exists = exists || id_of(model.p[i]) == id_of(doc);
    ok = wd_docs_insert(d, "things", doc, &err);
    ck_assert_msg(ok != exists, "insert %s: %s", text_of(doc), ok ? "ok" : err.text);
    if (ok)
        wd_vec_push(&model, doc);
    else
        bson_destroy(doc);
}

/* Replaces by the update; documents for which it is refused end the test of that update before it starts. */
static bool
model_accepts(const bson_t *filter, const bson_t *update)
{
    bool changed, ok = true;
    bson_t out;

    for (size_t i = 0; i < model.n && ok; i++) {
        if (!matches(filter, model.p[i]))
            continue;
        ok = wd_match_update(model.p[i], update, false, &out, &changed, &err);
        if (ok)
            bson_destroy(&out);
    }
    return ok;
}

static void
do_update_many(struct wd_docs *d)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;
    int64_t matched = 0, modified = 0;

    random_filter(&filter, 0);
    random_update(&update);
    if (!model_accepts(&filter, &update))
        return;
    for (size_t i = 0; i < model.n; i++) {
        bson_t out;
        bool changed;
        if (!matches(&filter, model.p[i]))
            continue;
        ck_ok(wd_match_update(model.p[i], &update, false, &out, &changed, &err));
        bson_destroy(model.p[i]);
        model.p[i] = bson_copy(&out);
        bson_destroy(&out);
        matched++;
        modified += changed;
    }
    ck_assert_msg(wd_docs_update(d, "things", &filter, &update, WD_UPDATE_MANY, &done, &err), "update %s of %s: %s",
                  text_of(&update), text_of(&filter), err.text);
    ck_assert_msg(done.matched == matched && done.modified == modified,
                  "update %s of %s: matched %lld/%lld modified %lld/%lld", text_of(&update), text_of(&filter),
                  (long long)done.matched, (long long)matched, (long long)done.modified, (long long)modified);
}

static void
do_remove(struct wd_docs *d)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t removed, want = 0;

    random_filter(&filter, 0);
    if (bson_empty(&filter))
        return;
    for (size_t i = 0; i < model.n;) {
        if (!matches(&filter, model.p[i])) {
            i++;
            continue;
        }
        want++;
        bson_destroy(model.p[i]);
        model.p[i] = model.p[--model.n];
    }
    ck_ok(wd_docs_remove_many(d, "things", &filter, &removed, &err));
    ck_assert_msg(removed == want, "remove %s: %lld, not %lld", text_of(&filter), (long long)removed, (long long)want);
}

static void
do_step(struct wd_docs *d)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, everything = BSON_INITIALIZER;
    uint32_t what = below(20);

    random_filter(&filter, 0);
    if (what < 6)
        do_insert(d);
    else if (what < 9)
        do_update_many(d);
    else if (what == 9 && model.n > 30)
        do_remove(d);
    else if (what < 18)
        check_find(d, &filter);
    else
        check_count(d, &filter);
    if (what == 19)
        check_find(d, &everything);
}

static struct model
copy_model(void)
{
    struct model copy = { 0 };

    for (size_t i = 0; i < model.n; i++)
        wd_vec_push(&copy, bson_copy(model.p[i]));
    return copy;
}

static void
model_done(struct model *m)
{
    while (m->n)
        bson_destroy(m->p[--m->n]);
    wd_vec_done(m);
}

/* A few steps in a batch, which is then kept or forgotten. */
static void
do_batch(void)
{
    struct model before = copy_model();
    struct wd_docs *batch;

    ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
    for (uint32_t i = below(8); i > 0; i--)
        do_step(batch);
    if (wd_docs_is_atomic(c.docs) && below(3) == 0) {
        wd_docs_batch_abort(batch);
        model_done(&model);
        model = before;
    } else {
        ck_ok(wd_docs_batch_commit(batch, &err));
        model_done(&before);
    }
}

START_TEST(the_driver_agrees_with_the_model)
{
    const char *seed = getenv("WD_SEED"), *steps = getenv("WD_STEPS");
    int n = steps ? atoi(steps) : 1500;

    arrays_anywhere = _i % 2;
    state = (seed ? strtoull(seed, NULL, 10) : 20240917) * 2 + (uint64_t)arrays_anywhere + 1;
    printf("seed %s, arrays %s, %d steps\n", seed ? seed : "20240917", arrays_anywhere ? "anywhere" : "where expected",
           n);
    contract_begin(&c, _i / 2);
    common_ground = !c.driver->is_local;
    for (int i = 0; i < n; i++) {
        if (below(6) == 0)
            do_batch();
        else
            do_step(c.docs);
        if (i == n / 2) {
            contract_close(&c);
            contract_open(&c);
        }
    }
    model_done(&model);
    contract_end(&c);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("random");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, the_driver_agrees_with_the_model, 0, contract_suite(CONTRACT_DOCS) * 2);
    return run_case("random", t);
}
