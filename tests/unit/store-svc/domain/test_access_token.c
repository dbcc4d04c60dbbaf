#include "store-svc/domain/access_token.h"

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/users_fixture.h"

static struct wd_id user;
static int64_t now_ms;

static int64_t
fixed_now(void)
{
    return now_ms;
}

static void
setup(void)
{
    now_ms = wd_now_ms();
    users_setup();
    user = users_make("andris", NULL);
    wd_clock_fix(fixed_now);
}

static void
teardown(void)
{
    wd_clock_fix(NULL);
    users_teardown();
}

static struct wd_str
made(struct wd_id whose, const char *name, uint32_t ttl_s, uint32_t lifetime_s)
{
    struct wd_access_token_new in = { .user = whose, .name = wd_str_c(name), .role = WD_STR("user"), .ttl_s = ttl_s,
                                      .lifetime_s = lifetime_s };
    struct wd_str token;

    ck_assert_msg(wd_access_token_create(&domain, arena, &in, &token, &err), "%s", err.text);
    ck_assert_uint_eq(token.n, WD_ACCESS_TOKEN_HEX);
    return token;
}

static bool
counts(struct wd_str token)
{
    struct wd_access_token got;
    bool ok = wd_access_token_check(&domain, arena, token, &got, &err);

    if (!ok)
        ck_assert_int_eq(err.reason, WD_UNAUTHENTICATED);
    return ok;
}

START_TEST(a_token_says_whose_it_is)
{
    struct wd_access_token got;

    ck_assert(wd_access_token_check(&domain, arena, made(user, NULL, 60, 600), &got, &err));
    ck_assert(wd_id_eq(got.user, user) && wd_str_eq(got.role, WD_STR("user")));
    ck_assert(wd_access_token_check(&domain, arena, made((struct wd_id){ 0 }, "panel", 0, 0), &got, &err));
    ck_assert(wd_id_is_zero(got.user) && wd_str_eq(got.name, WD_STR("panel")));
    /* A name that looks like an id is still a name. */
    ck_assert(wd_access_token_check(&domain, arena, made((struct wd_id){ 0 }, "5a0000000000000000000001", 0, 0), &got,
                                    &err));
    ck_assert(wd_id_is_zero(got.user));
}
END_TEST

START_TEST(what_is_no_token_of_ours_is_refused)
{
    struct wd_str token = made(user, NULL, 60, 600);
    char other[WD_ACCESS_TOKEN_HEX];

    memcpy(other, token.p, sizeof other);
    other[0] = other[0] == 'a' ? 'b' : 'a';
    ck_assert(!counts(wd_str_n(other, sizeof other)));
    ck_assert(!counts(WD_NONE));
    ck_assert(!counts(WD_STR("short")));
    ck_assert(counts(token));
}
END_TEST

static const char *const changes[] = {
    "{\"role\": \"root\"}", "{\"user\": \"5a0000000000000000000001\"}", "{\"authVersion\": 7}", "{\"s\": \"\"}",
};

/* Whoever can write to the database makes no token that counts. */
START_TEST(a_changed_row_does_not_count)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_str token = made(user, NULL, 60, 600);
    bson_t *set = bson_new_from_json((const uint8_t *)changes[_i], -1, NULL);

    bson_append_document(&update, "$set", -1, set);
    bson_destroy(set);
    ck_assert(wd_docs_update(domain.users, WD_ACCESSTOKENS, &filter, &update, WD_UPDATE_MANY, NULL, &err));
    ck_assert(!counts(token));
}
END_TEST

START_TEST(use_keeps_a_token_alive_up_to_its_end)
{
    struct wd_str token = made(user, NULL, 100, 250);

    now_ms += 90000;
    ck_assert(counts(token));
    now_ms += 90000;
    ck_assert(counts(token));
    now_ms += 60000;
    ck_assert(counts(token));
    now_ms += 11000; /* 251 s after its creation */
    ck_assert(!counts(token));
    token = made(user, NULL, 100, 250);
    now_ms += 100000;
    ck_assert(!counts(token));
}
END_TEST

