#include "common/base/hex.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

START_TEST(there_and_back)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };
    unsigned char bytes[4] = { 0x00, 0x7f, 0x80, 0xff }, back[4] = { 1, 1, 1, 1 };

    wd_hex_encode(&b, bytes, sizeof bytes);
    ck_assert(wd_str_eq(wd_buf_view(&b), WD_STR("007f80ff")));
    ck_assert(wd_hex_decode(wd_buf_view(&b), back, sizeof back));
    ck_assert_mem_eq(bytes, back, sizeof back);
    ck_assert(wd_hex_decode(WD_STR("DEADbeef"), back, sizeof back));
    ck_assert_uint_eq(back[0], 0xde);
    ck_assert(wd_hex_decode(WD_STR(""), back, 0));
}
END_TEST

START_TEST(refused)
{
    unsigned char out[2];
    static const struct wd_str bad[] = { WD_STR_C("abc"), WD_STR_C("abcde"), WD_STR_C("abcg"), WD_STR_C("ab d"),
                                         WD_STR_C("0xab"), WD_STR_C(""), WD_STR_C("ab:d") };

    for (size_t i = 0; i < WD_COUNT(bad); i++)
        ck_assert(!wd_hex_decode(bad[i], out, 2));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("hex");

    tcase_add_test(cases, there_and_back);
    tcase_add_test(cases, refused);
    return run_case("hex", cases);
}
