#include "store-svc/domain/copy.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/view.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static struct wd_copied out;

static bool
transfer(bool move, const char *uids, const char *target, const struct wd_once *once)
{
    struct wd_copy in = { .user = user,
                          .mailbox = inbox,
                          .uids = mail_set(uids),
                          .target_path = wd_str_c(target),
                          .session = WD_STR("me") };

    wd_copied_done(&out);
    out = (struct wd_copied){ 0 };
    return move ? wd_message_move(&domain, arena, &in, once, &out, &err)
                : wd_message_copy(&domain, arena, &in, once, &out, &err);
}

static void
must(bool ok)
{
    if (!ok)
        ck_abort_msg("%s", err.text);
    mail_check_mirrors();
}

START_TEST(copy_keeps_everything_but_its_place)
{
    struct wd_id trash = mail_box("Trash").id;
    int64_t c, m;

    mail_add(inbox, &(struct mail){ .flags = "\\Seen work", .size = 10 });
    mail_add(inbox, &(struct mail){ .attachment = 1, .occurrences = 2, .size = 20 });
    mail_refs(1, &c, &m);
    ck_assert_int_eq(c, 2);
    ck_assert_int_eq(m, 2 * 3); /* magic of UID 2 */
    must(transfer(false, "1:9", "/trash/", &no_once) || transfer(false, "1:9", "Trash", &no_once));
    ck_assert_str_eq(mail_text(&out.source), "1:2");
    ck_assert_str_eq(mail_text(&out.target_uids), "1:2");
    ck_assert_uint_eq(out.uid_validity, mail_box("Trash").uid_validity);
    ck_assert_uint_eq(out.modseq, 0);
    ck_assert_str_eq(mail_flags(trash, 1), "\\Seen work");
    ck_assert_str_eq(mail_flags(trash, 2), "");
    mail_refs(1, &c, &m);
    ck_assert_int_eq(c, 4);
    ck_assert_int_eq(m, 4 * 3);
    ck_assert_int_eq(mail_used(), 60);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"copied\": true}"), 2);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"exp\": true}"), 2); /* Trash has a retention */
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"EXISTS\"}"), 4);
    ck_assert_uint_eq(mail_box("Trash").modify_index, 2);
    ck_assert_uint_eq(mail_box("INBOX").modify_index, 2);
}
END_TEST

START_TEST(move_changes_only_the_place)
{
    struct wd_id box = mail_create("box");
    int64_t c, m;

    mail_add(inbox, &(struct mail){ .flags = "\\Seen work", .copied = true });
    mail_add(inbox, &(struct mail){ .attachment = 1, .occurrences = 1 });
    mail_add(inbox, &(struct mail){ 0 });
    must(transfer(true, "1:2", "box", &no_once));
    ck_assert_str_eq(mail_text(&out.source), "1:2");
    ck_assert_str_eq(mail_text(&out.target_uids), "1:2");
    ck_assert_uint_eq(out.modseq, 4);
    ck_assert_str_eq(mail_flags(box, 1), "\\Seen work");
    ck_assert_ptr_null(mail_json(inbox, 1));
    ck_assert_ptr_nonnull(mail_json(inbox, 3));
    ck_assert_int_eq(mail_used(), 300);
    mail_refs(1, &c, &m);
    ck_assert_int_eq(c, 1);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"copied\": true}"), 1);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"EXPUNGE\", \"modseq\": 4, \"ignore\": \"me\"}"), 2);
}
END_TEST

START_TEST(move_within_a_mailbox_ends)
{
    struct wd_mailbox box;
    struct wd_view v = { 0 };

    mail_add_many(inbox, WD_JOURNAL_GROUP + 10, &(struct mail){ 0 });
    must(transfer(true, "1:4294967295", "INBOX", &no_once));
    ck_assert_str_eq(mail_text(&out.source), "1:2010");
    ck_assert_str_eq(mail_text(&out.target_uids), "2011:4020");
    ck_assert(wd_view_open(&domain, arena, user, WD_STR("inbox"), &box, &v, &err));
    ck_assert_str_eq(mail_text(&v.uids), "2011:4020");
    wd_view_done(&v);
}
END_TEST

START_TEST(junk_is_marked_and_unmarked)
{
    struct wd_id junk = mail_box("Junk").id;
    struct wd_copy in = { .user = user, .mailbox = junk, .uids = mail_set("1"), .target_path = WD_STR("INBOX") };

    mail_add(inbox, &(struct mail){ 0 });
    must(transfer(true, "1", "Junk", &no_once));
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"junk\": true}"), 1);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"junk\": 1}"), 1);
    wd_copied_done(&out);
    ck_assert(wd_message_copy(&domain, arena, &in, &no_once, &out, &err));
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"junk\": true}"), 1);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"junk\": -1}"), 1);
}
END_TEST

START_TEST(copy_is_refused)
{
    mail_add(inbox, &(struct mail){ .size = 1000 });
    ck_assert(!transfer(false, "1", "nowhere", &no_once));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    domain.options.max_storage_bytes = 999;
    ck_assert(!transfer(false, "1", "Trash", &no_once));
    ck_assert_int_eq(err.reason, WD_OVER_QUOTA);
    must(transfer(true, "1", "Trash", &no_once));
}
END_TEST

START_TEST(nothing_to_copy_is_fine)
{
    must(transfer(false, "1:7", "Trash", &no_once));
    ck_assert_str_eq(mail_text(&out.source), "");
    ck_assert_uint_eq(mail_box("Trash").uid_next, 1);
    must(transfer(true, "1:7", "Trash", &no_once));
    ck_assert_uint_eq(out.modseq, 0);
}
END_TEST

START_TEST(a_repeat_does_nothing_more)
{
    struct wd_once once = { .user = user, .method = "Copy", .key = WD_STR("k") };

    mail_add_many(inbox, 3, &(struct mail){ 0 });
    for (int i = 0; i < 2; i++) {
        must(transfer(_i, "1:2", "Trash", &once));
        ck_assert_str_eq(mail_text(&out.source), "1:2");
        ck_assert_str_eq(mail_text(&out.target_uids), "1:2");
        ck_assert_uint_eq(out.modseq, _i ? 4 : 0);
        ck_assert_int_eq(mail_used(), _i ? 300 : 500);
    }
}
END_TEST

START_TEST(a_failed_transfer_leaves_nothing)
{
    const char *before;
    bool done = false;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* test_change.c has what holds there */
    mail_add_many(inbox, 2, &(struct mail){ .attachment = 1, .occurrences = 2 });
    mail_add_many(inbox, 1, &(struct mail){ .attachment = 2, .occurrences = 1, .flags = "\\Seen" });
    before = mail_dump();
    for (uint64_t i = 1; !done; i++) {
        wd_fault_fail(fault, NULL, i, WD_DATABASE);
        done = transfer(_i, "1:3", "Junk", &no_once);
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        if (!done)
            ck_assert_str_eq(mail_dump(), before);
        ck_assert_uint_lt(i, 200);
    }
    ck_assert_str_eq(mail_text(&out.source), "1:3");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("copy");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_test(t, copy_keeps_everything_but_its_place);
    tcase_add_test(t, move_changes_only_the_place);
    tcase_add_test(t, move_within_a_mailbox_ends);
    tcase_add_test(t, junk_is_marked_and_unmarked);
    tcase_add_test(t, copy_is_refused);
    tcase_add_test(t, nothing_to_copy_is_fine);
    tcase_add_loop_test(t, a_repeat_does_nothing_more, 0, 2);
    tcase_add_loop_test(t, a_failed_transfer_leaves_nothing, 0, 2);
    return run_case("copy", t);
}
