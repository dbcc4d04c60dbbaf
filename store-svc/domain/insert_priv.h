/* store-svc/domain/insert_priv.h – one message on its way into a batch. */
#ifndef WD_STORE_DOMAIN_INSERT_PRIV_H
#define WD_STORE_DOMAIN_INSERT_PRIV_H
#include "store-svc/domain/change.h"
#include "store-svc/domain/insert.h"

struct wd_insert_step {
    struct wd_domain *d;
    struct wd_arena *a;
    struct wd_docs *batch;
    const struct wd_insert *in;
    struct wd_inserted *out;
    int64_t now;
    struct wd_change change;       /* with the mailbox */
    bool begun, charged, referred; /* what has been done so far */
    bool settling;                 /* the journal is being written: it may have happened */
    bool elsewhere;                /* the same call has been or is being made by another replica */
    struct wd_id thread;
    uint32_t magic;
    struct wd_str *flags; /* as stored */
    size_t n_flags;
};

/** Fills flags and n_flags: system flags as they are spelt, then keywords, each once. */
void wd_insert_flags(struct wd_insert_step *s);
/** The whole document of a message that has its place; yours to bson_destroy. */
bson_t *wd_insert_document(const struct wd_insert_step *s);
#endif
