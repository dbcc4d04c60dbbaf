#include "tests/unit/store-svc/domain/users_fixture.h"

#include "tests/run.h"

static struct wd_once once = { .method = "Test.Do", .key = WD_STR_C("key\0with nul") };

static bool
find(const struct wd_once *o, int64_t *value)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    ck_assert_msg(wd_once_find(domain.docs, o, &outcome, &found, &err), "%s", err.text);
    *value = wd_doc_int(&outcome, "n", -1);
    return found;
}

static bool
keep(const struct wd_once *o, int64_t value)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_int(&outcome, "n", value);
    return wd_once_keep(domain.docs, o, &outcome, &err);
}

START_TEST(an_outcome_is_found_by_user_method_and_key)
{
    struct wd_once other;
    int64_t value;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* keeping it twice is fine there */
    once.user = wd_id_new();
    ck_assert(!find(&once, &value));
    ck_assert(keep(&once, 7));
    ck_assert(find(&once, &value));
    ck_assert_int_eq(value, 7);
    other = once;
    other.user = wd_id_new();
    ck_assert(!find(&other, &value));
    other = once;
    other.method = "Test.Other";
    ck_assert(!find(&other, &value));
    other = once;
    other.key = WD_STR("key");
    ck_assert(!find(&other, &value));
    ck_assert(!keep(&once, 8));
    ck_assert_int_eq(err.reason, WD_DUPLICATE);
}
END_TEST

START_TEST(without_a_key_nothing_is_kept)
{
    struct wd_once none = { .method = "Test.Do" };
    int64_t value;

    ck_assert(keep(&none, 7));
    ck_assert(keep(&none, 8));
    ck_assert(!find(&none, &value));
}
END_TEST

START_TEST(an_aborted_operation_can_be_repeated)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs *batch;
    int64_t value;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* nothing is forgotten there */
    ck_assert(wd_docs_batch_begin(domain.docs, &batch, &err));
    ck_assert(wd_once_keep(batch, &once, &outcome, &err));
    wd_docs_batch_abort(batch);
    ck_assert(!find(&once, &value));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("once");

    tcase_add_checked_fixture(cases, users_setup, users_teardown);
    tcase_add_test(cases, an_outcome_is_found_by_user_method_and_key);
    tcase_add_test(cases, without_a_key_nothing_is_kept);
    tcase_add_test(cases, an_aborted_operation_can_be_repeated);
    return run_case("once", cases);
}
