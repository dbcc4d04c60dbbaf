#include "store-svc/domain/doc.h"
#include "store-svc/domain/layout.h"

/* The stored form: {v: 1, map: binary, pool: binary (when inline), head: binary (lines put on top of everything)}.
 * The map is a list of numbers in base 128, low digits first: for each node header_start (from the one before),
 * the sizes of header and body; then for each segment its kind, its node (not for pool ranges) and its size. Pool
 * ranges follow each other in the pool. */
enum { VERSION = 1, KINDS = 5 };

static void
put(struct wd_buf *out, uint64_t value)
{
    for (; value > 127; value >>= 7)
        wd_buf_chr(out, (char)(value | 128));
    wd_buf_chr(out, (char)value);
}

static bool
get(struct wd_str *s, uint64_t *value)
{
    unsigned shift = 0;

    *value = 0;
    while (s->n && shift < 63) {
        uint64_t c = (unsigned char)s->p[0];

        *s = wd_str_part(*s, 1, s->n);
        *value |= (c & 127) << shift;
        if (c < 128)
            return true;
        shift += 7;
    }
    return false;
}

void
wd_layout_write(bson_t *doc, const struct wd_layout *layout, uint32_t n_nodes, bool pool_inline)
{
    struct wd_buf map wd_auto(wd_buf_done) = { 0 };
    uint64_t before = 0;
    bson_t field;

    for (uint32_t i = 0; i < n_nodes; i++) {
        const struct wd_layout_node *node = &layout->nodes[i];

        put(&map, node->header_start - before);
        put(&map, node->body_start - node->header_start);
        put(&map, node->body_end - node->body_start);
        before = node->header_start;
    }
    bson_append_document_begin(doc, WD_LAYOUT_FIELD, -1, &field);
    bson_append_int32(&field, "v", -1, VERSION);
    for (size_t i = 0; i < layout->n; i++) {
        const struct wd_segment *s = &layout->segments[i];

        if (s->kind == WD_SEGMENT_LITERAL) { /* only the first one can be: what was put on top */
            wd_doc_add_bytes(&field, "head", s->literal, s->size);
            continue;
        }
        put(&map, s->kind);
        if (s->kind != WD_SEGMENT_POOL)
            put(&map, s->node);
        put(&map, s->size);
    }
    wd_doc_add_bytes(&field, "map", map.p, map.n);
    if (pool_inline)
        wd_doc_add_bytes(&field, "pool", layout->pool.p, layout->pool.n);
    bson_append_document_end(doc, &field);
}

static bool
read_nodes(struct wd_str *map, uint32_t n, struct wd_layout *out)
{
    uint64_t at = 0, value;

    for (uint32_t i = 0; i < n; i++) {
        struct wd_layout_node *node = &out->nodes[i];

        if (!get(map, &value) || value > INT64_MAX - at)
            return false;
        node->header_start = at += value;
        if (!get(map, &value) || value > INT64_MAX - at)
            return false;
        node->body_start = at + value;
        if (!get(map, &value) || value > INT64_MAX - node->body_start)
            return false;
        node->body_end = node->body_start + value;
    }
    return true;
}

/* The size that the tree has for a segment must be the stored one, or reading would run over. */
static bool
segment_fits(const struct wd_segment *s, const struct wd_tree *tree, const struct wd_layout *out, bool pool_inline)
{
    const struct wd_tree_node *node = &tree->nodes[s->node];

    switch (s->kind) {
    case WD_SEGMENT_POOL:
        return pool_inline ? s->offset + s->size <= out->pool.n : tree->has_pool;
    case WD_SEGMENT_HEADER:
        return s->size == wd_tree_header_size(node);
    case WD_SEGMENT_BODY:
        return node->has_body && s->size == node->body.n;
    default:
        return s->kind == WD_SEGMENT_BLOB && node->external;
    }
}

static bool
read_segments(struct wd_str map, const struct wd_tree *tree, bool pool_inline, struct wd_layout *out)
{
    uint64_t kind, node = 0, pool_at = 0;

    while (map.n) {
        struct wd_segment *s = &out->segments[out->n];

        if (!get(&map, &kind) || kind == WD_SEGMENT_LITERAL || kind >= KINDS)
            return false;
        node = 0;
        if ((kind != WD_SEGMENT_POOL && !get(&map, &node)) || node >= tree->n || !get(&map, &s->size))
            return false;
        s->kind = (enum wd_segment_kind)kind;
        s->node = (uint32_t)node;
        s->start = out->size;
        s->offset = pool_at;
        if (s->size > INT64_MAX - out->size || !segment_fits(s, tree, out, pool_inline))
            return false;
        if (kind == WD_SEGMENT_POOL)
            pool_at += s->size;
        out->size += s->size;
        out->n++;
    }
    return true;
}

bool
wd_layout_read(struct wd_arena *a, const bson_t *message, const struct wd_tree *tree, struct wd_layout *out,
               struct wd_error *err)
{
    struct wd_str map = wd_doc_str(message, WD_LAYOUT_FIELD ".map");
    struct wd_str head = wd_doc_str(message, WD_LAYOUT_FIELD ".head");
    bool pool_inline = wd_doc_has(message, WD_LAYOUT_FIELD ".pool");

    if (map.n == 0) {
        wd_layout_derive(a, tree, (uint64_t)wd_doc_int(message, "size", 0), out);
        return true;
    }
    memset(out, 0, sizeof *out);
    out->pool = wd_doc_str(message, WD_LAYOUT_FIELD ".pool");
    out->nodes = WD_ARENA_ARRAY(a, struct wd_layout_node, tree->n);
    out->segments = WD_ARENA_ARRAY(a, struct wd_segment, map.n / 2 + 2);
    if (head.n) {
        out->segments[out->n++] = (struct wd_segment){ .kind = WD_SEGMENT_LITERAL, .size = head.n, .literal = head.p };
        out->size = head.n;
    }
    if (wd_doc_int(message, WD_LAYOUT_FIELD ".v", 0) != VERSION || !read_nodes(&map, tree->n, out) ||
        !read_segments(map, tree, pool_inline, out))
        return wd_fail(err, WD_DATA_LOSS, "the stored layout is broken");
    return true;
}
