#include "store-svc/domain/store.h"
#include "store-svc/domain/journal.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static struct wd_stored out;

static bool
store_once(const char *uids, enum wd_flag_mode mode, const char *flags, int64_t unchanged_since,
           const struct wd_once *once)
{
    struct wd_str keywords[64], rest = wd_str_c(flags), piece;
    struct wd_store in = { .user = user,
                           .mailbox = inbox,
                           .uids = mail_set(uids),
                           .mode = mode,
                           .keywords = keywords,
                           .conditional = unchanged_since >= 0,
                           .unchanged_since = (uint64_t)unchanged_since,
                           .session = WD_STR("me") };

    while (*flags && wd_str_split(&rest, ' ', &piece)) {
        if (wd_flag_bit(piece))
            in.system_flags |= wd_flag_bit(piece);
        else
            keywords[in.n_keywords++] = piece;
    }
    wd_stored_done(&out);
    out = (struct wd_stored){ 0 };
    return wd_message_store(&domain, arena, &in, once, &out, &err);
}

static void
store(const char *uids, enum wd_flag_mode mode, const char *flags)
{
    if (!store_once(uids, mode, flags, -1, &no_once))
        ck_abort_msg("%s", err.text);
    mail_check_mirrors();
}

static const char *
changed(void)
{
    struct wd_seqset set = { 0 };
    const char *text;

    for (size_t i = 0; i < out.n_changed; i++)
        wd_seqset_add(&set, out.changed[i].uid, out.changed[i].uid);
    text = mail_text(&set);
    wd_seqset_done(&set);
    return text;
}

static const struct {
    const char *before;
    enum wd_flag_mode mode;
    const char *flags, *after;
    bool changes;
} rows[] = {
    { "", WD_FLAGS_ADD, "\\Seen", "\\Seen", true },
    { "\\Seen", WD_FLAGS_ADD, "\\Seen", "\\Seen", false },
    { "\\Seen", WD_FLAGS_ADD, "\\Flagged \\Deleted \\Draft", "\\Seen \\Flagged \\Draft \\Deleted", true },
    { "Work", WD_FLAGS_ADD, "work HOME", "Work HOME", true },
    { "Work", WD_FLAGS_ADD, "WORK", "Work", false },
    { "\\Seen Work \\Deleted", WD_FLAGS_REMOVE, "work \\Deleted", "\\Seen", true },
    { "\\Seen", WD_FLAGS_REMOVE, "\\Deleted", "\\Seen", false },
    { "\\Seen Work", WD_FLAGS_REPLACE, "\\Answered", "\\Answered", true },
    { "\\Seen Work", WD_FLAGS_REPLACE, "work \\Seen", "\\Seen Work", false },
    { "Work", WD_FLAGS_REPLACE, "WORK \\Deleted", "\\Deleted Work", true },
    { "\\Seen Work", WD_FLAGS_REPLACE, "", "", true },
    { "", WD_FLAGS_REPLACE, "", "", false },
};

START_TEST(flags_become)
{
    uint32_t uid = mail_add(inbox, &(struct mail){ .flags = rows[_i].before });

    store("1", rows[_i].mode, rows[_i].flags);
    ck_assert_str_eq(mail_flags(inbox, uid), rows[_i].after);
    ck_assert_uint_eq(out.n_changed, rows[_i].changes);
    ck_assert_uint_eq(out.modseq, rows[_i].changes ? 2 : 0);
    ck_assert_uint_eq(mail_box("INBOX").modify_index, rows[_i].changes ? 2 : 1);
}
END_TEST

START_TEST(one_modseq_for_all_that_change)
{
    mail_add_many(inbox, 3, &(struct mail){ 0 });
    mail_add_many(inbox, 2, &(struct mail){ .flags = "\\Seen a" });
    mail_add_many(inbox, 2, &(struct mail){ .flags = "B" });
    store("1:9", WD_FLAGS_ADD, "\\Seen A b");
    ck_assert_str_eq(changed(), "1:7");
    ck_assert_str_eq(mail_text(&out.missing), "8:9");
    ck_assert_uint_eq(out.modseq, 8);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"modseq\": 8}"), 7);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"modseq\": 8, \"command\": \"FETCH\", \"ignore\": \"me\"}"), 7);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"modseq\": 8, \"unseenChange\": true}"), 5);
    ck_assert_str_eq(mail_flags(inbox, 4), "\\Seen a b");
    ck_assert_str_eq(mail_flags(inbox, 6), "B \\Seen A");
    store("2,4", WD_FLAGS_REMOVE, "a \\Seen");
    ck_assert_str_eq(changed(), "2,4");
    ck_assert_str_eq(mail_flags(inbox, 4), "b");
    ck_assert_str_eq(mail_flags(inbox, 3), "\\Seen A b");
}
END_TEST

START_TEST(unchanged_since_holds_back)
{
    mail_add_many(inbox, 4, &(struct mail){ 0 });
    ck_assert(store_once("1:4,9", WD_FLAGS_ADD, "\\Seen", 2, &no_once));
    ck_assert_str_eq(changed(), "1:2");
    ck_assert_str_eq(mail_text(&out.modified), "3:4");
    ck_assert_str_eq(mail_text(&out.missing), "9");
    ck_assert(store_once("1:4", WD_FLAGS_ADD, "\\Flagged", 0, &no_once));
    ck_assert_uint_eq(out.n_changed, 0);
    ck_assert_str_eq(mail_text(&out.modified), "1:4");
}
END_TEST

