/* Several replicas: one hangs, leaves, joins, restarts; retries, cancels, overload. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/rpc/client_priv.h"
#include "tests/run.h"
#include "tests/unit/common/rpc/testing.h"

static struct testing_store one, two;
static struct testing_client client;
static struct testing_call call;

static void
setup(void)
{
    testing_init();
}

static void
teardown(void)
{
    testing_end(&call, &client, (struct testing_store *const[]){ &one, &two, NULL });
}

static void
open_to_both(int eject_ms)
{
    const char *urls[] = { testing_url("one"), testing_url("two"), NULL };
    struct wd_rpc_client_options o = { .urls = urls, .service_token = "token", .eject_ms = eject_ms };

    testing_client_open(&client, &o);
}

static void
await_connected(size_t n)
{
    while (wd_rpc_client_connected(client.rpc, NULL) != n) {
        struct timeval soon = { .tv_usec = 10000 };
        event_base_loopexit(client.loop, &soon);
        event_base_loop(client.loop, EVLOOP_ONCE);
    }
}

static const char *
answered_by(const struct testing_call *c)
{
    ck_assert_msg(c->reply != NULL, "%s", c->err.text);
    return ((const Wd__V1__MailboxStatus *)c->reply)->id;
}

static bool
ask(const char *path, int timeout_ms)
{
    return testing_ask(&client, &call, path, timeout_ms);
}

START_TEST(calls_go_to_both)
{
    unsigned to_one = 0, to_two = 0;

    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_store_start(&two, "two", testing_url("two"), NULL);
    open_to_both(0);
    await_connected(2);
    for (int i = 0; i < 10; i++) {
        ck_assert(ask("INBOX", 5000));
        to_one += strcmp(answered_by(&call), "one") == 0;
        to_two += strcmp(answered_by(&call), "two") == 0;
    }
    ck_assert_uint_eq(to_one, 5);
    ck_assert_uint_eq(to_two, 5);
}
END_TEST

/* A replica that reads requests and never answers. */
static nng_socket
hang_at(const char *url)
{
    nng_socket s;

    ck_assert_int_eq(nng_rep0_open_raw(&s), 0);
    ck_assert_int_eq(nng_listen(s, url, NULL, 0), 0);
    return s;
}

START_TEST(hung_replica_is_worked_around_and_ejected)
{
    nng_socket hung = hang_at(testing_url("one"));
    int64_t began;

    testing_store_start(&two, "two", testing_url("two"), NULL);
    open_to_both(60000);
    await_connected(2);
    for (int i = 0; i < 12; i++) {
        ck_assert_msg(ask("INBOX", 400), "%s", call.err.text);
        ck_assert_str_eq(answered_by(&call), "two");
    }
    began = wd_mono_ms();
    for (int i = 0; i < 50; i++)
        ck_assert(ask("INBOX", 10000));
    ck_assert_int_lt(wd_mono_ms() - began, 4000); /* one visit to the hung one would take 5,000 */
    testing_client_close(&client);
    client.rpc = NULL;
    nng_close(hung);
}
END_TEST

START_TEST(slow_replica_gets_no_second_call_while_the_other_is_free)
{
    struct testing_call waiting = { 0 };

    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_store_start(&two, "two", testing_url("two"), NULL);
    open_to_both(0);
    await_connected(2);
    testing_status(&client, &waiting, "wait", 20000);
    ck_assert(ask("INBOX", 5000));
    for (int i = 0; i < 5; i++) {
        char before[8];

        snprintf(before, sizeof before, "%s", answered_by(&call));
        ck_assert(ask("INBOX", 5000));
        ck_assert_str_eq(answered_by(&call), before);
    }
    testing_store_open_gate(&one);
    testing_store_open_gate(&two);
    testing_await(&client, &waiting);
    ck_assert_ptr_nonnull(waiting.reply);
    testing_call_done(&waiting);
}
END_TEST

START_TEST(killed_replica_loses_no_call_and_the_key_stays)
{
    struct testing_call waiting = { 0 };
    struct testing_store *had = NULL, *other;

    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_store_start(&two, "two", testing_url("two"), NULL);
    open_to_both(0);
    await_connected(2);
    testing_status(&client, &waiting, "wait", 20000);
    while (!had) {
        struct timeval soon = { .tv_usec = 10000 };
        event_base_loopexit(client.loop, &soon);
        event_base_loop(client.loop, EVLOOP_ONCE);
        had = testing_store_executed(&one) ? &one : testing_store_executed(&two) ? &two : NULL;
    }
    other = had == &one ? &two : &one;
    testing_store_open_gate(other);
    testing_leaves_handlers = true;
    wd_rpc_server_stop(had->server, 0); /* its handler does not return: the call is lost with it */
    had->server = NULL;
    testing_await(&client, &waiting);
    ck_assert_str_eq(answered_by(&waiting), other->name);
    ck_assert_str_eq(had->keys[0], other->keys[0]);
    ck_assert_uint_eq(strlen(had->keys[0]), 32);
    testing_store_open_gate(had);
    testing_call_done(&waiting);
}
END_TEST

