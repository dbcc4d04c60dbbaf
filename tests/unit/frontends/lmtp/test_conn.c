/* A whole wd-lmtp in one process: real sockets, the real RPC, and a store that is made up. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/thread.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/rpc/server.h"
#include "frontends/lmtp/server.h"
#include "tests/run.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/messages.pb-c.h"

enum { DEADLINE_MS = 10000, MAX_BYTES = 3 * 1024 * 1024 };

/* ---- the store: every address at "ok" is fine; written by its workers under the mutex ---- */

static struct {
    pthread_mutex_t mutex;
    unsigned resolves, delivers, uploads, drops;
    struct wd_buf message; /* of the last Deliver: raw, or the upload */
    struct wd_buf upload;
    char sender[64], recipients[256], transport[16];
    bool broken; /* every call fails */
    int slow_ms; /* each Resolve takes so long */
} store = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static Wd__V1__RecipientOutcome *
outcome_of(struct wd_call *call, struct wd_str address, bool delivering)
{
    Wd__V1__RecipientOutcome *o = WD_ARENA_NEW(call->arena, Wd__V1__RecipientOutcome);
    static char id[] = "0123456789abcdef01234567", no[] = "No such user", full[] = "Full";

    wd__v1__recipient_outcome__init(o);
    o->accepted = wd_str_ends(address, WD_STR("@ok")) &&
                  !(delivering && wd_str_starts(address, WD_STR("full")));
    o->message = id;
    if (!o->accepted) {
        o->has_reason = true;
        o->reason = delivering ? WD_OVER_QUOTA : WD_RECIPIENT_UNKNOWN;
        o->text = delivering ? full : no;
    }
    return o;
}

static Wd__V1__RecipientOutcome **
outcomes(struct wd_call *call, const ProtobufCBinaryData *addresses, size_t n, bool delivering)
{
    Wd__V1__RecipientOutcome **rows = WD_ARENA_ARRAY(call->arena, Wd__V1__RecipientOutcome *, n);
    size_t i;

    for (i = 0; i < n; i++)
        rows[i] = outcome_of(call, wd_str_n(addresses[i].data, addresses[i].len), delivering);
    return rows;
}

static bool
store_fails(struct wd_call *call)
{
    if (store.broken) {
        wd_fail(&call->err, WD_INTERNAL, "broken on purpose");
        wd_call_fail(call);
    }
    return store.broken;
}

static void
on_resolve(Wd__V1__Delivery_Service *svc, const Wd__V1__ResolveRequest *req, Wd__V1__ResolveReply_Closure reply,
           void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ResolveReply out = WD__V1__RESOLVE_REPLY__INIT;

    (void)svc;
    pthread_mutex_lock(&store.mutex);
    store.resolves++;
    pthread_mutex_unlock(&store.mutex);
    poll(NULL, 0, store.slow_ms);
    if (store_fails(call))
        return;
    out.n_outcomes = req->n_recipients;
    out.outcomes = outcomes(call, req->recipients, req->n_recipients, false);
    reply(&out, call);
}

static void
note_delivery(const Wd__V1__DeliverRequest *req)
{
    size_t i;

    pthread_mutex_lock(&store.mutex);
    store.delivers++;
    store.message.n = 0;
    if (req->upload)
        wd_buf_str(&store.message, wd_buf_view(&store.upload));
    else
        wd_buf_add(&store.message, req->raw.data, req->raw.len);
    snprintf(store.sender, sizeof store.sender, "%.*s", (int)req->sender.len, (const char *)req->sender.data);
    snprintf(store.transport, sizeof store.transport, "%s", req->transport);
    store.recipients[0] = '\0';
    for (i = 0; i < req->n_recipients; i++)
        snprintf(store.recipients + strlen(store.recipients), sizeof store.recipients - strlen(store.recipients),
                 "%.*s ", (int)req->recipients[i].len, (const char *)req->recipients[i].data);
    pthread_mutex_unlock(&store.mutex);
}

