#include "store-svc/domain/intake.h"

#include "store-svc/domain/doc.h"
#include "store-svc/domain/imap_data.h"
#include "store-svc/domain/intake_priv.h"
#include "store-svc/mime/header.h"

static struct wd_intake_leaf *
leaf_of(struct wd_intake_work *w, uint32_t index)
{
    while (w->leaves.n <= index)
        wd_vec_push(&w->leaves, (struct wd_intake_leaf){ 0 });
    return &w->leaves.p[index];
}

static void
finish_leaf_hash(struct wd_intake_work *w)
{
    struct wd_intake_leaf *leaf;

    if (w->hashing == UINT32_MAX)
        return;
    leaf = leaf_of(w, w->hashing);
    EVP_DigestFinal_ex(w->leaf, leaf->key.b, NULL);
    leaf->hashed = true;
    w->hashing = UINT32_MAX;
}

/* Bodies that will surely leave the document are hashed as they pass; texts only if they turn out to be long. */
static void
on_body(void *data, const struct wd_mime_part *part, uint32_t index, struct wd_str bytes)
{
    struct wd_intake_work *w = data;

    if (index != w->hashing) {
        finish_leaf_hash(w);
        if (wd_mime_is_inline_text(part))
            return;
        EVP_DigestInit_ex(w->leaf, EVP_sha256(), NULL);
        w->hashing = index;
    }
    EVP_DigestUpdate(w->leaf, bytes.p, bytes.n);
}

static void
on_glue(void *data, uint64_t offset, struct wd_str bytes)
{
    struct wd_intake_work *w = data;

    (void)offset;
    w->glue_size += bytes.n;
    if (w->glue_cut || w->glue.n + bytes.n > WD_INTAKE_GLUE)
        w->glue_cut = true;
    else
        wd_buf_str(&w->glue, bytes);
}

static bool
parse(struct wd_intake_work *w, struct wd_error *err)
{
    struct wd_mime_sink sink = { on_body, on_glue, w };
    struct wd_mime_parser *p wd_auto(wd_mime_parser_freep) = wd_mime_parser_new(w->arena, WD_MIME_LIMITS, &sink);
    struct wd_buf chunk wd_auto(wd_buf_done) = { 0 };

    EVP_DigestInit_ex(w->whole, EVP_sha256(), NULL);
    for (uint64_t at = 0; at < w->source->size; at += chunk.n) {
        uint64_t left = w->source->size - at;

        chunk.n = 0;
        if (!wd_source_read(w->source, at, left < WD_INTAKE_STEP ? (size_t)left : WD_INTAKE_STEP, &chunk, err))
            return false;
        EVP_DigestUpdate(w->whole, chunk.p, chunk.n);
        wd_mime_feed(p, wd_buf_view(&chunk));
    }
    w->mime = wd_mime_finish(p);
    finish_leaf_hash(w);
    EVP_DigestFinal_ex(w->whole, w->out->sha256, NULL);
    return true;
}

/* Is the header of the tree the bytes of the message? */
static bool
header_is_same(const struct wd_mime_part *part, const struct wd_tree_node *node, struct wd_buf *scratch)
{
    scratch->n = 0;
    if (part->header_cut)
        return false;
    wd_tree_header(node, scratch);
    return wd_str_eq(wd_buf_view(scratch), part->header);
}

/* Does the tree alone give the message? Ranges, headers and what stands between must be the same; the bodies are. */
static bool
tree_is_enough(struct wd_intake_work *w, const struct wd_tree *tree, const struct wd_layout *derived)
{
    struct wd_buf bytes wd_auto(wd_buf_done) = { 0 };

    if (derived->size != w->mime->size || w->glue_cut)
        return false;
    for (uint32_t i = 0; i < w->mime->n; i++) {
        const struct wd_mime_part *part = &w->mime->parts[i];
        const struct wd_layout_node *node = &derived->nodes[i];

        if (node->header_start != part->header_start || node->body_start != part->body_start ||
            node->body_end != part->body_end || !header_is_same(part, &tree->nodes[i], &bytes))
            return false;
    }
    bytes.n = 0;
    for (size_t i = 0; i < derived->n; i++) {
        const struct wd_segment *s = &derived->segments[i];

        if (s->kind == WD_SEGMENT_LITERAL)
            wd_buf_add(&bytes, s->literal, s->size);
        else if (s->kind == WD_SEGMENT_BODY && tree->nodes[s->node].kind == WD_PART_MULTIPART)
            wd_buf_str(&bytes, tree->nodes[s->node].body);
    }
    return wd_str_eq(wd_buf_view(&bytes), wd_buf_view(&w->glue));
}

