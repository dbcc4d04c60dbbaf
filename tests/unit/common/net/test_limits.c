#include "common/net/limits.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/run.h"

START_TEST(an_address_has_so_many_and_no_more)
{
    struct wd_ip_counts *t = wd_ip_counts_new();
    struct wd_ip_count *a = wd_ip_counts_take(t, "192.0.2.1", 2), *b = wd_ip_counts_take(t, "192.0.2.1", 2);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_eq(a, b);
    ck_assert_ptr_null(wd_ip_counts_take(t, "192.0.2.1", 2));
    ck_assert_ptr_null(wd_ip_counts_take(t, "::ffff:192.0.2.1", 2));
    wd_ip_counts_give(t, a);
    ck_assert_ptr_nonnull(wd_ip_counts_take(t, "192.0.2.1", 2));
    ck_assert_uint_eq(wd_ip_counts_addresses(t), 1);
    wd_ip_counts_give(t, a);
    wd_ip_counts_give(t, b);
    wd_ip_counts_give(t, NULL);
    ck_assert_uint_eq(wd_ip_counts_addresses(t), 0);
    wd_ip_counts_free(t);
}
END_TEST

START_TEST(ipv6_counts_by_network)
{
    struct wd_ip_counts *t = wd_ip_counts_new();
    struct wd_ip_count *a = wd_ip_counts_take(t, "2001:db8:0:1::1", 1), *b;

    ck_assert_ptr_null(wd_ip_counts_take(t, "2001:db8:0:1:ffff::2", 1));
    b = wd_ip_counts_take(t, "2001:db8:0:2::1", 1);
    ck_assert_ptr_nonnull(b);
    wd_ip_counts_give(t, a);
    wd_ip_counts_give(t, b);
    wd_ip_counts_free(t);
}
END_TEST

START_TEST(no_limit_counts_on)
{
    struct wd_ip_counts *t = wd_ip_counts_new();
    struct wd_ip_count *a = NULL;

    for (int i = 0; i < 1000; i++)
        a = wd_ip_counts_take(t, "unknown", 0);
    for (int i = 0; i < 1000; i++)
        wd_ip_counts_give(t, a);
    ck_assert_uint_eq(wd_ip_counts_addresses(t), 0);
    wd_ip_counts_free(t);
}
END_TEST

START_TEST(many_addresses)
{
    enum { MANY = 5000 };
    struct wd_ip_counts *t = wd_ip_counts_new();
    struct wd_ip_count **counts = calloc(MANY, sizeof *counts);
    char ip[46];

    for (int i = 0; i < MANY; i++) {
        snprintf(ip, sizeof ip, "10.1.%d.%d", i / 256, i % 256);
        counts[i] = wd_ip_counts_take(t, ip, 1);
        ck_assert_ptr_nonnull(counts[i]);
    }
    ck_assert_uint_eq(wd_ip_counts_addresses(t), MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(ip, sizeof ip, "10.1.%d.%d", i / 256, i % 256);
        ck_assert_ptr_null(wd_ip_counts_take(t, ip, 1));
        wd_ip_counts_give(t, counts[i]);
    }
    ck_assert_uint_eq(wd_ip_counts_addresses(t), 0);
    free(counts);
    wd_ip_counts_free(t);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("limits");

    tcase_add_test(cases, an_address_has_so_many_and_no_more);
    tcase_add_test(cases, ipv6_counts_by_network);
    tcase_add_test(cases, no_limit_counts_on);
    tcase_add_test(cases, many_addresses);
    return run_case("limits", cases);
}