static void
on_deliver(Wd__V1__Delivery_Service *svc, const Wd__V1__DeliverRequest *req, Wd__V1__DeliverReply_Closure reply,
           void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__DeliverReply out = WD__V1__DELIVER_REPLY__INIT;

    (void)svc;
    if (store_fails(call))
        return;
    note_delivery(req);
    out.n_outcomes = req->n_recipients;
    out.outcomes = outcomes(call, req->recipients, req->n_recipients, true);
    reply(&out, call);
}

static void
on_upload(Wd__V1__Messages_Service *svc, const Wd__V1__UploadRequest *req, Wd__V1__UploadReply_Closure reply,
          void *closure)
{
    Wd__V1__UploadReply out = WD__V1__UPLOAD_REPLY__INIT;

    (void)svc;
    if (store_fails(closure))
        return;
    pthread_mutex_lock(&store.mutex);
    store.uploads++;
    if (req->offset == 0)
        store.upload.n = 0;
    ck_assert_uint_eq(req->offset, store.upload.n);
    wd_buf_add(&store.upload, req->data.data, req->data.len);
    out.size = store.upload.n;
    pthread_mutex_unlock(&store.mutex);
    reply(&out, closure);
}

static void
on_drop(Wd__V1__Messages_Service *svc, const Wd__V1__DropUploadRequest *req, Wd__V1__DropUploadReply_Closure reply,
        void *closure)
{
    Wd__V1__DropUploadReply out = WD__V1__DROP_UPLOAD_REPLY__INIT;

    (void)svc;
    (void)req;
    pthread_mutex_lock(&store.mutex);
    store.drops++;
    pthread_mutex_unlock(&store.mutex);
    reply(&out, closure);
}

static bool
authorize(struct wd_call *call, struct wd_error *err)
{
    (void)call;
    (void)err;
    return true;
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

/* ---- wd-lmtp, on the test's thread ---- */

static Wd__V1__Delivery_Service delivery = WD__V1__DELIVERY__INIT(on_);
static Wd__V1__Messages_Service messages;
static struct event_base *loop;
static struct wd_rpc_server *rpc;
static struct wd_listener *listener;
static struct wd_listener_options listen_options;
static struct lmtp_server server;
static char url[80];
static int client;
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
    static ProtobufCService *services[3];
    struct wd_rpc_server_options o = { .urls = urls, .services = services, .authorize = authorize, .workers = 2 };
    struct wd_rpc_client_options client_options = { .urls = urls };
    struct wd_error err;

    snprintf(url, sizeof url, "ipc:///tmp/wd-test-lmtp-%d.ipc", (int)getpid());
    urls[0] = url;
    messages = (Wd__V1__Messages_Service){ .base = { &wd__v1__messages__descriptor, NULL, NULL },
                                           .upload = on_upload, .drop_upload = on_drop };
    services[0] = &delivery.base;
    services[1] = &messages.base;
    messages.base.invoke = protobuf_c_service_invoke_internal;
    rpc = wd_rpc_server_start(&o, &err);
    ck_assert_msg(rpc != NULL, "%s", err.text);

    loop = event_base_new();
    server = (struct lmtp_server){
        .loop = loop,
        .options = { .hostname = "mx.test", .banner = "hello", .max_bytes = MAX_BYTES, .max_recipients = 5,
                     .idle_timeout_ms = 60000, .call_timeout_ms = 5000 },
    };
    server.store = wd_rpc_client_new(loop, &client_options, &err);
    ck_assert_msg(server.store != NULL, "%s", err.text);
    listen_options = (struct wd_listener_options){ .host = "127.0.0.1", .on_conn = lmtp_server_accept };
    listen_options.data = &server;
    listener = wd_listener_new(loop, &listen_options, &err);
    ck_assert_msg(listener != NULL, "%s", err.text);
    store.broken = false;
    store.slow_ms = 0;
    store.resolves = store.delivers = store.uploads = store.drops = 0;
    dial();
}

static void
teardown(void)
{
    close(client);
    lmtp_server_close(&server);
    wd_listener_free(listener);
    wd_rpc_client_free(server.store);
    event_base_free(loop);
    wd_rpc_server_stop(rpc, 1000);
    wd_buf_done(&got);
    wd_buf_done(&store.message);
    wd_buf_done(&store.upload);
    unlink(url + strlen("ipc://"));
}

