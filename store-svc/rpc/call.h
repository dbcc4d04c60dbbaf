/* store-svc/rpc/call.h – what every handler does before and after its one domain call. */
#ifndef WD_STORE_RPC_CALL_H
#define WD_STORE_RPC_CALL_H
#include "common/mail/seqset.h"
#include "common/rpc/server.h"
#include "store-svc/domain/domain.h"
#include "store-svc/domain/once.h"
#include "store-svc/domain/token.h"
#include "wd/v1/mailboxes.pb-c.h"

struct wd_domain *wd_call_domain(const struct wd_call *call);

/**
 * Whose data the call is about: the session token's user, or the one that the request names (24 hexadecimal digits,
 * NULL: none) if the role may act for all users. A named user that is not the session's is FORBIDDEN.
 * False: call->err is set, answer with wd_call_fail().
 */
bool wd_call_user(struct wd_call *call, const char *named, struct wd_id *out) WD_CHECKED;

/** An id from a request; INVALID with the field's name. */
bool wd_call_id(struct wd_call *call, const char *hex, const char *field, struct wd_id *out) WD_CHECKED;
/** The upload that a request names. Names are the caller's own: of the user when there is a session, else of the role,
 *  so that nobody reads, changes or drops what another one is uploading. */
bool wd_call_upload(struct wd_call *call, const char *hex, struct wd_id *out) WD_CHECKED;
/** 24 digits in the call's arena. */
char *wd_call_hex(struct wd_call *call, struct wd_id id);
/** A C string in the call's arena; a NUL inside ends it. */
char *wd_call_text(struct wd_call *call, struct wd_str s);

/** Sets from and to requests. *out must be empty and is yours to wd_seqset_done(); INVALID for a malformed set. */
bool wd_call_uids(struct wd_call *call, const Wd__V1__UidRanges *from, struct wd_seqset *out) WD_CHECKED;
/** A message in the call's arena. */
Wd__V1__UidRanges *wd_call_ranges(struct wd_call *call, const struct wd_seqset *set);

/** Bytes fields. */
struct wd_str wd_str_pb(ProtobufCBinaryData data);
ProtobufCBinaryData wd_pb_str(struct wd_str s);

/** The idempotency key of the call as the domain wants it. */
struct wd_once wd_call_once(const struct wd_call *call, struct wd_id user);
#endif
