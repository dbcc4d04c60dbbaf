#include "frontends/pop3/top.h"

#include "common/base/lifetime.h"
#include "tests/run.h"

#define HEAD "Subject: x\r\nTo: y\r\n"

static const struct {
    const char *message;
    uint32_t lines;
    const char *top;
} rows[] = {
    { HEAD "\r\none\r\ntwo\r\n", 0, HEAD "\r\n" },
    { HEAD "\r\none\r\ntwo\r\n", 1, HEAD "\r\none\r\n" },
    { HEAD "\r\none\r\ntwo\r\n", 2, HEAD "\r\none\r\ntwo\r\n" },
    { HEAD "\r\none\r\ntwo\r\n", 4294967295u, HEAD "\r\none\r\ntwo\r\n" },
    { HEAD "\r\n\r\n\r\nx\r\n", 2, HEAD "\r\n\r\n\r\n" },
    { HEAD "\r\none\r\ntwo", 2, HEAD "\r\none\r\ntwo" },
    { HEAD "\r\n", 0, HEAD "\r\n" },
    { HEAD, 5, HEAD },
    { "Subject: x", 0, "Subject: x" },
    { "", 3, "" },
    { "\r\nbody\r\nmore\r\n", 1, "\r\nbody\r\n" },
    { "\nbody\nmore\n", 0, "\n" },
    { "a: b\n\none\ntwo\n", 1, "a: b\n\none\n" },
    { "a: b\r\n\rc: d\r\n\r\nx\r\n", 0, "a: b\r\n\rc: d\r\n\r\n" },
    { "a: b\r\n\r\r\nc\r\n\r\nx", 0, "a: b\r\n\r\r\nc\r\n\r\n" },
    { "a: b\r\r\n\r\nx\r\ny", 1, "a: b\r\r\n\r\nx\r\n" },
};

START_TEST(every_split_ends_at_the_same_byte)
{
    struct wd_str message = wd_str_c(rows[_i].message);

    for (size_t cut = 0; cut <= message.n; cut++) {
        struct pop3_top t = { .lines = rows[_i].lines };
        size_t n = pop3_top_feed(&t, wd_str_part(message, 0, cut));

        if (!t.done) {
            ck_assert_uint_eq(n, cut);
            n += pop3_top_feed(&t, wd_str_part(message, cut, message.n));
        }
        ck_assert_uint_eq(n, strlen(rows[_i].top));
        ck_assert(t.done || n == message.n);
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("top");

    tcase_add_loop_test(t, every_split_ends_at_the_same_byte, 0, (int)WD_COUNT(rows));
    return run_case("top", t);
}
