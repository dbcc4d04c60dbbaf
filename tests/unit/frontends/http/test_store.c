/* What goes between a request and the store: tokens, uploads in chunks, bodies in ranges. The store is a fake of this
 * test. */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "common/rpc/server.h"
#include "frontends/http/body_stream.h"
#include "tests/run.h"
#include "tests/unit/frontends/http/server_fixture.h"
#include "wd/v1/auth.pb-c.h"

enum { BODY = 8 * 1024 * 1024 };

/* ---- the fake store: its handlers run on other threads ---- */

static char body[BODY];
static char uploaded[BODY];
static _Atomic size_t upload_size, upload_calls, read_calls, fail_reads_at;
static _Atomic bool refuses_uploads;

static char ann[] = "5a00000000000000000000aa", role_user[] = "user", role_manager[] = "manager", name[] = "panel",
            role_odd[] = "odd";

static void
auth_check_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__AccessTokenRequest *req,
                        Wd__V1__CheckAccessTokenReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__CheckAccessTokenReply out = WD__V1__CHECK_ACCESS_TOKEN_REPLY__INIT;

    (void)svc;
    if (strcmp(req->token, "user") == 0) {
        out.role = role_user;
        out.user = ann;
    } else if (strcmp(req->token, "odd") == 0) {
        out.role = role_odd;
        out.name = name;
    } else if (strcmp(req->token, "panel") == 0) {
        out.role = role_manager;
        out.name = name;
    } else {
        wd_fail(&call->err, strcmp(req->token, "down") == 0 ? WD_DATABASE : WD_UNAUTHENTICATED, "no");
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
messages_upload(Wd__V1__Messages_Service *svc, const Wd__V1__UploadRequest *req, Wd__V1__UploadReply_Closure reply,
                void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__UploadReply out = WD__V1__UPLOAD_REPLY__INIT;

    (void)svc;
    upload_calls++;
    if (refuses_uploads || req->offset + req->data.len > sizeof uploaded) {
        wd_fail(&call->err, WD_OVER_QUOTA, "full");
        wd_call_fail(call);
        return;
    }
    memcpy(uploaded + req->offset, req->data.data, req->data.len);
    upload_size = (size_t)req->offset + req->data.len;
    out.size = upload_size;
    reply(&out, call);
}

static void
messages_read_body(Wd__V1__Messages_Service *svc, const Wd__V1__ReadBodyRequest *req,
                   Wd__V1__ReadBodyReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ReadBodyReply out = WD__V1__READ_BODY_REPLY__INIT;
    size_t at = (size_t)req->section->offset, n = (size_t)req->section->length;

    (void)svc;
    read_calls++;
    if (req->uid != 1 || at >= fail_reads_at) {
        wd_fail(&call->err, WD_MESSAGE_NOT_FOUND, "no");
        wd_call_fail(call);
        return;
    }
    out.size = BODY;
    out.data.len = n < BODY - at ? n : BODY - at;
    out.data.data = (uint8_t *)body + at;
    reply(&out, call);
}

/* ---- the routes ---- */

static void
run_upload(struct http_call *c)
{
    json_object_set_new(c->answer, "raw", json_integer((json_int_t)c->raw.n));
    json_object_set_new(c->answer, "uploaded", json_integer((json_int_t)c->upload_size));
    http_succeed(c);
}

static void
run_source(struct http_call *c)
{
    uint32_t uid = (uint32_t)json_integer_value(json_object_get(c->read, "message"));
    struct http_body_source source = { .user = http_read_text(c, "user"), .mailbox = ann, .uid = uid,
                                       .type = "message/rfc822" };

    http_body_stream(c, &source);
}

static void
run_who(struct http_call *c)
{
    json_object_update(c->answer, c->read);
    json_object_set_new(c->answer, "taken", json_integer((json_int_t)json_object_size(c->read)));
    json_object_set_new(c->answer, "role", json_string(c->who.role));
    json_object_set_new(c->answer, "only", c->only_user ? json_string(c->only_user) : json_false());
    json_object_set_new(c->answer, "internalData", json_object());
    http_succeed(c);
}

static const struct http_field no_fields[] = { { 0 } };
static const struct http_param none[] = { { 0 } };
static const struct http_param user_params[] = {
    { "user", HTTP_ID, HTTP_REQUIRED },
    { "tags", HTTP_ARRAY, .items = none },
    { "quota", HTTP_NUMBER },
    { "name", HTTP_TEXT },
    { 0 },
};
static const struct http_param message_params[] = {
    { "user", HTTP_ID, HTTP_REQUIRED },
    { "message", HTTP_NUMBER, .min = 1 },
    { 0 },
};

/* clang-format off */
#define ROW(verb, where, table, who, what, can, bits, function) \
    { HTTP_##verb, where, "id", "Tag", "summary", .params = table, .fields = no_fields, .needs = who, .resource = what, \
      .action = can, .flags = bits, .run = function }
static const struct http_route routes[] = {
    ROW(GET, "/users", none, HTTP_LIST, "userlisting", HTTP_READ, 0, run_who),
    ROW(GET, "/users/:user", user_params, HTTP_OWN, "users", HTTP_READ, 0, run_who),
    ROW(PUT, "/users/:user", user_params, HTTP_OWN, "users", HTTP_UPDATE, 0, run_who),
    ROW(DELETE, "/users/:user", user_params, HTTP_ANY, "users", HTTP_DELETES, 0, run_who),
    ROW(POST, "/users/:user/messages", message_params, HTTP_OWN, "messages", HTTP_CREATE, HTTP_RAW, run_upload),
    ROW(GET, "/users/:user/messages/:message", message_params, HTTP_OWN, "messages", HTTP_READ, HTTP_STREAMS, run_source),
    { 0 },
};
/* clang-format on */

static struct wd_rpc_server *store;
static char directory[] = "/tmp/wd-http-store.XXXXXX";

static void
setup(void)
{
    static Wd__V1__Auth_Service auth;
    static Wd__V1__Messages_Service messages;
    static ProtobufCService *const services[] = { &auth.base, &messages.base, NULL };
    static char url[64];
    const char *const urls[] = { url, NULL };
    struct wd_rpc_server_options o = { .urls = urls, .services = services, .workers = 2 };
    struct wd_rpc_client_options to = { .urls = urls, .service_token = "t" };
    struct wd_error err;

    /* Only these methods: the others are never called. */
    wd__v1__auth__init(&auth, NULL);
    auth.check_access_token = auth_check_access_token;
    wd__v1__messages__init(&messages, NULL);
    messages.upload = messages_upload;
    messages.read_body = messages_read_body;
    strcpy(directory + sizeof directory - 7, "XXXXXX");
    must(mkdtemp(directory) != NULL);
    snprintf(url, sizeof url, "ipc://%s/s", directory);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 23 + i / 100000 % 3);
    upload_size = upload_calls = read_calls = 0;
    fail_reads_at = SIZE_MAX;
    refuses_uploads = false;
    store = wd_rpc_server_start(&o, &err);
    ck_assert_msg(store != NULL, "%s", err.text);
    server_start(routes);
    server.options.max_message_bytes = BODY;
    server.options.max_held_bytes = 2 * BODY;
    server.store = wd_rpc_client_new(loop, &to, &err);
    ck_assert_msg(server.store != NULL, "%s", err.text);
}

