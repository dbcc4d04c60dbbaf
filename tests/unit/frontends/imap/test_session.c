/* A whole wd-imap in one process: real sockets, the real RPC, and a store that says what the test wants. */
#include <stdio.h>

#include "frontends/imap/autoexpunge.h"
#include "tests/unit/frontends/imap/fake_store.h"
#include "tests/unit/frontends/imap/harness.h"

enum { EXISTS = 1, EXPUNGE = 2, FLAGS = 3, DELETED = 4 }; /* MailboxChange.Kind */

#define ck_got(c, text) ck_assert_str_eq((c)->got.p, (text))
#define ck_has(c, text) ck_assert_msg(strstr((c)->got.p, (text)), "%s", (c)->got.p)

static struct fake f;
static struct fake_client a, b;

static void
setup(void)
{
    fake_open(&f);
    client_select(&a, &f);
}

static void
teardown(void)
{
    client_close(&a);
    fake_close(&f);
}

START_TEST(select_tells_what_there_is)
{
    client_do(&a, "EXAMINE inbox");
    ck_got(&a, "* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)\r\n"
               "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen \\*)]\r\n"
               "* OK [UIDVALIDITY 7]\r\n* 5 EXISTS\r\n* 0 RECENT\r\n* OK [HIGHESTMODSEQ 10]\r\n"
               "* OK [UIDNEXT 1000]\r\nt OK [READ-ONLY] completed\r\n");
    client_do(&a, "SELECT nowhere");
    ck_has(&a, "t NO [NONEXISTENT]");
    client_do(&a, "FETCH 1 FLAGS"); /* the selected mailbox was left */
    ck_has(&a, "t BAD");
}
END_TEST

START_TEST(noop_reads_the_journal_without_a_beacon)
{
    fake_change(&f, EXISTS, 8, 0, false);
    fake_change(&f, EXPUNGE, 2, 0, false);
    fake_change(&f, FLAGS, 5, 16, false);
    client_do(&a, "NOOP");
    ck_got(&a, "* 2 EXPUNGE\r\n* 4 FETCH (FLAGS (\\Seen))\r\n* 5 EXISTS\r\nt OK completed\r\n");
    client_do(&a, "NOOP");
    ck_got(&a, "t OK completed\r\n");
}
END_TEST

START_TEST(nothing_is_told_during_fetch_and_no_expunge_during_search)
{
    fake_change(&f, EXISTS, 8, 0, false);
    fake_change(&f, EXPUNGE, 2, 0, false);
    fake_beacon(&f);
    client_do(&a, "FETCH 1:* UID");
    ck_got(&a, "* 1 FETCH (UID 1)\r\n* 3 FETCH (UID 3)\r\n* 4 FETCH (UID 4)\r\n* 5 FETCH (UID 5)\r\n"
               "t OK FETCH completed\r\n"); /* 2 is gone and skipped, 8 was not announced */
    client_do(&a, "CAPABILITY");
    ck_has(&a, "* 2 EXPUNGE\r\n* 5 EXISTS\r\nt OK");
    client_do(&a, "UID FETCH 5:* UID");
    ck_got(&a, "* 4 FETCH (UID 5)\r\n* 5 FETCH (UID 8)\r\nt OK FETCH completed\r\n");
}
END_TEST

START_TEST(own_changes_are_not_told)
{
    fake_change(&f, FLAGS, 1, 16, true);
    fake_change(&f, FLAGS, 2, 16, false);
    client_do(&a, "CHECK");
    ck_got(&a, "* 2 FETCH (FLAGS (\\Seen))\r\nt OK completed\r\n");
}
END_TEST

START_TEST(idle_tells_at_once)
{
    client_say(&a, "t IDLE\r\n");
    client_hear(&a, "+ idling\r\n");
    fake_change(&f, EXISTS, 9, 0, false);
    fake_beacon(&f);
    client_hear(&a, "* 6 EXISTS\r\n");
    client_say(&a, "done\r\n");
    client_hear(&a, "t OK IDLE terminated\r\n");
    client_say(&a, "t IDLE\r\nDUNN\r\n");
    client_hear(&a, "t BAD DONE expected\r\n");
}
END_TEST

START_TEST(idle_finds_what_a_lost_beacon_announced)
{
    client_say(&a, "t IDLE\r\n");
    client_hear(&a, "+ idling\r\n");
    fake_change(&f, EXISTS, 9, 0, false);
    imap_server_gap(&f.imap, UINT32_MAX);
    client_hear(&a, "* 6 EXISTS\r\n");
}
END_TEST