START_TEST(a_token_without_end_stays)
{
    struct wd_str token = made((struct wd_id){ 0 }, "panel", 0, 0);

    now_ms += INT64_C(1000) * 86400 * 1000;
    ck_assert(counts(token));
}
END_TEST

START_TEST(other_credentials_end_it_unless_it_is_renewed)
{
    struct wd_str kept = made(user, NULL, 60, 600), other = made(user, NULL, 60, 600);
    struct wd_str password = WD_STR("another secret");
    struct wd_user_change change = { .password = &password };

    ck_assert(wd_user_update(&domain, arena, user, &change, &no_once, &err));
    ck_assert(!counts(kept));
    ck_assert(wd_access_token_renew(&domain, kept, &err));
    ck_assert(counts(kept));
    ck_assert(!counts(other));
}
END_TEST

START_TEST(a_user_that_is_gone_or_disabled_has_none)
{
    struct wd_str token = made(user, NULL, 60, 600);
    struct wd_id nobody = wd_id_new();
    bool disabled = true;
    struct wd_user_change change = { .disabled = &disabled };
    struct wd_access_token_new in = { .user = nobody, .role = WD_STR("user") };
    struct wd_str unused;

    ck_assert(wd_user_update(&domain, arena, user, &change, &no_once, &err));
    ck_assert(!counts(token));
    ck_assert(!wd_access_token_create(&domain, arena, &in, &unused, &err));
    ck_assert_int_eq(err.reason, WD_USER_NOT_FOUND);
}
END_TEST

START_TEST(a_dropped_token_is_gone)
{
    struct wd_str token = made(user, NULL, 60, 600), panel = made((struct wd_id){ 0 }, "panel", 0, 0);
    bool dropped;

    ck_assert(wd_access_token_drop(&domain, token, true, &dropped, &err) && dropped);
    ck_assert(!counts(token));
    ck_assert(wd_access_token_drop(&domain, token, true, &dropped, &err) && !dropped);
    ck_assert(wd_access_token_drop(&domain, panel, true, &dropped, &err) && !dropped);
    ck_assert(counts(panel));
    ck_assert(wd_access_token_drop(&domain, panel, false, &dropped, &err) && dropped);
    ck_assert(!counts(panel));
}
END_TEST

START_TEST(only_its_hash_is_stored)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, row wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_str token = made(user, NULL, 60, 600);
    char *json;
    bool found;

    ck_assert(wd_docs_find_one(domain.users, WD_ACCESSTOKENS, &filter, NULL, &row, &found, &err) && found);
    json = bson_as_canonical_extended_json(&row, NULL);
    ck_assert(wd_str_find(wd_str_c(json), token) == SIZE_MAX);
    bson_free(json);
}
END_TEST

static const struct {
    const char *name, *role;
} bad[] = { { "", "user" }, { "a b", "user" }, { "a\"b", "user" }, { "a\\b", "user" }, { "a", "" }, { "a", "us er" },
            { "a", "user1" } };

START_TEST(odd_names_and_roles_are_refused)
{
    struct wd_access_token_new in = { .name = wd_str_c(bad[_i].name), .role = wd_str_c(bad[_i].role) };
    struct wd_str unused;

    ck_assert(!wd_access_token_create(&domain, arena, &in, &unused, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("access token");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_token_says_whose_it_is);
    tcase_add_test(t, what_is_no_token_of_ours_is_refused);
    tcase_add_loop_test(t, a_changed_row_does_not_count, 0, (int)WD_COUNT(changes));
    tcase_add_test(t, use_keeps_a_token_alive_up_to_its_end);
    tcase_add_test(t, a_token_without_end_stays);
    tcase_add_test(t, other_credentials_end_it_unless_it_is_renewed);
    tcase_add_test(t, a_user_that_is_gone_or_disabled_has_none);
    tcase_add_test(t, a_dropped_token_is_gone);
    tcase_add_test(t, only_its_hash_is_stored);
    tcase_add_loop_test(t, odd_names_and_roles_are_refused, 0, (int)WD_COUNT(bad));
    return run_case("access token", t);
}
