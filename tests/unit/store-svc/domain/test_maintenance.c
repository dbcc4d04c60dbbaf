#include "store-svc/domain/maintenance.h"

#include "common/base/clock.h"
#include "tests/unit/store-svc/domain/delivery_fixture.h"

static struct wd_id user;

static void
setup(void)
{
    delivery_setup();
    user = users_make("andris", "andris@example.com");
}

static struct wd_maintenance_stats
round_now(bool everything)
{
    struct wd_maintenance_stats stats;

    if (!wd_maintenance_round(&domain, everything, &stats, &err))
        ck_abort_msg("%s", err.text);
    ck_assert_uint_eq(stats.failures, 0);
    return stats;
}

#define EXPIRED "{\"exp\": true, \"rdate\": 1000}"

START_TEST(expired_message_goes_to_the_archive_and_gives_its_room_back)
{
    struct wd_appended keep = append(user, "INBOX", "Subject: a\r\n\r\n");
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");
    bson_t *row;

    change(WD_MESSAGES, "_id", gone.message, EXPIRED);
    ck_assert_uint_eq(round_now(false).messages, 1);
    ck_assert_int_eq(users_count(WD_MESSAGES, "_id", gone.message), 0);
    ck_assert_int_eq(users_count(WD_MESSAGES, "_id", keep.message), 1);
    ck_assert_int_eq(user_number(user, "storageUsed"), (int64_t)keep.size);
    row = document(WD_ARCHIVED, "_id", gone.message);
    ck_assert(wd_doc_int(row, "rdate", 0) > 1000);
    bson_destroy(row);
    ck_assert_uint_eq(round_now(false).messages, 0);
}
END_TEST

START_TEST(sessions_learn_of_it_from_the_journal)
{
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t n;

    change(WD_MESSAGES, "_id", gone.message, EXPIRED);
    round_now(false);
    wd_doc_add_id(&filter, "message", gone.message);
    bson_append_utf8(&filter, "command", -1, "EXPUNGE", -1);
    ck_assert(wd_docs_count(domain.docs, WD_JOURNAL, &filter, &n, &err));
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(message_of_a_deleted_mailbox_goes_without_journal)
{
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    change(WD_MESSAGES, "_id", gone.message, EXPIRED);
    wd_doc_add_id(&filter, "_id", gone.mailbox);
    ck_assert(wd_docs_remove_one(domain.docs, WD_MAILBOXES, &filter, NULL, &err));
    ck_assert_uint_eq(round_now(false).messages, 1);
    ck_assert_int_eq(users_count(WD_JOURNAL, "message", gone.message), 1);
    ck_assert_int_eq(user_number(user, "storageUsed"), 0);
}
END_TEST

START_TEST(mail_of_a_deleted_user_is_not_archived)
{
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");

    change(WD_MESSAGES, "_id", gone.message, "{\"exp\": true, \"rdate\": 1000, \"userDeleted\": true}");
    ck_assert_uint_eq(round_now(false).messages, 1);
    ck_assert_int_eq(users_count(WD_ARCHIVED, "_id", gone.message), 0);
}
END_TEST

START_TEST(more_messages_than_a_batch_all_go)
{
    int i;

    for (i = 0; i < 450; i++)
        append(user, i % 2 ? "INBOX" : "Junk", "Subject: b\r\n\r\n");
    change(WD_MESSAGES, "user", user, EXPIRED);
    ck_assert_uint_eq(round_now(false).messages, 450);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", user), 0);
    ck_assert_int_eq(user_number(user, "storageUsed"), 0);
}
END_TEST

START_TEST(purged_message_frees_its_attachment_and_that_goes_at_last)
{
    struct wd_buf message = message_with_attachment("x", 50000, 2);
    struct wd_delivered *out = deliver_bytes("andris@example.com", wd_buf_view(&message), NULL);
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t until = wd_mono_ms() + 5000;
    struct wd_maintenance_stats stats;
    bson_t file wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    change(WD_MESSAGES, "_id", out[0].message, EXPIRED);
    stats = round_now(true);
    ck_assert(stats.messages == 1 && stats.purged == 0 && stats.blobs == 0);
    change(WD_ARCHIVED, "_id", out[0].message, EXPIRED);
    stats = round_now(false);
    ck_assert(stats.purged == 1 && stats.blobs == 0); /* it may come back within a day */
    ck_assert(wd_docs_find_one(domain.docs, WD_FILES, &all, NULL, &file, &found, &err));
    ck_assert_int_eq(wd_doc_int(&file, "metadata.c", -1), 0);
    ck_assert_int_eq(wd_doc_int(&file, "metadata.m", -1), 0);
    do { /* not in the millisecond of its last reference */
        stats = round_now(true);
    } while (stats.blobs == 0 && wd_mono_ms() < until);
    ck_assert_uint_eq(stats.blobs, 1);
    wd_buf_done(&message);
}
END_TEST

START_TEST(round_is_skipped_while_another_one_runs)
{
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");
    uint64_t holder;
    bool taken;

    change(WD_MESSAGES, "_id", gone.message, EXPIRED);
    ck_assert(wd_bus_lock(domain.bus, WD_STR("wildduck:gc_expired"), 60000, &holder, &taken, &err));
    ck_assert(round_now(false).skipped);
    ck_assert(wd_bus_unlock(domain.bus, WD_STR("wildduck:gc_expired"), holder, &err));
    ck_assert_uint_eq(round_now(false).messages, 1);
    ck_assert(!round_now(false).skipped);
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, delivery_teardown);
    tcase_add_test(t, expired_message_goes_to_the_archive_and_gives_its_room_back);
    tcase_add_test(t, sessions_learn_of_it_from_the_journal);
    tcase_add_test(t, message_of_a_deleted_mailbox_goes_without_journal);
    tcase_add_test(t, mail_of_a_deleted_user_is_not_archived);
    tcase_add_test(t, more_messages_than_a_batch_all_go);
    tcase_add_test(t, purged_message_frees_its_attachment_and_that_goes_at_last);
    tcase_add_test(t, round_is_skipped_while_another_one_runs);
}

int
main(void)
{
    return run_tests("maintenance", add);
}
