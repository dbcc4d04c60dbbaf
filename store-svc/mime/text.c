#include "store-svc/mime/text.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "store-svc/mime/charset.h"

enum { INTRO = 128 };

struct wd_text {
    struct wd_decoder decoder;
    struct wd_charset *charset;
    struct wd_buf decoded, out, joined;
    size_t limit;
    bool flowed, delsp, cut;
};

struct wd_text *
wd_text_new(const struct wd_mime_part *part, size_t limit)
{
    struct wd_text *t = WD_NEW(struct wd_text);

    t->decoder.encoding = part->encoding;
    t->charset = wd_charset_new(wd_params_get(&part->content, WD_STR("charset")));
    t->limit = limit;
    t->flowed = wd_mime_is(part, "text", "plain") &&
                wd_str_ieq(wd_params_get(&part->content, WD_STR("format")), WD_STR("flowed"));
    t->delsp = wd_str_ieq(wd_params_get(&part->content, WD_STR("delsp")), WD_STR("yes"));
    return t;
}

void
wd_text_free(struct wd_text *t)
{
    if (!t)
        return;
    wd_charset_free(t->charset);
    wd_buf_done(&t->decoded);
    wd_buf_done(&t->out);
    wd_buf_done(&t->joined);
    free(t);
}

void
wd_text_freep(struct wd_text **t)
{
    wd_text_free(*t);
}

void
wd_text_add(struct wd_text *t, struct wd_str body_bytes)
{
    enum { STEP = 16 << 10 };

    while (body_bytes.n && !t->cut) {
        struct wd_str piece = wd_str_part(body_bytes, 0, STEP);

        body_bytes = wd_str_part(body_bytes, piece.n, body_bytes.n);
        t->decoded.n = 0;
        wd_decode(&t->decoder, piece, &t->decoded);
        wd_charset_add(t->charset, wd_buf_view(&t->decoded), &t->out);
        t->cut = t->out.n > t->limit;
    }
}

/* CRLF and CR become LF, NUL goes: databases and C libraries end text at one. */
static void
plain_lines(struct wd_buf *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        char c = b->p[i];

        if (c == '\r' && i + 1 < b->n && b->p[i + 1] == '\n')
            continue;
        if (c)
            b->p[n++] = c == '\r' ? '\n' : c;
    }
    b->n = n;
}

static size_t
quote_depth(struct wd_str line)
{
    size_t n = 0;

    while (n < line.n && line.p[n] == '>')
        n++;
    return n;
}

/* Joins the lines that end in a blank with the next one of the same quote depth (RFC 3676 §4.1–4.5). */
static void
unflow(struct wd_str text, bool delsp, struct wd_buf *out)
{
    struct wd_str line;
    size_t depth, open_depth = SIZE_MAX; /* of the paragraph that goes on */
    bool first = true;

    while (wd_str_split(&text, '\n', &line)) {
        depth = quote_depth(line);
        line = wd_str_part(line, depth, line.n);
        bool goes_on =
            line.n && line.p[line.n - 1] == ' ' && !wd_str_eq(line, WD_STR("-- ")) && !wd_str_eq(line, WD_STR(" -- "));
        if (line.n && line.p[0] == ' ')
            line = wd_str_part(line, 1, line.n);
        if (open_depth != depth || wd_str_eq(line, WD_STR("-- "))) {
            if (!first)
                wd_buf_chr(out, '\n');
            for (size_t i = 0; i < depth; i++)
                wd_buf_chr(out, '>');
            if (depth && line.n)
                wd_buf_chr(out, ' ');
        }
        first = false;
        if (goes_on && delsp)
            line.n--;
        wd_buf_str(out, line);
        open_depth = goes_on ? depth : SIZE_MAX;
    }
}

