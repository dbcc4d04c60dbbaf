/* store-svc/domain/maintenance.h – housekeeping: what has expired goes, and what nobody refers to any more. */
#ifndef WD_STORE_DOMAIN_MAINTENANCE_H
#define WD_STORE_DOMAIN_MAINTENANCE_H
#include "store-svc/domain/domain.h"

struct wd_maintenance_stats {
    bool skipped;      /* another process is at it; nothing was done */
    uint64_t messages; /* whose retention ended */
    uint64_t purged;   /* from the archive */
    uint64_t rows;     /* of collections that expire */
    uint64_t blobs, uploads;
    uint64_t failures; /* mailboxes or messages that were left for the next round */
};

/**
 * One round, under a lock of the bus, or without when the bus does not answer: expired messages (to the archive, with
 * quota given back), orphaned bodies, the archive, orphaned bodies again, rows with a TTL, old uploads. Stops after 12
 * minutes; the next round goes on. A round without the lock may leave messages of removed mailboxes to a later one.
 *
 * everything  orphaned bodies go now, not only after a day
 * Fails only when nothing can be done; what fails for one message is counted and left for the next round. Blocks: call
 * it on a thread of its own. out is zeroed first.
 */
bool wd_maintenance_round(struct wd_domain *d, bool everything, struct wd_maintenance_stats *out,
                          struct wd_error *err) WD_CHECKED;
#endif