static void
teardown(void)
{
    struct wd_rpc_client *client = server.store;

    http_server_close(&server);
    wd_rpc_client_free(client);
    server_stop();
    wd_rpc_server_stop(store, 1000);
    rmdir(directory);
}

static const char *
ask(const char *method, const char *path, const char *token, const char *json)
{
    static char request[2048];

    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Access-Token: %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             method, path, token, strlen(json), json);
    return client_ask(request, NULL);
}

#define ANN "5a00000000000000000000aa"
#define BOB "5a00000000000000000000bb"

static const struct {
    const char *method, *path, *token, *json;
    const char *status, *wanted;
} rows[] = {
    { "GET", "/users", "wrong", "", "403", "InvalidToken" },
    { "GET", "/users", "odd", "", "403", "InvalidToken" }, /* a role that nobody knows */
    { "GET", "/users", "down", "", "500", "InternalDatabaseError" },
    { "GET", "/users", "user", "", "200", "\"only\": \"" ANN "\"" },
    { "GET", "/users", "panel", "", "200", "\"only\": false" },
    { "GET", "/users/" ANN, "user", "", "200", "\"role\": \"user\"" },
    { "GET", "/users/me", "user", "", "200", "\"user\": \"" ANN "\"" },
    { "GET", "/users/me", "panel", "", "400", "\"user\": \"\\\"user\\\" must only contain hexadecimal characters\"" },
    { "GET", "/users/" BOB, "user", "", "403", "\"code\": \"MissingPrivileges\"" },
    { "GET", "/users/" BOB "?user=" ANN, "user", "", "403", "MissingPrivileges" },
    { "PUT", "/users/" BOB, "user", "{\"user\":\"" ANN "\"}", "403", "MissingPrivileges" },
    { "GET", "/users/" BOB, "panel", "", "200", "\"internalData\"" },
    { "GET", "/users/" ANN "?x=1", "user", "", "400", "InputValidationError" }, /* before the permission */
    { "GET", "/users/" BOB "?x=1", "user", "", "400", "InputValidationError" },
    { "DELETE", "/users/" ANN, "user", "", "403", "MissingPrivileges" },
    { "DELETE", "/users/" ANN, "panel", "", "200", "success" },
    { "GET", "/users/" ANN "/messages/2", "user", "", "404", "\"error\": \"This message does not exist\"" },
};

START_TEST(tokens_are_asked_for_and_permissions_given)
{
    const char *got = ask(rows[_i].method, rows[_i].path, rows[_i].token, rows[_i].json);

    ck_assert_msg(strncmp(got + 9, rows[_i].status, 3) == 0, "%s %s\n%s", rows[_i].path, rows[_i].token, got);
    ck_assert_msg(strstr(got, rows[_i].wanted) != NULL, "%s %s\n%s", rows[_i].path, rows[_i].token, got);
}
END_TEST