/* A layout of our own, while it is built. */
struct building {
    struct WD_VEC(struct wd_segment) segments;
    struct WD_VEC(struct wd_intake_range) ranges; /* of the pool, in the message */
    struct wd_buf pool;
    uint64_t pool_size, at;
    size_t glue_at;
};

static void
add_segment(struct building *b, enum wd_segment_kind kind, uint32_t node, uint64_t size)
{
    struct wd_segment s = { .kind = kind, .node = node, .start = b->at, .size = size, .offset = b->pool_size };

    if (size == 0)
        return;
    if (kind == WD_SEGMENT_POOL) {
        struct wd_intake_range range = { b->at, size };

        if (b->ranges.n && b->ranges.p[b->ranges.n - 1].offset + b->ranges.p[b->ranges.n - 1].size == b->at)
            b->ranges.p[b->ranges.n - 1].size += size;
        else
            wd_vec_push(&b->ranges, range);
        b->pool_size += size;
    }
    if (kind == WD_SEGMENT_POOL && b->segments.n && b->segments.p[b->segments.n - 1].kind == WD_SEGMENT_POOL)
        b->segments.p[b->segments.n - 1].size += size;
    else
        wd_vec_push(&b->segments, s);
    b->at += size;
}

/* The bytes up to `to` are between parts. */
static void
add_glue(struct wd_intake_work *w, struct building *b, uint64_t to)
{
    size_t n = (size_t)(to - b->at);

    if (!w->glue_cut)
        wd_buf_str(&b->pool, wd_str_part(wd_buf_view(&w->glue), b->glue_at, b->glue_at + n));
    b->glue_at += n;
    add_segment(b, WD_SEGMENT_POOL, 0, n);
}

static void
build(struct wd_intake_work *w, const struct wd_tree *tree, struct building *b)
{
    struct wd_buf scratch wd_auto(wd_buf_done) = { 0 };

    for (uint32_t i = 0; i < w->mime->n; i++) {
        const struct wd_mime_part *part = &w->mime->parts[i];

        add_glue(w, b, part->header_start);
        if (header_is_same(part, &tree->nodes[i], &scratch)) {
            add_segment(b, WD_SEGMENT_HEADER, i, part->body_start - part->header_start);
        } else {
            if (b->pool.n < WD_INTAKE_GLUE)
                wd_buf_str(&b->pool, part->header);
            add_segment(b, WD_SEGMENT_POOL, 0, part->body_start - part->header_start);
        }
        if (part->kind == WD_PART_LEAF)
            add_segment(b, w->bodies[i].attachment ? WD_SEGMENT_BLOB : WD_SEGMENT_BODY, i,
                        part->body_end - part->body_start);
    }
    add_glue(w, b, w->mime->size);
}

