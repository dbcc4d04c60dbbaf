/* frontends/lmtp/config.h – the options of wd-lmtp. */
#ifndef WD_LMTP_CONFIG_H
#define WD_LMTP_CONFIG_H
#include "common/config/config.h"

extern const struct wd_config_key lmtp_config_keys[]; /* of [lmtp]; ends with .name == NULL */
#endif