START_TEST(hidden_attributes_are_neither_shown_nor_set)
{
    const char *got = ask("PUT", "/users/" ANN, "user", "{\"tags\":[],\"quota\":5,\"name\":\"x\"}");

    ck_assert_ptr_nonnull(strstr(got, "\"name\": \"x\""));
    ck_assert_ptr_null(strstr(got, "quota"));
    ck_assert_ptr_null(strstr(got, "tags"));
    ck_assert_ptr_null(strstr(got, "internalData"));
    ck_assert_ptr_nonnull(strstr(got, "\"taken\": 2")); /* user and name */
    got = ask("PUT", "/users/" ANN, "panel", "{\"quota\":5}");
    ck_assert_ptr_nonnull(strstr(got, "\"quota\": 5"));
    ck_assert_ptr_nonnull(strstr(got, "internalData"));
}
END_TEST

/* Sends a raw body of n bytes; what is answered. */
static void
upload(const char *token, size_t n, struct wd_buf *got)
{
    char head[512];
    int fd = client_open();

    snprintf(head, sizeof head,
             "POST /users/" ANN "/messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Access-Token: %s\r\n"
             "Content-Type: message/rfc822\r\nContent-Length: %zu\r\n\r\n",
             token, n);
    client_send(fd, wd_str_c(head));
    client_send(fd, wd_str_n(body, n));
    client_read(fd, NULL, got);
    wd_buf_chr(got, '\0');
    close(fd);
}

START_TEST(a_large_body_goes_to_the_store_in_chunks)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };

    upload("user", BODY - 7, &got);
    ck_assert_ptr_nonnull(strstr(got.p, "\"uploaded\": 8388601"));
    must(upload_size == BODY - 7);
    must(memcmp(uploaded, body, BODY - 7) == 0);
    must(upload_calls == 16); /* of 512 KiB */
}
END_TEST

START_TEST(a_small_body_stays_here)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };

    upload("user", 200 * 1024, &got);
    ck_assert_ptr_nonnull(strstr(got.p, "\"raw\": 204800"));
    must(upload_calls == 0);
}
END_TEST

START_TEST(a_body_that_may_not_come_is_not_uploaded)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };

    upload("panel", BODY, &got); /* a manager has nothing to do with mail */
    ck_assert_ptr_nonnull(strstr(got.p, "MissingPrivileges"));
    ck_assert_ptr_nonnull(strstr(got.p, "Connection: close\r\n"));
    must(upload_calls == 0);
}
END_TEST

START_TEST(an_upload_that_the_store_refuses_is_an_error)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };

    refuses_uploads = true;
    upload("user", BODY, &got);
    ck_assert_ptr_nonnull(strstr(got.p, "\"code\": \"OverQuotaError\""));
}
END_TEST

START_TEST(a_source_comes_in_ranges)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open();
    struct wd_str rest;

    /* HTTP/1.0: the answer is not cut into chunks. */
    client_send(fd, WD_STR("GET /users/" ANN "/messages/1 HTTP/1.0\r\nX-Access-Token: user\r\n\r\n"));
    client_read(fd, NULL, &got);
    rest = wd_str_part(wd_buf_view(&got), wd_str_find(wd_buf_view(&got), WD_STR("\r\n\r\n")) + 4, got.n);
    must(rest.n == BODY && memcmp(rest.p, body, BODY) == 0);
    must(read_calls == BODY / (256 * 1024));
    close(fd);
}
END_TEST

START_TEST(a_slow_client_is_not_read_for)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open(), small = 16 * 1024;
    size_t before;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, WD_STR("GET /users/" ANN "/messages/1 HTTP/1.0\r\nX-Access-Token: user\r\n\r\n"));
    do {
        before = read_calls;
        for (int i = 0; i < 20; i++)
            loop_once(5);
    } while (read_calls != before || read_calls == 0);
    must(read_calls < BODY / (256 * 1024));
    close(fd);
    while (server.conn_count)
        loop_once(5);
}
END_TEST

START_TEST(a_source_that_breaks_off_is_cut)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open();

    fail_reads_at = BODY / 2;
    client_send(fd, WD_STR("GET /users/" ANN "/messages/1 HTTP/1.1\r\nHost: a\r\nX-Access-Token: user\r\n\r\n"));
    client_read(fd, NULL, &got);
    must(got.n > BODY / 2 && got.n < BODY);
    ck_assert(!wd_str_ends(wd_buf_view(&got), WD_STR("0\r\n\r\n")));
    close(fd);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("store");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, tokens_are_asked_for_and_permissions_given, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, hidden_attributes_are_neither_shown_nor_set);
    tcase_add_test(t, a_large_body_goes_to_the_store_in_chunks);
    tcase_add_test(t, a_small_body_stays_here);
    tcase_add_test(t, a_body_that_may_not_come_is_not_uploaded);
    tcase_add_test(t, an_upload_that_the_store_refuses_is_an_error);
    tcase_add_test(t, a_source_comes_in_ranges);
    tcase_add_test(t, a_slow_client_is_not_read_for);
    tcase_add_test(t, a_source_that_breaks_off_is_cut);
    return run_case("http store", t);
}
