#include "tests/unit/store-svc/domain/users_fixture.h"

#include "store-svc/domain/beacon.h"
#include "store-svc/domain/password.h"
#include "store-svc/driver/fault/fault.h"
#include "tests/run.h"

static struct wd_user_new
new_user(const char *username)
{
    return (struct wd_user_new){ .username = wd_str_c(username), .password = WD_STR("secret") };
}

static struct wd_user
get(struct wd_id id)
{
    struct wd_user user;

    if (!wd_user_get(&domain, arena, &(struct wd_user_ref){ .id = id }, &user, &err))
        ck_abort_msg("%s", err.text);
    return user;
}

START_TEST(create_makes_everything)
{
    struct wd_id id = users_make("andris", NULL);
    bson_t *doc = users_doc(id);

    ck_assert(wd_doc_bool(doc, "activated", false));
    ck_assert(!wd_doc_bool(doc, "disabled", true));
    ck_assert(wd_password_matches(wd_doc_str(doc, "password"), WD_STR("secret")));
    ck_assert_int_eq(users_count(WD_MAILBOXES, "user", id), 5);
    ck_assert_int_eq(users_count(WD_ADDRESSES, "user", id), 0);
    ck_assert_int_eq(users_count(WD_AUTHLOG, "user", id), 1);
    bson_destroy(doc);
}
END_TEST

static const struct {
    const char *username, *address, *expected;
} main_addresses[] = {
    { "andris", NULL, "andris@example.com" },
    { "andris@Kreata.EE", NULL, "andris@kreata.ee" },
    { "andris", "An.Dris+label@Kreata.ee", "an.dris@kreata.ee" },
    { "andris", "jõgeva@xn--jgeva-dua.ee", "jõgeva@jõgeva.ee" },
};

START_TEST(the_main_address)
{
    struct wd_user_new in = new_user(main_addresses[_i].username);
    struct wd_user_created made;
    struct wd_user user;

    in.address = wd_str_c(main_addresses[_i].address);
    ck_assert_msg(wd_user_create(&domain, arena, &in, &no_once, &made, &err), "%s", err.text);
    user = get(made.id);
    ck_assert_str_eq(user.address.p, main_addresses[_i].expected);
    ck_assert_int_eq(users_count(WD_ADDRESSES, "user", made.id), 1);
    ck_assert_int_eq(users_count(WD_ADDRESSES, "_id", made.address_id), 1);
}
END_TEST

static const char *const good_names[] = { "a", "andris", "An.Dris", "a-b_c=d:e.f", "-", "user@example.com", "u@h" };
static const char *const bad_names[] = { "",    ".a",  "a.",   "a..b", "a b",  "a@",  "@b",
                                         "a@b@c", "ä", "a*", "a+b",  "a@.b", "a/b", "a\nb" };

START_TEST(usernames_that_are_taken)
{
    struct wd_str out;

    ck_assert(wd_username_check(arena, wd_str_c(good_names[_i]), &out, &err));
}
END_TEST

