/* store-svc/rpc/convert_message.h – what FETCH tells of a message, as protobuf in the call's arena. */
#ifndef WD_STORE_RPC_CONVERT_MESSAGE_H
#define WD_STORE_RPC_CONVERT_MESSAGE_H
#include "store-svc/domain/fetch.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/messages.pb-c.h"

/** A section of a request; its fields point into the request. INVALID. */
bool wd_pb_section(struct wd_call *call, const Wd__V1__Section *from, struct wd_section_range *to);
/** A message of a page, with the items that the request names. */
Wd__V1__FetchedMessage *wd_pb_fetched(struct wd_call *call, const Wd__V1__FetchRequest *req,
                                      const struct wd_fetched *from);
#endif
