/* store-svc/domain/recount.h – the daily recount of counters, on drivers whose counters a crash can
 * leave too high. */
#ifndef WD_STORE_DOMAIN_RECOUNT_H
#define WD_STORE_DOMAIN_RECOUNT_H
#include "store-svc/domain/check.h"

/** Runs wd_check with repair when a day has passed since any replica did, under a lock. *due false:
 * not now, and *out is not filled; else it is yours to wd_check_report_done, also on failure. Never
 * due on an atomic driver. */
bool wd_recount(struct wd_domain *d, bool *due, struct wd_check_report *out,
                struct wd_error *err) WD_CHECKED;
#endif
