#include "tests/unit/store-svc/domain/users_fixture.h"

#include "store-svc/domain/alias.h"
#include "tests/run.h"

static struct wd_id user;

static bool
add(const char *address, bool main)
{
    struct wd_address_new in = { .user = user, .address = wd_str_c(address), .main = main };
    struct wd_address_row row;

    return wd_address_create(&domain, arena, &in, &no_once, &row, &err);
}

static void
setup(void)
{
    struct wd_alias alias;

    users_setup();
    user = users_make("andris", NULL);
    ck_assert(wd_alias_create(&domain, arena, WD_STR("alias.ee"), WD_STR("kreata.ee"), &no_once, &alias, &err));
}

START_TEST(the_first_address_becomes_the_main_one)
{
    struct wd_address_row *rows;
    size_t n;

    ck_assert(add("*@wild.ee", false));
    ck_assert(add("b.b@kreata.ee", false));
    ck_assert(add("a@kreata.ee", false));
    ck_assert(wd_address_list_of(&domain, arena, user, &rows, &n, &err));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(rows[0].address.p, "*@wild.ee");
    ck_assert_str_eq(rows[1].address.p, "a@kreata.ee");
    ck_assert_str_eq(rows[2].address.p, "b.b@kreata.ee");
    ck_assert(!rows[0].main && !rows[1].main && rows[2].main);
    ck_assert(add("c@kreata.ee", true));
    ck_assert(wd_address_list_of(&domain, arena, user, &rows, &n, &err));
    ck_assert(!rows[2].main && rows[3].main);
}
END_TEST

START_TEST(an_address_is_there_once_whatever_its_dots)
{
    ck_assert(add("first.last@kreata.ee", false));
    ck_assert(!add("FirstLast@KREATA.ee", false));
    ck_assert_int_eq(err.reason, WD_ADDRESS_EXISTS);
    user = wd_id_new();
    ck_assert(!add("x@kreata.ee", false));
    ck_assert_int_eq(err.reason, WD_USER_NOT_FOUND);
}
END_TEST

static const char *const bad[] = {
    "", "x", "@kreata.ee", "x@", "a b@kreata.ee", "a+b@kreata.ee", "a*b@kreata.ee", "*a*@kreata.ee", "*@*",
    "a@*.ee", "\"a b\"@kreata.ee", "a@[127.0.0.1]", "x\n@kreata.ee", "...@kreata.ee",
    "*a23456789012345678901234567890123@kreata.ee",
};

START_TEST(what_is_no_address_is_refused)
{
    ck_assert(!add(bad[_i], false));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_int_eq(users_count(WD_ADDRESSES, "user", user), 0);
}
END_TEST

START_TEST(a_wildcard_is_never_the_main_address)
{
    ck_assert(!add("*@kreata.ee", true));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(add("*a2345678901234567890123456789012@kreata.ee", false));
}
END_TEST

START_TEST(repeats_get_the_first_outcome)
{
    struct wd_address_new in = { .user = user, .address = WD_STR("a@kreata.ee") };
    struct wd_once once = { .user = user, .method = "wd.v1.Users.CreateAddress", .key = WD_STR("k") };
    struct wd_address_row one, two;

    ck_assert(wd_address_create(&domain, arena, &in, &once, &one, &err));
    ck_assert(wd_address_create(&domain, arena, &in, &once, &two, &err));
    ck_assert(wd_id_eq(one.id, two.id) && two.main);
    in.address = WD_STR("b@kreata.ee");
    ck_assert(wd_address_create(&domain, arena, &in, &no_once, &one, &err));
    once.method = "wd.v1.Users.DeleteAddress";
    ck_assert(wd_address_delete(&domain, arena, user, one.id, WD_NONE, &once, &err));
    ck_assert(wd_address_delete(&domain, arena, user, one.id, WD_NONE, &once, &err));
    ck_assert(!wd_address_delete(&domain, arena, user, one.id, WD_NONE, &no_once, &err));
    ck_assert_int_eq(err.reason, WD_ADDRESS_NOT_FOUND);
}
END_TEST

