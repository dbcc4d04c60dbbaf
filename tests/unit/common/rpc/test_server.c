/* The serving side: who may connect, who may call, what comes over the wire, how it ends. */
#include <fcntl.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/rand.h"
#include "tests/run.h"
#include "tests/unit/common/rpc/nng_leaks.h"
#include "tests/unit/common/rpc/testing.h"

static struct testing_store store;
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
    testing_end(&call, &client, (struct testing_store *const[]){ &store, NULL });
}

static bool
ask(const char *path, int timeout_ms)
{
    return testing_ask(&client, &call, path, timeout_ms);
}

static const char *
path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", testing_dir, name);
    return path;
}

START_TEST(socket_is_private_unless_told_otherwise)
{
    struct wd_rpc_server_options o = { .workers = 1, .ipc_mode = 0660 };
    struct stat st;

    umask(0);
    testing_store_start(&store, "one", testing_url("private"), NULL);
    ck_assert_int_eq(stat(path_of("private"), &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    testing_store_stop(&store);
    testing_store_start(&store, "one", testing_url("shared"), &o);
    ck_assert_int_eq(stat(path_of("shared"), &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(socket_of_a_dead_process_is_replaced)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_uint_lt(strlen(path_of("stale")), sizeof a.sun_path);
    strcpy(a.sun_path, path_of("stale"));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
    testing_store_start(&store, "one", testing_url("stale"), NULL);
    testing_client_to(&client, testing_url("stale"));
    ck_assert(ask("INBOX", 5000));
}
END_TEST

START_TEST(address_in_use_is_unavailable)
{
    const char *urls[] = { testing_url("store"), NULL };
    ProtobufCService *services[] = { NULL };
    struct wd_rpc_server_options o = { .urls = urls, .services = services };
    struct wd_error err;

    testing_store_start(&store, "one", testing_url("store"), NULL);
    ck_assert_ptr_null(wd_rpc_server_start(&o, &err));
    ck_assert_int_eq(err.reason, WD_UNAVAILABLE);
}
END_TEST

START_TEST(clear_text_listener_needs_an_option)
{
    static const char *const open[] = { "tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://192.0.2.1:0" };
    const char *urls[] = { open[_i], NULL };
    ProtobufCService *services[] = { NULL };
    struct wd_rpc_server_options o = { .urls = urls, .services = services, .workers = 1 };
    struct wd_rpc_server *s;
    struct wd_error err;

    ck_assert_ptr_null(wd_rpc_server_start(&o, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    if (_i > 0)
        return;
    o.allow_plain_tcp = true;
    s = wd_rpc_server_start(&o, &err);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_gt(wd_rpc_server_port(s, 0), 0);
    wd_rpc_server_stop(s, 0);
}
END_TEST

/* ---- rights ---- */

static bool
only_with_token(struct wd_call *c, struct wd_error *err)
{
    if (!wd_str_eq(c->service_token, WD_STR("token")))
        return wd_fail(err, WD_FORBIDDEN, "not for you");
    c->role = 1;
    return true;
}

START_TEST(authorize_is_asked_first)
{
    struct wd_rpc_server_options o = { .workers = 1, .authorize = only_with_token };
    const char *urls[] = { testing_url("store"), NULL };
    struct wd_rpc_client_options other = { .urls = urls, .service_token = "other" };

    testing_store_start(&store, "one", testing_url("store"), &o);
    testing_client_to(&client, testing_url("store"));
    ck_assert(ask("INBOX", 5000));
    testing_client_close(&client);
    testing_client_open(&client, &other);
    ck_assert(!ask("INBOX", 5000));
    ck_assert_int_eq(call.err.reason, WD_FORBIDDEN);
    ck_assert_uint_eq(testing_store_executed(&store), 1);
}
END_TEST

START_TEST(storm_of_one_caller_does_not_starve_another)
{
    enum { STORM = 200 };
    struct wd_rpc_server_options o = { .workers = 1, .max_queued = 50 };
    const char *urls[] = { testing_url("store"), NULL };
    struct wd_rpc_client_options quiet = { .urls = urls, .service_token = "quiet" };
    struct testing_call *storm = calloc(STORM, sizeof *storm), behind = { .key = "behind" };
    struct testing_client other;
    unsigned left = STORM, place = 0;

    testing_store_start(&store, "one", testing_url("store"), &o);
    testing_client_to(&client, testing_url("store"));
    testing_client_open(&other, &quiet);
    testing_status(&client, &storm[0], "wait", 20000);
    storm[0].left = &left;
    while (!testing_store_executed(&store))
        event_base_loop(client.loop, EVLOOP_NONBLOCK);
    for (int i = 1; i < STORM; i++) {
        storm[i].left = &left;
        testing_status(&client, &storm[i], "INBOX", 20000);
    }
    while (left > STORM - 20) /* some were refused: the queue is full */
        event_base_loop(client.loop, EVLOOP_ONCE);
    testing_status(&other, &behind, "INBOX", 20000);
    testing_client_idle(&other, 100); /* it arrives, and is neither refused nor last in the queue */
    testing_store_open_gate(&store);
    testing_await(&other, &behind);
    ck_assert_msg(behind.reply != NULL, "%s", behind.err.text);
    pthread_mutex_lock(&store.lock);
    while (place < store.key_count && strcmp(store.keys[place], "behind") != 0)
        place++;
    pthread_mutex_unlock(&store.lock);
    ck_assert_uint_le(place, 3); /* of those that were executed */
    for (int i = 0; i < STORM; i++) {
        if (storm[i].call)
            wd_rpc_cancel(&storm[i].call);
        testing_call_done(&storm[i]);
    }
    testing_call_done(&behind);
    testing_client_close(&other);
    free(storm);
}
END_TEST

START_TEST(stats_count_calls_and_failures)
{
    struct wd_rpc_method_stats rows[32];
    size_t n;

    testing_store_start(&store, "one", testing_url("store"), NULL);
    testing_client_to(&client, testing_url("store"));
    ask("INBOX", 5000);
    ask("fail", 5000);
    n = wd_rpc_server_stats(store.server, rows, 32);
    ck_assert_uint_gt(n, 3);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].method, "wd.v1.Mailboxes.Status") == 0) {
            ck_assert_uint_eq(rows[i].calls, 2);
            ck_assert_uint_eq(rows[i].failures, 1);
            return;
        }
    ck_abort_msg("no row for the method");
}
END_TEST

/* ---- the wire ---- */

static void
send_garbage(int port, bool greet)
{
    static const unsigned char hello[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 }; /* REQ */
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    unsigned char bytes[600];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    wd_rand(bytes, sizeof bytes);
    if (greet) {
        memcpy(bytes, hello, sizeof hello);
        memset(bytes + 8, 0, 8);
        bytes[15] = (unsigned char)wd_rand_below(200); /* a length that is sent */
    }
    send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    close(fd);
}

START_TEST(garbage_on_the_port_harms_nobody)
{
    char url[64];
    const char *urls[] = { "tcp://127.0.0.1:0", NULL };
    struct wd_rpc_server_options o = { .urls = urls, .workers = 2 };

    nng_leaks_more = true;
    testing_store_start(&store, "one", NULL, &o);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", wd_rpc_server_port(store.server, 0));
    testing_client_to(&client, url);
    for (int i = 0; i < 60; i++) {
        send_garbage(wd_rpc_server_port(store.server, 0), i % 2);
        if (i % 10 == 0)
            ck_assert(ask("INBOX", 5000));
    }
    ck_assert(ask("INBOX", 5000));
}
END_TEST

START_TEST(frame_that_is_none_is_answered_invalid)
{
    nng_socket s;
    nng_msg *msg;

    testing_store_start(&store, "one", testing_url("store"), NULL);
    ck_assert_int_eq(nng_req0_open(&s), 0);
    ck_assert_int_eq(nng_dial(s, testing_url("store"), NULL, 0), 0);
    nng_msg_alloc(&msg, 0);
    nng_msg_append(msg, "nonsense", 8);
    ck_assert_int_eq(nng_sendmsg(s, msg, 0), 0);
    ck_assert_int_eq(nng_recvmsg(s, &msg, 0), 0);
    ck_assert_uint_gt(nng_msg_len(msg), 4);
    ck_assert_ptr_nonnull(memmem(nng_msg_body(msg), nng_msg_len(msg), "INVALID", 7));
    nng_msg_free(msg);
    nng_close(s);
}
END_TEST

START_TEST(message_over_the_limit_closes_the_connection)
{
    nng_socket s;
    nng_msg *msg;

    nng_leaks_more = true;
    testing_store_start(&store, "one", testing_url("store"), NULL);
    testing_client_to(&client, testing_url("store"));
    ck_assert_int_eq(nng_req0_open(&s), 0);
    nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, 5000);
    ck_assert_int_eq(nng_dial(s, testing_url("store"), NULL, 0), 0);
    nng_msg_alloc(&msg, WD_RPC_MAX_MESSAGE + 1000);
    ck_assert_int_eq(nng_sendmsg(s, msg, 0), 0);
    ck_assert_int_eq(nng_recvmsg(s, &msg, 0), NNG_ECONNRESET);
    nng_close(s);
    ck_assert(ask("INBOX", 5000));
}
END_TEST

/* ---- the end ---- */

START_TEST(stop_waits_for_calls_under_way_and_refuses_new_ones)
{
    testing_store_start(&store, "one", testing_url("store"), NULL);
    testing_client_to(&client, testing_url("store"));
    testing_status(&client, &call, "wait", 20000);
    while (!testing_store_executed(&store))
        event_base_loop(client.loop, EVLOOP_NONBLOCK);
    testing_store_open_gate(&store);
    wd_rpc_server_stop(store.server, 5000);
    store.server = NULL;
    testing_await(&client, &call);
    ck_assert_ptr_nonnull(call.reply);
    ck_assert(!ask("INBOX", 100));
    ck_assert_int_eq(call.err.reason, WD_UNAVAILABLE);
}
END_TEST

START_TEST(stop_is_bounded_when_a_handler_hangs)
{
    int64_t began;

    testing_leaves_handlers = true;
    testing_store_start(&store, "one", testing_url("store"), NULL);
    testing_client_to(&client, testing_url("store"));
    testing_status(&client, &call, "wait", 20000);
    while (!testing_store_executed(&store))
        event_base_loop(client.loop, EVLOOP_NONBLOCK);
    began = wd_mono_ms();
    wd_rpc_server_stop(store.server, 100);
    store.server = NULL;
    ck_assert_int_lt(wd_mono_ms() - began, 5000);
    wd_rpc_cancel(&call.call);
    testing_store_open_gate(&store);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("server");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, socket_is_private_unless_told_otherwise);
    tcase_add_test(t, socket_of_a_dead_process_is_replaced);
    tcase_add_test(t, address_in_use_is_unavailable);
    tcase_add_loop_test(t, clear_text_listener_needs_an_option, 0, 4);
    tcase_add_test(t, authorize_is_asked_first);
    tcase_add_test(t, storm_of_one_caller_does_not_starve_another);
    tcase_add_test(t, stats_count_calls_and_failures);
    tcase_add_test(t, garbage_on_the_port_harms_nobody);
    tcase_add_test(t, frame_that_is_none_is_answered_invalid);
    tcase_add_test(t, message_over_the_limit_closes_the_connection);
    tcase_add_test(t, stop_waits_for_calls_under_way_and_refuses_new_ones);
    tcase_add_test(t, stop_is_bounded_when_a_handler_hangs);
    return run_case("rpc server", t);
}
