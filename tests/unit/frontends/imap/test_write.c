#include "frontends/imap/write.h"

#include "common/mail/flags.h"
#include "tests/unit/frontends/imap/harness.h"

static const struct {
    struct wd_str text;
    const char *string, *astring;
} strings[] = {
    { WD_STR_C(""), "\"\"", "\"\"" },
    { WD_STR_C("abc"), "\"abc\"", "abc" },
    { WD_STR_C("a b"), "\"a b\"", "\"a b\"" },
    { WD_STR_C("q\"\\"), "\"q\\\"\\\\\"", "\"q\\\"\\\\\"" },
    { WD_STR_C("nil"), "\"nil\"", "\"nil\"" },
    { WD_STR_C("a\r\nb"), "{4}\r\na\r\nb", "{4}\r\na\r\nb" },
    { WD_STR_C("a\0b"), "{2}\r\nab", "{2}\r\nab" },
    { WD_STR_C("\xc3\xa9"), "\"\xc3\xa9\"", "\"\xc3\xa9\"" },
    { WD_STR_C("x*"), "\"x*\"", "\"x*\"" },
};

START_TEST(string)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    imap_write_string(&out, strings[_i].text);
    ck_assert(wd_str_eq(wd_buf_view(&out), wd_str_c(strings[_i].string)));
    out.n = 0;
    imap_write_astring(&out, strings[_i].text);
    ck_assert(wd_str_eq(wd_buf_view(&out), wd_str_c(strings[_i].astring)));
}
END_TEST

START_TEST(flags_mailboxes_and_text)
{
    ProtobufCBinaryData words[] = { imap_to_pb(WD_STR("foo")), imap_to_pb(WD_STR("b)d")), imap_to_pb(WD_STR("$x")) };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    imap_write_flags(&out, 0, NULL, 0);
    imap_write_flags(&out, WD_FLAG_SEEN | WD_FLAG_ANSWERED, words, 3); /* what is no keyword is left out */
    imap_write_flags(&out, 0, words, 1);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("()(\\Answered \\Seen foo $x)(foo)")));
    out.n = 0;
    imap_write_mailbox(&out, WD_STR("\xc3\xa9 & x"), false);
    imap_write_mailbox(&out, WD_STR("\xc3\xa9 & x"), true);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("\"&AOk- &- x\"\"\xc3\xa9 & x\"")));
    out.n = 0;
    imap_write_text(&out, WD_STR("a\r\n* BYE \xc3\xa9"));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("a??* BYE ??")));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("write");

    tcase_add_loop_test(t, string, 0, (int)WD_COUNT(strings));
    tcase_add_test(t, flags_mailboxes_and_text);
    return run_case("imap write", t);
}
