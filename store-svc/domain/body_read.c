#include "store-svc/domain/body_priv.h"
#include "store-svc/domain/encoded.h"

static void
add_spaces(struct wd_body *b, size_t n, struct wd_buf *out)
{
    memset(wd_buf_reserve(out, n), ' ', n);
    out->n += n;
    b->lost += n;
}

/* Looks the body up once for a run of reads. */
static bool
stat_blob(struct wd_body *b, const struct wd_blob_key *key, struct wd_error *err)
{
    if (b->has_blob && memcmp(b->blob_key.b, key->b, sizeof key->b) == 0)
        return true;
    if (!b->blobs)
        return wd_fail(err, WD_INTERNAL, "attachment bodies can not be read here");
    if (!wd_blobs_stat(b->blobs, key, &b->blob, &b->blob_found, err))
        return false;
    b->has_blob = true;
    b->blob_key = *key;
    return true;
}

/* A lost body, or the part of it that is lost, becomes spaces. */
static bool
read_blob(struct wd_body *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
          struct wd_error *err)
{
    struct wd_error lost;
    uint64_t size;
    size_t there = 0, before = out->n;

    if (!stat_blob(b, key, err))
        return false;
    size = b->blob_found ? wd_encoded_size(&b->blob) : 0;
    if (offset < size)
        there = n < size - offset ? n : (size_t)(size - offset);
    if (there && !wd_encoded_read(b->blobs, key, &b->blob, offset, there, out, &lost)) {
        if (lost.reason != WD_DATA_LOSS) {
            *err = lost;
            return false;
        }
        out->n = before;
        there = 0;
    }
    add_spaces(b, n - there, out);
    return true;
}

static struct wd_str
rebuilt_header(struct wd_body *b, uint32_t node)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    if (b->header.p && b->header_node == node)
        return b->header;
    wd_tree_header(&b->tree.nodes[node], &text);
    b->header_node = node;
    b->header = wd_arena_str(b->arena, wd_buf_view(&text));
    return b->header;
}

static bool
read_segment(struct wd_body *b, const struct wd_segment *s, uint64_t offset, size_t n, struct wd_buf *out,
             struct wd_error *err)
{
    const struct wd_tree_node *node = &b->tree.nodes[s->node];
    uint64_t in_pool = s->offset + offset;

    switch (s->kind) {
    case WD_SEGMENT_LITERAL:
        wd_buf_add(out, s->literal + offset, n);
        return true;
    case WD_SEGMENT_POOL:
        if (!b->layout.pool.n)
            return read_blob(b, &b->tree.pool, in_pool, n, out, err);
        wd_buf_str(out, wd_str_part(b->layout.pool, in_pool, in_pool + n));
        return true;
    case WD_SEGMENT_HEADER:
        wd_buf_str(out, wd_str_part(rebuilt_header(b, s->node), offset, offset + n));
        return true;
    case WD_SEGMENT_BODY:
        wd_buf_str(out, wd_str_part(node->body, offset, offset + n));
        return true;
    case WD_SEGMENT_BLOB:
        return read_blob(b, &node->key, offset, n, out, err);
    }
    return wd_fail(err, WD_DATA_LOSS, "the stored layout is broken");
}

bool
wd_body_read_all(struct wd_body *b, uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err)
{
    const struct wd_layout *l = &b->layout;
    size_t i;

    if (offset >= b->size)
        return true;
    if (n > b->size - offset)
        n = (size_t)(b->size - offset);
    i = offset < l->size ? wd_layout_find(l, offset) : l->n;
    for (; n && i < l->n; i++) {
        const struct wd_segment *s = &l->segments[i];
        uint64_t from = offset - s->start;
        size_t take = n < s->size - from ? n : (size_t)(s->size - from);

        if (!read_segment(b, s, from, take, out, err))
            return false;
        offset += take;
        n -= take;
    }
    if (n)
        add_spaces(b, n, out); /* the document promises more than it has */
    return true;
}

/* The node of an attachment with its body looked up; NULL and true: there is none. */
static bool
find_attachment(struct wd_body *b, struct wd_str id, const struct wd_tree_node **out, struct wd_error *err)
{
    *out = NULL;
    for (uint32_t i = 0; i < b->tree.n && !*out; i++)
        if (b->tree.nodes[i].external && wd_str_eq(b->tree.nodes[i].attachment, id))
            *out = &b->tree.nodes[i];
    if (*out && !stat_blob(b, &(*out)->key, err))
        return false;
    if (*out && !b->blob_found)
        *out = NULL;
    return true;
}

bool
wd_body_attachment_info(struct wd_body *b, struct wd_str id, struct wd_blob_info *out, bool *found,
                        struct wd_error *err)
{
    const struct wd_tree_node *node;

    if (!find_attachment(b, id, &node, err))
        return false;
    *found = node != NULL;
    if (node)
        *out = b->blob;
    return true;
}

bool
wd_body_attachment(struct wd_body *b, struct wd_str id, uint64_t offset, size_t n, struct wd_buf *out, bool *found,
                   struct wd_error *err)
{
    const struct wd_tree_node *node;

    if (!find_attachment(b, id, &node, err))
        return false;
    *found = node != NULL;
    if (!node || offset >= b->blob.length)
        return true;
    if (n > b->blob.length - offset)
        n = (size_t)(b->blob.length - offset);
    return wd_blobs_read(b->blobs, &node->key, offset, n, out, err);
}