START_TEST(calls_during_a_restart_succeed_after_it)
{
    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_client_to(&client, testing_url("one"));
    ck_assert(ask("INBOX", 5000));
    testing_store_stop(&one);
    testing_status(&client, &call, "INBOX", 20000); /* nobody is there */
    for (int i = 0; i < 20; i++)
        event_base_loop(client.loop, EVLOOP_NONBLOCK);
    ck_assert(!call.done);
    testing_store_start(&one, "again", testing_url("one"), NULL);
    testing_await(&client, &call);
    ck_assert_str_eq(answered_by(&call), "again");
}
END_TEST

START_TEST(nobody_there_is_unavailable)
{
    testing_client_to(&client, testing_url("nobody"));
    ck_assert(!ask("INBOX", 200));
    ck_assert_int_eq(call.err.reason, WD_UNAVAILABLE);
}
END_TEST

START_TEST(busy_store_is_asked_again)
{
    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_client_to(&client, testing_url("one"));
    ck_assert(ask("busy-once", 5000));
    ck_assert_uint_eq(testing_store_executed(&one), 2);
    ck_assert_str_eq(one.keys[0], one.keys[1]);
    ck_assert(!ask("busy", 5000));
    ck_assert_int_eq(call.err.reason, WD_OVERLOADED);
    ck_assert_uint_eq(testing_store_executed(&one), 2 + 5);
}
END_TEST

START_TEST(draining_replica_gets_no_new_calls)
{
    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_store_start(&two, "two", testing_url("two"), NULL);
    open_to_both(0);
    await_connected(2);
    wd_rpc_server_drain(one.server);
    ask("INBOX", 5000);
    ask("INBOX", 5000); /* one of these went to one and brought the news */
    for (int i = 0; i < 6; i++) {
        ask("INBOX", 5000);
        ck_assert_str_eq(answered_by(&call), "two");
    }
    wd_rpc_server_drain(two.server);
    ck_assert(ask("INBOX", 5000)); /* better a draining one than none */
}
END_TEST

/* ---- names ---- */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct wd_addresses names;

static bool
resolve(void *data, const char *host, struct wd_addresses *out)
{
    (void)data;
    ck_assert_str_eq(host, "localhost");
    pthread_mutex_lock(&names_lock);
    *out = names;
    pthread_mutex_unlock(&names_lock);
    return true;
}

static void
set_names(const char *a, const char *b)
{
    pthread_mutex_lock(&names_lock);
    memset(&names, 0, sizeof names);
    if (a)
        snprintf(names.text[names.n++], WD_ADDRESS_TEXT, "%s", a);
    if (b)
        snprintf(names.text[names.n++], WD_ADDRESS_TEXT, "%s", b);
    pthread_mutex_unlock(&names_lock);
}

static void
start_at(struct testing_store *s, const char *name, const char *address, int port)
{
    char url[64];
    const char *urls[] = { url, NULL };
    struct wd_rpc_server_options o = { .urls = urls, .workers = 4 };

    snprintf(url, sizeof url, "tcp://%s:%d", address, port);
    testing_store_start(s, name, NULL, &o);
}

static void
open_to_name(int port)
{
    char url[64];
    const char *urls[] = { url, NULL };
    struct wd_rpc_client_options o = { .urls = urls, .resolve_every_ms = 20 };
    struct wd_error err;

    snprintf(url, sizeof url, "tcp://localhost:%d", port);
    client.loop = event_base_new();
    client.rpc = wd_rpc_client_new_resolving(client.loop, &o, resolve, NULL, &err);
    ck_assert_ptr_nonnull(client.rpc);
}

