#include "frontends/http/params.h"

#include "common/base/buf.h"
#include "common/base/hex.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "frontends/http/multipart.h"
#include "frontends/http/nested.h"

enum { MAX_PAIRS = 1000, MAX_DEPTH = 32 };

/* ---- percent-encoding ---- */

static bool
decode(struct wd_str from, bool plus_is_blank, struct wd_buf *to)
{
    size_t start = to->n;
    struct wd_str made;

    for (size_t i = 0; i < from.n; i++) {
        char c = from.p[i];
        if (c == '+' && plus_is_blank) {
            c = ' ';
        } else if (c == '%') {
            if (!wd_hex_decode(wd_str_part(from, i + 1, i + 3), &c, 1))
                return false;
            i += 2;
        }
        wd_buf_chr(to, c);
    }
    made = wd_str_part(wd_buf_view(to), start, to->n);
    return wd_utf8_valid(made) && wd_str_chr(made, '\0') == SIZE_MAX;
}

bool
http_percent_decode(struct wd_str from, struct wd_buf *to)
{
    return decode(from, false, to);
}

/* ---- "a=b&c=d" ---- */

static bool
read_form(struct wd_str form, bool dots, json_t *into, struct wd_error *err)
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
        if (!decode(wd_str_part(pair, 0, equals), true, &name) ||
            (equals != SIZE_MAX && !decode(wd_str_part(pair, equals + 1, pair.n), true, &value)))
            return wd_fail(err, WD_INVALID, "malformed form or query string");
        if (!http_nested_set(into, wd_buf_view(&name), dots, wd_buf_view(&value)))
            return wd_fail(err, WD_INVALID, "a parameter nests too deeply");
    }
    return true;
}

/* ---- JSON ---- */

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

json_t *
http_json_read(struct wd_str text)
{
    if (nests_too_deep(text))
        return NULL;
    return json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

/* *out is the object, or NULL for an empty body. */
static enum http_params_result
read_json(struct wd_str body, json_t **out, struct wd_error *err)
{
    json_error_t where;
    json_t *read;

    if (wd_str_trim(body).n == 0)
        return HTTP_PARAMS_OK;
    if (nests_too_deep(body)) {
        wd_fail(err, WD_INVALID, "JSON nests deeper than %d", MAX_DEPTH);
        return HTTP_PARAMS_MALFORMED;
    }
    read = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!read) {
        wd_fail(err, WD_INVALID, "malformed JSON at line %d column %d: %s", where.line, where.column, where.text);
        return HTTP_PARAMS_MALFORMED;
    }
    if (!json_is_object(read)) {
        json_decref(read);
        return HTTP_PARAMS_NO_OBJECT;
    }
    json_decref(*out);
    *out = read;
    return HTTP_PARAMS_OK;
}

/* ---- both ---- */

enum http_body_kind
http_body_kind(struct wd_str content_type)
{
    struct wd_str type = wd_str_trim(wd_str_part(content_type, 0, wd_str_chr(content_type, ';')));

    if (type.n == 0 || wd_str_ieq(type, WD_STR("application/octet-stream")))
        return HTTP_BODY_UNREAD;
    if (wd_str_ieq(type, WD_STR("application/json")) || wd_str_iends(type, WD_STR("+json")))
        return HTTP_BODY_JSON;
    if (wd_str_ieq(type, WD_STR("application/x-www-form-urlencoded")))
        return HTTP_BODY_FORM;
    return wd_str_ieq(type, WD_STR("multipart/form-data")) ? HTTP_BODY_MULTIPART : HTTP_BODY_RAW;
}

static enum http_params_result
read_body(const struct http_params_in *in, json_t **out, struct http_file *file, struct wd_error *err)
{
    bool ok = true;

    switch (http_body_kind(in->content_type)) {
    case HTTP_BODY_JSON:
        return read_json(in->body, out, err);
    case HTTP_BODY_FORM:
        ok = read_form(in->body, false, *out, err);
        break;
    case HTTP_BODY_MULTIPART:
        ok = http_multipart_read(in->content_type, in->body, *out, file, err);
        break;
    default:
        break;
    }
    return ok ? HTTP_PARAMS_OK : HTTP_PARAMS_MALFORMED;
}

static bool
is_empty(const json_t *value)
{
    return !value || (json_is_string(value) && json_string_length(value) == 0);
}

enum http_params_result
http_params_read(const struct http_params_in *in, json_t **out, struct http_file *file, struct wd_error *err)
{
    json_t *query = json_object(), *body = json_object();
    enum http_params_result result = HTTP_PARAMS_MALFORMED;
    const char *name;
    json_t *value;

    *file = (struct http_file){ 0 };
    if (read_form(in->query, true, query, err))
        result = read_body(in, &body, file, err);
    if (result != HTTP_PARAMS_OK) {
        json_decref(query);
        json_decref(body);
        return result;
    }
    json_object_foreach(body, name, value)
        if (is_empty(json_object_get(query, name)))
            json_object_set(query, name, value);
    json_decref(body);
    *out = query;
    return HTTP_PARAMS_OK;
}
