#include "store-svc/domain/message_edit.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox_update.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static struct wd_message_edited edited;
static struct wd_message_deleted gone;

static void
must(bool ok)
{
    if (!ok)
        ck_abort_msg("%s", err.text);
}

static bool
edit(const char *uids, struct wd_message_edit in)
{
    in.user = user;
    in.mailbox = wd_id_is_zero(in.mailbox) ? inbox : in.mailbox;
    in.uids = mail_set(uids);
    return wd_message_edit(&domain, arena, &in, &no_once, &edited, &err);
}

static bool
delete_some(const char *uids, bool skip_archive, const struct wd_once *once)
{
    struct wd_message_delete in = {
        .user = user, .mailbox = inbox, .uids = uids ? mail_set(uids) : NULL, .skip_archive = skip_archive
    };

    return wd_message_delete(&domain, &in, once, &gone, &err);
}

START_TEST(flags_are_added_and_taken_away_in_one_call)
{
    mail_add_many(inbox, 3, &(struct mail){ .flags = "\\Seen work" });
    must(edit("1:2,9", (struct wd_message_edit){ .add_flags = WD_FLAG_DRAFT, .remove_flags = WD_FLAG_SEEN }));
    ck_assert_uint_eq(edited.matched, 2);
    ck_assert_uint_eq(edited.next, 0);
    ck_assert_str_eq(mail_flags(inbox, 1), "work \\Draft");
    ck_assert_str_eq(mail_flags(inbox, 3), "\\Seen work");
    mail_check_mirrors();
    must(edit("7", (struct wd_message_edit){ .add_flags = WD_FLAG_DRAFT }));
    ck_assert_uint_eq(edited.matched, 0);
}
END_TEST

START_TEST(expiry_and_data_are_set_and_cleared)
{
    struct wd_str meta = WD_STR("{\"a\":1}");

    mail_add_many(inbox, 2, &(struct mail){ 0 });
    must(edit("2", (struct wd_message_edit){ .set_expires = true, .expires = true, .expires_ms = 77,
                                             .meta_data = &meta }));
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"uid\": 2, \"exp\": true, \"rdate\": 77, "
                                             "\"meta.custom\": \"{\\\"a\\\":1}\"}"), 1);
    must(edit("1:2", (struct wd_message_edit){ .set_expires = true }));
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"exp\": false}"), 2);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"meta.custom\": {\"$exists\": true}}"), 1);
}
END_TEST

START_TEST(many_are_changed_in_steps)
{
    mail_add_many(inbox, WD_JOURNAL_GROUP + 3, &(struct mail){ 0 });
    must(edit("1:9999", (struct wd_message_edit){ .add_flags = WD_FLAG_FLAGGED }));
    ck_assert_uint_eq(edited.matched, WD_JOURNAL_GROUP);
    ck_assert_uint_eq(edited.next, WD_JOURNAL_GROUP + 1);
    must(edit("1:9999", (struct wd_message_edit){ .add_flags = WD_FLAG_FLAGGED, .from = edited.next }));
    ck_assert_uint_eq(edited.matched, 3);
    ck_assert_uint_eq(edited.next, 0);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"flagged\": true}"), WD_JOURNAL_GROUP + 3);
}
END_TEST

START_TEST(any_message_can_be_removed)
{
    mail_add(inbox, &(struct mail){ 0 });
    mail_add(inbox, &(struct mail){ .flags = "\\Draft" });
    mail_add(inbox, &(struct mail){ 0 });
    must(delete_some("1:2,8", false, &no_once));
    ck_assert_uint_eq(gone.removed, 2);
    ck_assert(!gone.more);
    ck_assert_int_eq(mail_count(WD_ARCHIVED, "{}"), 1);
    must(delete_some(NULL, true, &no_once));
    ck_assert_uint_eq(gone.removed, 1);
    ck_assert_int_eq(mail_count(WD_ARCHIVED, "{}"), 1);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"EXPUNGE\"}"), 3);
    ck_assert_int_eq(mail_used(), 0);
}
END_TEST

START_TEST(a_repeated_removal_answers_the_first_outcome)
{
    struct wd_once once = { .user = user, .method = "Remove", .key = WD_STR("k") };

    mail_add_many(inbox, WD_JOURNAL_GROUP + 3, &(struct mail){ 0 });
    for (int i = 0; i < 2; i++) {
        must(delete_some(NULL, true, &once));
        ck_assert_uint_eq(gone.removed, WD_JOURNAL_GROUP);
        ck_assert(gone.more);
        ck_assert_int_eq(mail_count(WD_MESSAGES, "{}"), 3);
    }
}
END_TEST

START_TEST(mailboxes_of_others_are_not_there)
{
    struct wd_message_edit in = { .mailbox = wd_id_new(), .add_flags = WD_FLAG_SEEN };
    struct wd_mailbox_update update = { .user = wd_id_new(), .mailbox = inbox };
    struct wd_message_delete removal = { .user = wd_id_new(), .mailbox = inbox };
    bool off = false;

    ck_assert(!edit("1", in));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    mail_add(inbox, &(struct mail){ 0 });
    ck_assert(!wd_message_delete(&domain, &removal, &no_once, &gone, &err));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{}"), 1);
    update.hidden = &off;
    ck_assert(!wd_mailbox_update(&domain, arena, &update, &no_once, &err));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
}
END_TEST

START_TEST(settings_of_a_mailbox)
{
    struct wd_str path = WD_STR("new");
    int64_t retention = 5000;
    bool on = true;
    struct wd_mailbox_update in = { .user = user, .mailbox = mail_create("old"), .path = &path,
                                    .retention_ms = &retention, .encrypt = &on };
    uint64_t size;

    for (int i = 0; i < 2; i++) /* a repeat finds it done */
        must(wd_mailbox_update(&domain, arena, &in, &no_once, &err));
    ck_assert_int_eq(mail_box("new").retention_ms, 5000);
    ck_assert(mail_box("new").encrypt && mail_box("new").subscribed);
    mail_add_many(inbox, 3, &(struct mail){ .size = 70 });
    must(wd_mailbox_size(domain.docs, inbox, &size, &err));
    ck_assert_uint_eq(size, 210);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("message_edit");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_test(t, flags_are_added_and_taken_away_in_one_call);
    tcase_add_test(t, expiry_and_data_are_set_and_cleared);
    tcase_add_test(t, many_are_changed_in_steps);
    tcase_add_test(t, any_message_can_be_removed);
    tcase_add_test(t, a_repeated_removal_answers_the_first_outcome);
    tcase_add_test(t, mailboxes_of_others_are_not_there);
    tcase_add_test(t, settings_of_a_mailbox);
    return run_case("message_edit", t);
}
