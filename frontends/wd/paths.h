/* frontends/wd/paths.h – where a node keeps its things. */
#ifndef WD_CLI_PATHS_H
#define WD_CLI_PATHS_H
#include "common/base/arena.h"

/** The data directory: what was given, else $WD_DATA, else /var/lib/wd for root and ~/.local/share/wd for others.
 *  Absolute; it may not exist. */
const char *cli_data_dir(struct wd_arena *a, const char *given);
/** True when `dir` is what cli_data_dir(a, NULL) says: then it need not be named in advice. */
bool cli_data_dir_is_default(struct wd_arena *a, const char *dir);
/** "DIR/name" */
const char *cli_path(struct wd_arena *a, const char *dir, const char *name);
/** Makes a directory and its parents, the last one with mode 0700. errno is set on failure. */
bool cli_make_directories(struct wd_arena *a, const char *path);
/** The first line of a small file, without blanks around it; NULL when it cannot be read. */
char *cli_first_line(struct wd_arena *a, const char *path);
#endif
