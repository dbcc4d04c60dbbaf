/* store-svc/rpc/access.h – who may call what: one row per method. */
#ifndef WD_STORE_RPC_ACCESS_H
#define WD_STORE_RPC_ACCESS_H
#include "store-svc/rpc/call.h"

/** Checks the tokens of a call against its method's row and sets role, user and scope: the wd_rpc_authorize of
 *  wd-store. UNAUTHENTICATED, TOKEN_EXPIRED, FORBIDDEN, UNKNOWN_METHOD. */
bool wd_access_authorize(struct wd_call *call, struct wd_error *err) WD_CHECKED;

/** The scopes (enum wd_scope) that a front end of this role may ask for and use. */
unsigned wd_access_scopes(unsigned role);
/** Is there a row? For the test that none is missing. */
bool wd_access_known(const char *method);
#endif
