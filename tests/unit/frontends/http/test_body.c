#include <check.h>
#include <stdio.h>
#include <zlib.h>

#include "common/base/lifetime.h"
#include "frontends/http/body.h"
#include "tests/loop.h"
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

/* The body, fed in pieces of `step` bytes; NULL: refused with *status. */
static char *
taken(const char *fields, const char *body, size_t n, size_t step, int *status)
{
    struct wd_str text = wd_arena_printf(arena, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
    enum http_body_state state = HTTP_BODY_MORE;
    struct http_body *b;
    struct http_head h;
    struct wd_error err;
    bool starved;
    char *got = NULL;

    must(http_head_read(arena, text, &h, status, &err));
    b = http_body_new(&h, status, &err);
    for (size_t at = 0; b && at <= n && state == HTTP_BODY_MORE; at += step) {
        evbuffer_add(in, body + at, n - at < step ? n - at : step);
        do
            state = http_body_read(b, in, out, 7, &starved, status, &err);
        while (state == HTTP_BODY_MORE && !starved);
    }
    if (b && state == HTTP_BODY_END) {
        size_t length = evbuffer_get_length(out);
        got = wd_arena_alloc(arena, length + 1);
        evbuffer_remove(out, got, length);
    } else if (b && state == HTTP_BODY_MORE) {
        *status = 0; /* there is more to come */
    }
    http_body_free(b);
    evbuffer_free(in);
    evbuffer_free(out);
    return got;
}

#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct {
    const char *fields, *body;
    const char *want; /* NULL: refused with the status */
    int status;
} rows[] = {
    { "Content-Length: 5\r\n", "hello", "hello", 0 },
    { "Content-Length: 5\r\n", "hell", NULL, 0 },
    { "", "", "", 0 },
    { CHUNKED, "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", "hello world", 0 },
    { CHUNKED, "a\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\n", "0123456789", 0 },
    { CHUNKED, "5\r\nhelloXX0\r\n\r\n", NULL, 400 },
    { CHUNKED, "5\r\nhelloXX\r\n0\r\n\r\n", NULL, 400 },
    { CHUNKED, "g\r\nhello\r\n0\r\n\r\n", NULL, 400 },
    { CHUNKED, "\r\n", NULL, 400 },
    { CHUNKED, "-5\r\nhello\r\n", NULL, 400 },
    { CHUNKED, "ffffffffffffffff\r\nhello\r\n", NULL, 400 },
    { CHUNKED "Content-Encoding: br\r\n", "0\r\n\r\n", NULL, 415 },
    { "Content-Length: 5\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n", "hello", "hello", 0 },
    { "Content-Length: 5\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n", "hellO", NULL, 400 },
    { "Content-Length: 5\r\nContent-MD5: short\r\n", "hello", NULL, 400 },
    { "Content-Length: 5\r\nContent-Encoding: gzip\r\n", "hello", NULL, 400 },
};

START_TEST(bodies_come_out_however_they_are_cut)
{
    size_t n = strlen(rows[_i].body);

    for (size_t step = 1; step <= n + 1; step++) {
        int status = 0;
        const char *got = taken(rows[_i].fields, rows[_i].body, n, step, &status);
        must(!got == !rows[_i].want);
        if (got)
            must(strcmp(got, rows[_i].want) == 0);
        else
            must(status == rows[_i].status);
    }
}
END_TEST

static size_t
zip(const void *plain, size_t n, char *to, size_t size)
{
    z_stream z = { 0 };

    must(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)plain;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)size;
    must(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return size - z.avail_out;
}

START_TEST(gzip_is_inflated)
{
    char packed[256], fields[96];
    size_t n = zip("hello hello hello hello", 23, packed, sizeof packed);
    int status;

    snprintf(fields, sizeof fields, "Content-Encoding: gzip\r\nContent-Length: %zu\r\n", n);
    for (size_t step = 1; step < n; step++)
        must(strcmp(taken(fields, packed, n, step, &status), "hello hello hello hello") == 0);
    snprintf(fields, sizeof fields, "Content-Encoding: gzip\r\nContent-Length: %zu\r\n", n - 1);
    must(!taken(fields, packed, n - 1, n, &status));
    must(status == 400);
}
END_TEST

START_TEST(a_bomb_comes_out_in_bounded_pieces)
{
    enum { PLAIN = 32 * 1024 * 1024, PACKED = 128 * 1024 };
    char *plain = wd_arena_alloc(arena, PLAIN), *packed = wd_arena_alloc(arena, PACKED);
    size_t n = zip(plain, PLAIN, packed, PACKED), most = 0, all = 0;
    struct wd_str text = wd_arena_printf(
        arena, "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", n);
    struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
    enum http_body_state state;
    struct http_body *b;
    struct http_head h;
    struct wd_error err;
    bool starved;
    int status;

    must(http_head_read(arena, text, &h, &status, &err));
    b = http_body_new(&h, &status, &err);
    evbuffer_add(in, packed, n);
    do {
        state = http_body_read(b, in, out, 1000, &starved, &status, &err);
        all += evbuffer_get_length(out);
        most = most > evbuffer_get_length(out) ? most : evbuffer_get_length(out);
        evbuffer_drain(out, evbuffer_get_length(out));
    } while (state == HTTP_BODY_MORE && !starved);
    must(state == HTTP_BODY_END);
    must(all == PLAIN);
    must(most < 2 * 1024 * 1024);
    http_body_free(b);
    evbuffer_free(in);
    evbuffer_free(out);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("body");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, bodies_come_out_however_they_are_cut, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, gzip_is_inflated);
    tcase_add_test(t, a_bomb_comes_out_in_bounded_pieces);
    return run_case("http body", t);
}