START_TEST(replicas_of_a_name_come_and_go)
{
    int port;

    start_at(&one, "one", "127.0.0.1", 0);
    port = wd_rpc_server_port(one.server, 0);
    ck_assert_int_gt(port, 0);
    start_at(&two, "two", "127.0.0.2", port);
    set_names("127.0.0.1", NULL);
    open_to_name(port);
    ck_assert(ask("INBOX", 5000));
    ck_assert_str_eq(answered_by(&call), "one");
    set_names("127.0.0.1", "127.0.0.2");
    await_connected(2);
    set_names("127.0.0.2", NULL);
    await_connected(1);
    for (int i = 0; i < 4; i++) {
        ck_assert(ask("INBOX", 5000));
        ck_assert_str_eq(answered_by(&call), "two");
    }
    set_names("127.0.0.2", "192.0.2.1"); /* not loopback: never dialled in clear */
    wd_rpc_client_resolve_now(client.rpc);
    ck_assert(ask("INBOX", 5000));
}
END_TEST

START_TEST(call_to_an_address_that_vanishes_is_finished)
{
    struct testing_call waiting = { 0 };
    size_t known;
    int port;

    start_at(&one, "one", "127.0.0.1", 0);
    port = wd_rpc_server_port(one.server, 0);
    start_at(&two, "two", "127.0.0.2", port);
    set_names("127.0.0.1", NULL);
    open_to_name(port);
    testing_status(&client, &waiting, "wait", 20000);
    await_connected(1);
    testing_await_waiting(&client, &one, 1);
    set_names("127.0.0.2", NULL);
    await_connected(2);
    ck_assert(ask("INBOX", 5000));
    ck_assert_str_eq(answered_by(&call), "two");
    testing_store_open_gate(&one);
    testing_await(&client, &waiting);
    ck_assert_str_eq(answered_by(&waiting), "one");
    await_connected(1);
    wd_rpc_client_connected(client.rpc, &known);
    ck_assert_uint_eq(known, 1);
    testing_call_done(&waiting);
}
END_TEST

START_TEST(clear_text_to_another_host_is_refused)
{
    static const char *const refused[] = { "tcp://192.0.2.1:2601", "tcp://store:2601",  "tcp://*:2601",
                                           "ws://127.0.0.1:2601",  "tcp://127.0.0.1",   "tcp://127.0.0.1:99999",
                                           "ipc://",               "tls+tcp://store:1", "tcp://::1:2601" };
    const char *urls[] = { refused[_i], NULL };
    struct wd_rpc_client_options o = { .urls = urls };
    struct event_base *loop = event_base_new();
    struct wd_error err;
    struct wd_rpc_client *c = wd_rpc_client_new(loop, &o, &err);

    if (strncmp(refused[_i], "tls", 3) == 0) { /* its files are wanted when the name is resolved */
        ck_assert_ptr_nonnull(c);
    } else {
        ck_assert_ptr_null(c);
        ck_assert_int_eq(err.reason, WD_INVALID);
    }
    wd_rpc_client_free(c);
    event_base_free(loop);
}
END_TEST

/* ---- cancel ---- */

/* Cancelled at a random moment of their life, among calls that are not. */
START_TEST(cancel_at_any_moment)
{
    enum { COUNT = 1000 };
    struct testing_call *calls = calloc(COUNT, sizeof *calls);
    unsigned cancelled = 0;

    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_client_to(&client, testing_url("one"));
    for (int i = 0; i < COUNT; i++) {
        testing_status(&client, &calls[i], i % 50 == 49 ? "fail" : "INBOX", 20000);
        for (uint32_t turns = wd_rand_below(3); turns > 0; turns--)
            event_base_loop(client.loop, EVLOOP_NONBLOCK);
        if (wd_rand_below(4) > 0 && calls[i].call) {
            wd_rpc_cancel(&calls[i].call);
            ck_assert_ptr_null(calls[i].call);
            ck_assert(!calls[i].done);
            cancelled++;
            calls[i].done = true; /* its closure would now trip over this */
        }
    }
    for (int i = 0; i < COUNT; i++) {
        testing_await(&client, &calls[i]);
        testing_call_done(&calls[i]);
    }
    ck_assert_uint_gt(cancelled, 0);
    free(calls);
    ck_assert(ask("INBOX", 5000));
}
END_TEST

START_TEST(client_may_be_freed_with_calls_under_way)
{
    struct testing_call calls[32] = { 0 };

    testing_store_start(&one, "one", testing_url("one"), NULL);
    testing_client_to(&client, testing_url("one"));
    for (int i = 0; i < 32; i++) {
        testing_status(&client, &calls[i], i % 2 ? "wait" : "INBOX", 20000);
        event_base_loop(client.loop, EVLOOP_NONBLOCK);
    }
    testing_client_close(&client);
    client.rpc = NULL;
    for (int i = 0; i < 32; i++) {
        ck_assert_ptr_null(calls[i].call);
        testing_call_done(&calls[i]);
    }
}
END_TEST

