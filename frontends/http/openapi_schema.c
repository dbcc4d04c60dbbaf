/* Schemas of parameters by their rows, of answers by their rows and the descriptors of their messages. */
#include <assert.h>

#include "common/base/lifetime.h"
#include "frontends/http/map.h"
#include "frontends/http/openapi_priv.h"

static json_t *
typed(const char *type, const char *format)
{
    json_t *o = json_object();

    json_object_set_new(o, "type", json_string(type));
    if (format)
        json_object_set_new(o, "format", json_string(format));
    return o;
}

json_t *
http_schema_binary(void)
{
    return typed("string", "binary");
}

/* ---- parameters ---- */

static void add_rows(json_t *schema, const struct http_param *items);

static void
add_words(json_t *schema, const char *words)
{
    struct wd_str rest = wd_str_c(words), word;
    json_t *list = json_array();

    while (wd_str_split(&rest, ' ', &word))
        json_array_append_new(list, json_stringn(word.p, word.n));
    json_object_set_new(schema, "enum", list);
}

static void
add_limits(json_t *schema, const struct http_param *p)
{
    static const struct {
        const char *least, *most;
    } names[] = {
        [HTTP_TEXT] = { "minLength", "maxLength" }, [HTTP_HEX] = { NULL, "maxLength" },
        [HTTP_NUMBER] = { "minimum", "maximum" },   [HTTP_COUNT] = { "minimum", "maximum" },
        [HTTP_ARRAY] = { "minItems", "maxItems" },  [HTTP_LOGIN] = { "minLength", "maxLength" },
        [HTTP_NAME] = { "minLength", "maxLength" }, [HTTP_PLAIN_EMAIL] = { "minLength", "maxLength" },
    };

    if (p->type >= WD_COUNT(names))
        return;
    if (names[p->type].least && p->min)
        json_object_set_new(schema, names[p->type].least, json_integer(p->min));
    if (names[p->type].most && p->max)
        json_object_set_new(schema, names[p->type].most, json_integer(p->max));
}

json_t *
http_schema_param(const struct http_param *p)
{
    static const struct {
        const char *type, *format;
    } types[] = {
        [HTTP_TEXT] = { "string", NULL },         [HTTP_FLAG] = { "boolean", NULL },
        [HTTP_NUMBER] = { "number", NULL },       [HTTP_DATE] = { "string", "date-time" },
        [HTTP_ID] = { "string", NULL },           [HTTP_HEX] = { "string", NULL },
        [HTTP_WORD] = { "string", NULL },         [HTTP_EMAIL] = { "string", "email" },
        [HTTP_URL] = { "string", "uri" },         [HTTP_TARGET] = { "string", NULL },
        [HTTP_IP] = { "string", NULL },           [HTTP_HOSTNAME] = { "string", "hostname" },
        [HTTP_USERNAME] = { "string", NULL },     [HTTP_ACCOUNT] = { "string", NULL },
        [HTTP_META] = { "object", NULL },         [HTTP_CURSOR] = { "string", NULL },
        [HTTP_UIDS] = { "string", NULL },         [HTTP_ARRAY] = { "array", NULL },
        [HTTP_OBJECT] = { "object", NULL },       [HTTP_LOGIN] = { "string", NULL },
        [HTTP_NAME] = { "string", NULL },         [HTTP_PLAIN_EMAIL] = { "string", "email" },
        [HTTP_COUNT] = { "integer", NULL },       [HTTP_ONLY_USER] = { "string", NULL },
    };
    json_t *o = typed(types[p->type].type, types[p->type].format), *either, *list;

    add_limits(o, p);
    if (p->type == HTTP_ID)
        json_object_set_new(o, "pattern", json_string("^[0-9a-fA-F]{24}$"));
    if (p->type == HTTP_WORD)
        add_words(o, p->words);
    if (p->type == HTTP_ARRAY)
        json_object_set_new(o, "items", http_schema_param(p->items));
    if (p->type == HTTP_OBJECT)
        add_rows(o, p->items);
    if (p->initial)
        json_object_set_new(o, "default", json_loads(p->initial, JSON_DECODE_ANY, NULL));
    if (!(p->flags & HTTP_OR_FALSE))
        return o;
    either = json_object();
    list = json_array();
    json_array_append_new(list, o);
    json_array_append_new(list, typed("boolean", NULL));
    json_object_set_new(either, "oneOf", list);
    return either;
}

static void
add_rows(json_t *schema, const struct http_param *items)
{
    json_t *properties = json_object(), *required = json_array();

    for (const struct http_param *p = items; p->name; p++) {
        json_object_set_new(properties, p->name, http_schema_param(p));
        if (p->flags & HTTP_REQUIRED)
            json_array_append_new(required, json_string(p->name));
    }
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
}

void
http_schema_session(json_t *properties)
{
    json_t *text = typed("string", NULL);

    json_object_set_new(text, "maxLength", json_integer(255));
    json_object_set_new(properties, "sess", text);
    json_object_set_new(properties, "ip", typed("string", NULL));
}

