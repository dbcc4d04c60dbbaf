/* frontends/imap/config.h – the options of wd-imap. */
#ifndef WD_IMAP_CONFIG_H
#define WD_IMAP_CONFIG_H
#include "common/config/config.h"

/** Ends with .name == NULL. */
extern const struct wd_config_key imap_config_keys[];
#endif
