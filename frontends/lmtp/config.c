#include "frontends/lmtp/config.h"

/* clang-format off */
const struct wd_config_key lmtp_config_keys[] = {
    { "lmtp.enabled",             WD_CONFIG_BOOL,   "true",      0, 0,       "run by wd serve" },
    { "lmtp.host",                WD_CONFIG_STRING, "127.0.0.1", 0, 0,       "address to listen on" },
    { "lmtp.port",                WD_CONFIG_INT,    "2424",      0, 65535,   "port; 0: any free one" },
    { "lmtp.portFile",            WD_CONFIG_STRING, NULL,        0, 0,       "file that gets the port in use" },
    { "lmtp.name",                WD_CONFIG_STRING, NULL,        0, 0,       "name we greet with; unset: the host's" },
    { "lmtp.banner",              WD_CONFIG_STRING, "Welcome to wd", 0, 0,    "text of the greeting" },
    { "lmtp.maxMB",               WD_CONFIG_INT,    "25",        1, 64,      "largest message, in MiB" },
    { "lmtp.maxRecipients",       WD_CONFIG_INT,    "1000",      1, 1000,    "recipients of one message" },
    { "lmtp.timeout",             WD_CONFIG_INT,    "60",        1, 3600,    "seconds without traffic before 421" },
    { "lmtp.greetDelay",          WD_CONFIG_INT,    "100",       0, 10000,   "ms that a remote peer must be silent" },
    { "lmtp.maxConnections",      WD_CONFIG_INT,    "2000",      0, 1000000, "open connections; 0: no limit" },
    { "lmtp.maxConnectionsPerIP", WD_CONFIG_INT,    "0",         0, 1000000, "of one address; 0: no limit" },
    { "lmtp.callTimeout",         WD_CONFIG_INT,    "60",        1, 600,     "seconds the store may take before 451" },
    { "lmtp.secure",              WD_CONFIG_BOOL,   "false",     0, 0,       "TLS from the first byte" },
    { "lmtp.secured",             WD_CONFIG_BOOL,   "false",     0, 0,       "TLS ends in a proxy before us" },
    { "lmtp.disableSTARTTLS",     WD_CONFIG_BOOL,   "true",      0, 0,       "do not offer STARTTLS" },
    { "lmtp.useProxy",            WD_CONFIG_LIST,   "",          0, 0,       "peers that send a PROXY header; *: all" },
    { "lmtp.tls.cert",            WD_CONFIG_STRING, NULL,        0, 0,       "certificates (PEM); unset: tls.cert" },
    { "lmtp.tls.key",             WD_CONFIG_STRING, NULL,        0, 0,       "its key (PEM); unset: in the same file" },
    { "lmtp.adminPort",           WD_CONFIG_INT,    "0",         0, 65535,   "of /healthz and /metrics; 0: none" },
    { 0 },
};
/* clang-format on */
