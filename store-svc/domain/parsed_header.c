#include "store-svc/domain/parsed_header.h"

#include <stdlib.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/base/vec.h"
#include "common/mail/address.h"
#include "store-svc/mime/header.h"

enum { KEY_MAX = 99, FIELDS_MAX = 2000 };

struct entry {
    char key[KEY_MAX + 1];
    struct wd_str value; /* unfolded, UTF-8 */
    size_t order;
};

struct entries WD_VEC(struct entry);

static const struct wd_str address_fields[] = {
    WD_STR_C("from"),   WD_STR_C("to"),       WD_STR_C("cc"),           WD_STR_C("bcc"),
    WD_STR_C("sender"), WD_STR_C("reply-to"), WD_STR_C("delivered-to"), WD_STR_C("return-path"),
};

/* Lower case; letters, digits, "-" and "*" only, so that it can be the name of a BSON field. */
static bool
key_of(struct wd_str name, char key[KEY_MAX + 1])
{
    if (name.n == 0 || name.n > KEY_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = wd_lower(name.p[i]);

        if (!wd_is_alpha(c) && !wd_is_digit(c) && c != '-' && c != '*')
            return false;
        key[i] = c;
    }
    key[name.n] = 0;
    return true;
}

static struct wd_str
utf8_value(struct wd_arena *a, struct wd_str value)
{
    struct wd_buf fixed wd_auto(wd_buf_done) = { 0 };

    value = wd_header_unfold(a, value);
    if (wd_utf8_valid(value))
        return value;
    wd_utf8_repair(&fixed, value);
    return wd_arena_str(a, wd_buf_view(&fixed));
}

static int
by_key(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    int order = strcmp(a->key, b->key);

    return order ? order : a->order < b->order ? -1 : 1;
}

static void
collect(struct wd_arena *a, struct wd_str header, struct entries *out, size_t *budget)
{
    struct wd_field field;
    struct entry e;

    while (out->n < FIELDS_MAX && wd_header_next(&header, &field)) {
        if (!key_of(field.name, e.key) || strcmp(e.key, "content-type") == 0 ||
            strcmp(e.key, "content-disposition") == 0)
            continue;
        e.value = utf8_value(a, field.value);
        e.order = out->n;
        if (e.value.n + sizeof e.key > *budget)
            continue;
        *budget -= e.value.n + 32;
        wd_vec_push(out, e);
    }
    if (out->n)
        qsort(out->p, out->n, sizeof *out->p, by_key);
}

static void
add_text(bson_t *doc, const char *key, struct wd_str text)
{
    bson_append_utf8(doc, key, -1, text.n ? text.p : "", (int)text.n);
}

static void
add_mailbox(bson_t *array, uint32_t *n, const struct wd_address *address)
{
    char number[16];
    const char *key;
    bson_t doc;
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_buf_str(&text, address->mailbox);
    if (address->host.n) {
        wd_buf_chr(&text, '@');
        wd_buf_str(&text, address->host);
    }
    bson_uint32_to_string((*n)++, &key, number, sizeof number);
    bson_append_document_begin(array, key, -1, &doc);
    add_text(&doc, "address", wd_buf_view(&text));
    add_text(&doc, "name", address->name);
    bson_append_document_end(array, &doc);
}

/* A group with its members; returns how many entries it used. */
static size_t
add_group(bson_t *array, uint32_t *n, const struct wd_address *p, size_t left)
{
    char number[16];
    const char *key;
    bson_t doc, members;
    uint32_t count = 0;
    size_t i;

    bson_uint32_to_string((*n)++, &key, number, sizeof number);
    bson_append_document_begin(array, key, -1, &doc);
    add_text(&doc, "name", p->name);
    bson_append_array_begin(&doc, "group", -1, &members);
    for (i = 1; i < left && p[i].kind == WD_ADDRESS_MAILBOX; i++)
        add_mailbox(&members, &count, &p[i]);
    bson_append_array_end(&doc, &members);
    bson_append_document_end(array, &doc);
    return i < left && p[i].kind == WD_ADDRESS_GROUP_END ? i + 1 : i;
}

