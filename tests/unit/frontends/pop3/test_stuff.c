#include "frontends/pop3/stuff.h"

#include "common/base/lifetime.h"
#include "tests/run.h"

static const struct {
    struct wd_str message, wire;
} rows[] = {
    { WD_STR_C(""), WD_STR_C(".\r\n") },
    { WD_STR_C("\r\n"), WD_STR_C("\r\n.\r\n") },
    { WD_STR_C("a\r\n"), WD_STR_C("a\r\n.\r\n") },
    { WD_STR_C("a"), WD_STR_C("a\r\n.\r\n") },
    { WD_STR_C("."), WD_STR_C("..\r\n.\r\n") },
    { WD_STR_C("..\r\n"), WD_STR_C("...\r\n.\r\n") },
    { WD_STR_C(".\r\n.\r\n"), WD_STR_C("..\r\n..\r\n.\r\n") },
    { WD_STR_C("a.\r\n.b\r\n"), WD_STR_C("a.\r\n..b\r\n.\r\n") },
    { WD_STR_C("a\r\n\r\n.\r\n"), WD_STR_C("a\r\n\r\n..\r\n.\r\n") },
    /* a line ends with CRLF and with nothing else, but a dot is doubled after every LF */
    { WD_STR_C("a\n.b\n"), WD_STR_C("a\n..b\n\r\n.\r\n") },
    { WD_STR_C("a\n.\n+OK"), WD_STR_C("a\n..\n+OK\r\n.\r\n") },
    { WD_STR_C("a\r.b\r"), WD_STR_C("a\r.b\r\r\n.\r\n") },
    { WD_STR_C("a\r\r\n.b"), WD_STR_C("a\r\r\n..b\r\n.\r\n") },
    { WD_STR_C("a\n\r.b"), WD_STR_C("a\n\r.b\r\n.\r\n") },
    { WD_STR_C("\n\r\n.\n"), WD_STR_C("\n\r\n..\n\r\n.\r\n") },
    { WD_STR_C("a\0\r\n.\0"), WD_STR_C("a\0\r\n..\0\r\n.\r\n") },
};

static void
check_pieces(struct wd_str message, struct wd_str wire, size_t first, size_t second)
{
    struct evbuffer *out = evbuffer_new();
    struct pop3_stuff s = { 0 };
    size_t n;

    pop3_stuff_add(&s, wd_str_part(message, 0, first), out);
    pop3_stuff_add(&s, wd_str_part(message, first, second), out);
    pop3_stuff_add(&s, wd_str_part(message, second, message.n), out);
    pop3_stuff_end(&s, out);
    n = evbuffer_get_length(out);
    ck_assert_msg(wd_str_eq(wd_str_n(evbuffer_pullup(out, -1), n), wire), "cut at %zu and %zu", first,
                  second);
    evbuffer_free(out);
}

START_TEST(every_split_gives_the_same_bytes)
{
    struct wd_str message = rows[_i].message;

    for (size_t first = 0; first <= message.n; first++)
        for (size_t second = first; second <= message.n; second++)
            check_pieces(message, rows[_i].wire, first, second);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("stuff");

    tcase_add_loop_test(t, every_split_gives_the_same_bytes, 0, (int)WD_COUNT(rows));
    return run_case("stuff", t);
}