/* Puts the tree, and the layout when it is needed, into the fields. */
static bool
write_tree(struct wd_intake_work *w, bson_t *fields, struct wd_error *err)
{
    struct wd_tree tree;
    struct wd_layout layout = { 0 };
    struct building b = { 0 };
    bson_t view;
    bool ok = true, is_inline;

    wd_tree_write(fields, "mimeTree", w->mime, w->bodies, NULL);
    if (!wd_doc_sub(fields, "mimeTree", &view) || !wd_tree_read(w->arena, &view, &tree, err))
        return false;
    wd_layout_derive(w->arena, &tree, w->mime->size, &layout);
    if (tree_is_enough(w, &tree, &layout))
        return true;
    build(w, &tree, &b);
    is_inline = b.pool.n == b.pool_size && b.pool_size <= WD_INTAKE_GLUE;
    if (!is_inline) {
        ok = wd_intake_store_ranges(w, b.ranges.p, b.ranges.n, &w->pool, err);
        bson_reinit(fields); /* again, with the pool in the map */
        wd_tree_write(fields, "mimeTree", w->mime, w->bodies, &w->pool);
    }
    for (uint32_t i = 0; i < w->mime->n; i++)
        layout.nodes[i] = (struct wd_layout_node){ w->mime->parts[i].header_start, w->mime->parts[i].body_start,
                                                   w->mime->parts[i].body_end };
    layout.segments = b.segments.p;
    layout.n = b.segments.n;
    layout.pool = wd_buf_view(&b.pool);
    wd_layout_write(fields, &layout, w->mime->n, is_inline);
    wd_vec_done(&b.segments);
    wd_vec_done(&b.ranges);
    wd_buf_done(&b.pool);
    return ok;
}

static bool
take_in(struct wd_intake_work *w, struct wd_error *err)
{
    struct wd_intake *out = w->out;
    struct wd_body_structure structure;

    if (!parse(w, err))
        return false;
    out->size = w->mime->size;
    out->header = w->mime->parts[0].header;
    wd_intake_header_fields(w);
    if (!wd_intake_bodies(w, err) || !write_tree(w, out->fields, err))
        return false;
    wd_envelope_write(out->fields, "envelope", &out->envelope);
    wd_structure_read(w->arena, w->mime, &structure);
    wd_structure_write(out->fields, "bodystructure", &structure);
    wd_intake_index_fields(out->fields, out);
    wd_intake_fields(w, out->fields);
    wd_intake_text_fields(w, out->fields);
    wd_intake_hash_fields(out->fields, out);
    out->n_blobs = w->blobs.n;
    out->blobs = WD_ARENA_ARRAY(w->arena, struct wd_intake_blob, w->blobs.n + 1);
    if (w->blobs.n)
        memcpy(out->blobs, w->blobs.p, w->blobs.n * sizeof *w->blobs.p);
    if (out->fields->len > WD_INTAKE_DOCUMENT)
        return wd_fail(err, WD_MESSAGE_REFUSED, "the headers of the message are too large");
    return true;
}

bool
wd_intake_read(struct wd_arena *a, struct wd_source *source, struct wd_blobs *blobs, int64_t idate_ms,
               struct wd_intake *out, struct wd_error *err)
{
    struct wd_intake_work w = {
        .arena = a,
        .source = source,
        .blobs_port = blobs,
        .idate_ms = idate_ms,
        .out = out,
        .hashing = UINT32_MAX,
    };
    bool ok;

    memset(out, 0, sizeof *out);
    out->arena = a;
    out->fields = bson_new();
    w.whole = EVP_MD_CTX_new();
    w.leaf = EVP_MD_CTX_new();
    ok = take_in(&w, err);
    EVP_MD_CTX_free(w.whole);
    EVP_MD_CTX_free(w.leaf);
    wd_vec_done(&w.leaves);
    wd_vec_done(&w.blobs);
    wd_vec_done(&w.html);
    wd_buf_done(&w.glue);
    wd_buf_done(&w.text);
    if (!ok)
        wd_intake_done(out);
    return ok;
}

void
wd_intake_done(struct wd_intake *in)
{
    if (in->fields)
        bson_destroy(in->fields);
    in->fields = NULL;
}

bool
wd_intake_field(const struct wd_intake *in, struct wd_arena *a, struct wd_str name, size_t n, struct wd_str *value)
{
    const struct wd_str blocks[] = { in->prefix, in->header };

    for (size_t i = 0; i < WD_COUNT(blocks); i++) {
        struct wd_str rest = blocks[i];
        struct wd_field field;

        while (wd_header_next(&rest, &field))
            if (wd_str_ieq(field.name, name) && n-- == 0) {
                *value = wd_header_decode(a, field.value);
                return true;
            }
    }
    return false;
}
