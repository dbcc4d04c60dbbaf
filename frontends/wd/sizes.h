/* frontends/wd/sizes.h – sizes as people write them. */
#ifndef WD_CLI_SIZES_H
#define WD_CLI_SIZES_H
#include "common/base/arena.h"

/** "1048576", "512K", "20M", "1.5G", "2T" in bytes; false for anything else. */
bool cli_size_read(const char *text, uint64_t *out);
/** "1.5 GiB" */
const char *cli_size(struct wd_arena *a, uint64_t bytes);
/** "2026-11-22 19:30" in local time; "-" for 0. */
const char *cli_time(struct wd_arena *a, int64_t ms);
#endif
