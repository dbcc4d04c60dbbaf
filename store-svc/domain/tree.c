#include "store-svc/domain/tree.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/parsed_header.h"
#include "store-svc/mime/header.h"

enum { PARSED_BUDGET = 1 << 20 };

/* A node that is being written, and the array of its children. */
struct open_node {
    bson_t doc, children;
    uint32_t part, n_written;
    bool in_array; /* of its parent's childNodes; otherwise its parent's "message" or the document's field */
};

const char *
wd_attachment_id(uint32_t number, char to[16])
{
    snprintf(to, 16, "ATT%05u", number % 100000000);
    return to;
}

/* Each byte becomes the character of that number, as the stored form wants it. */
static void
latin1_utf8(struct wd_str s, struct wd_buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        wd_utf8_add(out, (unsigned char)s.p[i]);
}

/* The lines of a field with its folds, joined by CRLF whatever ended them. */
static void
field_line(struct wd_str raw, struct wd_buf *out)
{
    size_t start = 0;

    for (size_t i = 0; i < raw.n; i++) {
        size_t end = i;

        if (raw.p[i] != '\r' && raw.p[i] != '\n')
            continue;
        while (raw.p[i] == '\r' && i + 1 < raw.n && (raw.p[i + 1] == '\r' || raw.p[i + 1] == '\n'))
            i++;
        latin1_utf8(wd_str_part(raw, start, end), out);
        wd_buf_c(out, "\r\n");
        start = i + 1;
    }
    latin1_utf8(wd_str_part(raw, start, raw.n), out);
}

static void
write_header(bson_t *doc, struct wd_str header)
{
    struct wd_buf line wd_auto(wd_buf_done) = { 0 };
    struct wd_field field;
    uint32_t n = 0;
    bson_t array;

    bson_append_array_begin(doc, "header", -1, &array);
    while (wd_header_next(&header, &field)) {
        char number[16];
        const char *key;

        line.n = 0;
        field_line(field.raw, &line);
        bson_uint32_to_string(n++, &key, number, sizeof number);
        bson_append_utf8(&array, key, -1, line.n ? line.p : "", (int)line.n);
    }
    bson_append_array_end(doc, &array);
}

static void
write_body(bson_t *doc, const struct wd_tree_body *body)
{
    char id[16];

    if (body->attachment)
        bson_append_utf8(doc, "attachmentId", -1, wd_attachment_id(body->attachment, id), -1);
    if (body->attachment || !body->present)
        bson_append_bool(doc, "body", -1, false);
    else
        wd_doc_add_bytes(doc, "body", body->bytes.p, body->bytes.n);
}

static void
write_fields(bson_t *doc, const struct wd_mime_part *part, const struct wd_tree_body *body, size_t *budget)
{
    write_header(doc, part->header);
    wd_parsed_header_write(doc, part, budget);
    write_body(doc, body);
    if (part->kind == WD_PART_MULTIPART) {
        wd_doc_add_str(doc, "multipart", part->subtype);
        wd_doc_add_str(doc, "boundary", part->boundary);
    } else {
        bson_append_bool(doc, "multipart", -1, false);
        bson_append_bool(doc, "boundary", -1, false);
    }
    wd_doc_add_int(doc, "size", (int64_t)(part->body_end - part->body_start));
    wd_doc_add_int(doc, "lineCount", (int64_t)part->lines);
}

static void
open_node(struct open_node *top, bson_t *doc, const char *field, bool multipart_parent)
{
    char number[16];
    const char *key = field;

    top[1].in_array = multipart_parent;
    if (multipart_parent) {
        bson_uint32_to_string(top->n_written++, &key, number, sizeof number);
        bson_append_document_begin(&top->children, key, -1, &top[1].doc);
    } else {
        bson_append_document_begin(doc, key, -1, &top[1].doc);
    }
}

static void
write_map(bson_t *root, const struct wd_mime *mime, const struct wd_tree_body *bodies, const struct wd_blob_key *pool)
{
    bson_t map;
    char id[16];

    bson_append_document_begin(root, "attachmentMap", -1, &map);
    for (uint32_t i = 0; i < mime->n; i++)
        if (bodies[i].attachment)
            wd_doc_add_bytes(&map, wd_attachment_id(bodies[i].attachment, id), bodies[i].key.b, sizeof bodies[i].key.b);
    if (pool)
        wd_doc_add_bytes(&map, WD_TREE_POOL, pool->b, sizeof pool->b);
    bson_append_document_end(root, &map);
}

void
wd_tree_write(bson_t *doc, const char *field, const struct wd_mime *mime, const struct wd_tree_body *bodies,
              const struct wd_blob_key *pool)
{
    size_t budget = PARSED_BUDGET;
    struct open_node stack[WD_MIME_DEPTH + 2];
    uint32_t open = 0; /* stack[1…open] are open, stack[0] is not a node */

    for (uint32_t i = 0; i <= mime->n; i++) {
        uint32_t depth = i < mime->n ? mime->parts[i].depth : 0;

        assert(depth < WD_MIME_DEPTH);
        while (open > depth) { /* close what does not hold this part */
            struct open_node *o = &stack[open--];

            if (mime->parts[o->part].kind == WD_PART_MULTIPART)
                bson_append_array_end(&o->doc, &o->children);
            if (o->part == 0)
                write_map(&o->doc, mime, bodies, pool);
            bson_append_document_end(open == 0 ? doc : o->in_array ? &stack[open].children : &stack[open].doc, &o->doc);
        }
        if (i == mime->n)
            break;
        open_node(&stack[open], open ? &stack[open].doc : doc, open ? "message" : field,
                  open && mime->parts[stack[open].part].kind == WD_PART_MULTIPART);
        struct open_node *o = &stack[++open];
        o->part = i;
        o->n_written = 0;
        write_fields(&o->doc, &mime->parts[i], &bodies[i], &budget);
        if (mime->parts[i].kind == WD_PART_MULTIPART)
            bson_append_array_begin(&o->doc, "childNodes", -1, &o->children);
    }
}
