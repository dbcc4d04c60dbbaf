/* store-svc/domain/change_priv.h – the statement that takes numbers and leaves a mark. */
#ifndef WD_STORE_DOMAIN_CHANGE_PRIV_H
#define WD_STORE_DOMAIN_CHANGE_PRIV_H
#include "store-svc/domain/change.h"

/** Builds the update: an aggregation pipeline, because the mark holds the numbers as they are
 * before it. The marks of `known` changes are taken out on the way. */
void wd_mark_update(const struct wd_change_plan *plan, struct wd_id op, const struct wd_id *known,
                    size_t n_known, bson_t *update);
#endif
