#include "common/base/utf8.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/intake_priv.h"
#include "store-svc/mime/html.h"

enum {
    HTML_TO_TEXT_MAX = 2 << 20,
    LINKS_MAX = 1000 /* "cid:" links of one part that are looked up */
};

/* The nearest multipart/alternative above a part; UINT32_MAX when there is none. */
static uint32_t
alternative_of(const struct wd_mime *m, uint32_t i)
{
    while (i) {
        i = m->parts[i].parent;
        if (wd_mime_is(&m->parts[i], "multipart", "alternative"))
            return i;
    }
    return UINT32_MAX;
}

static bool
is_shown(const struct wd_mime_part *part)
{
    return wd_mime_is_inline_text(part) && (wd_mime_is(part, "text", "plain") || wd_mime_is(part, "text", "html"));
}

/* Texts of embedded messages are theirs, not this one's. */
static bool
is_embedded(const struct wd_mime *m, uint32_t i)
{
    while (i) {
        i = m->parts[i].parent;
        if (m->parts[i].kind == WD_PART_MESSAGE)
            return true;
    }
    return false;
}

/* Is there a shown plain text below a multipart/alternative? The last answer is kept: one may have very many parts. */
static bool
has_plain(struct wd_intake_work *w, uint32_t top)
{
    const struct wd_mime *m = w->mime;

    if (w->plain_known && w->plain_top == top)
        return w->plain_below;
    w->plain_known = true;
    w->plain_top = top;
    w->plain_below = false;
    for (uint32_t i = top + 1; i < m->n && m->parts[i].depth > m->parts[top].depth && !w->plain_below; i++)
        w->plain_below = wd_mime_is(&m->parts[i], "text", "plain") && is_shown(&m->parts[i]);
    return w->plain_below;
}

struct wd_text *
wd_intake_text_begin(struct wd_intake_work *w, uint32_t index)
{
    const struct wd_mime_part *part = &w->mime->parts[index];

    if (!is_shown(part) || part->body_end == part->body_start || is_embedded(w->mime, index))
        return NULL;
    return wd_text_new(part, wd_mime_is(part, "text", "html") ? WD_INTAKE_HTML : WD_INTAKE_TEXT);
}

static void
add_text(struct wd_intake_work *w, struct wd_str text)
{
    if (w->text.n && text.n)
        wd_buf_chr(&w->text, '\n');
    if (w->text.n < WD_INTAKE_TEXT)
        wd_buf_str(&w->text, wd_str_part(text, 0, wd_utf8_cut(text, WD_INTAKE_TEXT - w->text.n)));
}

/* "cid:" links become "attachment:ATT00001", so that a reader finds the body. */
static struct wd_str
rewrite_links(struct wd_intake_work *w, struct wd_str html)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    for (unsigned links = 0;; links++) {
        size_t at = links < LINKS_MAX ? wd_str_ifind(html, WD_STR("cid:")) : SIZE_MAX, found = 0;
        char number[16];

        wd_buf_str(&out, wd_str_part(html, 0, at));
        if (at == SIZE_MAX)
            return wd_arena_str(w->arena, wd_buf_view(&out));
        html = wd_str_part(html, at, html.n);
        for (uint32_t i = 0; i < w->mime->n && !found; i++) {
            struct wd_str id = w->mime->parts[i].id;

            if (!w->bodies[i].attachment || id.n < 3 || id.p[0] != '<')
                continue;
            id = wd_str_part(id, 1, id.n - 1);
            if (wd_str_starts(wd_str_part(html, 4, html.n), id)) {
                wd_buf_printf(&out, "attachment:%s", wd_attachment_id(w->bodies[i].attachment, number));
                found = 4 + id.n;
            }
        }
        if (!found) {
            wd_buf_str(&out, wd_str_part(html, 0, 4));
            found = 4;
        }
        html = wd_str_part(html, found, html.n);
    }
}

static void
add_html(struct wd_intake_work *w, struct wd_str html)
{
    size_t room = WD_INTAKE_HTML - w->html_size;

    html = wd_str_part(html, 0, wd_utf8_cut(html, room));
    if (html.n == 0)
        return;
    w->html_size += html.n;
    wd_vec_push(&w->html, html);
}

void
wd_intake_text_end(struct wd_intake_work *w, uint32_t index, struct wd_text *text)
{
    const struct wd_mime_part *part = &w->mime->parts[index];
    uint32_t alternative = alternative_of(w->mime, index);
    struct wd_buf other wd_auto(wd_buf_done) = { 0 };
    bool cut;
    struct wd_str s = wd_text_finish(text, &cut);

    if (wd_mime_is(part, "text", "html")) {
        w->has_html = true;
        add_html(w, rewrite_links(w, s));
        if (alternative != UINT32_MAX && has_plain(w, alternative))
            return;
        if (part->body_end - part->body_start <= HTML_TO_TEXT_MAX)
            wd_html_to_text(s, WD_INTAKE_TEXT, &other);
        add_text(w, wd_buf_view(&other));
        return;
    }
    add_text(w, s);
    if (alternative == UINT32_MAX) {
        wd_text_to_html(s, &other);
        add_html(w, wd_arena_str(w->arena, wd_buf_view(&other)));
    }
}

static void
intro(struct wd_intake_work *w, bson_t *fields)
{
    enum { ENOUGH = 64 << 10 };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 }, line wd_auto(wd_buf_done) = { 0 };

    for (size_t i = 0; w->has_html && i < w->html.n && text.n < 4096; i++) {
        wd_html_to_text(wd_str_part(w->html.p[i], 0, ENOUGH), ENOUGH, &text);
        wd_buf_chr(&text, '\n');
    }
    if (wd_str_trim(wd_buf_view(&text)).n == 0) {
        text.n = 0;
        wd_buf_str(&text, wd_str_part(wd_buf_view(&w->text), 0, ENOUGH));
    }
    wd_text_intro(wd_buf_view(&text), &line);
    wd_doc_add_str(fields, "intro", wd_buf_view(&line));
}

void
wd_intake_text_fields(struct wd_intake_work *w, bson_t *fields)
{
    struct wd_str all = wd_arena_str(w->arena, wd_buf_view(&w->text));
    size_t indexed = wd_utf8_first(all, WD_INTAKE_TEXT_INDEXED);
    bson_t html;

    w->out->text = all;
    wd_doc_add_str(fields, "text", wd_str_part(all, 0, indexed));
    if (indexed < all.n)
        wd_doc_add_str(fields, "textFooter", wd_str_part(all, indexed, all.n));
    bson_append_array_begin(fields, "html", -1, &html);
    for (size_t i = 0; i < w->html.n; i++) {
        char number[16];
        const char *key;

        bson_uint32_to_string((uint32_t)i, &key, number, sizeof number);
        wd_doc_add_str(&html, key, w->html.p[i]);
    }
    bson_append_array_end(fields, &html);
    intro(w, fields);
}
