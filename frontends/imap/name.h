/* frontends/imap/name.h – mailbox names as clients write them ↔ paths of the store. */
#ifndef WD_IMAP_NAME_H
#define WD_IMAP_NAME_H
#include "common/base/arena.h"

/**
 * The path of a name: modified UTF-7 decoded (unless utf8), one leading and one trailing "/" taken off, a first level
 * INBOX in capitals. What is no modified UTF-7 is taken as it is. False when the result is no UTF-8 or has control
 * characters.
 */
bool imap_name_path(struct wd_arena *a, struct wd_str name, bool utf8, struct wd_str *path);
/** The same for a pattern of LIST: slashes stay but for the leading one, wildcards are left alone. */
bool imap_name_pattern(struct wd_arena *a, struct wd_str pattern, bool utf8, struct wd_str *out);
/** Does a path match a pattern of LIST: * is anything, % anything without "/". */
bool imap_name_matches(struct wd_arena *a, struct wd_str pattern, struct wd_str path);
/** Order of LIST: INBOX first, then level by level, without regard to ASCII case first. */
int imap_name_cmp(struct wd_str a, struct wd_str b);
#endif
