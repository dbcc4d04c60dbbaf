/* store-svc/domain/message_docs.h – whole documents of messages, some at a time: COPY, MOVE and the
 * archive rewrite them. */
#ifndef WD_STORE_DOMAIN_MESSAGE_DOCS_H
#define WD_STORE_DOMAIN_MESSAGE_DOCS_H
#include "common/base/vec.h"
#include "store-svc/domain/message.h"

enum { WD_DOCS_AT_ONCE = 512, WD_DOCS_BYTES = 8 * 1024 * 1024 };

struct wd_message_docs {
    struct WD_VEC(bson_t *) all; /* owned */
};                               /* { 0 } is empty */

void wd_message_docs_done(struct wd_message_docs *docs);

/**
 * Reads the documents of the first heads: at most WD_DOCS_AT_ONCE, and no more than WD_DOCS_BYTES
 * after the first one. The n-th document is that of the n-th head; what was in *out is gone.
 * CONFLICT when one of them went away meanwhile.
 */
bool wd_message_docs_read(struct wd_docs *docs, struct wd_id mailbox,
                          const struct wd_message *heads, size_t n, const bson_t *fields,
                          struct wd_message_docs *out, struct wd_error *err) WD_CHECKED;
#endif
