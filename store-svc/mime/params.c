#include "store-svc/mime/params.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"
#include "store-svc/mime/charset.h"
#include "store-svc/mime/header.h"
#include "store-svc/mime/limits.h"

/* "name*2*=value" as it is written. */
struct piece {
    struct wd_str name; /* lower case, without the stars */
    struct wd_str value;
    uint32_t index;
    bool continued, extended;
    size_t order;
};

struct pieces WD_VEC(struct piece);

/* Copies up to the next ";" or "=" outside of quotes and comments, without them. Returns the bytes used. */
static size_t
read_token(struct wd_str s, bool stop_at_equals, struct wd_buf *out)
{
    bool quoted = false;
    int comment = 0;
    size_t i;

    for (i = 0; i < s.n; i++) {
        char c = s.p[i];

        if ((quoted || comment) && c == '\\' && i + 1 < s.n) {
            /* Windows paths in file names are not escapes. */
            if (s.p[i + 1] != '"' && s.p[i + 1] != '\\')
                wd_buf_chr(out, c);
            else if (comment == 0)
                wd_buf_chr(out, s.p[++i]);
        } else if (comment) {
            comment += c == '(' ? 1 : c == ')' ? -1 : 0;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (quoted) {
            wd_buf_chr(out, c);
        } else if (c == ';' || (c == '=' && stop_at_equals)) {
            break;
        } else if (c == '(' && !stop_at_equals && (i == 0 || wd_is_space(s.p[i - 1]))) {
            comment = 1;
        } else {
            wd_buf_chr(out, c);
        }
    }
    return i;
}

static struct wd_str
keep(struct wd_arena *a, struct wd_buf *b)
{
    struct wd_str s = wd_arena_str(a, wd_str_trim(wd_buf_view(b)));

    b->n = 0;
    return s;
}

static struct wd_str
lower(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = wd_lower(s.p[i]);
    return wd_str_n(p, s.n);
}

/* Takes "*", "*3" or "*3*" off the end of a name. */
static void
read_stars(struct piece *piece)
{
    struct wd_str name = piece->name;
    size_t star;

    if (wd_str_ends(name, WD_STR("*"))) {
        piece->extended = true;
        name = wd_str_part(name, 0, name.n - 1);
    }
    star = wd_str_rchr(name, '*');
    if (star != SIZE_MAX && wd_str_u32(wd_str_part(name, star + 1, name.n), 9999, &piece->index)) {
        piece->continued = true;
        name = wd_str_part(name, 0, star);
    }
    piece->name = name;
}

static int
hex(char c)
{
    return wd_is_digit(c) ? c - '0' : wd_lower(c) >= 'a' && wd_lower(c) <= 'f' ? wd_lower(c) - 'a' + 10 : -1;
}

static void
percent_decode(struct wd_str s, struct wd_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            wd_buf_chr(out, (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
            i += 2;
        } else {
            wd_buf_chr(out, s.p[i]);
        }
    }
}

/* Takes "charset'language'" off the first piece. */
static struct wd_str
charset_of(struct wd_str *value)
{
    size_t one = wd_str_chr(*value, '\''), two;
    struct wd_str charset;

    if (one == SIZE_MAX)
        return WD_NONE;
    two = wd_str_chr(wd_str_part(*value, one + 1, value->n), '\'');
    if (two == SIZE_MAX)
        return WD_NONE;
    charset = wd_str_part(*value, 0, one);
    *value = wd_str_part(*value, one + 1 + two + 1, value->n);
    return charset;
}

/* Joins the pieces n of one name, which are sorted. */
static struct wd_param
join(struct wd_arena *a, const struct piece *p, size_t n)
{
    struct wd_buf bytes wd_auto(wd_buf_done) = { 0 };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_param out = { .name = p->name };
    struct wd_str charset = WD_NONE;

    if (!p->continued && !p->extended) {
        out.raw = p->value;
        out.value = wd_words_decode(a, p->value);
        return out;
    }
    for (size_t i = 0; i < n; i++) {
        struct wd_str value = p[i].value;

        if (i == 0 && p[i].extended)
            charset = charset_of(&value);
        if (p[i].extended)
            percent_decode(value, &bytes);
        else
            wd_buf_str(&bytes, value);
    }
    wd_charset_convert(charset, wd_buf_view(&bytes), &text);
    out.value = wd_words_decode(a, wd_buf_view(&text));
    out.raw = out.value;
    return out;
}

/* By name; of one name RFC 2231 forms first (they are the better ones), by index; then as written. */
static int
by_name(const void *va, const void *vb)
{
    const struct piece *a = va, *b = vb;
    int order = wd_str_cmp(a->name, b->name);
    bool plain_a = !a->continued && !a->extended, plain_b = !b->continued && !b->extended;

    if (order)
        return order;
    if (plain_a != plain_b)
        return plain_a ? 1 : -1;
    if (a->continued != b->continued)
        return a->continued ? 1 : -1;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* Consecutive indexes from 0 belong together; anything else stands alone. */
static size_t
run_length(const struct piece *p, size_t n)
{
    size_t i = 1;

    while (p->continued && i < n && p[i].continued && p[i].index == i && wd_str_eq(p[i].name, p->name))
        i++;
    return i;
}

struct ordered {
    struct wd_param param;
    size_t order;
};

static int
by_order(const void *va, const void *vb)
{
    const struct ordered *a = va, *b = vb;

    return a->order < b->order ? -1 : 1;
}

/* Turns sorted pieces into parameters in the order of the header. */
static void
assemble(struct wd_arena *a, struct piece *p, size_t n, struct wd_params *out)
{
    struct WD_VEC(struct ordered) found = { 0 };

    for (size_t i = 0; i < n;) {
        size_t run = run_length(p + i, n - i), next = i + run;
        struct ordered o = { join(a, p + i, run), p[i].order };

        for (; next < n && wd_str_eq(p[next].name, p[i].name); next++)
            continue;
        wd_vec_push(&found, o);
        i = next;
    }
    if (found.n)
        qsort(found.p, found.n, sizeof *found.p, by_order);
    out->p = WD_ARENA_ARRAY(a, struct wd_param, found.n + 1);
    out->n = found.n;
    for (size_t i = 0; i < found.n; i++)
        out->p[i] = found.p[i].param;
    wd_vec_done(&found);
}

void
wd_params_parse(struct wd_arena *a, struct wd_str field, struct wd_params *out)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };
    struct pieces pieces = { 0 };
    struct wd_str s = wd_header_unfold(a, field);
    size_t used = read_token(s, false, &b);

    memset(out, 0, sizeof *out);
    out->value = keep(a, &b);
    while (used < s.n && pieces.n < WD_MIME_PARAMETERS) {
        struct piece piece = { .order = pieces.n };

        s = wd_str_part(s, used + 1, s.n);
        used = read_token(s, true, &b);
        piece.name = lower(a, keep(a, &b));
        if (used < s.n && s.p[used] == '=') {
            s = wd_str_part(s, used + 1, s.n);
            used = read_token(s, false, &b);
            piece.value = keep(a, &b);
        }
        read_stars(&piece);
        if (piece.name.n)
            wd_vec_push(&pieces, piece);
    }
    if (pieces.n)
        qsort(pieces.p, pieces.n, sizeof *pieces.p, by_name);
    assemble(a, pieces.p, pieces.n, out);
    wd_vec_done(&pieces);
}

const struct wd_param *
wd_params_find(const struct wd_params *params, struct wd_str name)
{
    for (size_t i = 0; i < params->n; i++)
        if (wd_str_eq(params->p[i].name, name))
            return &params->p[i];
    return NULL;
}

struct wd_str
wd_params_get(const struct wd_params *params, struct wd_str name)
{
    const struct wd_param *p = wd_params_find(params, name);

    return p ? p->value : WD_NONE;
}