/* Runs the loop until what came ends with `end` (after it, nothing more is expected). */
static void
expect_end(const char *end)
{
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    while (!wd_str_ends(wd_buf_view(&got), wd_str_c(end))) {
        ssize_t n;

        ck_assert_msg(wd_mono_ms() < until, "still waiting for '%s', have '%.*s'", end, (int)got.n, got.p);
        event_base_loop(loop, EVLOOP_NONBLOCK);
        n = recv(client, wd_buf_reserve(&got, 4096), 4096, MSG_DONTWAIT);
        if (n > 0)
            got.n += (size_t)n;
        else
            poll(NULL, 0, 1);
    }
}

/* Sends all, running the loop where the socket is full. */
static void
say_bytes(struct wd_str bytes)
{
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    while (bytes.n) {
        ssize_t n = send(client, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);

        ck_assert_msg(wd_mono_ms() < until, "the server does not read");
        if (n > 0)
            bytes = wd_str_part(bytes, (size_t)n, bytes.n);
        event_base_loop(loop, EVLOOP_NONBLOCK);
    }
}

static void
say(const char *text)
{
    got.n = 0;
    say_bytes(wd_str_c(text));
}

static void
expect(const char *whole)
{
    expect_end(whole + (strlen(whole) > 12 ? strlen(whole) - 12 : 0));
    ck_assert_msg(wd_str_eq(wd_buf_view(&got), wd_str_c(whole)), "got '%.*s'", (int)got.n, got.p);
}

static void
expect_closed(void)
{
    int64_t until = wd_mono_ms() + DEADLINE_MS;
    char byte;

    while (recv(client, &byte, 1, MSG_DONTWAIT) != 0) {
        ck_assert(wd_mono_ms() < until);
        event_base_loop(loop, EVLOOP_NONBLOCK);
        poll(NULL, 0, 1);
    }
}

static void
hello(void)
{
    say("");
    expect("220 mx.test LMTP hello\r\n");
    say("LHLO client\r\n");
    expect_end("250 ENHANCEDSTATUSCODES\r\n");
}

#define STORED "250 2.0.0 Message stored as 0123456789abcdef01234567\r\n"

/* ---- tests ---- */

START_TEST(hello_lists_what_is_offered)
{
    hello();
    expect("250-mx.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-SIZE 3145728\r\n"
           "250 ENHANCEDSTATUSCODES\r\n");
    say("EHLO x\r\nHELO x\r\nNOOP\r\nVRFY a\r\nSTARTTLS\r\nQUIT\r\n");
    expect("500 5.5.1 This is LMTP: say LHLO\r\n500 5.5.1 This is LMTP: say LHLO\r\n250 2.0.0 OK\r\n"
           "252 2.1.5 Try to deliver and see\r\n502 5.5.1 TLS is not offered\r\n221 2.0.0 Bye\r\n");
    expect_closed();
}
END_TEST

START_TEST(one_pipelined_transaction_is_two_calls)
{
    hello();
    say("MAIL FROM:<s@x>\r\nRCPT TO:<a@ok>\r\nRCPT TO:<b@no>\r\nRCPT TO:<c@ok>\r\nDATA\r\n");
    expect("250 2.1.0 Sender is fine\r\n250 2.1.5 Recipient is fine\r\n550 5.1.1 No such user\r\n"
           "250 2.1.5 Recipient is fine\r\n354 Send the message, end with a dot on a line of its own\r\n");
    say("Subject: x\r\n\r\n..dot\r\n.\r\n");
    expect(STORED STORED);
    ck_assert_uint_eq(seen(&store.resolves), 1);
    ck_assert_uint_eq(seen(&store.delivers), 1);
    ck_assert(wd_str_eq(wd_buf_view(&store.message), WD_STR("Subject: x\r\n\r\n.dot\r\n")));
    ck_assert_str_eq(store.sender, "s@x");
    ck_assert_str_eq(store.recipients, "a@ok c@ok ");
    ck_assert_str_eq(store.transport, "LMTP");
}
END_TEST

