#include "frontends/http/check.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "frontends/http/value.h"

enum {
    TEXT_MAX = 16 * 1024, /* of all messages together */
    ELEMENTS_MAX = 10000, /* of an array that names no limit */
};

/* Accepted by every endpoint that does not say otherwise. */
/* clang-format off */
static const struct http_param session_params[] = {
    { "sess", HTTP_TEXT, .max = 255, .label = "Session identifier" },
    { "ip",   HTTP_IP, .label = "Client IP" },
    { 0 },
};
/* clang-format on */

struct http_check *
http_check_new(struct wd_arena *a)
{
    struct http_check *k = WD_NEW(struct http_check);

    k->arena = a;
    k->details = json_object();
    return k;
}

void
http_check_free(struct http_check *k)
{
    if (!k)
        return;
    json_decref(k->details);
    wd_buf_done(&k->text);
    free(k);
}

void
http_check_freep(struct http_check **k)
{
    http_check_free(*k);
    *k = NULL;
}

/* ---- messages ---- */

enum { DEPTH_MAX = 16 }; /* of tables in tables */

/* The places from the root down to `at`; returns how many. */
static size_t
trail(const struct http_place *at, const struct http_place *out[DEPTH_MAX])
{
    size_t n = 0;

    for (; at->up && n < DEPTH_MAX; at = at->up)
        out[n++] = at;
    return n;
}

static void
add_path(struct wd_buf *to, const struct http_place *at)
{
    const struct http_place *places[DEPTH_MAX];

    for (size_t n = trail(at, places), i = n; i > 0; i--) {
        if (i < n)
            wd_buf_chr(to, ',');
        if (places[i - 1]->name)
            wd_utf8_repair(to, wd_str_c(places[i - 1]->name));
        else
            wd_buf_u64(to, places[i - 1]->index);
    }
    wd_buf_chr(to, '\0');
}

static void
add_label(struct wd_buf *to, const struct http_place *at)
{
    const struct http_place *places[DEPTH_MAX];
    size_t n = trail(at, places);

    if (at->label || n == 0) {
        wd_buf_c(to, at->label ? at->label : "value");
        return;
    }
    for (size_t i = n; i > 0; i--) {
        if (places[i - 1]->name && i < n)
            wd_buf_chr(to, '.');
        if (places[i - 1]->name)
            wd_utf8_repair(to, wd_str_c(places[i - 1]->name));
        else
            wd_buf_printf(to, "[%zu]", places[i - 1]->index);
    }
}

bool
http_check_fail(struct http_check *k, const struct http_place *at, const char *fmt, ...)
{
    struct wd_buf path wd_auto(wd_buf_done) = { 0 }, message wd_auto(wd_buf_done) = { 0 };
    va_list args;

    k->failures++;
    if (k->text.n > TEXT_MAX)
        return false;
    wd_buf_chr(&message, '"');
    add_label(&message, at);
    wd_buf_c(&message, "\" ");
    va_start(args, fmt);
    wd_buf_vprintf(&message, fmt, args);
    va_end(args);
    if (k->text.n)
        wd_buf_c(&k->text, ". ");
    wd_buf_str(&k->text, wd_buf_view(&message));
    add_path(&path, at);
    if (!json_object_get(k->details, path.p))
        json_object_set_new(k->details, path.p, json_stringn(message.p, message.n));
    return false;
}

/* ---- tables ---- */

static bool
has_row(const struct http_param *table, const char *name)
{
    for (const struct http_param *p = table; p->name; p++)
        if (p->type != HTTP_ONLY_USER && strcmp(p->name, name) == 0)
            return true;
    return false;
}

/* One row of a table against the object that has its value. */
static bool
read_row(struct http_check *k, const struct http_place *up, const struct http_param *p, const json_t *object,
         json_t *read)
{
    struct http_place at = { .up = up, .name = p->name, .label = p->label };
    const json_t *given = json_object_get(object, p->name);
    json_t *value = NULL;

    if (p->type == HTTP_ONLY_USER)
        return true;
    if (given && !http_check_value(k, &at, p, given, &value))
        return false;
    if (!value && (p->flags & HTTP_REQUIRED))
        return http_check_fail(k, &at, "is required");
    if (!value && p->initial)
        value = json_loads(p->initial, JSON_DECODE_ANY, NULL);
    if (value)
        json_object_set_new(read, p->name, value);
    return true;
}

static bool
read_rows(struct http_check *k, const struct http_place *up, const struct http_param *table, const json_t *object,
          json_t *read)
{
    bool ok = true;

    for (const struct http_param *p = table; p->name; p++)
        ok = read_row(k, up, p, object, read) && ok;
    return ok;
}

