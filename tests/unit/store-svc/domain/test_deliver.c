#include "store-svc/domain/deliver.h"

#include <pthread.h>

#include "store-svc/domain/check.h"
#include "tests/unit/store-svc/domain/delivery_fixture.h"

#define MESSAGE "From: a@b\r\nMessage-ID: <1@x>\r\nSubject: Hello\r\n\r\nText\r\n"

static struct wd_id andris, berta;

static void
setup(void)
{
    delivery_setup();
    andris = users_make("andris", "andris@example.com");
    berta = users_make("berta", "berta@example.com");
}

START_TEST(message_comes_back_byte_for_byte_below_its_trace)
{
    static const char prefix[] = "Delivered-To: and.ris+tag@example.com\r\nReturn-Path: <s@x>\r\n";
    struct wd_delivered *out = deliver("And.Ris+tag@Example.com", MESSAGE, NULL);
    struct wd_buf bytes;

    ck_assert_msg(out[0].accepted, "%.*s", WD_FMT(out[0].text));
    ck_assert(wd_id_eq(out[0].user, andris));
    ck_assert(wd_str_eq(out[0].mailbox_path, WD_STR("INBOX")));
    ck_assert_uint_eq(out[0].uid, 1);
    bytes = message_bytes(out[0].message);
    ck_assert(wd_str_starts(wd_buf_view(&bytes), wd_str_c(prefix)));
    ck_assert(wd_str_eq(wd_str_part(wd_buf_view(&bytes), strlen(prefix), bytes.n), WD_STR(MESSAGE)));
    ck_assert_int_eq(user_number(andris, "storageUsed"), (int64_t)bytes.n);
    wd_buf_done(&bytes);
}
END_TEST

START_TEST(document_has_every_field)
{
    static const char *const fields[] = { "_id", "root", "v", "user", "mailbox", "thread", "uid", "modseq", "exp",
                                          "rdate", "userDeleted", "idate", "hdate", "flags", "unseen", "undeleted",
                                          "flagged", "draft", "searchable", "copied", "size", "headers", "mimeTree",
                                          "envelope", "bodystructure", "msgid", "subject", "ha", "magic", "text",
                                          "intro", "meta", "hash" };
    struct wd_delivered *out =
        deliver("andris@example.com", "Received: from mx.a by b with ESMTPS id q1; x\r\n" MESSAGE, NULL);
    bson_t *doc = document(WD_MESSAGES, "_id", out[0].message);
    size_t i;

    for (i = 0; i < WD_COUNT(fields); i++)
        ck_assert_msg(wd_doc_has(doc, fields[i]), "%s", fields[i]);
    ck_assert(wd_doc_bool(doc, "unseen", false) && wd_doc_bool(doc, "undeleted", false));
    ck_assert(!wd_doc_bool(doc, "flagged", true) && !wd_doc_bool(doc, "draft", true));
    ck_assert(!wd_doc_bool(doc, "exp", true) && !wd_doc_has(doc, "junk"));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.source"), WD_STR("MX")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.from"), WD_STR("s@x")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.to.0"), WD_STR("andris@example.com")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.origin"), WD_STR("mx.a")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.transtype"), WD_STR("ESMTPS")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.queueId"), WD_STR("q1")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.transhost"), WD_STR("mx")));
    ck_assert(wd_doc_has(doc, "meta.time"));
    bson_destroy(doc);
}
END_TEST

START_TEST(each_recipient_has_its_own_outcome)
{
    struct wd_delivered *out;

    users_set(berta, "{\"quota\": 1, \"storageUsed\": 1}");
    out = deliver("nobody@example.com andris@example.com berta@example.com *@x bad andris+2@example.com", MESSAGE,
                  NULL);
    ck_assert_int_eq(out[0].reason, WD_RECIPIENT_UNKNOWN);
    ck_assert(out[1].accepted);
    ck_assert_int_eq(out[2].reason, WD_OVER_QUOTA);
    ck_assert_int_eq(out[3].reason, WD_RECIPIENT_UNKNOWN);
    ck_assert_int_eq(out[4].reason, WD_RECIPIENT_SYNTAX);
    ck_assert(out[5].accepted && wd_id_eq(out[5].message, out[1].message));
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", andris), 1);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", berta), 0);
    ck_assert_int_eq(user_number(berta, "storageUsed"), 1);
}
END_TEST

