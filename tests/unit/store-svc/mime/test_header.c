#include "store-svc/mime/header.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "common/mail/words.h"
#include "store-svc/mime/envelope.h"
#include "store-svc/mime/params.h"
#include "store-svc/mime/thread.h"
#include "tests/run.h"

static struct wd_arena *arena;

static void
setup(void)
{
    arena = wd_arena_new(0);
}

static void
teardown(void)
{
    wd_arena_free(arena);
}

static const struct {
    const char *raw, *text;
} decoded[] = {
    { "plain", "plain" },
    { " folded\r\n  value ", "folded  value" },
    { "=?utf-8?q?J=C3=A4ne_Doe?=", "J\xc3\xa4ne Doe" },
    { "=?UTF-8?B?SsOkbmU=?=", "J\xc3\xa4ne" },
    { "=?iso-8859-1?q?J=E4ne?= rest", "J\xc3\xa4ne rest" },
    { "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
    { "=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c" },
    { "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4" },
    { "=?utf-8*en?q?x?=", "x" },
    { "=?gb2312?b?1tDOxA==?=", "\xe4\xb8\xad\xe6\x96\x87" },
    { "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
    { "=?koi8-r?q?=D4?=", "\xd1\x82" },
    { "=?no-such-charset?q?x?=", "=?no-such-charset?q?x?=" },
    { "=?utf-8?x?abc?=", "=?utf-8?x?abc?=" },
    { "=?utf-8?q?unclosed", "=?utf-8?q?unclosed" },
    { "=?utf-8?q?what?\?= x", "what? x" },
    { "=?", "=?" },
    { "a=?utf-8?q?b?=c", "abc" },
    { "caf\xe9", "caf\xc3\xa9" },
    { "caf\xc3\xa9", "caf\xc3\xa9" },
    { "=?../../etc/passwd?q?x?=", "=?../../etc/passwd?q?x?=" },
};

START_TEST(value_is_decoded)
{
    struct wd_str got = wd_header_decode(arena, wd_str_c(decoded[_i].raw));

    ck_assert_msg(wd_str_eq(got, wd_str_c(decoded[_i].text)), "'%s' is '%.*s'", decoded[_i].raw, WD_FMT(got));
}
END_TEST

START_TEST(words_are_encoded_and_come_back)
{
    static const char *const texts[] = {
        "J\xc3\xa4ne", "plain", "",
        "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
        "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad x"
    };
    struct wd_str words = wd_words_encode(arena, wd_str_c(texts[_i]));

    for (size_t i = 0; i < words.n; i++)
        ck_assert_int_lt((unsigned char)words.p[i], 128);
    ck_assert(wd_str_eq(wd_words_decode(arena, words), wd_str_c(texts[_i])));
}
END_TEST

START_TEST(fields_are_walked)
{
    struct wd_str block =
        WD_STR("From jane Thu 10:00\r\nA: 1\r\nb : 2\n folded\r\n\tmore\r\r\nno colon\rA: 3\r\n\r\nA: 4\r\n");
    static const char *const want[][2] = { { "", "From jane Thu 10:00" },
                                           { "A", " 1" },
                                           { "b", " 2\n folded\r\n\tmore" },
                                           { "", "no colon" },
                                           { "A", " 3" } };
    struct wd_field f;
    struct wd_str value, rest = block;

    for (size_t i = 0; i < WD_COUNT(want); i++) {
        ck_assert(wd_header_next(&rest, &f));
        ck_assert_msg(wd_str_eq(f.name, wd_str_c(want[i][0])), "name %zu '%.*s'", i, WD_FMT(f.name));
        ck_assert_msg(wd_str_eq(f.value, wd_str_c(want[i][1])), "value %zu '%.*s'", i, WD_FMT(f.value));
    }
    ck_assert(!wd_header_next(&rest, &f));
    ck_assert(wd_header_first(block, WD_STR("a"), &value) && wd_str_eq(value, WD_STR(" 1")));
    ck_assert(wd_header_last(block, WD_STR("a"), &value) && wd_str_eq(value, WD_STR(" 3")));
    ck_assert(!wd_header_first(block, WD_STR("c"), &value));
}
END_TEST

static const struct {
    const char *field, *value, *params;
} params[] = {
    { "text/plain", "text/plain", "" },
    { " Text/Plain ; charset=utf-8", "Text/Plain", "charset=utf-8" },
    { "x; a=\"b; c=d\"; E=f", "x", "a=b; c=d;e=f" },
    { "x; a=\"q\\\"q\"", "x", "a=q\"q" },
    { "x; name=\"C:\\temp\\x.txt\"", "x", "name=C:\\temp\\x.txt" },
    { "x (comment; a=b); c=d", "x", "c=d" },
    { "x; file*=utf-8''%C3%A4.png", "x", "file=\xc3\xa4.png" },
    { "x; file*=iso-8859-1'de'%E4.png", "x", "file=\xc3\xa4.png" },
    { "x; f*0=a; f*1=b; f*2=c", "x", "f=abc" },
    { "x; f*1=b; f*0=a", "x", "f=ab" },
    { "x; f*0*=utf-8''%C3%A4; f*1=%20; f*2*=%20", "x", "f=\xc3\xa4%20 " },
    { "x; f*0=0; f*1=1; f*2=2; f*3=3; f*4=4; f*5=5; f*6=6; f*7=7; f*8=8; f*9=9; f*10=a; f*11=b", "x",
      "f=0123456789ab" },
    { "x; f=plain; f*=utf-8''better", "x", "f=better" },
    { "x; name=\"=?utf-8?q?=C3=A4?=\"", "x", "name=\xc3\xa4" },
    { "x; a=1; a=2", "x", "a=1" },
    { "x; a; b=; c", "x", "a=;b=;c=" },
    { ";;=;", "", "" },
    { "x; f*0*=''; f*=%; g*1=b", "x", "f=%;g=b" },
};

START_TEST(parameters_are_read)
{
    struct wd_params p;
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };

    wd_params_parse(arena, wd_str_c(params[_i].field), &p);
    for (size_t i = 0; i < p.n; i++)
        wd_buf_printf(&got, "%s%.*s=%.*s", i ? ";" : "", WD_FMT(p.p[i].name), WD_FMT(p.p[i].value));
    wd_buf_chr(&got, 0);
    ck_assert_str_eq(got.p, params[_i].params);
    ck_assert(wd_str_eq(p.value, wd_str_c(params[_i].value)));
}
END_TEST

START_TEST(envelope_follows_the_rules)
{
    struct wd_envelope e;

    wd_envelope_read(
        arena,
        WD_STR("From: =?utf-8?q?J=C3=A4ne?= <jane@x>\r\nSubject: one\r\nSubject: =?utf-8?q?t=77o?=\r\nSubject:"
               "\r\nTo: a@b\r\nTo: c@d\r\nDate:  Tue, 1 Jul 2003 10:52:37 +0200\r\nMessage-ID: <1@x>\r\n\r\n"),
        &e);
    ck_assert(wd_str_eq(e.subject, WD_STR("two")));
    ck_assert(wd_str_eq(e.date, WD_STR("Tue, 1 Jul 2003 10:52:37 +0200")));
    ck_assert(e.from.n == 1 && wd_str_eq(e.from.p[0].name, WD_STR("J\xc3\xa4ne")));
    ck_assert(e.sender.n == 1 && wd_str_eq(e.sender.p[0].mailbox, WD_STR("jane")));
    ck_assert(e.reply_to.n == 1 && e.to.n == 2 && e.cc.n == 0);
    ck_assert(wd_str_eq(e.message_id, WD_STR("<1@x>")) && !e.in_reply_to.p);
    wd_envelope_read(arena, WD_STR("X: y\r\n"), &e);
    ck_assert(!e.subject.p && !e.date.p && e.from.n == 0);
}
END_TEST

static const struct {
    const char *subject, *bare;
} subjects[] = {
    { "hello", "hello" },
    { "Re: hello", "hello" },
    { "RE:FWD: Re[2]: hello", "hello" },
    { "[list] Re: x  y", "x y" },
    { "Re: [list] Fw: x (fwd)", "x" },
    { "[only tag]", "[only tag]" },
    { "Reply", "Reply" },
    { "", "" },
    { "Re:", "" },
};

START_TEST(thread_subject_is_bare)
{
    struct wd_str got = wd_thread_subject(arena, wd_str_c(subjects[_i].subject));

    ck_assert_msg(wd_str_eq(got, wd_str_c(subjects[_i].bare)), "'%.*s'", WD_FMT(got));
}
END_TEST

START_TEST(thread_ids_are_distinct)
{
    struct wd_str ids[4];
    size_t n = wd_thread_ids(
        arena, WD_STR("Message-ID: <1@x>\r\nReferences: <2@x> <1@x>\r\n <3@x><4@x> <5@x>\r\nIn-Reply-To: <2@x>\r\n"),
        ids, 4);

    ck_assert_uint_eq(n, 4);
    ck_assert(wd_str_eq(ids[0], WD_STR("1@x")) && wd_str_eq(ids[1], WD_STR("2@x")) && wd_str_eq(ids[3], WD_STR("4@x")));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("header");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, value_is_decoded, 0, WD_COUNT(decoded));
    tcase_add_loop_test(t, words_are_encoded_and_come_back, 0, 4);
    tcase_add_test(t, fields_are_walked);
    tcase_add_loop_test(t, parameters_are_read, 0, WD_COUNT(params));
    tcase_add_test(t, envelope_follows_the_rules);
    tcase_add_loop_test(t, thread_subject_is_bare, 0, WD_COUNT(subjects));
    tcase_add_test(t, thread_ids_are_distinct);
    return run_case("header", t);
}
