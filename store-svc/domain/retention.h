/* store-svc/domain/retention.h – when a message goes by itself. */
#ifndef WD_STORE_DOMAIN_RETENTION_H
#define WD_STORE_DOMAIN_RETENTION_H
#include "store-svc/domain/mailbox.h"

/* The fields `exp` and `rdate` of a message. */
struct wd_retention {
    bool expires;
    int64_t at_ms; /* now + the mailbox's retention; now when there is none */
};

/** For a message that enters the mailbox now (store, COPY, MOVE). Trash and Junk keep nothing longer than 30 days. */
struct wd_retention wd_retention_of(const struct wd_mailbox *mailbox, int64_t now_ms);
#endif
