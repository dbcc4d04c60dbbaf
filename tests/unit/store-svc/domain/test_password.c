#include "store-svc/domain/password.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

#define PHC_SALT "MDEyMzQ1Njc4OWFiY2RlZg"

/* Made by other software for this password. */
static const char password[] = "pässwörd";
static const char *const accepted[] = {
    "$pbkdf2-sha256$i=1200$" PHC_SALT "$Nj931zx1CWN7lD10FNCzvc9C/BU0p62SXLI27pIFeMg",
    "$pbkdf2-sha512$i=1200$" PHC_SALT
    "$0p+T7BaBLKXMPbs/Q5epCfvX6INicTj10Iu/AvtvYR+aY9e7Zh2BBrL35s1sr1Jx1jsPy5febO26pYufGyOJWw",
    "$pbkdf2-sha1$i=1200$" PHC_SALT "$ZkAmp2sztVR6kFdBYW0oPIhN90Y",
    "$2a$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC",
    "$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC",
    "$2y$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC",
    "$6$saltsalt$TQjRhpJdqmLx0U8it3EsUajwkmOMMvw5vhUFc7mohzFFoj/QHrfYUHU1oSkwyCEoTUCDOiAOW135nel3bqtKe.",
    "$6$rounds=1000$saltsalt$osotUMSS7K.0TIfteadkw2nXkU3mHd2sic8QLeQ4NmBYvnNlee/nDNLXQJypj6pZfrDryJ6nKZzumyw65bri70",
    "$5$saltsalt$JUyX9J5pA1EE4ZvGcIA.vpwPCUQ8GlJbo51r7M84au8",
    "$1$saltsalt$VReRfkQ8Hs1aayf/oxMkG/",
    "$argon2d$v=19$m=64,t=2,p=1$" PHC_SALT "$A2VbpUDZ0WgvrI9RaOlBTuBXjfgmI6+Jtz15A4wGCg0",
    "$argon2i$v=19$m=64,t=2,p=1$" PHC_SALT "$IYQ91NVn77dv5pXtiinXznwanGpswY6p+mLrB2ip43M",
    "$argon2id$v=19$m=64,t=2,p=1$" PHC_SALT "$TUVVb/WHYcTOt0fIC5DXJthDk6vpG/YsMAIR7q5P6Yo",
    "abzp3RXJm5gNA",
};

START_TEST(every_known_form_is_checked)
{
    struct wd_str hash = wd_str_c(accepted[_i]);
    struct wd_error err;

    ck_assert(wd_password_known(hash, &err));
    ck_assert(wd_password_matches(hash, wd_str_c(password)));
    ck_assert(!wd_password_matches(hash, WD_STR("Pässwörd")));
    ck_assert(!wd_password_matches(hash, WD_NONE));
    ck_assert(!wd_password_matches(hash, wd_str_n("p\303\244ssw\303\266rd\0x", 12)));
}
END_TEST

START_TEST(a_hash_that_is_cut_or_changed_matches_nothing)
{
    char copy[WD_HASH_MAX];
    size_t n = strlen(accepted[_i]);

    for (size_t cut = 0; cut < n; cut += 1 + n / 16)
        ck_assert(!wd_password_matches(wd_str_n(accepted[_i], cut), wd_str_c(password)));
    memcpy(copy, accepted[_i], n);
    copy[n - 2] = copy[n - 2] == 'A' ? 'B' : 'A';
    ck_assert(!wd_password_matches(wd_str_n(copy, n), wd_str_c(password)));
}
END_TEST

