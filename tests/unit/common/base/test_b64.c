#include "common/base/b64.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

static const struct {
    struct wd_str plain;
    const char *padded, *unpadded;
} rows[] = { /* RFC 4648 §10 and bytes of every kind */
    { WD_STR_C(""), "", "" },
    { WD_STR_C("f"), "Zg==", "Zg" },
    { WD_STR_C("fo"), "Zm8=", "Zm8" },
    { WD_STR_C("foo"), "Zm9v", "Zm9v" },
    { WD_STR_C("foob"), "Zm9vYg==", "Zm9vYg" },
    { WD_STR_C("fooba"), "Zm9vYmE=", "Zm9vYmE" },
    { WD_STR_C("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
    { WD_STR_C("\0\0\0"), "AAAA", "AAAA" },
    { WD_STR_C("\xff\xff\xff"), "////", "////" },
    { WD_STR_C("\xfb\xef\xbe"), "++++", "++++" },
};

START_TEST(known_values)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_b64_encode(&b, rows[_i].plain.p, rows[_i].plain.n, WD_B64_PADDED);
    ck_assert(wd_str_eq(wd_buf_view(&b), wd_str_c(rows[_i].padded)));
    b.n = 0;
    wd_b64_encode(&b, rows[_i].plain.p, rows[_i].plain.n, WD_B64_UNPADDED);
    ck_assert(wd_str_eq(wd_buf_view(&b), wd_str_c(rows[_i].unpadded)));
    b.n = 0;
    ck_assert(wd_b64_decode(&b, wd_str_c(rows[_i].padded)));
    ck_assert(wd_str_eq(wd_buf_view(&b), rows[_i].plain));
    b.n = 0;
    ck_assert(wd_b64_decode(&b, wd_str_c(rows[_i].unpadded)));
    ck_assert(wd_str_eq(wd_buf_view(&b), rows[_i].plain));
}
END_TEST

START_TEST(refused)
{
    static const struct wd_str bad[] = {
        WD_STR_C("A"),        WD_STR_C("AAAAA"),  WD_STR_C("Zg="),    WD_STR_C("Zg==="), WD_STR_C("Zm8=="),
        WD_STR_C("Zm9v="),    WD_STR_C("="),      WD_STR_C("=="),     WD_STR_C("===="),  WD_STR_C("Z=9v"),
        WD_STR_C("Zg==Zg=="), WD_STR_C("Zm 9v"),  WD_STR_C("Zm9v\n"), WD_STR_C("Zm9-"),  WD_STR_C("Zm9_"),
        WD_STR_C("Zm9\0"),    WD_STR_C("Zm9\xff"),
    };

    for (size_t i = 0; i < WD_COUNT(bad); i++) {
        struct wd_buf b wd_auto(wd_buf_done) = { 0 };
        ck_assert_msg(!wd_b64_decode(&b, bad[i]), "row %zu", i);
    }
}
END_TEST

START_TEST(appends)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&b, "x:");
    wd_b64_encode(&b, "foo", 3, WD_B64_PADDED);
    ck_assert(wd_b64_decode(&b, WD_STR("Zm9v")));
    ck_assert(wd_str_eq(wd_buf_view(&b), WD_STR("x:Zm9vfoo")));
}
END_TEST

START_TEST(all_bytes_at_all_lengths)
{
    unsigned char bytes[256];

    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct wd_buf text wd_auto(wd_buf_done) = { 0 };
        struct wd_buf back wd_auto(wd_buf_done) = { 0 };
        wd_b64_encode(&text, bytes, n, n % 2 ? WD_B64_PADDED : WD_B64_UNPADDED);
        ck_assert(wd_b64_decode(&back, wd_buf_view(&text)));
        ck_assert(wd_str_eq(wd_buf_view(&back), wd_str_n(bytes, n)));
    }
}
END_TEST

START_TEST(digits)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (int c = -128; c < 128; c++) {
        const char *at = c ? strchr(alphabet, (char)c) : NULL;
        ck_assert_int_eq(wd_b64_value((char)c), at ? (int)(at - alphabet) : -1);
    }
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("b64");

    tcase_add_loop_test(cases, known_values, 0, WD_COUNT(rows));
    tcase_add_test(cases, refused);
    tcase_add_test(cases, appends);
    tcase_add_test(cases, all_bytes_at_all_lengths);
    tcase_add_test(cases, digits);
    return run_case("b64", cases);
}
