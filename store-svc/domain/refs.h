/* store-svc/domain/refs.h – which attachment bodies messages refer to, counted per occurrence. */
#ifndef WD_STORE_DOMAIN_REFS_H
#define WD_STORE_DOMAIN_REFS_H
#include "common/base/vec.h"
#include "store-svc/domain/domain.h"

struct wd_refs {
    struct WD_VEC(struct wd_blob_ref) all;
}; /* { 0 } is empty */

void wd_refs_done(struct wd_refs *r);
/** Adds what a message document (its mimeTree and magic) refers to. */
void wd_refs_add(struct wd_refs *r, const bson_t *doc);
/** Adds all of `more`. */
void wd_refs_join(struct wd_refs *r, const struct wd_refs *more);
/** Counts the references up in the batch of the messages. A body that is lost stays lost: that is no failure. */
bool wd_refs_take(struct wd_refs *r, struct wd_domain *d, struct wd_docs *batch, struct wd_error *err) WD_CHECKED;
/** Counts them down. */
bool wd_refs_release(struct wd_refs *r, struct wd_domain *d, struct wd_docs *batch, struct wd_error *err) WD_CHECKED;
#endif
