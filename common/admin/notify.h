/* common/admin/notify.h – tells the service manager (systemd, or whoever set NOTIFY_SOCKET) how far we are.
 * sd_notify(3)'s protocol: one datagram of NAME=value lines. */
#ifndef WD_ADMIN_NOTIFY_H
#define WD_ADMIN_NOTIFY_H
#include <stdbool.h>

/** Each returns false when there is no manager to tell (no NOTIFY_SOCKET, or it does not listen): not a failure.
 *  None blocks. */
bool wd_notify_ready(void);
bool wd_notify_reloading(void); /* wd_notify_ready() must follow */
bool wd_notify_stopping(void);
#endif
