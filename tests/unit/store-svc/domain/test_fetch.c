#include "store-svc/domain/append.h"
#include "store-svc/domain/fetch.h"
#include "store-svc/domain/journal.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static const char mixed[] = "From: Jane <jane@example.com>\r\n"
                            "Subject: two parts\r\n"
                            "Content-Type: multipart/mixed; boundary=b\r\n"
                            "\r\n"
                            "--b\r\n"
                            "\r\n"
                            "hello\r\n"
                            "--b\r\n"
                            "Content-Type: application/octet-stream\r\n"
                            "Content-Transfer-Encoding: base64\r\n"
                            "\r\n"
                            "AAECAwQFBgcICQ==\r\n"
                            "--b--\r\n";

static struct wd_fetched *got;
static size_t n_got;
static uint32_t next;

static uint32_t
append(const char *raw)
{
    struct wd_append in = { .user = user, .path = WD_STR("INBOX"), .raw = wd_str_c(raw), .once = no_once };
    struct wd_appended made;

    if (!wd_message_append(&domain, arena, &in, &made, &err))
        ck_abort_msg("%s", err.text);
    return made.uid;
}

static void
fetch(struct wd_fetch in, const char *uids)
{
    in.user = user;
    in.mailbox = inbox;
    in.uids = mail_set(uids);
    if (!wd_fetch(&domain, arena, &in, &got, &n_got, &next, &err))
        ck_abort_msg("%s", err.text);
}

START_TEST(heads_of_a_set)
{
    mail_add_many(inbox, 3, &(struct mail){ .flags = "\\Seen work", .size = 77, .idate_ms = 5000 });
    fetch((struct wd_fetch){ 0 }, "2:9");
    ck_assert_uint_eq(n_got, 2);
    ck_assert_uint_eq(next, 0);
    ck_assert_uint_eq(got[0].head.uid, 2);
    ck_assert_uint_eq(got[0].head.modseq, 2);
    ck_assert_uint_eq(got[0].head.size, 77);
    ck_assert_int_eq(got[0].head.idate_ms, 5000);
    ck_assert_uint_eq(got[0].head.system_flags, WD_FLAG_SEEN);
    fetch((struct wd_fetch){ .has_changed_since = true, .changed_since = 2 }, "1:9");
    ck_assert_uint_eq(n_got, 1);
    ck_assert_uint_eq(got[0].head.uid, 3);
}
END_TEST

START_TEST(envelope_and_structure)
{
    append(mixed);
    fetch((struct wd_fetch){ .envelope = true, .body_structure = true }, "1");
    ck_assert_uint_eq(n_got, 1);
    ck_assert(wd_str_eq(got[0].envelope.subject, WD_STR("two parts")));
    ck_assert_uint_eq(got[0].envelope.from.n, 1);
    ck_assert(wd_str_eq(got[0].envelope.from.p[0].mailbox, WD_STR("jane")));
    ck_assert_uint_eq(got[0].structure.n, 3);
    ck_assert(wd_str_eq(got[0].structure.parts[2].encoding, WD_STR("BASE64")));
}
END_TEST

START_TEST(sections_come_inline_up_to_the_limit)
{
    static const uint32_t second[] = { 2 }, tenth[] = { 10 };
    struct wd_str subject = WD_STR("subject");
    struct wd_section_range sections[] = {
        { .length = UINT64_MAX },
        { .section = { .path = second, .n_path = 1 }, .length = UINT64_MAX },
        { .section = { .path = second, .n_path = 1 }, .offset = 4, .length = 4 },
        { .section = { .path = tenth, .n_path = 1 }, .length = UINT64_MAX },
        { .section = { .part = WD_SECTION_HEADER_FIELDS, .fields = &subject, .n_fields = 1 }, .length = UINT64_MAX },
        { .section = { .path = second, .n_path = 1 }, .offset = 400, .length = 4 },
    };

    append(mixed);
    fetch((struct wd_fetch){ .sections = sections, .n_sections = WD_COUNT(sections), .inline_limit = 100 }, "1");
    ck_assert(got[0].sections[0].found && !got[0].sections[0].has_data);
    ck_assert_uint_eq(got[0].sections[0].size, sizeof mixed - 1);
    ck_assert(wd_str_eq(got[0].sections[1].data, WD_STR("AAECAwQFBgcICQ==")));
    ck_assert(wd_str_eq(got[0].sections[2].data, WD_STR("AwQF")));
    ck_assert(!got[0].sections[3].found);
    ck_assert(wd_str_eq(got[0].sections[4].data, WD_STR("Subject: two parts\r\n\r\n")));
    ck_assert(got[0].sections[5].has_data && got[0].sections[5].size == 0);
    fetch((struct wd_fetch){ .sections = sections, .n_sections = 1, .inline_limit = 1000 }, "1");
    ck_assert(wd_str_eq(got[0].sections[0].data, wd_str_c(mixed)));
}
END_TEST

START_TEST(pages_stay_small)
{
    struct wd_section_range all = { .length = UINT64_MAX };
    struct wd_fetch in = { .sections = &all, .n_sections = 1, .inline_limit = 1 << 20 };
    char *big = malloc(400001);
    size_t total = 0, pages = 0;

    memset(big, 'x', 400000);
    big[400000] = '\0';
    memcpy(big, "Subject: big\r\n\r\n", 16);
    for (size_t i = 200; i < 400000; i += 100)
        memcpy(big + i, "\r\n", 2);
    for (int i = 0; i < 5; i++)
        append(big);
    do {
        fetch(in, "1:9");
        in.from = next;
        total += n_got;
        pages++;
        ck_assert_uint_le(n_got, 2);
        for (size_t i = 0; i < n_got; i++)
            ck_assert(wd_str_eq(got[i].sections[0].data, wd_str_c(big)));
    } while (next);
    ck_assert_uint_eq(total, 5);
    ck_assert_uint_eq(pages, 3);
    free(big);
}
END_TEST

