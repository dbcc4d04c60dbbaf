/* store-svc/domain/copy.h – COPY and MOVE of a set of messages to another mailbox of the same user. */
#ifndef WD_STORE_DOMAIN_COPY_H
#define WD_STORE_DOMAIN_COPY_H
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/once.h"

enum { WD_COPY_MAX = 100000 }; /* messages in one COPY */

struct wd_copy {
    struct wd_id user, mailbox;
    const struct wd_seqset *uids;
    struct wd_str target_path;
    struct wd_str session;
};

struct wd_copied {
    struct wd_id target;
    uint32_t uid_validity;          /* of the target */
    struct wd_seqset source, target_uids; /* the n-th of one became the n-th of the other */
    uint64_t modseq;                /* of the source after a MOVE; 0: nothing was moved */
};

void wd_copied_done(struct wd_copied *c);

/**
 * Copies messages: new _id, UID and MODSEQ, everything else kept; the retention of the target applies; references,
 * quota and the `copied` mark of the originals in the same batch. All or nothing. *out is empty on entry and yours to
 * wd_copied_done. MAILBOX_NOT_FOUND (source or target), OVER_QUOTA, MESSAGE_REFUSED for more than WD_COPY_MAX.
 */
bool wd_message_copy(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in, const struct wd_once *once,
                     struct wd_copied *out, struct wd_error *err) WD_CHECKED;

/** Moves messages: new _id, UID and MODSEQ, nothing else changes. In batches of at most WD_JOURNAL_GROUP messages, each
 *  all or nothing; a repeat with the same key answers the first outcome and finishes what is left. */
bool wd_message_move(struct wd_domain *d, struct wd_arena *a, const struct wd_copy *in, const struct wd_once *once,
                     struct wd_copied *out, struct wd_error *err) WD_CHECKED;
#endif
