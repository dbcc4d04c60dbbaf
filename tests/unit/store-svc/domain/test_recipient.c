#include "store-svc/domain/recipient.h"

#include "store-svc/domain/receive_limit.h"
#include "tests/unit/store-svc/domain/delivery_fixture.h"

static struct wd_id user;

static void
setup(void)
{
    delivery_setup();
    user = users_make("andris", "andris@example.com");
}

static struct wd_recipient
resolve(const char *address, uint64_t size, bool again)
{
    struct wd_str one = wd_str_c(address);
    struct wd_recipient_query q = {
        .addresses = &one, .n = 1, .size = size, .ip = WD_STR("192.0.2.7"), .again = again,
    };
    struct wd_recipient out;

    wd_recipient_resolve(&domain, arena, &q, &out);
    return out;
}

static const struct {
    const char *address;
    enum wd_reason reason; /* WD_NO_ERROR: accepted */
} rows[] = {
    { "andris@example.com", WD_NO_ERROR },
    { "AND.RIS+x@EXAMPLE.com", WD_NO_ERROR },
    { "bob@example.com", WD_RECIPIENT_UNKNOWN },
    { "andris@example.org", WD_RECIPIENT_UNKNOWN },
    { "*@example.com", WD_RECIPIENT_UNKNOWN },
    { "andris", WD_RECIPIENT_SYNTAX },
    { "", WD_RECIPIENT_SYNTAX },
    { "a b@example.com", WD_RECIPIENT_SYNTAX },
};

START_TEST(addresses)
{
    struct wd_recipient out = resolve(rows[_i].address, 0, false);

    ck_assert_int_eq(out.accepted, rows[_i].reason == WD_NO_ERROR);
    if (out.accepted)
        ck_assert(wd_id_eq(out.user.id, user));
    else
        ck_assert_int_eq(out.reason, rows[_i].reason);
}
END_TEST

START_TEST(forwarding_address_is_unknown_and_says_why)
{
    struct wd_recipient out;

    users_insert(WD_ADDRESSES, (struct wd_id){ 0 },
                 "{\"address\": \"fwd@example.com\", \"addrview\": \"fwd@example.com\","
                 " \"targets\": [{\"type\": \"mail\", \"value\": \"a@b\"}]}");
    out = resolve("fwd@example.com", 0, false);
    ck_assert_int_eq(out.reason, WD_RECIPIENT_UNKNOWN);
    ck_assert(wd_str_find(out.text, WD_STR("forward")) != SIZE_MAX);
}
END_TEST

START_TEST(disabled_user_is_refused_and_suspended_one_is_not)
{
    users_set(user, "{\"suspended\": true}");
    ck_assert(resolve("andris@example.com", 0, false).accepted);
    users_set(user, "{\"disabled\": true}");
    ck_assert_int_eq(resolve("andris@example.com", 0, false).reason, WD_USER_DISABLED);
}
END_TEST

START_TEST(full_user_is_refused_but_not_when_the_message_is_there)
{
    users_set(user, "{\"quota\": 100, \"storageUsed\": 99}");
    ck_assert(resolve("andris@example.com", 0, false).accepted);
    users_set(user, "{\"storageUsed\": 100}");
    ck_assert_int_eq(resolve("andris@example.com", 0, false).reason, WD_OVER_QUOTA);
    ck_assert(resolve("andris@example.com", 0, true).accepted);
}
END_TEST

START_TEST(announced_size_is_limited)
{
    ck_assert(resolve("andris@example.com", domain.options.max_message_bytes, false).accepted);
    ck_assert_int_eq(resolve("andris@example.com", domain.options.max_message_bytes + 1, false).reason,
                     WD_MESSAGE_TOO_BIG);
}
END_TEST

START_TEST(rate_of_a_user_is_limited)
{
    users_set(user, "{\"receivedMax\": 2}");
    wd_receive_limit_count(&domain, user, WD_STR("127.0.0.1"));
    ck_assert(resolve("andris@example.com", 0, false).accepted);
    wd_receive_limit_count(&domain, user, WD_STR("127.0.0.1"));
    ck_assert_int_eq(resolve("andris@example.com", 0, false).reason, WD_RECIPIENT_RATE_LIMITED);
    ck_assert(resolve("andris@example.com", 0, true).accepted);
}
END_TEST

static const struct {
    const char *ip;
    bool limited;
} ips[] = {
    { "192.0.2.1", true },  { "2001:db8::1", true }, { "172.32.0.1", true },  { "127.0.0.1", false },
    { "10.1.2.3", false },  { "172.20.0.9", false }, { "192.168.1.1", false }, { "::1", false },
    { "fd00::5", false },   { "fe80::1", false },    { "", false },
    { "no address at all and far too long for one", false },
};

START_TEST(rate_of_an_outside_address_is_limited)
{
    bool ok;

    domain.options.receive_max_ip = 1;
    wd_receive_limit_count(&domain, user, wd_str_c(ips[_i].ip));
    ok = wd_receive_limit_check(&domain, user, 300, wd_str_c(ips[_i].ip), &err);
    ck_assert_int_eq(ok, !ips[_i].limited);
    ck_assert(wd_receive_limit_check(&domain, wd_id_new(), 300, wd_str_c(ips[_i].ip), &err));
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, delivery_teardown);
    tcase_add_loop_test(t, addresses, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, forwarding_address_is_unknown_and_says_why);
    tcase_add_test(t, disabled_user_is_refused_and_suspended_one_is_not);
    tcase_add_test(t, full_user_is_refused_but_not_when_the_message_is_there);
    tcase_add_test(t, announced_size_is_limited);
    tcase_add_test(t, rate_of_a_user_is_limited);
    tcase_add_loop_test(t, rate_of_an_outside_address_is_limited, 0, (int)WD_COUNT(ips));
}

int
main(void)
{
    return run_tests("recipient", add);
}
