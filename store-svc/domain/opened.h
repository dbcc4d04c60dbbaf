/* store-svc/domain/opened.h – stored messages opened for reading, and a few of them kept open: a body that is read in
 * ranges is not loaded and parsed for each range. */
#ifndef WD_STORE_DOMAIN_OPENED_H
#define WD_STORE_DOMAIN_OPENED_H
#include "store-svc/domain/body.h"
#include "store-svc/domain/domain.h"

struct wd_opened {
    struct wd_id id;
    struct wd_body *body;
    struct wd_arena *arena; /* body lives here */
    bson_t *doc;            /* mimeTree, layout, size */
    struct wd_opened *next;
};

struct wd_open_cache;

/** The projection that wd_body_open() needs. */
void wd_opened_fields(bson_t *projection);

/** Keeps at most `messages` of at most max_bytes in all. Any thread. */
struct wd_open_cache *wd_open_cache_new(size_t messages, size_t max_bytes);
void wd_open_cache_free(struct wd_open_cache *c);

/** Opens a message, which is then this thread's alone. MESSAGE_NOT_FOUND. */
bool wd_opened_take(struct wd_domain *d, struct wd_id mailbox, uint32_t uid, struct wd_opened **out,
                    struct wd_error *err) WD_CHECKED;
/** Hands it back: kept, or freed when there is no room. NULL is fine. */
void wd_opened_give(struct wd_domain *d, struct wd_opened *o);
#endif
