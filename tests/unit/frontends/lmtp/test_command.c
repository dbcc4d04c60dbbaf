#include "frontends/lmtp/command.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

START_TEST(rows_are_sorted_by_name)
{
    size_t n, i;
    const struct lmtp_command *rows = lmtp_commands(&n);

    ck_assert_uint_gt(n, 10);
    for (i = 1; i < n; i++)
        ck_assert_int_lt(wd_str_cmp(rows[i - 1].name, rows[i].name), 0);
}
END_TEST

START_TEST(every_row_is_found_in_any_case)
{
    size_t n, i;
    const struct lmtp_command *rows = lmtp_commands(&n);
    struct wd_str args;

    for (i = 0; i < n; i++)
        ck_assert_ptr_eq(lmtp_command_of(rows[i].name, &args), &rows[i]);
    ck_assert_ptr_eq(lmtp_command_of(WD_STR("lHlO x"), &args), lmtp_command_of(WD_STR("LHLO"), &args));
}
END_TEST

static const struct {
    const char *line, *name, *args;
} lines[] = {
    { "MAIL FROM:<a@b> SIZE=1", "MAIL", "FROM:<a@b> SIZE=1" },
    { "mail\tFROM:<a@b>  ", "MAIL", "FROM:<a@b>" },
    { "  NOOP", "NOOP", "" },
    { "DATA\r", "DATA", "" },
    { "", NULL, "" },
    { "DAT", NULL, "" },
    { "DATAX", NULL, "" },
    { "DATA:x", NULL, "" },
    { "\xff\x01", NULL, "" },
};

START_TEST(line_gives_command_and_arguments)
{
    struct wd_str args;
    const struct lmtp_command *command = lmtp_command_of(wd_str_c(lines[_i].line), &args);

    if (!lines[_i].name) {
        ck_assert_ptr_null(command);
        return;
    }
    ck_assert_ptr_nonnull(command);
    ck_assert(wd_str_eq(command->name, wd_str_c(lines[_i].name)));
    ck_assert(wd_str_eq(args, wd_str_c(lines[_i].args)));
}
END_TEST

START_TEST(web_requests_are_seen)
{
    ck_assert(lmtp_looks_like_http(WD_STR("GET / HTTP/1.1")));
    ck_assert(lmtp_looks_like_http(WD_STR("POST /x HTTP/1.0")));
    ck_assert(lmtp_looks_like_http(WD_STR("PRI * HTTP/2.0")));
    ck_assert(!lmtp_looks_like_http(WD_STR("LHLO HTTP/1.1")));
    ck_assert(!lmtp_looks_like_http(WD_STR("GET")));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("command");

    tcase_add_test(t, rows_are_sorted_by_name);
    tcase_add_test(t, every_row_is_found_in_any_case);
    tcase_add_loop_test(t, line_gives_command_and_arguments, 0, (int)(sizeof lines / sizeof lines[0]));
    tcase_add_test(t, web_requests_are_seen);
    return run_case("command", t);
}
