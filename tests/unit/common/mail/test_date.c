#include "common/mail/date.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

enum form { RFC5322, IMAP, IMAP_DAY, ISO };

static bool (*const readers[])(struct wd_str, int64_t *) = {
    [RFC5322] = wd_date_rfc5322, [IMAP] = wd_date_imap, [IMAP_DAY] = wd_date_imap_day, [ISO] = wd_date_iso
};

#define BAD INT64_MIN

static const struct {
    enum form form;
    const char *text;
    int64_t ms;
} dates[] = {
    { RFC5322, "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557000 },
    { RFC5322, "1 Jul 2003 10:52 +0200", 1057049520000 },
    { RFC5322, "Tue, 01 Jul 03 08:52:37 GMT", 1057049557000 },
    { RFC5322, "Tue, 1 Jul 2003 04:52:37 EDT", 1057049557000 },
    { RFC5322, "Tue, 1 Jul 2003 10:52:37 +0200 (CEST)", 1057049557000 },
    { RFC5322, "Tue (comment (nested)), 1 Jul 2003 10:52:37 +0200", 1057049557000 },
    { RFC5322, "Tue,1 Jul 2003 10:52:37 +0200", 1057049557000 },
    { RFC5322, "Tuesday, 1-Jul-03 08:52:37 GMT", 1057049557000 },
    { RFC5322, "Tue Jul  1 08:52:37 2003", 1057049557000 },
    { RFC5322, "Tue Jul  1 08:52:37 UTC 2003", 1057049557000 },
    { RFC5322, "2003-07-01T08:52:37Z", 1057049557000 },
    { RFC5322, "1 July 2003 08:52:37 -0000", 1057049557000 },
    { RFC5322, "1 Jan 1970 00:00:00 +0000", 0 },
    { RFC5322, "31 Dec 1969 23:59:59 +0000", -1000 },
    { RFC5322, "29 Feb 2024 00:00:00 +0000", 1709164800000 },
    { RFC5322, "30 Feb 2024 00:00:00 +0000", BAD },
    { RFC5322, "29 Feb 2023 00:00:00 +0000", BAD },
    { RFC5322, "", BAD },
    { RFC5322, "yesterday", BAD },
    { RFC5322, "99 Jul 2003 10:52:37 +0200", BAD },
    { RFC5322, "1 Jul 2003 25:52:37 +0200", BAD },
    { RFC5322, "999999999999999999999", BAD },
    { IMAP, "17-Jul-1996 02:44:25 -0700", 837596665000 },
    { IMAP, " 1-Jul-2003 10:52:37 +0200", 1057049557000 },
    { IMAP, "1-Jul-2003 10:52:37 +0200", 1057049557000 },
    { IMAP, "1-Jul-2003 10:52:37", BAD },
    { IMAP, "1-Xyz-2003 10:52:37 +0200", BAD },
    { IMAP, "32-Jul-2003 10:52:37 +0200", BAD },
    { IMAP_DAY, "1-Feb-1994", 760060800000 },
    { IMAP_DAY, "01-feb-1994", 760060800000 },
    { IMAP_DAY, "1-Feb-94", BAD },
    { IMAP_DAY, "001-Feb-1994", BAD },
    { IMAP_DAY, "1-Feb-1994 ", BAD },
    { ISO, "2017-03-01", 1488326400000 },
    { ISO, "2017-03-01T12:00:00Z", 1488369600000 },
    { ISO, "2017-03-01T12:00:00.1234Z", 1488369600123 },
    { ISO, "2017-03-01T14:00:00+02:00", 1488369600000 },
    { ISO, "2017-03-01T12:00", 1488369600000 },
    { ISO, "2017-3-1", BAD },
    { ISO, "2017-03-01T12:00:00Zx", BAD },
};

START_TEST(date_is_read)
{
    int64_t ms = BAD;
    bool ok = readers[dates[_i].form](wd_str_c(dates[_i].text), &ms);

    ck_assert_msg(ok == (dates[_i].ms != BAD), "'%s'", dates[_i].text);
    ck_assert_msg(ms == dates[_i].ms, "'%s' is %lld", dates[_i].text, (long long)ms);
}
END_TEST

static const struct {
    void (*write)(struct wd_buf *out, int64_t ms);
    int64_t ms;
    const char *text;
} written[] = {
    { wd_date_imap_add, 1057049557000, " 1-Jul-2003 08:52:37 +0000" },
    { wd_date_imap_add, 837596665999, "17-Jul-1996 09:44:25 +0000" },
    { wd_date_imap_add, -1, "31-Dec-1969 23:59:59 +0000" },
    { wd_date_iso_add, 1488369600007, "2017-03-01T12:00:00.007Z" },
    { wd_date_iso_add, 951782400000, "2000-02-29T00:00:00.000Z" },
};

START_TEST(date_is_written)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    written[_i].write(&out, written[_i].ms);
    wd_buf_chr(&out, 0);
    ck_assert_str_eq(out.p, written[_i].text);
}
END_TEST

START_TEST(rfc5322_date_has_its_zone)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    int64_t ms;

    wd_date_rfc5322_add(&out, 1057049557000, 120);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("Tue, 1 Jul 2003 10:52:37 +0200")));
    ck_assert(wd_date_rfc5322(wd_buf_view(&out), &ms) && ms == 1057049557000);
    out.n = 0;
    wd_date_rfc5322_add(&out, 0, -90);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("Wed, 31 Dec 1969 22:30:00 -0130")));
}
END_TEST

START_TEST(day_starts_in_utc)
{
    ck_assert_int_eq(wd_date_day(1057049557000), 1057017600000);
    ck_assert_int_eq(wd_date_day(-1), -86400000);
    ck_assert_int_eq(wd_date_day(0), 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("date");

    tcase_add_loop_test(t, date_is_read, 0, WD_COUNT(dates));
    tcase_add_loop_test(t, date_is_written, 0, WD_COUNT(written));
    tcase_add_test(t, rfc5322_date_has_its_zone);
    tcase_add_test(t, day_starts_in_utc);
    return run_case("date", t);
}
