#include "common/rpc/listen.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/rpc/close.h"
#include "common/rpc/url.h"

enum { DEFAULT_IPC_MODE = 0600 };

static bool
configure(nng_listener listener, const struct wd_url *url, const struct listen_options *o, struct listening *out,
          struct wd_error *err)
{
    int mode = (int)(o->ipc_mode ? o->ipc_mode : DEFAULT_IPC_MODE);
    int rv = 0;

    if (url->kind == WD_URL_IPC) {
        /* nng sets the mode between bind() and listen(): nobody can connect before it holds. */
        rv = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, mode);
    } else if (url->kind == WD_URL_TLS) {
        if (!wd_rpc_tls_config(NNG_TLS_MODE_SERVER, &o->tls, NULL, &out->tls, err))
            return false;
        rv = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, out->tls);
    }
    return rv == 0 || wd_fail(err, WD_INVALID, "listener: %s", nng_strerror(rv));
}

static int
port_of(nng_listener listener)
{
    nng_sockaddr address;

    if (nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &address) != 0)
        return 0;
    if (address.s_family == NNG_AF_INET)
        return ntohs(address.s_in.sa_port);
    return address.s_family == NNG_AF_INET6 ? ntohs(address.s_in6.sa_port) : 0;
}

bool
wd_listen(nng_socket socket, const char *url, const struct listen_options *o, struct listening *out,
          struct wd_error *err)
{
    struct wd_url parsed;
    char text[WD_URL_TEXT];
    int rv;

    *out = (struct listening){ 0 };
    if (!wd_url_parse(url, &parsed, err))
        return false;
    if (!o->allow_plain_tcp && !wd_url_is_private(&parsed))
        return wd_fail(err, WD_INVALID, "%s: plain tcp:// is for loopback only, use tls+tcp://", url);
    wd_url_text(&parsed, NULL, text);
    rv = nng_listener_create(&out->listener, socket, text);
    if (rv != 0)
        return wd_fail(err, WD_INVALID, "%s: %s", url, nng_strerror(rv));
    if (!configure(out->listener, &parsed, o, out, err))
        return wd_fail_in(err, url);
    rv = nng_listener_start(out->listener, 0);
    if (rv != 0)
        return wd_fail(err, WD_UNAVAILABLE, "%s: %s", url, nng_strerror(rv));
    out->port = port_of(out->listener);
    return true;
}

bool
wd_listening_close(nng_socket socket, const struct listening *l, size_t n)
{
    nng_tls_config **tls = wd_alloc(sizeof *tls * (n + 1));
    bool closed;

    for (size_t i = 0; i < n; i++)
        tls[i] = l[i].tls;
    closed = wd_socket_close(socket, tls, n, WD_CLOSE_MS);
    free(tls);
    return closed;
}
