#include "store-svc/domain/maildrop.h"

#include "common/base/clock.h"
#include "store-svc/domain/append.h"
#include "store-svc/domain/fetch.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static struct wd_maildrop drop;

/* "uid:size uid:size" of a listing. */
static const char *
listed(void)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    if (!wd_maildrop_open(&domain, arena, user, &drop, &err))
        return err.text;
    ck_assert(wd_id_eq(drop.mailbox, inbox));
    for (size_t i = 0; i < drop.n; i++)
        wd_buf_printf(&text, "%s%u:%llu", i ? " " : "", drop.messages[i].uid,
                      (unsigned long long)drop.messages[i].size);
    return wd_arena_str(arena, wd_buf_view(&text)).p;
}

static bool
update(const char *seen, const char *remove, const char *key, uint32_t *removed)
{
    struct wd_once once = { .user = user, .method = "Update", .key = wd_str_c(key) };
    struct wd_maildrop_update in = {
        .user = user, .mailbox = inbox, .seen = mail_set(seen), .remove = mail_set(remove)
    };

    return wd_maildrop_update(&domain, arena, &in, &once, removed, &err);
}

START_TEST(the_newest_are_listed_in_order)
{
    ck_assert_str_eq(listed(), "");
    for (int i = 1; i <= 5; i++)
        mail_add(inbox, &(struct mail){ .size = i * 10 });
    ck_assert_str_eq(listed(), "1:10 2:20 3:30 4:40 5:50");
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"uid\": 5}"), 1);
    for (size_t i = 0; i < drop.n; i++) {
        char hex[WD_ID_HEX + 1], json[80];

        snprintf(json, sizeof json, "{\"_id\": {\"$oid\": \"%s\"}, \"uid\": %u}", wd_id_hex(drop.messages[i].id, hex),
                 drop.messages[i].uid);
        ck_assert_int_eq(mail_count(WD_MESSAGES, json), 1);
    }
    users_set(user, "{\"pop3MaxMessages\": 2}");
    ck_assert_str_eq(listed(), "4:40 5:50");
    domain.options.pop3_max_messages = 3;
    ck_assert_str_eq(listed(), "4:40 5:50");
    users_set(user, "{\"pop3MaxMessages\": 0}");
    ck_assert_str_eq(listed(), "3:30 4:40 5:50");
}
END_TEST

START_TEST(older_messages_do_not_slide_into_view)
{
    uint32_t removed;

    users_set(user, "{\"pop3MaxMessages\": 3}");
    mail_add_many(inbox, 6, &(struct mail){ 0 });
    ck_assert_str_eq(listed(), "4:100 5:100 6:100");
    ck_assert(update("", "5:6", "a", &removed));
    ck_assert_str_eq(listed(), "4:100");
    ck_assert(update("", "4", "b", &removed));
    ck_assert_str_eq(listed(), "");
    mail_add_many(inbox, 2, &(struct mail){ 0 });
    ck_assert_str_eq(listed(), "7:100 8:100");
    users_set(user, "{\"pop3MaxMessages\": 4}"); /* another limit starts anew */
    ck_assert_str_eq(listed(), "2:100 3:100 7:100 8:100");
}
END_TEST

START_TEST(an_update_marks_and_moves)
{
    uint32_t removed;

    mail_add_many(inbox, 3, &(struct mail){ 0 });
    mail_add_many(inbox, 3, &(struct mail){ .flags = "\\Seen \\Flagged" });
    ck_assert(update("1,4", "2,5,9", "", &removed));
    ck_assert_uint_eq(removed, 2);
    ck_assert_str_eq(mail_flags(inbox, 1), "\\Seen");
    ck_assert_str_eq(mail_flags(inbox, 3), "");
    ck_assert_str_eq(mail_flags(inbox, 4), "\\Seen \\Flagged");
    ck_assert_str_eq(mail_flags(mail_box("Trash").id, 1), "\\Seen");
    ck_assert_str_eq(mail_flags(mail_box("Trash").id, 2), "\\Seen \\Flagged");
    ck_assert_str_eq(listed(), "1:100 3:100 4:100 6:100");
    /* One MODSEQ for the marks, one for what goes. */
    ck_assert_uint_eq(mail_box("INBOX").modify_index, 8);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"modseq\": 7, \"command\": \"FETCH\"}"), 2);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"modseq\": 8, \"command\": \"EXPUNGE\"}"), 2);
    ck_assert_int_eq(mail_used(), 600);
    mail_check_mirrors();
}
END_TEST

START_TEST(nothing_to_do_is_fine)
{
    const char *before = mail_dump();
    uint32_t removed = 7;

    ck_assert(update("", "", "k", &removed));
    ck_assert_uint_eq(removed, 0);
    ck_assert_str_eq(mail_dump(), before);
}
END_TEST

START_TEST(a_repeat_does_nothing_more)
{
    const char *after;
    uint32_t removed;

    mail_add_many(inbox, 4, &(struct mail){ 0 });
    ck_assert(update("1", "2:3", "k", &removed));
    after = mail_dump();
    removed = 0;
    ck_assert(update("1", "2:3", "k", &removed));
    ck_assert_uint_eq(removed, 2);
    ck_assert_str_eq(mail_dump(), after);
}
END_TEST

static int64_t ahead_ms;

static int64_t
moved_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead_ms;
}

