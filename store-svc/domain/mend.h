/* store-svc/domain/mend.h – finishing, or taking back, changes whose writer died on the way.
 *
 * Everything here may be done twice, by several replicas at once, and while the writer that was
 * taken for dead goes on: it finds its mark gone before its last step, and takes back what it did.
 */
#ifndef WD_STORE_DOMAIN_MEND_H
#define WD_STORE_DOMAIN_MEND_H
#include "store-svc/domain/mark.h"

/** Finishes the change when all its documents are there, else takes it back; clears the mark and
 * tells the sessions. */
bool wd_mend(struct wd_domain *d, struct wd_id user, struct wd_id mailbox,
             const struct wd_mark *mark, struct wd_error *err) WD_CHECKED;

/** Takes it back in any case. */
bool wd_mend_void(struct wd_domain *d, struct wd_id user, struct wd_id mailbox,
                  const struct wd_mark *mark, struct wd_error *err) WD_CHECKED;

/** Removes the claim of a change that did not happen (mark->request, as far as it is still this
 * change's). */
bool wd_mend_unclaim(struct wd_docs *docs, const struct wd_mark *mark,
                     struct wd_error *err) WD_CHECKED;

/** Mends what is older than its lease in any mailbox. *mended counts; does nothing on an atomic
 * driver. */
bool wd_mend_all(struct wd_domain *d, uint64_t *mended, struct wd_error *err) WD_CHECKED;
#endif
