#include <check.h>

#include "common/base/lifetime.h"
#include "frontends/http/route.h"
#include "tests/run.h"

static const struct http_route routes[] = {
    { HTTP_GET, "/users" },
    { HTTP_POST, "/users" },
    { HTTP_GET, "/users/:user" },
    { HTTP_GET, "/users/resolve/:username" },
    { HTTP_PUT, "/users/:user/:thing" },
    { HTTP_GET, "/users/:user/:thing" },
    { HTTP_GET, "/users/:user/mailboxes/:mailbox/messages/:message/message.eml" },
    { HTTP_GET, "/public/*" },
    { 0 },
};

static const struct {
    enum http_method method;
    const char *path;
    int want; /* index of the row; -1: none */
    bool known; /* another method has the path */
    const char *first; /* value of the first parameter */
} rows[] = {
    { HTTP_GET, "/users", 0, true, NULL },
    { HTTP_POST, "/users", 1, true, NULL },
    { HTTP_DELETE, "/users", -1, true, NULL },
    { HTTP_GET, "/Users", -1, false, NULL },
    { HTTP_GET, "/users/", 2, true, "" },
    { HTTP_GET, "/users/abc", 2, true, "abc" },
    { HTTP_GET, "/users/abc/", 5, true, "abc" },
    { HTTP_GET, "/users/resolve/ann", 3, true, "ann" },
    { HTTP_PUT, "/users/resolve/ann", 4, true, "resolve" },
    { HTTP_GET, "/users/resolve", 2, true, "resolve" },
    { HTTP_GET, "/users//mailboxes/b/messages/c/message.eml", -1, false, NULL },
    { HTTP_GET, "/users/a/mailboxes/b/messages/c/message.eml", 6, true, "a" },
    { HTTP_GET, "/users/a/mailboxes/b/messages/c/message.em", -1, false, NULL },
    { HTTP_GET, "/public/a/b", 7, true, NULL },
    { HTTP_GET, "/public", -1, false, NULL },
    { HTTP_GET, "/", -1, false, NULL },
    { HTTP_GET, "", -1, false, NULL },
    { HTTP_OPTIONS, "*", -1, false, NULL },
};

START_TEST(paths_find_their_row)
{
    struct http_match m;

    http_route_find(routes, rows[_i].method, wd_str_c(rows[_i].path), &m);
    ck_assert_msg(m.route == (rows[_i].want < 0 ? NULL : &routes[rows[_i].want]), "%s", rows[_i].path);
    ck_assert_int_eq(m.methods != 0, rows[_i].known);
    if (rows[_i].first)
        ck_assert(m.n > 0 && wd_str_eq(m.values[0], wd_str_c(rows[_i].first)));
    if (rows[_i].want == 0)
        ck_assert_uint_eq(m.methods, 1u << HTTP_GET | 1u << HTTP_POST);
}
END_TEST

START_TEST(a_long_path_has_its_parameters_in_order)
{
    struct http_match m;

    http_route_find(routes, HTTP_GET, WD_STR("/users/a/mailboxes/b/messages/c/message.eml"), &m);
    ck_assert_uint_eq(m.n, 3);
    ck_assert(wd_str_eq(m.names[2], WD_STR("message")) && wd_str_eq(m.values[2], WD_STR("c")));
}
END_TEST

static size_t
params_of(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += *path == ':';
    return n;
}

/* A row that the framework could not serve is found here, not by a client. */
START_TEST(every_row_of_the_table_is_sound)
{
    for (const struct http_route *r = http_routes(); r->path; r++) {
        struct http_match m;
        ck_assert_msg(r->path[0] == '/' && params_of(r->path) <= HTTP_PATH_PARAMS_MAX, "%s", r->path);
        ck_assert_msg(r->run && r->params && r->fields && r->id && r->tag && r->summary, "%s", r->path);
        ck_assert_msg((r->resource != NULL) == (r->needs >= HTTP_ANY), "%s", r->path);
        ck_assert_msg(!r->rpc || http_route_method(r), "%s", r->path);
        http_route_find(http_routes(), r->method, wd_str_c(r->path), &m);
        ck_assert_msg(m.route == r, "%s is hidden by another row", r->path);
        for (const struct http_route *other = http_routes(); other->path; other++)
            ck_assert_msg(other == r || strcmp(other->id, r->id) != 0, "%s: %s twice", r->path, r->id);
        for (size_t i = 0; i < m.n; i++) {
            bool found = false;
            for (const struct http_param *p = r->params; p->name; p++)
                found = found || wd_str_eq(wd_str_c(p->name), m.names[i]);
            ck_assert_msg(found, "%s: no row for a parameter of the path", r->path);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("route");

    tcase_add_loop_test(t, paths_find_their_row, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, a_long_path_has_its_parameters_in_order);
    tcase_add_test(t, every_row_of_the_table_is_sound);
    return run_case("http route", t);
}