START_TEST(expired_journal_is_replaced_by_a_new_look)
{
    struct fake_store *s = fake_lock(&f);

    s->expired = true;
    s->modseq = 90;
    wd_seqset_remove(&s->uids, 1, 1);
    wd_seqset_add(&s->uids, 50, 51);
    fake_unlock(&f);
    client_do(&a, "NOOP");
    ck_got(&a, "* 1 EXPUNGE\r\n* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS ())\r\n* 3 FETCH (FLAGS ())\r\n"
               "* 4 FETCH (FLAGS ())\r\n* 6 EXISTS\r\nt OK completed\r\n");
}
END_TEST

START_TEST(deleted_mailbox_ends_the_session)
{
    if (_i) {
        fake_lock(&f)->gone = true;
        fake_unlock(&f);
    } else {
        fake_change(&f, DELETED, 0, 0, false);
    }
    client_say(&a, "t NOOP\r\n");
    client_hear_end(&a);
    ck_got(&a, "t OK completed\r\n* BYE Selected mailbox is gone\r\n");
}
END_TEST

static void
logout_beacon(void)
{
    char user[] = FAKE_USER, reason[] = "Password changed";
    Wd__V1__Beacon beacon = WD__V1__BEACON__INIT;

    beacon.kind = WD__V1__BEACON__KIND__LOGOUT;
    beacon.user = user;
    beacon.reason = reason;
    imap_server_beacon(&f.imap, &beacon);
}

START_TEST(logout_beacon_ends_all_sessions_of_the_user)
{
    client_select(&b, &f);
    client_say(&b, "t IDLE\r\n");
    client_hear(&b, "+ idling\r\n");
    logout_beacon();
    client_hear_end(&a);
    client_hear_end(&b);
    ck_has(&a, "* BYE Password changed\r\n");
    ck_has(&b, "* BYE Password changed\r\n");
    client_close(&b);
}
END_TEST

static bool
three_releases(struct fake *fake)
{
    bool is = fake_lock(fake)->releases == 3;

    fake_unlock(fake);
    return is;
}

static bool
three_logins(struct fake *fake)
{
    bool is = fake_lock(fake)->logins == 3;

    fake_unlock(fake);
    return is;
}

static bool
one_connection(struct fake *fake)
{
    return fake->imap.conns_n == 1;
}

START_TEST(every_counted_connection_is_given_back)
{
    client_select(&b, &f);
    client_say(&b, "t LOGOUT\r\n");
    client_hear_end(&b);
    client_close(&b);
    client_open(&b, &f);
    fake_lock(&f)->hold_login = true;
    fake_unlock(&f);
    client_say(&b, "t LOGIN joe pw\r\n");
    fake_until(&f, three_logins);
    client_close(&b); /* before the answer comes */
    fake_until(&f, one_connection);
    fake_lock(&f)->hold_login = false;
    pthread_cond_broadcast(&f.store->changed);
    fake_unlock(&f);
    client_say(&a, "t LOGOUT\r\n");
    client_hear_end(&a);
    fake_until(&f, three_releases);
}
END_TEST

static bool
one_renewal(struct fake *fake)
{
    bool is = fake_lock(fake)->renewals == 1;

    fake_unlock(fake);
    return is;
}

START_TEST(tokens_are_renewed_before_they_expire)
{
    struct fake_store *s = fake_lock(&f);

    s->short_tokens = true;
    s->no_renewals = _i;
    fake_unlock(&f);
    client_select(&b, &f);
    fake_until(&f, one_renewal);
    if (_i) {
        client_hear_end(&b);
        ck_has(&b, "* BYE Session has expired\r\n");
    } else {
        client_do(&b, "NOOP");
        ck_got(&b, "t OK completed\r\n");
    }
    client_close(&b);
}
END_TEST

START_TEST(refused_logins)
{
    client_open(&b, &f);
    client_do(&b, "LOGIN joe wrong");
    ck_has(&b, "t NO [AUTHENTICATIONFAILED]");
    client_do(&b, "SELECT INBOX");
    ck_has(&b, "t BAD");
    client_do(&b, "AUTHENTICATE PLAIN AGpvZQBwdw==");
    ck_has(&b, "t OK joe authenticated");
    client_close(&b);
}
END_TEST

START_TEST(pages_of_fetch)
{
    fake_lock(&f)->page_of_one = true;
    fake_unlock(&f);
    client_do(&a, "FETCH 1:3 (UID BODY.PEEK[])");
    ck_got(&a, "* 1 FETCH (UID 1 BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n)\r\n"
               "* 2 FETCH (UID 2 BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n)\r\n"
               "* 3 FETCH (UID 3 BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n)\r\nt OK FETCH completed\r\n");
}
END_TEST