START_TEST(the_mailbox_lists_keywords_up_to_its_limit)
{
    char text[32];

    mail_add_many(inbox, 1, &(struct mail){ 0 });
    store("1", WD_FLAGS_ADD, "Work \\Seen");
    store("1", WD_FLAGS_ADD, "work home");
    ck_assert_uint_eq(mail_box("INBOX").n_flags, 2);
    for (int i = 0; i < 120; i++) {
        snprintf(text, sizeof text, "k%d", i);
        store("1", WD_FLAGS_ADD, text);
    }
    ck_assert_uint_eq(mail_box("INBOX").n_flags, WD_MAILBOX_FLAGS - 5);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"flags\": \"k119\"}"), 1);
}
END_TEST

START_TEST(bad_keywords_are_refused)
{
    mail_add_many(inbox, 1, &(struct mail){ 0 });
    ck_assert(!store_once("1", WD_FLAGS_ADD, "a(b", -1, &no_once));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

START_TEST(a_repeat_changes_nothing)
{
    struct wd_once once = { .user = user, .method = "Store", .key = WD_STR("k") };

    if (!wd_docs_is_atomic(domain.docs))
        return; /* setting flags once more does no harm, and is not kept */
    mail_add_many(inbox, 3, &(struct mail){ 0 });
    ck_assert(store_once("1:4", WD_FLAGS_ADD, "\\Seen", -1, &once));
    ck_assert_uint_eq(out.modseq, 4);
    store("1:3", WD_FLAGS_REMOVE, "\\Seen");
    ck_assert(store_once("1:4", WD_FLAGS_ADD, "\\Seen", -1, &once));
    ck_assert_uint_eq(out.modseq, 4);
    ck_assert_str_eq(changed(), "1:3");
    ck_assert_str_eq(mail_text(&out.missing), "4");
    ck_assert_uint_eq(out.changed[0].system_flags, 0);
}
END_TEST

START_TEST(long_sets_come_in_pages)
{
    mail_add_many(inbox, WD_JOURNAL_GROUP + 5, &(struct mail){ 0 });
    ck_assert(store_once("1:9999", WD_FLAGS_ADD, "\\Seen", -1, &no_once));
    ck_assert_uint_eq(out.n_changed, WD_JOURNAL_GROUP);
    ck_assert_uint_eq(out.continue_from, WD_JOURNAL_GROUP + 1);
    ck_assert_str_eq(mail_text(&out.missing), "");
    ck_assert(store_once("2001:9999", WD_FLAGS_ADD, "\\Seen", -1, &no_once));
    ck_assert_uint_eq(out.n_changed, 5);
    ck_assert_uint_eq(out.continue_from, 0);
    ck_assert_str_eq(mail_text(&out.missing), "2006:9999");
}
END_TEST

START_TEST(scattered_sets_are_found)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    mail_add_many(inbox, 1500, &(struct mail){ 0 });
    for (int i = 1; i <= 1500; i += i < 700 ? 100 : 2)
        wd_buf_printf(&text, "%s%d", i > 1 ? "," : "", i);
    wd_buf_c(&text, ",3000000000:4294967295");
    wd_buf_chr(&text, 0);
    ck_assert(store_once(text.p, WD_FLAGS_ADD, "\\Seen", -1, &no_once));
    ck_assert_uint_eq(out.n_changed, 7 + 400);
    ck_assert_str_eq(mail_text(&out.missing), "3000000000:4294967295");
}
END_TEST

START_TEST(sparse_sets_are_found)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_change unused;

    mail_add_many(inbox, 1500, &(struct mail){ 0 });
    ck_assert(mail_take(domain.docs, user, inbox, 98500, &unused));
    ck_assert_uint_eq(mail_add(inbox, &(struct mail){ 0 }), 100001);
    for (int i = 1; i <= 150001; i += 100)
        wd_buf_printf(&text, "%s%d", i > 1 ? "," : "", i);
    wd_buf_chr(&text, 0);
    ck_assert(store_once(text.p, WD_FLAGS_ADD, "\\Seen", -1, &no_once));
    ck_assert_uint_eq(out.n_changed, 15 + 1);
    ck_assert_uint_eq(wd_seqset_count(&out.missing), 1501 - 16);
}
END_TEST

START_TEST(a_failed_store_leaves_nothing)
{
    const char *before;
    bool done = false;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* test_change.c has what holds there */
    mail_add_many(inbox, 2, &(struct mail){ .flags = "a" });
    mail_add_many(inbox, 2, &(struct mail){ .flags = "\\Seen" });
    before = mail_dump();
    for (uint64_t i = 1; !done; i++) {
        wd_fault_fail(fault, NULL, i, WD_DATABASE);
        done = store_once("1:4", WD_FLAGS_ADD, "\\Seen A c", -1, &no_once);
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        if (!done)
            ck_assert_str_eq(mail_dump(), before);
        ck_assert_uint_lt(i, 100);
    }
    ck_assert_str_eq(changed(), "1:4");
}
END_TEST

START_TEST(another_users_mailbox_is_not_found)
{
    struct wd_store in = { .user = wd_id_new(), .mailbox = inbox, .uids = mail_set("1") };

    ck_assert(!wd_message_store(&domain, arena, &in, &no_once, &out, &err));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("store");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_loop_test(t, flags_become, 0, WD_COUNT(rows));
    tcase_add_test(t, one_modseq_for_all_that_change);
    tcase_add_test(t, unchanged_since_holds_back);
    tcase_add_test(t, the_mailbox_lists_keywords_up_to_its_limit);
    tcase_add_test(t, bad_keywords_are_refused);
    tcase_add_test(t, a_repeat_changes_nothing);
    tcase_add_test(t, long_sets_come_in_pages);
    tcase_add_test(t, scattered_sets_are_found);
    tcase_add_test(t, sparse_sets_are_found);
    tcase_add_test(t, a_failed_store_leaves_nothing);
    tcase_add_test(t, another_users_mailbox_is_not_found);
    return run_case("store", t);
}
