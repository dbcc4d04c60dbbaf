#include "store-svc/domain/body.h"

#include "store-svc/domain/body_priv.h"
#include "store-svc/domain/doc.h"
#include "store-svc/mime/header.h"

enum { HEADER_MAX = 4 << 20 }; /* bytes of a header that are searched for fields */

/* What a section is: a range of the message, or text made for it. */
struct resolved {
    bool found;
    uint64_t start, size;
    bool filtered; /* then the text below is it */
    struct wd_buf text;
};

bool
wd_body_open(struct wd_arena *a, const bson_t *message, struct wd_blobs *blobs, struct wd_body **out,
             struct wd_error *err)
{
    struct wd_body *b = WD_ARENA_NEW(a, struct wd_body);
    bson_t tree;

    b->arena = a;
    b->blobs = blobs;
    if (!wd_doc_sub(message, "mimeTree", &tree))
        return wd_fail(err, WD_DATA_LOSS, "the message has no tree");
    if (!wd_tree_read(a, &tree, &b->tree, err) || !wd_layout_read(a, message, &b->tree, &b->layout, err))
        return false;
    b->size = (uint64_t)wd_doc_int(message, "size", (int64_t)b->layout.size);
    *out = b;
    return true;
}

uint64_t
wd_body_size(const struct wd_body *b)
{
    return b->size;
}

uint64_t
wd_body_lost(const struct wd_body *b)
{
    return b->lost;
}

bool
wd_body_header(struct wd_body *b, struct wd_str *out, struct wd_error *err)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    uint64_t n = b->layout.nodes[0].body_start;

    if (!wd_body_read_all(b, 0, n < HEADER_MAX ? (size_t)n : HEADER_MAX, &text, err))
        return false;
    *out = wd_arena_str(b->arena, wd_buf_view(&text));
    return true;
}

/* The n-th child of a node, from 1; 0 when there is none. */
static uint32_t
child(const struct wd_tree *tree, uint32_t parent, uint32_t number)
{
    for (uint32_t i = parent + 1; i < tree->n && tree->nodes[i].depth > tree->nodes[parent].depth; i++)
        if (tree->nodes[i].parent == parent && --number == 0)
            return i;
    return 0;
}

/* Where a path leads. */
struct place {
    uint32_t node;
    bool message; /* the node as a message, not as a part of one */
    bool nothing; /* the one empty part that a multipart without parts has */
};

/* One step down. A message that is no multipart has one part, 1: its own body. */
static bool
step(const struct wd_tree *tree, uint32_t number, struct place *at)
{
    if (!at->message && tree->nodes[at->node].kind == WD_PART_MESSAGE) {
        at->node = child(tree, at->node, 1);
        at->message = true;
        if (at->node == 0)
            return false;
    }
    if (number == 0 || at->nothing)
        return false;
    if (tree->nodes[at->node].kind == WD_PART_MULTIPART) {
        uint32_t to = child(tree, at->node, number);

        if (to == 0 && (number != 1 || child(tree, at->node, 1)))
            return false;
        at->nothing = to == 0;
        at->node = to ? to : at->node;
        at->message = false;
        return true;
    }
    if (!at->message || number != 1)
        return false;
    at->message = false;
    return true;
}

static void
set_range(const struct wd_body *b, uint64_t from, uint64_t to, struct resolved *r)
{
    if (to > b->size)
        to = b->size;
    if (from > to)
        from = to;
    r->start = from;
    r->size = to - from;
}

/* Copies the fields that are asked for, and the empty line. */
static bool
filter(struct wd_body *b, const struct wd_section *section, struct resolved *r, struct wd_error *err)
{
    struct wd_buf header wd_auto(wd_buf_done) = { 0 };
    struct wd_field field;
    struct wd_str rest;
    bool want = section->part == WD_SECTION_HEADER_FIELDS, wanted;

    r->filtered = true;
    if (!wd_body_read_all(b, r->start, r->size < HEADER_MAX ? (size_t)r->size : HEADER_MAX, &header, err))
        return false;
    for (rest = wd_buf_view(&header); wd_header_next(&rest, &field);) {
        wanted = !want;
        for (size_t i = 0; i < section->n_fields; i++)
            if (field.name.n && wd_str_ieq(field.name, section->fields[i]))
                wanted = want;
        if (wanted) {
            wd_buf_str(&r->text, field.raw);
            wd_buf_c(&r->text, "\r\n");
        }
    }
    if (r->text.n == 0)
        wd_buf_c(&r->text, "\r\n"); /* with nothing to show the existing installations answer two line ends */
    wd_buf_c(&r->text, "\r\n");
    r->size = r->text.n;
    return true;
}

/* HEADER and TEXT of the message itself or of an embedded one. */
static bool
message_section(struct wd_body *b, const struct wd_section *section, struct place at, struct resolved *r,
                struct wd_error *err)
{
    const struct wd_layout_node *node;

    if (!at.message) {
        if (at.nothing || b->tree.nodes[at.node].kind != WD_PART_MESSAGE || !child(&b->tree, at.node, 1))
            return true; /* only a message has these: the empty text */
        at.node = child(&b->tree, at.node, 1);
    }
    node = &b->layout.nodes[at.node];
    if (section->part == WD_SECTION_TEXT) {
        set_range(b, node->body_start, node->body_end, r);
        return true;
    }
    set_range(b, node->header_start, node->body_start, r);
    return section->part == WD_SECTION_HEADER || filter(b, section, r, err);
}

static bool
resolve(struct wd_body *b, const struct wd_section *section, struct resolved *r, struct wd_error *err)
{
    struct place at = { .message = true };
    const struct wd_layout_node *node;

    for (size_t i = 0; i < section->n_path; i++)
        if (!step(&b->tree, section->path[i], &at))
            return true;
    node = &b->layout.nodes[at.node];
    r->found = true;
    if (section->part == WD_SECTION_ALL && section->n_path == 0)
        set_range(b, 0, b->size, r);
    else if (section->part == WD_SECTION_MIME && section->n_path == 0)
        r->found = false;
    else if (section->part != WD_SECTION_ALL && section->part != WD_SECTION_MIME)
        return message_section(b, section, at, r, err);
    else if (at.nothing)
        r->size = 0;
    else if (section->part == WD_SECTION_MIME)
        set_range(b, node->header_start, node->body_start, r);
    else
        set_range(b, node->body_start, node->body_end, r);
    return true;
}

bool
wd_body_section(struct wd_body *b, const struct wd_section *section, uint64_t *size, bool *found, struct wd_error *err)
{
    struct resolved r = { 0 };
    bool ok = resolve(b, section, &r, err);

    *size = r.size;
    *found = r.found;
    wd_buf_done(&r.text);
    return ok;
}

bool
wd_body_read(struct wd_body *b, const struct wd_section *section, uint64_t offset, size_t n, struct wd_buf *out,
             struct wd_error *err)
{
    struct resolved r = { 0 };
    bool ok = resolve(b, section, &r, err);

    if (ok && r.found && offset < r.size) {
        if (n > r.size - offset)
            n = (size_t)(r.size - offset);
        if (r.filtered)
            wd_buf_str(out, wd_str_part(wd_buf_view(&r.text), offset, offset + n));
        else
            ok = wd_body_read_all(b, r.start + offset, n, out, err);
    }
    wd_buf_done(&r.text);
    return ok;
}
