#include "frontends/lmtp/envelope.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

static const struct {
    const char *args;
    enum lmtp_arg_result result;
    const char *sender;
    uint64_t size;
    bool utf8;
} mails[] = {
    { "FROM:<a@b.c>", LMTP_ARGS_OK, "a@b.c", 0, false },
    { "from:<a@b.c> SIZE=12 BODY=8BITMIME SMTPUTF8", LMTP_ARGS_OK, "a@b.c", 12, true },
    { "FROM:<a@b.c>   size=0   X-OTHER=y  RET", LMTP_ARGS_OK, "a@b.c", 0, false },
    { "FROM: <a@b.c>", LMTP_ARGS_OK, "a@b.c", 0, false },
    { "FROM:<>", LMTP_ARGS_OK, "", 0, false },
    { "FROM:<> SIZE=5", LMTP_ARGS_OK, "", 5, false },
    { "FROM:<@x,@y:a@b.c>", LMTP_ARGS_OK, "a@b.c", 0, false },
    { "FROM:<\xc3\xa4@b.c>", LMTP_ARGS_OK, "\xc3\xa4@b.c", 0, false },
    { "FROM:a@b.c", LMTP_ARGS_BAD_SYNTAX, "", 0, false },
    { "TO:<a@b.c>", LMTP_ARGS_BAD_SYNTAX, "", 0, false },
    { "FROM:", LMTP_ARGS_BAD_SYNTAX, "", 0, false },
    { "FROM:<a@b.c", LMTP_ARGS_BAD_ADDRESS, "", 0, false },
    { "FROM:<a@>", LMTP_ARGS_BAD_ADDRESS, "", 0, false },
    { "FROM:<a\x01@b>", LMTP_ARGS_BAD_ADDRESS, "", 0, false },
    { "FROM:<a@b.c> SIZE=x", LMTP_ARGS_BAD_PARAMETER, "", 0, false },
    { "FROM:<a@b.c> SIZE=-1", LMTP_ARGS_BAD_PARAMETER, "", 0, false },
    { "FROM:<a@b.c> SIZE", LMTP_ARGS_BAD_PARAMETER, "", 0, false },
    { "FROM:<a@b.c> BODY=BINARYMIME", LMTP_ARGS_BAD_PARAMETER, "", 0, false },
};

START_TEST(mail_arguments)
{
    struct wd_arena *a = wd_arena_new(0);
    struct lmtp_mail_args out;

    ck_assert_int_eq(lmtp_mail_args(a, wd_str_c(mails[_i].args), &out), mails[_i].result);
    if (mails[_i].result == LMTP_ARGS_OK) {
        ck_assert(wd_str_eq(out.sender, wd_str_c(mails[_i].sender)));
        ck_assert_uint_eq(out.size, mails[_i].size);
        ck_assert_int_eq(out.utf8, mails[_i].utf8);
    }
    wd_arena_free(a);
}
END_TEST

static const struct {
    const char *args;
    enum lmtp_arg_result result;
    const char *recipient;
} rcpts[] = {
    { "TO:<a+b@c.d>", LMTP_ARGS_OK, "a+b@c.d" },
    { "to:<Postmaster>", LMTP_ARGS_OK, "Postmaster" },
    { "TO:<a@b.c> NOTIFY=NEVER", LMTP_ARGS_OK, "a@b.c" },
    { "TO:<>", LMTP_ARGS_BAD_ADDRESS, "" },
    { "TO:<a>", LMTP_ARGS_BAD_ADDRESS, "" },
    { "TO:<a b@c>", LMTP_ARGS_BAD_ADDRESS, "" },
    { "TO:a@b.c", LMTP_ARGS_BAD_SYNTAX, "" },
    { "", LMTP_ARGS_BAD_SYNTAX, "" },
};

START_TEST(rcpt_arguments)
{
    struct wd_arena *a = wd_arena_new(0);
    struct wd_str recipient;

    ck_assert_int_eq(lmtp_rcpt_args(a, wd_str_c(rcpts[_i].args), &recipient), rcpts[_i].result);
    if (rcpts[_i].result == LMTP_ARGS_OK)
        ck_assert(wd_str_eq(recipient, wd_str_c(rcpts[_i].recipient)));
    wd_arena_free(a);
}
END_TEST

/* Whatever follows a broken line: no byte of it may be read. */
START_TEST(mail_arguments_cut_at_every_byte)
{
    const char *line = "FROM:<\"q\\\" x\"@[1.2.3.4]> SIZE=1 BODY=7BIT";
    struct wd_arena *a = wd_arena_new(0);
    struct lmtp_mail_args out;
    struct wd_str recipient;
    size_t n;

    for (n = 0; n <= strlen(line); n++) {
        char *copy = malloc(n ? n : 1);

        memcpy(copy, line, n);
        lmtp_mail_args(a, wd_str_n(copy, n), &out);
        lmtp_rcpt_args(a, wd_str_n(copy, n), &recipient);
        free(copy);
    }
    wd_arena_free(a);
}
END_TEST

START_TEST(bdat_arguments)
{
    uint64_t size;
    bool last;

    ck_assert_int_eq(lmtp_bdat_args(WD_STR("100"), &size, &last), LMTP_ARGS_OK);
    ck_assert(size == 100 && !last);
    ck_assert_int_eq(lmtp_bdat_args(WD_STR("0  last"), &size, &last), LMTP_ARGS_OK);
    ck_assert(size == 0 && last);
    ck_assert_int_eq(lmtp_bdat_args(WD_STR("1 LAST x"), &size, &last), LMTP_ARGS_BAD_SYNTAX);
    ck_assert_int_eq(lmtp_bdat_args(WD_STR("-1"), &size, &last), LMTP_ARGS_BAD_SYNTAX);
    ck_assert_int_eq(lmtp_bdat_args(WD_STR("LAST"), &size, &last), LMTP_ARGS_BAD_SYNTAX);
    ck_assert_int_eq(lmtp_bdat_args(WD_STR("99999999999"), &size, &last), LMTP_ARGS_BAD_SYNTAX);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("envelope");

    tcase_add_loop_test(t, mail_arguments, 0, (int)(sizeof mails / sizeof mails[0]));
    tcase_add_loop_test(t, rcpt_arguments, 0, (int)(sizeof rcpts / sizeof rcpts[0]));
    tcase_add_test(t, mail_arguments_cut_at_every_byte);
    tcase_add_test(t, bdat_arguments);
    return run_case("envelope", t);
}
