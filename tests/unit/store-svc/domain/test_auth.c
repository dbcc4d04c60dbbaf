#include "tests/unit/store-svc/domain/users_fixture.h"

#include "common/base/clock.h"
#include "store-svc/domain/auth.h"
#include "store-svc/domain/auth_cache.h"
#include "store-svc/domain/password.h"
#include "tests/run.h"

static struct wd_id user;
static struct wd_logged_in in;

static void
setup(void)
{
    users_setup();
    user = users_make("andris", "main@example.com");
}

static bool
log_in_as(const char *username, const char *password, unsigned scope)
{
    struct wd_login login = {
        .username = wd_str_c(username),
        .password = wd_str_c(password),
        .scope = scope,
        .protocol = WD_STR("IMAP"),
        .ip = WD_STR("192.0.2.1"),
    };

    memset(&in, 0, sizeof in);
    return wd_auth_login(&domain, arena, &login, &in, &err);
}

static bool
log_in(const char *password, unsigned scope)
{
    return log_in_as("andris", password, scope);
}

static bool
refused(const char *password, unsigned scope, enum wd_reason reason)
{
    return !log_in(password, scope) && err.reason == reason;
}

static void
add_asp(const char *password, const char *rest)
{
    static const char format[] = "{\"description\": \"phone\", \"password\": \"%.*s\", \"selector\": \"%s\"%s}";
    struct wd_buf hash wd_auto(wd_buf_done) = { 0 };
    struct wd_buf json wd_auto(wd_buf_done) = { 0 };

    wd_password_hash(&hash, wd_str_c(password), 1000);
    /* sum of the bytes of SHA-1("abcdefghijklmnop"), modulo 32 */
    wd_buf_printf(&json, format, (int)hash.n, hash.p, "c", rest);
    wd_buf_chr(&json, '\0');
    users_insert(WD_ASPS, user, json.p);
}

START_TEST(the_right_password_gives_a_session)
{
    static const char *const names[] = { "andris", "AND.RIS", "main@example.com", "m.ain+tag@EXAMPLE.COM" };
    struct wd_session session;
    bson_t *doc;

    for (size_t i = 0; i < WD_COUNT(names); i++) {
        ck_assert_msg(log_in_as(names[i], "secret", WD_SCOPE_IMAP), "%s: %s", names[i], err.text);
        ck_assert(wd_id_eq(in.user, user));
        ck_assert_str_eq(in.username.p, "andris");
        ck_assert_str_eq(in.address.p, "main@example.com");
    }
    ck_assert(wd_auth_session(&domain, in.session_token, &session, &err));
    ck_assert(wd_id_eq(session.user, user));
    ck_assert_uint_eq(session.scope, WD_SCOPE_IMAP);
    ck_assert_int_eq(session.expires_ms, in.expires_ms);
    doc = users_doc(user);
    ck_assert(wd_str_eq(wd_doc_str(doc, "lastLogin.ip"), WD_STR("192.0.2.1")));
    bson_destroy(doc);
}
END_TEST