/* ---- answers ---- */

static json_t *
plain_schema(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return typed("boolean", NULL);
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_ENUM:
        return typed("string", NULL);
    case PROTOBUF_C_TYPE_DOUBLE:
        return typed("number", NULL);
    default:
        return typed("integer", NULL);
    }
}

static json_t *
array_of(json_t *items)
{
    json_t *o = typed("array", NULL);

    json_object_set_new(o, "items", items);
    return o;
}

static json_t *object_schema(const struct http_field *rows, const ProtobufCMessageDescriptor *type,
                             const struct http_param *params);

static json_t *
value_schema(const struct http_field *f, const ProtobufCFieldDescriptor *field)
{
    switch (f->render) {
    case HTTP_ISO_DATE:
        return typed("string", "date-time");
    case HTTP_BASE64:
        return typed("string", "byte");
    case HTTP_JSON:
    case HTTP_PAIRS:
        return typed("object", NULL);
    case HTTP_SUB:
        return object_schema(f->rows, field->descriptor, NULL);
    case HTTP_ROWS:
        return array_of(object_schema(f->rows, field->descriptor, NULL));
    case HTTP_FIRST:
        return array_of(value_schema(f->rows, http_map_field(field->descriptor, f->rows[0].field)));
    case HTTP_POSITION:
        return typed("string", NULL);
    case HTTP_PAGE_NUMBER:
        return typed("integer", NULL);
    case HTTP_PLAIN:
        break;
    }
    return field->label == PROTOBUF_C_LABEL_REPEATED ? array_of(plain_schema(field)) : plain_schema(field);
}

/* An absent value of another type is one more type that a client must expect. */
static json_t *
with_absent(const struct http_field *f, json_t *schema)
{
    json_t *either, *list;

    if (!f->absent || (strcmp(f->absent, "false") != 0 && strcmp(f->absent, "null") != 0))
        return schema;
    if (strcmp(f->absent, "null") == 0) {
        json_object_set_new(schema, "nullable", json_true());
        return schema;
    }
    if (strcmp(json_string_value(json_object_get(schema, "type")), "boolean") == 0)
        return schema;
    either = json_object();
    list = json_array();
    json_array_append_new(list, schema);
    json_array_append_new(list, typed("boolean", NULL));
    json_object_set_new(either, "oneOf", list);
    return either;
}

static json_t *
object_schema(const struct http_field *rows, const ProtobufCMessageDescriptor *type, const struct http_param *params)
{
    json_t *o = typed("object", NULL), *properties = json_object();

    for (const struct http_field *f = rows; f->name; f++) {
        json_t *schema = NULL;
        if (f->field)
            schema = with_absent(f, value_schema(f, http_map_field(type, f->field)));
        for (const struct http_param *p = params; !f->field && p && p->name; p++)
            if (strcmp(p->name, f->name) == 0)
                schema = http_schema_param(p);
        if (schema)
            json_object_set_new(properties, f->name, schema);
    }
    json_object_set_new(o, "properties", properties);
    return o;
}

json_t *
http_schema_reply(const struct http_route *r)
{
    const ProtobufCMethodDescriptor *method = http_route_method(r);
    json_t *o = object_schema(r->fields, method ? method->output : NULL, r->params);
    json_t *required = json_array();

    json_array_append_new(required, json_string("success"));
    json_object_set_new(json_object_get(o, "properties"), "success", typed("boolean", NULL));
    json_object_set_new(o, "required", required);
    return o;
}

/* ---- what all have in common ---- */

json_t *
http_schema_security(void)
{
    return json_pack("[{s:[]}, {s:[]}, {s:[]}, {}]", "AccessTokenHeader", "AccessTokenQuery", "Bearer");
}

static json_t *
session_parameter(const char *name, int most)
{
    json_t *o = json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in", "query", "required", 0, "schema", "type",
                          "string");

    if (most)
        json_object_set_new(json_object_get(o, "schema"), "maxLength", json_integer(most));
    return o;
}

json_t *
http_schema_components(void)
{
    json_t *error = json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:{s:s}}}}", "type", "object", "properties",
                              "error", "type", "string", "code", "type", "string", "message", "type", "string",
                              "details", "type", "object", "additionalProperties", "type", "string");
    json_t *response = json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", "Failure", "content", "application/json",
                                 "schema", "$ref", "#/components/schemas/Error");
    json_t *schemes =
        json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "AccessTokenHeader", "type", "apiKey", "in",
                  "header", "name", "X-Access-Token", "AccessTokenQuery", "type", "apiKey", "in", "query", "name",
                  "accessToken", "Bearer", "type", "http", "scheme", "bearer");

    return json_pack("{s:o, s:{s:o}, s:{s:o}, s:{s:o, s:o}}", "securitySchemes", schemes, "schemas", "Error", error,
                     "responses", "Error", response, "parameters", "sess", session_parameter("sess", 255), "ip",
                     session_parameter("ip", 0));
}
