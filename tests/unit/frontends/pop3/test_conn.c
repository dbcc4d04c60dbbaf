/* A whole wd-pop3 in one process: real sockets, the real RPC, and a store that is made up. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/mail/seqset.h"
#include "common/rpc/server.h"
#include "frontends/pop3/server.h"
#include "tests/run.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/maildrop.pb-c.h"
#include "wd/v1/messages.pb-c.h"

enum { DEADLINE_MS = 10000, BIG = 16 * 1024 * 1024 };

/* ---- the store: "user" with "pass" has three messages; written by its workers under the mutex ---- */

static struct {
    pthread_mutex_t mutex;
    unsigned logins, renewals, opens, reads, updates;
    char token[32], seen[64], removed[64];
    int64_t life_ms;         /* of a token */
    enum wd_reason login, open, read, update; /* they fail so */
    unsigned good_reads;     /* before `read` holds */
    uint64_t lie;            /* added to the size of a message */
    int slow_ms;             /* Authenticate and Update take so long */
} store = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static char big[BIG];

static struct wd_str
body_of(uint32_t uid)
{
    if (uid == 7)
        return WD_STR("Subject: one\r\n\r\nline 1\r\n.line 2\r\n");
    if (uid == 8)
        return WD_STR("Subject: two\n\nno end");
    return wd_str_n(big, sizeof big);
}

static unsigned
seen(const unsigned *counter)
{
    unsigned value;

    pthread_mutex_lock(&store.mutex);
    value = *counter;
    pthread_mutex_unlock(&store.mutex);
    return value;
}

static unsigned
count(unsigned *counter)
{
    unsigned value;

    pthread_mutex_lock(&store.mutex);
    value = ++*counter;
    pthread_mutex_unlock(&store.mutex);
    return value;
}

static bool
fails(struct wd_call *call, enum wd_reason reason)
{
    if (reason) {
        wd_fail(&call->err, reason, "made to fail");
        wd_call_fail(call);
    }
    return reason != WD_NO_ERROR;
}

static void
on_authenticate(Wd__V1__Auth_Service *svc, const Wd__V1__AuthenticateRequest *req,
                Wd__V1__AuthenticateReply_Closure reply, void *closure)
{
    static char user[] = "0123456789abcdef01234567", token[] = "first";
    Wd__V1__AuthenticateReply out = WD__V1__AUTHENTICATE_REPLY__INIT;
    struct wd_str name = wd_str_n(req->username.data, req->username.len);
    bool right = wd_str_eq(name, WD_STR("user")) &&
                 wd_str_eq(wd_str_n(req->password.data, req->password.len), WD_STR("pass  word"));

    (void)svc;
    count(&store.logins);
    poll(NULL, 0, store.slow_ms);
    ck_assert_str_eq(req->scope, "pop3");
    ck_assert_str_eq(req->ip, "127.0.0.1");
    if (fails(closure, store.login ? store.login : right ? WD_NO_ERROR : WD_AUTH_FAILED))
        return;
    out.user = user;
    out.username = req->username;
    out.session_token = token;
    out.expires_ms = wd_now_ms() + store.life_ms;
    reply(&out, closure);
}

static void
on_renew(Wd__V1__Auth_Service *svc, const Wd__V1__RenewRequest *req, Wd__V1__RenewReply_Closure reply, void *closure)
{
    static char token[] = "second";
    Wd__V1__RenewReply out = WD__V1__RENEW_REPLY__INIT;

    (void)svc;
    (void)req;
    count(&store.renewals);
    out.session_token = token;
    out.expires_ms = wd_now_ms() + 3600 * 1000;
    reply(&out, closure);
}

