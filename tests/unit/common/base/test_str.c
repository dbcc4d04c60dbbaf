#include "common/base/str.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

#define S WD_STR

static int
sign(int n)
{
    return (n > 0) - (n < 0);
}

START_TEST(order_and_equality)
{
    static const struct {
        struct wd_str a, b;
        int order, folded; /* of the bytes; with A–Z lowered */
    } rows[] = {
        { WD_STR_C(""), WD_STR_C(""), 0, 0 },
        { { NULL, 0 }, WD_STR_C(""), 0, 0 },
        { WD_STR_C("a"), WD_STR_C(""), 1, 1 },
        { WD_STR_C("a"), WD_STR_C("ab"), -1, -1 },
        { WD_STR_C("A"), WD_STR_C("a"), -1, 0 },
        { WD_STR_C("INBOX"), WD_STR_C("inbox"), -1, 0 },
        { WD_STR_C("Z"), WD_STR_C("a"), -1, 1 },
        { WD_STR_C("["), WD_STR_C("{"), -1, -1 }, /* not letters: 0x5b and 0x7b */
        { WD_STR_C("@"), WD_STR_C("`"), -1, -1 },
        { WD_STR_C("\xc4"), WD_STR_C("\xe4"), -1, -1 },
        { WD_STR_C("\xff"), WD_STR_C("a"), 1, 1 }, /* bytes are unsigned */
        { WD_STR_C("a\0b"), WD_STR_C("a\0c"), -1, -1 },
        { WD_STR_C("a\0"), WD_STR_C("a"), 1, 1 },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        ck_assert_int_eq(sign(wd_str_cmp(rows[i].a, rows[i].b)), rows[i].order);
        ck_assert_int_eq(sign(wd_str_cmp(rows[i].b, rows[i].a)), -rows[i].order);
        ck_assert_int_eq(sign(wd_str_icmp(rows[i].a, rows[i].b)), rows[i].folded);
        ck_assert_int_eq(sign(wd_str_icmp(rows[i].b, rows[i].a)), -rows[i].folded);
        ck_assert_int_eq(wd_str_eq(rows[i].a, rows[i].b), rows[i].order == 0);
        ck_assert_int_eq(wd_str_ieq(rows[i].a, rows[i].b), rows[i].folded == 0);
    }
}
END_TEST

START_TEST(starts_and_ends)
{
    static const struct {
        struct wd_str s, part;
        bool starts, istarts, ends, iends;
    } rows[] = {
        { WD_STR_C("Subject: x"), WD_STR_C("Subject"), true, true, false, false },
        { WD_STR_C("Subject: x"), WD_STR_C("subject"), false, true, false, false },
        { WD_STR_C("a.PEM"), WD_STR_C(".pem"), false, false, false, true },
        { WD_STR_C("a.pem"), WD_STR_C(".pem"), false, false, true, true },
        { WD_STR_C("abc"), WD_STR_C("abc"), true, true, true, true },
        { WD_STR_C("abc"), WD_STR_C("abcd"), false, false, false, false },
        { WD_STR_C("abc"), WD_STR_C(""), true, true, true, true },
        { WD_STR_C(""), WD_STR_C(""), true, true, true, true },
        { { NULL, 0 }, { NULL, 0 }, true, true, true, true },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        ck_assert_int_eq(wd_str_starts(rows[i].s, rows[i].part), rows[i].starts);
        ck_assert_int_eq(wd_str_istarts(rows[i].s, rows[i].part), rows[i].istarts);
        ck_assert_int_eq(wd_str_ends(rows[i].s, rows[i].part), rows[i].ends);
        ck_assert_int_eq(wd_str_iends(rows[i].s, rows[i].part), rows[i].iends);
    }
}
END_TEST

