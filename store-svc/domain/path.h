/* store-svc/domain/path.h – mailbox paths: UTF-8 with "/" between the elements. Pure functions. */
#ifndef WD_STORE_DOMAIN_PATH_H
#define WD_STORE_DOMAIN_PATH_H
#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

enum { WD_PATH_DEPTH = 128, WD_PATH_ELEMENT = 512 }; /* elements; characters in each */

/** The normal form: without one leading and one trailing "/", and a first element "inbox" of any case in capitals.
 *  Borrowed from path where nothing changes, else from the arena. */
struct wd_str wd_path_normal(struct wd_arena *a, struct wd_str path);
/** May a mailbox have this normal path? MAILBOX_REFUSED when it is empty, has an empty element, control characters or
 *  broken UTF-8, is too deep, or an element is too long. */
bool wd_path_check(struct wd_str path, struct wd_error *err) WD_CHECKED;
bool wd_path_is_inbox(struct wd_str path);
/** Is path below parent ("a/b" below "a")? */
bool wd_path_below(struct wd_str path, struct wd_str parent);
/** The order of listings: INBOX first, then element by element without regard to case. <0, 0, >0. */
int wd_path_compare(struct wd_str a, struct wd_str b);
#endif
