#include "frontends/http/map.h"

#include <assert.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/mail/date.h"
#include "frontends/http/value.h"

/* The place of a field in a message. */
struct place {
    ProtobufCMessage *message;
    const ProtobufCFieldDescriptor *field;
};

static void *
at(const ProtobufCMessage *message, unsigned offset)
{
    union {
        const ProtobufCMessage *from;
        char *bytes;
    } view = { message }; /* protobuf-c's offsets are from the start of the message */

    return view.bytes + offset;
}

/* Follows a dotted path, making the sub-messages on the way. */
static struct place
find_or_make(ProtobufCMessage *message, const char *path, struct wd_arena *arena)
{
    struct wd_str rest = wd_str_c(path), name;
    struct place place = { message, NULL };

    while (wd_str_split(&rest, '.', &name)) {
        place.field = protobuf_c_message_descriptor_get_field_by_name(
            place.message->descriptor, wd_arena_str(arena, name).p);
        assert(place.field); /* a test maps every row of the tables */
        if (rest.p) {
            ProtobufCMessage **sub = at(place.message, place.field->offset);
            const ProtobufCMessageDescriptor *type = place.field->descriptor;
            if (!*sub) {
                *sub = wd_arena_alloc(arena, type->sizeof_message);
                protobuf_c_message_init(type, *sub);
            }
            place.message = *sub;
        }
    }
    return place;
}

static void
mark_present(struct place place)
{
    if (place.field->label == PROTOBUF_C_LABEL_OPTIONAL && place.field->type != PROTOBUF_C_TYPE_STRING)
        *(protobuf_c_boolean *)at(place.message, place.field->quantifier_offset) = true;
}

void
http_map_set_text(ProtobufCMessage *message, const char *path, struct wd_str value, struct wd_arena *arena)
{
    struct place place = find_or_make(message, path, arena);
    struct wd_str copy = wd_arena_str(arena, value);
    union {
        const char *from;
        uint8_t *bytes;
        char *text;
    } view = { copy.p }; /* the arena's own bytes, which the message may point to */

    if (place.field->type == PROTOBUF_C_TYPE_BYTES)
        *(ProtobufCBinaryData *)at(place.message, place.field->offset) = (ProtobufCBinaryData){ copy.n, view.bytes };
    else
        *(char **)at(place.message, place.field->offset) = view.text;
    mark_present(place);
}

void
http_map_set_number(ProtobufCMessage *message, const char *path, int64_t value, struct wd_arena *arena)
{
    struct place place = find_or_make(message, path, arena);
    void *to = at(place.message, place.field->offset);

    switch (place.field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)to = value != 0;
        break;
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)to = (uint32_t)value;
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)to = value;
        break;
    default:
        assert(false); /* a test maps every row of the tables */
    }
    mark_present(place);
}

static void
set(ProtobufCMessage *message, const struct http_param *param, const json_t *value, struct wd_arena *arena)
{
    if (json_is_string(value))
        http_map_set_text(message, param->field, wd_str_n(json_string_value(value), json_string_length(value)), arena);
    else if (json_is_integer(value))
        http_map_set_number(message, param->field, json_integer_value(value), arena);
    else
        http_map_set_number(message, param->field, json_is_true(value), arena);
}

bool
http_map_request(const struct http_route *route, const json_t *params, struct wd_arena *arena, json_t *read,
                 ProtobufCMessage **request, struct wd_error *err)
{
    unsigned index;
    const ProtobufCMessageDescriptor *type = http_route_method(route, &index)->input;
    bool ok = true;

    *request = wd_arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, *request);
    for (const struct http_param *p = route->params; p->name; p++) {
        struct wd_error problem;
        json_t *value = NULL;
        if (http_value_read(p, json_object_get(params, p->name), &value, &problem)) {
            if (value && p->field)
                set(*request, p, value, arena);
            if (value)
                json_object_set_new(read, p->name, value);
        } else if (ok) {
            *err = problem; /* the first one is told, the others are still read */
            ok = false;
        }
    }
    return ok;
}

static json_t *
text_of(struct wd_str bytes)
{
    struct wd_buf repaired wd_auto(wd_buf_done) = { 0 };

    wd_utf8_repair(&repaired, bytes);
    return json_stringn(repaired.p ? repaired.p : "", repaired.n);
}

static bool
is_present(struct place place)
{
    if (place.field->type == PROTOBUF_C_TYPE_STRING || place.field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void **)at(place.message, place.field->offset) != NULL;
    return place.field->label == PROTOBUF_C_LABEL_REQUIRED ||
           *(protobuf_c_boolean *)at(place.message, place.field->quantifier_offset);
}

static json_t *
value_of(struct place place)
{
    void *from = at(place.message, place.field->offset);
    ProtobufCBinaryData *bytes = from;

    switch (place.field->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return text_of(is_present(place) ? wd_str_n(bytes->data, bytes->len) : WD_NONE);
    case PROTOBUF_C_TYPE_STRING:
        return text_of(wd_str_c(*(char **)from));
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(protobuf_c_boolean *)from);
    case PROTOBUF_C_TYPE_UINT32:
        return json_integer(*(uint32_t *)from);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        return json_integer(*(int64_t *)from);
    default:
        assert(false); /* a test renders every row of the tables */
        return json_null();
    }
}

static json_t *
rendered(const struct http_field *f, struct place place)
{
    if (f->render == HTTP_OR_FALSE && !is_present(place))
        return json_false();
    if (f->render == HTTP_ISO_DATE) {
        struct wd_buf text wd_auto(wd_buf_done) = { 0 };
        wd_date_iso_add(&text, *(int64_t *)at(place.message, place.field->offset));
        return text_of(wd_buf_view(&text));
    }
    return value_of(place);
}

static json_t *
rows_of(const struct http_field *f, struct place place)
{
    size_t count = *(size_t *)at(place.message, place.field->quantifier_offset);
    ProtobufCMessage **subs = *(ProtobufCMessage ***)at(place.message, place.field->offset);
    json_t *rows = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        for (const struct http_field *member = f->rows; member->name; member++) {
            struct place inner = { subs[i], protobuf_c_message_descriptor_get_field_by_name(subs[i]->descriptor,
                                                                                           member->field) };
            assert(inner.field);
            json_object_set_new(row, member->name, rendered(member, inner));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

void
http_map_reply(const struct http_field *fields, const ProtobufCMessage *reply, const json_t *read, json_t *out)
{
    for (const struct http_field *f = fields; f->name; f++) {
        struct place place = { at(reply, 0), NULL };
        if (!f->field) {
            json_object_set(out, f->name, json_object_get(read, f->name));
            continue;
        }
        place.field = protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, f->field);
        assert(place.field);
        json_object_set_new(out, f->name, f->render == HTTP_ROWS ? rows_of(f, place) : rendered(f, place));
    }
}
