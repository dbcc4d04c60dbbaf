#include "frontends/http/head.h"

#include "common/base/lifetime.h"
#include "common/base/vec.h"

static const char *const methods[] = {
    [HTTP_GET] = "GET",   [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",     [HTTP_DELETE] = "DELETE",
    [HTTP_HEAD] = "HEAD", [HTTP_OPTIONS] = "OPTIONS", [HTTP_PATCH] = "PATCH", [HTTP_OTHER] = "OTHER",
};

/* The head being read. */
struct reading {
    struct wd_arena *arena;
    struct http_head *head;
    bool has_length, has_host;
    int status;
    struct wd_error *err;
};

static bool
refuse(struct reading *r, int status, const char *text)
{
    r->status = status;
    return wd_fail(r->err, WD_INVALID, "%s", text);
}

const char *
http_method_name(enum http_method method)
{
    return methods[method];
}

/* RFC 9110 §5.6.2. */
static bool
is_token(struct wd_str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < s.n; i++)
        if (!wd_is_alpha(s.p[i]) && !wd_is_digit(s.p[i]) && (s.p[i] == '\0' || !strchr(others, s.p[i])))
            return false;
    return s.n > 0;
}

static bool
has_control(struct wd_str s, bool tabs)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && !(tabs && c == '\t')) || c == 0x7f)
            return true;
    }
    return false;
}

bool
http_list_has(struct wd_str list, const char *token)
{
    struct wd_str one;

    while (wd_str_split(&list, ',', &one))
        if (wd_str_ieq(wd_str_trim(one), wd_str_c(token)))
            return true;
    return false;
}

/* "/path?query"; a proxy's "http://host/path?query" as well. */
static bool
read_target(struct reading *r, struct wd_str target)
{
    struct http_head *h = r->head;
    size_t mark;

    if (wd_str_istarts(target, WD_STR("http://")) || wd_str_istarts(target, WD_STR("https://"))) {
        struct wd_str rest = wd_str_part(target, wd_str_find(target, WD_STR("//")) + 2, target.n);
        size_t slash = wd_str_chr(rest, '/');
        target = slash == SIZE_MAX ? WD_STR("/") : wd_str_part(rest, slash, rest.n);
    }
    if (target.n == 0 || (target.p[0] != '/' && !wd_str_eq(target, WD_STR("*"))))
        return refuse(r, 400, "malformed request target");
    mark = wd_str_chr(target, '?');
    h->path = wd_str_part(target, 0, mark);
    h->query = mark == SIZE_MAX ? WD_NONE : wd_str_part(target, mark + 1, target.n);
    return true;
}

static bool
read_request_line(struct reading *r, struct wd_str line)
{
    struct wd_str rest = line, method, target, version;
    struct http_head *h = r->head;

    if (has_control(line, false) || !wd_str_split(&rest, ' ', &method) || !wd_str_split(&rest, ' ', &target) ||
        !wd_str_split(&rest, ' ', &version) || rest.p || !is_token(method))
        return refuse(r, 400, "malformed request line");
    if (!wd_str_eq(version, WD_STR("HTTP/1.1")) && !wd_str_eq(version, WD_STR("HTTP/1.0")))
        return wd_str_starts(version, WD_STR("HTTP/")) ? refuse(r, 505, "this server speaks HTTP/1.1")
                                                       : refuse(r, 400, "malformed request line");
    h->http10 = version.p[version.n - 1] == '0';
    h->keep_alive = !h->http10;
    h->method = HTTP_OTHER;
    for (size_t i = 0; i < HTTP_OTHER; i++)
        if (wd_str_eq(method, wd_str_c(methods[i])))
            h->method = (enum http_method)i;
    return read_target(r, target);
}

static bool
take_length(struct reading *r, struct wd_str value)
{
    uint64_t length;

    if (!wd_str_u64(value, INT64_MAX, &length) || (r->has_length && length != r->head->length))
        return refuse(r, 400, "malformed Content-Length");
    r->has_length = true;
    r->head->length = length;
    return true;
}