START_TEST(finding)
{
    static const struct {
        struct wd_str s, needle;
        size_t at, iat;
    } rows[] = {
        { WD_STR_C("hello world"), WD_STR_C("world"), 6, 6 },
        { WD_STR_C("hello World"), WD_STR_C("wORLD"), SIZE_MAX, 6 },
        { WD_STR_C("aaab"), WD_STR_C("aab"), 1, 1 },
        { WD_STR_C("abc"), WD_STR_C(""), 0, 0 },
        { WD_STR_C(""), WD_STR_C("a"), SIZE_MAX, SIZE_MAX },
        { WD_STR_C("ab"), WD_STR_C("abc"), SIZE_MAX, SIZE_MAX },
        { WD_STR_C("a\0b"), WD_STR_C("\0b"), 1, 1 },
        { { NULL, 0 }, WD_STR_C("a"), SIZE_MAX, SIZE_MAX },
        { { NULL, 0 }, { NULL, 0 }, 0, 0 },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        ck_assert_uint_eq(wd_str_find(rows[i].s, rows[i].needle), rows[i].at);
        ck_assert_uint_eq(wd_str_ifind(rows[i].s, rows[i].needle), rows[i].iat);
    }
    ck_assert_uint_eq(wd_str_chr(S("a.b.c"), '.'), 1);
    ck_assert_uint_eq(wd_str_rchr(S("a.b.c"), '.'), 3);
    ck_assert_uint_eq(wd_str_chr(S("abc"), '.'), SIZE_MAX);
    ck_assert_uint_eq(wd_str_rchr(S("abc"), '.'), SIZE_MAX);
    ck_assert_uint_eq(wd_str_chr(WD_NONE, '.'), SIZE_MAX);
    ck_assert_uint_eq(wd_str_rchr(WD_NONE, '.'), SIZE_MAX);
    ck_assert_uint_eq(wd_str_chr(S("a\0b"), '\0'), 1);
}
END_TEST

START_TEST(parts)
{
    struct wd_str s = S("abcdef");

    ck_assert(wd_str_eq(wd_str_part(s, 1, 3), S("bc")));
    ck_assert(wd_str_eq(wd_str_part(s, 0, SIZE_MAX), s));
    ck_assert(wd_str_eq(wd_str_part(s, 4, 100), S("ef")));
    ck_assert_uint_eq(wd_str_part(s, 100, 200).n, 0);
    ck_assert_uint_eq(wd_str_part(s, 4, 2).n, 0);
    ck_assert_ptr_null(wd_str_part(WD_NONE, 1, 2).p);
    ck_assert_uint_eq(wd_str_c(NULL).n, 0);
    ck_assert_uint_eq(wd_str_c("abc").n, 3);
    ck_assert_uint_eq(wd_str_n("abc", 2).n, 2);
}
END_TEST

START_TEST(trimming)
{
    static const struct {
        struct wd_str s, trimmed, chomped;
    } rows[] = {
        { WD_STR_C(" \t\r\na b \r\n\t"), WD_STR_C("a b"), WD_STR_C(" \t\r\na b \r\n\t") },
        { WD_STR_C("a\r\n"), WD_STR_C("a"), WD_STR_C("a") },
        { WD_STR_C("a\n"), WD_STR_C("a"), WD_STR_C("a") },
        { WD_STR_C("a\n\n"), WD_STR_C("a"), WD_STR_C("a\n") },
        { WD_STR_C("a\r\r\n"), WD_STR_C("a"), WD_STR_C("a\r") },
        { WD_STR_C("a\r"), WD_STR_C("a"), WD_STR_C("a") },
        { WD_STR_C("\r\n"), WD_STR_C(""), WD_STR_C("") },
        { WD_STR_C(" "), WD_STR_C(""), WD_STR_C(" ") },
        { WD_STR_C("\v\f"), WD_STR_C("\v\f"), WD_STR_C("\v\f") },
        { { NULL, 0 }, WD_STR_C(""), WD_STR_C("") },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        ck_assert(wd_str_eq(wd_str_trim(rows[i].s), rows[i].trimmed));
        ck_assert(wd_str_eq(wd_str_chomp(rows[i].s), rows[i].chomped));
    }
}
END_TEST