START_TEST(long_body_comes_in_ranges)
{
    fake_lock(&f)->long_uid = 2;
    fake_unlock(&f);
    client_do(&a, "FETCH 1:3 (BODY.PEEK[] UID)");
    ck_has(&a, "* 2 FETCH (BODY[] {600000}\r\nzzz");
    ck_has(&a, "zzz UID 2)\r\n* 3 FETCH (BODY[] {20}\r\n");
    ck_assert_uint_gt(a.got.n, 600000);
}
END_TEST

/* A literal that cannot be completed: the connection ends, and not a byte that could be taken for the body follows. */
START_TEST(failure_inside_of_a_literal_ends_the_connection)
{
    struct fake_store *s = fake_lock(&f);

    s->long_uid = 2;
    s->fail_at = 300000;
    fake_unlock(&f);
    client_say(&a, "t FETCH 2 BODY.PEEK[]\r\n");
    client_hear_end(&a);
    ck_assert_uint_lt(a.got.n, 600000);
    ck_assert(a.got.n < 40 || a.got.p[a.got.n - 1] == 'z');
}
END_TEST

START_TEST(message_that_vanishes_before_its_body_is_left_out)
{
    fake_lock(&f)->vanished_uid = 2;
    fake_unlock(&f);
    client_do(&a, "FETCH 1:3 (UID BODY.PEEK[])");
    ck_got(&a, "* 1 FETCH (UID 1 BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n)\r\n"
               "* 3 FETCH (UID 3 BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n)\r\nt OK FETCH completed\r\n");
}
END_TEST

static void
append_of(size_t size, const char *mode)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_buf_printf(&text, "APPEND x/ (\\Seen) {%zu%s}\r\n", size, mode);
    for (size_t i = 0; i < size; i++)
        wd_buf_chr(&text, (char)('a' + i % 26));
    wd_buf_chr(&text, '\0');
    client_do(&a, text.p);
}

START_TEST(append_small_and_large)
{
    static const size_t sizes[] = { 1, 716800, 716801, 524288 * 2, 3000000 };
    const struct fake_store *s = fake_lock(&f);
    size_t n = sizes[_i];

    fake_unlock(&f);
    append_of(n, "+");
    ck_got(&a, "t OK [APPENDUID 7 33] completed\r\n");
    ck_assert_uint_eq(s->appended.n, n);
    for (size_t i = 0; i < n; i += 997)
        if (s->appended.p[i] != (char)('a' + i % 26))
            ck_abort_msg("byte %zu is wrong", i);
    ck_assert_uint_eq(s->uploads, n > 716800 ? (n + 524287) / 524288 : 0);
    ck_assert_str_eq(s->appended_path, "x");
    client_do(&a, "NOOP");
    ck_got(&a, "t OK completed\r\n");
}
END_TEST

START_TEST(literals_that_are_refused)
{
    client_do(&a, "APPEND x {5000000}");
    ck_has(&a, "t NO [TOOBIG]");
    append_of(5000000, "+");
    ck_has(&a, "t NO [TOOBIG]");
    client_do(&a, "STATUS {1025}");
    ck_got(&a, "t NO Literal is too long\r\n");
    client_do(&a, "APPEND x (\\Foo) {3}");
    ck_got(&a, "t BAD unknown flag\r\n");
    client_do(&a, "FOO {3+}\r\nabc x y");
    ck_got(&a, "t BAD unknown command\r\n");
    client_do(&a, "NOOP");
    ck_got(&a, "t OK completed\r\n");
}
END_TEST

static bool
expunge_was_called(struct fake *fake)
{
    bool is = fake_lock(fake)->expunges > 0;

    fake_unlock(fake);
    return is;
}

static bool
nothing_is_expunged(struct fake *fake)
{
    return fake->imap.autoexpunges == NULL;
}

/* What is marked while an expunge is under way is left to one more, however often. */
START_TEST(autoexpunge_runs_behind_the_answer_and_once_more_if_needed)
{
    f.options.auto_expunge = true;
    fake_lock(&f)->hold_expunge = true;
    fake_unlock(&f);
    client_do(&a, "STORE 1 +FLAGS (\\Deleted)");
    ck_got(&a, "* 1 FETCH (FLAGS (\\Deleted))\r\nt OK completed\r\n");
    fake_until(&f, expunge_was_called);
    for (int i = 0; i < 3; i++)
        client_do(&a, "UID STORE 1 FLAGS.SILENT (\\Deleted)");
    client_do(&a, "STORE 1 -FLAGS (\\Deleted)");
    client_say(&a, "t LOGOUT\r\n");
    client_hear_end(&a);
    fake_lock(&f)->hold_expunge = false;
    pthread_cond_broadcast(&f.store->changed);
    fake_unlock(&f);
    fake_until(&f, nothing_is_expunged);
    ck_assert_uint_eq(fake_lock(&f)->expunges, 2);
    ck_assert_uint_eq(f.store->own_expunges, 0);
    fake_unlock(&f);
}
END_TEST

