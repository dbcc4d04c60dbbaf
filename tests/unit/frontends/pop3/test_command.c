#include "frontends/pop3/command.h"

#include "common/base/lifetime.h"
#include "tests/run.h"

START_TEST(rows_are_sorted_by_name)
{
    size_t n;
    const struct pop3_command *rows = pop3_commands(&n);

    ck_assert_uint_eq(n, 15);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_lt(wd_str_cmp(rows[i - 1].name, rows[i].name), 0);
}
END_TEST

START_TEST(every_row_is_found_in_any_case)
{
    size_t n;
    const struct pop3_command *rows = pop3_commands(&n);
    struct wd_str rest;

    for (size_t i = 0; i < n; i++)
        ck_assert_ptr_eq(pop3_command_of(rows[i].name, &rest), &rows[i]);
    ck_assert_ptr_eq(pop3_command_of(WD_STR("rEtR 1"), &rest), pop3_command_of(WD_STR("RETR"), &rest));
}
END_TEST

static const struct {
    const char *line, *name, *rest;
} lines[] = {
    { "USER a b ", "USER", "a b" }, { "pass\t x", "PASS", "x" }, { "  NOOP", "NOOP", "" }, { "QUIT\r", "QUIT", "" },
    { "TOP 1 2", "TOP", "1 2" },    { "", NULL, "" },            { "RET", NULL, "" },      { "RETR1", NULL, "" },
    { "APOP a b", NULL, "" },       { "LAST", NULL, "" },        { "utf8", "UTF8", "" },   { "\xff\x01", NULL, "" },
};

START_TEST(line_gives_command_and_rest)
{
    struct wd_str rest;
    const struct pop3_command *command = pop3_command_of(wd_str_c(lines[_i].line), &rest);

    if (!lines[_i].name) {
        ck_assert_ptr_null(command);
        return;
    }
    ck_assert_ptr_nonnull(command);
    ck_assert(wd_str_eq(command->name, wd_str_c(lines[_i].name)));
    ck_assert(wd_str_eq(rest, wd_str_c(lines[_i].rest)));
}
END_TEST

static const struct {
    enum pop3_grammar grammar;
    const char *rest;
    bool good;
    struct pop3_args args;
} arguments[] = {
    { ARGS_NONE, "", true, { 0 } },
    { ARGS_NONE, "x", false, { 0 } },
    { ARGS_TEXT, "", false, { 0 } },
    { ARGS_TEXT, "a  b", true, { .text = { "a  b", 4 } } },
    { ARGS_MAY_TEXT, "", true, { 0 } },
    { ARGS_MAY_TEXT, "x", true, { .text = { "x", 1 } } },
    { ARGS_NUMBER, "1", true, { .has_number = true, .number = 1 } },
    { ARGS_NUMBER, "0", true, { .has_number = true } },
    { ARGS_NUMBER, "4294967295", true, { .has_number = true, .number = UINT32_MAX } },
    { ARGS_NUMBER, "4294967296", false, { 0 } },
    { ARGS_NUMBER, "", false, { 0 } },
    { ARGS_NUMBER, "-1", false, { 0 } },
    { ARGS_NUMBER, "+1", false, { 0 } },
    { ARGS_NUMBER, "1 2", false, { 0 } },
    { ARGS_NUMBER, "1x", false, { 0 } },
    { ARGS_MAY_NUMBER, "", true, { 0 } },
    { ARGS_MAY_NUMBER, "7", true, { .has_number = true, .number = 7 } },
    { ARGS_MAY_NUMBER, "x", false, { 0 } },
    { ARGS_NUMBER_LINES, "1 2", true, { .has_number = true, .number = 1, .lines = 2 } },
    { ARGS_NUMBER_LINES, "1   0", true, { .has_number = true, .number = 1 } },
    { ARGS_NUMBER_LINES, "1", false, { 0 } },
    { ARGS_NUMBER_LINES, "", false, { 0 } },
    { ARGS_NUMBER_LINES, "1 x", false, { 0 } },
    { ARGS_NUMBER_LINES, "1 2 3", false, { 0 } },
    { ARGS_NUMBER_LINES, "1 99999999999", false, { 0 } },
};

START_TEST(arguments_follow_the_grammar)
{
    const struct pop3_args *want = &arguments[_i].args;
    struct pop3_args args;
    bool good = pop3_args_read(arguments[_i].grammar, wd_str_c(arguments[_i].rest), &args);

    ck_assert_int_eq(good, arguments[_i].good);
    if (!good)
        return;
    ck_assert_int_eq(args.has_number, want->has_number);
    ck_assert_uint_eq(args.number, want->number);
    ck_assert_uint_eq(args.lines, want->lines);
    if (want->text.n)
        ck_assert(wd_str_eq(args.text, want->text));
}
END_TEST

START_TEST(every_grammar_can_be_told)
{
    for (int i = 0; i < ARGS_KINDS; i++)
        ck_assert_ptr_nonnull(pop3_args_help((enum pop3_grammar)i));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("command");

    tcase_add_test(t, rows_are_sorted_by_name);
    tcase_add_test(t, every_row_is_found_in_any_case);
    tcase_add_loop_test(t, line_gives_command_and_rest, 0, (int)WD_COUNT(lines));
    tcase_add_loop_test(t, arguments_follow_the_grammar, 0, (int)WD_COUNT(arguments));
    tcase_add_test(t, every_grammar_can_be_told);
    return run_case("command", t);
}
