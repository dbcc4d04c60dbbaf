#include "frontends/http/multipart.h"

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "frontends/http/nested.h"

enum { MAX_PARTS = 1000, MAX_BOUNDARY = 70 };

/* The value of a parameter ("boundary", "name") of a header field; quotes taken off. p is NULL without it. */
static struct wd_str
parameter(struct wd_str field, const char *name)
{
    struct wd_str rest = field, piece;

    while (wd_str_split(&rest, ';', &piece)) {
        size_t equals = wd_str_chr(piece, '=');
        struct wd_str value;
        if (equals == SIZE_MAX || !wd_str_ieq(wd_str_trim(wd_str_part(piece, 0, equals)), wd_str_c(name)))
            continue;
        value = wd_str_trim(wd_str_part(piece, equals + 1, piece.n));
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = wd_str_part(value, 1, value.n - 1);
        return value;
    }
    return WD_NONE;
}

/* The value of Content-Disposition in the header of a part. */
static struct wd_str
disposition(struct wd_str header)
{
    static const struct wd_str name = WD_STR_C("Content-Disposition:");
    struct wd_str line;

    while (wd_str_split(&header, '\n', &line))
        if (wd_str_istarts(line, name))
            return wd_str_trim(wd_str_part(line, name.n, line.n));
    return WD_NONE;
}

static bool
take_part(struct wd_str part, json_t *into, struct http_file *file, struct wd_error *err)
{
    size_t gap = wd_str_find(part, WD_STR("\r\n\r\n"));
    struct wd_str field, name, bytes;

    if (gap == SIZE_MAX)
        return wd_fail(err, WD_INVALID, "malformed part of a form");
    field = disposition(wd_str_part(part, 0, gap + 2));
    name = parameter(field, "name");
    bytes = wd_str_part(part, gap + 4, part.n);
    if (!wd_str_istarts(field, WD_STR("form-data")) || !name.n || !wd_utf8_valid(name))
        return wd_fail(err, WD_INVALID, "malformed part of a form");
    if (parameter(field, "filename").p) {
        if (!file->name.p)
            *file = (struct http_file){ name, bytes };
        return true;
    }
    if (!wd_utf8_valid(bytes) || wd_str_chr(bytes, '\0') != SIZE_MAX || wd_str_chr(name, '\0') != SIZE_MAX)
        return wd_fail(err, WD_INVALID, "a part of a form is no text");
    return http_nested_set(into, name, false, bytes) || wd_fail(err, WD_INVALID, "a parameter nests too deeply");
}

bool
http_multipart_read(struct wd_str content_type, struct wd_str body, json_t *into, struct http_file *file,
                    struct wd_error *err)
{
    struct wd_buf mark wd_auto(wd_buf_done) = { 0 };
    struct wd_str boundary = parameter(content_type, "boundary"), delimiter;
    size_t at;

    if (boundary.n == 0 || boundary.n > MAX_BOUNDARY)
        return wd_fail(err, WD_INVALID, "multipart/form-data without a boundary");
    wd_buf_printf(&mark, "\r\n--%.*s", WD_FMT(boundary));
    delimiter = wd_buf_view(&mark);
    /* The first delimiter has no line end before it when there is no preamble. */
    at = wd_str_starts(body, wd_str_part(delimiter, 2, delimiter.n)) ? delimiter.n - 2
                                                                     : wd_str_find(body, delimiter);
    if (at == SIZE_MAX)
        return wd_fail(err, WD_INVALID, "malformed multipart body");
    if (!wd_str_starts(body, wd_str_part(delimiter, 2, delimiter.n)))
        at += delimiter.n;
    for (size_t parts = 0; parts < MAX_PARTS; parts++) {
        struct wd_str rest = wd_str_part(body, at, body.n);
        size_t line = wd_str_find(rest, WD_STR("\r\n")), end;
        if (wd_str_starts(rest, WD_STR("--")))
            return true;
        if (line == SIZE_MAX || wd_str_trim(wd_str_part(rest, 0, line)).n)
            break;
        end = wd_str_find(wd_str_part(rest, line, rest.n), delimiter);
        if (end == SIZE_MAX)
            break;
        if (!take_part(wd_str_part(rest, line + 2, line + end), into, file, err))
            return false;
        at += line + end + delimiter.n;
    }
    return wd_fail(err, WD_INVALID, "malformed multipart body");
}
