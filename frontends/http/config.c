#include "frontends/http/config.h"

/* clang-format off */
const struct wd_config_key http_config_keys[] = {
    { "api.enabled",     WD_CONFIG_BOOL,   "true",      0, 0,       "run by wd serve" },
    { "api.port",        WD_CONFIG_INT,    "8080",      0, 65535,   "port of the HTTP API" },
    { "api.host",        WD_CONFIG_STRING, "127.0.0.1", 0, 0,       "address that it listens on" },
    { "api.secure",      WD_CONFIG_BOOL,   "false",     0, 0,       "HTTPS" },
    { "api.accessToken", WD_CONFIG_STRING, NULL,        0, 0,       "token that every request must have; unset: none" },
    { "api.maxBodyKB",   WD_CONFIG_INT,    "1024",      1, 1048576, "largest request body" },
    { "api.timeout",     WD_CONFIG_INT,    "60",        1, 3600,    "seconds that a connection may be silent" },
    { "api.callTimeout", WD_CONFIG_INT,    "30",        1, 3600,    "seconds that a call to the store may take" },
    { "api.tls.cert",    WD_CONFIG_STRING, NULL,        0, 0,       "certificate chain (PEM); unset: tls.cert" },
    { "api.tls.key",     WD_CONFIG_STRING, NULL,        0, 0,       "its key" },
    { "api.adminPort",   WD_CONFIG_INT,    "0",         0, 65535,   "port of /healthz, /readyz, /metrics; 0: none" },
    { 0 },
};
/* clang-format on */
