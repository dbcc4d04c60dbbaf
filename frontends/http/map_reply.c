/* The fields of a reply message as JSON. */
#include <assert.h>
#include <stdlib.h>

#include "common/base/b64.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/mail/date.h"
#include "frontends/http/cursor.h"
#include "frontends/http/map.h"
#include "frontends/http/map_priv.h"
#include "frontends/http/params.h"

static json_t *
text_json(struct wd_str bytes)
{
    struct wd_buf repaired wd_auto(wd_buf_done) = { 0 };

    wd_utf8_repair(&repaired, bytes);
    return json_stringn(repaired.p ? repaired.p : "", repaired.n);
}

/* Follows a dotted path; .message is NULL when a sub-message on the way is not there. */
static struct place
find(const ProtobufCMessage *message, const char *path)
{
    struct wd_str rest = wd_str_c(path), name;
    struct place p = { NULL, http_map_field(message->descriptor, path) };

    assert(p.field); /* a test renders every row of the tables */
    p.message = place_at(message, 0);
    while (wd_str_split(&rest, '.', &name) && rest.p) {
        char key[64];
        const ProtobufCFieldDescriptor *sub;
        assert(name.n < sizeof key);
        memcpy(key, name.p, name.n);
        key[name.n] = '\0';
        sub = protobuf_c_message_descriptor_get_field_by_name(p.message->descriptor, key);
        p.message = *(ProtobufCMessage **)place_at(p.message, sub->offset);
        if (!p.message)
            return p;
    }
    return p;
}

static bool
is_present(struct place p)
{
    if (!p.message)
        return false;
    if (p.field->label == PROTOBUF_C_LABEL_REPEATED)
        return true;
    if (p.field->type == PROTOBUF_C_TYPE_STRING || p.field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void **)place_value(p) != NULL;
    return p.field->label == PROTOBUF_C_LABEL_REQUIRED || *(protobuf_c_boolean *)place_count(p);
}

/* ---- scalars ---- */

static struct wd_str
bytes_at(const ProtobufCFieldDescriptor *field, const void *from)
{
    const ProtobufCBinaryData *bytes = from;

    return field->type == PROTOBUF_C_TYPE_STRING ? wd_str_c(*(char *const *)from) : wd_str_n(bytes->data, bytes->len);
}

static json_t *
enum_json(const ProtobufCEnumDescriptor *type, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

    return value ? json_string(value->name) : json_null();
}

static json_t *
plain(const ProtobufCFieldDescriptor *field, const void *from)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_STRING:
        return text_json(bytes_at(field, from));
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)from);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer(*(const uint32_t *)from);
    case PROTOBUF_C_TYPE_INT32:
        return json_integer(*(const int32_t *)from);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        return json_integer(*(const int64_t *)from);
    case PROTOBUF_C_TYPE_DOUBLE:
        return json_real(*(const double *)from);
    case PROTOBUF_C_TYPE_ENUM:
        return enum_json(field->descriptor, *(const int *)from);
    default:
        assert(false); /* a test renders every row of the tables */
        return json_null();
    }
}

static json_t *
iso_date(const ProtobufCFieldDescriptor *field, const void *from)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    (void)field;
    wd_date_iso_add(&text, *(const int64_t *)from);
    return text_json(wd_buf_view(&text));
}

static json_t *
base64(const ProtobufCFieldDescriptor *field, const void *from)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_str bytes = bytes_at(field, from);

    wd_b64_encode(&text, bytes.p, bytes.n, WD_B64_PADDED);
    return text_json(wd_buf_view(&text));
}

static json_t *
stored_json(const ProtobufCFieldDescriptor *field, const void *from)
{
    json_t *value = http_json_read(bytes_at(field, from));

    return value ? value : json_object();
}

static json_t *
position(const ProtobufCFieldDescriptor *field, const void *from)
{
    (void)field;
    return http_cursor_write(*(Wd__V1__PagePosition *const *)from);
}

/* ---- arrays and objects ---- */

