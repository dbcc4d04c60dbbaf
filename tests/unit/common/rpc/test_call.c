/* Calls between a real client and a real server in one process. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/rpc/client_raw.h"
#include "tests/run.h"
#include "tests/unit/common/rpc/testing.h"

static struct testing_store store;
static struct testing_client client;
static struct testing_call call;

static void
setup(void)
{
    testing_init();
    testing_store_start(&store, "one", testing_url("store"), NULL);
    testing_client_to(&client, testing_url("store"));
}

static void
teardown(void)
{
    testing_end(&call, &client, (struct testing_store *const[]){ &store, NULL });
}

START_TEST(round_trip)
{
    testing_status(&client, &call, "INBOX", 5000);
    ck_assert_ptr_nonnull(call.call);
    testing_await(&client, &call);
    ck_assert_ptr_nonnull(call.reply);
    ck_assert_uint_eq(((const Wd__V1__MailboxStatus *)call.reply)->messages, 7);
    ck_assert_str_eq(((const Wd__V1__MailboxStatus *)call.reply)->id, "one");
    ck_assert_uint_eq(wd_rpc_client_connected(client.rpc, NULL), 1);
}
END_TEST

START_TEST(empty_request_and_reply_of_another_service)
{
    testing_health(&client, &call, 5000);
    testing_await(&client, &call);
    ck_assert_str_eq(((const Wd__V1__HealthReply *)call.reply)->version, "one");
}
END_TEST

START_TEST(reason_and_text_of_a_failure_arrive)
{
    testing_status(&client, &call, "fail", 5000);
    testing_await(&client, &call);
    ck_assert_ptr_null(call.reply);
    ck_assert_int_eq(call.err.reason, WD_MAILBOX_NOT_FOUND);
    ck_assert_str_eq(call.err.text, "no mailbox 'fail'");
}
END_TEST

START_TEST(handler_that_does_not_answer_is_internal)
{
    testing_status(&client, &call, "nothing", 5000);
    testing_await(&client, &call);
    ck_assert_ptr_null(call.reply);
    ck_assert_int_eq(call.err.reason, WD_INTERNAL);
}
END_TEST

START_TEST(second_reply_of_a_handler_is_ignored)
{
    testing_status(&client, &call, "twice", 5000);
    testing_await(&client, &call);
    ck_assert_ptr_nonnull(call.reply);
    testing_call_done(&call);
    testing_status(&client, &call, "INBOX", 5000);
    testing_await(&client, &call);
    ck_assert_ptr_nonnull(call.reply);
}
END_TEST

START_TEST(sixty_four_calls_at_once)
{
    enum { COUNT = 64 };
    struct testing_call calls[COUNT] = { 0 };
    unsigned left = COUNT;

    for (int i = 0; i < COUNT; i++) {
        calls[i].left = &left;
        testing_status(&client, &calls[i], "INBOX", 20000);
    }
    while (left > 0)
        event_base_loop(client.loop, EVLOOP_ONCE);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_ptr_nonnull(calls[i].reply);
        testing_call_done(&calls[i]);
    }
}
END_TEST

static void
on_bytes(struct wd_str reply, void *data)
{
    ck_assert_ptr_null(reply.p);
    *(bool *)data = true;
}

static enum wd_reason
reason_of(const char *method, const char *request)
{
    struct wd_error err = { 0 };
    struct wd_rpc_params p = { .err = &err };
    bool done = false;

    wd_rpc_call_bytes(client.rpc, method, wd_str_c(request), &p, on_bytes, &done);
    wd_rpc_run(client.rpc, &done);
    return err.reason;
}

START_TEST(method_that_is_not_served_is_unknown)
{
    ck_assert_int_eq(reason_of("wd.v1.Admin.Check", ""), WD_UNKNOWN_METHOD); /* served, but has no handler */
    ck_assert_int_eq(reason_of("wd.v1.Admin.Nothing", ""), WD_UNKNOWN_METHOD);
    ck_assert_int_eq(reason_of("wd.v1.Nobody.Health", ""), WD_UNKNOWN_METHOD);
    ck_assert_int_eq(reason_of("Health", ""), WD_UNKNOWN_METHOD);
    ck_assert_int_eq(reason_of("", ""), WD_UNKNOWN_METHOD);
}
END_TEST