START_TEST(splitting)
{
    static const struct {
        struct wd_str s;
        const char *pieces[5];
    } rows[] = {
        { WD_STR_C("a,b,c"), { "a", "b", "c" } }, { WD_STR_C("a,"), { "a", "" } }, { WD_STR_C(",a"), { "", "a" } },
        { WD_STR_C(","), { "", "" } },            { WD_STR_C(""), { "" } },        { WD_STR_C("abc"), { "abc" } },
        { WD_STR_C("a,,b"), { "a", "", "b" } },   { { NULL, 0 }, { NULL } },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        struct wd_str rest = rows[i].s, piece;
        size_t n = 0;
        while (wd_str_split(&rest, ',', &piece)) {
            ck_assert_ptr_nonnull(rows[i].pieces[n]);
            ck_assert(wd_str_eq(piece, wd_str_c(rows[i].pieces[n++])));
        }
        ck_assert_ptr_null(rows[i].pieces[n]);
    }
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        struct wd_str s;
        uint64_t max;
        bool ok;
        uint64_t value;
    } rows[] = {
        { WD_STR_C("0"), 10, true, 0 },
        { WD_STR_C("10"), 10, true, 10 },
        { WD_STR_C("11"), 10, false, 0 },
        { WD_STR_C("0007"), 10, true, 7 },
        { WD_STR_C("18446744073709551615"), UINT64_MAX, true, UINT64_MAX },
        { WD_STR_C("18446744073709551616"), UINT64_MAX, false, 0 },
        { WD_STR_C("18446744073709551620"), UINT64_MAX, false, 0 },
        { WD_STR_C("99999999999999999999"), UINT64_MAX, false, 0 },
        { WD_STR_C(""), 10, false, 0 },
        { { NULL, 0 }, 10, false, 0 },
        { WD_STR_C("-1"), 10, false, 0 },
        { WD_STR_C("+1"), 10, false, 0 },
        { WD_STR_C(" 1"), 10, false, 0 },
        { WD_STR_C("1 "), 10, false, 0 },
        { WD_STR_C("0x1"), 10, false, 0 },
        { WD_STR_C("1\0"), 10, false, 0 },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        uint64_t value = 77;
        ck_assert_int_eq(wd_str_u64(rows[i].s, rows[i].max, &value), rows[i].ok);
        ck_assert_uint_eq(value, rows[i].ok ? rows[i].value : 77);
    }
}
END_TEST

START_TEST(numbers_of_32_bits)
{
    uint32_t value = 5;

    ck_assert(!wd_str_u32(S("4294967296"), UINT32_MAX, &value));
    ck_assert_uint_eq(value, 5);
    ck_assert(wd_str_u32(S("4294967295"), UINT32_MAX, &value));
    ck_assert_uint_eq(value, UINT32_MAX);
    ck_assert(!wd_str_u32(S("8"), 7, &value));
}
END_TEST

START_TEST(signed_numbers)
{
    static const struct {
        struct wd_str s;
        bool ok;
        int64_t value;
    } rows[] = {
        { WD_STR_C("-1"), true, -1 },
        { WD_STR_C("0"), true, 0 },
        { WD_STR_C("-0"), true, 0 },
        { WD_STR_C("9223372036854775807"), true, INT64_MAX },
        { WD_STR_C("9223372036854775808"), false, 0 },
        { WD_STR_C("-9223372036854775807"), true, -INT64_MAX },
        { WD_STR_C("--1"), false, 0 },
        { WD_STR_C("-"), false, 0 },
        { WD_STR_C(""), false, 0 },
        { WD_STR_C("+1"), false, 0 },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        int64_t value = 77;
        ck_assert_int_eq(wd_str_i64(rows[i].s, &value), rows[i].ok);
        ck_assert_int_eq(value, rows[i].ok ? rows[i].value : 77);
    }
}
END_TEST

START_TEST(characters)
{
    for (int c = -128; c < 128; c++) {
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        ck_assert_int_eq(wd_lower((char)c), upper ? c + 32 : c);
        ck_assert_int_eq(wd_upper((char)c), lower ? c - 32 : c);
        ck_assert_int_eq(wd_is_alpha((char)c), upper || lower);
        ck_assert_int_eq(wd_is_digit((char)c), c >= '0' && c <= '9');
        ck_assert_int_eq(wd_is_space((char)c), c == ' ' || c == '\t' || c == '\r' || c == '\n');
    }
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("str");

    tcase_add_test(cases, order_and_equality);
    tcase_add_test(cases, starts_and_ends);
    tcase_add_test(cases, finding);
    tcase_add_test(cases, parts);
    tcase_add_test(cases, trimming);
    tcase_add_test(cases, splitting);
    tcase_add_test(cases, numbers);
    tcase_add_test(cases, numbers_of_32_bits);
    tcase_add_test(cases, signed_numbers);
    tcase_add_test(cases, characters);
    return run_case("str", cases);
}
