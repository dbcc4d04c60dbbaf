#include "store-svc/mime/content.h"

#include "common/base/lifetime.h"
#include "store-svc/mime/header.h"

static struct wd_str
lower(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = wd_lower(s.p[i]);
    return wd_str_n(p, s.n);
}

static bool
is_token(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("()<>@,;:\\\"/[]?=", s.p[i]))
            return false;
    return s.n > 0 && s.n <= 127;
}

static void
set_type(struct wd_mime_part *part, const char *type, const char *subtype)
{
    part->type = wd_str_c(type);
    part->subtype = wd_str_c(subtype);
}

/* "text/plain"; what is broken becomes text/plain when it looked like text, else application/octet-stream. */
static void
read_type(struct wd_arena *a, struct wd_mime_part *part)
{
    struct wd_str value = lower(a, part->content.value);
    size_t slash = wd_str_chr(value, '/');

    part->type = wd_str_trim(wd_str_part(value, 0, slash));
    part->subtype = slash == SIZE_MAX ? WD_NONE : wd_str_trim(wd_str_part(value, slash + 1, value.n));
    if (is_token(part->type) && is_token(part->subtype))
        return;
    if (value.n == 0 || wd_str_eq(part->type, WD_STR("text")))
        set_type(part, "text", "plain");
    else
        set_type(part, "application", "octet-stream");
}

static bool
boundary_fits(struct wd_str b)
{
    return b.n > 0 && b.n <= WD_MIME_BOUNDARY && !memchr(b.p, '\r', b.n) && !memchr(b.p, '\n', b.n);
}

static void
read_kind(struct wd_mime_part *part, bool may_nest)
{
    const struct wd_param *boundary = wd_params_find(&part->content, WD_STR("boundary"));

    if (wd_str_eq(part->type, WD_STR("multipart"))) {
        if (!boundary || !boundary_fits(boundary->raw)) {
            set_type(part, "text", "plain"); /* nothing can be taken apart: shown as it is */
        } else if (!may_nest) {
            set_type(part, "application", "octet-stream");
        } else {
            part->kind = WD_PART_MULTIPART;
            part->boundary = boundary->raw;
        }
    } else if (may_nest && part->encoding == WD_ENCODING_IDENTITY &&
               (wd_mime_is(part, "message", "rfc822") || wd_mime_is(part, "message", "global"))) {
        part->kind = WD_PART_MESSAGE;
    }
}

static void
read_texts(struct wd_arena *a, struct wd_mime_part *part)
{
    const struct {
        struct wd_str name;
        struct wd_str *to;
    } texts[] = {
        { WD_STR("content-transfer-encoding"), &part->encoding_name },
        { WD_STR("content-id"), &part->id },
        { WD_STR("content-description"), &part->description },
        { WD_STR("content-location"), &part->location },
        { WD_STR("content-language"), &part->language },
        { WD_STR("content-md5"), &part->md5 },
    };
    struct wd_str rest = part->header;
    struct wd_field field;

    while (wd_header_next(&rest, &field)) {
        if (!wd_str_istarts(field.name, WD_STR("content-")))
            continue;
        for (size_t i = 0; i < WD_COUNT(texts); i++)
            if (texts[i].to->n == 0 && wd_str_ieq(field.name, texts[i].name))
                *texts[i].to = wd_header_unfold(a, field.value);
    }
}

void
wd_content_read(struct wd_arena *a, struct wd_mime_part *part, bool in_digest, bool may_nest)
{
    struct wd_str value = WD_NONE;
    bool typed = wd_header_first(part->header, WD_STR("content-type"), &value);
    size_t comment;

    wd_params_parse(a, value, &part->content);
    if (wd_header_first(part->header, WD_STR("content-disposition"), &value))
        wd_params_parse(a, value, &part->disposition);
    read_texts(a, part);
    comment = wd_str_chr(part->encoding_name, '('); /* "7bit (as sent)", "base64; x" */
    part->encoding_name = wd_str_part(part->encoding_name, 0, comment);
    comment = wd_str_chr(part->encoding_name, ';');
    part->encoding_name = lower(a, wd_str_trim(wd_str_part(part->encoding_name, 0, comment)));
    part->encoding = wd_encoding_named(part->encoding_name);
    read_type(a, part);
    if (!typed && in_digest)
        set_type(part, "message", "rfc822");
    read_kind(part, may_nest);
}

bool
wd_mime_is(const struct wd_mime_part *part, const char *type, const char *subtype)
{
    return wd_str_eq(part->type, wd_str_c(type)) && wd_str_eq(part->subtype, wd_str_c(subtype));
}

bool
wd_mime_is_inline_text(const struct wd_mime_part *part)
{
    if (part->kind != WD_PART_LEAF)
        return false;
    if (part->disposition.value.n && !wd_str_ieq(part->disposition.value, WD_STR("inline")))
        return false;
    return wd_mime_is(part, "text", "plain") || wd_mime_is(part, "text", "html") ||
           wd_mime_is(part, "text", "rfc822-headers") || wd_mime_is(part, "message", "delivery-status");
}

struct wd_str
wd_mime_filename(const struct wd_mime_part *part)
{
    struct wd_str name = wd_params_get(&part->disposition, WD_STR("filename"));

    return name.n ? name : wd_params_get(&part->content, WD_STR("name"));
}
