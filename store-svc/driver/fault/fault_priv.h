/* store-svc/driver/fault/fault_priv.h */
#ifndef WD_DRIVER_FAULT_PRIV_H
#define WD_DRIVER_FAULT_PRIV_H
#include "store-svc/driver/fault/fault.h"

/* Counts the call; false when it is the one that fails. */
bool fault_pass(struct wd_fault *f, const char *operation, struct wd_error *err) WD_CHECKED;
/* The driver's own batch when it was wrapped here; the same otherwise. */
struct wd_docs *fault_inner(struct wd_docs *d);
#endif
