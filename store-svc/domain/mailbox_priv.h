/* store-svc/domain/mailbox_priv.h – what the files that change mailbox rows share. */
#ifndef WD_STORE_DOMAIN_MAILBOX_PRIV_H
#define WD_STORE_DOMAIN_MAILBOX_PRIV_H
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox.h"

/** The highest UIDVALIDITY that was taken off a name of the user; 0 when none ever was. */
bool wd_validity_floor(struct wd_docs *batch, struct wd_id user, uint32_t *out, struct wd_error *err) WD_CHECKED;
/** Notes that a name lost this UIDVALIDITY. */
bool wd_validity_raise(struct wd_docs *batch, struct wd_id user, uint32_t value, struct wd_error *err) WD_CHECKED;
/** A value for a name: the time in seconds, but above the floor. */
uint32_t wd_validity_above(uint32_t floor);

/** One row about the mailbox itself. */
bool wd_mailbox_journal(struct wd_docs *batch, enum wd_journal_command command, const struct wd_mailbox *mailbox,
                        uint64_t modseq, struct wd_error *err) WD_CHECKED;
/** Lets all messages of a mailbox that is gone expire at once: housekeeping takes them away. */
bool wd_mailbox_expire(struct wd_docs *docs, struct wd_id mailbox, struct wd_error *err) WD_CHECKED;
/** Beacons after the commit: of the mailbox (unless it is zero), and of the user's list. */
void wd_mailbox_tell(struct wd_domain *d, struct wd_id user, struct wd_id mailbox, uint64_t modseq);
#endif