static size_t
element_bytes(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(uint32_t);
    default:
        return sizeof(uint64_t);
    }
}

static json_t *
scalars(struct place p, json_t *(*write)(const ProtobufCFieldDescriptor *, const void *))
{
    const char *elements = *(char **)place_value(p);
    json_t *array = json_array();

    for (size_t i = 0; i < *(size_t *)place_count(p); i++)
        json_array_append_new(array, write(p.field, elements + i * element_bytes(p.field)));
    return array;
}

static json_t *
object_of(const struct http_field *rows, const ProtobufCMessage *message)
{
    json_t *object = json_object();

    /* The recursion is that of our tables. */
    http_map_reply(rows, message, NULL, object);
    return object;
}

static json_t *
first_of(const struct http_field *rows, const ProtobufCMessage *message)
{
    json_t *object = object_of(rows, message), *value = json_object_get(object, rows[0].name);

    json_incref(value);
    json_decref(object);
    return value ? value : json_null();
}

static json_t *
messages(const struct http_field *f, struct place p)
{
    ProtobufCMessage **subs = *(ProtobufCMessage ***)place_value(p);
    json_t *array = json_array();

    for (size_t i = 0; i < *(size_t *)place_count(p); i++)
        json_array_append_new(array, f->render == HTTP_FIRST ? first_of(f->rows, subs[i])
                                                             : object_of(f->rows, subs[i]));
    return array;
}

static json_t *
pairs(const struct http_field *f, struct place p)
{
    ProtobufCMessage **subs = *(ProtobufCMessage ***)place_value(p);
    json_t *object = json_object();

    for (size_t i = 0; i < *(size_t *)place_count(p); i++) {
        json_t *name = first_of(f->rows, subs[i]);
        if (json_is_string(name))
            json_object_set_new(object, json_string_value(name), first_of(f->rows + 1, subs[i]));
        json_decref(name);
    }
    return object;
}

static json_t *
rendered(const struct http_field *f, struct place p)
{
    static json_t *(*const writers[])(const ProtobufCFieldDescriptor *, const void *) = {
        [HTTP_PLAIN] = plain,      [HTTP_ISO_DATE] = iso_date,  [HTTP_BASE64] = base64,
        [HTTP_JSON] = stored_json, [HTTP_POSITION] = position,
    };

    if (f->render == HTTP_PAIRS)
        return pairs(f, p);
    if (f->render == HTTP_ROWS || f->render == HTTP_FIRST)
        return messages(f, p);
    if (f->render == HTTP_SUB)
        return object_of(f->rows, *(ProtobufCMessage **)place_value(p));
    if (p.field->label == PROTOBUF_C_LABEL_REPEATED)
        return scalars(p, writers[f->render]);
    return writers[f->render](p.field, place_value(p));
}

/* The parameter, which is 1 whenever no page precedes. */
static json_t *
page_number(struct place p, const json_t *read)
{
    const Wd__V1__PageReply *page = is_present(p) ? *(Wd__V1__PageReply **)place_value(p) : NULL;
    json_t *asked = json_object_get(read, "page");

    return page && page->previous && asked ? json_incref(asked) : json_integer(1);
}

void
http_map_reply(const struct http_field *fields, const ProtobufCMessage *reply, const json_t *read, json_t *out)
{
    for (const struct http_field *f = fields; f->name; f++) {
        json_t *value = NULL;
        if (!f->field)
            value = json_incref(json_object_get(read, f->name));
        else if (f->render == HTTP_PAGE_NUMBER)
            value = page_number(find(reply, f->field), read);
        else if (is_present(find(reply, f->field)))
            value = rendered(f, find(reply, f->field));
        if (f->absent && json_is_array(value) && json_array_size(value) == 0) {
            json_decref(value);
            value = NULL;
        }
        if (!value && f->absent)
            value = json_loads(f->absent, JSON_DECODE_ANY, NULL);
        if (value)
            json_object_set_new(out, f->name, value);
    }
}
