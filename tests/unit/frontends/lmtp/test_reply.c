#include "frontends/lmtp/reply.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

static struct wd_buf out;

static void
free_out(void)
{
    wd_buf_done(&out);
}

START_TEST(line_has_code_status_and_text)
{
    lmtp_reply_add(&out, 250, "2.1.5", WD_STR("fine"));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("250 2.1.5 fine\r\n")));
    out.n = 0;
    lmtp_reply_add(&out, 354, NULL, WD_STR("go"));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("354 go\r\n")));
}
END_TEST

START_TEST(text_cannot_end_the_line)
{
    lmtp_reply_add(&out, 550, "5.1.1", WD_STR("a\r\n250 b\xc3\xa4\x7f"));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("550 5.1.1 a??250 b???\r\n")));
}
END_TEST

START_TEST(text_is_cut_to_a_reply_line)
{
    char text[2000];

    memset(text, 'x', sizeof text);
    lmtp_reply_add(&out, 550, "5.1.1", wd_str_n(text, sizeof text));
    ck_assert_uint_eq(out.n, LMTP_REPLY_MAX);
    ck_assert(wd_str_ends(wd_buf_view(&out), WD_STR("x\r\n")));
}
END_TEST

START_TEST(reasons_have_their_codes)
{
    lmtp_reply_reason(&out, WD_RECIPIENT_UNKNOWN, WD_STR("nobody"));
    lmtp_reply_reason(&out, WD_OVER_QUOTA, WD_NONE);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("550 5.1.1 nobody\r\n552 5.2.2 OVER_QUOTA\r\n")));
}
END_TEST

/* A wrong service token or a bug in the store must not bounce mail. */
START_TEST(failure_of_the_store_is_temporary_for_every_reason)
{
    static const enum wd_reason reasons[] = { WD_UNAVAILABLE, WD_UNAUTHENTICATED, WD_FORBIDDEN, WD_INVALID,
                                              WD_RPC_TOO_BIG, WD_DATA_LOSS,       WD_DUPLICATE, WD_DEADLINE };
    size_t i;

    for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct wd_error err;

        wd_fail(&err, reasons[i], "why");
        out.n = 0;
        lmtp_reply_failure(&out, &err);
        ck_assert(wd_str_starts(wd_buf_view(&out), WD_STR("451 4.")));
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("reply");

    tcase_add_checked_fixture(t, NULL, free_out);
    tcase_add_test(t, line_has_code_status_and_text);
    tcase_add_test(t, text_cannot_end_the_line);
    tcase_add_test(t, text_is_cut_to_a_reply_line);
    tcase_add_test(t, reasons_have_their_codes);
    tcase_add_test(t, failure_of_the_store_is_temporary_for_every_reason);
    return run_case("reply", t);
}
