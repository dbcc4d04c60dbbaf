#include <stdlib.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/base/vec.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/tree.h"

enum { DEPTH_MAX = 120, NODES_MAX = 100000 };

struct nodes WD_VEC(struct wd_tree_node);

/* A list of nodes that is being walked: childNodes, or one "message". */
struct level {
    bson_iter_t it;
    uint32_t parent;
    bool single; /* the iterator stands on the one node */
};

static void
read_body(const bson_t *doc, struct wd_tree_node *node)
{
    bson_iter_t it;

    if (!bson_iter_init_find(&it, doc, "body"))
        return;
    node->has_body = BSON_ITER_HOLDS_BINARY(&it) || BSON_ITER_HOLDS_UTF8(&it);
    if (node->has_body)
        node->body = wd_doc_str(doc, "body");
}

static void
read_node(const bson_t *doc, struct wd_tree_node *node)
{
    bson_iter_t it;

    if (bson_iter_init_find(&it, doc, "header") && BSON_ITER_HOLDS_ARRAY(&it)) {
        uint32_t n;
        const uint8_t *bytes;

        bson_iter_array(&it, &n, &bytes);
        node->header = wd_str_n(bytes, n);
    }
    read_body(doc, node);
    node->boundary = wd_doc_str(doc, "boundary");
    node->attachment = wd_doc_str(doc, "attachmentId");
    node->size = (uint64_t)wd_doc_int(doc, "size", 0);
    if (node->boundary.n)
        node->kind = WD_PART_MULTIPART;
}

/* The lists below a node. Returns true when it has one; an embedded message goes first. */
static bool
children_of(const bson_t *doc, struct wd_tree_node *node, struct level *out)
{
    bson_iter_t it;

    if (bson_iter_init_find(&it, doc, "message") && BSON_ITER_HOLDS_DOCUMENT(&it)) {
        node->kind = WD_PART_MESSAGE;
        out->it = it;
        out->single = true;
        return true;
    }
    out->single = false;
    return bson_iter_init_find(&it, doc, "childNodes") && BSON_ITER_HOLDS_ARRAY(&it) &&
           bson_iter_recurse(&it, &out->it);
}

/* Moves to the next node of a level. */
static bool
next_of(struct level *l, bson_t *doc)
{
    const uint8_t *bytes;
    uint32_t n;

    for (;;) {
        if (l->single)
            l->single = false;
        else if (l->it.raw == NULL || !bson_iter_next(&l->it))
            return false;
        if (!BSON_ITER_HOLDS_DOCUMENT(&l->it))
            continue;
        bson_iter_document(&l->it, &n, &bytes);
        return bson_init_static(doc, bytes, n);
    }
}

static bool
walk(const bson_t *root, struct nodes *nodes, struct wd_error *err)
{
    struct level levels[DEPTH_MAX];
    size_t open = 0;
    struct wd_tree_node node = { 0 };
    bson_t doc;

    read_node(root, &node);
    open += children_of(root, &node, &levels[0]);
    levels[0].parent = 0;
    wd_vec_push(nodes, node);
    while (open) {
        struct level *l = &levels[open - 1];

        if (!next_of(l, &doc)) {
            open--;
            continue;
        }
        if (open == DEPTH_MAX || nodes->n >= NODES_MAX)
            return wd_fail(err, WD_DATA_LOSS, "the stored tree is too large");
        node = (struct wd_tree_node){ .parent = l->parent, .depth = nodes->p[l->parent].depth + 1 };
        /* An embedded message has no siblings: its iterator must not go on in the parent's fields. */
        if (nodes->p[l->parent].kind == WD_PART_MESSAGE)
            l->it = (bson_iter_t){ 0 };
        read_node(&doc, &node);
        if (children_of(&doc, &node, &levels[open])) {
            levels[open].parent = (uint32_t)nodes->n;
            open++;
        }
        wd_vec_push(nodes, node);
    }
    return true;
}

static bool
key_at(const bson_t *map, struct wd_str name, struct wd_blob_key *key)
{
    bson_iter_t it;

    if (!bson_iter_init_find_w_len(&it, map, name.p, (int)name.n) || !BSON_ITER_HOLDS_BINARY(&it))
        return false;
    bson_subtype_t subtype;
    uint32_t n;
    const uint8_t *bytes;
    bson_iter_binary(&it, &subtype, &n, &bytes);
    if (n != sizeof key->b)
        return false;
    memcpy(key->b, bytes, n);
    return true;
}

