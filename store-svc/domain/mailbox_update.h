/* store-svc/domain/mailbox_update.h – what the API changes and asks of a mailbox by its id: settings, name, size.
 * Threads: any; every call blocks. */
#ifndef WD_STORE_DOMAIN_MAILBOX_UPDATE_H
#define WD_STORE_DOMAIN_MAILBOX_UPDATE_H
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/once.h"

/* What to change; NULL leaves it. */
struct wd_mailbox_update {
    struct wd_id user, mailbox;
    const struct wd_str *path;   /* another name; those below keep theirs */
    const int64_t *retention_ms; /* 0: none; for messages that come later */
    const bool *subscribed, *hidden, *encrypt;
};

/** MAILBOX_NOT_FOUND, MAILBOX_EXISTS; MAILBOX_REFUSED for renaming INBOX or a hidden mailbox, and for unsubscribing
 *  INBOX. Nothing is changed then. Naturally idempotent. */
bool wd_mailbox_update(struct wd_domain *d, struct wd_arena *a, const struct wd_mailbox_update *in,
                       const struct wd_once *once, struct wd_error *err) WD_CHECKED;

/** The bytes of all messages of a mailbox. */
bool wd_mailbox_size(struct wd_docs *docs, struct wd_id mailbox, uint64_t *out, struct wd_error *err) WD_CHECKED;
#endif
