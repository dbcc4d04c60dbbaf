/* store-svc/housekeeping.h – the thread that expires rows every minute and runs a maintenance round every 15. */
#ifndef WD_STORE_HOUSEKEEPING_H
#define WD_STORE_HOUSEKEEPING_H
#include "store-svc/domain/domain.h"

struct store_housekeeping;

struct store_housekeeping *store_housekeeping_start(struct wd_domain *d);
/** Asks it to stop and waits at most grace_ms. False: it is still at work, and then nothing that it uses may be
 *  closed: leave with _exit(). NULL is fine. */
bool store_housekeeping_stop(struct store_housekeeping *h, int grace_ms);
#endif
