#include "frontends/lmtp/unstuff.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

static const struct {
    const char *wire; /* after 354 */
    const char *message;
    size_t left; /* bytes behind the end */
} rows[] = {
    { ".\r\n", "", 0 },
    { "a\r\n.\r\n", "a\r\n", 0 },
    { "a\r\n.\r\nQUIT\r\n", "a\r\n", 6 },
    { "\r\n.\r\n", "\r\n", 0 },
    { "..\r\n.\r\n", ".\r\n", 0 },
    { ".a\r\n..b\r\n...\r\n.\r\n", "a\r\n.b\r\n..\r\n", 0 },
    { "a.b\r\nc.\r\n.\r\n", "a.b\r\nc.\r\n", 0 },
    /* Bare line ends are content and end nothing. */
    { "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 0 },
    { "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", 0 },
    { "a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", 0 },
    { "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", 0 },
    { "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", 0 },
    { "a\r\n.\r\rb\r\n.\r\n", "a\r\n\r\rb\r\n", 0 },
    { "a\r\r\n.\r\n", "a\r\r\n", 0 },
    { "a\r\n.\r.\r\n\r\n.\r\n", "a\r\n\r.\r\n\r\n", 0 },
    { "\r\r\n\r\n\n\r.\r\n.\r\n", "\r\r\n\r\n\n\r.\r\n", 0 },
};

static void
feed(struct lmtp_unstuff *u, struct wd_str in, struct wd_buf *out, size_t *read)
{
    size_t before = out->n, took = lmtp_unstuff(u, in, out);

    ck_assert_uint_le(took, in.n);
    ck_assert_uint_le(out->n - before, took + 1);
    *read += took;
}

/* Every row, whole and cut at every byte, and byte for byte. */
START_TEST(message_is_the_same_however_it_is_cut)
{
    struct wd_str wire = wd_str_c(rows[_i].wire), message = wd_str_c(rows[_i].message);
    size_t cut;

    for (cut = 0; cut <= wire.n; cut++) {
        struct lmtp_unstuff u = { 0 };
        struct wd_buf out = { 0 };
        size_t read = 0;

        feed(&u, wd_str_part(wire, 0, cut), &out, &read);
        if (u.state != UNSTUFF_END)
            feed(&u, wd_str_part(wire, cut, wire.n), &out, &read);
        ck_assert_int_eq(u.state, UNSTUFF_END);
        ck_assert_uint_eq(wire.n - read, rows[_i].left);
        ck_assert(wd_str_eq(wd_buf_view(&out), message));
        wd_buf_done(&out);
    }
}
END_TEST

START_TEST(message_is_the_same_byte_for_byte)
{
    struct wd_str wire = wd_str_c(rows[_i].wire);
    struct lmtp_unstuff u = { 0 };
    struct wd_buf out = { 0 };
    size_t read = 0;

    while (u.state != UNSTUFF_END)
        feed(&u, wd_str_part(wire, read, read + 1), &out, &read);
    ck_assert_uint_eq(wire.n - read, rows[_i].left);
    ck_assert(wd_str_eq(wd_buf_view(&out), wd_str_c(rows[_i].message)));
    wd_buf_done(&out);
}
END_TEST

/* Stuffing in the way a client does, then unstuffing, gives the same bytes for any content that ends with CRLF. */
START_TEST(stuffed_bytes_come_back)
{
    static const char alphabet[] = { '.', '\r', '\n', 'a', '\0' };
    unsigned seed = (unsigned)_i;
    struct wd_buf plain = { 0 }, wire = { 0 }, out = { 0 };
    struct lmtp_unstuff u = { 0 };
    size_t i, n = (size_t)(rand_r(&seed) % 40), read = 0;
    bool line_start = true;

    for (i = 0; i < n; i++)
        wd_buf_chr(&plain, alphabet[rand_r(&seed) % (int)sizeof alphabet]);
    wd_buf_c(&plain, "\r\n");
    for (i = 0; i < plain.n; i++) {
        if (line_start && plain.p[i] == '.')
            wd_buf_chr(&wire, '.');
        wd_buf_chr(&wire, plain.p[i]);
        line_start = i > 0 && plain.p[i - 1] == '\r' && plain.p[i] == '\n';
    }
    wd_buf_c(&wire, ".\r\n");
    while (u.state != UNSTUFF_END && read < wire.n)
        feed(&u, wd_str_part(wd_buf_view(&wire), read, read + 1 + (size_t)(rand_r(&seed) % 7)), &out, &read);
    ck_assert_int_eq(u.state, UNSTUFF_END);
    ck_assert_uint_eq(read, wire.n);
    ck_assert(wd_str_eq(wd_buf_view(&out), wd_buf_view(&plain)));
    wd_buf_done(&plain);
    wd_buf_done(&wire);
    wd_buf_done(&out);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("unstuff");

    tcase_add_loop_test(t, message_is_the_same_however_it_is_cut, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(t, message_is_the_same_byte_for_byte, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(t, stuffed_bytes_come_back, 0, 500);
    return run_case("unstuff", t);
}
