#include "frontends/http/map.h"

#include <assert.h>

#include "frontends/http/map_priv.h"

ProtobufCMessage *
http_map_new(const ProtobufCMessageDescriptor *type, struct wd_arena *arena)
{
    ProtobufCMessage *message = wd_arena_alloc(arena, type->sizeof_message);

    protobuf_c_message_init(type, message);
    return message;
}

static const ProtobufCFieldDescriptor *
field_named(const ProtobufCMessageDescriptor *type, struct wd_str name)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (wd_str_eq(wd_str_c(type->fields[i].name), name))
            return &type->fields[i];
    return NULL;
}

const ProtobufCFieldDescriptor *
http_map_field(const ProtobufCMessageDescriptor *type, const char *path)
{
    struct wd_str rest = wd_str_c(path), name;
    const ProtobufCFieldDescriptor *field = NULL;

    while (wd_str_split(&rest, '.', &name)) {
        field = type ? field_named(type, name) : NULL;
        if (!field)
            return NULL;
        type = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    }
    return field;
}

/* Follows a dotted path, making the sub-messages on the way. */
static struct place
find_or_make(ProtobufCMessage *message, const char *path, struct wd_arena *arena)
{
    struct wd_str rest = wd_str_c(path), name;
    struct place p = { message, NULL };

    while (wd_str_split(&rest, '.', &name)) {
        p.field = field_named(p.message->descriptor, name);
        assert(p.field); /* a test maps every row of the tables */
        if (rest.p) {
            ProtobufCMessage **sub = place_value(p);
            if (!*sub)
                *sub = http_map_new(p.field->descriptor, arena);
            p.message = *sub;
        }
    }
    return p;
}

/* ---- one value ---- */

static struct wd_str
text_of(const json_t *value)
{
    return json_is_string(value) ? wd_str_n(json_string_value(value), json_string_length(value)) : WD_NONE;
}

static int64_t
number_of(const json_t *value)
{
    if (json_is_boolean(value))
        return json_is_true(value);
    return json_is_real(value) ? (int64_t)json_real_value(value) : json_integer_value(value);
}

/* Numbers that do not fit become the largest that do: for limits that is what was meant. */
static uint32_t
number_32(const json_t *value)
{
    int64_t n = number_of(value);

    return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static int
enum_value(const ProtobufCEnumDescriptor *type, struct wd_str name)
{
    for (unsigned i = 0; i < type->n_values; i++)
        if (wd_str_ieq(wd_str_c(type->values[i].name), name))
            return type->values[i].value;
    assert(false); /* the words of a row are those of the enum */
    return 0;
}

static void
set_text(const ProtobufCFieldDescriptor *field, void *to, struct wd_str value, struct wd_arena *arena)
{
    struct wd_str copy = wd_arena_str(arena, value);
    union {
        const char *from;
        uint8_t *bytes;
        char *text;
    } view = { copy.p }; /* the arena's own bytes, which the message may point to */

    if (field->type == PROTOBUF_C_TYPE_BYTES)
        *(ProtobufCBinaryData *)to = (ProtobufCBinaryData){ copy.n, view.bytes };
    else
        *(char **)to = view.text;
}

static void fill_message(ProtobufCMessage *to, const json_t *object, const struct http_param *items,
                         struct wd_arena *arena);

/* Writes one element at `to`. Recursion follows the nesting of our tables, not that of the input. */
static void
set_value(const ProtobufCFieldDescriptor *field, void *to, const json_t *value, const struct http_param *items,
          struct wd_arena *arena)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        set_text(field, to, text_of(value), arena);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)to = number_of(value) != 0;
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *(uint32_t *)to = number_32(value);
        break;
    case PROTOBUF_C_TYPE_INT32:
        *(int32_t *)to = (int32_t)number_of(value);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)to = number_of(value);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)to = json_number_value(value);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)to = enum_value(field->descriptor, text_of(value));
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)to = http_map_new(field->descriptor, arena);
        fill_message(*(ProtobufCMessage **)to, value, items, arena);
        break;
    default:
        assert(false); /* a test maps every row of the tables */
    }
}

static size_t
element_bytes(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
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

static void
set_repeated(struct place p, const json_t *array, const struct http_param *items, struct wd_arena *arena)
{
    size_t n = json_array_size(array), size = element_bytes(p.field);
    char *elements = wd_arena_alloc(arena, n ? n * size : 1);

    for (size_t i = 0; i < n; i++)
        set_value(p.field, elements + i * size, json_array_get(array, i), items ? items->items : NULL, arena);
    *(size_t *)place_count(p) = n;
    *(void **)place_value(p) = elements;
}

void
http_map_set(ProtobufCMessage *message, const char *path, const json_t *value, const struct http_param *items,
             struct wd_arena *arena)
{
    struct place p = find_or_make(message, path, arena);

    if (p.field->label == PROTOBUF_C_LABEL_REPEATED) {
        set_repeated(p, value, items, arena);
        return;
    }
    set_value(p.field, place_value(p), value, items, arena);
    if (p.field->label == PROTOBUF_C_LABEL_OPTIONAL && p.field->type != PROTOBUF_C_TYPE_STRING &&
        p.field->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)place_count(p) = true;
}

void
http_map_set_text(ProtobufCMessage *message, const char *path, struct wd_str value, struct wd_arena *arena)
{
    json_t *text = json_stringn(value.n ? value.p : "", value.n);

    http_map_set(message, path, text, NULL, arena);
    json_decref(text);
}

/* ---- tables ---- */

static void
fill_message(ProtobufCMessage *to, const json_t *object, const struct http_param *items, struct wd_arena *arena)
{
    for (unsigned i = 0; !items && i < to->descriptor->n_fields; i++) {
        const char *name = to->descriptor->fields[i].name;
        if (json_object_get(object, name))
            http_map_set(to, name, json_object_get(object, name), NULL, arena);
    }
    if (items)
        http_map_request(items, object, to, arena);
}

void
http_map_request(const struct http_param *table, const json_t *read, ProtobufCMessage *to, struct wd_arena *arena)
{
    for (const struct http_param *p = table; p->name; p++) {
        const json_t *value = json_object_get(read, p->name);
        if (value && p->field)
            http_map_set(to, p->field, value, p->items, arena);
    }
}
