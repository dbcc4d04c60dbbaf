#include "store-svc/domain/check.h"

#include "tests/unit/store-svc/domain/delivery_fixture.h"

static struct wd_id user;
static struct wd_appended message;
static struct wd_check_report report;

static void
setup(void)
{
    struct wd_buf with = message_with_attachment("x", 50000, 2);

    delivery_setup();
    user = users_make("andris", "andris@example.com");
    message = append(user, "INBOX", "Subject: a\r\n\r\nbody\r\n");
    deliver_bytes("andris@example.com", wd_buf_view(&with), NULL);
    deliver("andris@example.com", "Subject: c\r\n\r\n", NULL);
    wd_buf_done(&with);
}

static void
teardown(void)
{
    wd_check_report_done(&report);
    delivery_teardown();
}

static void
check(bool repair)
{
    struct wd_check_options o = { .repair = repair, .bodies = true };

    wd_check_report_done(&report);
    if (!wd_check(&domain, &o, &report, &err))
        ck_abort_msg("%s", err.text);
}

/* Exactly one problem, whose line has the text; repaired, it is gone. */
static void
one_problem(const char *text, bool can_be_repaired)
{
    check(false);
    ck_assert_msg(report.problem_count == 1, "%d problems, the first: %s", (int)report.problem_count,
                  report.n_problems ? report.problems[0] : "");
    ck_assert_msg(strstr(report.problems[0], text) != NULL, "%s", report.problems[0]);
    ck_assert_uint_eq(report.repaired, 0);
    if (!can_be_repaired)
        return;
    check(true);
    ck_assert_uint_eq(report.repaired, 1);
    check(false);
    ck_assert_uint_eq(report.problem_count, 0);
}

static void
change_files(const char *json)
{
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_error_t error;
    bson_t *set = bson_new_from_json((const uint8_t *)json, -1, &error);

    bson_append_document(&update, "$set", -1, set);
    ck_assert(wd_docs_update(domain.docs, WD_FILES, &all, &update, WD_UPDATE_MANY, NULL, &err));
    bson_destroy(set);
}

START_TEST(healthy_store_has_no_problem)
{
    check(true);
    ck_assert_msg(report.problem_count == 0, "%s", report.n_problems ? report.problems[0] : "");
    ck_assert_uint_eq(report.users, 1);
    ck_assert_uint_eq(report.mailboxes, 5);
    ck_assert_uint_eq(report.messages, 3);
    ck_assert_uint_eq(report.blobs, 1);
    ck_assert_uint_eq(report.repaired, 0);
}
END_TEST

START_TEST(wrong_storage_counter)
{
    users_set(user, "{\"storageUsed\": 1}");
    one_problem("storageUsed is 1", true);
}
END_TEST

START_TEST(wrong_attachment_counter)
{
    change_files("{\"metadata.c\": 3}");
    one_problem("c is 3", true);
}
END_TEST

START_TEST(wrong_magic_sum)
{
    change_files("{\"metadata.m\": 99999999}");
    one_problem("m is 99999999", true);
}
END_TEST

START_TEST(uid_that_uid_next_does_not_know)
{
    change(WD_MAILBOXES, "_id", message.mailbox, "{\"uidNext\": 2}");
    one_problem("uidNext is 2", true);
}
END_TEST

START_TEST(modseq_above_modify_index)
{
    change(WD_MAILBOXES, "_id", message.mailbox, "{\"modifyIndex\": 1}");
    one_problem("modifyIndex is 1", true);
}
END_TEST

START_TEST(two_messages_with_one_uid)
{
    change(WD_MESSAGES, "_id", message.message, "{\"uid\": 2}");
    check(false);
    ck_assert_uint_eq(report.problem_count, 2); /* and the journal knows of UID 1 */
    ck_assert_ptr_nonnull(strstr(report.problems[0], "two messages have UID 2"));
    ck_assert_ptr_nonnull(strstr(report.problems[1], "UID 1"));
}
END_TEST

START_TEST(mirror_that_disagrees)
{
    change(WD_MESSAGES, "_id", message.message, "{\"flags\": [\"\\\\Seen\"]}");
    one_problem("'unseen' disagrees", true);
}
END_TEST

START_TEST(searchable_although_deleted)
{
    change(WD_MESSAGES, "_id", message.message, "{\"flags\": [\"\\\\Deleted\"], \"undeleted\": false}");
    one_problem("'searchable' disagrees", true);
}
END_TEST

START_TEST(message_that_only_the_journal_knows)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "_id", message.message);
    ck_assert(wd_docs_remove_one(domain.docs, WD_MESSAGES, &filter, NULL, &err));
    users_set(user, "{\"storageUsed\": 0}");
    check(true);
    check(false);
    ck_assert_uint_eq(report.problem_count, 1);
    ck_assert_ptr_nonnull(strstr(report.problems[0], "the journal has UID 1"));
}
END_TEST

START_TEST(bytes_that_changed)
{
    change(WD_MESSAGES, "_id", message.message, "{\"hash.from\": 1}");
    one_problem("not those that were delivered", false);
}
END_TEST

START_TEST(lost_attachment)
{
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;

    ck_assert(wd_docs_remove_many(domain.docs, WD_FILES, &all, NULL, &err));
    check(true);
    ck_assert_uint_eq(report.problem_count, 2); /* the reference, and the message */
    ck_assert_ptr_nonnull(strstr(report.problems[0], "lost, messages refer to it 2 times"));
    ck_assert_ptr_nonnull(strstr(report.problems[1], "an attachment is lost"));
    ck_assert_uint_eq(report.repaired, 0);
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, healthy_store_has_no_problem);
    tcase_add_test(t, wrong_storage_counter);
    tcase_add_test(t, wrong_attachment_counter);
    tcase_add_test(t, wrong_magic_sum);
    tcase_add_test(t, uid_that_uid_next_does_not_know);
    tcase_add_test(t, modseq_above_modify_index);
    tcase_add_test(t, two_messages_with_one_uid);
    tcase_add_test(t, mirror_that_disagrees);
    tcase_add_test(t, searchable_although_deleted);
    tcase_add_test(t, message_that_only_the_journal_knows);
    tcase_add_test(t, bytes_that_changed);
    tcase_add_test(t, lost_attachment);
}

int
main(void)
{
    return run_tests("check", add);
}
