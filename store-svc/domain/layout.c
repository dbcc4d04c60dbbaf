#include "store-svc/domain/layout.h"

#include "common/base/lifetime.h"
#include "common/base/vec.h"

struct build {
    struct wd_arena *arena;
    const struct wd_tree *tree;
    struct wd_layout *out;
    struct WD_VEC(struct wd_segment) segments;
    uint64_t at;
    bool join;  /* a block ended: CRLF comes before the next one */
    bool tight; /* a preamble that ends with CRLF has the one before the boundary line: so other writers keep it */
};

static void
add(struct build *b, enum wd_segment_kind kind, uint32_t node, const char *literal, uint64_t size)
{
    struct wd_segment s = { .kind = kind, .node = node, .start = b->at, .size = size, .literal = literal };

    if (size)
        wd_vec_push(&b->segments, s);
    b->at += size;
}

/* "--boundary" or "--boundary--" as a block. */
static void
add_delimiter(struct build *b, uint32_t node, bool closing)
{
    struct wd_str text =
        wd_arena_printf(b->arena, "%s--%.*s%s%s", b->join ? "\r\n" : "", WD_FMT(b->tree->nodes[node].boundary),
                        closing ? "--" : "", closing ? "" : "\r\n");

    add(b, WD_SEGMENT_LITERAL, node, text.p, text.n);
    b->join = closing;
}

static bool
is_closed_preamble(const struct wd_tree_node *node)
{
    return node->kind == WD_PART_MULTIPART && node->has_body && wd_str_ends(node->body, WD_STR("\r\n"));
}

static void
add_node(struct build *b, uint32_t i)
{
    const struct wd_tree_node *node = &b->tree->nodes[i];
    struct wd_layout_node *range = &b->out->nodes[i];

    range->header_start = b->at;
    add(b, WD_SEGMENT_HEADER, i, NULL, wd_tree_header_size(node));
    range->body_start = b->at;
    b->join = false;
    if (node->kind == WD_PART_MULTIPART) {
        if (node->has_body && node->body.n) {
            add(b, WD_SEGMENT_BODY, i, NULL, node->body.n);
            b->join = !b->tight || !is_closed_preamble(node);
        }
    } else if (node->external) {
        add(b, WD_SEGMENT_BLOB, i, NULL, node->size);
        b->join = true;
    } else if (node->has_body && node->kind != WD_PART_MESSAGE) {
        add(b, WD_SEGMENT_BODY, i, NULL, node->body.n);
        b->join = true;
    }
}

static void
end_node(struct build *b, uint32_t i, bool has_children)
{
    if (b->tree->nodes[i].kind == WD_PART_MULTIPART) {
        if (!has_children) /* the existing system writes an empty pair of boundary lines */
            add_delimiter(b, i, false);
        add_delimiter(b, i, true);
    }
    b->out->nodes[i].body_end = b->at;
}

/* In preorder, closing what ends on the way up: no recursion. */
static void
derive(struct build *b)
{
    uint32_t n = b->tree->n;

    b->at = 0;
    b->join = false;
    b->segments.n = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t parent = b->tree->nodes[i].parent;

        if (i && b->tree->nodes[parent].kind == WD_PART_MULTIPART)
            add_delimiter(b, parent, false);
        add_node(b, i);
        /* Close this node and every ancestor that the next node is not below. */
        uint32_t stop = i + 1 < n ? b->tree->nodes[i + 1].parent : UINT32_MAX;
        for (uint32_t up = i; up != stop; up = b->tree->nodes[up].parent) {
            end_node(b, up, up != i);
            if (up == 0)
                break;
        }
    }
}

/* Whether the last line has its end is not in the tree. */
static bool
fits(const struct build *b, uint64_t size)
{
    return b->at == size || b->at + 2 == size;
}

void
wd_layout_derive(struct wd_arena *a, const struct wd_tree *tree, uint64_t size, struct wd_layout *out)
{
    struct build b = { .arena = a, .tree = tree, .out = out };

    memset(out, 0, sizeof *out);
    out->nodes = WD_ARENA_ARRAY(a, struct wd_layout_node, tree->n);
    for (uint32_t i = 0; i < tree->n && !b.tight; i++)
        b.tight = is_closed_preamble(&tree->nodes[i]);
    derive(&b);
    if (b.tight && !fits(&b, size)) {
        b.tight = false;
        derive(&b);
    }
    if (b.at + 2 == size) {
        add(&b, WD_SEGMENT_LITERAL, 0, "\r\n", 2);
        out->nodes[0].body_end = b.at;
    }
    out->n = b.segments.n;
    out->segments = WD_ARENA_ARRAY(a, struct wd_segment, out->n + 1);
    if (out->n)
        memcpy(out->segments, b.segments.p, out->n * sizeof *out->segments);
    out->size = b.at;
    wd_vec_done(&b.segments);
}

size_t
wd_layout_find(const struct wd_layout *layout, uint64_t offset)
{
    size_t low = 0, high = layout->n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (layout->segments[middle].start <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}