START_TEST(everything_else_fails_alike)
{
    char text[sizeof err.text];

    ck_assert(refused("Secret", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    memcpy(text, err.text, sizeof text);
    ck_assert(!log_in_as("nobody", "secret", WD_SCOPE_IMAP));
    ck_assert_int_eq(err.reason, WD_AUTH_FAILED);
    ck_assert_str_eq(err.text, text);
    ck_assert(refused("", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    ck_assert(!log_in_as("", "secret", WD_SCOPE_IMAP));
    users_set(user, "{\"password\": \"\"}");
    ck_assert(refused("", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    ck_assert(refused("x", WD_SCOPE_MASTER, WD_AUTH_FAILED));
}
END_TEST

START_TEST(wildcards_and_forwarding_addresses_are_no_logins)
{
    users_insert(WD_ADDRESSES, user, "{\"address\": \"*@wild.ee\", \"addrview\": \"*@wild.ee\"}");
    users_insert(WD_ADDRESSES, (struct wd_id){ 0 },
                 "{\"address\": \"f@fwd.ee\", \"addrview\": \"f@fwd.ee\", \"targets\": []}");
    ck_assert(!log_in_as("x@wild.ee", "secret", WD_SCOPE_IMAP));
    ck_assert(!log_in_as("f@fwd.ee", "secret", WD_SCOPE_IMAP));
    ck_assert_int_eq(err.reason, WD_AUTH_FAILED);
}
END_TEST

static const struct {
    const char *set;
    enum wd_reason reason;
} states[] = {
    { "{\"disabled\": true}", WD_AUTH_FAILED },
    { "{\"suspended\": true}", WD_AUTH_FAILED },
    { "{\"disabledScopes\": [\"imap\"]}", WD_AUTH_SCOPE },
    { "{\"enabled2fa\": [\"totp\"]}", WD_AUTH_SCOPE },
    { "{\"enabled2fa\": true}", WD_AUTH_SCOPE },
};

START_TEST(states_that_forbid_a_login)
{
    users_set(user, states[_i].set);
    ck_assert(refused("secret", WD_SCOPE_IMAP, states[_i].reason));
}
END_TEST

START_TEST(old_second_factors_do_not_count)
{
    users_set(user, "{\"enabled2fa\": [\"u2f\"]}");
    ck_assert(log_in("secret", WD_SCOPE_IMAP));
    users_set(user, "{\"enabled2fa\": [\"custom\", \"totp\"]}");
    ck_assert(log_in("secret", WD_SCOPE_MASTER));
    ck_assert_str_eq(in.require_2fa[0], "totp");
    ck_assert_str_eq(in.require_2fa[1], "custom");
    ck_assert_ptr_null(in.require_2fa[2]);
}
END_TEST

static void
set_temporary(const char *password, int64_t created_ms, int64_t valid_after_ms)
{
    struct wd_buf hash wd_auto(wd_buf_done) = { 0 };
    struct wd_buf json wd_auto(wd_buf_done) = { 0 };

    wd_password_hash(&hash, wd_str_c(password), 1000);
    wd_buf_printf(&json,
                  "{\"tempPassword\": {\"password\": \"%.*s\", \"created\": {\"$date\": {\"$numberLong\": \"%lld\"}}, "
                  "\"validAfter\": {\"$date\": {\"$numberLong\": \"%lld\"}}}}",
                  (int)hash.n, hash.p, (long long)created_ms, (long long)valid_after_ms);
    wd_buf_chr(&json, '\0');
    users_set(user, json.p);
}

START_TEST(temporary_passwords)
{
    int64_t now = wd_now_ms(), hour = 3600 * 1000;
    bson_t *doc;

    set_temporary("temporary", now - hour, now - 1);
    domain.options.pbkdf2_iterations = 1001; /* so that the account's own hash is one that would be made again */
    ck_assert(log_in("temporary", WD_SCOPE_MASTER));
    ck_assert(in.require_password_change);
    ck_assert(refused("temporary", WD_SCOPE_IMAP, WD_AUTH_SCOPE));
    ck_assert(log_in("secret", WD_SCOPE_IMAP));
    doc = users_doc(user);
    ck_assert(wd_password_matches(wd_doc_str(doc, "password"), WD_STR("secret"))); /* was not replaced */
    bson_destroy(doc);
    set_temporary("temporary", now - hour, now + hour);
    ck_assert(refused("temporary", WD_SCOPE_MASTER, WD_TEMP_PASSWORD_NOT_YET));
    set_temporary("temporary", now - 25 * hour, now - 25 * hour);
    ck_assert(refused("temporary", WD_SCOPE_MASTER, WD_AUTH_FAILED));
}
END_TEST

START_TEST(application_passwords)
{
    add_asp("abcdefghijklmnop", ", \"scopes\": [\"imap\"]");
    users_set(user, "{\"enabled2fa\": [\"totp\"]}");
    ck_assert_msg(log_in("abcd efgh IJKL mnop", WD_SCOPE_IMAP), "%s", err.text);
    ck_assert_uint_eq(in.require_2fa[0] != NULL, 0);
    ck_assert(refused("abcdefghijklmnop", WD_SCOPE_POP3, WD_AUTH_SCOPE));
    ck_assert(refused("abcdefghijklmnop", WD_SCOPE_MASTER, WD_AUTH_FAILED));
    ck_assert(refused("abcdefghijklmnoq", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    ck_assert(refused("abcdefghijklmno", WD_SCOPE_IMAP, WD_AUTH_FAILED));
}
END_TEST

START_TEST(application_passwords_expire)
{
    add_asp("abcdefghijklmnop", ", \"scopes\": [\"*\"], \"expires\": {\"$date\": {\"$numberLong\": \"1000\"}}");
    ck_assert(refused("abcdefghijklmnop", WD_SCOPE_SMTP, WD_AUTH_FAILED));
    add_asp("abcdefghijklmnop", ", \"scopes\": [\"*\"]");
    ck_assert(log_in("abcdefghijklmnop", WD_SCOPE_SMTP));
}
END_TEST

START_TEST(only_weak_hashes_are_made_again)
{
    bson_t *doc = users_doc(user);
    struct wd_str before = wd_arena_str(arena, wd_doc_str(doc, "password"));

    bson_destroy(doc);
    ck_assert(log_in("secret", WD_SCOPE_IMAP));
    doc = users_doc(user);
    ck_assert(wd_str_eq(wd_doc_str(doc, "password"), before));
    bson_destroy(doc);
    users_set(user, "{\"password\": \"abzp3RXJm5gNA\"}");
    ck_assert(log_in("pässwörd", WD_SCOPE_IMAP));
    doc = users_doc(user);
    ck_assert(wd_str_starts(wd_doc_str(doc, "password"), WD_STR("$pbkdf2-sha256$i=1000$")));
    bson_destroy(doc);
    ck_assert(log_in("pässwörd", WD_SCOPE_IMAP));
}
END_TEST

START_TEST(failures_lock_the_account_for_a_while)
{
    domain.options.auth_failures = 3;
    for (int i = 0; i < 2; i++)
        ck_assert(refused("wrong", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    ck_assert(log_in("secret", WD_SCOPE_IMAP)); /* a success forgets them */
    for (int i = 0; i < 3; i++)
        ck_assert(refused("wrong", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    ck_assert(refused("secret", WD_SCOPE_IMAP, WD_AUTH_RATE_LIMITED));
    ck_assert_ptr_nonnull(strstr(err.text, "minutes"));
    for (int i = 0; i < 3; i++)
        ck_assert(!log_in_as("nobody", "x", WD_SCOPE_IMAP));
    ck_assert(!log_in_as("no.body", "x", WD_SCOPE_IMAP));
    ck_assert_int_eq(err.reason, WD_AUTH_RATE_LIMITED);
}
END_TEST

START_TEST(failures_lock_an_address_when_that_is_on)
{
    domain.options.auth_failures_ip = 2;
    ck_assert(!log_in_as("nobody", "x", WD_SCOPE_IMAP));
    ck_assert(!log_in_as("somebody", "x", WD_SCOPE_IMAP));
    ck_assert(refused("secret", WD_SCOPE_IMAP, WD_AUTH_RATE_LIMITED));
}
END_TEST

START_TEST(the_log_merges_equal_events)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    for (int i = 0; i < 3; i++)
        ck_assert(refused("wrong", WD_SCOPE_IMAP, WD_AUTH_FAILED));
    ck_assert(log_in("secret", WD_SCOPE_IMAP));
    ck_assert_int_eq(users_count(WD_AUTHLOG, "user", user), 3); /* created, three failures in one row, success */
    wd_doc_add_id(&filter, "user", user);
    wd_doc_add_str(&filter, "result", WD_STR("fail"));
    ck_assert(wd_docs_find_one(domain.users, WD_AUTHLOG, &filter, NULL, &row, &found, &err) && found);
    ck_assert_int_eq(wd_doc_int(&row, "events", 0), 3);
    ck_assert(wd_str_eq(wd_doc_str(&row, "requiredScope"), WD_STR("imap")));
    domain.options.authlog_ms = 0;
    ck_assert(log_in("secret", WD_SCOPE_POP3));
    ck_assert_int_eq(users_count(WD_AUTHLOG, "user", user), 3);
}
END_TEST

START_TEST(sessions_end_with_the_password)
{
    struct wd_str password = WD_STR("other"), token;
    struct wd_user_change change = { .password = &password };
    struct wd_session session;
    int64_t expires;

    ck_assert(log_in("secret", WD_SCOPE_IMAP));
    token = in.session_token;
    ck_assert(wd_auth_session(&domain, token, &session, &err));
    token = wd_auth_renew(&domain, arena, &session, &expires);
    ck_assert(wd_auth_session(&domain, token, &session, &err));
    ck_assert(wd_user_update(&domain, arena, user, &change, &no_once, &err));
    ck_assert(!wd_auth_session(&domain, token, &session, &err));
    ck_assert_int_eq(err.reason, WD_TOKEN_EXPIRED);
    ck_assert(refused("secret", WD_SCOPE_IMAP, WD_AUTH_FAILED)); /* not from the cache either */
    ck_assert(log_in("other", WD_SCOPE_IMAP));
    ck_assert(wd_auth_session(&domain, in.session_token, &session, &err));
}
END_TEST

START_TEST(sessions_end_with_the_account)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_session session;

    ck_assert(log_in("secret", WD_SCOPE_IMAP));
    users_set(user, "{\"disabled\": true}");
    ck_assert(!wd_auth_session(&domain, in.session_token, &session, &err));
    users_set(user, "{\"disabled\": false}");
    wd_auth_forget(&domain, user);
    ck_assert(wd_auth_session(&domain, in.session_token, &session, &err));
    wd_doc_add_id(&filter, "_id", user);
    ck_assert(wd_docs_remove_one(domain.users, WD_USERS, &filter, NULL, &err));
    ck_assert(wd_auth_session(&domain, in.session_token, &session, &err)); /* for two seconds at most */
    wd_auth_forget(&domain, user);
    ck_assert(!wd_auth_session(&domain, in.session_token, &session, &err));
}
END_TEST

START_TEST(connections_are_counted)
{
    struct wd_login login = {
        .username = WD_STR("andris"),
        .password = WD_STR("secret"),
        .scope = WD_SCOPE_IMAP,
        .count_connection = true,
        .instance_started_ms = 1000,
    };

    domain.options.imap_max_connections = 2;
    for (int i = 0; i < 2; i++)
        ck_assert(wd_auth_login(&domain, arena, &login, &in, &err));
    ck_assert(!wd_auth_login(&domain, arena, &login, &in, &err));
    ck_assert_int_eq(err.reason, WD_CONNECTION_LIMIT);
    ck_assert(wd_auth_release(&domain, user, WD_SCOPE_IMAP, WD_NONE, &err));
    ck_assert(wd_auth_login(&domain, arena, &login, &in, &err));
    ck_assert(!wd_auth_login(&domain, arena, &login, &in, &err));
    login.instance_started_ms = 2000; /* a later life of the front end starts from nothing */
    ck_assert(wd_auth_login(&domain, arena, &login, &in, &err));
}
END_TEST

START_TEST(the_cache_knows_exactly_what_it_was_told)
{
    struct wd_auth_cache *c = wd_auth_cache_new(1000, 500);
    struct wd_id owner = wd_id_new();

    wd_auth_cache_remember(c, owner, WD_STR("hash"), WD_STR("password"), 100);
    ck_assert(wd_auth_cache_knows(c, owner, WD_STR("hash"), WD_STR("password"), 1099));
    ck_assert(!wd_auth_cache_knows(c, owner, WD_STR("hash"), WD_STR("password"), 1100));
    ck_assert(!wd_auth_cache_knows(c, owner, WD_STR("hash"), WD_STR("Password"), 100));
    ck_assert(!wd_auth_cache_knows(c, owner, WD_STR("other"), WD_STR("password"), 100));
    ck_assert(!wd_auth_cache_knows(c, wd_id_new(), WD_STR("hash"), WD_STR("password"), 100));
    ck_assert(!wd_auth_cache_knows(NULL, owner, WD_STR("hash"), WD_STR("password"), 100));
    wd_auth_cache_free(c);
}
END_TEST

START_TEST(what_was_read_before_a_forget_is_not_kept)
{
    struct wd_auth_cache *c = wd_auth_cache_new(1000, 500);
    struct wd_auth_standing standing = { .auth_version = 3, .active = true }, out;
    struct wd_id owner = wd_id_new();
    uint64_t ticket;

    ck_assert(!wd_auth_cache_standing(c, owner, 0, &out, &ticket));
    wd_auth_cache_put(c, owner, &standing, ticket, 0);
    ck_assert(wd_auth_cache_standing(c, owner, 499, &out, &ticket));
    ck_assert_uint_eq(out.auth_version, 3);
    ck_assert(!wd_auth_cache_standing(c, owner, 500, &out, &ticket));
    wd_auth_cache_forget(c, owner);
    wd_auth_cache_put(c, owner, &standing, ticket, 0);
    ck_assert(!wd_auth_cache_standing(c, owner, 1, &out, &ticket));
    wd_auth_cache_free(c);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("auth");

    tcase_add_checked_fixture(cases, setup, users_teardown);
    tcase_add_test(cases, the_right_password_gives_a_session);
    tcase_add_test(cases, everything_else_fails_alike);
    tcase_add_test(cases, wildcards_and_forwarding_addresses_are_no_logins);
    tcase_add_loop_test(cases, states_that_forbid_a_login, 0, (int)WD_COUNT(states));
    tcase_add_test(cases, old_second_factors_do_not_count);
    tcase_add_test(cases, temporary_passwords);
    tcase_add_test(cases, application_passwords);
    tcase_add_test(cases, application_passwords_expire);
    tcase_add_test(cases, only_weak_hashes_are_made_again);
    tcase_add_test(cases, failures_lock_the_account_for_a_while);
    tcase_add_test(cases, failures_lock_an_address_when_that_is_on);
    tcase_add_test(cases, the_log_merges_equal_events);
    tcase_add_test(cases, sessions_end_with_the_password);
    tcase_add_test(cases, sessions_end_with_the_account);
    tcase_add_test(cases, connections_are_counted);
    tcase_add_test(cases, the_cache_knows_exactly_what_it_was_told);
    tcase_add_test(cases, what_was_read_before_a_forget_is_not_kept);
    return run_case("auth", cases);
}
