#include "store-svc/domain/retention.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

#define DAY 86400000LL

static const struct {
    const char *special_use;
    int64_t retention_ms;
    bool expires;
    int64_t keep_ms;
} rows[] = {
    { "", 0, false, 0 },
    { "", -5, false, 0 },
    { "", 90 * DAY, true, 90 * DAY },
    { "", INT64_MAX, false, 0 },
    { "\\Sent", 90 * DAY, true, 90 * DAY },
    { "\\Trash", 0, true, 30 * DAY },
    { "\\Trash", 90 * DAY, true, 30 * DAY },
    { "\\Junk", 7 * DAY, true, 7 * DAY },
};

START_TEST(retention_of_a_mailbox)
{
    struct wd_mailbox mailbox = {
        .special_use = wd_str_c(rows[_i].special_use), .retention_ms = rows[_i].retention_ms,
    };
    struct wd_retention r = wd_retention_of(&mailbox, 1000);

    ck_assert_int_eq(r.expires, rows[_i].expires);
    ck_assert_int_eq(r.at_ms, 1000 + rows[_i].keep_ms);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("retention");

    tcase_add_loop_test(t, retention_of_a_mailbox, 0, (int)(sizeof rows / sizeof rows[0]));
    return run_case("retention", t);
}