static void
on_open(Wd__V1__Maildrop_Service *svc, const Wd__V1__OpenMaildropRequest *req,
        Wd__V1__OpenMaildropReply_Closure reply, void *closure)
{
    static char mailbox[] = "abcdefabcdefabcdefabcdef";
    static uint32_t uids[] = { 7, 8, 9 };
    uint64_t sizes[3];
    uint8_t ids[36];
    Wd__V1__OpenMaildropReply out = WD__V1__OPEN_MAILDROP_REPLY__INIT;

    (void)svc;
    (void)req;
    count(&store.opens);
    if (fails(closure, store.open))
        return;
    for (size_t i = 0; i < 3; i++)
        sizes[i] = body_of(uids[i]).n + store.lie;
    for (size_t i = 0; i < sizeof ids; i++)
        ids[i] = (uint8_t)i;
    out.mailbox = mailbox;
    out.uids = uids;
    out.sizes = sizes;
    out.n_uids = out.n_sizes = 3;
    out.ids = (ProtobufCBinaryData){ sizeof ids, ids };
    reply(&out, closure);
}

static void
on_read_body(Wd__V1__Messages_Service *svc, const Wd__V1__ReadBodyRequest *req, Wd__V1__ReadBodyReply_Closure reply,
             void *closure)
{
    struct wd_call *call = closure;
    struct wd_str body = body_of(req->uid), part;
    Wd__V1__ReadBodyReply out = WD__V1__READ_BODY_REPLY__INIT;

    (void)svc;
    pthread_mutex_lock(&store.mutex);
    snprintf(store.token, sizeof store.token, "%.*s", WD_FMT(call->session_token));
    pthread_mutex_unlock(&store.mutex);
    if (count(&store.reads) > store.good_reads && fails(closure, store.read))
        return;
    ck_assert_str_eq(req->mailbox, "abcdefabcdefabcdefabcdef");
    part = wd_str_part(body, req->section->offset, req->section->offset + req->section->length);
    out.size = body.n;
    out.data.len = part.n;
    out.data.data = wd_arena_alloc(call->arena, part.n + 1);
    if (part.n)
        memcpy(out.data.data, part.p, part.n);
    reply(&out, closure);
}

static void
note_set(const Wd__V1__UidRanges *ranges, char *to, size_t n)
{
    struct wd_seqset set wd_auto(wd_seqset_done) = { 0 };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    ck_assert(wd_seqset_from_deltas(ranges->deltas, ranges->n_deltas, &set));
    wd_seqset_write(&text, &set);
    snprintf(to, n, "%.*s", WD_FMT(wd_buf_view(&text)));
}

static void
on_update(Wd__V1__Maildrop_Service *svc, const Wd__V1__UpdateMaildropRequest *req,
          Wd__V1__UpdateMaildropReply_Closure reply, void *closure)
{
    Wd__V1__UpdateMaildropReply out = WD__V1__UPDATE_MAILDROP_REPLY__INIT;

    (void)svc;
    poll(NULL, 0, store.slow_ms);
    pthread_mutex_lock(&store.mutex);
    note_set(req->seen, store.seen, sizeof store.seen);
    note_set(req->remove, store.removed, sizeof store.removed);
    pthread_mutex_unlock(&store.mutex);
    count(&store.updates);
    if (fails(closure, store.update))
        return;
    out.removed = 1;
    reply(&out, closure);
}

static bool
authorize(struct wd_call *call, struct wd_error *err)
{
    (void)call;
    (void)err;
    return true;
}

/* ---- wd-pop3, on the test's thread ---- */

static Wd__V1__Auth_Service auth = { .base = { &wd__v1__auth__descriptor, NULL, NULL },
                                     .authenticate = on_authenticate,
                                     .renew = on_renew };
static Wd__V1__Messages_Service messages = { .base = { &wd__v1__messages__descriptor, NULL, NULL },
                                             .read_body = on_read_body };
static Wd__V1__Maildrop_Service maildrop = WD__V1__MAILDROP__INIT(on_);
static struct event_base *loop;
static struct wd_rpc_server *rpc;
static struct wd_listener *listener;
static struct wd_listener_options listen_options;
static struct pop3_server server;
static char url[80];
static int client = -1;
static struct wd_buf got;

