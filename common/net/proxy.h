/* common/net/proxy.h – the header that a TCP proxy sends before the client's first byte: HAProxy's PROXY protocol,
 * versions 1 (text) and 2 (binary). A pure parser, and the list of peers that may send it. */
#ifndef WD_NET_PROXY_H
#define WD_NET_PROXY_H
#include <stdbool.h>

#include "common/base/str.h"

enum wd_proxy_result { WD_PROXY_MORE, WD_PROXY_OK, WD_PROXY_BAD };

struct wd_proxy_header {
    size_t n;    /* bytes of the header; what follows is the client's */
    char ip[46]; /* the client, without "::ffff:"; "" for UNKNOWN and LOCAL: keep the peer's */
    int port;    /* 0 when ip is "" */
};

enum {
    WD_PROXY_V1_MAX = 108,  /* 107 bytes in the specification; a longer line is none */
    WD_PROXY_V2_MAX = 2048, /* with its TLVs */
};

/**
 * Reads the start of a connection. MORE: all of `bytes` belong to the header, and it goes on. `out` is written on OK.
 */
enum wd_proxy_result wd_proxy_parse(struct wd_str bytes, struct wd_proxy_header *out);

/** Is the peer in the list? Entries are addresses, networks ("10.0.0.0/8", "fd00::/8") or "*". NULL lists nobody. */
bool wd_proxy_trusts(const char *const *list, const char *ip);
/** Drops "::ffff:" of a mapped IPv4 address, in place. */
void wd_ip_unmap(char *ip);
#endif
