/* common/rpc/client_raw.h – calls with messages that somebody else packs and unpacks (common/client). */
#ifndef WD_RPC_CLIENT_RAW_H
#define WD_RPC_CLIENT_RAW_H
#include "common/base/str.h"
#include "common/rpc/client.h"

/** The reply as bytes, borrowed; p == NULL: failed, and *params.err says why. */
typedef void wd_rpc_bytes_closure(struct wd_str reply, void *data);

/** A call of a method by name, with a message that is packed already. Of the params, the arena is not needed. */
void wd_rpc_call_bytes(struct wd_rpc_client *c, const char *method, struct wd_str request,
                       const struct wd_rpc_params *params, wd_rpc_bytes_closure *closure, void *data);
#endif
