/* frontends/pop3/config.h – the options of wd-pop3. */
#ifndef WD_POP3_CONFIG_H
#define WD_POP3_CONFIG_H
#include "common/config/config.h"

extern const struct wd_config_key pop3_config_keys[]; /* of [pop3]; ends with .name == NULL */
#endif
