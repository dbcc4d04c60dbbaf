#include "store-svc/domain/append.h"

#include "common/mail/flags.h"
#include "tests/unit/store-svc/domain/delivery_fixture.h"

#define MESSAGE "Subject: x\r\n\r\nbody"

static struct wd_id user;

static void
setup(void)
{
    delivery_setup();
    user = users_make("andris", "andris@example.com");
}

static bool
try(struct wd_append *in, struct wd_appended *out)
{
    in->user = user;
    if (!in->uploaded && !in->raw.p)
        in->raw = WD_STR(MESSAGE);
    return wd_message_append(&domain, arena, in, out, &err);
}

START_TEST(stores_exactly_the_bytes_with_flags_and_date)
{
    static const struct wd_str keywords[] = { WD_STR_C("$Label1"), WD_STR_C("Foo"), WD_STR_C("foo") };
    struct wd_append in = { .path = WD_STR("inbox"), .system_flags = WD_FLAG_SEEN | WD_FLAG_DRAFT, .keywords = keywords,
                            .n_keywords = 3, .idate_ms = 1000000000000 };
    struct wd_appended out;
    struct wd_buf bytes;
    bson_t *doc;

    ck_assert_msg(try(&in, &out), "%s", err.text);
    ck_assert_uint_eq(out.uid, 1);
    ck_assert_uint_eq(out.size, sizeof MESSAGE - 1);
    ck_assert(wd_id_eq(out.mailbox, mailbox_of(user, "INBOX")));
    bytes = message_bytes(out.message);
    ck_assert(wd_str_eq(wd_buf_view(&bytes), WD_STR(MESSAGE)));
    wd_buf_done(&bytes);
    doc = document(WD_MESSAGES, "_id", out.message);
    ck_assert_int_eq(wd_doc_date(doc, "idate", 0), 1000000000000);
    ck_assert(!wd_doc_bool(doc, "unseen", true) && wd_doc_bool(doc, "draft", false));
    ck_assert(wd_doc_bool(doc, "undeleted", false) && !wd_doc_bool(doc, "flagged", true));
    ck_assert(wd_str_eq(wd_doc_str(doc, "flags.2"), WD_STR("$Label1")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "flags.3"), WD_STR("Foo")));
    ck_assert(!wd_doc_has(doc, "flags.4"));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.source"), WD_STR("IMAP")));
    ck_assert(wd_str_eq(wd_doc_str(doc, "meta.transtype"), WD_STR("APPEND")));
    bson_destroy(doc);
}
END_TEST

START_TEST(deleted_message_is_not_searchable)
{
    struct wd_append in = { .path = WD_STR("INBOX"), .system_flags = WD_FLAG_DELETED | WD_FLAG_FLAGGED };
    struct wd_appended out;
    bson_t *doc;

    ck_assert(try(&in, &out));
    doc = document(WD_MESSAGES, "_id", out.message);
    ck_assert(!wd_doc_has(doc, "searchable") && !wd_doc_bool(doc, "undeleted", true));
    ck_assert(wd_doc_bool(doc, "flagged", false));
    bson_destroy(doc);
}
END_TEST

START_TEST(one_message_may_pass_the_quota_and_the_next_not)
{
    struct wd_append in = { .path = WD_STR("INBOX") }, missing = { .path = WD_STR("no/such") };
    struct wd_appended out;

    users_set(user, "{\"quota\": 1}");
    ck_assert(try(&in, &out));
    ck_assert(!try(&in, &out));
    ck_assert_int_eq(err.reason, WD_OVER_QUOTA);
    ck_assert(!try(&missing, &out));
    ck_assert_int_eq(err.reason, WD_OVER_QUOTA); /* before the mailbox */
    ck_assert_int_eq(user_number(user, "storageUsed"), sizeof MESSAGE - 1);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", user), 1);
}
END_TEST

START_TEST(upload_limit_comes_before_the_mailbox)
{
    struct wd_append in = { .path = WD_STR("INBOX") }, missing = { .path = WD_STR("no/such") };
    struct wd_appended out;

    users_set(user, "{\"imapMaxUpload\": 10}");
    ck_assert(try(&in, &out));
    ck_assert(!try(&missing, &out));
    ck_assert_int_eq(err.reason, WD_UPLOAD_LIMIT);
}
END_TEST

