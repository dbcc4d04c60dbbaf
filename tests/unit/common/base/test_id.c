#include "common/base/id.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/lifetime.h"
#include "tests/run.h"

static int64_t
fixed_time(void)
{
    return 1700000000123;
}

START_TEST(text_form)
{
    struct wd_id id;
    char hex[WD_ID_HEX + 1];

    ck_assert(wd_id_parse(WD_STR("507F1f77bcf86cd799439011"), &id));
    ck_assert_str_eq(wd_id_hex(id, hex), "507f1f77bcf86cd799439011");
    ck_assert_int_eq(wd_id_time_ms(id), 0x507f1f77LL * 1000);
    ck_assert(!wd_id_is_zero(id));
    ck_assert(wd_id_is_zero((struct wd_id){ 0 }));
}
END_TEST

START_TEST(refused)
{
    static const struct wd_str bad[] = { WD_STR_C(""), WD_STR_C("507f1f77bcf86cd79943901"),
                                         WD_STR_C("507f1f77bcf86cd7994390111"), WD_STR_C("507f1f77bcf86cd79943901g"),
                                         WD_STR_C("507f1f77bcf86cd7994390\0001") };
    struct wd_id id = { { 7 } };

    for (size_t i = 0; i < WD_COUNT(bad); i++)
        ck_assert(!wd_id_parse(bad[i], &id));
    ck_assert_uint_eq(id.b[0], 7);
}
END_TEST

START_TEST(new_ones_differ_and_ascend)
{
    struct wd_id last, next;

    wd_clock_fix(fixed_time);
    last = wd_id_new();
    ck_assert_int_eq(wd_id_time_ms(last), 1700000000000);
    for (int i = 0; i < 10000; i++) {
        next = wd_id_new();
        ck_assert(!wd_id_eq(last, next));
        ck_assert_int_lt(memcmp(last.b, next.b, sizeof next.b), 0);
        last = next;
    }
    wd_clock_fix(NULL);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("id");

    tcase_add_test(cases, text_form);
    tcase_add_test(cases, refused);
    tcase_add_test(cases, new_ones_differ_and_ascend);
    return run_case("id", cases);
}
