/* frontends/imap/login.h – logins, renewals and releases: calls that may outlive the connection they were made for,
 * because a counted connection must be given back whatever happened meanwhile. */
#ifndef WD_IMAP_LOGIN_H
#define WD_IMAP_LOGIN_H
#include "frontends/imap/conn.h"

/** Checks a password; then cmd->step runs: cmd->conn->logged_in tells the outcome, cmd->err why not. */
void imap_login_start(struct imap_cmd *cmd, struct wd_str user, struct wd_str password);
/** Asks for a fresh token; the connection ends when it is refused. */
void imap_login_renew(struct imap_conn *c);
/** Gives the counted connection back, in the background. */
void imap_login_release(struct imap_conn *c);
/** The connection goes while a call of it is under way: it ends by itself. NULL is fine. */
void imap_login_forget(struct imap_login *l);
/** Cancels all that are still under way: at the end of the process. */
void imap_login_abandon(struct imap_server *s);
#endif