/* The whole session in pieces of one byte gives the same replies. */
START_TEST(session_byte_by_byte)
{
    static const char session[] = "MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n";
    size_t i;

    hello();
    got.n = 0;
    for (i = 0; i < sizeof session - 1; i++)
        say_bytes(wd_str_n(session + i, 1));
    expect("250 2.1.0 Sender is fine\r\n250 2.1.5 Recipient is fine\r\n"
           "354 Send the message, end with a dot on a line of its own\r\n" STORED "221 2.0.0 Bye\r\n");
    ck_assert(wd_str_eq(wd_buf_view(&store.message), WD_STR("x\r\n")));
}
END_TEST

START_TEST(each_recipient_has_its_own_reply)
{
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nRCPT TO:<full@ok>\r\nRCPT TO:<a@ok>\r\nDATA\r\n");
    expect_end("its own\r\n");
    say(".\r\n");
    expect(STORED "552 5.2.2 Full\r\n" STORED);
}
END_TEST

START_TEST(commands_in_the_wrong_moment)
{
    say("");
    expect("220 mx.test LMTP hello\r\n");
    say("MAIL FROM:<a@b>\r\nRCPT TO:<a@ok>\r\nDATA\r\n");
    expect("503 5.5.1 Say LHLO first\r\n503 5.5.1 Say LHLO first\r\n503 5.5.1 Say LHLO first\r\n");
    say("LHLO\r\n");
    expect("501 5.5.4 Arguments are missing\r\n");
    say("LHLO x\r\n");
    expect_end("CODES\r\n");
    say("RCPT TO:<a@ok>\r\nDATA\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nDATA x\r\n");
    expect("503 5.5.1 Say MAIL first\r\n503 5.5.1 No recipients\r\n250 2.1.0 Sender is fine\r\n"
           "503 5.5.1 Not inside of a transaction\r\n503 5.5.1 No recipients\r\n501 5.5.4 No arguments here\r\n");
    say("RSET\r\nMAIL FROM:a@b\r\nMAIL FROM:<a@b> SIZE=3145729\r\nMAIL FROM:<a@b> SIZE=3145728\r\n");
    expect("250 2.0.0 Flushed\r\n501 5.5.4 Syntax: MAIL FROM:<sender> [parameters]\r\n"
           "552 5.3.4 Message is larger than the limit\r\n250 2.1.0 Sender is fine\r\n");
    ck_assert_uint_eq(seen(&store.resolves), 0);
}
END_TEST

START_TEST(too_many_recipients)
{
    int i;

    hello();
    say("MAIL FROM:<>\r\n");
    expect_end("fine\r\n");
    for (i = 0; i < 5; i++) {
        say("RCPT TO:<a@ok>\r\n");
        expect("250 2.1.5 Recipient is fine\r\n");
    }
    say("RCPT TO:<>\r\nRCPT TO:<a@ok>\r\nRCPT TO:x\r\n");
    expect("501 5.1.3 Malformed recipient address\r\n452 4.5.3 Too many recipients\r\n"
           "501 5.5.4 Syntax: RCPT TO:<recipient>\r\n");
}
END_TEST

START_TEST(tenth_unknown_command_ends_the_session)
{
    int i;

    hello();
    for (i = 0; i < 9; i++) {
        say("WHAT\r\n");
        expect("500 5.5.1 Unknown command\r\n");
    }
    say("WHAT\r\n");
    expect("421 4.7.0 Too many unknown commands\r\n");
    expect_closed();
}
END_TEST

START_TEST(web_browser_is_sent_away)
{
    say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect("220 mx.test LMTP hello\r\n421 4.7.0 This is no web server\r\n");
    expect_closed();
}
END_TEST

START_TEST(line_that_is_too_long_is_skipped)
{
    char *line = wd_alloc(100001);

    memset(line, 'x', 100000);
    hello();
    got.n = 0;
    say_bytes(wd_str_n(line, 100000));
    say_bytes(WD_STR("\r\nNOOP\r\n"));
    expect("500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n");
    free(line);
}
END_TEST