START_TEST(usernames_that_are_not)
{
    struct wd_str out;
    char longest[WD_USERNAME_MAX + 1];

    ck_assert(!wd_username_check(arena, wd_str_c(bad_names[_i]), &out, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    memset(longest, 'a', sizeof longest);
    ck_assert(wd_username_check(arena, wd_str_n(longest, WD_USERNAME_MAX), &out, &err));
    ck_assert(!wd_username_check(arena, wd_str_n(longest, WD_USERNAME_MAX + 1), &out, &err));
}
END_TEST

START_TEST(a_name_that_differs_in_dots_and_case_is_taken)
{
    struct wd_user_new in = new_user("A.ndri.S");
    struct wd_user_created made;

    users_make("andris", NULL);
    in.address = WD_STR("other@example.com");
    ck_assert(!wd_user_create(&domain, arena, &in, &no_once, &made, &err));
    ck_assert_int_eq(err.reason, WD_USER_EXISTS);
}
END_TEST

START_TEST(a_taken_address_leaves_nothing_behind)
{
    struct wd_user_new in = new_user("second");
    struct wd_user_created made;

    users_make("first", "shared@example.com");
    in.id = wd_id_new();
    in.address = WD_STR("sha.red+x@example.com");
    ck_assert(!wd_user_create(&domain, arena, &in, &no_once, &made, &err));
    ck_assert_int_eq(err.reason, WD_ADDRESS_EXISTS);
    ck_assert_int_eq(users_count(WD_USERS, "_id", in.id), 0);
    ck_assert_int_eq(users_count(WD_MAILBOXES, "user", in.id), 0);
}
END_TEST

START_TEST(a_repeat_with_the_key_gets_the_first_outcome)
{
    struct wd_once once = { .method = "wd.v1.Users.Create", .key = WD_STR("k1") };
    struct wd_user_new in = new_user("andris");
    struct wd_user_created one, two;

    ck_assert(wd_user_create(&domain, arena, &in, &once, &one, &err));
    ck_assert(wd_user_create(&domain, arena, &in, &once, &two, &err));
    ck_assert(wd_id_eq(one.id, two.id) && wd_id_eq(one.address_id, two.address_id));
    ck_assert(wd_str_eq(one.username, two.username));
    once.key = WD_STR("k2");
    ck_assert(!wd_user_create(&domain, arena, &in, &once, &two, &err));
    ck_assert_int_eq(err.reason, WD_USER_EXISTS);
}
END_TEST

START_TEST(a_repeat_with_the_id_finds_the_account)
{
    struct wd_user_new in = new_user("andris");
    struct wd_user_created one, two;

    in.id = wd_id_new();
    ck_assert(wd_user_create(&domain, arena, &in, &no_once, &one, &err));
    ck_assert(wd_user_create(&domain, arena, &in, &no_once, &two, &err));
    ck_assert(wd_id_eq(two.id, in.id) && wd_id_eq(one.address_id, two.address_id));
    in.username = WD_STR("other");
    ck_assert(!wd_user_create(&domain, arena, &in, &no_once, &two, &err));
    ck_assert_int_eq(err.reason, WD_USER_EXISTS);
}
END_TEST

START_TEST(an_unfinished_account_is_made_again)
{
    struct wd_user_new in = new_user("andris");
    struct wd_user_created made;

    in.id = users_make("andris", NULL);
    users_set(in.id, "{\"activated\": false, \"disabled\": true}");
    ck_assert_msg(wd_user_create(&domain, arena, &in, &no_once, &made, &err), "%s", err.text);
    ck_assert(get(in.id).activated);
    ck_assert_int_eq(users_count(WD_MAILBOXES, "user", in.id), 5);
}
END_TEST

/* Rows of old installations may lack the field, and must not be taken for unfinished ones. */
START_TEST(an_account_without_the_mark_is_finished)
{
    struct wd_user_new in = new_user("andris");
    struct wd_user_created made;
    bson_t *doc;

    in.id = users_make("andris", NULL);
    users_unset(in.id, "activated");
    ck_assert(get(in.id).activated);
    ck_assert_msg(wd_user_create(&domain, arena, &in, &no_once, &made, &err), "%s", err.text);
    doc = users_doc(in.id);
    ck_assert(!wd_doc_has(doc, "activated"));
    bson_destroy(doc);
}
END_TEST

START_TEST(a_failure_anywhere_leaves_nothing_behind)
{
    struct wd_docs *real = domain.docs;
    struct wd_fault *fault = wd_fault_new();
    struct wd_user_new in = new_user("andris");
    struct wd_user_created made;
    uint64_t n = 0;
    bool ok;

    if (!wd_docs_is_atomic(real)) {
        wd_fault_free(fault);
        return; /* a half-made account is replaced by a repeat: the test before */
    }
    in.id = wd_id_new();
    domain.docs = domain.users = wd_fault_docs_new(real, fault);
    do {
        wd_fault_fail(fault, NULL, ++n, WD_DATABASE);
        ok = wd_user_create(&domain, arena, &in, &no_once, &made, &err);
        wd_fault_fail(fault, NULL, 0, WD_DATABASE);
        ck_assert_int_eq(users_count(WD_USERS, "_id", in.id), ok);
        ck_assert_int_eq(users_count(WD_MAILBOXES, "user", in.id), ok ? 5 : 0);
        ck_assert_int_eq(users_count(WD_ADDRESSES, "user", in.id), ok);
        ck_assert_int_eq(users_count(WD_AUTHLOG, "user", in.id), ok);
        ck_assert(ok || err.reason == WD_DATABASE);
    } while (!ok);
    ck_assert_uint_gt(n, 8);
    wd_docs_close(domain.docs); /* and the real one with it */
    wd_fault_free(fault);
    domain.docs = NULL;
}
END_TEST

START_TEST(an_imported_hash_is_kept_as_it_is)
{
    struct wd_user_new in = new_user("andris");
    struct wd_user_created made;
    bson_t *doc;

    in.hashed_password = WD_STR("abzp3RXJm5gNA");
    ck_assert(wd_user_create(&domain, arena, &in, &no_once, &made, &err));
    doc = users_doc(made.id);
    ck_assert(wd_str_eq(wd_doc_str(doc, "password"), in.hashed_password));
    bson_destroy(doc);
    in = new_user("two");
    in.hashed_password = WD_STR("$y$j9T$x$y");
    ck_assert(!wd_user_create(&domain, arena, &in, &no_once, &made, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

START_TEST(accounts_are_found_three_ways)
{
    struct wd_id id = users_make("an.dris", "main@example.com");
    struct wd_user_ref refs[] = {
        { .id = id },
        { .username = WD_STR("ANDRIS") },
        { .address = WD_STR("Ma.in+x@EXAMPLE.com") },
    };
    struct wd_user user;

    for (size_t i = 0; i < WD_COUNT(refs); i++) {
        ck_assert(wd_user_get(&domain, arena, &refs[i], &user, &err));
        ck_assert(wd_id_eq(user.id, id));
    }
    ck_assert(!wd_user_get(&domain, arena, &(struct wd_user_ref){ .username = WD_STR("nobody") }, &user, &err));
    ck_assert_int_eq(err.reason, WD_USER_NOT_FOUND);
    ck_assert(!wd_user_get(&domain, arena, &(struct wd_user_ref){ 0 }, &user, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

START_TEST(limits_have_defaults_and_used_is_never_negative)
{
    struct wd_id id = users_make("andris", NULL);
    struct wd_user user = get(id);

    ck_assert_uint_eq(user.quota_own, 0);
    ck_assert_uint_eq(user.quota, domain.options.max_storage_bytes);
    ck_assert_uint_eq(user.recipients, 2000);
    users_set(id, "{\"storageUsed\": -5, \"quota\": 77, \"recipients\": 3}");
    user = get(id);
    ck_assert_uint_eq(user.quota, 77);
    ck_assert_uint_eq(user.storage_used, 0);
    ck_assert_uint_eq(user.recipients, 3);
}
END_TEST

START_TEST(the_list_has_pages_and_a_query)
{
    struct wd_user *users;
    struct wd_str after = WD_NONE;
    char name[32];
    size_t n, seen = 0;
    bool more;

    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "user%d%s", i, i % 2 ? ".odd" : "");
        users_make(name, NULL);
    }
    do {
        ck_assert(wd_user_list(&domain, arena, WD_NONE, after, 3, &users, &n, &more, &err));
        ck_assert(n == (more ? 3 : 1));
        seen += n;
        after = users[n - 1].username;
    } while (more);
    ck_assert_uint_eq(seen, 7);
    ck_assert(wd_user_list(&domain, arena, WD_STR(".ODD"), WD_NONE, 10, &users, &n, &more, &err));
    ck_assert_uint_eq(n, 3);
    ck_assert(!more);
    ck_assert(wd_user_list(&domain, arena, WD_STR("*"), WD_NONE, 10, &users, &n, &more, &err));
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* Keeps the last LOGOUT. */
static struct wd_id logged_out;
static char logout_reason[64];

static void
heard(void *data, struct wd_str channel, struct wd_str payload)
{
    struct wd_beacon beacon;

    (void)data, (void)channel;
    if (wd_beacon_parse(payload, &beacon) && beacon.kind == WD_BEACON_LOGOUT) {
        snprintf(logout_reason, sizeof logout_reason, "%.*s", WD_FMT(beacon.reason));
        logged_out = beacon.user;
    }
}

START_TEST(a_new_password_ends_what_the_old_one_began)
{
    struct wd_str password = WD_STR("new secret");
    struct wd_user_change change = { .password = &password };
    struct wd_once once = { .method = "wd.v1.Users.Update", .key = WD_STR("k") };
    struct wd_id id = users_make("andris", NULL);
    bson_t *doc;

    users_set(id, "{\"tempPassword\": {\"password\": \"x\"}}");
    ck_assert(wd_bus_subscribe(domain.bus, WD_BEACON_CHANNEL, heard, NULL, &err));
    ck_assert_msg(wd_user_update(&domain, arena, id, &change, &once, &err), "%s", err.text);
    ck_assert(wd_user_update(&domain, arena, id, &change, &once, &err));
    doc = users_doc(id);
    ck_assert(wd_password_matches(wd_doc_str(doc, "password"), password));
    ck_assert(wd_password_matches(wd_doc_str(doc, "oldPasswords.0.hash"), WD_STR("secret")));
    ck_assert(!wd_doc_has(doc, "oldPasswords.1"));
    ck_assert_int_eq(wd_doc_int(doc, "authVersion", 0), 1);
    ck_assert(!wd_doc_has(doc, "tempPassword.password"));
    ck_assert_int_eq(users_count(WD_AUTHLOG, "user", id), 2);
    bson_destroy(doc);
    wd_bus_close(domain.bus); /* every beacon has been heard */
    domain.bus = NULL;
    ck_assert(wd_id_eq(logged_out, id));
    ck_assert_str_eq(logout_reason, "Password was changed");
}
END_TEST

START_TEST(only_what_is_given_changes)
{
    struct wd_id id = users_make("andris", NULL);
    struct wd_str name = WD_STR("Andris");
    uint64_t quota = 1234567;
    uint32_t recipients = 500;
    unsigned scopes = WD_SCOPE_POP3 | WD_SCOPE_SMTP;
    struct wd_user_change change = { .name = &name, .quota = &quota, .recipients = &recipients };
    struct wd_user user;

    ck_assert(wd_user_update(&domain, arena, id, &change, &no_once, &err));
    change = (struct wd_user_change){ .disabled_scopes = &scopes };
    ck_assert(wd_user_update(&domain, arena, id, &change, &no_once, &err));
    user = get(id);
    ck_assert(wd_str_eq(user.name, name));
    ck_assert_uint_eq(user.quota, quota);
    ck_assert_uint_eq(user.recipients, recipients);
    ck_assert_uint_eq(user.disabled_scopes, scopes);
    ck_assert_uint_eq(user.auth_version, 0);
    ck_assert(!user.suspended && !user.disabled);
}
END_TEST

START_TEST(suspending_ends_sessions)
{
    struct wd_id id = users_make("andris", NULL);
    bool yes = true;
    struct wd_user_change change = { .suspended = &yes };

    ck_assert(wd_user_update(&domain, arena, id, &change, &no_once, &err));
    ck_assert(get(id).suspended);
    ck_assert_uint_eq(get(id).auth_version, 1);
    ck_assert(!wd_user_update(&domain, arena, wd_id_new(), &change, &no_once, &err));
    ck_assert_int_eq(err.reason, WD_USER_NOT_FOUND);
}
END_TEST

START_TEST(a_new_limit_starts_its_counter_again)
{
    struct wd_id id = users_make("andris", NULL);
    uint32_t forwards = 7;
    struct wd_user_change change = { .forwards = &forwards };
    struct wd_user_sent sent;
    struct wd_bus_count count;
    char key[40], hex[WD_ID_HEX + 1];

    for (int i = 0; i < 2; i++) {
        snprintf(key, sizeof key, "%s:%s", i ? "wdf" : "wdr", wd_id_hex(id, hex));
        ck_assert(wd_bus_count(domain.bus, wd_str_c(key), 5, 0, 86400, &count, &err));
    }
    ck_assert(wd_user_sent(&domain, id, &sent, &err));
    ck_assert_int_eq(sent.recipients, 5);
    ck_assert_int_eq(sent.forwards, 5);
    ck_assert_int_gt(sent.recipients_ttl_s, 86000);
    ck_assert(wd_user_update(&domain, arena, id, &change, &no_once, &err));
    ck_assert(wd_user_sent(&domain, id, &sent, &err));
    ck_assert_int_eq(sent.recipients, 5);
    ck_assert_int_eq(sent.forwards, 0);
    ck_assert_int_eq(sent.forwards_ttl_s, -1);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("user");

    tcase_add_checked_fixture(cases, users_setup, users_teardown);
    tcase_add_test(cases, create_makes_everything);
    tcase_add_loop_test(cases, the_main_address, 0, (int)WD_COUNT(main_addresses));
    tcase_add_loop_test(cases, usernames_that_are_taken, 0, (int)WD_COUNT(good_names));
    tcase_add_loop_test(cases, usernames_that_are_not, 0, (int)WD_COUNT(bad_names));
    tcase_add_test(cases, a_name_that_differs_in_dots_and_case_is_taken);
    tcase_add_test(cases, a_taken_address_leaves_nothing_behind);
    tcase_add_test(cases, a_repeat_with_the_key_gets_the_first_outcome);
    tcase_add_test(cases, a_repeat_with_the_id_finds_the_account);
    tcase_add_test(cases, an_unfinished_account_is_made_again);
    tcase_add_test(cases, an_account_without_the_mark_is_finished);
    tcase_add_test(cases, a_failure_anywhere_leaves_nothing_behind);
    tcase_add_test(cases, an_imported_hash_is_kept_as_it_is);
    tcase_add_test(cases, accounts_are_found_three_ways);
    tcase_add_test(cases, limits_have_defaults_and_used_is_never_negative);
    tcase_add_test(cases, the_list_has_pages_and_a_query);
    tcase_add_test(cases, a_new_password_ends_what_the_old_one_began);
    tcase_add_test(cases, only_what_is_given_changes);
    tcase_add_test(cases, suspending_ends_sessions);
    tcase_add_test(cases, a_new_limit_starts_its_counter_again);
    return run_case("user", cases);
}
