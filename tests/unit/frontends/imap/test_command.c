#include "frontends/imap/command.h"

#include "tests/unit/frontends/imap/harness.h"

START_TEST(rows_are_sorted_and_sound)
{
    size_t n;
    const struct imap_command *rows = imap_command_all(&n);

    for (size_t i = 0; i < n; i++) {
        ck_assert(i == 0 || wd_str_cmp(rows[i - 1].name, rows[i].name) < 0);
        ck_assert_msg(imap_args_grammar_known(rows[i].grammar), "%s", rows[i].grammar);
        ck_assert(rows[i].states);
        ck_assert(wd_str_starts(rows[i].name, WD_STR("UID ")) == !!(rows[i].flags & F_UID));
    }
}
END_TEST

START_TEST(names_are_found_in_any_case)
{
    const struct imap_command *row = imap_command_find(WD_STR("uid"), WD_STR("fetch"));

    ck_assert_ptr_nonnull(row);
    ck_assert(wd_str_eq(row->name, WD_STR("UID FETCH")));
    ck_assert_ptr_nonnull(imap_command_find(WD_STR("append"), WD_STR("x")));
    ck_assert_ptr_nonnull(imap_command_find(WD_STR("XLIST"), WD_NONE));
    ck_assert_ptr_null(imap_command_find(WD_STR("UID"), WD_STR("NOOP")));
    ck_assert_ptr_null(imap_command_find(WD_STR("UID"), WD_NONE));
    ck_assert_ptr_null(imap_command_find(WD_STR("UID FETCH"), WD_NONE));
    ck_assert_ptr_null(imap_command_find(WD_STR("XAPPLEPUSHSERVICE"), WD_NONE));
}
END_TEST

/* RFC 3501 §7.4.1: no EXPUNGE while FETCH, STORE or SEARCH runs. */
START_TEST(no_expunge_where_numbers_are_in_use)
{
    static const struct wd_str names[] = { WD_STR_C("FETCH"), WD_STR_C("STORE"), WD_STR_C("SEARCH") };

    for (size_t i = 0; i < WD_COUNT(names); i++)
        ck_assert(!(imap_command_find(names[i], WD_NONE)->tells & IMAP_TELL_EXPUNGE));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("command");

    tcase_add_test(t, rows_are_sorted_and_sound);
    tcase_add_test(t, names_are_found_in_any_case);
    tcase_add_test(t, no_expunge_where_numbers_are_in_use);
    return run_case("imap command", t);
}
