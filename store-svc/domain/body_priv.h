/* store-svc/domain/body_priv.h – what body.c and body_read.c share. */
#ifndef WD_STORE_DOMAIN_BODY_PRIV_H
#define WD_STORE_DOMAIN_BODY_PRIV_H
#include "store-svc/domain/body.h"

struct wd_body {
    struct wd_arena *arena;
    struct wd_blobs *blobs;
    struct wd_tree tree;
    struct wd_layout layout;
    uint64_t size; /* as announced; the layout may be shorter or longer when the document was damaged */
    uint64_t lost;

    /* The header that was rebuilt last, and the attachment that was looked at last. */
    uint32_t header_node;
    struct wd_str header;
    bool has_blob, blob_found;
    struct wd_blob_key blob_key;
    struct wd_blob_info blob;
};
#endif
