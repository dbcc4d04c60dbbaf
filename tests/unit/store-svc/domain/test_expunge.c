#include "store-svc/domain/expunge.h"
#include "store-svc/domain/journal.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static struct wd_expunged out;

static bool
expunge(const char *uids, const struct wd_once *once)
{
    struct wd_expunge in = {
        .user = user, .mailbox = inbox, .uids = uids ? mail_set(uids) : NULL, .session = WD_STR("me")
    };

    wd_expunged_done(&out);
    out = (struct wd_expunged){ 0 };
    return wd_message_expunge(&domain, arena, &in, once, &out, &err);
}

static void
must(bool ok)
{
    if (!ok)
        ck_abort_msg("%s", err.text);
}

START_TEST(only_deleted_ones_of_the_set_go)
{
    mail_add_many(inbox, 2, &(struct mail){ 0 });
    mail_add_many(inbox, 3, &(struct mail){ .flags = "\\Deleted \\Seen" });
    must(expunge("1:4", &no_once));
    ck_assert_str_eq(mail_text(&out.uids), "3:4");
    ck_assert_uint_eq(out.modseq, 6);
    must(expunge(NULL, &no_once));
    ck_assert_str_eq(mail_text(&out.uids), "5");
    must(expunge(NULL, &no_once));
    ck_assert_str_eq(mail_text(&out.uids), "");
    ck_assert_uint_eq(out.modseq, 0);
    ck_assert_uint_eq(mail_box("INBOX").modify_index, 7);
    ck_assert_int_eq(mail_used(), 200);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"EXPUNGE\", \"unseen\": false, \"ignore\": \"me\"}"), 3);
}
END_TEST

START_TEST(the_archive_keeps_what_is_no_draft_and_no_original)
{
    int64_t c, m;

    mail_add(inbox, &(struct mail){ .flags = "\\Deleted", .attachment = 1, .occurrences = 2 });
    mail_add(inbox, &(struct mail){ .flags = "\\Deleted \\Draft", .attachment = 1, .occurrences = 2 });
    mail_add(inbox, &(struct mail){ .flags = "\\Deleted", .copied = true, .attachment = 1, .occurrences = 1 });
    mail_refs(1, &c, &m);
    ck_assert_int_eq(c, 5);
    ck_assert_int_eq(m, 2 * 2 + 2 * 3 + 4);
    must(expunge(NULL, &no_once));
    mail_refs(1, &c, &m);
    ck_assert_int_eq(c, 2);
    ck_assert_int_eq(m, 2 * 2);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{}"), 0);
    ck_assert_int_eq(mail_count(WD_ARCHIVED, "{}"), 1);
    ck_assert_int_eq(
        mail_count(WD_ARCHIVED,
                   "{\"exp\": true, \"rdate\": {\"$gt\": 1}, \"archived\": {\"$exists\": true}, \"uid\": 1}"),
        1);
    ck_assert_int_eq(mail_used(), 0);
}
END_TEST

START_TEST(many_go_in_several_steps)
{
    struct wd_once once = { .user = user, .method = "Expunge", .key = WD_STR("k") };

    mail_add_many(inbox, WD_JOURNAL_GROUP + 3, &(struct mail){ .flags = "\\Deleted" });
    must(expunge(NULL, &once));
    ck_assert_str_eq(mail_text(&out.uids), "1:2003");
    ck_assert_uint_eq(out.modseq, 2005);
    mail_add_many(inbox, 1, &(struct mail){ .flags = "\\Deleted" });
    must(expunge(NULL, &once));
    ck_assert_str_eq(mail_text(&out.uids), "1:2003");
    ck_assert_uint_eq(out.modseq, 2005);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{}"), 1);
}
END_TEST

START_TEST(a_repeat_finishes_what_stopped_between_two_steps)
{
    struct wd_once once = { .user = user, .method = "Expunge", .key = WD_STR("k") };

    if (!wd_docs_is_atomic(domain.docs))
        return; /* test_change.c stops it anywhere */
    mail_add_many(inbox, WD_JOURNAL_GROUP + 3, &(struct mail){ .flags = "\\Deleted" });
    wd_fault_fail(fault, "batch_commit", 2, WD_DATABASE);
    ck_assert(!expunge(NULL, &once));
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{}"), 3);
    must(expunge(NULL, &once));
    ck_assert_str_eq(mail_text(&out.uids), "1:2003");
    ck_assert_int_eq(mail_used(), 0);
}
END_TEST

START_TEST(a_failed_expunge_leaves_nothing)
{
    const char *before;
    bool done = false;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* test_change.c has what holds there */
    mail_add_many(inbox, 2, &(struct mail){ .flags = "\\Deleted", .attachment = 1, .occurrences = 2 });
    mail_add_many(inbox, 2, &(struct mail){ .flags = "\\Deleted \\Draft", .attachment = 2, .occurrences = 1 });
    before = mail_dump();
    for (uint64_t i = 1; !done; i++) {
        wd_fault_fail(fault, NULL, i, WD_DATABASE);
        done = expunge(NULL, &no_once);
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        if (!done)
            ck_assert_str_eq(mail_dump(), before);
        ck_assert_uint_lt(i, 200);
    }
    ck_assert_str_eq(mail_text(&out.uids), "1:4");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("expunge");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_test(t, only_deleted_ones_of_the_set_go);
    tcase_add_test(t, the_archive_keeps_what_is_no_draft_and_no_original);
    tcase_add_test(t, many_go_in_several_steps);
    tcase_add_test(t, a_repeat_finishes_what_stopped_between_two_steps);
    tcase_add_test(t, a_failed_expunge_leaves_nothing);
    return run_case("expunge", t);
}
