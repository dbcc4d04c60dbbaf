#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "frontends/http/check.h"
#include "frontends/http/map.h"
#include "tests/run.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/messages.pb-c.h"
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
route(enum http_method method, const char *path)
{
    struct http_match m;

    http_route_find(http_routes(), method, wd_str_c(path), &m);
    ck_assert_ptr_nonnull(m.route);
    return m.route;
}

/* ---- every row names fields that exist, and of a type that fits ---- */

static void
check_fields(const struct http_route *r, const struct http_field *fields, const ProtobufCMessageDescriptor *type)
{
    for (const struct http_field *f = fields; f->name; f++) {
        const ProtobufCFieldDescriptor *field = f->field ? http_map_field(type, f->field) : NULL;
        bool rows = f->render == HTTP_ROWS || f->render == HTTP_FIRST || f->render == HTTP_PAIRS;
        ck_assert_msg(!f->field || field, "%s: no field %s", r->path, f->field);
        if (!field)
            continue;
        ck_assert_msg((f->rows != NULL) == (rows || f->render == HTTP_SUB), "%s: %s", r->path, f->name);
        ck_assert_msg(!rows || field->label == PROTOBUF_C_LABEL_REPEATED, "%s: %s", r->path, f->name);
        ck_assert_msg(f->render != HTTP_ISO_DATE || field->type == PROTOBUF_C_TYPE_INT64, "%s: %s", r->path, f->name);
        ck_assert_msg(f->render != HTTP_PLAIN || field->type != PROTOBUF_C_TYPE_MESSAGE, "%s: %s", r->path, f->name);
        if (f->rows)
            check_fields(r, f->rows, field->descriptor);
    }
}

static void
check_params(const struct http_route *r, const struct http_param *table, const ProtobufCMessageDescriptor *type)
{
    for (const struct http_param *p = table; p->name; p++) {
        const ProtobufCFieldDescriptor *field = p->field ? http_map_field(type, p->field) : NULL;
        ck_assert_msg(!p->field || field, "%s: no field %s", r->path, p->field);
        ck_assert_msg((p->items != NULL) == (p->type == HTTP_ARRAY || p->type == HTTP_OBJECT), "%s: %s", r->path,
                      p->name);
        ck_assert_msg((p->type == HTTP_WORD || p->type == HTTP_URL || p->type == HTTP_TARGET) == (p->words != NULL),
                      "%s: %s", r->path, p->name);
        if (p->initial) {
            json_t *value = json_loads(p->initial, JSON_DECODE_ANY, NULL);
            ck_assert_msg(value != NULL, "%s: default of %s", r->path, p->name);
            json_decref(value);
        }
        if (field && p->type == HTTP_OBJECT)
            check_params(r, p->items, field->descriptor);
    }
}

START_TEST(every_row_names_fields_that_exist)
{
    for (const struct http_route *r = http_routes(); r->path; r++) {
        const ProtobufCMethodDescriptor *method = http_route_method(r);
        if (!method)
            continue;
        check_params(r, r->params, method->input);
        check_fields(r, r->fields, method->output);
    }
}
END_TEST

/* ---- requests ---- */

/* The request message of a route for parameters; NULL when they are refused. */
static ProtobufCMessage *
mapped(const struct http_route *r, const char *text)
{
    struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
    json_t *given = json_loads(text, 0, NULL), *read = json_object();
    ProtobufCMessage *request = http_map_new(http_route_method(r)->input, arena);
    bool ok;

    ck_assert_ptr_nonnull(given);
    ok = http_check_params(check, r->params, given, true, (r->flags & HTTP_LENIENT) != 0, read);
    if (ok)
        http_map_request(r->params, read, request, arena);
    json_decref(read);
    json_decref(given);
    return ok ? request : NULL;
}

START_TEST(parameters_become_fields)
{
    Wd__V1__CreateUserRequest *got =
        (void *)mapped(route(HTTP_POST, "/user/create"),
                       "{\"username\":\"Ann7\",\"password\":\"s\u00e4cret\",\"quota\":\"1e3\",\"other\":[1]}");

    ck_assert_ptr_nonnull(got);
    ck_assert(got->username.len == 4 && memcmp(got->username.data, "ann7", 4) == 0);
    ck_assert(got->has_password && got->password.len == 7);
    ck_assert(got->has_quota && got->quota == 1000);
    ck_assert(!got->has_retention_ms);
}
END_TEST

START_TEST(a_dotted_field_makes_its_message)
{
    Wd__V1__UpdateUserRequest *got =
        (void *)mapped(route(HTTP_POST, "/user/quota"), "{\"username\":\"ann\",\"forwards\":5}");

    ck_assert_ptr_nonnull(got);
    ck_assert_ptr_nonnull(got->user);
    ck_assert(got->user->has_username && got->user->username.len == 3);
    ck_assert(got->has_forwards && got->forwards == 5 && !got->has_quota);
}
END_TEST

