#include "tests/unit/store-svc/domain/users_fixture.h"

#include "store-svc/domain/quota.h"
#include "tests/run.h"

static struct wd_id user;

static void
setup(void)
{
    users_setup();
    user = users_make("andris", NULL);
}

static struct wd_quota
quota(void)
{
    struct wd_quota q;

    ck_assert_msg(wd_quota_read(&domain, domain.users, user, &q, &err), "%s", err.text);
    return q;
}

START_TEST(charges_add_up_and_count_from_zero)
{
    ck_assert(wd_quota_charge(domain.docs, user, 3000000000u, &err));
    ck_assert(wd_quota_charge(domain.docs, user, 3000000000u, &err));
    ck_assert_uint_eq(quota().used, 6000000000u);
    ck_assert(wd_quota_release(domain.docs, user, 6000000001u, &err));
    ck_assert_uint_eq(quota().used, 0);
    ck_assert_uint_eq(quota().limit, domain.options.max_storage_bytes);
    users_set(user, "{\"quota\": 5}");
    ck_assert_uint_eq(quota().limit, 5);
}
END_TEST

START_TEST(an_aborted_batch_charges_nothing)
{
    struct wd_docs *batch;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* nothing is forgotten there */
    ck_assert(wd_docs_batch_begin(domain.docs, &batch, &err));
    ck_assert(wd_quota_charge(batch, user, 100, &err));
    wd_docs_batch_abort(batch);
    ck_assert_uint_eq(quota().used, 0);
}
END_TEST

START_TEST(users_that_are_gone)
{
    struct wd_quota q;
    uint64_t was, is;

    user = wd_id_new();
    ck_assert(!wd_quota_charge(domain.docs, user, 1, &err));
    ck_assert_int_eq(err.reason, WD_USER_NOT_FOUND);
    ck_assert(wd_quota_release(domain.docs, user, 1, &err));
    ck_assert(!wd_quota_read(&domain, domain.users, user, &q, &err));
    ck_assert(!wd_quota_reset(&domain, user, &was, &is, &err));
    ck_assert_int_eq(err.reason, WD_USER_NOT_FOUND);
}
END_TEST

START_TEST(a_reset_counts_the_messages)
{
    uint64_t was, is;

    users_set(user, "{\"storageUsed\": 1000}");
    users_insert(WD_MESSAGES, user, "{\"size\": 300, \"uid\": 1}");
    users_insert(WD_MESSAGES, user, "{\"size\": 500, \"uid\": 2}");
    users_insert(WD_MESSAGES, wd_id_new(), "{\"size\": 7, \"uid\": 1}");
    ck_assert_msg(wd_quota_reset(&domain, user, &was, &is, &err), "%s", err.text);
    ck_assert_uint_eq(was, 1000);
    ck_assert_uint_eq(is, 800);
    ck_assert_uint_eq(quota().used, 800);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("quota");

    tcase_add_checked_fixture(cases, setup, users_teardown);
    tcase_add_test(cases, charges_add_up_and_count_from_zero);
    tcase_add_test(cases, an_aborted_batch_charges_nothing);
    tcase_add_test(cases, users_that_are_gone);
    tcase_add_test(cases, a_reset_counts_the_messages);
    return run_case("quota", cases);
}