static const char *const refused[] = {
    "",
    "plain",
    "thirteen-char",
    "$y$j9T$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "$7$CU..../....saltsalt$abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "$scrypt$ln=14,r=8,p=1$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$i=0$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$i=-1$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$i=4000001$c2FsdA$aGFzaA", /* from here on: absurd costs */
    "$pbkdf2-sha256$i=99999999999999999999$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$i=1000$c2FsdA",
    "$pbkdf2-sha256$i=1000$$aGFzaA",
    "$pbkdf2-sha256$i=1000$c2FsdA$",
    "$pbkdf2-sha256$i=1000$c2FsdA$aGFzaA$x",
    "$pbkdf2-md5$i=1000$c2FsdA$aGFzaA",
    "$2b$31$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC",
    "$2x$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC",
    "$6$rounds=999999999$saltsalt$"
    "osotUMSS7K.0TIfteadkw2nXkU3mHd2sic8QLeQ4NmBYvnNlee/nDNLXQJypj6pZfrDryJ6nKZzumyw65bri70",
    "$argon2id$v=19$m=4194304,t=2,p=1$" PHC_SALT "$TUVVb/WHYcTOt0fIC5DXJthDk6vpG/YsMAIR7q5P6Yo",
    "$argon2id$v=19$m=64,t=4000000,p=1$" PHC_SALT "$TUVVb/WHYcTOt0fIC5DXJthDk6vpG/YsMAIR7q5P6Yo",
    "$argon2id$v=19$m=64,t=2,p=1000$" PHC_SALT "$TUVVb/WHYcTOt0fIC5DXJthDk6vpG/YsMAIR7q5P6Yo",
    "$argon2id$v=19$m=64,m=64,t=2,p=1$" PHC_SALT "$TUVVb/WHYcTOt0fIC5DXJthDk6vpG/YsMAIR7q5P6Yo",
    "$argon2id$v=19$m=64,t=2$" PHC_SALT "$TUVVb/WHYcTOt0fIC5DXJthDk6vpG/YsMAIR7q5P6Yo",
};

START_TEST(other_forms_and_absurd_costs_are_refused)
{
    struct wd_error err;

    ck_assert(!wd_password_known(wd_str_c(refused[_i]), &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(!wd_password_matches(wd_str_c(refused[_i]), wd_str_c(refused[_i])));
}
END_TEST

START_TEST(new_hashes_match_and_differ)
{
    struct wd_buf one wd_auto(wd_buf_done) = { 0 };
    struct wd_buf two wd_auto(wd_buf_done) = { 0 };

    wd_password_hash(&one, WD_STR("secret"), 1000);
    wd_password_hash(&two, WD_STR("secret"), 1000);
    ck_assert(wd_str_starts(wd_buf_view(&one), WD_STR("$pbkdf2-sha256$i=1000$")));
    ck_assert(!wd_str_eq(wd_buf_view(&one), wd_buf_view(&two)));
    ck_assert(wd_password_matches(wd_buf_view(&one), WD_STR("secret")));
    ck_assert(wd_password_matches(wd_buf_view(&two), WD_STR("secret")));
    ck_assert(!wd_password_matches(wd_buf_view(&one), WD_STR("secret2")));
    ck_assert(!wd_password_outdated(wd_buf_view(&one), 1000));
    ck_assert(wd_password_outdated(wd_buf_view(&one), 1001));
}
END_TEST

START_TEST(all_but_enough_pbkdf2_is_outdated)
{
    bool fine = strncmp(accepted[_i], "$pbkdf2-sha256", 14) == 0 || strncmp(accepted[_i], "$pbkdf2-sha512", 14) == 0;

    ck_assert(wd_password_outdated(wd_str_c(accepted[_i]), 1200) == !fine);
    ck_assert(wd_password_outdated(wd_str_c(accepted[_i]), 100000));
}
END_TEST

START_TEST(passwords_have_256_characters_at_most)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_error err;

    for (int i = 0; i < 256; i++)
        wd_buf_c(&text, "\303\244");
    ck_assert(wd_password_check(wd_buf_view(&text), &err));
    wd_buf_chr(&text, 'x');
    ck_assert(!wd_password_check(wd_buf_view(&text), &err));
    ck_assert(wd_password_check(WD_NONE, &err));
    ck_assert(!wd_password_check(WD_STR("a\0b"), &err));
    ck_assert(!wd_password_check(WD_STR("\xff"), &err));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("password");

    tcase_add_loop_test(cases, every_known_form_is_checked, 0, (int)WD_COUNT(accepted));
    tcase_add_loop_test(cases, a_hash_that_is_cut_or_changed_matches_nothing, 0, (int)WD_COUNT(accepted));
    tcase_add_loop_test(cases, other_forms_and_absurd_costs_are_refused, 0, (int)WD_COUNT(refused));
    tcase_add_test(cases, new_hashes_match_and_differ);
    tcase_add_loop_test(cases, all_but_enough_pbkdf2_is_outdated, 0, (int)WD_COUNT(accepted));
    tcase_add_test(cases, passwords_have_256_characters_at_most);
    return run_case("password", cases);
}