/* ---- overload ---- */

START_TEST(too_many_waiting_calls_are_refused_at_once)
{
    enum { WORKERS = 2, QUEUED = 4, MORE = 5, COUNT = WORKERS + QUEUED + MORE };
    struct wd_rpc_server_options o = { .workers = WORKERS, .max_queued = QUEUED };
    struct testing_call calls[COUNT] = { 0 };
    unsigned left = COUNT, overloaded = 0, good = 0;

    testing_store_start(&one, "one", testing_url("one"), &o);
    testing_client_to(&client, testing_url("one"));
    await_connected(1);
    for (int i = 0; i < COUNT; i++) {
        calls[i].left = &left;
        testing_status(&client, &calls[i], "wait", 10000);
        if (i == WORKERS - 1)
            testing_await_waiting(&client, &one, WORKERS);
    }
    while (left > WORKERS + QUEUED)
        event_base_loop(client.loop, EVLOOP_ONCE);
    testing_store_open_gate(&one);
    while (left > 0)
        event_base_loop(client.loop, EVLOOP_ONCE);
    for (int i = 0; i < COUNT; i++) {
        good += calls[i].reply != NULL;
        overloaded += !calls[i].reply && calls[i].err.reason == WD_OVERLOADED;
        testing_call_done(&calls[i]);
    }
    ck_assert_uint_eq(good, WORKERS + QUEUED);
    ck_assert_uint_eq(overloaded, MORE);
}
END_TEST

START_TEST(expired_call_is_not_executed)
{
    struct wd_rpc_server_options o = { .workers = 1 };
    struct testing_call waiting = { 0 };

    testing_store_start(&one, "one", testing_url("one"), &o);
    testing_client_to(&client, testing_url("one"));
    testing_status(&client, &waiting, "wait", 20000);
    await_connected(1);
    testing_await_waiting(&client, &one, 1);
    ck_assert(!ask("INBOX", 100)); /* waits behind it and expires there, */
    ck_assert_int_eq(call.err.reason, WD_DEADLINE);
    testing_client_idle(&client, 100); /* a little later than here: its time began when it arrived */
    testing_store_open_gate(&one);
    testing_await(&client, &waiting);
    ck_assert(ask("INBOX", 5000)); /* the worker has passed the expired one by now */
    ck_assert_uint_eq(testing_store_executed(&one), 2);
    testing_call_done(&waiting);
}
END_TEST

START_TEST(more_calls_than_the_client_allows_are_refused)
{
    const char *urls[] = { testing_url("nobody"), NULL };
    struct wd_rpc_client_options o = { .urls = urls, .max_calls = 2 };
    struct testing_call first[2] = { 0 };

    testing_client_open(&client, &o);
    testing_status(&client, &first[0], "INBOX", 20000);
    testing_status(&client, &first[1], "INBOX", 20000);
    ck_assert(!ask("INBOX", 20000));
    ck_assert_int_eq(call.err.reason, WD_OVERLOADED);
    wd_rpc_cancel(&first[0].call);
    wd_rpc_cancel(&first[1].call);
    testing_call_done(&first[0]);
    testing_call_done(&first[1]);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("replicas");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, calls_go_to_both);
    tcase_add_test(t, hung_replica_is_worked_around_and_ejected);
    tcase_add_test(t, slow_replica_gets_no_second_call_while_the_other_is_free);
    tcase_add_test(t, killed_replica_loses_no_call_and_the_key_stays);
    tcase_add_test(t, calls_during_a_restart_succeed_after_it);
    tcase_add_test(t, nobody_there_is_unavailable);
    tcase_add_test(t, busy_store_is_asked_again);
    tcase_add_test(t, draining_replica_gets_no_new_calls);
    tcase_add_test(t, replicas_of_a_name_come_and_go);
    tcase_add_test(t, call_to_an_address_that_vanishes_is_finished);
    tcase_add_loop_test(t, clear_text_to_another_host_is_refused, 0, 9);
    tcase_add_test(t, cancel_at_any_moment);
    tcase_add_test(t, client_may_be_freed_with_calls_under_way);
    tcase_add_test(t, too_many_waiting_calls_are_refused_at_once);
    tcase_add_test(t, expired_call_is_not_executed);
    tcase_add_test(t, more_calls_than_the_client_allows_are_refused);
    return run_case("rpc replicas", t);
}
