/* store-svc/domain/deliver.h – incoming mail: one message for many recipients, one stored copy for each user. */
#ifndef WD_STORE_DOMAIN_DELIVER_H
#define WD_STORE_DOMAIN_DELIVER_H
#include "store-svc/domain/domain.h"

struct wd_deliver {
    struct wd_str raw;  /* the message as received, without trace headers, */
    bool uploaded;      /* or an upload with so many bytes, which is dropped afterwards */
    struct wd_id upload;
    uint64_t upload_size;
    struct wd_str sender; /* empty for <> */
    const struct wd_str *recipients; /* as given in RCPT TO */
    size_t n;
    struct wd_str transport, ip, origin_host, helo, session; /* for `meta`; may be empty */
    struct wd_str key; /* idempotency key of the call; empty: none */
};

struct wd_delivered {
    bool accepted;
    struct wd_id user, message;  /* when accepted */
    struct wd_str mailbox_path;  /* when accepted */
    uint32_t uid;
    enum wd_reason reason;       /* when not */
    struct wd_str text;
};

/**
 * Delivers to all recipients: out[0…n-1] has an outcome for each, in order. A user that is named twice gets one copy,
 * and the second recipient the first one's outcome. One recipient's failure is its own. Accepted means durable.
 * Fails as a whole only when the message cannot be taken in for anybody.
 */
bool wd_deliver(struct wd_domain *d, struct wd_arena *a, const struct wd_deliver *in, struct wd_delivered *out,
                struct wd_error *err) WD_CHECKED;
#endif