START_TEST(paging_becomes_positions)
{
    Wd__V1__ListAuthEventsRequest *got =
        (void *)mapped(route(HTTP_GET, "/users/:user/authlog"),
                       "{\"user\":\"5A0000000000000000000001\",\"limit\":\"7\","
                       "\"next\":\"eyIkb2lkIjoiNWEwMDAwMDAwMDAwMDAwMDAwMDAwMDAyIn0\",\"previous\":\"\"}");

    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(got->user, "5a0000000000000000000001");
    ck_assert_uint_eq(got->page->limit, 7);
    ck_assert_str_eq(got->page->next->id, "5a0000000000000000000002");
    ck_assert(!got->page->next->has_text && !got->page->previous);
}
END_TEST

/* clang-format off */
static const struct http_param word_row[] = { { "", HTTP_WORD, .words = "a b" }, { 0 } };
static const struct http_param search_node[] = {
    { "key", HTTP_WORD, .words = "all text", .field = "key" },
    { "uids", HTTP_OBJECT, .items = (const struct http_param[]){
        { "deltas", HTTP_ARRAY, .field = "deltas", .items = (const struct http_param[]){ { "", HTTP_NUMBER }, { 0 } } }, { 0 } },
      .field = "uids" },
    { "text", HTTP_TEXT, HTTP_OR_FALSE, .field = "text" },
    { 0 },
};
static const struct http_param object_row[] = { { "", HTTP_OBJECT, .items = search_node }, { 0 } };
static const struct http_param nested[] = {
    { "mailbox", HTTP_TEXT, .field = "mailbox" },
    { "program", HTTP_ARRAY, .items = object_row, .field = "program" },
    { 0 },
};
static const struct http_param scopes[] = {
    { "scopes", HTTP_ARRAY, .items = word_row, .field = "disabled_scopes" },
    { "quota", HTTP_NUMBER, .field = "quota" },
    { "recipients", HTTP_NUMBER, .field = "recipients" },
    { 0 },
};
/* clang-format on */

static void
fill(const struct http_param *table, const char *text, ProtobufCMessage *to)
{
    struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
    json_t *given = json_loads(text, 0, NULL), *read = json_object();

    ck_assert_ptr_nonnull(given);
    ck_assert(http_check_params(check, table, given, false, false, read));
    http_map_request(table, read, to, arena);
    json_decref(read);
    json_decref(given);
}

START_TEST(arrays_and_objects_become_repeated_messages)
{
    Wd__V1__SearchRequest got = WD__V1__SEARCH_REQUEST__INIT;

    fill(nested, "{\"mailbox\":\"m\",\"program\":[{\"key\":\"all\"},{\"key\":\"text\",\"text\":\"x\","
                 "\"uids\":{\"deltas\":[1,2.9]}},{\"text\":false}]}",
         &got.base);
    ck_assert_str_eq(got.mailbox, "m");
    ck_assert_uint_eq(got.n_program, 3);
    ck_assert_int_eq(got.program[0]->key, WD__V1__SEARCH_NODE__KEY__ALL);
    ck_assert(!got.program[0]->has_text && !got.program[0]->uids);
    ck_assert_int_eq(got.program[1]->key, WD__V1__SEARCH_NODE__KEY__TEXT);
    ck_assert_uint_eq(got.program[1]->uids->n_deltas, 2);
    ck_assert_uint_eq(got.program[1]->uids->deltas[1], 2);
    ck_assert(got.program[2]->has_text && got.program[2]->text.len == 0);
}
END_TEST

