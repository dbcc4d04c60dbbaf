#include "store-svc/mime/html.h"

#include <libxml/HTMLparser.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"

/* The library's own start is not made for many threads at once. */
__attribute__((constructor)) static void
start_library(void)
{
    xmlInitParser();
}

struct reader {
    struct wd_buf *out;
    size_t start, limit;
    unsigned hidden; /* depth inside of elements that are not shown */
    bool gap;        /* a blank is due before the next text */
    unsigned breaks; /* line ends that are due: at most two */
};

/* sorted */
static const char *const hidden_elements[] = { "applet", "head",  "iframe",   "noscript", "object",
                                               "script", "style", "template", "title" };
static const char *const block_elements[] = { "address", "article", "blockquote", "center", "dd", "div", "dl",
                                              "dt",      "footer",  "form",       "h1",     "h2", "h3",  "h4",
                                              "h5",      "h6",      "header",     "hr",     "li", "ol",  "p",
                                              "pre",     "section", "table",      "tr",     "ul" };

static bool
is_one_of(const xmlChar *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp((const char *)name, list[i]) == 0)
            return true;
    return false;
}

static void
want_breaks(struct reader *r, unsigned n)
{
    if (r->breaks < n)
        r->breaks = n;
    r->gap = false;
}

static void
on_start(void *data, const xmlChar *name, const xmlChar **attributes)
{
    struct reader *r = data;

    (void)attributes;
    if (is_one_of(name, hidden_elements, WD_COUNT(hidden_elements)))
        r->hidden++;
    else if (strcmp((const char *)name, "br") == 0)
        want_breaks(r, r->breaks < 2 ? r->breaks + 1 : 2);
    else if (strcmp((const char *)name, "p") == 0)
        want_breaks(r, 2);
    else if (strcmp((const char *)name, "td") == 0 || strcmp((const char *)name, "th") == 0)
        r->gap = true;
    else if (is_one_of(name, block_elements, WD_COUNT(block_elements)))
        want_breaks(r, 1);
}

static void
on_end(void *data, const xmlChar *name)
{
    struct reader *r = data;

    if (is_one_of(name, hidden_elements, WD_COUNT(hidden_elements))) {
        if (r->hidden)
            r->hidden--;
    } else if (strcmp((const char *)name, "p") == 0) {
        want_breaks(r, 2);
    } else if (is_one_of(name, block_elements, WD_COUNT(block_elements))) {
        want_breaks(r, 1);
    }
}

static void
on_text(void *data, const xmlChar *text, int n)
{
    struct reader *r = data;

    if (r->hidden)
        return;
    for (int i = 0; i < n && r->out->n - r->start < r->limit; i++) {
        char c = (char)text[i];

        if (wd_is_space(c) || c == '\f') {
            r->gap = true;
            continue;
        }
        if (r->out->n > r->start) {
            for (unsigned b = 0; b < r->breaks; b++)
                wd_buf_chr(r->out, '\n');
            if (r->gap && r->breaks == 0)
                wd_buf_chr(r->out, ' ');
        }
        r->gap = false;
        r->breaks = 0;
        wd_buf_chr(r->out, c);
    }
}

void
wd_html_to_text(struct wd_str html, size_t limit, struct wd_buf *out)
{
    enum { STEP = 16 << 10 };
    struct wd_buf clean wd_auto(wd_buf_done) = { 0 };
    struct reader r = { .out = out, .start = out->n, .limit = limit };
    htmlSAXHandler sax = { .startElement = on_start,
                           .endElement = on_end,
                           .characters = on_text,
                           .cdataBlock = on_text,
                           .ignorableWhitespace = on_text };
    htmlParserCtxtPtr parser;
    struct wd_str rest;

    wd_utf8_repair(&clean, html);
    parser = htmlCreatePushParserCtxt(&sax, &r, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!parser)
        return;
    htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                                   HTML_PARSE_IGNORE_ENC);
    for (rest = wd_buf_view(&clean); rest.n && out->n - r.start < limit;) {
        struct wd_str piece = wd_str_part(rest, 0, STEP);

        htmlParseChunk(parser, piece.p, (int)piece.n, 0);
        rest = wd_str_part(rest, piece.n, rest.n);
    }
    htmlParseChunk(parser, NULL, 0, 1);
    htmlFreeParserCtxt(parser);
}
