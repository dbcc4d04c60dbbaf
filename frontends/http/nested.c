#include "frontends/http/nested.h"

#include "common/base/buf.h"
#include "common/base/lifetime.h"

enum { DEPTH_MAX = 6 /* the name itself and 5 below it */, INDEX_MAX = 20, LENGTH_MAX = 1000 };

/* A name taken apart: "a[b][]" is "a", "b", "". */
struct steps {
    struct wd_str p[DEPTH_MAX];
    size_t n;
};

static bool
add_step(struct steps *s, struct wd_str step)
{
    if (s->n == DEPTH_MAX)
        return false;
    s->p[s->n++] = step;
    return true;
}

/* "a.b" as steps. */
static bool
add_dotted(struct steps *s, struct wd_str name, bool dots)
{
    struct wd_str piece;

    if (!dots || wd_str_starts(name, WD_STR(".")) || wd_str_ends(name, WD_STR(".")))
        return add_step(s, name);
    while (wd_str_split(&name, '.', &piece))
        if (!add_step(s, piece))
            return false;
    return true;
}

static bool
take_apart(struct steps *s, struct wd_str name, bool dots)
{
    size_t open = wd_str_chr(name, '[');
    struct wd_str rest;

    if (open == 0 || open == SIZE_MAX || !wd_str_ends(name, WD_STR("]")))
        return add_dotted(s, name, dots);
    if (!add_dotted(s, wd_str_part(name, 0, open), dots))
        return false;
    rest = wd_str_part(name, open, name.n);
    while (rest.n) {
        size_t close = wd_str_chr(rest, ']');
        if (rest.p[0] != '[' || close == SIZE_MAX)
            return add_step(s, rest);
        if (!add_step(s, wd_str_part(rest, 1, close)))
            return false;
        rest = wd_str_part(rest, close + 1, rest.n);
    }
    return true;
}

static bool
is_index(struct wd_str step)
{
    uint32_t unused;

    return step.n == 0 || wd_str_u32(step, INDEX_MAX - 1, &unused);
}

/* What is in a container at a step; NULL: nothing. */
static json_t *
child(const json_t *container, struct wd_str step)
{
    struct wd_buf name wd_auto(wd_buf_done) = { 0 };
    uint32_t index;

    if (json_is_array(container))
        return step.n && wd_str_u32(step, INDEX_MAX - 1, &index) ? json_array_get(container, index) : NULL;
    wd_buf_str(&name, step);
    wd_buf_chr(&name, '\0');
    return json_object_get(container, name.p);
}

/* Takes the reference over. Returns the value, or NULL when it was dropped because the array is full. */
static json_t *
put(json_t *container, struct wd_str step, json_t *value)
{
    struct wd_buf name wd_auto(wd_buf_done) = { 0 };

    if (json_is_array(container)) {
        if (json_array_size(container) >= LENGTH_MAX) {
            json_decref(value);
            return NULL;
        }
        /* Indexes only say the order: holes would be nulls. */
        json_array_append_new(container, value);
        return value;
    }
    wd_buf_str(&name, step);
    wd_buf_chr(&name, '\0');
    json_object_set_new(container, name.p, value);
    return value;
}

/* A second value of the same name. */
static void
add_to(json_t *container, struct wd_str step, json_t *there, json_t *value)
{
    json_t *both;

    if (json_is_array(there)) {
        put(there, WD_NONE, value);
        return;
    }
    if (!json_is_string(there) || json_is_array(container)) {
        json_decref(value);
        return;
    }
    both = json_array();
    json_array_append(both, there);
    json_array_append_new(both, value);
    put(container, step, both);
}

bool
http_nested_set(json_t *into, struct wd_str name, bool dots, struct wd_str value)
{
    struct steps s = { .n = 0 };
    json_t *at = into, *next, *string;

    if (name.n == 0)
        return true;
    if (!take_apart(&s, name, dots))
        return false;
    for (size_t i = 0; i + 1 < s.n; i++) {
        next = child(at, s.p[i]);
        if (!next)
            next = put(at, s.p[i], is_index(s.p[i + 1]) ? json_array() : json_object());
        if (!json_is_array(next) && !json_is_object(next))
            return true;
        at = next;
    }
    string = json_stringn(value.n ? value.p : "", value.n);
    next = child(at, s.p[s.n - 1]);
    if (next)
        add_to(at, s.p[s.n - 1], next, string);
    else
        put(at, s.p[s.n - 1], string);
    return true;
}
