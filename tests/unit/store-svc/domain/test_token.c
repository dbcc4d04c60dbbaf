#include "store-svc/domain/token.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "tests/run.h"

static struct wd_domain domain = { .token_key = "0123456789abcdef0123456789abcde" };
static struct wd_domain other = { .token_key = "another key of thirty-two bytes" };

static struct wd_session
some_session(int64_t lifetime_ms)
{
    return (struct wd_session){
        .user = wd_id_new(),
        .scope = WD_SCOPE_IMAP,
        .expires_ms = wd_now_ms() + lifetime_ms,
        .auth_version = 7,
    };
}

START_TEST(service_tokens_say_their_role)
{
    static const char *const names[] = { "imap", "pop3", "lmtp", "http", "admin" };
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    unsigned role = wd_role_named(wd_str_c(names[_i])), read = 0;

    ck_assert_str_eq(wd_role_name(role), names[_i]);
    wd_token_service(&domain, role, &token);
    ck_assert(wd_token_service_read(&domain, wd_buf_view(&token), &read));
    ck_assert_uint_eq(read, role);
    ck_assert(!wd_token_service_read(&other, wd_buf_view(&token), &read));
}
END_TEST

START_TEST(session_tokens_come_back_whole)
{
    struct wd_session made = some_session(1000), read;
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    struct wd_error err;

    wd_token_session(&domain, &made, &token);
    ck_assert(wd_token_session_read(&domain, wd_buf_view(&token), &read, &err));
    ck_assert(wd_id_eq(read.user, made.user));
    ck_assert_uint_eq(read.scope, made.scope);
    ck_assert_int_eq(read.expires_ms, made.expires_ms);
    ck_assert_uint_eq(read.auth_version, made.auth_version);
}
END_TEST

START_TEST(a_changed_character_anywhere_is_refused)
{
    struct wd_session made = some_session(60000), read;
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    struct wd_error err;

    wd_token_session(&domain, &made, &token);
    for (size_t i = 0; i < token.n; i++) {
        char had = token.p[i];
        token.p[i] = had == 'A' ? 'B' : 'A';
        ck_assert(!wd_token_session_read(&domain, wd_buf_view(&token), &read, &err));
        ck_assert_int_eq(err.reason, WD_UNAUTHENTICATED);
        ck_assert(!wd_token_session_read(&domain, wd_str_n(token.p, i), &read, &err));
        token.p[i] = had;
    }
    ck_assert(wd_token_session_read(&domain, wd_buf_view(&token), &read, &err));
    wd_buf_chr(&token, 'A');
    ck_assert(!wd_token_session_read(&domain, wd_buf_view(&token), &read, &err));
}
END_TEST

START_TEST(tokens_of_one_kind_are_none_of_the_other)
{
    struct wd_session session = some_session(1000), read;
    struct wd_buf service wd_auto(wd_buf_done) = { 0 };
    struct wd_buf user wd_auto(wd_buf_done) = { 0 };
    struct wd_error err;
    unsigned role;

    wd_token_service(&domain, WD_ROLE_ADMIN, &service);
    wd_token_session(&domain, &session, &user);
    ck_assert(!wd_token_session_read(&domain, wd_buf_view(&service), &read, &err));
    ck_assert(!wd_token_service_read(&domain, wd_buf_view(&user), &role));
    ck_assert(!wd_token_service_read(&domain, WD_NONE, &role));
    ck_assert(!wd_token_service_read(&domain, WD_STR("wd1."), &role));
}
END_TEST

START_TEST(an_expired_session_says_so)
{
    struct wd_session made = some_session(-1), read;
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    struct wd_error err;

    wd_token_session(&domain, &made, &token);
    ck_assert(!wd_token_session_read(&domain, wd_buf_view(&token), &read, &err));
    ck_assert_int_eq(err.reason, WD_TOKEN_EXPIRED);
    ck_assert(!wd_token_session_read(&other, wd_buf_view(&token), &read, &err));
    ck_assert_int_eq(err.reason, WD_UNAUTHENTICATED);
}
END_TEST

START_TEST(names_of_bits)
{
    ck_assert_uint_eq(wd_scope_named(WD_STR("master")), WD_SCOPE_MASTER);
    ck_assert_uint_eq(wd_scope_named(WD_STR("IMAP")), 0);
    ck_assert_uint_eq(wd_role_named(WD_STR("root")), 0);
    ck_assert_ptr_null(wd_scope_name(WD_SCOPE_IMAP | WD_SCOPE_POP3));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("token");

    tcase_add_loop_test(cases, service_tokens_say_their_role, 0, 5);
    tcase_add_test(cases, session_tokens_come_back_whole);
    tcase_add_test(cases, a_changed_character_anywhere_is_refused);
    tcase_add_test(cases, tokens_of_one_kind_are_none_of_the_other);
    tcase_add_test(cases, an_expired_session_says_so);
    tcase_add_test(cases, names_of_bits);
    return run_case("token", cases);
}