START_TEST(two_users_get_a_copy_each_with_their_own_trace)
{
    struct wd_delivered *out = deliver("andris@example.com berta@example.com", MESSAGE, NULL);
    struct wd_buf a, b;

    ck_assert(out[0].accepted && out[1].accepted && !wd_id_eq(out[0].message, out[1].message));
    a = message_bytes(out[0].message);
    b = message_bytes(out[1].message);
    ck_assert(wd_str_starts(wd_buf_view(&a), WD_STR("Delivered-To: andris@example.com\r\n")));
    ck_assert(wd_str_starts(wd_buf_view(&b), WD_STR("Delivered-To: berta@example.com\r\n")));
    wd_buf_done(&a);
    wd_buf_done(&b);
}
END_TEST

/* One of the group runs into an error inside of the shared transaction: the others are stored all the same. */
START_TEST(failure_inside_of_the_group_leaves_the_others)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_delivered *out;

    wd_doc_add_id(&filter, "user", andris);
    ck_assert(wd_docs_remove_many(domain.docs, WD_MAILBOXES, &filter, NULL, &err));
    out = deliver("andris@example.com berta@example.com", MESSAGE, NULL);
    ck_assert_int_eq(out[0].reason, WD_MAILBOX_NOT_FOUND);
    ck_assert(out[1].accepted);
    ck_assert_int_eq(user_number(andris, "storageUsed"), 0);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", berta), 1);
}
END_TEST

START_TEST(repeated_call_stores_nothing_and_answers_the_same)
{
    struct wd_delivered *first = deliver("andris@example.com berta@example.com", MESSAGE, "key");
    struct wd_delivered *again;

    users_set(andris, "{\"quota\": 1}");
    again = deliver("andris@example.com berta@example.com", MESSAGE, "key");
    ck_assert(again[0].accepted && again[1].accepted);
    ck_assert(wd_id_eq(first[0].message, again[0].message) && wd_id_eq(first[1].message, again[1].message));
    ck_assert_uint_eq(first[0].uid, again[0].uid);
    ck_assert(wd_str_eq(again[0].mailbox_path, WD_STR("INBOX")));
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", andris), 1);
    ck_assert_int_eq(users_count(WD_JOURNAL, "message", first[0].message), 1);
}
END_TEST

START_TEST(spam_header_routes_to_junk_with_its_mark_and_retention)
{
    struct wd_delivered *out = deliver("andris@example.com", "X-Spam-Status: Yes\r\n" MESSAGE, NULL);
    bson_t *doc = document(WD_MESSAGES, "_id", out[0].message);

    ck_assert(wd_str_eq(out[0].mailbox_path, WD_STR("Junk")));
    ck_assert(wd_doc_bool(doc, "junk", false));
    ck_assert(wd_doc_bool(doc, "exp", false));
    ck_assert_int_eq(wd_doc_int(doc, "rdate", 0) - wd_doc_date(doc, "idate", 0) > 29LL * 86400000, 1);
    bson_destroy(doc);
}
END_TEST

START_TEST(missing_target_falls_back_to_inbox)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_delivered *out;

    wd_doc_add_id(&filter, "user", andris);
    bson_append_utf8(&filter, "specialUse", -1, "\\Junk", -1);
    ck_assert(wd_docs_remove_many(domain.docs, WD_MAILBOXES, &filter, NULL, &err));
    out = deliver("andris@example.com", "X-Spam-Status: Yes\r\n" MESSAGE, NULL);
    ck_assert(wd_str_eq(out[0].mailbox_path, WD_STR("INBOX")));
}
END_TEST

START_TEST(uids_and_modseqs_ascend_and_the_journal_has_them)
{
    struct wd_delivered *one = deliver("andris@example.com", MESSAGE, NULL);
    struct wd_delivered *two = deliver("andris@example.com", MESSAGE, NULL);
    bson_t *row = document(WD_JOURNAL, "message", two[0].message);
    bson_t *box = document(WD_MAILBOXES, "_id", mailbox_of(andris, "INBOX"));

    ck_assert_uint_eq(one[0].uid, 1);
    ck_assert_uint_eq(two[0].uid, 2);
    ck_assert_int_eq(wd_doc_int(row, "uid", 0), 2);
    ck_assert_int_eq(wd_doc_int(row, "modseq", 0), wd_doc_int(box, "modifyIndex", -1));
    ck_assert(wd_str_eq(wd_doc_str(row, "command"), WD_STR("EXISTS")));
    ck_assert_int_eq(wd_doc_int(box, "uidNext", 0), 3);
    bson_destroy(row);
    bson_destroy(box);
}
END_TEST

