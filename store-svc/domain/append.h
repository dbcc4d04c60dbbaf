/* store-svc/domain/append.h – APPEND (RFC 3501 §6.3.11): one message that the user puts into a mailbox. */
#ifndef WD_STORE_DOMAIN_APPEND_H
#define WD_STORE_DOMAIN_APPEND_H
#include "store-svc/domain/domain.h"
#include "store-svc/domain/once.h"

struct wd_append {
    struct wd_id user;
    struct wd_str path;
    struct wd_str raw;   /* the message, */
    bool uploaded;       /* or an upload with so many bytes, which is dropped after success */
    struct wd_id upload;
    uint64_t upload_size;
    unsigned system_flags;
    const struct wd_str *keywords;
    size_t n_keywords;
    int64_t idate_ms;    /* 0: now */
    struct wd_str source, transport, ip; /* empty source: IMAP; empty transport: APPEND */
    struct wd_once once;
};

struct wd_appended {
    struct wd_id mailbox, message;
    uint32_t uid_validity, uid;
    uint64_t modseq, size;
};

/**
 * Stores one message. The rules in their order: OVER_QUOTA (what is stored already is above the quota), UPLOAD_LIMIT
 * (bytes a day), MESSAGE_TOO_BIG, MAILBOX_NOT_FOUND; then INVALID for a keyword that is none, MESSAGE_REFUSED, and
 * UPLOAD_NOT_FOUND.
 */
bool wd_message_append(struct wd_domain *d, struct wd_arena *a, const struct wd_append *in, struct wd_appended *out,
                       struct wd_error *err) WD_CHECKED;
#endif
