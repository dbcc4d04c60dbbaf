#include <check.h>
#include <stdio.h>

#include "common/base/lifetime.h"
#include "frontends/http/head.h"
#include "tests/run.h"

static struct wd_arena *arena;

static void
setup(void)
{
    arena = wd_arena_new(0);
}

static void
teardown(void)
{
    wd_arena_free(arena);
}

static bool
read_head(const char *text, size_t n, struct http_head *out, int *status)
{
    struct wd_error err;
    bool ok = http_head_read(arena, wd_str_n(text, n), out, status, &err);

    ck_assert(ok || err.text[0]);
    return ok;
}

#define HOST "Host: a\r\n\r\n"

static const struct {
    const char *text;
    enum http_method method;
    const char *path, *query;
    bool keep_alive, chunked, wants_continue;
    uint64_t length;
} good[] = {
    { "GET / HTTP/1.1\r\n" HOST, HTTP_GET, "/", "", true, false, false, 0 },
    { "\r\n\r\nPOST /a/%20b?c=d&e HTTP/1.1\r\nContent-Length: 12\r\n" HOST, HTTP_POST, "/a/%20b", "c=d&e", true, false,
      false, 12 },
    { "PUT http://x:80/y?z HTTP/1.1\r\ntransfer-encoding: Chunked\r\n" HOST, HTTP_PUT, "/y", "z", true, true, false,
      0 },
    { "DELETE https://x HTTP/1.1\nconnection: foo, Close\nHost: a\n\n", HTTP_DELETE, "/", "", false, false, false, 0 },
    { "GET / HTTP/1.0\r\n\r\n", HTTP_GET, "/", "", false, false, false, 0 },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", HTTP_GET, "/", "", true, false, false, 0 },
    { "BREW / HTTP/1.1\r\nExpect: 100-continue\r\n" HOST, HTTP_OTHER, "/", "", true, false, true, 0 },
    { "OPTIONS * HTTP/1.1\r\n" HOST, HTTP_OPTIONS, "*", "", true, false, false, 0 },
    { "get / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n" HOST, HTTP_OTHER, "/", "", true, false, false, 3 },
};

START_TEST(a_head_is_taken_apart)
{
    struct http_head h;
    int status;

    ck_assert(read_head(good[_i].text, strlen(good[_i].text), &h, &status));
    ck_assert_int_eq(h.method, good[_i].method);
    ck_assert(wd_str_eq(h.path, wd_str_c(good[_i].path)));
    ck_assert(wd_str_eq(h.query, wd_str_c(good[_i].query)));
    ck_assert_int_eq(h.keep_alive, good[_i].keep_alive);
    ck_assert_int_eq(h.chunked, good[_i].chunked);
    ck_assert_int_eq(h.wants_continue, good[_i].wants_continue);
    ck_assert_uint_eq(h.length, good[_i].length);
}
END_TEST

static const struct {
    const char *text;
    int status;
} bad[] = {
    { "\r\n", 400 },
    { "GET /\r\n" HOST, 400 },
    { "GET  / HTTP/1.1\r\n" HOST, 400 },
    { "GET / HTTP/1.1 \r\n" HOST, 400 },
    { "GET x HTTP/1.1\r\n" HOST, 400 },
    { "GET / HTTP/2.0\r\n" HOST, 505 },
    { "GET / SMTP\r\n" HOST, 400 },
    { "G\x01T / HTTP/1.1\r\n" HOST, 400 },
    { "GET / HTTP/1.1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: b\r\n" HOST, 400 },
    { "GET / HTTP/1.1\r\nA : b\r\n" HOST, 400 },
    { "GET / HTTP/1.1\r\nA: b\r\n folded\r\n" HOST, 400 },
    { "GET / HTTP/1.1\r\nA: b\rc\r\n" HOST, 400 },
    { "GET / HTTP/1.1\r\nno colon\r\n" HOST, 400 },
    { "POST / HTTP/1.1\r\nContent-Length: +3\r\n" HOST, 400 },
    { "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n" HOST, 400 },
    { "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" HOST, 400 },
    { "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n" HOST, 400 },
    { "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" HOST, 400 },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" HOST, 501 },
    { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
    { "POST / HTTP/1.1\r\nExpect: magic\r\n" HOST, 417 },
};

START_TEST(what_can_be_read_in_two_ways_is_refused)
{
    struct http_head h;
    int status = 0;

    ck_assert_msg(!read_head(bad[_i].text, strlen(bad[_i].text), &h, &status), "%s", bad[_i].text);
    ck_assert_int_eq(status, bad[_i].status);
}
END_TEST

START_TEST(fields_are_found_by_name_and_bounded)
{
    char text[8192];
    size_t n = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nhost:  a \r\nX-One: 1\r\nx-one: 2\r\n");
    struct http_head h;
    int status;

    memcpy(text + n, "\r\n", 3);
    ck_assert(read_head(text, n + 2, &h, &status));
    ck_assert(wd_str_eq(http_head_field(&h, "HOST"), WD_STR("a")));
    ck_assert(wd_str_eq(http_head_field(&h, "x-one"), WD_STR("1")));
    ck_assert_ptr_null(http_head_field(&h, "X-Two").p);
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "a: b\r\n");
    n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
    ck_assert(!read_head(text, n, &h, &status));
    ck_assert_int_eq(status, 431);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("head");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_head_is_taken_apart, 0, (int)WD_COUNT(good));
    tcase_add_loop_test(t, what_can_be_read_in_two_ways_is_refused, 0, (int)WD_COUNT(bad));
    tcase_add_test(t, fields_are_found_by_name_and_bounded);
    return run_case("http head", t);
}
