/* store-svc/domain/recipient.h – may mail be delivered to this address now, and to whom does it go. */
#ifndef WD_STORE_DOMAIN_RECIPIENT_H
#define WD_STORE_DOMAIN_RECIPIENT_H
#include "store-svc/domain/user.h"

struct wd_recipient_query {
    const struct wd_str *addresses; /* as given in RCPT TO */
    size_t n;
    uint64_t size;    /* of the message, 0: not known */
    struct wd_str ip; /* of the client, may be empty */
    bool again;       /* at delivery: the rate was checked when the recipient was accepted, room is when it is stored */
};

struct wd_recipient {
    bool accepted;
    struct wd_user user;   /* when accepted; strings in the arena */
    enum wd_reason reason; /* when not: RECIPIENT_UNKNOWN, RECIPIENT_SYNTAX, USER_DISABLED, OVER_QUOTA,
                              RECIPIENT_RATE_LIMITED, MESSAGE_TOO_BIG, or a failure of the database */
    struct wd_str text;
};

/** One outcome per address, in out[0…n-1]. A failure for one is its own outcome and does not disturb the others. */
void wd_recipient_resolve(struct wd_domain *d, struct wd_arena *a, const struct wd_recipient_query *q,
                          struct wd_recipient *out);
#endif
