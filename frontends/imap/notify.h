/* frontends/imap/notify.h – who must hear of what: beacons to sessions, the journal to views. */
#ifndef WD_IMAP_NOTIFY_H
#define WD_IMAP_NOTIFY_H
#include "frontends/imap/conn.h"

/** Enters a connection that has logged in, and takes it out again. */
void imap_notify_enter(struct imap_conn *c);
void imap_notify_leave(struct imap_conn *c);

/** Reads the journal of the selected mailbox until there is no more of it; when it is done (c->sync is NULL again, or
 *  c->bye is set) the connection is stepped. Does nothing more than note the wish when it is under way. */
void imap_sync_start(struct imap_conn *c);
/** Stops reading; nothing is called. */
void imap_sync_cancel(struct imap_conn *c);

/** Every second: repeats what failed, polls what is due. */
void imap_notify_tick(struct imap_server *s, int64_t now_ms);
/** Frees the hash table and a poll under way. */
void imap_notify_done(struct imap_server *s);
#endif