START_TEST(caller_hears_of_the_deadline_in_time)
{
    int64_t began = wd_mono_ms();

    testing_status(&client, &call, "wait", 150);
    testing_await(&client, &call);
    ck_assert_ptr_null(call.reply);
    ck_assert_int_eq(call.err.reason, WD_DEADLINE);
    ck_assert_int_ge(wd_mono_ms() - began, 145);
    ck_assert_int_lt(wd_mono_ms() - began, 1500);
}
END_TEST

START_TEST(message_that_does_not_parse_is_invalid)
{
    ck_assert_int_eq(reason_of("wd.v1.Mailboxes.Status", ""), WD_INVALID); /* its path is required */
    ck_assert_int_eq(reason_of("wd.v1.Mailboxes.Status", "\xff\xff\xff"), WD_INVALID);
}
END_TEST

START_TEST(envelope_over_its_limits_fails_at_once)
{
    char method[200];

    memset(method, 'm', sizeof method);
    method[sizeof method - 1] = '\0';
    ck_assert_int_eq(reason_of(method, ""), WD_INVALID);
    ck_assert_int_eq(reason_of("wd.v1.\xc3\x28", ""), WD_INVALID);
}
END_TEST

START_TEST(request_over_the_limit_fails_at_once)
{
    char *path = calloc(1, WD_RPC_MAX_MESSAGE + 1);

    memset(path, 'x', WD_RPC_MAX_MESSAGE);
    testing_status(&client, &call, path, 5000);
    testing_await(&client, &call);
    ck_assert_ptr_null(call.reply);
    ck_assert_int_eq(call.err.reason, WD_RPC_TOO_BIG);
    ck_assert_uint_eq(testing_store_executed(&store), 0);
    free(path);
}
END_TEST

START_TEST(largest_request_passes)
{
    size_t n = WD_RPC_MAX_MESSAGE - 200;
    char *path = calloc(1, n + 1);

    memset(path, 'x', n);
    testing_status(&client, &call, path, 20000);
    testing_await(&client, &call);
    ck_assert_msg(call.reply != NULL, "%s", call.err.text);
    free(path);
}
END_TEST

static void
note(const Wd__V1__ListMailboxesReply *reply, void *data)
{
    (void)reply;
    *(bool *)data = true;
}

START_TEST(reply_over_the_limit_is_internal)
{
    Wd__V1__ListMailboxesRequest req = WD__V1__LIST_MAILBOXES_REQUEST__INIT;
    struct wd_arena *arena = wd_arena_new(0);
    struct wd_rpc_params p = { .arena = arena, .err = &call.err };
    bool done = false;

    wd__v1__mailboxes__list(wd_rpc_to(client.rpc, &wd__v1__mailboxes__descriptor, &p), &req, note, &done);
    wd_rpc_run(client.rpc, &done);
    ck_assert_int_eq(call.err.reason, WD_INTERNAL);
    ck_assert_ptr_nonnull(strstr(call.err.text, "limit"));
    wd_arena_free(arena);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("calls");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, empty_request_and_reply_of_another_service);
    tcase_add_test(t, reason_and_text_of_a_failure_arrive);
    tcase_add_test(t, handler_that_does_not_answer_is_internal);
    tcase_add_test(t, second_reply_of_a_handler_is_ignored);
    tcase_add_test(t, sixty_four_calls_at_once);
    tcase_add_test(t, method_that_is_not_served_is_unknown);
    tcase_add_test(t, caller_hears_of_the_deadline_in_time);
    tcase_add_test(t, message_that_does_not_parse_is_invalid);
    tcase_add_test(t, envelope_over_its_limits_fails_at_once);
    tcase_add_test(t, request_over_the_limit_fails_at_once);
    tcase_add_test(t, largest_request_passes);
    tcase_add_test(t, reply_over_the_limit_is_internal);
    return run_case("rpc calls", t);
}
