/* store-svc/domain/beacon.h – telling sessions that something changed, after it is durable. */
#ifndef WD_STORE_DOMAIN_BEACON_H
#define WD_STORE_DOMAIN_BEACON_H
#include "store-svc/domain/domain.h"

enum wd_beacon_kind { WD_BEACON_MAILBOX = 1, WD_BEACON_MAILBOX_LIST = 2, WD_BEACON_LOGOUT = 3 }; /* as Beacon.Kind */

struct wd_beacon {
    enum wd_beacon_kind kind;
    struct wd_id user, mailbox; /* mailbox is zero unless kind is WD_BEACON_MAILBOX */
    uint64_t modseq;
    struct wd_str reason; /* of LOGOUT */
};

/* The bus channel that carries beacons between replicas (docs/storage.md). */
#define WD_BEACON_CHANNEL WD_STR("wd_events")

/** Publishes on the bus; call after the commit. A beacon that cannot be sent is only late: sessions poll. */
void wd_beacon_send(struct wd_domain *d, const struct wd_beacon *beacon);
/** Reads a payload of the channel; false for what is no beacon of ours. reason is borrowed from the payload. */
bool wd_beacon_parse(struct wd_str payload, struct wd_beacon *out);
#endif