START_TEST(seen_is_set_with_one_modseq)
{
    mail_add_many(inbox, 2, &(struct mail){ 0 });
    mail_add_many(inbox, 1, &(struct mail){ .flags = "\\Seen" });
    fetch((struct wd_fetch){ .set_seen = true, .session = WD_STR("me") }, "1:3");
    ck_assert_uint_eq(n_got, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(got[i].head.system_flags, WD_FLAG_SEEN);
        ck_assert_uint_eq(got[i].head.modseq, i < 2 ? 4 : 3);
    }
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"FETCH\", \"modseq\": 4, \"ignore\": \"me\"}"), 2);
    mail_check_mirrors();
    fetch((struct wd_fetch){ .set_seen = true }, "1:3");
    ck_assert_uint_eq(mail_box("INBOX").modify_index, 4);
}
END_TEST

static struct wd_str
read_body(uint32_t uid, uint64_t offset, uint64_t length, uint64_t *size)
{
    struct wd_read_body in = {
        .user = user, .mailbox = inbox, .uid = uid, .range = { .offset = offset, .length = length },
        .meter = WD_METER_IMAP
    };
    struct wd_buf data wd_auto(wd_buf_done) = { 0 };

    if (!wd_read_body(&domain, arena, &in, &data, size, &err))
        return WD_NONE;
    return wd_arena_str(arena, wd_buf_view(&data));
}

START_TEST(bodies_are_read_in_ranges)
{
    uint64_t size;
    uint32_t uid = append(mixed);

    for (uint64_t at = 0; at < sizeof mixed - 1; at += 7) {
        ck_assert(wd_str_eq(read_body(uid, at, 7, &size), wd_str_part(wd_str_c(mixed), at, at + 7)));
        ck_assert_uint_eq(size, sizeof mixed - 1);
    }
    ck_assert_uint_eq(read_body(uid, 99999, 7, &size).n, 0);
    ck_assert(read_body(uid + 1, 0, 7, &size).p == NULL);
    ck_assert_int_eq(err.reason, WD_MESSAGE_NOT_FOUND);
}
END_TEST

START_TEST(an_expunged_message_is_not_read_from_the_cache)
{
    bson_t all = BSON_INITIALIZER;
    uint64_t size;
    uint32_t uid = append(mixed);

    ck_assert_uint_eq(read_body(uid, 0, 4, &size).n, 4);
    ck_assert(wd_docs_remove_many(domain.docs, WD_MESSAGES, &all, NULL, &err));
    ck_assert(read_body(uid, 0, 4, &size).p == NULL);
    ck_assert_int_eq(err.reason, WD_MESSAGE_NOT_FOUND);
    bson_destroy(&all);
}
END_TEST

START_TEST(downloads_are_limited)
{
    struct wd_fetch in = { .user = user, .mailbox = inbox, .uids = mail_set("1"), .meter = WD_METER_IMAP };
    uint64_t size;
    uint32_t uid = append(mixed);

    users_set(user, "{\"imapMaxDownload\": 10}");
    ck_assert_uint_eq(read_body(uid, 0, 10, &size).n, 10);
    ck_assert(read_body(uid, 0, 10, &size).p == NULL);
    ck_assert_int_eq(err.reason, WD_DOWNLOAD_LIMIT);
    ck_assert(!wd_fetch(&domain, arena, &in, &got, &n_got, &next, &err));
    ck_assert_int_eq(err.reason, WD_DOWNLOAD_LIMIT);
    in.meter = WD_METER_NONE;
    ck_assert(wd_fetch(&domain, arena, &in, &got, &n_got, &next, &err));
}
END_TEST

START_TEST(a_broken_document_does_not_hide_the_others)
{
    struct wd_section_range all = { .length = UINT64_MAX };
    bson_t filter = BSON_INITIALIZER, update = BSON_INITIALIZER, unset;

    append(mixed);
    append(mixed);
    wd_doc_add_int(&filter, "uid", 1);
    bson_append_document_begin(&update, "$unset", -1, &unset);
    wd_doc_add_int(&unset, "mimeTree", 1);
    bson_append_document_end(&update, &unset);
    ck_assert(wd_docs_update(domain.docs, WD_MESSAGES, &filter, &update, WD_UPDATE_ONE, NULL, &err));
    fetch((struct wd_fetch){ .sections = &all, .n_sections = 1, .inline_limit = 9999 }, "1:2");
    ck_assert_uint_eq(n_got, 2);
    ck_assert(!got[0].sections[0].found);
    ck_assert(got[1].sections[0].has_data);
    bson_destroy(&filter);
    bson_destroy(&update);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("fetch");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_test(t, heads_of_a_set);
    tcase_add_test(t, envelope_and_structure);
    tcase_add_test(t, sections_come_inline_up_to_the_limit);
    tcase_add_test(t, pages_stay_small);
    tcase_add_test(t, seen_is_set_with_one_modseq);
    tcase_add_test(t, bodies_are_read_in_ranges);
    tcase_add_test(t, an_expunged_message_is_not_read_from_the_cache);
    tcase_add_test(t, downloads_are_limited);
    tcase_add_test(t, a_broken_document_does_not_hide_the_others);
    return run_case("fetch", t);
}
