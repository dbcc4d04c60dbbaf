#include "frontends/pop3/reply.h"

#include "common/base/lifetime.h"
#include "tests/run.h"

static const struct {
    bool ok;
    const char *code, *text, *line;
} rows[] = {
    { true, NULL, "Bye", "+OK Bye\r\n" },
    { true, NULL, "", "+OK \r\n" },
    { false, NULL, "No such message", "-ERR No such message\r\n" },
    { false, "AUTH", "No", "-ERR [AUTH] No\r\n" },
    { false, "SYS/TEMP", "a\r\n+OK b", "-ERR [SYS/TEMP] a??+OK b\r\n" },
    { true, NULL, "\x01\x7f\xc3\xa4", "+OK ????\r\n" },
};

START_TEST(a_reply_is_one_line)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&out, "before");
    pop3_reply_add(&out, rows[_i].ok, rows[_i].code, wd_str_c(rows[_i].text));
    ck_assert(wd_str_eq(wd_str_part(wd_buf_view(&out), 6, out.n), wd_str_c(rows[_i].line)));
}
END_TEST

START_TEST(a_reply_is_cut_to_its_limit)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    char text[2000];

    memset(text, 'x', sizeof text);
    pop3_reply_add(&out, false, "SYS/PERM", wd_str_n(text, sizeof text));
    ck_assert_uint_eq(out.n, POP3_REPLY_MAX);
    ck_assert(wd_str_ends(wd_buf_view(&out), WD_STR("x\r\n")));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("reply");

    tcase_add_loop_test(t, a_reply_is_one_line, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, a_reply_is_cut_to_its_limit);
    return run_case("reply", t);
}
