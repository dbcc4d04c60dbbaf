/* common/admin/privileges.h – what a daemon gives up and takes at its start. */
#ifndef WD_ADMIN_PRIVILEGES_H
#define WD_ADMIN_PRIVILEGES_H
#include "common/base/error.h"

/** Becomes the user (and its groups) and the group, for good; call it after the ports are bound and before threads
 *  start. A NULL user or group is left as it is, a NULL group with a user becomes the user's. Names or numbers.
 *  WD_INVALID: there is no such name; WD_FORBIDDEN: we may not. Being that user already is fine. */
bool wd_privileges_drop(const char *user, const char *group, struct wd_error *err);

/** Raises the number of files that may be open to the hard limit; returns the limit in force. */
long wd_files_raise(void);
#endif
