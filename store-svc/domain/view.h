/* store-svc/domain/view.h – what a session sees of a mailbox: its UIDs at a MODSEQ, and what
 * happened after it. Threads: any; every call blocks. */
#ifndef WD_STORE_DOMAIN_VIEW_H
#define WD_STORE_DOMAIN_VIEW_H
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/view_cache.h"

/** The view of a mailbox at the MODSEQ of its row, which wd_change_settled() has looked at, or a
 * later one: from the cache and the journal, or read anew. *out is empty on entry and yours to
 * wd_view_done. */
bool wd_view_load(struct wd_domain *d, const struct wd_mailbox *mailbox, struct wd_view *out,
                  struct wd_error *err) WD_CHECKED;

/** Opens a mailbox for a session. MAILBOX_NOT_FOUND; MAILBOX_REFUSED for hidden ones. */
bool wd_view_open(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                  struct wd_mailbox *mailbox, struct wd_view *out, struct wd_error *err) WD_CHECKED;

struct wd_mailbox_counts {
    uint32_t messages, unseen;
};

/** Exact counts, from a view that is known already or from the indexes; the row's numbers are
 * settled on the way. */
bool wd_view_counts(struct wd_domain *d, struct wd_mailbox *mailbox, struct wd_mailbox_counts *out,
                    struct wd_error *err) WD_CHECKED;

struct wd_view_changes {
    uint64_t after; /* in: the MODSEQ that was seen; out: everything up to here is in rows */
    uint32_t limit; /* in: rows; a MODSEQ is never cut, so that some more may come */
    struct wd_journal_row *rows;
    size_t n;
    bool more;
};

/** The journal of a mailbox after a MODSEQ. A mailbox that is gone gives one DELETE row.
 * CURSOR_EXPIRED when the journal does not reach back so far: open the mailbox again. Strings live
 * in the arena. */
bool wd_view_changes(struct wd_domain *d, struct wd_arena *a, struct wd_id user,
                     struct wd_id mailbox, struct wd_view_changes *io,
                     struct wd_error *err) WD_CHECKED;

struct wd_watch {
    struct wd_id user, mailbox;
    uint64_t modseq; /* in: seen; out: present, when moved */
    bool moved, gone;
};

/** Marks the mailboxes that have moved beyond the MODSEQ or are gone. */
bool wd_view_poll(struct wd_domain *d, struct wd_watch *watches, size_t n,
                  struct wd_error *err) WD_CHECKED;
#endif