/* All fields of one name as one list. */
static void
add_addresses(struct wd_arena *a, bson_t *doc, const struct entry *e, size_t count)
{
    bson_t array;
    uint32_t n = 0;

    bson_append_array_begin(doc, e->key, -1, &array);
    for (size_t f = 0; f < count && n < WD_ADDRESS_LIST_MAX; f++) {
        struct wd_address *list;
        size_t entries = wd_address_list(a, e[f].value, &list);

        for (size_t i = 0; i < entries;) {
            if (list[i].kind == WD_ADDRESS_GROUP) {
                i += add_group(&array, &n, &list[i], entries - i);
                continue;
            }
            if (list[i].kind == WD_ADDRESS_MAILBOX)
                add_mailbox(&array, &n, &list[i]);
            i++;
        }
    }
    bson_append_array_end(doc, &array);
}

static void
add_values(bson_t *doc, const struct entry *e, size_t count)
{
    bson_t array;

    if (count == 1) {
        add_text(doc, e->key, e->value);
        return;
    }
    bson_append_array_begin(doc, e->key, -1, &array);
    for (size_t i = 0; i < count; i++) {
        char number[16];
        const char *key;

        bson_uint32_to_string((uint32_t)i, &key, number, sizeof number);
        add_text(&array, key, e[i].value);
    }
    bson_append_array_end(doc, &array);
}

static bool
is_address_field(const char *key)
{
    for (size_t i = 0; i < WD_COUNT(address_fields); i++)
        if (wd_str_eq(wd_str_c(key), address_fields[i]))
            return true;
    return false;
}

static void
add_structured(struct wd_arena *a, bson_t *node, const char *name, struct wd_str value, const struct wd_mime_part *type,
               const struct wd_params *params)
{
    bson_t doc, values;
    char key[KEY_MAX + 1];
    bool some = false;

    bson_append_document_begin(node, name, -1, &doc);
    add_text(&doc, "value", value);
    if (type) {
        add_text(&doc, "type", type->type);
        add_text(&doc, "subtype", type->subtype);
    }
    bson_append_document_begin(&doc, "params", -1, &values);
    for (size_t i = 0; i < params->n; i++)
        if (key_of(params->p[i].name, key)) {
            add_text(&values, key, utf8_value(a, params->p[i].value));
            some = true;
        }
    bson_append_document_end(&doc, &values);
    bson_append_bool(&doc, "hasParams", -1, some);
    bson_append_document_end(node, &doc);
}

static struct wd_str
lower(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = wd_lower(s.p[i]);
    return wd_str_n(p, s.n);
}

void
wd_parsed_header_write(bson_t *node, const struct wd_mime_part *part, size_t *budget)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(4096);
    struct entries entries = { 0 };
    bson_t doc;

    collect(a, part->header, &entries, budget);
    bson_append_document_begin(node, "parsedHeader", -1, &doc);
    for (size_t i = 0, n; i < entries.n; i += n) {
        for (n = 1; i + n < entries.n && strcmp(entries.p[i + n].key, entries.p[i].key) == 0; n++)
            continue;
        if (is_address_field(entries.p[i].key))
            add_addresses(a, &doc, &entries.p[i], n);
        else
            add_values(&doc, &entries.p[i], n);
    }
    add_structured(a, &doc, "content-type", wd_arena_printf(a, "%.*s/%.*s", WD_FMT(part->type), WD_FMT(part->subtype)),
                   part, &part->content);
    if (part->disposition.value.n)
        add_structured(a, &doc, "content-disposition", utf8_value(a, lower(a, part->disposition.value)), NULL,
                       &part->disposition);
    bson_append_document_end(node, &doc);
    wd_vec_done(&entries);
}
