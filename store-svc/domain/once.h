/* store-svc/domain/once.h – a repeated call gets the outcome of the first one.
 *
 * The caller of a mutating RPC names it with an idempotency key. The outcome is written in the same
 * batch as the operation, so on an atomic driver either both are there or neither is. On another
 * driver it is written before: as the planned outcome of a change that has a mark (change.h), or of
 * a step that a repeat can see undone and do again. Rows live for an hour. */
#ifndef WD_STORE_DOMAIN_ONCE_H
#define WD_STORE_DOMAIN_ONCE_H
#include "store-svc/domain/domain.h"

/* What names one operation: who, which method, and the caller's key. */
struct wd_once {
    struct wd_id user;  /* zero: none */
    const char *method; /* "Messages.Append" */
    struct wd_str
        key; /* empty: not to be repeated, and then find never finds and keep does nothing */
};

/** Reads the outcome of the first call, if there was one. Call it inside of the operation's batch,
 * first. outcome is initialised and empty on entry and yours either way. */
bool wd_once_find(struct wd_docs *batch, const struct wd_once *once, bson_t *outcome, bool *found,
                  struct wd_error *err) WD_CHECKED;
enum { WD_ONCE_ID = 32 };
/** The id of the call's row. */
void wd_once_id(const struct wd_once *once, uint8_t to[WD_ONCE_ID]);

struct wd_change;
/**
 * Keeps the planned outcome of a change before its documents are written; it counts as soon as the
 * change is settled. DUPLICATE when the same call has been made before, or is being made by another
 * replica at this moment: take the change back, then wd_once_wait tells what became of the other
 * one.
 */
bool wd_once_claim(struct wd_docs *batch, const struct wd_once *once, const bson_t *outcome,
                   const struct wd_change *change, struct wd_error *err) WD_CHECKED;
/** Waits for the outcome of the same call elsewhere. CONFLICT when it was never made or failed there: try again.
 * UNAVAILABLE when it takes too long. outcome is initialised and empty on entry and yours either
 * way. */
bool wd_once_wait(struct wd_domain *d, const struct wd_once *once, bson_t *outcome,
                  struct wd_error *err) WD_CHECKED;

/** The same for a call that finds nothing to do, perhaps because it was made before: *found false when it was not. */
bool wd_once_settle(struct wd_domain *d, const struct wd_once *once, bson_t *outcome, bool *found,
                    struct wd_error *err) WD_CHECKED;

/** Keeps the outcome: inside of the operation's batch, and before its writes, which a repeat does
 * again as far as they are not there (on a driver that is not atomic: there it is fine when the
 * outcome has been kept before). */
bool wd_once_keep(struct wd_docs *batch, const struct wd_once *once, const bson_t *outcome,
                  struct wd_error *err) WD_CHECKED;
#endif
