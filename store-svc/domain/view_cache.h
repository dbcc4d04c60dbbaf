/* store-svc/domain/view_cache.h – UID sets of mailboxes at a MODSEQ, kept in memory so that opening a mailbox does not
 * grow with it. A cache: every set can be rebuilt from the messages, and brought up to date from the journal. */
#ifndef WD_STORE_DOMAIN_VIEW_CACHE_H
#define WD_STORE_DOMAIN_VIEW_CACHE_H
#include "common/base/id.h"
#include "common/mail/seqset.h"

/* The messages of a mailbox at one MODSEQ. */
struct wd_view {
    uint64_t modseq;
    struct wd_seqset uids, unseen; /* unseen ⊆ uids */
};

void wd_view_done(struct wd_view *v);

struct wd_view_cache;

/** Keeps at most max_bytes of sets, the least recently used go first. All functions: any thread. */
struct wd_view_cache *wd_view_cache_new(size_t max_bytes);
void wd_view_cache_free(struct wd_view_cache *c);
/** Copies the view of a mailbox to *out (empty on entry, yours to wd_view_done). False when it is not known; c may be
 *  NULL: nothing is known. */
bool wd_view_cache_get(struct wd_view_cache *c, struct wd_id mailbox, struct wd_view *out);
/** Keeps a copy, unless a newer one is there. */
void wd_view_cache_put(struct wd_view_cache *c, struct wd_id mailbox, const struct wd_view *v);
/** Bytes of the sets that it holds. */
size_t wd_view_cache_bytes(struct wd_view_cache *c);
#endif