bool
wd_tree_read(struct wd_arena *a, const bson_t *mime_tree, struct wd_tree *out, struct wd_error *err)
{
    struct nodes nodes = { 0 };
    bson_t map;
    bool ok = walk(mime_tree, &nodes, err), has_map = wd_doc_sub(mime_tree, "attachmentMap", &map);

    if (ok) {
        out->n = (uint32_t)nodes.n;
        out->nodes = WD_ARENA_ARRAY(a, struct wd_tree_node, nodes.n);
        memcpy(out->nodes, nodes.p, nodes.n * sizeof *nodes.p);
        out->has_pool = has_map && key_at(&map, WD_STR(WD_TREE_POOL), &out->pool);
        for (uint32_t i = 0; i < out->n; i++) {
            struct wd_tree_node *node = &out->nodes[i];

            node->external = has_map && node->attachment.n && key_at(&map, node->attachment, &node->key);
        }
    }
    wd_vec_done(&nodes);
    return ok;
}

/* Characters back to the bytes of those numbers. */
static void
latin1_bytes(struct wd_str s, struct wd_buf *out)
{
    char *to = wd_buf_reserve(out, s.n);
    size_t n = 0, used;
    uint32_t c;

    while (s.n) {
        used = wd_utf8_next(s, &c);
        if (used == 2 && c <= 0xff) {
            to[n++] = (char)c;
        } else {
            used = used ? used : 1;
            memcpy(to + n, s.p, used);
            n += used;
        }
        s = wd_str_part(s, used, s.n);
    }
    out->n += n;
}

static struct wd_str
iter_text(const bson_iter_t *it)
{
    uint32_t n;
    const char *text;

    if (!BSON_ITER_HOLDS_UTF8(it))
        return WD_NONE;
    text = bson_iter_utf8(it, &n);
    return wd_str_n(text, n);
}

static bool
lines_of(const struct wd_tree_node *node, bson_iter_t *it)
{
    return node->header.n && bson_iter_init_from_data(it, (const uint8_t *)node->header.p, node->header.n);
}

void
wd_tree_header(const struct wd_tree_node *node, struct wd_buf *out)
{
    bson_iter_t it;
    bool first = true;

    if (lines_of(node, &it))
        for (; bson_iter_next(&it); first = false) {
            if (!first)
                wd_buf_c(out, "\r\n");
            latin1_bytes(iter_text(&it), out);
        }
    wd_buf_c(out, "\r\n\r\n");
}

static size_t
latin1_size(struct wd_str s)
{
    size_t n = 0, used;
    uint32_t c;

    while (s.n) {
        if ((unsigned char)s.p[0] < 0x80) {
            used = 1;
            n++;
        } else {
            used = wd_utf8_next(s, &c);
            n += used == 2 && c <= 0xff ? 1 : used ? used : 1;
            used = used ? used : 1;
        }
        s = wd_str_part(s, used, s.n);
    }
    return n;
}

uint64_t
wd_tree_header_size(const struct wd_tree_node *node)
{
    bson_iter_t it;
    uint64_t n = 4;
    bool first = true;

    if (lines_of(node, &it))
        for (; bson_iter_next(&it); first = false)
            n += (first ? 0 : 2) + latin1_size(iter_text(&it));
    return n;
}

static int
by_key(const void *a, const void *b)
{
    const struct wd_blob_ref *x = a, *y = b;

    return memcmp(x->key.b, y->key.b, sizeof x->key.b);
}

bool
wd_tree_refs(struct wd_arena *a, const bson_t *message, struct wd_blob_ref **out, size_t *n, struct wd_error *err)
{
    struct WD_VEC(struct wd_blob_ref) refs = { 0 };
    uint64_t magic = (uint64_t)wd_doc_int(message, "magic", 0);
    bson_t map;
    bson_iter_t it;
    size_t distinct = 0;

    (void)err;
    if (wd_doc_sub(message, "mimeTree.attachmentMap", &map) && bson_iter_init(&it, &map))
        while (bson_iter_next(&it)) {
            struct wd_blob_ref ref = { .count = 1, .magic_sum = magic };

            if (key_at(&map, wd_str_c(bson_iter_key(&it)), &ref.key))
                wd_vec_push(&refs, ref);
        }
    if (refs.n)
        qsort(refs.p, refs.n, sizeof *refs.p, by_key);
    *out = WD_ARENA_ARRAY(a, struct wd_blob_ref, refs.n + 1);
    for (size_t i = 0; i < refs.n; i++) {
        if (distinct && by_key(&(*out)[distinct - 1], &refs.p[i]) == 0) {
            (*out)[distinct - 1].count++;
            (*out)[distinct - 1].magic_sum += magic;
        } else {
            (*out)[distinct++] = refs.p[i];
        }
    }
    *n = distinct;
    wd_vec_done(&refs);
    return true;
}