static bool
take_coding(struct reading *r, struct wd_str value)
{
    if (r->head->http10 || r->head->chunked || !wd_str_ieq(value, WD_STR("chunked")))
        return refuse(r, 501, "this Transfer-Encoding is not known here");
    r->head->chunked = true;
    return true;
}

static bool
take_connection(struct reading *r, struct wd_str value)
{
    if (http_list_has(value, "close"))
        r->head->keep_alive = false;
    else if (http_list_has(value, "keep-alive"))
        r->head->keep_alive = true;
    return true;
}

static bool
take_expect(struct reading *r, struct wd_str value)
{
    if (!wd_str_ieq(value, WD_STR("100-continue")))
        return refuse(r, 417, "this expectation cannot be met");
    r->head->wants_continue = !r->head->http10;
    return true;
}

static bool
take_host(struct reading *r, struct wd_str value)
{
    (void)value;
    if (r->has_host)
        return refuse(r, 400, "more than one Host");
    r->has_host = true;
    return true;
}

/* The fields that say how the request is framed. */
static bool
take_field(struct reading *r, struct wd_str name, struct wd_str value)
{
    static const struct {
        const char *name;
        bool (*take)(struct reading *, struct wd_str);
    } rows[] = {
        { "Content-Length", take_length }, { "Transfer-Encoding", take_coding }, { "Connection", take_connection },
        { "Expect", take_expect },         { "Host", take_host },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        if (wd_str_ieq(name, wd_str_c(rows[i].name)))
            return rows[i].take(r, value);
    return true;
}

static bool
read_field(struct reading *r, struct wd_str line)
{
    size_t colon = wd_str_chr(line, ':');
    struct wd_str name = wd_str_part(line, 0, colon), value;

    if (colon == SIZE_MAX || !is_token(name))
        return refuse(r, 400, "malformed header field"); /* a folded line as well */
    value = wd_str_trim(wd_str_part(line, colon + 1, line.n));
    if (has_control(value, true))
        return refuse(r, 400, "malformed header field");
    if (r->head->n_fields == HTTP_FIELDS_MAX)
        return refuse(r, 431, "too many header fields");
    r->head->fields[r->head->n_fields++] = (struct http_field_line){ name, value };
    return take_field(r, name, value);
}

static bool
read_lines(struct reading *r, struct wd_str text)
{
    struct wd_str line;
    bool first = true;

    while (wd_str_split(&text, '\n', &line)) {
        if (wd_str_ends(line, WD_STR("\r")))
            line.n--;
        if (line.n == 0 && !first)
            break;
        if (line.n == 0)
            continue; /* RFC 9112 §2.2: an empty line before the request is passed over */
        if (first ? !read_request_line(r, line) : !read_field(r, line))
            return false;
        first = false;
    }
    return !first || refuse(r, 400, "empty request");
}

bool
http_head_read(struct wd_arena *a, struct wd_str text, struct http_head *out, int *status, struct wd_error *err)
{
    struct reading r = { .arena = a, .head = out, .status = 400, .err = err };
    bool ok;

    *out = (struct http_head){ .method = HTTP_OTHER };
    out->fields = WD_ARENA_ARRAY(a, struct http_field_line, HTTP_FIELDS_MAX);
    ok = read_lines(&r, text);
    if (ok && r.has_length && out->chunked)
        ok = refuse(&r, 400, "both Content-Length and Transfer-Encoding");
    if (ok && !out->http10 && !r.has_host)
        ok = refuse(&r, 400, "Host is missing");
    *status = r.status;
    return ok;
}

struct wd_str
http_head_field(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->n_fields; i++)
        if (wd_str_ieq(head->fields[i].name, wd_str_c(name)))
            return head->fields[i].value;
    return WD_NONE;
}
