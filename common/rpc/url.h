/* common/rpc/url.h – the addresses of stores: ipc:///path, tcp://host:port, tls+tcp://host:port. */
#ifndef WD_RPC_URL_H
#define WD_RPC_URL_H
#include "common/base/error.h"
#include "common/base/lifetime.h"

enum wd_url_kind { WD_URL_IPC, WD_URL_TCP, WD_URL_TLS };
enum { WD_URL_TEXT = 320 };

struct wd_url {
    enum wd_url_kind kind;
    char path[108];  /* ipc: of the socket */
    char host[256];  /* tcp, tls: name or address, without brackets; "*" for any (listeners) */
    char port[8];    /* tcp, tls: decimal */
    bool is_name;    /* the host must be resolved */
};

/** WD_INVALID for another scheme, a missing port, a path that does not fit into a socket address. */
bool wd_url_parse(const char *text, struct wd_url *out, struct wd_error *err) WD_CHECKED;
/** False for a plain tcp:// address that is not loopback: its bytes would cross a network in clear. */
bool wd_url_is_private(const struct wd_url *url);
/** True for 127.0.0.0/8 and ::1, as text. */
bool wd_address_is_loopback(const char *address);
/** What nng dials: the URL with the host replaced by an address (IPv6 gets its brackets). NULL: as it is. */
void wd_url_text(const struct wd_url *url, const char *address, char out[WD_URL_TEXT]);
#endif