static void
fill(struct wd_buf *b, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        wd_buf_chr(b, i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (char)('a' + i % 23));
    wd_buf_c(b, "\r\n");
}

START_TEST(large_message_goes_up_in_chunks)
{
    struct wd_buf message = { 0 };

    fill(&message, 2500000);
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nDATA\r\n");
    expect_end("its own\r\n");
    got.n = 0;
    say_bytes(wd_buf_view(&message));
    say_bytes(WD_STR(".\r\n"));
    expect(STORED);
    ck_assert_uint_eq(seen(&store.uploads), 4);
    ck_assert_uint_eq(seen(&store.drops), 0);
    ck_assert(wd_str_eq(wd_buf_view(&store.message), wd_buf_view(&message)));
    wd_buf_done(&message);
}
END_TEST

START_TEST(message_over_the_limit_is_refused_for_each_recipient)
{
    struct wd_buf message = { 0 };

    fill(&message, MAX_BYTES + 100);
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nRCPT TO:<b@ok>\r\nDATA\r\n");
    expect_end("its own\r\n");
    got.n = 0;
    say_bytes(wd_buf_view(&message));
    say_bytes(WD_STR(".\r\nNOOP\r\n"));
    expect("552 5.3.4 Message is larger than the limit\r\n552 5.3.4 Message is larger than the limit\r\n"
           "250 2.0.0 OK\r\n");
    ck_assert_uint_eq(seen(&store.delivers), 0);
    wd_buf_done(&message);
}
END_TEST

START_TEST(store_that_fails_is_a_temporary_error)
{
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\n");
    expect_end("Recipient is fine\r\n");
    store.broken = true;
    say("RCPT TO:<b@ok>\r\nDATA\r\n");
    expect_end("its own\r\n");
    ck_assert(wd_str_starts(wd_buf_view(&got), WD_STR("451 4.3.0 ")));
    say("x\r\n.\r\n");
    expect_end("\r\n");
    ck_assert(wd_str_starts(wd_buf_view(&got), WD_STR("451 4.3.0 ")));
    store.broken = false;
    say("MAIL FROM:<>\r\n");
    expect("250 2.1.0 Sender is fine\r\n");
}
END_TEST

START_TEST(chunks_make_a_message)
{
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nRCPT TO:<b@ok>\r\nBDAT 6\r\nab\r\n.\rBDAT 3\r\n\r\n.");
    expect_end("250 2.0.0 Chunk taken\r\n250 2.0.0 Chunk taken\r\n");
    say("DATA\r\nRCPT TO:<a@ok>\r\nBDAT 0 LAST\r\nNOOP\r\n");
    expect("503 5.5.1 Go on with BDAT\r\n503 5.5.1 The message has begun\r\n" STORED STORED "250 2.0.0 OK\r\n");
    ck_assert(wd_str_eq(wd_buf_view(&store.message), WD_STR("ab\r\n.\r\r\n.")));
}
END_TEST

