/* store-svc/domain/maildrop.h – INBOX for POP3: which messages a session lists, and what it changes at its end.
 * Threads: any; every call blocks. */
#ifndef WD_STORE_DOMAIN_MAILDROP_H
#define WD_STORE_DOMAIN_MAILDROP_H
#include "common/mail/seqset.h"
#include "store-svc/domain/domain.h"
#include "store-svc/domain/once.h"

enum { WD_MAILDROP_MAX = 20000 }; /* messages of a listing, whatever is configured: it is one RPC reply */

struct wd_maildrop_message {
    uint32_t uid;
    uint64_t size;
    struct wd_id id;
};

struct wd_maildrop {
    struct wd_id mailbox; /* INBOX */
    struct wd_maildrop_message *messages; /* in the order of their UIDs */
    size_t n;
};

/**
 * The newest messages of INBOX in one snapshot, as many as the user may list. The lowest UID of the listing is
 * remembered on the bus, and later listings do not go below it, so that removing messages does not bring older ones
 * into view; another limit forgets it. Everything lives in the arena. MAILBOX_NOT_FOUND, USER_NOT_FOUND.
 */
bool wd_maildrop_open(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_maildrop *out,
                      struct wd_error *err) WD_CHECKED;

struct wd_maildrop_update {
    struct wd_id user, mailbox;
    const struct wd_seqset *seen;   /* get \Seen */
    const struct wd_seqset *remove; /* get \Seen and are moved to the mailbox for \Trash */
};

/**
 * Two steps, each once and as a whole: \Seen for all, then the move (in groups of WD_JOURNAL_GROUP messages, as
 * wd_message_move() does it). Each step keeps its outcome under a key of its own, made from the caller's, so that a
 * repeat after a crash does what is missing. Messages that are gone are passed over. *removed counts the moved ones.
 * MAILBOX_NOT_FOUND: the mailbox, or there is something to remove and no \Trash: nothing is removed then.
 */
bool wd_maildrop_update(struct wd_domain *d, struct wd_arena *a, const struct wd_maildrop_update *in,
                        const struct wd_once *once, uint32_t *removed, struct wd_error *err) WD_CHECKED;
#endif
