/* store-svc/domain/attachment.h – an attachment without its transfer encoding, range by range: no more than one range
 * is in memory, and nothing is kept between two calls. Threads: any; blocks. */
#ifndef WD_STORE_DOMAIN_ATTACHMENT_H
#define WD_STORE_DOMAIN_ATTACHMENT_H
#include "common/base/buf.h"
#include "store-svc/domain/domain.h"

enum { WD_ATTACHMENT_RANGE = 512 * 1024 }; /* stored bytes of one call */

struct wd_attachment_read {
    struct wd_id user, mailbox;
    uint32_t uid;
    struct wd_str id;  /* "ATT00001" */
    uint64_t position; /* 0, or *next of the call before: in the stored bytes, which may be encoded */
};

struct wd_attachment_range {
    struct wd_str content_type, filename; /* strings in the arena; filename is empty when there is none */
    uint64_t next;
    bool end;
};

/** Appends the next bytes. MESSAGE_NOT_FOUND (also: another account's), ATTACHMENT_NOT_FOUND. */
bool wd_attachment_read(struct wd_domain *d, struct wd_arena *a, const struct wd_attachment_read *in,
                        struct wd_buf *bytes, struct wd_attachment_range *out, struct wd_error *err) WD_CHECKED;
#endif