START_TEST(attachment_is_stored_once_and_counted_per_occurrence)
{
    struct wd_buf message = message_with_attachment("x", 100000, 2);
    struct wd_delivered *out = deliver_bytes("andris@example.com berta@example.com", wd_buf_view(&message), NULL);
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t file wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t *a = document(WD_MESSAGES, "_id", out[0].message), *b = document(WD_MESSAGES, "_id", out[1].message);
    struct wd_buf bytes = message_bytes(out[1].message);
    int64_t files;
    bool found;

    ck_assert(wd_docs_count(domain.docs, WD_FILES, &all, &files, &err));
    ck_assert_int_eq(files, 1);
    ck_assert(wd_docs_find_one(domain.docs, WD_FILES, &all, NULL, &file, &found, &err));
    ck_assert_int_eq(wd_doc_int(&file, "metadata.c", 0), 4);
    ck_assert_int_eq(wd_doc_int(&file, "metadata.m", -1), 2 * (wd_doc_int(a, "magic", 0) + wd_doc_int(b, "magic", 0)));
    ck_assert(wd_str_ends(wd_buf_view(&bytes), wd_buf_view(&message)));
    bson_destroy(a);
    bson_destroy(b);
    wd_buf_done(&bytes);
    wd_buf_done(&message);
}
END_TEST

START_TEST(upload_is_delivered_and_dropped)
{
    struct wd_str recipient = WD_STR("andris@example.com");
    struct wd_deliver in = { .uploaded = true, .upload = wd_id_new(), .upload_size = sizeof MESSAGE - 1,
                             .sender = WD_NONE, .recipients = &recipient, .n = 1 };
    struct wd_delivered out;
    struct wd_buf bytes = { 0 };
    uint64_t size;

    ck_assert(wd_blobs_upload_write(domain.blobs, in.upload, 0, WD_STR(MESSAGE), &size, &err));
    ck_assert_msg(wd_deliver(&domain, arena, &in, &out, &err), "%s", err.text);
    ck_assert(out.accepted);
    ck_assert(!wd_blobs_upload_read(domain.blobs, in.upload, 0, 10, &bytes, &err));
    ck_assert_int_eq(err.reason, WD_UPLOAD_NOT_FOUND);
    wd_buf_done(&bytes);
    bytes = message_bytes(out.message);
    ck_assert(wd_str_ends(wd_buf_view(&bytes), WD_STR(MESSAGE)));
    wd_buf_done(&bytes);

    in.upload = wd_id_new();
    ck_assert(!wd_deliver(&domain, arena, &in, &out, &err));
    ck_assert_int_eq(err.reason, WD_UPLOAD_NOT_FOUND);
}
END_TEST

START_TEST(deliveries_count_for_the_rate_limit)
{
    struct wd_bus_count count;
    char key[64] = "rl:rcpt:", hex[WD_ID_HEX + 1];

    deliver("andris@example.com andris@example.com", MESSAGE, "k");
    deliver("andris@example.com", MESSAGE, "k");
    strcat(key, wd_id_hex(andris, hex));
    ck_assert(wd_bus_count(domain.bus, wd_str_c(key), 0, 0, 3600, &count, &err));
    ck_assert_int_eq(count.value, 1);
}
END_TEST

/* The shared transaction fails, then each copy's own one, and then it goes well. */
START_TEST(body_that_was_collected_is_taken_in_again)
{
    struct wd_buf message = message_with_attachment("x", 50000, 1);
    struct wd_delivered *out;

    lose_bodies(3);
    out = deliver_bytes("andris@example.com berta@example.com", wd_buf_view(&message), NULL);
    ck_assert(out[0].accepted && out[1].accepted);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", andris), 1);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", berta), 1);
    wd_buf_done(&message);
}
END_TEST

