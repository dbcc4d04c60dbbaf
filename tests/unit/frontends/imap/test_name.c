#include "frontends/imap/name.h"

#include "tests/unit/frontends/imap/harness.h"

static const struct {
    const char *pattern, *path;
    bool matches;
} patterns[] = {
    { "*", "", true },           { "*", "a/b", true },          { "%", "a", true },          { "%", "a/b", false },
    { "", "", true },            { "", "a", false },            { "a", "a", true },          { "a", "A", false },
    { "a*", "a/b/c", true },     { "a%", "a/b", false },        { "a/%", "a/b", true },      { "a/%", "a/b/c", false },
    { "%/%", "a/b", true },      { "%/%", "a", false },         { "*b", "a/b", true },       { "*b", "b", true },
    { "*b*", "xxbyy", true },    { "%b%", "xxbyy", true },      { "%b%", "x/b", false },     { "*/%", "a/b/c", true },
    { "a%c", "abc", true },      { "a%c", "ac", true },         { "a%c", "a/c", false },     { "a*c", "a/c", true },
    { "%a%b%", "xaxxbx", true }, { "%a%b", "xaxbxc", false },   { "**", "a", true },         { "%%", "a/b", false },
    { "%*", "a/b", true },       { "*%", "a/b", true },         { "a/*", "a", false },       { "INBOX", "INBOX", true },
    { "%/b/*d", "a/b/c/d", true }, { "%/b/%d", "a/b/c/d", false },
};

START_TEST(pattern)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);

    if (imap_name_matches(a, wd_str_c(patterns[_i].pattern), wd_str_c(patterns[_i].path)) != patterns[_i].matches)
        ck_abort_msg("%s and %s", patterns[_i].pattern, patterns[_i].path);
}
END_TEST

static const struct {
    const char *name, *path; /* NULL: refused */
    bool utf8;
} names[] = {
    { "inbox", "INBOX", false },
    { "InBox/x", "INBOX/x", false },
    { "inboxes", "inboxes", false },
    { "/a/b/", "a/b", false },
    { "//a", "/a", false },
    { "/", "", false },
    { "&AOk-t&AOk-", "\xc3\xa9t\xc3\xa9", false },
    { "&AOk-", "&AOk-", true },
    { "a&-b", "a&b", false },
    { "R&D", "R&D", false }, /* no modified UTF-7: as it is */
    { "\xc3\xa9", "\xc3\xa9", false },
    { "\xff", NULL, false },
    { "a\x01", NULL, false },
};

START_TEST(name_to_path)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_str path = WD_NONE;
    bool good = imap_name_path(a, wd_str_c(names[_i].name), names[_i].utf8, &path);

    ck_assert(good == (names[_i].path != NULL));
    if (good && !wd_str_eq(path, wd_str_c(names[_i].path)))
        ck_abort_msg("%s gives %.*s", names[_i].name, WD_FMT(path));
}
END_TEST

START_TEST(order)
{
    static const char *const sorted[] = { "INBOX", "INBOX/a", "A", "a", "a/b", "a/b/c", "a b", "ab", "Zz", "zz/y" };

    for (size_t i = 0; i < WD_COUNT(sorted); i++)
        for (size_t k = 0; k < WD_COUNT(sorted); k++) {
            int is = imap_name_cmp(wd_str_c(sorted[i]), wd_str_c(sorted[k]));
            ck_assert_int_eq((is > 0) - (is < 0), (i > k) - (i < k));
        }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("name");

    tcase_add_loop_test(t, pattern, 0, (int)WD_COUNT(patterns));
    tcase_add_loop_test(t, name_to_path, 0, (int)WD_COUNT(names));
    tcase_add_test(t, order);
    return run_case("imap name", t);
}
