#include "store-svc/port/regex.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

static const struct {
    const char *pattern, *options, *text;
    bool matches;
} rows[] = {
    { "abc", "", "xxabcxx", true },      { "abc", "", "xxabxx", false },      { "^abc", "", "abcd", true },
    { "^abc", "", "xabc", false },       { "abc$", "", "xabc", true },        { "abc$", "", "abcx", false },
    { "^$", "", "", true },              { "^$", "", "a", false },            { "", "", "anything", true },
    { "a.c", "", "abc", true },          { "a.c", "", "a\nc", false },        { "a\\.c", "", "abc", false },
    { "a\\.c", "", "a.c", true },        { "ab*c", "", "ac", true },          { "ab*c", "", "abbbc", true },
    { "ab+c", "", "ac", false },         { "ab+c", "", "abbc", true },        { "ab?c", "", "abbc", false },
    { "[a-c]+x", "", "zzbax", true },    { "[^a-c]x", "", "ax", false },      { "[]]", "", "]", true },
    { "[a-]", "", "-", true },           { "\\d+-\\w", "", "x12-_", true },   { "\\s", "", "a b", true },
    { "cat|dog", "", "hotdog", true },   { "^cat|dog$", "", "a dog", true },  { "^cat|dog$", "", "a dogs", false },
    { "ABC", "", "abc", false },         { "ABC", "i", "xabcx", true },       { "[A-C]+$", "i", "xcab", true },
    { "ÄÖ", "i", "xäöx", true },         { "МИР", "i", "мир", true },         { "a.c", "", "aéc", true },
    { "a*a*a*a*a*b", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false },
    { "\\/\\-\\[", "", "/-[", true },
};

START_TEST(patterns_match_what_they_say)
{
    struct wd_regex *r wd_auto(wd_regex_freep) = NULL;
    struct wd_error err;

    ck_assert_msg(wd_regex_new(wd_str_c(rows[_i].pattern), rows[_i].options, &r, &err), "%s", err.text);
    ck_assert_msg(wd_regex_test(r, wd_str_c(rows[_i].text)) == rows[_i].matches, "/%s/ on '%s'", rows[_i].pattern,
                  rows[_i].text);
}
END_TEST

static const char *const bad[] = { "(a)", "a{2}", "*a", "a**", "[a", "[b-a]", "\\", "\\q", "a\\1", "[a-\\d]" };

START_TEST(what_is_outside_of_the_subset_is_refused)
{
    struct wd_regex *r = NULL;
    struct wd_error err;

    ck_assert(!wd_regex_new(wd_str_c(bad[_i]), "", &r, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

START_TEST(a_long_pattern_and_an_unknown_option_are_refused)
{
    char pattern[400];
    struct wd_regex *r = NULL;
    struct wd_error err;

    memset(pattern, 'a', sizeof pattern);
    ck_assert(!wd_regex_new(wd_str_n(pattern, sizeof pattern), "", &r, &err));
    ck_assert(!wd_regex_new(WD_STR("a"), "x", &r, &err));
    ck_assert(wd_regex_new(wd_str_n("a\0b", 3), "", &r, &err));
    ck_assert(wd_regex_test(r, wd_str_n("xa\0b", 4)) && !wd_regex_test(r, WD_STR("ab")));
    ck_assert(!wd_regex_test(r, wd_str_n("\xff\xfe", 2)));
    wd_regex_free(r);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("regex");

    tcase_add_loop_test(t, patterns_match_what_they_say, 0, (int)WD_COUNT(rows));
    tcase_add_loop_test(t, what_is_outside_of_the_subset_is_refused, 0, (int)WD_COUNT(bad));
    tcase_add_test(t, a_long_pattern_and_an_unknown_option_are_refused);
    return run_case("regex", t);
}
