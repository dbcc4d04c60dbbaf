#include "common/base/buf.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

START_TEST(it_grows)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&b, "n=");
    wd_buf_u64(&b, 0);
    wd_buf_chr(&b, ' ');
    wd_buf_u64(&b, UINT64_MAX);
    wd_buf_str(&b, WD_STR("\0x"));
    wd_buf_printf(&b, "%s-%d", "y", -5);
    wd_buf_add(&b, NULL, 0);
    ck_assert(wd_str_eq(wd_buf_view(&b), WD_STR("n=0 18446744073709551615\0xy--5")));
}
END_TEST

START_TEST(many_small_additions)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    for (int i = 0; i < 100000; i++)
        wd_buf_chr(&b, (char)i);
    ck_assert_uint_eq(b.n, 100000);
    for (int i = 0; i < 100000; i++)
        if (b.p[i] != (char)i)
            ck_abort_msg("byte %d", i);
}
END_TEST

START_TEST(cutting)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_buf_cut(&b, 5);
    wd_buf_c(&b, "abcdef");
    wd_buf_cut(&b, 0);
    wd_buf_cut(&b, 2);
    ck_assert(wd_str_eq(wd_buf_view(&b), WD_STR("cdef")));
    wd_buf_cut(&b, 100);
    ck_assert_uint_eq(b.n, 0);
}
END_TEST

START_TEST(reserved_room_is_there)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    memset(wd_buf_reserve(&b, 1000), 'x', 1000);
    ck_assert_uint_eq(b.n, 0);
    b.n = 1000;
    ck_assert_uint_ge(b.cap, 1000);
    wd_buf_done(&b);
    ck_assert_ptr_null(b.p);
    wd_buf_chr(&b, 'a');
    ck_assert_uint_eq(b.n, 1);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("buf");

    tcase_add_test(cases, it_grows);
    tcase_add_test(cases, many_small_additions);
    tcase_add_test(cases, cutting);
    tcase_add_test(cases, reserved_room_is_there);
    return run_case("buf", cases);
}