START_TEST(the_main_address_and_those_of_others_stay)
{
    struct wd_id other = users_make("other", "other@kreata.ee");

    ck_assert(add("a@kreata.ee", false));
    ck_assert(!wd_address_delete(&domain, arena, user, (struct wd_id){ 0 }, WD_STR("A@kreata.ee"), &no_once, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(!wd_address_delete(&domain, arena, user, (struct wd_id){ 0 }, WD_STR("other@kreata.ee"), &no_once, &err));
    ck_assert_int_eq(err.reason, WD_ADDRESS_NOT_FOUND);
    ck_assert_int_eq(users_count(WD_ADDRESSES, "user", other), 1);
}
END_TEST

static const char *const stored[] = {
    "first.last@kreata.ee", "*@kreata.ee", "sales*@kreata.ee", "*-info@kreata.ee", "sal*@kreata.ee",
    "longer-than-those*@alias.ee", "longer-than-those-it*@kreata.ee", "postmaster@*", "õun*@kreata.ee",
};

static const struct {
    const char *given;
    const char *exact, *mail; /* what a login and a message find; NULL: nobody */
} resolved[] = {
    { "first.last@kreata.ee", "first.last@kreata.ee", "first.last@kreata.ee" },
    { "F.i.r.s.t.Last+tag@KREATA.EE", "first.last@kreata.ee", "first.last@kreata.ee" },
    { "firstlast@alias.ee", "first.last@kreata.ee", "first.last@kreata.ee" },
    { "anybody@kreata.ee", NULL, "*@kreata.ee" },
    { "anybody@alias.ee", NULL, "*@kreata.ee" },
    { "sales-x@kreata.ee", NULL, "sales*@kreata.ee" },
    { "sales@kreata.ee", NULL, "sales*@kreata.ee" },
    { "salt@kreata.ee", NULL, "sal*@kreata.ee" },
    { "sal-info@kreata.ee", NULL, "*-info@kreata.ee" },
    { "s.a.l.e.s@kreata.ee", NULL, "sales*@kreata.ee" },
    { "longer-than-those-it-is@alias.ee", NULL, "longer-than-those*@alias.ee" },
    { "õunapuu@kreata.ee", NULL, "õun*@kreata.ee" },
    { "postmaster@elsewhere.ee", NULL, "postmaster@*" },
    { "postmaster@kreata.ee", NULL, "*@kreata.ee" },
    { "nobody@elsewhere.ee", NULL, NULL },
    { "*@kreata.ee", NULL, NULL },
    { "sales*@kreata.ee", NULL, NULL },
    { "no address", NULL, NULL },
    { "", NULL, NULL },
};

static void
check(const char *given, unsigned flags, const char *expected)
{
    struct wd_resolved got;

    ck_assert_msg(wd_address_resolve(domain.users, arena, wd_str_c(given), flags, &got, &err), "%s", err.text);
    if (!expected) {
        ck_assert_msg(got.kind == WD_RESOLVED_NONE, "%s found %s", given, got.address.p);
        return;
    }
    ck_assert_int_eq(got.kind, WD_RESOLVED_USER);
    ck_assert_str_eq(got.address.p, expected);
    ck_assert(wd_id_eq(got.user, user));
}

START_TEST(the_order_of_resolution)
{
    for (size_t i = 0; i < WD_COUNT(stored); i++)
        ck_assert_msg(add(stored[i], false), "%s", err.text);
    for (size_t i = 0; i < WD_COUNT(resolved); i++) {
        check(resolved[i].given, WD_RESOLVE_EXACT, resolved[i].exact);
        check(resolved[i].given, WD_RESOLVE_WILDCARDS, resolved[i].mail);
    }
}
END_TEST

START_TEST(forwarding_addresses_are_told_apart)
{
    struct wd_resolved got;

    users_insert(WD_ADDRESSES, (struct wd_id){ 0 },
                 "{\"address\": \"f@kreata.ee\", \"addrview\": \"f@kreata.ee\", \"targets\": []}");
    users_insert(WD_ADDRESSES, (struct wd_id){ 0 },
                 "{\"address\": \"d@kreata.ee\", \"addrview\": \"d@kreata.ee\", \"targets\": [], "
                 "\"forwardedDisabled\": true}");
    ck_assert(wd_address_resolve(domain.users, arena, WD_STR("f@alias.ee"), 0, &got, &err));
    ck_assert_int_eq(got.kind, WD_RESOLVED_FORWARD);
    ck_assert(wd_address_resolve(domain.users, arena, WD_STR("d@kreata.ee"), 0, &got, &err));
    ck_assert_int_eq(got.kind, WD_RESOLVED_NONE);
}
END_TEST

START_TEST(domain_aliases)
{
    struct wd_once once = { .method = "wd.v1.Users.CreateDomainAlias", .key = WD_STR("k") };
    struct wd_alias one, two, *list;
    size_t n;
    bool more;

    ck_assert(wd_alias_create(&domain, arena, WD_STR("XN--JGEVA-DUA.ee"), WD_STR("Kreata.ee"), &once, &one, &err));
    ck_assert(wd_alias_create(&domain, arena, WD_STR("XN--JGEVA-DUA.ee"), WD_STR("Kreata.ee"), &once, &two, &err));
    ck_assert(wd_id_eq(one.id, two.id));
    ck_assert_str_eq(one.alias.p, "jõgeva.ee");
    ck_assert(!wd_alias_create(&domain, arena, WD_STR("jõgeva.ee"), WD_STR("x.ee"), &no_once, &two, &err));
    ck_assert_int_eq(err.reason, WD_ALIAS_EXISTS);
    ck_assert(!wd_alias_create(&domain, arena, WD_STR("a.ee"), WD_STR("a.EE"), &no_once, &two, &err));
    ck_assert(!wd_alias_create(&domain, arena, WD_STR("a@b.ee"), WD_STR("c.ee"), &no_once, &two, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(wd_alias_list(&domain, arena, WD_NONE, 1, &list, &n, &more, &err));
    ck_assert(n == 1 && more);
    ck_assert(wd_alias_list(&domain, arena, list[0].alias, 5, &list, &n, &more, &err));
    ck_assert(n == 1 && !more);
    ck_assert_str_eq(list[0].alias.p, "jõgeva.ee");
    ck_assert(wd_alias_delete(&domain, arena, WD_STR("jõgeva.ee"), &no_once, &err));
    ck_assert(!wd_alias_delete(&domain, arena, WD_STR("jõgeva.ee"), &no_once, &err));
    ck_assert_int_eq(err.reason, WD_ALIAS_NOT_FOUND);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("address");

    tcase_add_checked_fixture(cases, setup, users_teardown);
    tcase_add_test(cases, the_first_address_becomes_the_main_one);
    tcase_add_test(cases, an_address_is_there_once_whatever_its_dots);
    tcase_add_loop_test(cases, what_is_no_address_is_refused, 0, (int)WD_COUNT(bad));
    tcase_add_test(cases, a_wildcard_is_never_the_main_address);
    tcase_add_test(cases, repeats_get_the_first_outcome);
    tcase_add_test(cases, the_main_address_and_those_of_others_stay);
    tcase_add_test(cases, the_order_of_resolution);
    tcase_add_test(cases, forwarding_addresses_are_told_apart);
    tcase_add_test(cases, domain_aliases);
    return run_case("address", cases);
}
