#include "store-svc/mime/header.h"

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "store-svc/mime/charset.h"
#include "store-svc/mime/decode.h"
#include "store-svc/mime/limits.h"

/* Cuts a line off *rest: its text and the bytes with its end. */
static bool
next_line(struct wd_str *rest, struct wd_str *line)
{
    size_t i, cr;

    if (rest->n == 0)
        return false;
    i = wd_str_chr(*rest, '\n');
    cr = wd_str_chr(wd_str_part(*rest, 0, i), '\r');
    if (cr != SIZE_MAX && i != SIZE_MAX && cr + 2 >= i && (cr + 1 == i || rest->p[cr + 1] == '\r')) {
        *line = wd_str_part(*rest, 0, cr);
        cr = i;
    } else if (cr != SIZE_MAX) {
        *line = wd_str_part(*rest, 0, cr);
    } else {
        cr = i == SIZE_MAX ? rest->n : i;
        *line = wd_str_part(*rest, 0, cr);
    }
    *rest = wd_str_part(*rest, cr + 1, rest->n);
    return true;
}

static struct wd_str
field_name(struct wd_str line, size_t *colon)
{
    *colon = wd_str_chr(line, ':');
    if (*colon == SIZE_MAX || *colon == 0 || line.p[0] == ' ' || line.p[0] == '\t')
        return WD_NONE;
    return wd_str_trim(wd_str_part(line, 0, *colon));
}

bool
wd_header_next(struct wd_str *rest, struct wd_field *field)
{
    struct wd_str line, after;
    const char *start = rest->p, *end;
    size_t colon;

    if (!next_line(rest, &line) || line.n == 0)
        return false;
    end = line.p + line.n;
    field->name = field_name(line, &colon);
    for (after = *rest; after.n && (after.p[0] == ' ' || after.p[0] == '\t'); *rest = after) {
        next_line(&after, &line);
        end = line.p + line.n;
    }
    field->raw = wd_str_n(start, (size_t)(end - start));
    field->value = field->name.n ? wd_str_part(field->raw, colon + 1, field->raw.n) : field->raw;
    if (wd_str_chr(field->name, ' ') != SIZE_MAX || wd_str_chr(field->name, '\t') != SIZE_MAX) {
        field->name = WD_NONE; /* "From jane Thu 10:00:00" */
        field->value = field->raw;
    }
    return true;
}

bool
wd_header_first(struct wd_str block, struct wd_str name, struct wd_str *value)
{
    struct wd_field field;

    while (wd_header_next(&block, &field))
        if (wd_str_ieq(field.name, name)) {
            *value = field.value;
            return true;
        }
    return false;
}

static bool
last(struct wd_str block, struct wd_str name, bool filled, struct wd_str *value)
{
    struct wd_field field;
    bool found = false;

    while (wd_header_next(&block, &field))
        if (wd_str_ieq(field.name, name) && (!filled || wd_str_trim(field.value).n)) {
            *value = field.value;
            found = true;
        }
    return found;
}

bool
wd_header_last(struct wd_str block, struct wd_str name, struct wd_str *value)
{
    return last(block, name, false, value);
}

bool
wd_header_last_filled(struct wd_str block, struct wd_str name, struct wd_str *value)
{
    return last(block, name, true, value);
}

struct wd_str
wd_header_unfold(struct wd_arena *a, struct wd_str value)
{
    char *out;
    size_t n = 0;

    value = wd_str_trim(value);
    value = wd_str_part(value, 0, WD_MIME_FIELD);
    out = wd_arena_alloc(a, value.n + 1);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n')
            out[n++] = value.p[i];
    return wd_str_n(out, n);
}

enum { WORD_MAX = 4096 }; /* RFC 2047 says 75; mail has whole subjects in one word */

struct word {
    struct wd_str charset, text;
    char encoding; /* q or b */
    size_t n;      /* bytes of the whole word */
};

