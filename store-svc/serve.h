/* store-svc/serve.h – everything that runs while wd-store serves: calls, events, housekeeping, the admin port. */
#ifndef WD_STORE_SERVE_H
#define WD_STORE_SERVE_H
#include "store-svc/config.h"

/** Serves until SIGTERM or SIGINT, then drains. The domain's ports are open and stay the caller's to close, unless
 *  *busy: then something is still at work on them, and the process must leave with _exit(). False when it could not
 *  start. */
bool store_serve(struct wd_domain *d, const struct store_settings *s, bool *busy, struct wd_error *err) WD_CHECKED;
#endif
