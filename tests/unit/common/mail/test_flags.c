#include "common/mail/flags.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

START_TEST(system_flags)
{
    unsigned all = 0;

    for (const struct wd_flag_name *f = wd_flag_names(); f->bit; f++) {
        ck_assert_uint_eq(all & f->bit, 0);
        all |= f->bit;
        ck_assert_uint_eq(wd_flag_bit(f->name), f->bit);
        ck_assert(!wd_keyword_valid(f->name));
    }
    ck_assert_uint_eq(all, 31);
    ck_assert_uint_eq(wd_flag_bit(WD_STR("\\SEEN")), WD_FLAG_SEEN);
    ck_assert_uint_eq(wd_flag_bit(WD_STR("\\seen")), WD_FLAG_SEEN);
    ck_assert_uint_eq(wd_flag_bit(WD_STR("Seen")), 0);
    ck_assert_uint_eq(wd_flag_bit(WD_STR("\\Recent")), 0);
    ck_assert_uint_eq(wd_flag_bit(WD_STR("\\See")), 0);
    ck_assert_uint_eq(wd_flag_bit(WD_NONE), 0);
}
END_TEST

START_TEST(keywords)
{
    static const struct {
        struct wd_str name;
        bool valid;
    } rows[] = {
        { WD_STR_C("$Forwarded"), true }, { WD_STR_C("NonJunk"), true }, { WD_STR_C("a.b-c_d/e:f"), true },
        { WD_STR_C("[x"), true },         { WD_STR_C("x]"), false },     { WD_STR_C(""), false },
        { WD_STR_C("a b"), false },       { WD_STR_C("a(b"), false },    { WD_STR_C("a)b"), false },
        { WD_STR_C("a{b"), false },       { WD_STR_C("a%b"), false },    { WD_STR_C("a*b"), false },
        { WD_STR_C("a\"b"), false },      { WD_STR_C("a\\b"), false },   { WD_STR_C("\\x"), false },
        { WD_STR_C("a\x7f"), false },     { WD_STR_C("a\0b"), false },   { WD_STR_C("\xc3\xa4"), false },
    };
    char longest[WD_KEYWORD_MAX + 1];

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        ck_assert_msg(wd_keyword_valid(rows[i].name) == rows[i].valid, "row %zu", i);
    memset(longest, 'x', sizeof longest);
    ck_assert(wd_keyword_valid(wd_str_n(longest, WD_KEYWORD_MAX)));
    ck_assert(!wd_keyword_valid(wd_str_n(longest, WD_KEYWORD_MAX + 1)));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("flags");

    tcase_add_test(cases, system_flags);
    tcase_add_test(cases, keywords);
    return run_case("flags", cases);
}
