#include "store-svc/domain/doc.h"
#include "store-svc/domain/intake_priv.h"

/* The prefix as a part of its own, so that its lines and values are written as every part's are. */
static const bson_t *
prefix_node(struct wd_str prefix, bson_t *doc)
{
    struct wd_mime_part part = { .header = prefix, .type = WD_STR("text"), .subtype = WD_STR("plain") };
    struct wd_tree_body body = { 0 };
    struct wd_mime mime = { .parts = &part, .n = 1 };

    wd_tree_write(doc, "node", &mime, &body, NULL);
    return doc;
}

/* The lines of both arrays, the prefix first. */
static void
join_headers(bson_t *out, const bson_t *prefix, const bson_iter_t *old)
{
    bson_t array, view;
    bson_iter_t it;
    uint32_t n = 0;

    bson_append_array_begin(out, "header", -1, &array);
    for (int pass = 0; pass < 2; pass++) {
        bool ok = pass == 0 ? wd_doc_sub(prefix, "node.header", &view) && bson_iter_init(&it, &view)
                            : bson_iter_recurse(old, &it);

        while (ok && bson_iter_next(&it)) {
            char number[16];
            const char *key;

            bson_uint32_to_string(n++, &key, number, sizeof number);
            bson_append_iter(&array, key, -1, &it);
        }
    }
    bson_append_array_end(out, &array);
}

/* A field that the prefix has stands in front of the message's own value(s). */
static void
join_value(bson_t *out, const bson_iter_t *first, const bson_iter_t *second)
{
    const bson_iter_t *const both[] = { first, second };
    bson_t array;
    uint32_t n = 0;

    bson_append_array_begin(out, bson_iter_key(first), -1, &array);
    for (size_t i = 0; i < WD_COUNT(both); i++) {
        bson_iter_t it, inner = *both[i];
        char number[16];
        const char *key;

        if (BSON_ITER_HOLDS_ARRAY(both[i]) && bson_iter_recurse(both[i], &it)) {
            while (bson_iter_next(&it)) {
                bson_uint32_to_string(n++, &key, number, sizeof number);
                bson_append_iter(&array, key, -1, &it);
            }
        } else {
            bson_uint32_to_string(n++, &key, number, sizeof number);
            bson_append_iter(&array, key, -1, &inner);
        }
    }
    bson_append_array_end(out, &array);
}

static bool
is_own(const char *key)
{
    return strcmp(key, "content-type") != 0 && strcmp(key, "content-disposition") != 0;
}

static void
join_parsed(bson_t *out, const bson_t *prefix, const bson_iter_t *old)
{
    bson_t doc, mine, theirs;
    bson_iter_t it, other;
    const uint8_t *bytes;
    uint32_t n;

    bson_iter_document(old, &n, &bytes);
    if (!bson_init_static(&theirs, bytes, n) || !wd_doc_sub(prefix, "node.parsedHeader", &mine))
        return;
    bson_append_document_begin(out, "parsedHeader", -1, &doc);
    if (bson_iter_init(&it, &mine))
        while (bson_iter_next(&it)) {
            if (!is_own(bson_iter_key(&it)))
                continue;
            if (bson_iter_init_find(&other, &theirs, bson_iter_key(&it)))
                join_value(&doc, &it, &other);
            else
                bson_append_iter(&doc, NULL, 0, &it);
        }
    if (bson_iter_init(&it, &theirs))
        while (bson_iter_next(&it))
            if (!is_own(bson_iter_key(&it)) || !bson_iter_init_find(&other, &mine, bson_iter_key(&it)))
                bson_append_iter(&doc, NULL, 0, &it);
    bson_append_document_end(out, &doc);
}

