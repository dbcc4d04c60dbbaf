#include "store-svc/domain/spam.h"

#include <check.h>
#include <stdlib.h>

#include "store-svc/domain/trace.h"
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
    const char *header, *target;
} shipped[] = {
    { "From: a@b\r\nSubject: x\r\n\r\n", NULL },
    { "X-Spam-Status: Yes, score=9\r\n\r\n", "\\Junk" },
    { "X-Spam-Status: No, score=yes\r\n\r\n", NULL },
    { "x-spam-STATUS:\r\n  yES\r\n\r\n", "\\Junk" },
    { "X-Rspamd-Bar: +++++\r\n\r\n", NULL },
    { "X-Rspamd-Bar: ++++++\r\n\r\n", "\\Junk" },
    { "X-Haraka-Virus: EICAR\r\n\r\n", "\\Junk" },
    { "X-Haraka-Virus:   \r\n\r\n", NULL },
    { "Subject: x\r\n\r\nX-Spam-Status: Yes\r\n", NULL }, /* in the body */
    { "X-Spam-Status: No\r\nX-Spam-Status: Yes\r\n\r\n", "\\Junk" },
    { "", NULL },
};

START_TEST(shipped_rules)
{
    struct wd_error err;
    struct wd_spam_rules *rules = wd_spam_rules_new(NULL, &err);
    const char *target;

    ck_assert_ptr_nonnull(rules);
    target = wd_spam_target(rules, arena, wd_str_c(shipped[_i].header));
    if (shipped[_i].target)
        ck_assert_pstr_eq(target, shipped[_i].target);
    else
        ck_assert_ptr_null(target);
    wd_spam_rules_free(rules);
}
END_TEST

START_TEST(first_rule_wins_whatever_the_order_of_the_fields)
{
    static const struct wd_header_rule own[] = {
        { "X-A", "^(one|two)$", "First" }, { "X-B", "z", "Second" }, { NULL, NULL, NULL }
    };
    struct wd_error err;
    struct wd_spam_rules *rules = wd_spam_rules_new(own, &err);

    ck_assert_str_eq(wd_spam_target(rules, arena, WD_STR("X-B: z\r\nX-A: TWO\r\n")), "First");
    ck_assert_str_eq(wd_spam_target(rules, arena, WD_STR("X-A: three\r\nX-B: aza\r\n")), "Second");
    ck_assert_str_eq(wd_spam_target(rules, arena, WD_STR("X-A: =?utf-8?q?one?=\r\n")), "First");
    ck_assert_ptr_null(wd_spam_target(NULL, arena, WD_STR("X-A: one\r\n")));
    wd_spam_rules_free(rules);
}
END_TEST

START_TEST(malformed_rule_is_refused_with_its_name)
{
    static const struct wd_header_rule broken[] = {
        { "X-A", "a", "T" }, { "X-Broken", "(", "T" }, { NULL, NULL, NULL }
    };
    static const struct wd_header_rule no_target[] = { { "X-A", "a", NULL }, { NULL, NULL, NULL } };
    struct wd_error err;

    ck_assert_ptr_null(wd_spam_rules_new(broken, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "X-Broken"));
    ck_assert_ptr_null(wd_spam_rules_new(no_target, &err));
}
END_TEST

START_TEST(prefix_has_recipient_and_sender)
{
    ck_assert(wd_str_eq(wd_trace_prefix(arena, WD_STR("a+b@c.d"), WD_STR("x@y")),
                        WD_STR("Delivered-To: a+b@c.d\r\nReturn-Path: <x@y>\r\n")));
    ck_assert(wd_str_eq(wd_trace_prefix(arena, WD_STR("a@b\r\nEvil: 1"), WD_NONE),
                        WD_STR("Delivered-To: a@bEvil: 1\r\nReturn-Path: <>\r\n")));
}
END_TEST

static const struct {
    const char *header, *from, *with, *id;
} received[] = {
    { "Subject: x\r\n", "", "", "" },
    { "Received: from mx.a (mx.a [1.2.3.4] with fun)\r\n by b with ESMTPS id 42\r\n for <c@d>; Mon, 1 Jan 2024\r\n",
      "mx.a", "ESMTPS", "42" },
    { "Received: by b with HTTP; x\r\nReceived: from q by b with SMTP id 7; x\r\n", "q", "SMTP", "7" },
    { "Received: from a by b with LMTP; x\r\nReceived: from c by d; x\r\nReceived: by e id 9; x\r\n", "a", "LMTP", "" },
    { "Received: from ((( with x id 1\r\n", "", "", "" },
    { "Received: from\r\n", "", "", "" },
    { "Received: )) from a\r\n", "a", "", "" },
};

START_TEST(newest_hop_is_read)
{
    struct wd_trace trace;

    wd_trace_read(arena, wd_str_c(received[_i].header), &trace);
    ck_assert(wd_str_eq(trace.from, wd_str_c(received[_i].from)));
    ck_assert(wd_str_eq(trace.with, wd_str_c(received[_i].with)));
    ck_assert(wd_str_eq(trace.id, wd_str_c(received[_i].id)));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("spam");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, shipped_rules, 0, (int)(sizeof shipped / sizeof shipped[0]));
    tcase_add_test(t, first_rule_wins_whatever_the_order_of_the_fields);
    tcase_add_test(t, malformed_rule_is_refused_with_its_name);
    tcase_add_test(t, prefix_has_recipient_and_sender);
    tcase_add_loop_test(t, newest_hop_is_read, 0, (int)(sizeof received / sizeof received[0]));
    return run_case("spam", t);
}
