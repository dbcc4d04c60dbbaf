/* store-svc/domain/expunge.h – EXPUNGE: removing the messages with \Deleted, to the archive or for
 * good. */
#ifndef WD_STORE_DOMAIN_EXPUNGE_H
#define WD_STORE_DOMAIN_EXPUNGE_H
#include "store-svc/domain/change.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/once.h"

struct wd_expunge {
    struct wd_id user, mailbox;
    const struct wd_seqset *uids; /* NULL: all */
    struct wd_str session;
};

struct wd_expunged {
    struct wd_seqset uids;
    uint64_t modseq; /* the last one; 0: nothing was removed */
};

void wd_expunged_done(struct wd_expunged *e);

/**
 * Removes messages with \Deleted, in batches of at most WD_JOURNAL_GROUP, each of them all or
 * nothing with quota, attachment references and journal. *out is empty on entry and yours to
 * wd_expunged_done. MAILBOX_NOT_FOUND. A repeat with the same key answers the first outcome, and
 * finishes it when it had stopped between two batches.
 */
bool wd_message_expunge(struct wd_domain *d, struct wd_arena *a, const struct wd_expunge *in,
                        const struct wd_once *once, struct wd_expunged *out,
                        struct wd_error *err) WD_CHECKED;

/* Messages to be removed in a batch. */
struct wd_removal {
    struct wd_id user, mailbox;
    bool orphaned; /* the mailbox is gone: there is no journal to write */
    bool archive;  /* keep what is neither a draft nor a copied one in the archive */
    struct wd_str session;
    struct wd_message *heads; /* read in the same batch; at most WD_JOURNAL_GROUP */
    size_t n;
    const bson_t *only; /* the condition that they were found by, or NULL: it is asked again when
                           they are held */
    const struct wd_once *once; /* the call's key, or NULL */
    bool more;                  /* of the outcome: there will be another part */
    struct wd_change change;    /* filled */
    bool begun;
};

/**
 * Removes messages in the caller's batch, with quota, references and journal; for EXPUNGE, and for
 * what else takes messages away (retention). *out (empty on entry) is what was really removed, or
 * the outcome of the same call before. After the commit call wd_message_removed.
 */
bool wd_message_remove(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
                       struct wd_removal *what, struct wd_expunged *out,
                       struct wd_error *err) WD_CHECKED;
/** The mark may go, and the sessions are told. */
void wd_message_removed(struct wd_domain *d, const struct wd_removal *what);
#endif
