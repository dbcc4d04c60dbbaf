/* store-svc/domain/layout.h – how the bytes of a message are put together.
 *
 * A layout is a list of segments that covers every byte: headers and bodies out of the tree, attachment bodies, and the
 * bytes between them. What the tree alone says gives the derived layout, by the rules of the existing installations:
 * blocks joined by CRLF (header lines and their CRLF; the body; "--boundary" before each child and "--boundary--" after
 * the last). When that is not byte for byte the message, a layout of our own is stored beside the tree, and the bytes
 * that the tree has not are in its pool: inline, or an attachment body when they are many.
 */
#ifndef WD_STORE_DOMAIN_LAYOUT_H
#define WD_STORE_DOMAIN_LAYOUT_H
#include "store-svc/domain/tree.h"

enum wd_segment_kind {
    WD_SEGMENT_LITERAL = 0, /* bytes in memory */
    WD_SEGMENT_POOL = 1,    /* a range of the pool */
    WD_SEGMENT_HEADER = 2,  /* wd_tree_header of the node */
    WD_SEGMENT_BODY = 3,    /* the node's body in the document */
    WD_SEGMENT_BLOB = 4,    /* the node's attachment, encoded */
};

struct wd_segment {
    enum wd_segment_kind kind;
    uint32_t node;
    uint64_t start, size; /* in the message */
    uint64_t offset;      /* in the pool */
    const char *literal;
};

/* Where a node's bytes are; body_start is also the end of the header with its empty line. */
struct wd_layout_node {
    uint64_t header_start, body_start, body_end;
};

struct wd_layout {
    struct wd_segment *segments;
    size_t n;
    struct wd_layout_node *nodes; /* one for each node of the tree */
    uint64_t size;                /* of the message */
    struct wd_str pool;           /* when it is inline */
};

/** The layout that the tree alone gives. `size` is the document's: it says whether a final CRLF follows the last
 *  block, and whether a preamble has its own, which the tree does not; where it differs from the sum otherwise, the
 *  sum is in out->size. */
void wd_layout_derive(struct wd_arena *a, const struct wd_tree *tree, uint64_t size, struct wd_layout *out);

/** The document field that holds a stored layout. */
#define WD_LAYOUT_FIELD "layout"
/** Appends that field. pool_inline: the pool goes into the document; else it is the attachment WD_TREE_POOL. */
void wd_layout_write(bson_t *doc, const struct wd_layout *layout, uint32_t n_nodes, bool pool_inline);
/** The layout of a message document: the stored one, or the derived one. WD_DATA_LOSS when what is stored is broken. */
bool wd_layout_read(struct wd_arena *a, const bson_t *message, const struct wd_tree *tree, struct wd_layout *out,
                    struct wd_error *err) WD_CHECKED;
/** The index of the segment that holds the byte at offset, which must be below layout->size. */
size_t wd_layout_find(const struct wd_layout *layout, uint64_t offset);
#endif
