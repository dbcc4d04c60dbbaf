/* common/daemon/daemon_priv.h – between the files of this directory. */
#ifndef WD_DAEMON_DAEMON_PRIV_H
#define WD_DAEMON_DAEMON_PRIV_H
#include "common/daemon/daemon.h"

enum { DAEMON_KEY_MAX = 128 };

/** "<section>.<name>"; returns `to`. */
const char *daemon_own_key(const struct wd_daemon *d, const char *name, char to[DAEMON_KEY_MAX]);
#endif
