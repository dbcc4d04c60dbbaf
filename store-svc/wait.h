/* store-svc/wait.h – the start, when the databases may come up later than we do. */
#ifndef WD_STORE_WAIT_H
#define WD_STORE_WAIT_H
#include "store-svc/config.h"
#include "store-svc/domain/domain.h"

/**
 * store_open(), tried again for settings->connect_wait_ms while a server does not answer, with a log line each time.
 * Meanwhile the admin port answers: /healthz yes, /readyz no, and why. SIGTERM and SIGINT end the process.
 */
bool store_open_waiting(const struct store_settings *s, struct wd_domain *d, struct wd_error *err) WD_CHECKED;
#endif
