/* store-svc/rpc/convert_users.h – accounts and addresses as messages; what a message points to lives in the arena. */
#ifndef WD_STORE_RPC_CONVERT_USERS_H
#define WD_STORE_RPC_CONVERT_USERS_H
#include "store-svc/domain/address.h"
#include "store-svc/domain/alias.h"
#include "store-svc/domain/user.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/users.pb-c.h"

/** Fills an initialised message. */
void wd_pb_user(struct wd_call *call, const struct wd_user *user, Wd__V1__User *out);
void wd_pb_address(struct wd_call *call, const struct wd_address_row *row, Wd__V1__Address *out);
void wd_pb_alias(struct wd_call *call, const struct wd_alias *alias, Wd__V1__DomainAlias *out);

/** Names of scopes as bits; INVALID for a name that is none of imap, pop3 and smtp. */
bool wd_call_scopes(struct wd_call *call, char *const *names, size_t n, unsigned *out) WD_CHECKED;
#endif