/* An encoded word at the start of s (RFC 2047 §2, with the language of RFC 2231 §5). Blanks inside are tolerated. */
static bool
encoded_word(struct wd_str s, struct word *w)
{
    size_t first, second, end, star;

    if (s.n < 8 || s.p[0] != '=' || s.p[1] != '?')
        return false;
    first = wd_str_chr(wd_str_part(s, 2, 80), '?');
    if (first == SIZE_MAX || first == 0)
        return false;
    first += 2;
    second = first + 2;
    if (second >= s.n || s.p[second] != '?')
        return false;
    w->encoding = wd_lower(s.p[first + 1]);
    end = wd_str_find(wd_str_part(s, second + 1, second + 1 + WORD_MAX), WD_STR("?="));
    if (end == SIZE_MAX || (w->encoding != 'q' && w->encoding != 'b'))
        return false;
    w->charset = wd_str_part(s, 2, first);
    star = wd_str_chr(w->charset, '*');
    w->charset = wd_str_part(w->charset, 0, star);
    w->text = wd_str_part(s, second + 1, second + 1 + end);
    w->n = second + 1 + end + 2;
    return wd_charset_known(w->charset);
}

static int
hex(char c)
{
    return wd_is_digit(c) ? c - '0' : wd_lower(c) >= 'a' && wd_lower(c) <= 'f' ? wd_lower(c) - 'a' + 10 : -1;
}

static void
word_bytes(const struct word *w, struct wd_buf *out)
{
    struct wd_decoder d = { .encoding = WD_ENCODING_BASE64 };

    if (w->encoding == 'b') {
        wd_decode(&d, w->text, out);
        wd_decode_finish(&d, out);
        return;
    }
    for (size_t i = 0; i < w->text.n; i++) {
        char c = w->text.p[i];

        if (c == '=' && i + 2 < w->text.n && hex(w->text.p[i + 1]) >= 0 && hex(w->text.p[i + 2]) >= 0) {
            wd_buf_chr(out, (char)(hex(w->text.p[i + 1]) << 4 | hex(w->text.p[i + 2])));
            i += 2;
        } else {
            wd_buf_chr(out, c == '_' ? ' ' : c);
        }
    }
}

/* What is collected of the words in one charset: a character may be split between two words. */
struct words {
    struct wd_buf bytes;
    struct wd_str charset;
};

static void
words_flush(struct words *w, struct wd_buf *out)
{
    if (w->bytes.n)
        wd_charset_convert(w->charset, wd_buf_view(&w->bytes), out);
    w->bytes.n = 0;
}

static size_t
blank_run(struct wd_str s)
{
    size_t i = 0;

    while (i < s.n && wd_is_space(s.p[i]))
        i++;
    return i;
}

struct wd_str
wd_words_decode(struct wd_arena *a, struct wd_str s)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct words words = { { 0 }, WD_NONE };
    struct word w;
    size_t i = 0, gap, start;

    if (wd_str_find(s, WD_STR("=?")) == SIZE_MAX && wd_is_ascii(s))
        return wd_arena_str(a, s);
    while (i < s.n) {
        if (encoded_word(wd_str_part(s, i, s.n), &w)) {
            if (!wd_str_ieq(words.charset, w.charset))
                words_flush(&words, &out);
            words.charset = w.charset;
            word_bytes(&w, &words.bytes);
            i += w.n;
            gap = blank_run(wd_str_part(s, i, s.n)); /* blanks between two encoded words are not text */
            if (gap && encoded_word(wd_str_part(s, i + gap, s.n), &w))
                i += gap;
            continue;
        }
        words_flush(&words, &out);
        start = i++;
        while (i < s.n && !(s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
            i++;
        wd_charset_convert(WD_NONE, wd_str_part(s, start, i), &out);
    }
    words_flush(&words, &out);
    wd_buf_done(&words.bytes);
    return wd_arena_str(a, wd_buf_view(&out));
}

struct wd_str
wd_header_decode(struct wd_arena *a, struct wd_str value)
{
    return wd_words_decode(a, wd_header_unfold(a, value));
}

struct wd_str
wd_text_collapse(struct wd_arena *a, struct wd_str text)
{
    char *out;
    size_t n = 0;

    text = wd_str_trim(text);
    out = wd_arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        if (!wd_is_space(text.p[i]))
            out[n++] = text.p[i];
        else if (out[n - 1] != ' ')
            out[n++] = ' ';
    }
    return wd_str_n(out, n);
}
