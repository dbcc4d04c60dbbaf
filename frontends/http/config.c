#include "frontends/http/config.h"

/* clang-format off */
const struct wd_config_key http_config_keys[] = {
    { "api.enabled",             WD_CONFIG_BOOL,   "true",      0, 0,       "run by wd serve" },
    { "api.port",                WD_CONFIG_INT,    "8080",      0, 65535,   "port of the HTTP API" },
    { "api.host",                WD_CONFIG_STRING, "127.0.0.1", 0, 0,       "address that it listens on" },
    { "api.secure",              WD_CONFIG_BOOL,   "false",     0, 0,       "HTTPS" },
    { "api.accessToken",         WD_CONFIG_STRING, NULL,        0, 0,       "token of the role root; when set, every request needs one" },
    { "api.accessControl.enabled",       WD_CONFIG_BOOL, "false",    0, 0,          "every request needs a token" },
    { "api.accessControl.tokenTTL",      WD_CONFIG_INT,  "1209600",  0, 2147483647, "seconds that a user's token lives unused; 0: for ever" },
    { "api.accessControl.tokenLifetime", WD_CONFIG_INT,  "15552000", 0, 2147483647, "seconds that it lives at most; 0: for ever" },
    { "api.roles",               WD_CONFIG_STRING, NULL,        0, 0,       "JSON file of what each role may do; unset: as shipped" },
    { "api.cors.origins",        WD_CONFIG_LIST,   "*",         0, 0,       "origins that browsers may call from" },
    { "api.maxBodyKB",           WD_CONFIG_INT,    "1024",      1, 1048576, "largest request body of parameters" },
    { "api.maxMessageMB",        WD_CONFIG_INT,    "64",        1, 1024,    "largest message or file that is uploaded" },
    { "api.maxHeldMB",           WD_CONFIG_INT,    "256",       1, 1048576, "memory for all request bodies together" },
    { "api.maxConnections",      WD_CONFIG_INT,    "0",         0, 1000000, "open connections; 0: no limit" },
    { "api.maxConnectionsPerIP", WD_CONFIG_INT,    "0",         0, 1000000, "the same for each address" },
    { "api.useProxy",            WD_CONFIG_LIST,   "",          0, 0,       "addresses and networks that send a PROXY header; *: all" },
    { "api.timeout",             WD_CONFIG_INT,    "60",        1, 3600,    "seconds that a connection may be silent" },
    { "api.callTimeout",         WD_CONFIG_INT,    "30",        1, 3600,    "seconds that a call to the store may take" },
    { "api.tls.cert",            WD_CONFIG_STRING, NULL,        0, 0,       "certificate chain (PEM); unset: tls.cert" },
    { "api.tls.key",             WD_CONFIG_STRING, NULL,        0, 0,       "its key" },
    { "api.adminPort",           WD_CONFIG_INT,    "0",         0, 65535,   "port of /healthz, /readyz, /metrics; 0: none" },
    { 0 },
};
/* clang-format on */
