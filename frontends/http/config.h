/* frontends/http/config.h – the options of wd-http. */
#ifndef WD_HTTP_CONFIG_H
#define WD_HTTP_CONFIG_H
#include "common/config/config.h"

extern const struct wd_config_key http_config_keys[]; /* ends with .name == NULL */
#endif
