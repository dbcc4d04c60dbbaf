/* store-svc/domain/quota.h – how much mail a user has and may have, in bytes of message size. */
#ifndef WD_STORE_DOMAIN_QUOTA_H
#define WD_STORE_DOMAIN_QUOTA_H
#include "store-svc/domain/domain.h"

struct wd_quota {
    uint64_t used;  /* never negative, whatever the counter says */
    uint64_t limit; /* of the user, else the default */
};

/** Adds bytes to the user's counter, in the batch of the messages that they belong to.
 * USER_NOT_FOUND. */
bool wd_quota_charge(struct wd_docs *batch, struct wd_id user, uint64_t bytes,
                     struct wd_error *err) WD_CHECKED;
/* When there is room: used is below the limit, or at it when it may be full. So one message may
 * pass the line. */
struct wd_quota_room {
    uint64_t limit; /* 0: it is read */
    bool may_be_full;
};
/** The same, if there is room, in one statement. OVER_QUOTA, USER_NOT_FOUND. */
bool wd_quota_charge_within(const struct wd_domain *d, struct wd_docs *batch, struct wd_id user,
                            uint64_t bytes, const struct wd_quota_room *room,
                            struct wd_error *err) WD_CHECKED;
/** Takes bytes away. A user that is gone is fine: its mail outlives it. */
bool wd_quota_release(struct wd_docs *batch, struct wd_id user, uint64_t bytes,
                      struct wd_error *err) WD_CHECKED;

/** Reads both numbers; docs is the batch, or d->users. USER_NOT_FOUND. */
bool wd_quota_read(const struct wd_domain *d, struct wd_docs *docs, struct wd_id user,
                   struct wd_quota *out, struct wd_error *err) WD_CHECKED;

/** Sums the sizes of the user's messages again and stores that. Exact on an atomic driver;
 * elsewhere a delivery that happens meanwhile may be missed. USER_NOT_FOUND. */
bool wd_quota_reset(struct wd_domain *d, struct wd_id user, uint64_t *previous, uint64_t *now,
                    struct wd_error *err) WD_CHECKED;
#endif
