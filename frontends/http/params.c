#include "frontends/http/params.h"

#include "common/base/buf.h"
#include "common/base/hex.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"

enum { MAX_PAIRS = 1000, MAX_DEPTH = 32 };

/* Percent-decodes and turns "+" into a blank; false for a bad escape or what is no UTF-8. */
static bool
decode(struct wd_str from, struct wd_buf *to)
{
    for (size_t i = 0; i < from.n; i++) {
        char c = from.p[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (!wd_hex_decode(wd_str_part(from, i + 1, i + 3), &c, 1))
                return false;
            i += 2;
        }
        wd_buf_chr(to, c);
    }
    return wd_utf8_valid(wd_buf_view(to)) && wd_str_chr(wd_buf_view(to), '\0') == SIZE_MAX;
}

/* Adds "a=b&c=d" to the object; what is there already stays. */
static bool
read_form(struct wd_str form, json_t *into, struct wd_error *err)
{
    struct wd_str pair;
    size_t count = 0;

    while (form.n && wd_str_split(&form, '&', &pair)) {
        struct wd_buf name wd_auto(wd_buf_done) = { 0 };
        struct wd_buf value wd_auto(wd_buf_done) = { 0 };
        size_t equals = wd_str_chr(pair, '=');
        if (pair.n == 0)
            continue;
        if (++count > MAX_PAIRS)
            return wd_fail(err, WD_INVALID, "more than %d parameters", MAX_PAIRS);
        if (!decode(wd_str_part(pair, 0, equals), &name) ||
            (equals != SIZE_MAX && !decode(wd_str_part(pair, equals + 1, pair.n), &value)))
            return wd_fail(err, WD_INVALID, "malformed form or query string");
        wd_buf_chr(&name, '\0');
        if (!json_object_get(into, name.p))
            json_object_set_new(into, name.p, json_stringn(value.p ? value.p : "", value.n));
    }
    return true;
}

static bool
nests_too_deep(struct wd_str json)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > MAX_DEPTH)
            return true;
    }
    return false;
}

static bool
read_json(struct wd_str body, json_t *into, struct wd_error *err)
{
    json_error_t where;
    json_t *read;

    if (wd_str_trim(body).n == 0)
        return true;
    if (nests_too_deep(body))
        return wd_fail(err, WD_INVALID, "JSON nests deeper than %d", MAX_DEPTH);
    read = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &where);
    if (!read)
        return wd_fail(err, WD_INVALID, "malformed JSON at line %d column %d: %s", where.line, where.column,
                       where.text);
    if (!json_is_object(read)) {
        json_decref(read);
        return wd_fail(err, WD_INVALID, "the body must be a JSON object");
    }
    json_object_update_missing(into, read);
    json_decref(read);
    return true;
}

static bool
is_json(struct wd_str type)
{
    return wd_str_ieq(type, WD_STR("application/json")) || wd_str_iends(type, WD_STR("+json"));
}

bool
http_params_read(struct wd_str query, struct wd_str content_type, struct wd_str body, json_t **out,
                 struct wd_error *err)
{
    struct wd_str type = wd_str_trim(wd_str_part(content_type, 0, wd_str_chr(content_type, ';')));
    json_t *all = json_object();
    bool ok = read_form(query, all, err);

    if (ok && is_json(type))
        ok = read_json(body, all, err);
    else if (ok && wd_str_ieq(type, WD_STR("application/x-www-form-urlencoded")))
        ok = read_form(body, all, err);
    if (!ok) {
        json_decref(all);
        return false;
    }
    *out = all;
    return true;
}