START_TEST(body_that_is_always_collected_is_a_temporary_failure)
{
    struct wd_buf message = message_with_attachment("x", 50000, 1);
    struct wd_delivered *out;

    lose_bodies(1000);
    out = deliver_bytes("andris@example.com", wd_buf_view(&message), NULL);
    ck_assert(!out[0].accepted);
    ck_assert_int_eq(wd_reason_info(out[0].reason)->lmtp / 100, 4);
    ck_assert_int_eq(user_number(andris, "storageUsed"), 0);
    wd_buf_done(&message);
}
END_TEST

START_TEST(many_recipients_are_stored_in_several_groups)
{
    struct wd_buf list = { 0 };
    struct wd_delivered *out;
    char name[32], address[64];
    int i;

    for (i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "many%d", i);
        snprintf(address, sizeof address, "many%d@example.com", i);
        users_make(name, address);
        wd_buf_printf(&list, "%s%s", i ? " " : "", address);
    }
    wd_buf_chr(&list, '\0');
    out = deliver(list.p, MESSAGE, NULL);
    for (i = 0; i < 40; i++)
        ck_assert(out[i].accepted && out[i].uid == 1);
    wd_buf_done(&list);
}
END_TEST

enum { THREADS = 4, EACH = 20 };

struct worker {
    pthread_t thread;
    int number, failures;
    struct wd_str message;
};

static void *
work(void *data)
{
    static const struct wd_str recipients[] = { WD_STR_C("andris@example.com"), WD_STR_C("berta@example.com") };
    struct worker *w = data;
    int i;

    for (i = 0; i < EACH; i++) {
        struct wd_arena *a = wd_arena_new(0);
        struct wd_deliver in = { .raw = w->message, .recipients = recipients, .n = 2 };
        struct wd_delivered out[2];
        struct wd_error why;

        if (!wd_deliver(&domain, a, &in, out, &why) || !out[0].accepted || !out[1].accepted)
            w->failures++;
        wd_arena_free(a);
    }
    return NULL;
}

START_TEST(parallel_deliveries_keep_every_counter_exact)
{
    struct wd_buf message = message_with_attachment("x", 20000, 2);
    struct wd_check_options options = { .bodies = true };
    struct wd_check_report report;
    struct worker workers[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .number = i, .message = wd_buf_view(&message) };
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        ck_assert_int_eq(workers[i].failures, 0);
    }
    ck_assert_msg(wd_check(&domain, &options, &report, &err), "%s", err.text);
    ck_assert_msg(report.problem_count == 0, "%s", report.n_problems ? report.problems[0] : "");
    ck_assert_uint_eq(report.messages, 2 * THREADS * EACH);
    ck_assert_int_eq(deliver("andris@example.com", MESSAGE, NULL)[0].uid, THREADS * EACH + 1);
    wd_check_report_done(&report);
    wd_buf_done(&message);
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, delivery_teardown);
    tcase_add_test(t, message_comes_back_byte_for_byte_below_its_trace);
    tcase_add_test(t, document_has_every_field);
    tcase_add_test(t, each_recipient_has_its_own_outcome);
    tcase_add_test(t, two_users_get_a_copy_each_with_their_own_trace);
    tcase_add_test(t, failure_inside_of_the_group_leaves_the_others);
    tcase_add_test(t, repeated_call_stores_nothing_and_answers_the_same);
    tcase_add_test(t, spam_header_routes_to_junk_with_its_mark_and_retention);
    tcase_add_test(t, missing_target_falls_back_to_inbox);
    tcase_add_test(t, uids_and_modseqs_ascend_and_the_journal_has_them);
    tcase_add_test(t, attachment_is_stored_once_and_counted_per_occurrence);
    tcase_add_test(t, upload_is_delivered_and_dropped);
    tcase_add_test(t, deliveries_count_for_the_rate_limit);
    tcase_add_test(t, body_that_was_collected_is_taken_in_again);
    tcase_add_test(t, body_that_is_always_collected_is_a_temporary_failure);
    tcase_add_test(t, many_recipients_are_stored_in_several_groups);
    tcase_add_test(t, parallel_deliveries_keep_every_counter_exact);
}

int
main(void)
{
    return run_tests("deliver", add);
}
