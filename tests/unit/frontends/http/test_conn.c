/* Requests and answers on the wire: framing, limits, errors, CORS, streams. No store is there: the routes are the
 * test's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "tests/run.h"
#include "tests/unit/frontends/http/server_fixture.h"

static const struct http_field no_fields[] = { { 0 } };
static bool gone;

/* ---- the routes ---- */

static void
run_echo(struct http_call *c)
{
    json_object_update(c->answer, c->read);
    if (c->raw.p)
        json_object_set_new(c->answer, "raw", json_integer((json_int_t)c->raw.n));
    http_succeed(c);
}

static void
run_fail(struct http_call *c)
{
    wd_fail(&c->err, WD_USER_NOT_FOUND, "whatever");
    http_fail(c);
}

static void
note_gone(struct http_call *c)
{
    (void)c;
    gone = true;
}

/* Never answers. */
static void
run_wait(struct http_call *c)
{
    c->cleanup = note_gone;
}

enum { PIECE = 64 * 1024, PIECES = 64 };
static size_t pieces;

static void
one_piece(struct http_call *c)
{
    static char piece[PIECE];

    memset(piece, 'a' + (int)(pieces % 26), sizeof piece);
    http_stream_write(c, wd_str_n(piece, sizeof piece));
    if (++pieces < PIECES)
        http_stream_more(c, one_piece);
    else
        http_stream_end(c);
}

static void
run_stream(struct http_call *c)
{
    pieces = 0;
    http_stream_begin(c, "message/rfc822", HTTP_UNKNOWN_LENGTH, NULL);
    http_stream_more(c, one_piece);
}

/* Fails in the middle of its answer. */
static void
run_break(struct http_call *c)
{
    http_stream_begin(c, "message/rfc822", HTTP_UNKNOWN_LENGTH, NULL);
    http_stream_write(c, WD_STR("half"));
    wd_fail(&c->err, WD_DATABASE, "gone");
    http_fail(c);
}

static const struct http_param echo_params[] = {
    { "name", HTTP_TEXT, .max = 900 },
    { "n", HTTP_NUMBER, .initial = "7" },
    { 0 },
};
static const struct http_param thing_params[] = { { "thing", HTTP_TEXT, HTTP_REQUIRED, .max = 100 }, { 0 } };

#define ROW(verb, where, table, bits, function) \
    { HTTP_##verb, where, "id", "Tag", "summary", .params = table, .fields = no_fields, .needs = HTTP_TOKEN, \
      .flags = bits, .run = function }
static const struct http_route routes[] = {
    ROW(GET, "/echo", echo_params, 0, run_echo),
    ROW(POST, "/echo", echo_params, HTTP_RAW, run_echo),
    ROW(GET, "/things/:thing", thing_params, 0, run_echo),
    ROW(GET, "/fail", echo_params, 0, run_fail),
    ROW(GET, "/fail500", echo_params, HTTP_FAILS_500, run_fail),
    ROW(GET, "/wait", echo_params, 0, run_wait),
    ROW(GET, "/stream", echo_params, 0, run_stream),
    ROW(GET, "/break", echo_params, 0, run_break),
    { 0 },
};

static void
setup(void)
{
    gone = false;
    server_start(routes);
}

/* ---- whole exchanges ---- */

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define POST(path, type, length, body) \
    "POST " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: " type "\r\nContent-Length: " #length \
    "\r\n\r\n" body
#define JSON "application/json"