static bool
refuse_others(struct http_check *k, const struct http_place *up, const struct http_param *table,
              const struct http_param *more, const json_t *object)
{
    bool ok = true;
    const char *name;
    json_t *value;

    /* jansson's iteration does not change the object, but is not declared so. */
    for (void *it = json_object_iter((json_t *)(uintptr_t)object); it;
         it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
        name = json_object_iter_key(it);
        value = json_object_iter_value(it);
        struct http_place at = { .up = up, .name = name };
        if (value && !has_row(table, name) && !(more && has_row(more, name)))
            ok = http_check_fail(k, &at, "is not allowed");
    }
    return ok;
}

bool
http_check_params(struct http_check *k, const struct http_param *table, const json_t *given, bool session,
                  bool lenient, json_t *read)
{
    const struct http_place root = { 0 };
    bool ok = read_rows(k, &root, table, given, read);

    for (const struct http_param *p = session_params; session && p->name; p++)
        if (!has_row(table, p->name))
            ok = read_row(k, &root, p, given, read) && ok;
    if (!lenient)
        ok = refuse_others(k, &root, table, session ? session_params : NULL, given) && ok;
    return ok;
}

static bool
read_object(struct http_check *k, const struct http_place *at, const struct http_param *p, const json_t *given,
            json_t **out)
{
    json_t *read;
    bool ok;

    if (json_is_string(given) && json_string_length(given) == 0 && (p->flags & HTTP_OR_EMPTY))
        return true;
    if (!json_is_object(given))
        return http_check_fail(k, at, "must be of type object");
    read = json_object();
    ok = read_rows(k, at, p->items, given, read);
    ok = refuse_others(k, at, p->items, NULL, given) && ok;
    if (ok)
        *out = read;
    else
        json_decref(read);
    return ok;
}

/* ---- arrays ---- */

static bool
is_among(const json_t *array, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), value))
            return true;
    return false;
}

/* An element that may be dropped is checked apart, so that its failure is nobody's. */
static bool
read_element(struct http_check *k, const struct http_place *at, const struct http_param *p, const json_t *given,
             json_t *read)
{
    struct http_check *apart wd_auto(http_check_freep) = NULL;
    json_t *value = NULL;

    if (p->flags & HTTP_DROP_BAD)
        apart = http_check_new(k->arena);
    if (!http_check_value(apart ? apart : k, at, p->items, given, &value))
        return apart != NULL;
    if (value && (p->flags & HTTP_UNIQUE) && is_among(read, value)) {
        json_decref(value);
        return http_check_fail(k, at, "contains a duplicate value");
    }
    if (value)
        json_array_append_new(read, value);
    return true;
}

/* "a,b" as ["a", "b"]. */
static json_t *
listed(const json_t *scalar)
{
    json_t *array = json_array();
    struct wd_str rest = wd_str_c(json_string_value(scalar)), one;

    if (!json_is_string(scalar))
        json_array_append(array, (json_t *)(uintptr_t)scalar);
    while (wd_str_split(&rest, ',', &one)) {
        one = wd_str_trim(one);
        if (one.n)
            json_array_append_new(array, json_stringn(one.p, one.n));
    }
    return array;
}

static bool
read_elements(struct http_check *k, const struct http_place *at, const struct http_param *p, const json_t *given,
              json_t **out)
{
    size_t n = json_array_size(given), most = p->max ? (size_t)p->max : ELEMENTS_MAX;
    json_t *read = json_array();
    bool ok = true;

    if (n > most)
        ok = http_check_fail(k, at, "must contain less than or equal to %zu items", most);
    if (n < (size_t)p->min)
        ok = http_check_fail(k, at, "must contain at least %lld items", (long long)p->min);
    for (size_t i = 0; i < n && n <= most; i++) {
        struct http_place inner = { .up = at, .index = i };
        ok = read_element(k, &inner, p, json_array_get(given, i), read) && ok;
    }
    if (ok)
        *out = read;
    else
        json_decref(read);
    return ok;
}

static bool
read_array(struct http_check *k, const struct http_place *at, const struct http_param *p, const json_t *given,
           json_t **out)
{
    bool empty = json_is_string(given) && json_string_length(given) == 0, ok;
    json_t *array;

    if (json_is_array(given))
        return read_elements(k, at, p, given, out);
    if (empty && (p->flags & HTTP_OR_EMPTY))
        return true;
    if ((p->flags & HTTP_CLEARS) && empty) {
        *out = json_array();
        return true;
    }
    if (!(p->flags & HTTP_SINGLE) || json_is_object(given) || json_is_null(given))
        return http_check_fail(k, at, "must be an array");
    array = listed(given);
    ok = read_elements(k, at, p, array, out);
    json_decref(array);
    return ok;
}

bool
http_check_value(struct http_check *k, const struct http_place *at, const struct http_param *p, const json_t *given,
                 json_t **out)
{
    *out = NULL;
    if ((p->flags & HTTP_OR_FALSE) && json_is_false(given)) {
        *out = json_false();
        return true;
    }
    if (p->type == HTTP_ARRAY)
        return read_array(k, at, p, given, out);
    if (p->type == HTTP_OBJECT)
        return read_object(k, at, p, given, out);
    return http_value_read(k, at, p, given, out);
}
