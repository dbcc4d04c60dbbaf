#include "common/net/proxy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
    struct wd_str bytes;
    enum wd_proxy_result result;
    size_t n;
    const char *ip;
    int port;
} rows[] = {
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 54321 143\r\n"), WD_PROXY_OK, 45, "192.0.2.1", 54321 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 1 143\na LOGIN"), WD_PROXY_OK, 40, "192.0.2.1", 1 },
    { WD_STR_C("PROXY TCP6 2001:DB8::1 ::1 65535 0\r\n"), WD_PROXY_OK, 36, "2001:db8::1", 65535 },
    { WD_STR_C("PROXY TCP6 ::FFFF:192.0.2.7 ::1 5 6\r\n"), WD_PROXY_OK, 37, "192.0.2.7", 5 },
    { WD_STR_C("PROXY UNKNOWN\r\n"), WD_PROXY_OK, 15, "", 0 },
    { WD_STR_C("PROXY UNKNOWN whatever else is there\r\n"), WD_PROXY_OK, 38, "", 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 54321\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 54321 143 9\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 54321 143 \r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1  54321 143\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 65536 143\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 -1 143\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 198.51.100.2 1 x\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 2001:db8::1 198.51.100.2 1 2\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1 junk 1 2\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP5 192.0.2.1 192.0.2.1 1 2\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY TCP4 192.0.2.1\0 192.0.2.1 1 2\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("PROXY \r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("GET / HTTP/1.1\r\n"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("\r\n"), WD_PROXY_MORE, 0, NULL, 0 },
    { WD_STR_C(""), WD_PROXY_MORE, 0, NULL, 0 },
    { WD_STR_C(V2 "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xd4\x31\0\x8f"), WD_PROXY_OK, 28, "192.0.2.1", 54321 },
    { WD_STR_C(V2 "\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\xd4\x31\0\x8f\x04\0\x01x\r\nQ"), WD_PROXY_OK, 32,
      "192.0.2.1", 54321 },
    { WD_STR_C(V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02\x03\x04"), WD_PROXY_OK, 52, "2001:db8::1", 258 },
    { WD_STR_C(V2 "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x09"
               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02\x03\x04"), WD_PROXY_OK, 52, "192.0.2.9", 258 },
    { WD_STR_C(V2 "\x20\0\0\0"), WD_PROXY_OK, 16, "", 0 },
    { WD_STR_C(V2 "\x21\0\0\0"), WD_PROXY_OK, 16, "", 0 },
    { WD_STR_C(V2 "\x20\x11\0\x02zz"), WD_PROXY_OK, 18, "", 0 },
    { WD_STR_C(V2 "\x21\x11\0\x0b\xc0\0\x02\x01\xc6\x33\x64\x02\xd4\x31\0"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C(V2 "\x21\x21\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xd4\x31\0\x8f"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C(V2 "\x11\x11\0\x0c"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C(V2 "\x22\x11\0\x0c"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C(V2 "\x21\x11\xff\xff"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("\r\n\r\n\0\r\nQUIX\n\x20\0\0\0"), WD_PROXY_BAD, 0, NULL, 0 },
    { WD_STR_C("\0\0\0"), WD_PROXY_BAD, 0, NULL, 0 },
};

START_TEST(headers)
{
    struct wd_proxy_header h = { .n = 0 };

    ck_assert_int_eq(wd_proxy_parse(rows[_i].bytes, &h), rows[_i].result);
    if (rows[_i].result != WD_PROXY_OK)
        return;
    ck_assert_uint_eq(h.n, rows[_i].n);
    ck_assert_str_eq(h.ip, rows[_i].ip);
    ck_assert_int_eq(h.port, rows[_i].port);
}
END_TEST

/* Whatever the split, the start of a good header asks for more and never for bytes behind the header. */
START_TEST(every_start_of_a_header_asks_for_more)
{
    struct wd_proxy_header h;

    if (rows[_i].result != WD_PROXY_OK)
        return;
    for (size_t n = 0; n < rows[_i].n; n++)
        ck_assert_int_eq(wd_proxy_parse(wd_str_part(rows[_i].bytes, 0, n), &h), WD_PROXY_MORE);
    ck_assert_int_eq(wd_proxy_parse(wd_str_part(rows[_i].bytes, 0, rows[_i].n), &h), WD_PROXY_OK);
}
END_TEST

START_TEST(an_endless_line_is_refused)
{
    struct wd_proxy_header h;
    char text[WD_PROXY_V1_MAX + 1];

    memset(text, 'x', sizeof text);
    memcpy(text, "PROXY ", 6);
    ck_assert_int_eq(wd_proxy_parse(wd_str_n(text, WD_PROXY_V1_MAX - 1), &h), WD_PROXY_MORE);
    ck_assert_int_eq(wd_proxy_parse(wd_str_n(text, WD_PROXY_V1_MAX), &h), WD_PROXY_BAD);
}
END_TEST

START_TEST(trusted_peers)
{
    static const char *const nobody[] = { NULL };
    static const char *const all[] = { "*", NULL };
    static const char *const some[] = { "192.0.2.1", "10.0.0.0/8", "172.16.0.0/12", "2001:DB8:0::/33", "bad",
                                        "1.2.3.4/40", "::1", NULL };
    static const struct {
        const char *const *list;
        const char *ip;
        bool trusted;
    } peers[] = { { NULL, "192.0.2.1", false },    { nobody, "192.0.2.1", false },  { all, "192.0.2.1", true },
                  { all, "unknown", true },        { some, "192.0.2.1", true },     { some, "192.0.2.2", false },
                  { some, "10.255.0.1", true },    { some, "11.0.0.1", false },     { some, "172.31.255.255", true },
                  { some, "172.32.0.0", false },   { some, "2001:db8:1::5", true }, { some, "2001:db8:8000::5", false },
                  { some, "::1", true },           { some, "::2", false },          { some, "unknown", false },
                  { some, "1.2.3.4", false },      { some, "bad", false } };

    for (size_t i = 0; i < WD_COUNT(peers); i++)
        ck_assert_msg(wd_proxy_trusts(peers[i].list, peers[i].ip) == peers[i].trusted, "row %zu %s", i, peers[i].ip);
}
END_TEST

START_TEST(mapped_addresses_are_shown_as_ipv4)
{
    static const char *const pairs[][2] = { { "::ffff:192.0.2.1", "192.0.2.1" }, { "::FFFF:192.0.2.1", "192.0.2.1" },
                                            { "::ffff:c000:201", "::ffff:c000:201" }, { "::1", "::1" }, { "", "" } };
    char ip[46];

    for (size_t i = 0; i < WD_COUNT(pairs); i++) {
        snprintf(ip, sizeof ip, "%s", pairs[i][0]);
        wd_ip_unmap(ip);
        ck_assert_str_eq(ip, pairs[i][1]);
    }
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("proxy");

    tcase_add_loop_test(cases, headers, 0, WD_COUNT(rows));
    tcase_add_loop_test(cases, every_start_of_a_header_asks_for_more, 0, WD_COUNT(rows));
    tcase_add_test(cases, an_endless_line_is_refused);
    tcase_add_test(cases, trusted_peers);
    tcase_add_test(cases, mapped_addresses_are_shown_as_ipv4);
    return run_case("proxy", cases);
}
