#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "frontends/http/map.h"
#include "tests/run.h"
#include "wd/v1/users.pb-c.h"

static struct wd_arena *arena;

static void
setup(void)
{
    arena = wd_arena_new(0);
}

static void
teardown(void)
{
    wd_arena_free(arena);
}

static const struct http_route *
route(enum evhttp_cmd_type method, const char *path)
{
    bool known;
    const struct http_route *r = http_route_find(method, wd_str_c(path), &known);

    ck_assert_ptr_nonnull(r);
    return r;
}

/* *read is what was well formed; the message is NULL when the request is refused. */
static ProtobufCMessage *
mapped(const struct http_route *r, const char *json, json_t **read, struct wd_error *err)
{
    json_t *params = json_loads(json, 0, NULL);
    ProtobufCMessage *request;
    bool ok;

    ck_assert_ptr_nonnull(params);
    *read = json_object();
    ok = http_map_request(r, params, arena, *read, &request, err);
    json_decref(params);
    return ok ? request : NULL;
}

START_TEST(every_row_names_fields_that_exist)
{
    unsigned index;
    json_t *read, *out;
    struct wd_error err;

    for (const struct http_route *r = http_routes(); r->path; r++) {
        const ProtobufCMethodDescriptor *method = http_route_method(r, &index);
        ProtobufCMessage *reply = wd_arena_alloc(arena, method->output->sizeof_message);
        json_t *all = json_object();
        for (const struct http_param *p = r->params; p->name; p++) {
            const char *text = p->type == HTTP_EMAIL ? "ab@c.de" : p->type == HTTP_FLAG ? "yes" : "abc";
            json_object_set_new(all, p->name, p->type == HTTP_COUNT ? json_integer(p->min) : json_string(text));
        }
        read = json_object();
        ck_assert_msg(http_map_request(r, all, arena, read, &(ProtobufCMessage *){ NULL }, &err), "%s: %s", r->path,
                      err.text);
        protobuf_c_message_init(method->output, reply);
        out = json_object();
        http_map_reply(r->fields, reply, read, out);
        json_decref(out);
        json_decref(read);
        json_decref(all);
    }
}
END_TEST

START_TEST(parameters_become_fields)
{
    struct wd_error err;
    json_t *read;
    ProtobufCMessage *m = mapped(route(EVHTTP_REQ_POST, "/user/create"),
                                 "{\"username\":\"Ann7\",\"password\":\"s\u00e4cret\",\"quota\":\"1e3\",\"other\":[1]}",
                                 &read, &err);
    Wd__V1__CreateUserRequest *got = (void *)m;

    ck_assert_ptr_nonnull(m);
    ck_assert(got->username.len == 4 && memcmp(got->username.data, "ann7", 4) == 0);
    ck_assert(got->has_password && got->password.len == 7);
    ck_assert(got->has_quota && got->quota == 1000);
    ck_assert(!got->has_retention_ms);
    ck_assert_str_eq(json_string_value(json_object_get(read, "username")), "ann7");
    json_decref(read);
}
END_TEST

START_TEST(a_dotted_field_makes_its_message)
{
    struct wd_error err;
    json_t *read;
    Wd__V1__UpdateUserRequest *got =
        (void *)mapped(route(EVHTTP_REQ_POST, "/user/quota"), "{\"username\":\"ann\",\"forwards\":5}", &read, &err);

    ck_assert_ptr_nonnull(got);
    ck_assert_ptr_nonnull(got->user);
    ck_assert(got->user->has_username && got->user->username.len == 3);
    ck_assert(got->has_forwards && got->forwards == 5 && !got->has_quota);
    json_decref(read);
}
END_TEST

static const char *const refused[] = {
    "{}",
    "{\"username\":\"ab\",\"password\":\"secret\"}",
    "{\"username\":\"a.b.c\",\"password\":\"secret\"}",
    "{\"username\":\"a+b@c.de\",\"password\":\"secret\"}",
    "{\"username\":\"abc@de\",\"password\":\"secret\"}",
    "{\"username\":7,\"password\":\"secret\"}",
    "{\"username\":\"0123456789012345678901234567890\",\"password\":\"secret\"}",
    "{\"username\":\"abc\"}",
    "{\"username\":\"abc\",\"password\":\"x\"}",
    "{\"username\":\"abc\",\"password\":null}",
    "{\"username\":\"abc\",\"password\":\"secret\",\"quota\":-1}",
    "{\"username\":\"abc\",\"password\":\"secret\",\"quota\":1.5}",
    "{\"username\":\"abc\",\"password\":\"secret\",\"quota\":\"0x10\"}",
    "{\"username\":\"abc\",\"password\":\"secret\",\"quota\":\"\"}",
    "{\"username\":\"abc\",\"password\":\"secret\",\"quota\":true}",
    "{\"username\":\"abc\",\"password\":\"secret\",\"quota\":9007199254740992}",
};

START_TEST(malformed_values_are_refused_by_name)
{
    struct wd_error err = { 0 };
    json_t *read;

    ck_assert_ptr_null(mapped(route(EVHTTP_REQ_POST, "/user/create"), refused[_i], &read, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_int_eq(err.text[0], '"');
    json_decref(read);
}
END_TEST

START_TEST(what_was_well_formed_is_known_when_the_rest_is_not)
{
    struct wd_error err = { 0 };
    json_t *read;

    ck_assert_ptr_null(mapped(route(EVHTTP_REQ_POST, "/user/address/create"),
                              "{\"username\":\"ann\",\"address\":\"x\"}", &read, &err));
    ck_assert_str_eq(json_string_value(json_object_get(read, "username")), "ann");
    ck_assert_ptr_null(json_object_get(read, "address"));
    json_decref(read);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("map");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_row_names_fields_that_exist);
    tcase_add_test(t, parameters_become_fields);
    tcase_add_test(t, a_dotted_field_makes_its_message);
    tcase_add_loop_test(t, malformed_values_are_refused_by_name, 0, (int)WD_COUNT(refused));
    tcase_add_test(t, what_was_well_formed_is_known_when_the_rest_is_not);
    return run_case("http map", t);
}