/* clang-format off */
static const struct {
    const char *request;
    const char *status; /* of the status line */
    const char *wanted; /* somewhere in the answer */
} rows[] = {
    { GET("/echo?name=x"), "200 OK", "{\n  \"success\": true,\n  \"name\": \"x\",\n  \"n\": 7\n}\n" },
    { GET("/echo"), "200 OK", "Content-Type: application/json; charset=utf-8\r\n" },
    { GET("/echo"), "200 OK", "Vary: origin,access-control-request-method,access-control-request-headers\r\n" },
    { POST("/echo", JSON, 12, "{\"name\":\"y\"}"), "200 OK", "\"name\": \"y\"" },
    { POST("/echo?name=q", JSON, 12, "{\"name\":\"y\"}"), "200 OK", "\"name\": \"q\"" },
    { POST("/echo", "application/x-www-form-urlencoded", 10, "name=a%20b"), "200 OK", "\"name\": \"a b\"" },
    { POST("/echo", "message/rfc822", 5, "hello"), "200 OK", "\"raw\": 5" },
    { POST("/echo", "application/octet-stream", 5, "hello"), "200 OK", "\"n\": 7" },
    { "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: " JSON "\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\n{\"n\r\n5\r\n\":\"5\"\r\n1\r\n}\r\n0\r\n\r\n",
      "200 OK", "\"n\": 5" },
    { GET("/echo?sess=s&ip=::1"), "200 OK", "\"sess\": \"s\"" },
    { GET("/things/a%20%C3%A4%2Fb"), "200 OK", "\"thing\": \"a \u00e4/b\"" },
    { GET("/things/a+b"), "200 OK", "\"thing\": \"a+b\"" },
    { GET("/things/x?thing=y"), "200 OK", "\"thing\": \"x\"" },
    { GET("/things/"), "400 Bad Request", "\\\"thing\\\" is not allowed to be empty" },
    { GET("/things/%zz"), "404 Not Found", "\"code\": \"ResourceNotFound\"" },
    { GET("/things/%ff"), "404 Not Found", "\"code\": \"ResourceNotFound\"" },
    { GET("/nothing"), "404 Not Found", "\"message\": \"/nothing does not exist\"" },
    { GET("/nothing"), "404 Not Found", "Content-Type: application/json\r\n" },
    { GET("/echo/"), "404 Not Found", "ResourceNotFound" },
    { GET("/Echo"), "404 Not Found", "ResourceNotFound" },
    { GET("/echo?name=%zz"), "400 Bad Request", "\"code\": \"InvalidContent\"" },
    { GET("/echo?x=1&n=y"), "400 Bad Request",
      "{\n  \"error\": \"\\\"n\\\" must be a number. \\\"x\\\" is not allowed\",\n  \"code\": \"InputValidationError\",\n"
      "  \"details\": {\n    \"n\": \"\\\"n\\\" must be a number\",\n    \"x\": \"\\\"x\\\" is not allowed\"\n  }\n}\n" },
    { POST("/echo", JSON, 1, "{"), "400 Bad Request", "\"code\": \"InvalidContent\"" },
    { POST("/echo", JSON, 3, "[1]"), "400 Bad Request", "\"\": \"\\\"value\\\" must be of type object\"" },
    { POST("/echo", JSON, 1001, ""), "413 Content Too Large", "\"code\": \"RequestEntityTooLarge\"" },
    { POST("/echo", "message/rfc822", 9999999, ""), "413 Content Too Large", "RequestEntityTooLarge" },
    { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
      "415 Unsupported Media Type", "\"code\": \"UnsupportedMediaType\"" },
    { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\nContent-Length: 1\r\n\r\nx",
      "400 Bad Request", "\"code\": \"BadDigest\"" },
    { "DELETE /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "405 Method Not Allowed",
      "\"code\": \"MethodNotAllowed\"" },
    { "DELETE /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "405 Method Not Allowed", "Allow: GET, POST\r\n" },
    { "PATCH /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "405 Method Not Allowed", "Allow: GET, POST\r\n" },
    { "OPTIONS /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "405 Method Not Allowed", "MethodNotAllowed" },
    { "BREW /echo HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented", "\"code\": \"NotImplemented\"" },
    { "GET /echo\r\n\r\n", "400 Bad Request", "\"code\": \"BadRequest\"" },
    { "GET /echo HTTP/1.1\r\n\r\n", "400 Bad Request", "\"message\": \"Host is missing\"" },
    { "GET /echo HTTP/3.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported", "HttpVersionNotSupported" },
    { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented", "NotImplemented" },
    { "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "417 Expectation Failed", "ExpectationFailed" },
    { GET("/fail"), "404 Not Found",
      "{\n  \"error\": \"This user does not exist\",\n  \"code\": \"UserNotFound\"\n}\n" },
    { GET("/fail500"), "500 Internal Server Error", "\"code\": \"UserNotFound\"" },
    { "GET /echo HTTP/1.0\r\n\r\n", "200 OK", "Connection: close\r\n" },
    { "OPTIONS /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: http://x\r\n"
      "Access-Control-Request-Method: PUT\r\n\r\n",
      "204 No Content", "Access-Control-Allow-Methods: PUT,OPTIONS\r\n" },
    { "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: http://x\r\n\r\n", "200 OK",
      "Access-Control-Allow-Origin: http://x\r\n" },
};
/* clang-format on */

START_TEST(requests_are_answered)
{
    char line[128];
    const char *got = client_ask(rows[_i].request, NULL);

    snprintf(line, sizeof line, "HTTP/1.1 %s\r\nServer: wd\r\nDate: ", rows[_i].status);
    ck_assert_msg(strncmp(got, line, strlen(line)) == 0, "%s\n%s", rows[_i].request, got);
    ck_assert_msg(strstr(got, rows[_i].wanted) != NULL, "%s\n%s", rows[_i].request, got);
}
END_TEST

START_TEST(answers_to_head_have_no_body)
{
    const char *got = client_ask("HEAD /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", NULL);

    ck_assert_ptr_nonnull(strstr(got, "405 Method Not Allowed"));
    ck_assert_str_eq(strstr(got, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

START_TEST(a_browser_elsewhere_is_not_allowed)
{
    static const char *const one[] = { "http://good", NULL };
    const char *got;

    server.options.origins = one;
    got = client_ask("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: http://bad\r\n\r\n", NULL);
    ck_assert_ptr_null(strstr(got, "Access-Control"));
    got = client_ask("OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: http://bad\r\n"
                     "Access-Control-Request-Method: PUT\r\n\r\n",
                     NULL);
    ck_assert_ptr_null(strstr(got, "Access-Control"));
}
END_TEST

START_TEST(a_token_is_asked_for_when_one_is_configured)
{
    server.options.access_token = "top secret";
    ck_assert_ptr_nonnull(strstr(client_ask(GET("/echo"), NULL), "\"code\": \"InvalidToken\""));
    ck_assert_ptr_nonnull(strstr(client_ask(GET("/echo?accessToken=top%20secret"), NULL), "200 OK"));
    ck_assert_ptr_nonnull(strstr(client_ask("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                            "Authorization: bearer top secret\r\n\r\n",
                                            NULL),
                                 "200 OK"));
    ck_assert_ptr_nonnull(strstr(client_ask(GET("/nothing"), NULL), "404 Not Found"));
    server.options.access_token = NULL;
    server.options.access_control = true;
    ck_assert_ptr_nonnull(strstr(client_ask(GET("/echo"), NULL), "\"code\": \"InvalidToken\""));
}
END_TEST

/* ---- one connection, several requests ---- */

static size_t
count(const struct wd_buf *in, const char *what)
{
    struct wd_str rest = wd_buf_view(in);
    size_t n = 0, at;

    while ((at = wd_str_find(rest, wd_str_c(what))) != SIZE_MAX) {
        rest = wd_str_part(rest, at + 1, rest.n);
        n++;
    }
    return n;
}

START_TEST(a_connection_serves_one_request_after_the_other)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open();

    /* Pipelined, cut at odd places, with bodies that nobody asked for. */
    client_send(fd, WD_STR("GET /echo?name=one HT"));
    client_send(fd, WD_STR("TP/1.1\r\nHost: a\r\n\r\nPOST /nothing HTTP/1.1\r\nHost: a\r\n"));
    client_send(fd, WD_STR("Content-Length: 10\r\n\r\n0123"));
    client_send(fd, WD_STR("456789\r\nDELETE /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"));
    client_send(fd, WD_STR("\r\n3\r\nabc\r\n"));
    client_send(fd, WD_STR("0\r\n\r\nGET /echo?name=four HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_read(fd, "\"four\"", &got);
    ck_assert_uint_eq(count(&got, "HTTP/1.1 "), 4);
    ck_assert_uint_eq(count(&got, "404 Not Found"), 1);
    ck_assert_uint_eq(count(&got, "405 Method"), 1);
    ck_assert_uint_eq(server.conn_count, 1);
    close(fd);
}
END_TEST

START_TEST(a_client_that_asks_is_told_to_go_on)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open();

    client_send(fd, WD_STR("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                           "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n"));
    client_read(fd, "HTTP/1.1 100 Continue\r\n\r\n", &got);
    client_send(fd, WD_STR("{\"name\":\"y\"}"));
    client_read(fd, "\"y\"", &got);
    got.n = 0;
    /* And when it is refused, its body may come or not: nothing can follow. */
    client_send(fd, WD_STR("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n"));
    client_read(fd, NULL, &got);
    ck_assert_uint_eq(count(&got, "413 Content Too Large"), 1);
    ck_assert_uint_eq(count(&got, "Connection: close"), 1);
    ck_assert_uint_eq(count(&got, "100 Continue"), 0);
    close(fd);
}
END_TEST

START_TEST(a_head_without_end_is_refused)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    static char line[1024];
    int fd = client_open();

    memset(line, 'x', sizeof line - 2);
    memcpy(line, "A: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    client_send(fd, WD_STR("GET /echo HTTP/1.1\r\n"));
    for (int i = 0; i < 40; i++)
        client_send(fd, wd_str_n(line, sizeof line));
    client_read(fd, "\r\n\r\n", &got);
    ck_assert_uint_eq(count(&got, "HTTP/1.1 431 "), 1);
    close(fd);
}
END_TEST

START_TEST(a_chunked_body_over_the_limit_is_refused)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    static char chunk[2000];
    int fd = client_open();

    memset(chunk, ' ', sizeof chunk);
    client_send(fd, WD_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n7d0\r\n"));
    client_send(fd, wd_str_n(chunk, sizeof chunk));
    client_read(fd, "RequestEntityTooLarge", &got);
    close(fd);
}
END_TEST

START_TEST(all_bodies_together_are_bounded)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    static char bytes[100 * 1024];
    int fd[2] = { client_open(), client_open() };

    server.options.max_held_bytes = 150 * 1024;
    for (size_t i = 0; i < 2; i++) {
        client_send(fd[i], WD_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: message/rfc822\r\n"
                                  "Content-Length: 200000\r\n\r\n"));
        client_send(fd[i], wd_str_n(bytes, sizeof bytes));
    }
    client_read(fd[1], "ServiceUnavailable", &got);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(a_client_that_leaves_ends_its_call)
{
    int fd = client_open();

    client_send(fd, WD_STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (server.requests == 0)
        loop_once(5);
    close(fd);
    loop_until(&gone);
    ck_assert_uint_eq(server.conn_count, 0);
}
END_TEST

START_TEST(silence_ends_a_connection)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd;

    server.options.timeout_ms = 30;
    fd = client_open();
    client_read(fd, NULL, &got);
    ck_assert_uint_eq(got.n, 0);
    close(fd);
}
END_TEST

START_TEST(draining_closes_idle_connections_and_answers_the_others)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int idle = client_open(), busy = client_open();

    client_send(busy, WD_STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (server.requests == 0 || server.conn_count < 2)
        loop_once(5);
    http_server_drain(&server);
    client_read(idle, NULL, &got);
    ck_assert_uint_eq(server.conn_count, 1);
    close(idle);
    close(busy);
}
END_TEST

/* ---- streams ---- */

START_TEST(a_stream_waits_for_its_client)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open(), small = 16 * 1024;
    size_t before;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, WD_STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    do {
        before = pieces;
        for (int i = 0; i < 5; i++)
            loop_once(5);
    } while (pieces != before || pieces == 0);
    must(pieces < PIECES); /* the rest is not made before somebody wants it */
    client_read(fd, "\r\n0\r\n\r\n", &got);
    must(pieces == PIECES);
    must(got.n > (size_t)PIECE * PIECES);
    ck_assert_uint_eq(count(&got, "\r\n10000\r\n"), PIECES);
    ck_assert_uint_eq(count(&got, "Transfer-Encoding: chunked\r\n"), 1);
    got.n = 0;
    client_send(fd, WD_STR("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_read(fd, "\"n\": 7", &got);
    close(fd);
}
END_TEST

START_TEST(a_stream_to_an_old_client_ends_with_the_connection)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open();

    client_send(fd, WD_STR("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    client_read(fd, NULL, &got);
    ck_assert_uint_eq(count(&got, "chunked"), 0);
    must(got.n > (size_t)PIECE * PIECES);
    close(fd);
}
END_TEST

START_TEST(half_an_answer_is_not_taken_for_the_whole)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = client_open();

    client_send(fd, WD_STR("GET /break HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_read(fd, NULL, &got);
    ck_assert_uint_eq(count(&got, "4\r\nhalf\r\n"), 1);
    ck_assert_uint_eq(count(&got, "0\r\n\r\n"), 0);
    close(fd);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("conn");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, server_stop);
    tcase_add_loop_test(t, requests_are_answered, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, answers_to_head_have_no_body);
    tcase_add_test(t, a_browser_elsewhere_is_not_allowed);
    tcase_add_test(t, a_token_is_asked_for_when_one_is_configured);
    tcase_add_test(t, a_connection_serves_one_request_after_the_other);
    tcase_add_test(t, a_client_that_asks_is_told_to_go_on);
    tcase_add_test(t, a_head_without_end_is_refused);
    tcase_add_test(t, a_chunked_body_over_the_limit_is_refused);
    tcase_add_test(t, all_bodies_together_are_bounded);
    tcase_add_test(t, a_client_that_leaves_ends_its_call);
    tcase_add_test(t, silence_ends_a_connection);
    tcase_add_test(t, draining_closes_idle_connections_and_answers_the_others);
    tcase_add_test(t, a_stream_waits_for_its_client);
    tcase_add_test(t, a_stream_to_an_old_client_ends_with_the_connection);
    tcase_add_test(t, half_an_answer_is_not_taken_for_the_whole);
    return run_case("http conn", t);
}
