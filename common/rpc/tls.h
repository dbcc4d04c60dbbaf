/* common/rpc/tls.h – nng's TLS set up so that both sides must show a certificate. */
#ifndef WD_RPC_TLS_H
#define WD_RPC_TLS_H
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "common/rpc/client.h"

/** For a dialer (mode CLIENT, with the name to expect) or a listener. WD_INVALID for files that cannot be used.
 *  Keep the object until the socket that uses it is closed, then nng_tls_config_free(). */
bool wd_rpc_tls_config(nng_tls_mode mode, const struct wd_rpc_tls *files, const char *server_name,
                       nng_tls_config **out, struct wd_error *err) WD_CHECKED;
#endif
