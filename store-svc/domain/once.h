/* store-svc/domain/once.h – a repeated call gets the outcome of the first one.
 *
 * The caller of a mutating RPC names it with an idempotency key. The outcome is written in the same batch as the
 * operation, so on an atomic driver either both are there or neither is. Rows live for an hour. */
#ifndef WD_STORE_DOMAIN_ONCE_H
#define WD_STORE_DOMAIN_ONCE_H
#include "store-svc/domain/domain.h"

/* What names one operation: who, which method, and the caller's key. */
struct wd_once {
    struct wd_id user;  /* zero: none */
    const char *method; /* "Messages.Append" */
    struct wd_str key;  /* empty: not to be repeated, and then find never finds and keep does nothing */
};

/** Reads the outcome of the first call, if there was one. Call it inside of the operation's batch, first. outcome is
 *  initialised and empty on entry and yours either way. */
bool wd_once_find(struct wd_docs *batch, const struct wd_once *once, bson_t *outcome, bool *found,
                  struct wd_error *err) WD_CHECKED;
/** Keeps the outcome. Call it inside of the operation's batch, last. */
bool wd_once_keep(struct wd_docs *batch, const struct wd_once *once, const bson_t *outcome,
                  struct wd_error *err) WD_CHECKED;
#endif
