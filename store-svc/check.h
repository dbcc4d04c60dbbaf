/* store-svc/check.h – wd-store --check-config: are the databases there, and may we do there what we must? */
#ifndef WD_STORE_CHECK_H
#define WD_STORE_CHECK_H
#include <stdio.h>

#include "store-svc/config.h"

/** Connects to what the configuration names and writes one line for each thing that is well. Changes nothing: no file
 *  of the embedded store is opened, no index is made. False with the first thing that is not. */
bool store_check(const struct store_settings *s, FILE *to, struct wd_error *err) WD_CHECKED;
#endif
