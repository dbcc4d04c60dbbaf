#include "common/base/utf8.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

static const struct {
    struct wd_str bytes;
    size_t n; /* of the first character; 0: bad */
    uint32_t codepoint;
} rows[] = {
    { WD_STR_C("a"), 1, 'a' },
    { WD_STR_C("\0"), 1, 0 },
    { WD_STR_C("\x7f"), 1, 0x7f },
    { WD_STR_C("\xc2\x80"), 2, 0x80 },
    { WD_STR_C("\xc3\xa4x"), 2, 0xe4 },
    { WD_STR_C("\xdf\xbf"), 2, 0x7ff },
    { WD_STR_C("\xe0\xa0\x80"), 3, 0x800 },
    { WD_STR_C("\xed\x9f\xbf"), 3, 0xd7ff },
    { WD_STR_C("\xee\x80\x80"), 3, 0xe000 },
    { WD_STR_C("\xef\xbf\xbf"), 3, 0xffff },
    { WD_STR_C("\xf0\x90\x80\x80"), 4, 0x10000 },
    { WD_STR_C("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
    { WD_STR_C(""), 0, 0 },
    { WD_STR_C("\x80"), 0, 0 },
    { WD_STR_C("\xbf"), 0, 0 },
    { WD_STR_C("\xc0\x80"), 0, 0 },     /* overlong */
    { WD_STR_C("\xc1\xbf"), 0, 0 },
    { WD_STR_C("\xe0\x9f\xbf"), 0, 0 },
    { WD_STR_C("\xf0\x8f\xbf\xbf"), 0, 0 },
    { WD_STR_C("\xed\xa0\x80"), 0, 0 }, /* surrogates */
    { WD_STR_C("\xed\xbf\xbf"), 0, 0 },
    { WD_STR_C("\xf4\x90\x80\x80"), 0, 0 }, /* above U+10FFFF */
    { WD_STR_C("\xf8\x88\x80\x80\x80"), 0, 0 },
    { WD_STR_C("\xff"), 0, 0 },
    { WD_STR_C("\xc3"), 0, 0 }, /* cut */
    { WD_STR_C("\xe2\x82"), 0, 0 },
    { WD_STR_C("\xf0\x9f\x98"), 0, 0 },
    { WD_STR_C("\xc3" "a"), 0, 0 },
    { WD_STR_C("\xe2\x82" "a"), 0, 0 },
};

START_TEST(first_characters)
{
    uint32_t c = 99;

    ck_assert_uint_eq(wd_utf8_next(rows[_i].bytes, &c), rows[_i].n);
    if (rows[_i].n)
        ck_assert_uint_eq(c, rows[_i].codepoint);
    if (rows[_i].n == 0 && rows[_i].bytes.n)
        ck_assert(!wd_utf8_valid(rows[_i].bytes));
}
END_TEST

START_TEST(every_character_there_and_back)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    for (uint32_t c = 0; c <= 0x110000; c += c < 0x3000 || c > 0x10fff0 ? 1 : 61) {
        uint32_t back = 0, want = c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0xfffd : c;
        b.n = 0;
        wd_utf8_add(&b, c);
        ck_assert_uint_eq(wd_utf8_next(wd_buf_view(&b), &back), b.n);
        ck_assert_uint_eq(back, want);
    }
}
END_TEST

START_TEST(ascii)
{
    ck_assert(wd_is_ascii(WD_STR("abc\0\x7f")));
    ck_assert(wd_is_ascii(WD_NONE));
    ck_assert(!wd_is_ascii(WD_STR("ab\x80")));
    ck_assert(wd_utf8_valid(WD_NONE));
    ck_assert(wd_utf8_valid(WD_STR("gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80")));
    ck_assert(!wd_utf8_valid(WD_STR("gr\xc3\xbc\xc3")));
}
END_TEST

/* Cutting valid text: at most max, a whole number of characters, and as long as that allows. */
START_TEST(cuts_keep_characters_whole)
{
    static const struct wd_str texts[] = { WD_STR_C("plain"), WD_STR_C("\xc3\xa4\xc3\xb6\xc3\xbc"),
                                           WD_STR_C("a\xe2\x82\xac" "b\xe2\x82\xac"),
                                           WD_STR_C("\xf0\x9f\x98\x80\xf0\x9f\x98\x80x"), WD_STR_C("") };

    for (size_t i = 0; i < WD_COUNT(texts); i++)
        for (size_t max = 0; max <= texts[i].n + 2; max++) {
            size_t cut = wd_utf8_cut(texts[i], max), next;
            uint32_t c;
            ck_assert_uint_le(cut, max);
            ck_assert_uint_le(cut, texts[i].n);
            ck_assert(wd_utf8_valid(wd_str_part(texts[i], 0, cut)));
            next = wd_utf8_next(wd_str_part(texts[i], cut, texts[i].n), &c);
            ck_assert(cut == texts[i].n || cut + next > max);
        }
}
END_TEST

START_TEST(cuts_of_bad_bytes_stay_in_bounds)
{
    static const struct {
        struct wd_str s;
        size_t max, cut;
    } cuts[] = {
        { WD_STR_C("\x80\x80\x80\x80\x80\x80"), 3, 3 }, { WD_STR_C("\x80\x80\x80\x80\x80\x80"), 5, 5 },
        { WD_STR_C("a\x80\x80\x80\x80\x80"), 4, 4 },    { WD_STR_C("\xf0\x9f\x98"), 3, 0 },
        { WD_STR_C("a\xc3"), 2, 1 },                    { WD_STR_C("a\xc3"), 9, 1 },
        { WD_STR_C("\xff\xff"), 2, 1 },                 { { NULL, 0 }, 5, 0 },
    };

    for (size_t i = 0; i < WD_COUNT(cuts); i++)
        ck_assert_msg(wd_utf8_cut(cuts[i].s, cuts[i].max) == cuts[i].cut, "row %zu: %zu", i,
                      wd_utf8_cut(cuts[i].s, cuts[i].max));
}
END_TEST

START_TEST(so_many_characters)
{
    struct wd_str s = WD_STR("a\xc3\xa4\xff\xe2\x82\xac" "b");
    static const size_t bytes[] = { 0, 1, 3, 4, 7, 8, 8 };

    for (size_t i = 0; i < WD_COUNT(bytes); i++)
        ck_assert_uint_eq(wd_utf8_first(s, i), bytes[i]);
    ck_assert_uint_eq(wd_utf8_first(s, SIZE_MAX), s.n);
}
END_TEST

START_TEST(repair)
{
    static const struct {
        struct wd_str s, repaired;
    } pairs[] = {
        { WD_STR_C("fine \xc3\xa4"), WD_STR_C("fine \xc3\xa4") },
        { WD_STR_C("a\xff" "b"), WD_STR_C("a\xef\xbf\xbd" "b") },
        { WD_STR_C("\xc3"), WD_STR_C("\xef\xbf\xbd") },
        { WD_STR_C("\xe2\x82x"), WD_STR_C("\xef\xbf\xbd\xef\xbf\xbdx") },
        { { NULL, 0 }, WD_STR_C("") },
    };

    for (size_t i = 0; i < WD_COUNT(pairs); i++) {
        struct wd_buf b wd_auto(wd_buf_done) = { 0 };
        wd_utf8_repair(&b, pairs[i].s);
        ck_assert(wd_str_eq(wd_buf_view(&b), pairs[i].repaired));
    }
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("utf8");

    tcase_add_loop_test(cases, first_characters, 0, WD_COUNT(rows));
    tcase_add_test(cases, every_character_there_and_back);
    tcase_add_test(cases, ascii);
    tcase_add_test(cases, cuts_keep_characters_whole);
    tcase_add_test(cases, cuts_of_bad_bytes_stay_in_bounds);
    tcase_add_test(cases, so_many_characters);
    tcase_add_test(cases, repair);
    return run_case("utf8", cases);
}