START_TEST(chunks_without_recipients_are_skipped)
{
    hello();
    say("BDAT 6\r\nQUIT\r\nMAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    expect("503 5.5.1 Say MAIL first\r\n250 2.1.0 Sender is fine\r\n503 5.5.1 No recipients\r\n250 2.0.0 OK\r\n");
    say("BDAT x\r\n");
    expect("501 5.5.4 Syntax: BDAT <size> [LAST]\r\n");
    expect_closed();
}
END_TEST

START_TEST(drain_ends_idle_sessions_and_lets_transactions_finish)
{
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nDATA\r\n");
    expect_end("its own\r\n");
    lmtp_server_drain(&server);
    ck_assert_uint_eq(server.conn_count, 1);
    say("x\r\n.\r\n");
    expect(STORED "421 4.3.2 Going down, come back soon\r\n");
    expect_closed();
    ck_assert_uint_eq(server.conn_count, 0);
    ck_assert(wd_str_eq(wd_buf_view(&store.message), WD_STR("x\r\n")));
}
END_TEST

START_TEST(client_that_vanishes_leaves_nothing)
{
    struct wd_buf message = { 0 };
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    fill(&message, 1500000);
    hello();
    say("MAIL FROM:<>\r\nRCPT TO:<a@ok>\r\nDATA\r\n");
    expect_end("its own\r\n");
    say_bytes(wd_buf_view(&message));
    close(client);
    while ((server.conn_count > 0 || seen(&store.drops) == 0) && wd_mono_ms() < until)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_uint_eq(server.conn_count, 0);
    ck_assert_uint_eq(seen(&store.drops), 1);
    ck_assert_uint_eq(seen(&store.delivers), 0);
    dial();
    wd_buf_done(&message);
}
END_TEST

START_TEST(silence_ends_the_session)
{
    hello();
    server.options.idle_timeout_ms = 30;
    say("NOOP\r\n");
    expect("250 2.0.0 OK\r\n421 4.4.2 Timeout, closing connection\r\n");
    expect_closed();
    ck_assert_uint_eq(server.counters.timeouts, 1);
}
END_TEST

/* The store is slow, the client is not: no timeout. */
START_TEST(store_may_take_longer_than_the_timeout)
{
    hello();
    server.options.idle_timeout_ms = 30;
    say("MAIL FROM:<>\r\n");
    expect("250 2.1.0 Sender is fine\r\n");
    store.slow_ms = 120;
    say("RCPT TO:<a@ok>\r\n");
    expect_end("Recipient is fine\r\n");
    ck_assert(wd_str_eq(wd_buf_view(&got), WD_STR("250 2.1.5 Recipient is fine\r\n")));
}
END_TEST

static void
dial_from_outside(void)
{
    static const char *const all[] = { "*", NULL };

    close(client);
    listen_options.proxies = all;
    server.options.greet_delay_ms = 50;
    dial();
    got.n = 0;
}

START_TEST(who_talks_before_the_greeting_is_sent_away)
{
    dial_from_outside();
    say("PROXY TCP4 192.0.2.7 127.0.0.1 4000 24\r\nLHLO x\r\n");
    expect("421 4.7.0 You talk before you were greeted\r\n");
    expect_closed();
    ck_assert_uint_eq(server.counters.early_talkers, 1);
}
END_TEST

START_TEST(who_waits_is_greeted)
{
    dial_from_outside();
    say("PROXY TCP4 192.0.2.7 127.0.0.1 4000 24\r\n");
    expect("220 mx.test LMTP hello\r\n");
    say("LHLO x\r\n");
    expect_end("250 ENHANCEDSTATUSCODES\r\n");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("conn");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, hello_lists_what_is_offered);
    tcase_add_test(t, one_pipelined_transaction_is_two_calls);
    tcase_add_test(t, session_byte_by_byte);
    tcase_add_test(t, each_recipient_has_its_own_reply);
    tcase_add_test(t, commands_in_the_wrong_moment);
    tcase_add_test(t, too_many_recipients);
    tcase_add_test(t, tenth_unknown_command_ends_the_session);
    tcase_add_test(t, web_browser_is_sent_away);
    tcase_add_test(t, line_that_is_too_long_is_skipped);
    tcase_add_test(t, large_message_goes_up_in_chunks);
    tcase_add_test(t, message_over_the_limit_is_refused_for_each_recipient);
    tcase_add_test(t, store_that_fails_is_a_temporary_error);
    tcase_add_test(t, chunks_make_a_message);
    tcase_add_test(t, chunks_without_recipients_are_skipped);
    tcase_add_test(t, drain_ends_idle_sessions_and_lets_transactions_finish);
    tcase_add_test(t, client_that_vanishes_leaves_nothing);
    tcase_add_test(t, silence_ends_the_session);
    tcase_add_test(t, store_may_take_longer_than_the_timeout);
    tcase_add_test(t, who_talks_before_the_greeting_is_sent_away);
    tcase_add_test(t, who_waits_is_greeted);
    return run_case("conn", t);
}
