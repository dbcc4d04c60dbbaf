#include "frontends/http/cursor.h"

#include <stdlib.h>

#include "common/base/b64.h"
#include "common/base/id.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/mail/date.h"
#include "frontends/http/params.h"

/* Between the alphabets of RFC 4648 §4 and §5. */
static void
swap(char *p, size_t n, const char *from, const char *to)
{
    for (size_t i = 0; i < n; i++)
        p[i] = p[i] == from[0] ? to[0] : p[i] == from[1] ? to[1] : p[i];
}

static bool
read_oid(const json_t *from, json_t *out)
{
    const char *hex = json_string_value(json_object_get(from, "$oid"));
    char lower[WD_ID_HEX + 1];
    struct wd_id id;

    if (!hex || json_object_size(from) != 1 || !wd_id_parse(wd_str_c(hex), &id))
        return false;
    json_object_set_new(out, "id", json_string(wd_id_hex(id, lower)));
    return true;
}

/* The value that the list is sorted by. */
static bool
read_value(const json_t *from, json_t *out)
{
    const json_t *date = json_object_get(from, "$date");
    int64_t ms;

    if (json_is_string(from)) {
        json_object_set(out, "text", (json_t *)(uintptr_t)from);
        return true;
    }
    if (json_is_integer(date))
        ms = json_integer_value(date);
    else if (!json_is_string(date) || !wd_date_iso(wd_str_c(json_string_value(date)), &ms))
        return false;
    json_object_set_new(out, "date_ms", json_integer(ms));
    return true;
}

bool
http_cursor_read(struct wd_str text, json_t **out)
{
    struct wd_buf plain wd_auto(wd_buf_done) = { 0 }, bytes wd_auto(wd_buf_done) = { 0 };
    json_t *json, *position = json_object();
    bool ok;

    wd_buf_str(&plain, text);
    swap(plain.p, plain.n, "-_", "+/");
    json = wd_b64_decode(&bytes, wd_buf_view(&plain)) ? http_json_read(wd_buf_view(&bytes)) : NULL;
    if (json_is_array(json))
        ok = json_array_size(json) == 2 && read_value(json_array_get(json, 0), position) &&
             read_oid(json_array_get(json, 1), position);
    else
        ok = json && read_oid(json, position);
    json_decref(json);
    if (ok)
        *out = position;
    else
        json_decref(position);
    return ok;
}

static json_t *
value_of(const Wd__V1__PagePosition *p)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    json_t *date;

    if (p->has_text) {
        wd_utf8_repair(&text, wd_str_n(p->text.data, p->text.len));
        return json_stringn(text.p ? text.p : "", text.n);
    }
    wd_date_iso_add(&text, p->date_ms);
    date = json_object();
    json_object_set_new(date, "$date", json_stringn(text.p, text.n));
    return date;
}

json_t *
http_cursor_write(const Wd__V1__PagePosition *position)
{
    struct wd_buf digits wd_auto(wd_buf_done) = { 0 };
    json_t *json;
    char *text;

    if (!position)
        return json_false();
    json = json_object();
    json_object_set_new(json, "$oid", json_string(position->id));
    if (position->has_text || position->has_date_ms) {
        json_t *pair = json_array();
        json_array_append_new(pair, value_of(position));
        json_array_append_new(pair, json);
        json = pair;
    }
    text = json_dumps(json, JSON_COMPACT);
    wd_b64_encode(&digits, text, strlen(text), WD_B64_UNPADDED);
    swap(digits.p, digits.n, "+/", "-_");
    json_decref(json);
    free(text);
    return json_stringn(digits.p, digits.n);
}