struct wd_str
wd_text_finish(struct wd_text *t, bool *cut)
{
    struct wd_str s;

    if (!t->cut) {
        t->decoded.n = 0;
        wd_decode_finish(&t->decoder, &t->decoded);
        wd_charset_add(t->charset, wd_buf_view(&t->decoded), &t->out);
        wd_charset_finish(t->charset, &t->out);
    }
    plain_lines(&t->out);
    s = wd_buf_view(&t->out);
    if (t->flowed) {
        unflow(s, t->delsp, &t->joined);
        s = wd_buf_view(&t->joined);
    }
    *cut = t->cut || s.n > t->limit;
    return wd_str_part(s, 0, wd_utf8_cut(s, t->limit));
}

void
wd_text_to_html(struct wd_str text, struct wd_buf *out)
{
    text = wd_str_trim(text);
    if (text.n == 0)
        return;
    wd_buf_c(out, "<p>");
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '\n' && i + 1 < text.n && text.p[i + 1] == '\n') {
            while (i + 1 < text.n && text.p[i + 1] == '\n')
                i++;
            wd_buf_c(out, "</p>\n<p>");
        } else if (c == '\n') {
            wd_buf_c(out, "<br/>");
        } else if (c == '&') {
            wd_buf_c(out, "&amp;");
        } else if (c == '<') {
            wd_buf_c(out, "&lt;");
        } else if (c == '>') {
            wd_buf_c(out, "&gt;");
        } else if (c == '"') {
            wd_buf_c(out, "&quot;");
        } else {
            wd_buf_chr(out, c);
        }
    }
    wd_buf_c(out, "</p>");
}

/* Quoted lines and lines of nothing but "---", "***", "____", "====" say nothing in a preview. */
static bool
intro_skips(struct wd_str line)
{
    size_t i = 0;

    if (line.n == 0 || line.p[0] == '>')
        return true;
    while (i < line.n && strchr("-*_=~# ", line.p[i]))
        i++;
    return i == line.n && i > 0;
}

/* At a "[": the length of "[text](target)", and its text. */
static size_t
markdown_link(struct wd_str s, struct wd_str *text)
{
    size_t close = wd_str_chr(s, ']'), end;

    if (close == SIZE_MAX || close + 1 >= s.n || s.p[close + 1] != '(')
        return 0;
    end = wd_str_chr(wd_str_part(s, close, s.n), ')');
    if (end == SIZE_MAX)
        return 0;
    *text = wd_str_part(s, 1, close);
    return close + end + 1;
}

static void
intro_line(struct wd_str line, struct wd_buf *out)
{
    struct wd_str text;
    size_t n;

    if (out->n)
        wd_buf_chr(out, ' ');
    for (size_t i = 0; i < line.n && out->n < 16 * INTRO; i++) {
        if (line.p[i] == '[' && (n = markdown_link(wd_str_part(line, i, line.n), &text))) {
            wd_buf_str(out, text);
            i += n - 1;
        } else if (!wd_is_space(line.p[i])) {
            wd_buf_chr(out, line.p[i]);
        } else if (out->n && out->p[out->n - 1] != ' ') {
            wd_buf_chr(out, ' ');
        }
    }
}

void
wd_text_intro(struct wd_str text, struct wd_buf *out)
{
    struct wd_buf all wd_auto(wd_buf_done) = { 0 };
    struct wd_str line, s;
    size_t n;

    text = wd_str_part(text, 0, 64 << 10);
    while (all.n < 8 * INTRO && wd_str_split(&text, '\n', &line)) {
        line = wd_str_trim(line);
        if (!intro_skips(line))
            intro_line(line, &all);
    }
    s = wd_str_trim(wd_buf_view(&all));
    n = wd_utf8_first(s, INTRO);
    if (n >= s.n) {
        wd_buf_str(out, s);
        return;
    }
    s = wd_str_part(s, 0, wd_utf8_first(s, INTRO - 1)); /* room for the ellipsis */
    n = wd_str_rchr(s, ' ');
    if (n != SIZE_MAX && n > 0)
        s = wd_str_part(s, 0, n);
    wd_buf_str(out, s);
    wd_buf_c(out, "…");
}
