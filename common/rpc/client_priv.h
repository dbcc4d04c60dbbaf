/* common/rpc/client_priv.h – what only this directory and its tests use of a client. */
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
#endif