static void
write_tree(bson_t *out, const bson_t *base, const bson_t *prefix)
{
    bson_t tree, doc;
    bson_iter_t it;

    bson_append_document_begin(out, "mimeTree", -1, &doc);
    if (wd_doc_sub(base, "mimeTree", &tree) && bson_iter_init(&it, &tree))
        while (bson_iter_next(&it)) {
            if (strcmp(bson_iter_key(&it), "header") == 0)
                join_headers(&doc, prefix, &it);
            else if (strcmp(bson_iter_key(&it), "parsedHeader") == 0)
                join_parsed(&doc, prefix, &it);
            else
                bson_append_iter(&doc, NULL, 0, &it);
        }
    bson_append_document_end(out, &doc);
}

/* The stored layout of the base, moved by the prefix: the root's header grows, or, when it comes out of the pool, the
 * prefix is a segment of its own. */
static bool
write_layout(const struct wd_intake *base, struct wd_str prefix, bson_t *out, struct wd_error *err)
{
    struct wd_tree tree;
    struct wd_layout old, moved;
    bson_t view;
    size_t at = 0;

    if (!wd_doc_has(base->fields, WD_LAYOUT_FIELD))
        return true;
    if (!wd_doc_sub(base->fields, "mimeTree", &view) || !wd_tree_read(base->arena, &view, &tree, err) ||
        !wd_layout_read(base->arena, base->fields, &tree, &old, err))
        return false;
    moved = old;
    moved.segments = WD_ARENA_ARRAY(base->arena, struct wd_segment, old.n + 1);
    if (old.n == 0 || old.segments[0].kind != WD_SEGMENT_HEADER)
        moved.segments[at++] = (struct wd_segment){ .size = prefix.n, .literal = prefix.p };
    memcpy(moved.segments + at, old.segments, old.n * sizeof *old.segments);
    if (at == 0)
        moved.segments[0].size += prefix.n;
    moved.n = old.n + at;
    for (uint32_t i = 0; i < tree.n; i++) {
        moved.nodes[i].header_start += i ? prefix.n : 0;
        moved.nodes[i].body_start += prefix.n;
        moved.nodes[i].body_end += prefix.n;
    }
    wd_layout_write(out, &moved, tree.n, wd_doc_has(base->fields, WD_LAYOUT_FIELD ".pool"));
    return true;
}

static void
index_prefix(const struct wd_intake *base, struct wd_str prefix, struct wd_intake *out)
{
    struct wd_intake_headers headers = { 0 };

    wd_intake_index(base->arena, prefix, &headers);
    out->n_headers = headers.n + base->n_headers;
    out->headers = WD_ARENA_ARRAY(base->arena, struct wd_intake_header, out->n_headers + 1);
    if (headers.n)
        memcpy(out->headers, headers.p, headers.n * sizeof *headers.p);
    if (base->n_headers)
        memcpy(out->headers + headers.n, base->headers, base->n_headers * sizeof *headers.p);
    wd_vec_done(&headers);
}

static bool
is_rewritten(const char *key)
{
    static const char *const keys[] = { "mimeTree", "headers", "size", "hash", WD_LAYOUT_FIELD };

    for (size_t i = 0; i < WD_COUNT(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

bool
wd_intake_with_prefix(const struct wd_intake *base, struct wd_str prefix, struct wd_intake *out, struct wd_error *err)
{
    bson_t lines wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_iter_t it;

    *out = *base;
    out->fields = bson_new();
    out->prefix = wd_arena_str(base->arena, prefix);
    out->size = base->size + prefix.n;
    index_prefix(base, out->prefix, out);
    write_tree(out->fields, base->fields, prefix_node(out->prefix, &lines));
    if (!write_layout(base, out->prefix, out->fields, err)) {
        wd_intake_done(out);
        return false;
    }
    wd_doc_add_int(out->fields, "size", (int64_t)out->size);
    wd_intake_index_fields(out->fields, out);
    wd_intake_hash_fields(out->fields, out);
    if (bson_iter_init(&it, base->fields))
        while (bson_iter_next(&it))
            if (!is_rewritten(bson_iter_key(&it)))
                bson_append_iter(out->fields, NULL, 0, &it);
    return true;
}