static void
dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)wd_listener_port(listener)) };

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert(connect(client, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
}

static void
setup(void)
{
    static const char *urls[2];
    static ProtobufCService *services[4];
    struct wd_rpc_server_options o = { .urls = urls, .services = services, .authorize = authorize, .workers = 2 };
    struct wd_rpc_client_options client_options = { .urls = urls };
    struct wd_error err;

    snprintf(url, sizeof url, "ipc:///tmp/wd-test-pop3-%d.ipc", (int)getpid());
    urls[0] = url;
    auth.base.invoke = messages.base.invoke = protobuf_c_service_invoke_internal;
    services[0] = &auth.base;
    services[1] = &messages.base;
    services[2] = &maildrop.base;
    rpc = wd_rpc_server_start(&o, &err);
    ck_assert_msg(rpc != NULL, "%s", err.text);
    loop = event_base_new();
    server = (struct pop3_server){
        .loop = loop,
        .options = { .name = "Test", .implementation = "wd-v0", .idle_timeout_ms = 60000, .call_timeout_ms = 5000 },
    };
    server.store = wd_rpc_client_new(loop, &client_options, &err);
    ck_assert_msg(server.store != NULL, "%s", err.text);
    listen_options = (struct wd_listener_options){ .host = "127.0.0.1", .secured = true,
                                                   .on_conn = pop3_server_accept, .data = &server };
    listener = wd_listener_new(loop, &listen_options, &err);
    ck_assert_msg(listener != NULL, "%s", err.text);
    store.logins = store.renewals = store.opens = store.reads = store.updates = 0;
    store.login = store.open = store.read = store.update = WD_NO_ERROR;
    store.good_reads = 0;
    store.lie = 0;
    store.slow_ms = 0;
    store.life_ms = 3600 * 1000;
    memset(big, 'x', sizeof big);
    memcpy(big, "\r\n", 2);
    dial();
}

static void
teardown(void)
{
    close(client);
    pop3_server_close(&server);
    wd_listener_free(listener);
    wd_rpc_client_free(server.store);
    event_base_free(loop);
    wd_rpc_server_stop(rpc, 1000);
    wd_buf_done(&got);
    unlink(url + strlen("ipc://"));
}

/* Runs the loop, taking what comes, until done() or the deadline. */
static void
run_until(bool (*done)(const void *data), const void *data)
{
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    while (!done(data)) {
        ssize_t n;

        ck_assert_msg(wd_mono_ms() < until, "waited in vain, have %zu: '%.*s'", got.n, got.n < 300 ? (int)got.n : 300,
                      got.p);
        event_base_loop(loop, EVLOOP_NONBLOCK);
        n = client < 0 ? 0 : recv(client, wd_buf_reserve(&got, 65536), 65536, MSG_DONTWAIT);
        if (n > 0)
            got.n += (size_t)n;
        else
            poll(NULL, 0, 1);
    }
}

static bool
ends(const void *text)
{
    return wd_str_ends(wd_buf_view(&got), wd_str_c(text));
}

static bool
all_gone(const void *data)
{
    (void)data;
    return server.conn_count == 0;
}

static bool
reached(const void *n)
{
    return got.n >= *(const size_t *)n;
}

static void
say(const char *text)
{
    got.n = 0;
    ck_assert_int_eq(send(client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything that comes is this. */
static void
expect(const char *whole)
{
    size_t n = strlen(whole);

    run_until(reached, &n);
    ck_assert_msg(wd_str_eq(wd_buf_view(&got), wd_str_c(whole)), "got '%.*s'", (int)got.n, got.p);
}

static void
expect_start(const char *start)
{
    run_until(ends, "\r\n");
    ck_assert_msg(wd_str_starts(wd_buf_view(&got), wd_str_c(start)), "got '%.*s'", (int)got.n, got.p);
}

static void
hello(void)
{
    run_until(ends, "\r\n");
    ck_assert(wd_str_starts(wd_buf_view(&got), WD_STR("+OK Test ready for 127.0.0.1 (")));
}

static void
log_in(void)
{
    hello();
    say("USER user\r\nPASS pass  word\r\n");
    expect("+OK Send PASS\r\n+OK 3 messages (16777269 octets)\r\n");
}

/* ---- tests ---- */

START_TEST(a_session_in_one_packet)
{
    hello();
    say("USER user\r\nPASS pass  word\r\nSTAT\r\nLIST\r\nUIDL 2\r\nRETR 1\r\nRETR 2\r\nTOP 1 1\r\nDELE 1\r\nQUIT\r\n");
    run_until(ends, "Bye\r\n");
    expect("+OK Send PASS\r\n+OK 3 messages (16777269 octets)\r\n+OK 3 16777269\r\n"
           "+OK 3 messages (16777269 octets)\r\n1 33\r\n2 20\r\n3 16777216\r\n.\r\n"
           "+OK 2 0c0d0e0f1011121314151617\r\n"
           "+OK 33 octets\r\nSubject: one\r\n\r\nline 1\r\n..line 2\r\n.\r\n"
           "+OK 20 octets\r\nSubject: two\n\nno end\r\n.\r\n"
           "+OK The top follows\r\nSubject: one\r\n\r\nline 1\r\n.\r\n"
           "+OK Message 1 goes at QUIT\r\n+OK Bye\r\n");
    ck_assert_str_eq(store.seen, "8");
    ck_assert_str_eq(store.removed, "7");
    run_until(all_gone, NULL);
    ck_assert_uint_eq(server.counters.messages, 2);
    ck_assert_uint_eq(server.counters.deleted, 1);
}
END_TEST

START_TEST(a_session_byte_by_byte)
{
    static const char session[] = "USER user\r\nPASS pass  word\r\nSTAT\r\nRETR 2\r\nRSET\r\nQUIT\r\n";

    hello();
    got.n = 0;
    for (size_t i = 0; i < sizeof session - 1; i++) {
        ck_assert_int_eq(send(client, session + i, 1, MSG_NOSIGNAL), 1);
        event_base_loop(loop, EVLOOP_NONBLOCK);
    }
    run_until(ends, "Bye\r\n");
    expect("+OK Send PASS\r\n+OK 3 messages (16777269 octets)\r\n+OK 3 16777269\r\n"
           "+OK 20 octets\r\nSubject: two\n\nno end\r\n.\r\n+OK 3 messages (16777269 octets)\r\n+OK Bye\r\n");
    ck_assert_str_eq(store.seen, "8");
}
END_TEST

START_TEST(nothing_to_change_needs_no_call)
{
    log_in();
    say("TOP 1 0\r\nDELE 1\r\nRSET\r\nQUIT\r\n");
    run_until(ends, "Bye\r\n");
    ck_assert_uint_eq(seen(&store.updates), 0);
}
END_TEST

static const struct {
    enum wd_reason login, open;
    const char *line;
} refusals[] = {
    { WD_AUTH_FAILED, 0, "-ERR [AUTH] made to fail\r\n" },
    { WD_AUTH_SCOPE, 0, "-ERR [AUTH] made to fail\r\n" },
    { WD_AUTH_RATE_LIMITED, 0, "-ERR [AUTH] made to fail\r\n" },
    { WD_TEMP_PASSWORD_NOT_YET, 0, "-ERR [AUTH] made to fail\r\n" },
    { WD_INTERNAL, 0, "-ERR [SYS/TEMP] made to fail\r\n" },
    { 0, WD_INTERNAL, "-ERR [SYS/TEMP] made to fail\r\n" },
    { 0, WD_MAILBOX_NOT_FOUND, "-ERR [SYS/PERM] made to fail\r\n" },
};

START_TEST(a_refused_login_changes_nothing)
{
    store.login = refusals[_i].login;
    store.open = refusals[_i].open;
    hello();
    say("AUTH PLAIN AHVzZXIAcGFzcyAgd29yZA==\r\n");
    expect(refusals[_i].line);
    say("STAT\r\n");
    expect("-ERR Log in first\r\n");
    store.login = store.open = WD_NO_ERROR;
    say("AUTH PLAIN\r\n");
    expect("+ \r\n");
    say("AHVzZXIAcGFzcyAgd29yZA==\r\n");
    expect("+OK 3 messages (16777269 octets)\r\n");
    ck_assert_uint_eq(server.counters.refused_logins, 1);
    ck_assert_uint_eq(server.counters.logins, 1);
}
END_TEST

START_TEST(a_large_message_comes_whole)
{
    size_t whole = BIG + strlen("+OK 16777216 octets\r\n") + 5;

    log_in();
    say("RETR 3\r\n");
    run_until(reached, &whole);
    ck_assert_uint_eq(got.n, whole);
    ck_assert(wd_str_starts(wd_buf_view(&got), WD_STR("+OK 16777216 octets\r\n\r\nxxx")));
    ck_assert(wd_str_ends(wd_buf_view(&got), WD_STR("xxx\r\n.\r\n")));
}
END_TEST

static bool
has_paused(const void *data)
{
    static int64_t changed_ms;
    static unsigned last;
    unsigned reads = seen(&store.reads);

    (void)data;
    if (reads != last)
        changed_ms = wd_mono_ms();
    last = reads;
    return reads > 0 && wd_mono_ms() - changed_ms > 150;
}

/* Sockets hold some of it; the store is not asked for the rest. */
START_TEST(a_client_that_does_not_read_stops_the_reading)
{
    int small = 16384, real = client;

    log_in();
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say("RETR 3\r\n");
    client = -1; /* nobody reads */
    run_until(has_paused, NULL);
    client = real;
    ck_assert_uint_lt(seen(&store.reads), BIG / (256 * 1024) / 2);
}
END_TEST

START_TEST(a_failure_before_the_first_byte_is_said)
{
    log_in();
    store.read = WD_MESSAGE_NOT_FOUND;
    say("RETR 1\r\nTOP 1 0\r\nNOOP\r\n");
    expect("-ERR made to fail\r\n-ERR made to fail\r\n+OK Nothing done\r\n");
    store.read = WD_DOWNLOAD_LIMIT;
    say("RETR 1\r\nNOOP\r\n");
    expect("-ERR [SYS/TEMP] made to fail\r\n");
    run_until(all_gone, NULL);
    ck_assert_uint_eq(seen(&store.updates), 0);
}
END_TEST

START_TEST(a_session_that_has_ended_at_the_store_ends)
{
    log_in();
    store.read = WD_TOKEN_EXPIRED;
    say("RETR 1\r\n");
    expect("-ERR [AUTH] made to fail\r\n");
    run_until(all_gone, NULL);
}
END_TEST

START_TEST(a_failure_in_the_middle_ends_the_connection)
{
    log_in();
    store.read = WD_MESSAGE_NOT_FOUND;
    store.good_reads = 2;
    say("RETR 3\r\nNOOP\r\n");
    run_until(all_gone, NULL);
    ck_assert_uint_lt(got.n, BIG);
    ck_assert(!ends("+OK Nothing done\r\n"));
}
END_TEST

START_TEST(a_size_that_is_not_true_is_no_message)
{
    store.lie = 1;
    hello();
    say("USER user\r\nPASS pass  word\r\n");
    run_until(ends, "octets)\r\n");
    say("RETR 1\r\n");
    expect_start("-ERR [SYS/PERM] ");
}
END_TEST

START_TEST(a_failed_update_is_said)
{
    log_in();
    store.update = WD_MAILBOX_NOT_FOUND;
    say("DELE 1\r\nQUIT\r\n");
    expect("+OK Message 1 goes at QUIT\r\n-ERR [SYS/PERM] Messages were not removed: made to fail\r\n");
    run_until(all_gone, NULL);
    ck_assert_uint_eq(server.counters.failed_updates, 1);
}
END_TEST

START_TEST(quit_counts_though_the_client_is_gone)
{
    log_in();
    store.slow_ms = 50;
    say("DELE 2\r\nQUIT\r\n");
    run_until(ends, "QUIT\r\n");
    close(client);
    client = -1;
    run_until(all_gone, NULL);
    ck_assert_uint_eq(seen(&store.updates), 1);
    ck_assert_uint_eq(server.counters.deleted, 1);
    dial();
}
END_TEST

START_TEST(a_client_that_vanishes_changes_nothing)
{
    log_in();
    say("DELE 1\r\n");
    run_until(ends, "QUIT\r\n");
    close(client);
    client = -1;
    run_until(all_gone, NULL);
    ck_assert_uint_eq(seen(&store.updates), 0);
    dial();
}
END_TEST

static bool
has_renewed(const void *data)
{
    (void)data;
    return seen(&store.renewals) > 0;
}

START_TEST(a_token_is_renewed_in_time)
{
    store.life_ms = 0;
    log_in();
    say("RETR 1\r\n");
    run_until(ends, "\r\n.\r\n");
    run_until(has_renewed, NULL);
    for (int i = 0; i < 100 && strcmp(store.token, "second") != 0; i++) {
        say("RETR 1\r\n");
        run_until(ends, "\r\n.\r\n");
    }
    ck_assert_str_eq(store.token, "second");
    ck_assert_uint_eq(seen(&store.renewals), 1);
}
END_TEST

START_TEST(drain_ends_sessions_but_not_their_work)
{
    log_in();
    store.slow_ms = 50;
    say("DELE 1\r\nQUIT\r\n");
    run_until(ends, "QUIT\r\n");
    pop3_server_drain(&server);
    run_until(ends, "Bye\r\n");
    run_until(all_gone, NULL);
    ck_assert_uint_eq(seen(&store.updates), 1);
    close(client);
    got.n = 0;
    server.draining = false;
    dial();
    log_in();
    got.n = 0;
    pop3_server_drain(&server);
    expect("-ERR [SYS/TEMP] Going down, come back soon\r\n");
    run_until(all_gone, NULL);
}
END_TEST

START_TEST(silence_ends_the_session)
{
    log_in();
    server.options.idle_timeout_ms = 30;
    say("DELE 1\r\n");
    expect("+OK Message 1 goes at QUIT\r\n-ERR Silent for too long, nothing was changed\r\n");
    run_until(all_gone, NULL);
    ck_assert_uint_eq(server.counters.timeouts, 1);
    ck_assert_uint_eq(seen(&store.updates), 0);
}
END_TEST

/* The store is slow, the client is not: no timeout. */
START_TEST(the_store_may_take_longer_than_the_timeout)
{
    hello();
    server.options.idle_timeout_ms = 30;
    store.slow_ms = 120;
    say("AUTH PLAIN AHVzZXIAcGFzcyAgd29yZA==\r\n");
    expect("+OK 3 messages (16777269 octets)\r\n");
}
END_TEST

START_TEST(a_long_line_is_skipped)
{
    char line[9000];

    hello();
    memset(line, 'x', sizeof line);
    memcpy(line, "USER ", 5);
    memcpy(line + sizeof line - 17, "\r\nSTAT\r\nUSER a\r\n", 17);
    say(line);
    expect("-ERR Line too long\r\n-ERR Log in first\r\n+OK Send PASS\r\n");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("conn");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_session_in_one_packet);
    tcase_add_test(t, a_session_byte_by_byte);
    tcase_add_test(t, nothing_to_change_needs_no_call);
    tcase_add_loop_test(t, a_refused_login_changes_nothing, 0, (int)WD_COUNT(refusals));
    tcase_add_test(t, a_large_message_comes_whole);
    tcase_add_test(t, a_client_that_does_not_read_stops_the_reading);
    tcase_add_test(t, a_failure_before_the_first_byte_is_said);
    tcase_add_test(t, a_session_that_has_ended_at_the_store_ends);
    tcase_add_test(t, a_failure_in_the_middle_ends_the_connection);
    tcase_add_test(t, a_size_that_is_not_true_is_no_message);
    tcase_add_test(t, a_failed_update_is_said);
    tcase_add_test(t, quit_counts_though_the_client_is_gone);
    tcase_add_test(t, a_client_that_vanishes_changes_nothing);
    tcase_add_test(t, a_token_is_renewed_in_time);
    tcase_add_test(t, drain_ends_sessions_but_not_their_work);
    tcase_add_test(t, silence_ends_the_session);
    tcase_add_test(t, the_store_may_take_longer_than_the_timeout);
    tcase_add_test(t, a_long_line_is_skipped);
    return run_case("conn", t);
}