/* Neither a flag that is taken away nor another one, and nothing at all without the option. */
START_TEST(autoexpunge_only_when_something_was_marked)
{
    f.options.auto_expunge = _i;
    client_do(&a, _i ? "STORE 1 -FLAGS (\\Deleted)" : "STORE 1 +FLAGS (\\Deleted)");
    client_do(&a, _i ? "STORE 1 +FLAGS (\\Seen)" : "UID STORE 1 FLAGS (\\Deleted)");
    ck_assert(nothing_is_expunged(&f));
    ck_assert(!expunge_was_called(&f));
}
END_TEST

START_TEST(autoexpunge_is_given_up_at_the_end_of_the_process)
{
    f.options.auto_expunge = true;
    fake_lock(&f)->hold_expunge = true;
    fake_unlock(&f);
    client_do(&a, "STORE 1 +FLAGS (\\Deleted)");
    fake_until(&f, expunge_was_called);
    imap_autoexpunge_abandon(&f.imap);
    ck_assert(nothing_is_expunged(&f));
    fake_lock(&f)->hold_expunge = false;
    pthread_cond_broadcast(&f.store->changed);
    fake_unlock(&f);
}
END_TEST

START_TEST(too_many_bad_commands)
{
    for (int i = 0; i < IMAP_BADS_MAX; i++)
        client_do(&a, "FOO");
    client_say(&a, "t FOO\r\n");
    client_hear_end(&a);
    ck_got(&a, "t BAD unknown command\r\n* BYE Too many protocol errors\r\n");
}
END_TEST

START_TEST(pipelined_commands_run_one_after_another)
{
    client_say(&a, "t1 NOOP\r\nt2 SELECT INBOX\r\nt3 FETCH 1 UID\r\nt4 LOGOUT\r\nt5 NOOP\r\n");
    client_hear_end(&a);
    ck_has(&a, "t1 OK completed\r\n* FLAGS");
    ck_has(&a, "t2 OK [READ-WRITE] completed\r\n* 1 FETCH (UID 1)\r\nt3 OK");
    ck_assert_ptr_null(strstr(a.got.p, "t5"));
}
END_TEST

START_TEST(shutdown_says_bye)
{
    client_open(&b, &f);
    imap_server_stop(&f.imap, "Going down");
    client_hear_end(&a);
    client_hear_end(&b);
    ck_has(&a, "* BYE Going down\r\n");
    ck_has(&b, "* BYE Going down\r\n");
    client_close(&b);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("session");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, select_tells_what_there_is);
    tcase_add_test(t, noop_reads_the_journal_without_a_beacon);
    tcase_add_test(t, nothing_is_told_during_fetch_and_no_expunge_during_search);
    tcase_add_test(t, own_changes_are_not_told);
    tcase_add_test(t, idle_tells_at_once);
    tcase_add_test(t, idle_finds_what_a_lost_beacon_announced);
    tcase_add_test(t, expired_journal_is_replaced_by_a_new_look);
    tcase_add_loop_test(t, deleted_mailbox_ends_the_session, 0, 2);
    tcase_add_test(t, logout_beacon_ends_all_sessions_of_the_user);
    tcase_add_test(t, every_counted_connection_is_given_back);
    tcase_add_loop_test(t, tokens_are_renewed_before_they_expire, 0, 2);
    tcase_add_test(t, refused_logins);
    tcase_add_test(t, pages_of_fetch);
    tcase_add_test(t, long_body_comes_in_ranges);
    tcase_add_test(t, failure_inside_of_a_literal_ends_the_connection);
    tcase_add_test(t, message_that_vanishes_before_its_body_is_left_out);
    tcase_add_loop_test(t, append_small_and_large, 0, 5);
    tcase_add_test(t, literals_that_are_refused);
    tcase_add_test(t, autoexpunge_runs_behind_the_answer_and_once_more_if_needed);
    tcase_add_loop_test(t, autoexpunge_only_when_something_was_marked, 0, 2);
    tcase_add_test(t, autoexpunge_is_given_up_at_the_end_of_the_process);
    tcase_add_test(t, too_many_bad_commands);
    tcase_add_test(t, pipelined_commands_run_one_after_another);
    tcase_add_test(t, shutdown_says_bye);
    return run_case("imap session", t);
}
