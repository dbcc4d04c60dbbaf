#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "frontends/http/openapi.h"
#include "tests/run.h"

static json_t *
at(json_t *o, const char *const *path)
{
    for (; *path && o; path++)
        o = json_object_get(o, *path);
    return o;
}

#define AT(o, ...) at(o, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(every_route_is_described)
{
    json_t *all = http_openapi(http_routes()), *paths = json_object_get(all, "paths"), *item;
    const char *path;
    size_t operations = 0, routes = 0;

    json_object_foreach(paths, path, item)
        operations += json_object_size(item);
    for (const struct http_route *r = http_routes(); r->path; r++)
        routes += !(r->flags & HTTP_HIDDEN);
    ck_assert_uint_eq(operations, routes);
    json_decref(all);
}
END_TEST

START_TEST(parameters_and_answers_have_their_types)
{
    json_t *all = http_openapi(http_routes());
    json_t *get = AT(all, "paths", "/users/{user}/authlog", "get");
    json_t *post = AT(all, "paths", "/authenticate", "post");
    json_t *body = AT(post, "requestBody", "content", "application/json", "schema");

    ck_assert_str_eq(json_string_value(json_object_get(get, "operationId")), "getAuthlog");
    ck_assert_str_eq(json_string_value(AT(json_array_get(json_object_get(get, "parameters"), 0), "in")), "path");
    ck_assert_str_eq(json_string_value(AT(body, "properties", "token", "type")), "boolean");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "required")), 2);
    ck_assert_str_eq(json_string_value(AT(get, "responses", "200", "content", "application/json", "schema",
                                          "properties", "results", "items", "properties", "created", "format")),
                     "date-time");
    ck_assert_ptr_nonnull(AT(all, "components", "securitySchemes", "Bearer"));
    json_decref(all);
}
END_TEST

START_TEST(paths_of_one_shape_are_one_path)
{
    static const struct http_param by_id[] = { { "id", HTTP_ID, HTTP_REQUIRED }, { 0 } };
    static const struct http_param by_address[] = { { "address", HTTP_ID, HTTP_REQUIRED }, { 0 } };
    static const struct http_field none[] = { { 0 } };
    static const struct http_route routes[] = {
        { HTTP_GET, "/a/:address", "x", "t", "s", .params = by_address, .fields = none },
        { HTTP_PUT, "/a/:id", "y", "t", "s", .params = by_id, .fields = none },
        { 0 },
    };
    json_t *all = http_openapi(routes), *put = AT(all, "paths", "/a/{address}", "put");

    ck_assert_uint_eq(json_object_size(json_object_get(all, "paths")), 1);
    ck_assert_str_eq(json_string_value(AT(json_array_get(json_object_get(put, "parameters"), 0), "name")), "address");
    json_decref(all);
}
END_TEST

START_TEST(it_is_the_same_every_time)
{
    json_t *one = http_openapi(http_routes()), *two = http_openapi(http_routes()), *back;
    char *a = json_dumps(one, 0), *b = json_dumps(two, 0);

    ck_assert_str_eq(a, b);
    back = json_loads(a, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(back);
    json_decref(back);
    free(a);
    free(b);
    json_decref(one);
    json_decref(two);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("openapi");

    tcase_add_test(t, every_route_is_described);
    tcase_add_test(t, parameters_and_answers_have_their_types);
    tcase_add_test(t, paths_of_one_shape_are_one_path);
    tcase_add_test(t, it_is_the_same_every_time);
    return run_case("http openapi", t);
}
