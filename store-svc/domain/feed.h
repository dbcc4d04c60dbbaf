/* store-svc/domain/feed.h – the journal as a feed for services: ordered, resumable, at least once.
 */
#ifndef WD_STORE_DOMAIN_FEED_H
#define WD_STORE_DOMAIN_FEED_H
#include "store-svc/domain/journal.h"

struct wd_feed {
    bool all; /* of all users; else of `user` */
    struct wd_id user;
    bool resume; /* from `cursor` on; else from now on */
    struct wd_id cursor;
    size_t limit;
    /* With several replicas rows are named by several clocks, so a row may appear below one that
     * was read. Rows of the last seconds are therefore held back; early: they are not, the cursor
     * stays below those seconds, and the caller leaves out what it has seen. */
    bool early;
    bool again; /* with early: begins some seconds before the cursor, which is the id of a row */
};

/** Reads the next rows; *cursor is where to resume. Strings live in the arena. CURSOR_EXPIRED when
 * rows after the cursor may have gone already. */
bool wd_feed_read(struct wd_domain *d, struct wd_arena *a, const struct wd_feed *in,
                  struct wd_journal_row **out, size_t *n, struct wd_id *cursor,
                  struct wd_error *err) WD_CHECKED;
#endif
