#include "store-svc/domain/search.h"
#include "store-svc/domain/append.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

#define AND(n)        { .key = WD_SEARCH_AND, .count = n }
#define OR(n)         { .key = WD_SEARCH_OR, .count = n }
#define NOT           { .key = WD_SEARCH_NOT }
#define KEY(k)        { .key = WD_SEARCH_##k }
#define NUMBER(k, v)  { .key = WD_SEARCH_##k, .number = v }
#define STRING(k, t)  { .key = WD_SEARCH_##k, .text = WD_STR_C(t) }
#define HEADER(h, t)  { .key = WD_SEARCH_HEADER, .name = WD_STR_C(h), .text = WD_STR_C(t) }
#define WORDS(t)      STRING(TEXT_KEY, t)
#define UIDS          { .key = WD_SEARCH_UIDS } /* 2:3,5,99 */
#define MAX 9

static struct wd_seqset some;
static struct wd_searched out;

static bool
search(const struct wd_search_node *program, size_t n)
{
    struct wd_search in = { .user = user, .mailbox = inbox, .program = program, .n = n };

    wd_searched_done(&out);
    out = (struct wd_searched){ 0 };
    return wd_search(&domain, arena, &in, &out, &err);
}

/*  uid  flags                  subject            text                size   idate */
#define MAIL(f, s, t, n, d) { .flags = f, .subject = s, .text = t, .size = n, .idate_ms = d }

static const struct mail mails[] = {
    MAIL("\\Seen", "hello world", "apples and pears", 100, 1000),
    MAIL("\\Seen \\Flagged Work", "re: hello", "pears", 200, 2000),
    MAIL("", "100% (a+b) [c]", "quinces apples", 300, 3000),
    MAIL("\\Answered work", "größe", NULL, 400, 4000),
    MAIL("\\Deleted \\Draft", "HELLO in vain", "apples", 500, 5000),
    MAIL("$Forwarded workshop", "message", "the red apples", 600, 6000),
};

static void
setup(void)
{
    mail_setup();
    for (size_t i = 0; i < WD_COUNT(mails); i++)
        mail_add(inbox, &mails[i]);
    mail_add(mail_box("Trash").id, &mails[0]); /* never found */
    wd_seqset_add(&some, 2, 3);
    wd_seqset_add(&some, 5, 5);
    wd_seqset_add(&some, 99, 99);
}

static void
teardown(void)
{
    wd_seqset_done(&some);
    wd_searched_done(&out);
    mail_teardown();
}

/* What is found, and the program. */
#define ROW(uids_, ...)                                                                                                \
    {                                                                                                                  \
        { __VA_ARGS__ }, sizeof((struct wd_search_node[]){ __VA_ARGS__ }) / sizeof(struct wd_search_node), uids_       \
    }

static const struct {
    struct wd_search_node program[MAX];
    size_t n;
    const char *found;
} rows[] = {
    { .n = 0, .found = "1:6" },
    ROW("1:6", KEY(ALL)),
    ROW("", KEY(NONE)),
    ROW("1:6", NOT, KEY(NONE)),
    ROW("", NOT, KEY(ALL)),
    ROW("1:6", AND(0)),
    ROW("", OR(0)),
    ROW("1:2", NUMBER(FLAG, WD_FLAG_SEEN)),
    ROW("3:6", NOT, NUMBER(FLAG, WD_FLAG_SEEN)),
    ROW("2", NUMBER(FLAG, WD_FLAG_FLAGGED)),
    ROW("5", NUMBER(FLAG, WD_FLAG_DELETED)),
    ROW("5", NUMBER(FLAG, WD_FLAG_DRAFT)),
    ROW("4", NUMBER(FLAG, WD_FLAG_ANSWERED)),
    ROW("2,4", STRING(KEYWORD, "WORK")),
    ROW("1,3,5:6", NOT, STRING(KEYWORD, "work")),
    ROW("6", STRING(KEYWORD, "$forwarded")),
    ROW("", STRING(KEYWORD, "a(b")),
    ROW("1:2", NUMBER(BEFORE, 3000)),
    ROW("3:6", NUMBER(SINCE, 3000)),
    ROW("1:2", NUMBER(SENT_BEFORE, 3000)),
    ROW("3:6", NUMBER(SENT_SINCE, 3000)),
    ROW("3:6", NUMBER(LARGER, 200)),
    ROW("1", NUMBER(SMALLER, 200)),
    ROW("1:2,5", HEADER("SUBJECT", "hello")),
    ROW("3", HEADER("subject", "(A+B) [")),
    ROW("3", HEADER("subject", "100%")),
    ROW("", HEADER("subject", "a.b")),
    ROW("4", HEADER("Subject", "GRÖß")),
    ROW("1:6", HEADER("from", "a.k.a. \"JD\"")),
    ROW("1:6", HEADER("From", "")),
    ROW("", HEADER("cc", "")),
    ROW("", HEADER("bcc", "")),
    ROW("", HEADER("x-other", "a")),
    ROW("1:6", NOT, HEADER("x-other", "a")),
    ROW("3:4,6", NOT, HEADER("subject", "hello")),
    ROW("2:3,5", UIDS),
    ROW("1,4,6", NOT, UIDS),
    ROW("3", UIDS, NUMBER(LARGER, 200), NOT, NUMBER(FLAG, WD_FLAG_DELETED)),
    ROW("1:3,5", OR(2), UIDS, NUMBER(FLAG, WD_FLAG_SEEN)),
    ROW("1,3,6", WORDS("apples")),
    ROW("1:3,6", WORDS("apples pears")),
    ROW("6", WORDS("\"red apples\"")),
    ROW("2,4:5", NOT, WORDS("apples")),
    ROW("", WORDS("")),
    ROW("1:6", NOT, WORDS(" ")),
    ROW("1", WORDS("apples"), STRING(BODY, "pears")),
    ROW("1:3,6", OR(2), WORDS("apples"), STRING(BODY, "pears")),
    ROW("1,3,5:6", OR(2), WORDS("apples"), NUMBER(FLAG, WD_FLAG_DELETED)),
    ROW("3,6", WORDS("apples"), NOT, NUMBER(FLAG, WD_FLAG_SEEN)),
    ROW("2,4:6", OR(2), AND(2), NUMBER(FLAG, WD_FLAG_SEEN), STRING(KEYWORD, "work"), NUMBER(LARGER, 300)),
    ROW("1:3", NOT, OR(2), AND(2), NUMBER(FLAG, WD_FLAG_SEEN), NUMBER(SINCE, 9000), NUMBER(LARGER, 300)),
    ROW("2,4:5", NOT, AND(2), WORDS("apples"), OR(2), UIDS, KEY(ALL)),
    ROW("2:3,5:6", OR(2), UIDS, AND(2), WORDS("apples"), NUMBER(SINCE, 6000)),
    ROW("1:2", NOT, NOT, NUMBER(FLAG, WD_FLAG_SEEN)),
    ROW("1,3,6", NOT, NOT, WORDS("apples")),
    ROW("1,6", OR(2), NUMBER(SMALLER, 200), OR(2), NUMBER(LARGER, 500), KEY(NONE)),
    ROW("4:6", NUMBER(MODSEQ, 4)),
};

