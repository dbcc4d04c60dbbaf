#include "common/net/sasl.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/b64.h"
#include "common/base/lifetime.h"
#include "tests/run.h"

/* The answer `bytes` in base64 to a mechanism at its first step. */
static enum wd_sasl_result
give(struct wd_sasl *s, struct wd_str bytes)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_b64_encode(&text, bytes.p, bytes.n, WD_B64_PADDED);
    return wd_sasl_step(s, wd_buf_view(&text));
}

static const struct {
    struct wd_str mechanism, bytes;
    enum wd_sasl_result result;
    const char *user, *password, *token;
} rows[] = {
    { WD_STR_C("PLAIN"), WD_STR_C("\0user\0pass"), WD_SASL_DONE, "user", "pass", "" },
    { WD_STR_C("plain"), WD_STR_C("admin\0user\0pass"), WD_SASL_DONE, "user", "pass", "" },
    { WD_STR_C("PLAIN"), WD_STR_C("\0 user \0\tpass word "), WD_SASL_DONE, "user", "pass word", "" },
    { WD_STR_C("PLAIN"), WD_STR_C("\0us\xc3\xa9r\0p\xc3\xa4ss"), WD_SASL_DONE, "us\xc3\xa9r", "p\xc3\xa4ss", "" },
    { WD_STR_C("PLAIN"), WD_STR_C("user\0pass"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C("\0user\0pass\0token"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C("\0user\0pass\0"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C("\0a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C("\0\0pass"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C("\0user\0"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C("\0\0"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN"), WD_STR_C(""), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN-CLIENTTOKEN"), WD_STR_C("\0user\0pass\0any token"), WD_SASL_DONE, "user", "pass", "any token" },
    { WD_STR_C("PLAIN-CLIENTTOKEN"), WD_STR_C("\0user\0pass\0"), WD_SASL_DONE, "user", "pass", "" },
    { WD_STR_C("PLAIN-CLIENTTOKEN"), WD_STR_C("\0user\0pass"), WD_SASL_BAD, NULL, NULL, NULL },
    { WD_STR_C("PLAIN-CLIENTTOKEN"), WD_STR_C("\0user\0pass\0a\0b"), WD_SASL_BAD, NULL, NULL, NULL },
};

START_TEST(one_answer_holds_all)
{
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };

    ck_assert(wd_sasl_begin(&s, rows[_i].mechanism));
    ck_assert_uint_eq(wd_sasl_challenge(&s).n, 0);
    ck_assert_int_eq(give(&s, rows[_i].bytes), rows[_i].result);
    if (rows[_i].result != WD_SASL_DONE)
        return;
    ck_assert(wd_str_eq(s.user, wd_str_c(rows[_i].user)));
    ck_assert(wd_str_eq(s.password, wd_str_c(rows[_i].password)));
    ck_assert(wd_str_eq(s.token, wd_str_c(rows[_i].token)));
}
END_TEST

START_TEST(an_identity_may_stand_in_for_the_user)
{
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };

    ck_assert(wd_sasl_begin(&s, WD_STR("PLAIN")));
    s.any_identity = true;
    ck_assert_int_eq(give(&s, WD_STR("user\0\0pass")), WD_SASL_DONE);
    ck_assert(wd_str_eq(s.user, WD_STR("user")));
    ck_assert(wd_sasl_begin(&s, WD_STR("PLAIN")));
    ck_assert(!s.any_identity);
    ck_assert_int_eq(give(&s, WD_STR("user\0\0pass")), WD_SASL_BAD);
    ck_assert(wd_sasl_begin(&s, WD_STR("PLAIN")));
    s.any_identity = true;
    ck_assert_int_eq(give(&s, WD_STR("\0\0pass")), WD_SASL_BAD);
}
END_TEST

START_TEST(login_asks_twice)
{
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };

    ck_assert(wd_sasl_begin(&s, WD_STR("Login")));
    ck_assert(wd_str_eq(wd_sasl_challenge(&s), WD_STR("VXNlcm5hbWU6")));
    ck_assert_int_eq(give(&s, WD_STR(" someone@example.com ")), WD_SASL_CONTINUE);
    ck_assert(wd_str_eq(wd_sasl_challenge(&s), WD_STR("UGFzc3dvcmQ6")));
    ck_assert_int_eq(give(&s, WD_STR("secret word")), WD_SASL_DONE);
    ck_assert(wd_str_eq(s.user, WD_STR("someone@example.com")));
    ck_assert(wd_str_eq(s.password, WD_STR("secret word")));
    ck_assert_uint_eq(s.token.n, 0);
}
END_TEST

START_TEST(login_refuses_empty_answers_and_nul)
{
    static const struct wd_str bad[] = { WD_STR_C(""), WD_STR_C("  "), WD_STR_C("a\0b") };
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };

    for (size_t i = 0; i < WD_COUNT(bad); i++) {
        ck_assert(wd_sasl_begin(&s, WD_STR("LOGIN")));
        ck_assert_int_eq(give(&s, bad[i]), WD_SASL_BAD);
        ck_assert(wd_sasl_begin(&s, WD_STR("LOGIN")));
        ck_assert_int_eq(give(&s, WD_STR("user")), WD_SASL_CONTINUE);
        ck_assert_int_eq(give(&s, bad[i]), WD_SASL_BAD);
    }
}
END_TEST

START_TEST(answers_that_are_no_base64)
{
    static const struct {
        struct wd_str answer;
        enum wd_sasl_result result;
    } answers[] = { { WD_STR_C("*"), WD_SASL_CANCELLED },    { WD_STR_C("="), WD_SASL_BAD },
                    { WD_STR_C("!!!!"), WD_SASL_BAD },       { WD_STR_C("AHVzZXIAcGFzcw= ="), WD_SASL_BAD },
                    { WD_STR_C("AHVzZXIAcGFzcw"), WD_SASL_DONE }, { WD_STR_C("AHVzZXIAcGFzcw=="), WD_SASL_DONE } };
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };

    for (size_t i = 0; i < WD_COUNT(answers); i++) {
        ck_assert(wd_sasl_begin(&s, WD_STR("PLAIN")));
        ck_assert_int_eq(wd_sasl_step(&s, answers[i].answer), answers[i].result);
    }
}
END_TEST

START_TEST(an_answer_has_a_limit)
{
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };
    char *text = malloc(WD_SASL_LINE_MAX + 4);

    memset(text, 'A', WD_SASL_LINE_MAX + 4);
    ck_assert(wd_sasl_begin(&s, WD_STR("LOGIN")));
    ck_assert_int_eq(wd_sasl_step(&s, wd_str_n(text, WD_SASL_LINE_MAX + 4)), WD_SASL_BAD);
    free(text);
}
END_TEST

START_TEST(unknown_mechanisms)
{
    struct wd_sasl s wd_auto(wd_sasl_done) = { 0 };

    ck_assert(!wd_sasl_begin(&s, WD_STR("CRAM-MD5")));
    ck_assert(!wd_sasl_begin(&s, WD_STR("PLAI")));
    ck_assert(!wd_sasl_begin(&s, WD_STR("")));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("sasl");

    tcase_add_loop_test(cases, one_answer_holds_all, 0, WD_COUNT(rows));
    tcase_add_test(cases, an_identity_may_stand_in_for_the_user);
    tcase_add_test(cases, login_asks_twice);
    tcase_add_test(cases, login_refuses_empty_answers_and_nul);
    tcase_add_test(cases, answers_that_are_no_base64);
    tcase_add_test(cases, an_answer_has_a_limit);
    tcase_add_test(cases, unknown_mechanisms);
    return run_case("sasl", cases);
}
