/* store-svc/domain/intake_priv.h – what the intake files share while a message is taken in. */
#ifndef WD_STORE_DOMAIN_INTAKE_PRIV_H
#define WD_STORE_DOMAIN_INTAKE_PRIV_H
#include <openssl/evp.h>

#include "common/base/vec.h"
#include "store-svc/domain/intake.h"
#include "store-svc/domain/layout.h"
#include "store-svc/mime/text.h"

enum {
    WD_INTAKE_STEP = 64 << 10,      /* bytes read at once */
    WD_INTAKE_INLINE = 300 << 10,   /* a text above it leaves the document */
    WD_INTAKE_INLINE_ALL = 1 << 20, /* texts together */
    WD_INTAKE_GLUE = 256 << 10,     /* pool bytes in the document */
    WD_INTAKE_TEXT_INDEXED = 1024,  /* characters of `text` */
    WD_INTAKE_TEXT = 100 << 10,     /* text and textFooter */
    WD_INTAKE_HTML = 640 << 10,
    WD_INTAKE_DOCUMENT = 14 << 20, /* of BSON's 16 MiB; the rest is for what the caller adds */
};

/* What is known of a part's body beyond the parser's result. */
struct wd_intake_leaf {
    struct wd_blob_key key;
    bool hashed;
    size_t blob; /* index in blobs.p, when it is outside */
};

struct wd_intake_work {
    struct wd_arena *arena;
    struct wd_source *source;
    struct wd_blobs *blobs_port;
    int64_t idate_ms;
    const struct wd_mime *mime;
    struct wd_intake *out;

    /* pass 1 */
    EVP_MD_CTX *whole, *leaf;
    uint32_t hashing; /* part whose body goes into `leaf`; UINT32_MAX: none */
    struct WD_VEC(struct wd_intake_leaf) leaves;
    struct wd_buf glue; /* up to WD_INTAKE_GLUE bytes of it */
    bool glue_cut;
    uint64_t glue_size;

    /* pass 2 */
    struct wd_tree_body *bodies;
    struct WD_VEC(struct wd_intake_blob) blobs;
    struct wd_buf text;                /* of all parts */
    struct WD_VEC(struct wd_str) html; /* in the arena */
    size_t html_size;
    bool has_html;                 /* in the message; otherwise it was made of the text */
    bool plain_known, plain_below; /* has the multipart/alternative plain_top a plain text? */
    uint32_t plain_top;
    struct wd_blob_key pool;
};

/* intake_store.c: decides what leaves the document, writes it, fills w->bodies, w->text and w->html. */
bool wd_intake_bodies(struct wd_intake_work *w, struct wd_error *err);
/* A body that is the given ranges of the source, one after the other; adds it to w->blobs. */
struct wd_intake_range {
    uint64_t offset, size;
};
bool wd_intake_store_ranges(struct wd_intake_work *w, const struct wd_intake_range *ranges, size_t n,
                            struct wd_blob_key *key, struct wd_error *err);

/* intake_text.c */
struct wd_text *wd_intake_text_begin(struct wd_intake_work *w, uint32_t part);
void wd_intake_text_end(struct wd_intake_work *w, uint32_t part, struct wd_text *text);
void wd_intake_text_fields(struct wd_intake_work *w, bson_t *fields);

/* intake_fields.c */
void wd_intake_header_fields(struct wd_intake_work *w);
void wd_intake_index_fields(bson_t *fields, const struct wd_intake *in);
void wd_intake_fields(struct wd_intake_work *w, bson_t *fields);
void wd_intake_hash_fields(bson_t *fields, const struct wd_intake *in);
/* Appends the elements of `headers` that the block has. */
struct wd_intake_headers WD_VEC(struct wd_intake_header);
void wd_intake_index(struct wd_arena *a, struct wd_str block, struct wd_intake_headers *out);
#endif