START_TEST(programs_find)
{
    struct wd_search_node program[MAX];

    memcpy(program, rows[_i].program, sizeof program);
    for (size_t k = 0; k < MAX; k++) /* no constant, so not in the table */
        program[k].uids = &some;
    if (!search(program, rows[_i].n))
        ck_abort_msg("%s", err.text);
    ck_assert_str_eq(mail_text(&out.uids), rows[_i].found);
}
END_TEST

START_TEST(highest_modseq_is_of_the_matches)
{
    struct wd_search_node program[] = { NUMBER(MODSEQ, 2), NUMBER(SMALLER, 400) };

    ck_assert(search(program, 2));
    ck_assert_str_eq(mail_text(&out.uids), "2:3");
    ck_assert_uint_eq(out.highest_modseq, 3);
    ck_assert(search(program + 1, 1));
    ck_assert_uint_eq(out.highest_modseq, 0);
}
END_TEST

static void
refused(const struct wd_search_node *program, size_t n)
{
    ck_assert(!search(program, n));
    ck_assert_int_eq(err.reason, WD_INVALID);
}

START_TEST(malformed_programs_are_refused)
{
    static struct wd_search_node many[WD_SEARCH_NODES + 1];

    refused((struct wd_search_node[]){ NOT }, 1);
    refused((struct wd_search_node[]){ AND(3), KEY(ALL), KEY(ALL) }, 3);
    refused((struct wd_search_node[]){ { .key = 0 } }, 1);
    refused((struct wd_search_node[]){ { .key = (enum wd_search_key)99 } }, 1);
    refused((struct wd_search_node[]){ NUMBER(FLAG, 3) }, 1);
    for (size_t i = 0; i < WD_COUNT(many); i++)
        many[i] = (struct wd_search_node)KEY(ALL);
    refused(many, WD_COUNT(many));
    if (!search(many, WD_SEARCH_NODES))
        ck_abort_msg("%s", err.text);
    for (size_t i = 0; i < WD_SEARCH_DEPTH; i++)
        many[i] = (struct wd_search_node)NOT;
    refused(many, WD_SEARCH_DEPTH + 1);
    ck_assert(search(many + 1, WD_SEARCH_DEPTH));
}
END_TEST

START_TEST(long_chains_of_or_are_no_depth)
{
    static struct wd_search_node chain[WD_SEARCH_NODES];
    size_t n = 0;

    while (n < WD_SEARCH_NODES - 3) {
        chain[n++] = (struct wd_search_node)OR(2);
        chain[n++] = (struct wd_search_node)NUMBER(LARGER, 500);
    }
    chain[n++] = (struct wd_search_node)NUMBER(SMALLER, 200);
    if (!search(chain, n))
        ck_abort_msg("%s", err.text);
    ck_assert_str_eq(mail_text(&out.uids), "1,6");
}
END_TEST

START_TEST(appended_messages_are_found)
{
    struct wd_append in = {
        .user = user,
        .path = WD_STR("INBOX"),
        .raw = WD_STR("From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\r\n"
                      "Subject: =?utf-8?q?=C3=84pfel?=\r\n\r\nzebra\r\n"),
        .once = no_once,
    };
    struct wd_appended made;

    ck_assert(wd_message_append(&domain, arena, &in, &made, &err));
    ck_assert(search((struct wd_search_node[]){ HEADER("From", "jÜRG"), HEADER("subject", "Äpf"), WORDS("zebra") }, 3));
    ck_assert_str_eq(mail_text(&out.uids), "7");
}
END_TEST

START_TEST(another_users_mailbox_is_not_found)
{
    struct wd_search in = { .user = wd_id_new(), .mailbox = inbox };

    ck_assert(!wd_search(&domain, arena, &in, &out, &err));
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("search");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, programs_find, 0, WD_COUNT(rows));
    tcase_add_test(t, highest_modseq_is_of_the_matches);
    tcase_add_test(t, malformed_programs_are_refused);
    tcase_add_test(t, long_chains_of_or_are_no_depth);
    tcase_add_test(t, appended_messages_are_found);
    tcase_add_test(t, another_users_mailbox_is_not_found);
    return run_case("search", t);
}
