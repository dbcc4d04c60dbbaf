/* frontends/imap/autoexpunge.h – imap.autoExpunge: what was marked \Deleted goes soon after, with nobody asking. */
#ifndef WD_IMAP_AUTOEXPUNGE_H
#define WD_IMAP_AUTOEXPUNGE_H
#include "frontends/imap/conn.h"

/** Expunges the selected mailbox in the background, as a session of its own: every session is notified, this one too.
 *  Does nothing when the option is off. One that is under way for the same mailbox is followed by another. */
void imap_autoexpunge_start(const struct imap_conn *c);
/** Cancels all that are under way: at the end of the process. */
void imap_autoexpunge_abandon(struct imap_server *s);
#endif
