/* store-svc/domain/tree.h – mimeTree of a message document: a parsed message to BSON, and BSON to a flat tree.
 * Documents of WildDuck are read as well as ours. */
#ifndef WD_STORE_DOMAIN_TREE_H
#define WD_STORE_DOMAIN_TREE_H
#include <bson/bson.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "store-svc/mime/parse.h"
#include "store-svc/port/blobs.h"

/* The name in attachmentMap of the body that holds what does not fit beside the tree (layout.h). It stands there so
 * that everything that counts references by that map counts this one, too. */
#define WD_TREE_POOL "LAYOUT"

/* What becomes of a part's body. */
struct wd_tree_body {
    struct wd_str bytes; /* in the document: of a leaf; the preamble of a multipart */
    bool present;
    uint32_t attachment;    /* n of ATTnnnnn when it is not in the document; 0: it is */
    struct wd_blob_key key; /* then */
};

/** Appends the document `field` with the tree. bodies: one for each part. pool: NULL when there is none. */
void wd_tree_write(bson_t *doc, const char *field, const struct wd_mime *mime, const struct wd_tree_body *bodies,
                   const struct wd_blob_key *pool);
/** "ATT00001" */
const char *wd_attachment_id(uint32_t number, char to[16]);

struct wd_tree_node {
    uint32_t parent, depth; /* the root is its own parent */
    enum wd_part_kind kind;
    struct wd_str header; /* the BSON array of lines; empty when missing */
    struct wd_str body;
    bool has_body; /* in the document, may be empty */
    struct wd_str boundary;
    struct wd_str attachment; /* "ATT00001", empty: none */
    bool external;            /* its attachment is in the map */
    struct wd_blob_key key;
    uint64_t size; /* of the body as the document says */
};

struct wd_tree {
    struct wd_tree_node *nodes; /* a node stands before its children */
    uint32_t n;
    bool has_pool;
    struct wd_blob_key pool;
};

/** Reads a mimeTree; slices and views point into it. WD_DATA_LOSS when it is none. */
bool wd_tree_read(struct wd_arena *a, const bson_t *mime_tree, struct wd_tree *out, struct wd_error *err) WD_CHECKED;
/** Appends the header of a node as the tree has it: its lines joined by CRLF, CRLF, and the empty line. */
void wd_tree_header(const struct wd_tree_node *node, struct wd_buf *out);
/** The same as a size only. */
uint64_t wd_tree_header_size(const struct wd_tree_node *node);

/** The bodies that a message document refers to, distinct, with the number of times. magic_sum is count × magic. */
bool wd_tree_refs(struct wd_arena *a, const bson_t *message, struct wd_blob_ref **out, size_t *n,
                  struct wd_error *err) WD_CHECKED;
#endif
