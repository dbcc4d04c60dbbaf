/* common/rpc/client_priv.h – what only this directory, common/client and the tests of both use of a client. */
#ifndef WD_RPC_CLIENT_PRIV_H
#define WD_RPC_CLIENT_PRIV_H
#include "common/rpc/client.h"
#include "common/rpc/resolve.h"

/** wd_rpc_client_new() with another resolver than the system's; it runs on the resolver's thread. */
struct wd_rpc_client *wd_rpc_client_new_resolving(struct event_base *loop, const struct wd_rpc_client_options *o,
                                                  wd_resolve_host *resolve, void *resolve_data,
                                                  struct wd_error *err);
/** Resolves host names again now. */
void wd_rpc_client_resolve_now(struct wd_rpc_client *c);

/** The reply as bytes, borrowed; p == NULL: failed, and *params.err says why. */
typedef void wd_rpc_bytes_closure(struct wd_str reply, void *data);

/** A call of a method by name, with a message that is packed already. Of the params, the arena is not needed. */
void wd_rpc_call_bytes(struct wd_rpc_client *c, const char *method, struct wd_str request,
                       const struct wd_rpc_params *params, wd_rpc_bytes_closure *closure, void *data);
#endif
