/* store-svc/domain/meter.h – how many bytes a user may download in 24 hours: by IMAP (`idw:<user>`), by POP3
 * (`pdw:<user>`). */
#ifndef WD_STORE_DOMAIN_METER_H
#define WD_STORE_DOMAIN_METER_H
#include "store-svc/domain/domain.h"

enum wd_meter { WD_METER_NONE, WD_METER_IMAP, WD_METER_POP3 };

/** DOWNLOAD_LIMIT when the window is used up. A bus that does not answer limits nobody. */
bool wd_meter_check(struct wd_domain *d, struct wd_arena *a, enum wd_meter meter, struct wd_id user,
                    struct wd_error *err) WD_CHECKED;
/** Counts what was read. */
void wd_meter_add(struct wd_domain *d, enum wd_meter meter, struct wd_id user, uint64_t bytes);
#endif
