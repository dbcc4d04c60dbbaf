/* store-svc/domain/thread.h – which conversation of its user a message belongs to. */
#ifndef WD_STORE_DOMAIN_THREAD_H
#define WD_STORE_DOMAIN_THREAD_H
#include "store-svc/domain/domain.h"

/* What a message brings: see store-svc/mime/thread.h. */
struct wd_thread_key {
    const struct wd_str *ids; /* hashed: unpadded base64 of SHA-1 */
    size_t n;
    struct wd_str subject;    /* bare */
};

/** Joins the thread of the user that shares an id and the subject, and adds the ids to it; else starts one. In the
 *  batch that inserts the message. A message without ids is a thread of its own, which has no row. */
bool wd_thread_join(struct wd_docs *batch, struct wd_id user, const struct wd_thread_key *key, struct wd_id *thread,
                    struct wd_error *err) WD_CHECKED;
#endif