START_TEST(missing_mailbox_and_size_and_keywords)
{
    static const struct wd_str bad = WD_STR_C("a b");
    struct wd_append missing = { .path = WD_STR("no/such") };
    struct wd_append keyword = { .path = WD_STR("INBOX"), .keywords = &bad, .n_keywords = 1 };
    struct wd_append large = { .path = WD_STR("no/such"), .uploaded = true, .upload_size = 64 * 1024 * 1024 + 1 };
    struct wd_appended out;

    ck_assert(!try(&missing, &out));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    ck_assert(!try(&keyword, &out));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(!try(&large, &out));
    ck_assert_int_eq(err.reason, WD_MESSAGE_TOO_BIG);
    ck_assert_int_eq(user_number(user, "storageUsed"), 0);
}
END_TEST

START_TEST(repeat_is_stored_once)
{
    struct wd_append in = { .path = WD_STR("INBOX"), .once = { .user = user, .method = "m", .key = WD_STR("k") } };
    struct wd_appended one, two;

    in.once.user = user;
    ck_assert(try(&in, &one));
    users_set(user, "{\"quota\": 1}");
    ck_assert(try(&in, &two));
    ck_assert(wd_id_eq(one.message, two.message) && one.uid == two.uid && one.modseq == two.modseq);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", user), 1);
}
END_TEST

START_TEST(junk_is_marked)
{
    struct wd_append in = { .path = WD_STR("Junk") };
    struct wd_appended out;
    bson_t *doc;

    ck_assert(try(&in, &out));
    doc = document(WD_MESSAGES, "_id", out.message);
    ck_assert(wd_doc_bool(doc, "junk", false));
    bson_destroy(doc);
}
END_TEST

START_TEST(thread_is_joined_by_id_and_subject)
{
    struct wd_appended one = append(user, "INBOX", "Message-ID: <1@x>\r\nSubject: Plan\r\n\r\n");
    struct wd_appended two =
        append(user, "Drafts", "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Re: Plan\r\n\r\n");
    struct wd_appended three =
        append(user, "INBOX", "Message-ID: <3@x>\r\nReferences: <2@x>\r\nSubject: plan [b]\r\n\r\n");
    struct wd_appended other =
        append(user, "INBOX", "Message-ID: <4@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Else\r\n\r\n");
    struct wd_appended late =
        append(user, "INBOX", "References: <9@x> <2@x>\r\nSubject: [x] Re: Fwd: Plan (fwd)\r\n\r\n");
    struct wd_appended *all[] = { &one, &two, &three, &other, &late };
    struct wd_id threads[5];
    size_t i;

    for (i = 0; i < WD_COUNT(all); i++) {
        bson_t *doc = document(WD_MESSAGES, "_id", all[i]->message);

        ck_assert(wd_doc_id(doc, "thread", &threads[i]));
        bson_destroy(doc);
    }
    ck_assert(wd_id_eq(threads[0], threads[1]));
    ck_assert(wd_id_eq(threads[0], threads[4]));
    ck_assert(!wd_id_eq(threads[0], threads[3]));
    ck_assert(!wd_id_eq(threads[0], threads[2]));
}
END_TEST

START_TEST(body_that_was_collected_is_taken_in_again)
{
    struct wd_buf message = message_with_attachment("x", 50000, 1);
    struct wd_append in = { .path = WD_STR("INBOX"), .raw = wd_buf_view(&message) };
    struct wd_appended out;
    struct wd_buf bytes;

    lose_bodies(2);
    ck_assert_msg(try(&in, &out), "%s", err.text);
    bytes = message_bytes(out.message);
    ck_assert(wd_str_eq(wd_buf_view(&bytes), wd_buf_view(&message)));
    wd_buf_done(&bytes);
    wd_buf_done(&message);
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, delivery_teardown);
    tcase_add_test(t, stores_exactly_the_bytes_with_flags_and_date);
    tcase_add_test(t, deleted_message_is_not_searchable);
    tcase_add_test(t, one_message_may_pass_the_quota_and_the_next_not);
    tcase_add_test(t, upload_limit_comes_before_the_mailbox);
    tcase_add_test(t, missing_mailbox_and_size_and_keywords);
    tcase_add_test(t, repeat_is_stored_once);
    tcase_add_test(t, junk_is_marked);
    tcase_add_test(t, body_that_was_collected_is_taken_in_again);
    tcase_add_test(t, thread_is_joined_by_id_and_subject);
}

int
main(void)
{
    return run_tests("append", add);
}
