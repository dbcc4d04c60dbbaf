/* store-svc/driver/fault/fault.h – wraps a driver and makes chosen calls fail or wait. For tests of error paths. */
#ifndef WD_DRIVER_FAULT_H
#define WD_DRIVER_FAULT_H
#include "store-svc/port/blobs.h"
#include "store-svc/port/bus.h"
#include "store-svc/port/docs.h"

struct wd_fault; /* the rule, shared by the ports that it is given to; safe from any thread */

struct wd_fault *wd_fault_new(void);
/** Frees the rule; after the wrappers that use it are closed. NULL is fine. */
void wd_fault_free(struct wd_fault *f);
/** The nth call from now on (1 is the next) of the operation, or of any when it is NULL, fails with the reason and does
 *  not reach the inner driver. Operations have the names of the slots: "insert", "batch_commit", "add". A failing
 *  batch_commit aborts the inner batch. nth 0: none fails. */
void wd_fault_fail(struct wd_fault *f, const char *operation, uint64_t nth, enum wd_reason reason);
/** The same call, and all later ones, fail. */
void wd_fault_fail_from(struct wd_fault *f, const char *operation, uint64_t nth, enum wd_reason reason);
/** Every call of the operation (NULL: any) first waits for the time; 0: not any more. */
void wd_fault_delay(struct wd_fault *f, const char *operation, unsigned delay_ms);
/** Calls seen since the last _fail or _fail_from, and how many of them failed. */
uint64_t wd_fault_calls(const struct wd_fault *f);
uint64_t wd_fault_failures(const struct wd_fault *f);

/** Wraps a driver, which the wrapper closes when it is closed. */
struct wd_docs *wd_fault_docs_new(struct wd_docs *inner, struct wd_fault *f);
struct wd_blobs *wd_fault_blobs_new(struct wd_blobs *inner, struct wd_fault *f);
struct wd_bus *wd_fault_bus_new(struct wd_bus *inner, struct wd_fault *f);
#endif
