/* Every call that intake makes to the database or the attachment store fails once: nothing is half done, and the
 * caller's repeat with the same key stores each message once. */
#include "store-svc/domain/check.h"
#include "store-svc/driver/fault/fault.h"
#include "tests/unit/store-svc/domain/delivery_fixture.h"

enum { MORE_THAN_ENOUGH = 400 }; /* calls that one operation makes */

static struct wd_id andris, berta;
static struct wd_fault *fault;
static struct wd_buf message;
static unsigned round_no;

static void
setup(void)
{
    delivery_setup();
    andris = users_make("andris", "andris@example.com");
    berta = users_make("berta", "berta@example.com");
    fault = wd_fault_new();
    domain.docs = domain.users = wd_fault_docs_new(domain.docs, fault);
    domain.blobs = wd_fault_blobs_new(domain.blobs, fault);
    message = message_with_attachment("x", 50000, 2);
    round_no = 0;
}

static void
teardown(void)
{
    wd_buf_done(&message);
    delivery_teardown();
    wd_fault_free(fault);
}

static void
assert_sound(uint64_t nth)
{
    struct wd_check_options options = { .bodies = true };
    struct wd_check_report report;

    if (!wd_check(&domain, &options, &report, &err))
        ck_abort_msg("%s", err.text);
    ck_assert_msg(report.problem_count == 0, "after failure of call %d: %s", (int)nth, report.problems[0]);
    wd_check_report_done(&report);
}

static bool
append_once(const char *key)
{
    struct wd_append in = { .user = andris, .path = WD_STR("INBOX"), .raw = wd_buf_view(&message),
                            .once = { .user = andris, .method = "append", .key = wd_str_c(key) } };
    struct wd_appended out;

    return wd_message_append(&domain, arena, &in, &out, &err);
}

static bool
deliver_once(const char *key)
{
    struct wd_str to[] = { WD_STR("andris@example.com"), WD_STR("berta@example.com"), WD_STR("andris+x@example.com") };
    struct wd_deliver in = { .raw = wd_buf_view(&message), .sender = WD_STR("s@x"), .recipients = to, .n = 3,
                             .key = wd_str_c(key) };
    struct wd_delivered out[3];
    bool all = true;

    if (!wd_deliver(&domain, arena, &in, out, &err))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (!out[i].accepted && wd_reason_info(out[i].reason)->lmtp / 100 != 4)
            ck_abort_msg("a failure of the database bounces mail: %d", (int)out[i].reason);
        all = all && out[i].accepted;
    }
    return all;
}

/* Fails the 1st, 2nd, … call until one operation goes through without meeting its failure. */
static void
fail_each_call(bool (*operation)(const char *key), enum wd_reason reason, int64_t copies_of_andris)
{
    uint64_t nth, failures = 1;
    char key[24];

    for (nth = 1; failures && nth < MORE_THAN_ENOUGH; nth++) {
        int tries = 0;

        snprintf(key, sizeof key, "k%u", ++round_no);
        wd_fault_fail(fault, NULL, nth, reason);
        while (!operation(key))
            ck_assert_int_lt(++tries, 3);
        failures = wd_fault_failures(fault);
        wd_fault_fail(fault, NULL, 0, reason);
        assert_sound(nth);
        ck_assert_int_eq(users_count(WD_MESSAGES, "user", andris), copies_of_andris * round_no);
    }
    ck_assert_uint_gt(nth, 10); /* the failures did happen */
    ck_assert_uint_lt(nth, MORE_THAN_ENOUGH);
}

START_TEST(append_survives_the_failure_of_any_call)
{
    fail_each_call(append_once, WD_DATABASE, 1);
}
END_TEST

START_TEST(append_survives_a_conflict_in_any_call)
{
    fail_each_call(append_once, WD_CONFLICT, 1);
}
END_TEST

START_TEST(delivery_survives_the_failure_of_any_call)
{
    fail_each_call(deliver_once, WD_DATABASE, 1);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", berta), round_no);
}
END_TEST

START_TEST(delivery_survives_a_conflict_in_any_call)
{
    fail_each_call(deliver_once, WD_CONFLICT, 1);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", berta), round_no);
}
END_TEST

/* The client repeats a call that was refused for a moment; it uploads only once. */
START_TEST(upload_stays_for_the_repeat)
{
    struct wd_str to[] = { WD_STR("andris@example.com"), WD_STR("berta@example.com") };
    struct wd_deliver in = { .uploaded = true, .upload = wd_id_new(), .upload_size = message.n, .sender = WD_NONE,
                             .recipients = to, .n = 2, .key = WD_STR("k") };
    struct wd_delivered out[2];
    uint64_t size;
    bool ok;

    ck_assert(wd_blobs_upload_write(domain.blobs, in.upload, 0, wd_buf_view(&message), &size, &err));
    wd_fault_fail_from(fault, "insert", 1, WD_DATABASE);
    ok = wd_deliver(&domain, arena, &in, out, &err);
    ck_assert(!ok || (!out[0].accepted && !out[1].accepted));
    wd_fault_fail(fault, NULL, 0, WD_DATABASE);
    ck_assert_msg(wd_deliver(&domain, arena, &in, out, &err), "%s", err.text);
    ck_assert(out[0].accepted && out[1].accepted);
}
END_TEST

/* Who has the message from an earlier call keeps a good outcome, whatever became of the upload. */
START_TEST(stored_copy_is_never_reported_as_failed)
{
    struct wd_str to[] = { WD_STR("andris@example.com"), WD_STR("berta@example.com") };
    struct wd_deliver in = { .uploaded = true, .upload = wd_id_new(), .upload_size = message.n, .sender = WD_NONE,
                             .recipients = to, .n = 1, .key = WD_STR("k") };
    struct wd_delivered out[2];
    uint64_t size;

    ck_assert(wd_blobs_upload_write(domain.blobs, in.upload, 0, wd_buf_view(&message), &size, &err));
    ck_assert(wd_deliver(&domain, arena, &in, out, &err) && out[0].accepted);
    in.n = 2; /* the upload is gone now */
    ck_assert_msg(wd_deliver(&domain, arena, &in, out, &err), "%s", err.text);
    ck_assert(out[0].accepted && !out[1].accepted);
    ck_assert_int_eq(wd_reason_info(out[1].reason)->lmtp / 100, 4);
    ck_assert_int_eq(users_count(WD_MESSAGES, "user", andris), 1);
}
END_TEST

static void
add_tests(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, append_survives_the_failure_of_any_call);
    tcase_add_test(t, append_survives_a_conflict_in_any_call);
    tcase_add_test(t, delivery_survives_the_failure_of_any_call);
    tcase_add_test(t, delivery_survives_a_conflict_in_any_call);
    tcase_add_test(t, upload_stays_for_the_repeat);
    tcase_add_test(t, stored_copy_is_never_reported_as_failed);
}

int
main(void)
{
    return run_tests("faults", add_tests);
}
