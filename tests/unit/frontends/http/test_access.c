#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "frontends/http/access.h"
#include "tests/run.h"

static struct http_roles *roles;
static struct wd_error err;

static void
setup(void)
{
    roles = http_roles_new(NULL, &err);
    ck_assert_ptr_nonnull(roles);
}

static void
teardown(void)
{
    http_roles_free(roles);
}

static const struct {
    const char *role, *resource;
    enum http_action action;
    int want; /* 0: no, 1: for its own, 2: for any */
} rows[] = {
    { "root", "users", HTTP_DELETES, 2 },
    { "root", "audit", HTTP_READ, 0 },
    { "root", "export", HTTP_CREATE, 0 },
    { "root", "asps", HTTP_UPDATE, 0 },
    { "manager", "mailboxes", HTTP_READ, 0 },
    { "manager", "certs", HTTP_UPDATE, 2 },
    { "webmail", "users", HTTP_UPDATE, 2 },
    { "webmail", "users", HTTP_CREATE, 0 },
    { "webmail", "userlisting", HTTP_READ, 0 },
    { "user", "users", HTTP_READ, 1 },
    { "user", "users", HTTP_UPDATE, 1 },
    { "user", "users", HTTP_DELETES, 0 },
    { "user", "authentication", HTTP_CREATE, 1 },
    { "user", "domainaccess", HTTP_READ, 0 },
    { "user", "webhooks", HTTP_READ, 1 },
    { "user", "webhooks", HTTP_CREATE, 0 },
    { "auth", "authentication", HTTP_CREATE, 2 },
    { "auth", "authentication", HTTP_READ, 0 },
    { "audit", "audit", HTTP_CREATE, 2 },
    { "auditclient", "audit", HTTP_CREATE, 0 },
    { "settings", "settings", HTTP_UPDATE, 2 },
    { "nobody", "users", HTTP_READ, 0 },
};

START_TEST(roles_may_what_the_table_says)
{
    struct http_permission p = http_permission(roles, rows[_i].role, rows[_i].resource, rows[_i].action);

    ck_assert_msg(p.granted == (rows[_i].want > 0), "%s %s", rows[_i].role, rows[_i].resource);
    if (p.granted)
        ck_assert_int_eq(p.own, rows[_i].want == 1);
}
END_TEST

START_TEST(attributes_are_hidden_in_objects_and_lists)
{
    const char *hidden = http_permission(roles, "user", "users", HTTP_READ).attributes;
    json_t *answer = json_pack("{s:s, s:[s], s:{}, s:[{s:s, s:{}}]}", "id", "1", "tags", "a", "internalData",
                               "results", "id", "2", "internalData");

    http_attributes_filter(hidden, answer);
    ck_assert_ptr_null(json_object_get(answer, "tags"));
    ck_assert_ptr_null(json_object_get(answer, "internalData"));
    ck_assert_ptr_nonnull(json_object_get(answer, "id"));
    ck_assert_uint_eq(json_object_size(json_array_get(json_object_get(answer, "results"), 0)), 1);
    json_decref(answer);
    hidden = http_permission(roles, "user", "users", HTTP_UPDATE).attributes;
    ck_assert(!http_attribute_allowed(hidden, "quota") && http_attribute_allowed(hidden, "password"));
    hidden = http_permission(roles, "auth", "authentication", HTTP_CREATE).attributes;
    ck_assert(!http_attribute_allowed(hidden, "token"));
}
END_TEST

/* Writes a file of roles; the caller removes it. */
static void
write_file(char name[32], const char *text)
{
    FILE *f;
    int fd;

    strcpy(name, "/tmp/wd-roles.XXXXXX");
    fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "w");
    fputs(text, f);
    fclose(f);
}

START_TEST(a_file_replaces_the_shipped_roles)
{
    char name[32];
    struct http_roles *own;
    struct http_permission p;

    write_file(name, "{\"clerk\": {\"users\": {\"read:any\": [\"id\", \"name\"], "
                     "\"update:own\": [\"*\", \"!name\"]}, "
                     "\"asps\": {\"read:own\": [\"*\"], \"read:any\": [\"id\"]}}}");
    own = http_roles_new(name, &err);
    ck_assert_ptr_nonnull(own);
    ck_assert(http_roles_known(own, "clerk") && !http_roles_known(own, "root"));
    p = http_permission(own, "clerk", "users", HTTP_READ);
    ck_assert(p.granted && !p.own);
    ck_assert(http_attribute_allowed(p.attributes, "name") && !http_attribute_allowed(p.attributes, "quota"));
    ck_assert(http_permission(own, "clerk", "users", HTTP_UPDATE).own);
    ck_assert(!http_permission(own, "clerk", "asps", HTTP_READ).own); /* the wider one */
    http_roles_free(own);
    unlink(name);
}
END_TEST

static const char *const bad[] = {
    "{", "[]", "{\"a\": {\"users\": {\"read\": [\"*\"]}}}", "{\"a\": {\"users\": {\"eat:any\": [\"*\"]}}}",
    "{\"a\": {\"users\": {\"read:any\": \"*\"}}}", "{\"a\": {\"users\": {\"read:any\": [7]}}}",
};

START_TEST(a_file_that_is_not_understood_is_refused)
{
    char name[32];

    write_file(name, bad[_i]);
    ck_assert_ptr_null(http_roles_new(name, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    unlink(name);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("access");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, roles_may_what_the_table_says, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, attributes_are_hidden_in_objects_and_lists);
    tcase_add_test(t, a_file_replaces_the_shipped_roles);
    tcase_add_loop_test(t, a_file_that_is_not_understood_is_refused, 0, (int)WD_COUNT(bad));
    return run_case("http access", t);
}
