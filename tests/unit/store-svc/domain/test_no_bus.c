/* A bus that never answers: nothing is counted, locked or told, and everything else goes on. */
#include "common/base/clock.h"
#include "store-svc/domain/auth.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/maildrop.h"
#include "store-svc/domain/maintenance.h"
#include "store-svc/domain/meter.h"
#include "store-svc/domain/recount.h"
#include "store-svc/driver/fault/fault.h"
#include "tests/unit/store-svc/domain/delivery_fixture.h"

static struct wd_id user;
static struct wd_fault *fault;
static uint64_t calls;

static void
setup(void)
{
    delivery_setup();
    user = users_make("andris", "andris@example.com");
    fault = wd_fault_new();
    domain.bus = wd_fault_bus_new(domain.bus, fault);
    wd_fault_fail_from(fault, NULL, 1, WD_UNAVAILABLE);
    calls = 0;
}

static void
teardown(void)
{
    delivery_teardown();
    wd_fault_free(fault);
}

/* The last operation did ask the bus. */
static void
was_asked(void)
{
    ck_assert_uint_gt(wd_fault_failures(fault), calls);
    calls = wd_fault_failures(fault);
}

static bool
log_in(const char *name, const char *password)
{
    struct wd_login in = { .username = wd_str_c(name), .password = wd_str_c(password), .scope = WD_SCOPE_IMAP,
                           .protocol = WD_STR("IMAP"), .ip = WD_STR("192.0.2.1"), .count_connection = true,
                           .instance = WD_STR("i"), .instance_started_ms = 1 };
    struct wd_logged_in out;

    return wd_auth_login(&domain, arena, &in, &out, &err);
}

START_TEST(logins_are_decided_by_the_password_alone)
{
    domain.options.auth_failures = domain.options.auth_failures_ip = 2;
    users_set(user, "{\"imapMaxConnections\": 1}");
    for (int i = 0; i < 4; i++) {
        ck_assert(!log_in("andris", "wrong"));
        ck_assert_int_eq(err.reason, WD_AUTH_FAILED);
        ck_assert(!log_in("nobody", "wrong"));
        ck_assert_int_eq(err.reason, WD_AUTH_FAILED);
        was_asked();
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(log_in("andris", "secret"), "%s", err.text);
        was_asked();
    }
    ck_assert(wd_auth_release(&domain, user, WD_SCOPE_IMAP, WD_STR("i"), &err));
    was_asked();
}
END_TEST

START_TEST(mail_comes_in)
{
    struct wd_delivered *out;

    users_set(user, "{\"receivedMax\": 1, \"imapMaxUpload\": 1}");
    for (int i = 0; i < 3; i++) {
        out = deliver("andris@example.com", "Subject: a\r\n\r\nb\r\n", NULL);
        ck_assert(out[0].accepted);
        was_asked();
        append(user, "INBOX", "Subject: a\r\n\r\nb\r\n");
        was_asked();
    }
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", user), 6);
}
END_TEST

START_TEST(mail_goes_out)
{
    struct wd_maildrop drop;

    append(user, "INBOX", "Subject: a\r\n\r\nb\r\n");
    users_set(user, "{\"imapMaxDownload\": 1, \"pop3MaxDownload\": 1, \"pop3MaxMessages\": 5}");
    for (int i = 0; i < 2; i++) {
        ck_assert(wd_meter_check(&domain, arena, WD_METER_IMAP, user, &err));
        ck_assert(wd_meter_check(&domain, arena, WD_METER_POP3, user, &err));
        was_asked();
        wd_meter_add(&domain, WD_METER_IMAP, user, 1000);
        wd_meter_add(&domain, WD_METER_POP3, user, 1000);
        was_asked();
        ck_assert(wd_maildrop_open(&domain, arena, user, &drop, &err));
        ck_assert_uint_eq(drop.n, 1);
        was_asked();
    }
}
END_TEST

START_TEST(accounts_are_shown_and_changed)
{
    struct wd_user_change change = { .password = &(struct wd_str){ "another secret", 14 } };
    uint32_t recipients = 7;
    struct wd_user_sent sent;

    change.recipients = &recipients;
    ck_assert(wd_user_sent(&domain, user, &sent, &err));
    ck_assert(sent.recipients == 0 && sent.recipients_ttl_s == -1);
    was_asked();
    ck_assert_msg(wd_user_update(&domain, arena, user, &change, &no_once, &err), "%s", err.text);
    was_asked();
    wd_beacon_send(&domain, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX_LIST, .user = user });
    was_asked();
}
END_TEST

static struct wd_maintenance_stats
round_now(void)
{
    struct wd_maintenance_stats stats;

    ck_assert_msg(wd_maintenance_round(&domain, false, &stats, &err), "%s", err.text);
    ck_assert(!stats.skipped);
    ck_assert_uint_eq(stats.failures, 0);
    return stats;
}

START_TEST(housekeeping_goes_on)
{
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");
    struct wd_check_report report;
    bool due = true;

    change(WD_MESSAGES, "_id", gone.message, "{\"exp\": true, \"rdate\": 1000}");
    was_asked();
    ck_assert_uint_eq(round_now().messages, 1);
    was_asked();
    ck_assert(wd_recount(&domain, &due, &report, &err));
    ck_assert(!due);
}
END_TEST

/* Two processes without a lock would both give back what such a message holds, where a batch is no transaction. */
START_TEST(messages_without_a_mailbox_wait_for_the_lock)
{
    struct wd_appended gone = append(user, "INBOX", "Subject: b\r\n\r\n");
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    uint64_t now = wd_docs_is_atomic(domain.docs) ? 1 : 0;

    change(WD_MESSAGES, "_id", gone.message, "{\"exp\": true, \"rdate\": 1000}");
    wd_doc_add_id(&filter, "_id", gone.mailbox);
    ck_assert(wd_docs_remove_one(domain.docs, WD_MAILBOXES, &filter, NULL, &err));
    ck_assert_uint_eq(round_now().messages, now);
    wd_fault_fail(fault, NULL, 0, WD_UNAVAILABLE);
    ck_assert_uint_eq(round_now().messages, 1 - now);
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, logins_are_decided_by_the_password_alone);
    tcase_add_test(t, mail_comes_in);
    tcase_add_test(t, mail_goes_out);
    tcase_add_test(t, accounts_are_shown_and_changed);
    tcase_add_test(t, housekeeping_goes_on);
    tcase_add_test(t, messages_without_a_mailbox_wait_for_the_lock);
}

int
main(void)
{
    return run_tests("no bus", add);
}