START_TEST(repeated_scalars_and_numbers_that_do_not_fit)
{
    Wd__V1__UpdateUserRequest got = WD__V1__UPDATE_USER_REQUEST__INIT;

    fill(scopes, "{\"scopes\":[\"b\",\"a\"],\"quota\":9007199254740991,\"recipients\":4294967296}", &got.base);
    ck_assert_uint_eq(got.n_disabled_scopes, 2);
    ck_assert_str_eq(got.disabled_scopes[0], "b");
    ck_assert(got.quota == 9007199254740991 && got.recipients == UINT32_MAX);
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

START_TEST(the_early_api_refuses_malformed_values)
{
    ck_assert_ptr_null(mapped(route(HTTP_POST, "/user/create"), refused[_i]));
}
END_TEST

/* ---- replies ---- */

static void
is_rendered(const struct http_field *fields, const ProtobufCMessage *reply, const json_t *read, const char *want)
{
    json_t *out = json_object();
    char *text;

    http_map_reply(fields, reply, read, out);
    text = json_dumps(out, 0);
    ck_assert_str_eq(text, want);
    free(text);
    json_decref(out);
}

START_TEST(fields_become_members)
{
    static const struct http_field fields[] = {
        { "id", HTTP_PLAIN, "id" },
        { "name", HTTP_PLAIN, "name" },
        { "nothing", HTTP_PLAIN, "address" },
        { "language", HTTP_PLAIN, "language", .absent = "null" },
        { "created", HTTP_ISO_DATE, "created_ms" },
        { "quota", HTTP_PLAIN, "quota" },
        { "disabled", HTTP_PLAIN, "disabled", .absent = "false" },
        { "scopes", HTTP_PLAIN, "disabled_scopes" },
        { "none", HTTP_PLAIN, "disabled_scopes", .absent = "false" },
        { "echo", HTTP_PLAIN, NULL },
        { "meta", HTTP_JSON, "username" },
        { "digits", HTTP_BASE64, "name" },
        { 0 },
    };
    Wd__V1__User user = WD__V1__USER__INIT;
    static char id[] = "1", scope[] = "imap";
    static uint8_t name[] = "a\xff", json[] = "{\"a\":[1]}";
    char *list[] = { scope };
    json_t *read = json_pack("{s:s}", "echo", "x");

    user.id = id;
    user.has_name = user.has_created_ms = user.has_quota = true;
    user.name = (ProtobufCBinaryData){ 2, name };
    user.username = (ProtobufCBinaryData){ sizeof json - 1, json };
    user.quota = 5;
    is_rendered(fields, &user.base, read,
                "{\"id\": \"1\", \"name\": \"a\xef\xbf\xbd\", \"language\": null, "
                "\"created\": \"1970-01-01T00:00:00.000Z\", "
                "\"quota\": 5, \"disabled\": false, \"scopes\": [], \"none\": false, \"echo\": \"x\", "
                "\"meta\": {\"a\": [1]}, \"digits\": \"Yf8=\"}");
    user.n_disabled_scopes = 1;
    user.disabled_scopes = list;
    is_rendered(fields + 7, &user.base, NULL,
                "{\"scopes\": [\"imap\"], \"none\": [\"imap\"], \"meta\": {\"a\": [1]}, \"digits\": \"Yf8=\"}");
    json_decref(read);
}
END_TEST

START_TEST(messages_become_objects_rows_and_pairs)
{
    static const struct http_field pair[] = { { "name", HTTP_PLAIN, "name" },
                                              { "value", HTTP_PLAIN, "value" },
                                              { 0 } };
    static const struct http_field subject[] = { { "subject", HTTP_PLAIN, "subject" }, { 0 } };
    static const struct http_field fields[] = {
        { "type", HTTP_PLAIN, "type" },
        { "params", HTTP_PAIRS, "parameters", pair },
        { "rows", HTTP_ROWS, "parameters", pair },
        { "names", HTTP_FIRST, "parameters", pair },
        { "envelope", HTTP_SUB, "envelope", subject },
        { "subject", HTTP_PLAIN, "envelope.subject", .absent = "\"\"" },
        { 0 },
    };
    Wd__V1__BodyPart part = WD__V1__BODY_PART__INIT;
    Wd__V1__BodyParameter one = WD__V1__BODY_PARAMETER__INIT, *list[] = { &one };
    Wd__V1__Envelope envelope = WD__V1__ENVELOPE__INIT;
    static uint8_t text[] = "x";

    part.type = one.name = one.value = (ProtobufCBinaryData){ 1, text };
    part.n_parameters = 1;
    part.parameters = list;
    is_rendered(fields, &part.base, NULL,
                "{\"type\": \"x\", \"params\": {\"x\": \"x\"}, \"rows\": [{\"name\": \"x\", \"value\": \"x\"}], "
                "\"names\": [\"x\"], \"subject\": \"\"}");
    part.envelope = &envelope;
    envelope.has_subject = true;
    envelope.subject = part.type;
    is_rendered(fields + 4, &part.base, NULL, "{\"envelope\": {\"subject\": \"x\"}, \"subject\": \"x\"}");
}
END_TEST

START_TEST(pages_have_cursors_and_a_number)
{
    static const struct http_field fields[] = { HTTP_PAGED("page"), { 0 } };
    Wd__V1__ListAuthEventsReply reply = WD__V1__LIST_AUTH_EVENTS_REPLY__INIT;
    Wd__V1__PageReply page = WD__V1__PAGE_REPLY__INIT;
    Wd__V1__PagePosition at = WD__V1__PAGE_POSITION__INIT;
    static char id[] = "5a0000000000000000000001";
    json_t *read = json_pack("{s:i}", "page", 3);

    reply.page = &page;
    page.total = 7;
    at.id = id;
    page.next = &at;
    is_rendered(fields, &reply.base, read,
                "{\"total\": 7, \"page\": 1, \"previousCursor\": false, "
                "\"nextCursor\": \"eyIkb2lkIjoiNWEwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIn0\"}");
    page.previous = &at;
    page.next = NULL;
    is_rendered(fields, &reply.base, read,
                "{\"total\": 7, \"page\": 3, \"previousCursor\": \"eyIkb2lkIjoiNWEwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIn0\", "
                "\"nextCursor\": false}");
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
    tcase_add_test(t, paging_becomes_positions);
    tcase_add_test(t, arrays_and_objects_become_repeated_messages);
    tcase_add_test(t, repeated_scalars_and_numbers_that_do_not_fit);
    tcase_add_loop_test(t, the_early_api_refuses_malformed_values, 0, (int)WD_COUNT(refused));
    tcase_add_test(t, fields_become_members);
    tcase_add_test(t, messages_become_objects_rows_and_pairs);
    tcase_add_test(t, pages_have_cursors_and_a_number);
    return run_case("http map", t);
}
