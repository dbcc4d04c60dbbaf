/* common/rpc/listen.h – listening sockets of servers and publishers, with the same rules for both. */
#ifndef WD_RPC_LISTEN_H
#define WD_RPC_LISTEN_H
#include <nng/nng.h>

#include "common/rpc/tls.h"

struct listen_options {
    unsigned ipc_mode;
    bool allow_plain_tcp;
    struct wd_rpc_tls tls;
};

struct listening {
    nng_listener listener;
    nng_tls_config *tls; /* our own reference: free it after the socket was closed */
    int port;            /* of tcp and tls+tcp */
};

/** WD_INVALID for an address that is refused, WD_UNAVAILABLE for one that cannot be listened on. */
bool wd_listen(nng_socket socket, const char *url, const struct listen_options *o, struct listening *out,
               struct wd_error *err) WD_CHECKED;
/** wd_socket_close() with what its listeners hold. */
bool wd_listening_close(nng_socket socket, const struct listening *l, size_t n);
#endif
