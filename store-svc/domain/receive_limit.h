/* store-svc/domain/receive_limit.h – how many messages an hour one user takes, from all and from one address. */
#ifndef WD_STORE_DOMAIN_RECEIVE_LIMIT_H
#define WD_STORE_DOMAIN_RECEIVE_LIMIT_H
#include "store-svc/domain/domain.h"

/** RECIPIENT_RATE_LIMITED when a limit is reached already. Counts nothing. limit: of this user, 0: none. ip: the
 *  client's; empty and addresses that are not of the Internet (our own MTA's) have no limit of their own. A bus that
 *  does not answer refuses nobody. */
bool wd_receive_limit_check(struct wd_domain *d, struct wd_id user, uint32_t limit, struct wd_str ip,
                            struct wd_error *err) WD_CHECKED;
/** After a delivery. */
void wd_receive_limit_count(struct wd_domain *d, struct wd_id user, struct wd_str ip);
#endif
