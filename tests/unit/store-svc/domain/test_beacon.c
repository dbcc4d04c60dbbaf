#include "store-svc/domain/beacon.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

/* A bus that keeps the last payload. */
static struct wd_buf sent;

static bool
keep(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err)
{
    (void)b;
    (void)err;
    ck_assert(wd_str_eq(channel, WD_STR("wd_events")));
    wd_buf_done(&sent);
    wd_buf_str(&sent, payload);
    return true;
}

static const struct wd_bus_ops ops = { .name = "test", .publish = keep };
static struct wd_bus bus = { &ops };
static struct wd_domain domain = { .bus = &bus };

START_TEST(every_kind_comes_back)
{
    struct wd_beacon in = {
        .kind = (enum wd_beacon_kind)_i,
        .user = wd_id_new(),
        .modseq = _i == WD_BEACON_MAILBOX ? UINT64_MAX : 0,
        .reason = _i == WD_BEACON_LOGOUT ? WD_STR("Password was changed") : WD_NONE,
    };
    struct wd_beacon out;

    if (in.kind == WD_BEACON_MAILBOX)
        in.mailbox = wd_id_new();
    wd_beacon_send(&domain, &in);
    ck_assert(wd_beacon_parse(wd_buf_view(&sent), &out));
    ck_assert_int_eq(out.kind, in.kind);
    ck_assert(wd_id_eq(out.user, in.user));
    ck_assert(wd_id_eq(out.mailbox, in.mailbox));
    ck_assert_uint_eq(out.modseq, in.modseq);
    ck_assert(wd_str_eq(out.reason, in.reason));
    wd_buf_done(&sent);
}
END_TEST

static const char *const foreign[] = {
    "",
    "{}",
    "{\"e\":\"5a1f\",\"k\":1}",
    "{\"e\":\"5a1f00000000000000000000\"}",
    "{\"e\":\"5a1f00000000000000000000\",\"k\":0}",
    "{\"e\":\"5a1f00000000000000000000\",\"k\":9}",
    "{\"e\":\"5a1f00000000000000000000\",\"k\":1}",
    "{\"e\":\"5a1f00000000000000000000\",\"k\":1,\"m\":\"5a1f00000000000000000000\"}",
    "\"e\":\"",
};

START_TEST(what_is_no_beacon_of_ours_is_none)
{
    struct wd_beacon out;

    ck_assert(!wd_beacon_parse(wd_str_c(foreign[_i]), &out));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("beacon");

    tcase_add_loop_test(cases, every_kind_comes_back, WD_BEACON_MAILBOX, WD_BEACON_LOGOUT + 1);
    tcase_add_loop_test(cases, what_is_no_beacon_of_ours_is_none, 0, (int)WD_COUNT(foreign));
    return run_case("beacon", cases);
}