/* Messages of the mailbox, whatever their UIDs. */
static int64_t
count_of(struct wd_id mailbox)
{
    char hex[WD_ID_HEX + 1], json[64];

    snprintf(json, sizeof json, "{\"mailbox\": {\"$oid\": \"%s\"}}", wd_id_hex(mailbox, hex));
    return mail_count(WD_MESSAGES, json);
}

/* A store that dies at any call, and the same request at another one, when the first is known to be dead. */
START_TEST(a_repeat_does_what_is_missing)
{
    uint32_t removed, first = 1, rounds = 0;
    bool done = false;

    for (uint64_t i = 1; !done; i++, first += 4, rounds++) {
        char seen[32], remove[32], key[16];

        mail_add_many(inbox, 4, &(struct mail){ 0 });
        snprintf(seen, sizeof seen, "%u", first);
        snprintf(remove, sizeof remove, "%u:%u", first + 1, first + 2);
        snprintf(key, sizeof key, "key%u", first);
        wd_fault_fail_from(fault, NULL, i, WD_DATABASE);
        done = update(seen, remove, key, &removed);
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        ahead_ms += 60 * 1000;
        if (!done) {
            ck_assert_int_eq(err.reason, WD_DATABASE);
            ck_assert_msg(update(seen, remove, key, &removed), "%s", err.text);
        }
        ck_assert_uint_eq(removed, 2);
        ck_assert_str_eq(mail_flags(inbox, first), "\\Seen");
        ck_assert_str_eq(mail_flags(inbox, first + 3), "");
        ck_assert_int_eq(mail_count(WD_MESSAGES, "{}"), (first / 4 + 1) * 4);
        ck_assert_uint_lt(i, 200);
    }
    ck_assert_uint_gt(rounds, 5);
    ck_assert_int_eq(count_of(mail_box("Trash").id), rounds * 2);
    ck_assert_int_eq(count_of(inbox), rounds * 2);
    mail_check_mirrors();
}
END_TEST

START_TEST(without_a_trash_nothing_is_removed)
{
    bson_t *filter = bson_new_from_json((const uint8_t *)"{\"specialUse\": \"\\\\Trash\"}", -1, NULL);
    uint32_t removed;

    mail_add_many(inbox, 2, &(struct mail){ 0 });
    ck_assert(wd_docs_remove_many(domain.docs, WD_MAILBOXES, filter, NULL, &err));
    bson_destroy(filter);
    ck_assert(!update("1", "2", "k", &removed));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    ck_assert_str_eq(mail_flags(inbox, 1), "\\Seen");
    ck_assert_str_eq(mail_flags(inbox, 2), "");
    ck_assert_str_eq(listed(), "1:100 2:100");
    ck_assert(update("1", "", "l", &removed));
}
END_TEST

START_TEST(another_ones_mailbox_is_not_there)
{
    struct wd_id other = users_make("other", NULL);
    struct wd_maildrop_update in = { .user = other, .mailbox = inbox, .seen = mail_set("1"), .remove = mail_set("1") };
    uint32_t removed;

    mail_add_many(inbox, 1, &(struct mail){ 0 });
    ck_assert(!wd_maildrop_update(&domain, arena, &in, &no_once, &removed, &err));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    ck_assert_str_eq(mail_flags(inbox, 1), "");
}
END_TEST

START_TEST(downloads_are_limited_at_the_start_of_a_message)
{
    struct wd_append in = { .user = user, .path = WD_STR("INBOX"), .raw = WD_STR("Subject: x\r\n\r\nbody\r\n") };
    struct wd_read_body read = { .user = user, .mailbox = inbox, .uid = 1, .meter = WD_METER_POP3 };
    struct wd_buf data wd_auto(wd_buf_done) = { 0 };
    struct wd_appended made;
    uint64_t size;

    ck_assert_msg(wd_message_append(&domain, arena, &in, &made, &err), "%s", err.text);
    users_set(user, "{\"pop3MaxDownload\": 10, \"imapMaxDownload\": 1}");
    read.range.length = 12;
    ck_assert(wd_read_body(&domain, arena, &read, &data, &size, &err));
    read.range.offset = 12; /* the line is passed, but not in the middle of an answer */
    ck_assert(wd_read_body(&domain, arena, &read, &data, &size, &err));
    ck_assert_uint_eq(data.n, 20);
    read.range.offset = 0;
    ck_assert(!wd_read_body(&domain, arena, &read, &data, &size, &err));
    ck_assert_int_eq(err.reason, WD_DOWNLOAD_LIMIT);
    read.meter = WD_METER_IMAP; /* which is counted apart */
    ck_assert(wd_read_body(&domain, arena, &read, &data, &size, &err));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("maildrop");

    wd_clock_fix(moved_clock);
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_test(t, the_newest_are_listed_in_order);
    tcase_add_test(t, older_messages_do_not_slide_into_view);
    tcase_add_test(t, an_update_marks_and_moves);
    tcase_add_test(t, nothing_to_do_is_fine);
    tcase_add_test(t, a_repeat_does_nothing_more);
    tcase_add_test(t, a_repeat_does_what_is_missing);
    tcase_add_test(t, without_a_trash_nothing_is_removed);
    tcase_add_test(t, another_ones_mailbox_is_not_there);
    tcase_add_test(t, downloads_are_limited_at_the_start_of_a_message);
    return run_case("maildrop", t);
}
