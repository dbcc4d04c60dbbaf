#include "common/mail/utf7.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "tests/run.h"

static const struct {
    struct wd_str utf8, utf7;
} pairs[] = {
    { WD_STR_C(""), WD_STR_C("") },
    { WD_STR_C("INBOX"), WD_STR_C("INBOX") },
    { WD_STR_C("R&D"), WD_STR_C("R&-D") },
    { WD_STR_C("&"), WD_STR_C("&-") },
    { WD_STR_C("&&"), WD_STR_C("&-&-") },
    { WD_STR_C("Entw\xc3\xbcrfe"), WD_STR_C("Entw&APw-rfe") },
    { WD_STR_C("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"),
      WD_STR_C("~peter/mail/&U,BTFw-/&ZeVnLIqe-") }, /* RFC 3501 §5.1.3 */
    { WD_STR_C("\xe2\x98\xba"), WD_STR_C("&Jjo-") },
    { WD_STR_C("\xf0\x9f\x98\x80"), WD_STR_C("&2D3eAA-") },
    { WD_STR_C("\xc3\xa4-"), WD_STR_C("&AOQ--") },
    { WD_STR_C("\xc3\xa4&\xc3\xa4"), WD_STR_C("&AOQ-&-&AOQ-") },
    { WD_STR_C("a\tb"), WD_STR_C("a&AAk-b") },
    { WD_STR_C("\x7f"), WD_STR_C("&AH8-") },
    { WD_STR_C("~"), WD_STR_C("~") },
    { WD_STR_C("\xef\xbf\xbf"), WD_STR_C("&,,8-") },
};

START_TEST(both_directions)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_utf7_encode(&b, pairs[_i].utf8);
    ck_assert_msg(wd_str_eq(wd_buf_view(&b), pairs[_i].utf7), "%.*s", WD_FMT(b));
    b.n = 0;
    ck_assert(wd_utf7_decode(&b, pairs[_i].utf7));
    ck_assert_msg(wd_str_eq(wd_buf_view(&b), pairs[_i].utf8), "%.*s", WD_FMT(b));
}
END_TEST

START_TEST(refused)
{
    static const struct wd_str bad[] = {
        WD_STR_C("&"),       WD_STR_C("a&AOQ"),      WD_STR_C("\xc3\xa4"),    WD_STR_C("a\x80"),    WD_STR_C("a\tb"),
        WD_STR_C("a\x7f"),   WD_STR_C("&A-"),        WD_STR_C("&AO-"),        WD_STR_C("&AOQA-"),   WD_STR_C("&AO=-"),
        WD_STR_C("&AOQ=-"),  WD_STR_C("&AO/k-"),     WD_STR_C("&A Q-"),       WD_STR_C("&2D0-"),    WD_STR_C("&3gA-"),
        WD_STR_C("&2D0AYQ-"), WD_STR_C("&3gDYPQ-"),  WD_STR_C("&2D3YPQ-"),    WD_STR_C("a\0b"),
    };

    for (size_t i = 0; i < WD_COUNT(bad); i++) {
        struct wd_buf b wd_auto(wd_buf_done) = { 0 };
        ck_assert_msg(!wd_utf7_decode(&b, bad[i]), "row %zu", i);
    }
}
END_TEST

START_TEST(bad_utf8_becomes_replacement_characters)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_utf7_encode(&b, WD_STR("a\xff" "b\xc3"));
    ck_assert(wd_str_eq(wd_buf_view(&b), WD_STR("a&,,0-b&,,0-")));
}
END_TEST

START_TEST(every_character_there_and_back)
{
    for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x800 ? 1 : 97) {
        struct wd_buf plain wd_auto(wd_buf_done) = { 0 };
        struct wd_buf text wd_auto(wd_buf_done) = { 0 };
        struct wd_buf back wd_auto(wd_buf_done) = { 0 };
        wd_utf8_add(&plain, c);
        wd_buf_chr(&plain, 'x');
        wd_utf8_add(&plain, c);
        wd_utf7_encode(&text, wd_buf_view(&plain));
        ck_assert(wd_is_ascii(wd_buf_view(&text)));
        ck_assert(wd_utf7_decode(&back, wd_buf_view(&text)));
        ck_assert(wd_str_eq(wd_buf_view(&plain), wd_buf_view(&back)));
    }
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("utf7");

    tcase_add_loop_test(cases, both_directions, 0, WD_COUNT(pairs));
    tcase_add_test(cases, refused);
    tcase_add_test(cases, bad_utf8_becomes_replacement_characters);
    tcase_add_test(cases, every_character_there_and_back);
    return run_case("utf7", cases);
}
