/* store-svc/domain/settler.h – changes of this process that are settled, until their marks are
 * cleared.
 *
 * Clearing a mark is no caller's business, so a thread does it, for all marks of a mailbox at once;
 * and the next change of the same mailbox clears those that are still there on its way. */
#ifndef WD_STORE_DOMAIN_SETTLER_H
#define WD_STORE_DOMAIN_SETTLER_H
#include "store-svc/domain/domain.h"

struct wd_settler;

/** Starts the thread; docs is borrowed. */
struct wd_settler *wd_settler_new(struct wd_docs *docs);
/** Clears what is left, ends the thread. NULL is fine. */
void wd_settler_free(struct wd_settler *s);

/** A settled change; does not block. Without a settler the mark is cleared at once. */
void wd_settler_add(struct wd_domain *d, struct wd_id user, struct wd_id mailbox, struct wd_id op);
/** The settled changes of a mailbox whose marks may still be there, at most max. s may be NULL. */
size_t wd_settler_known(struct wd_settler *s, struct wd_id mailbox, struct wd_id *ops, size_t max);
/** The marks of these are cleared. */
void wd_settler_forget(struct wd_settler *s, struct wd_id mailbox, const struct wd_id *ops,
                       size_t n);

/** Takes the marks of changes out of a mailbox's row. A mailbox that is gone is fine. */
bool wd_marks_clear(struct wd_docs *docs, struct wd_id user, struct wd_id mailbox,
                    const struct wd_id *ops, size_t n, struct wd_error *err) WD_CHECKED;
#endif
