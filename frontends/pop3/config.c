#include "frontends/pop3/config.h"

/* clang-format off */
const struct wd_config_key pop3_config_keys[] = {
    { "pop3.enabled",             WD_CONFIG_BOOL,   "true",    0, 0,       "listen for POP3" },
    { "pop3.host",                WD_CONFIG_STRING, "0.0.0.0", 0, 0,       "address to listen on" },
    { "pop3.port",                WD_CONFIG_INT,    "9995",    0, 65535,   "port; 0: any free one" },
    { "pop3.portFile",            WD_CONFIG_STRING, NULL,      0, 0,       "file that gets the port in use, once listening" },
    { "pop3.secure",              WD_CONFIG_BOOL,   "true",    0, 0,       "TLS from the first byte" },
    { "pop3.secured",             WD_CONFIG_BOOL,   "false",   0, 0,       "TLS ends in a proxy before us" },
    { "pop3.disableSTARTTLS",     WD_CONFIG_BOOL,   "false",   0, 0,       "do not offer STLS; passwords may come in plain text" },
    { "pop3.ignoreSTARTTLS",      WD_CONFIG_BOOL,   "false",   0, 0,       "passwords may come in plain text though STLS is offered" },
    { "pop3.interface",           WD_CONFIG_TABLES, NULL,      0, 0,       "further listeners: enabled, host, port, secure, secured, disableSTARTTLS, ignoreSTARTTLS" },
    { "pop3.useProxy",            WD_CONFIG_LIST,   "",        0, 0,       "peers that send a PROXY header; *: all" },
    { "pop3.ignoredHosts",        WD_CONFIG_LIST,   "",        0, 0,       "peers whose connections are not logged" },
    { "pop3.timeout",             WD_CONFIG_INT,    "600",     1, 86400,   "seconds without traffic before -ERR; RFC 1939 wants 600 or more" },
    { "pop3.callTimeout",         WD_CONFIG_INT,    "60",      1, 600,     "seconds the store may take for one call" },
    { "pop3.maxConnections",      WD_CONFIG_INT,    "10000",   0, 1000000, "open connections; 0: no limit" },
    { "pop3.maxConnectionsPerIP", WD_CONFIG_INT,    "0",       0, 1000000, "of one address; 0: no limit" },
    { "pop3.maxMessages",         WD_CONFIG_INT,    NULL,      1, 20000,   "newest messages that are listed; read by wd-store" },
    { "pop3.maxDownloadMB",       WD_CONFIG_INT,    NULL,      0, 1LL << 40, "download of one user in 24 hours; read by wd-store" },
    { "pop3.name",                WD_CONFIG_STRING, "wd POP3 Server", 0, 0, "name in the greeting" },
    { "pop3.version",             WD_CONFIG_STRING, WD_VERSION, 0, 0,      "version in CAPA" },
    { "pop3.disableVersionString", WD_CONFIG_BOOL,  "false",   0, 0,       "no IMPLEMENTATION in CAPA" },
    { "pop3.tls.cert",            WD_CONFIG_STRING, NULL,      0, 0,       "certificate chain (PEM); unset: tls.cert" },
    { "pop3.tls.key",             WD_CONFIG_STRING, NULL,      0, 0,       "its key (PEM); unset: in the same file" },
    { "pop3.adminPort",           WD_CONFIG_INT,    "0",       0, 65535,   "port of /healthz, /readyz and /metrics; 0: none" },
    { 0 },
};
/* clang-format on */
