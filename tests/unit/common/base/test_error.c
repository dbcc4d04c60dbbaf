#include "common/base/error.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tests/run.h"

static int rows;
static int numbers[1000];

static void
check_row(const struct wd_reason_info *info, enum wd_reason reason, void *data)
{
    enum wd_reason found;

    (void)data;
    rows++;
    ck_assert_int_gt(reason, 0);
    ck_assert_int_lt(reason, 1000);
    ck_assert_msg(numbers[reason]++ == 0, "number %d is there twice", reason);
    ck_assert_ptr_eq(wd_reason_info(reason), info);
    ck_assert(wd_reason_named(wd_str_c(info->name), &found));
    ck_assert_int_eq(found, reason);
    ck_assert_msg(info->lmtp >= 400 && info->lmtp < 600, "%s: lmtp", info->name);
    ck_assert_msg(info->lmtp_enhanced[0] == '0' + info->lmtp / 100, "%s: enhanced code of another class", info->name);
    ck_assert_msg(info->http >= 400 && info->http < 600, "%s: http", info->name);
    ck_assert_int_ne(info->status, WD_STATUS_OK);
    ck_assert_str_ne(wd_status_name(info->status), "UNKNOWN");
}

START_TEST(every_row_is_sound)
{
    wd_reason_each(check_row, NULL);
    ck_assert_int_gt(rows, 30);
}
END_TEST

START_TEST(what_nobody_knows_is_internal)
{
    enum wd_reason reason;

    ck_assert_ptr_eq(wd_reason_info((enum wd_reason)9999), wd_reason_info(WD_INTERNAL));
    ck_assert(!wd_reason_named(WD_STR("NO_SUCH_REASON"), &reason));
    ck_assert_str_eq(wd_status_name((enum wd_status)99), "UNKNOWN");
}
END_TEST

START_TEST(texts_are_printable_and_cut_between_characters)
{
    struct wd_error err;
    char text[400];

    ck_assert(!wd_fail(&err, WD_OVER_QUOTA, "a\r\n\tb %s", "\x7f"));
    ck_assert_str_eq(err.text, "a???b ?");
    ck_assert_int_eq(err.reason, WD_OVER_QUOTA);
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        wd_fail(&err, WD_INVALID, "%s", text);
        ck_assert(wd_utf8_valid(wd_str_c(err.text)));
        ck_assert_uint_ge(strlen(err.text), sizeof err.text - 4);
    }
}
END_TEST

START_TEST(context_goes_in_front)
{
    struct wd_error err;

    wd_fail(&err, WD_MAILBOX_NOT_FOUND, "no mailbox '%s'", "x");
    ck_assert(!wd_fail_in(&err, "find"));
    ck_assert_str_eq(err.text, "find: no mailbox 'x'");
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("error");

    tcase_add_test(cases, every_row_is_sound);
    tcase_add_test(cases, what_nobody_knows_is_internal);
    tcase_add_test(cases, texts_are_printable_and_cut_between_characters);
    tcase_add_test(cases, context_goes_in_front);
    return run_case("error", cases);
}
