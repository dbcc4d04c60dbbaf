/* store-svc/rpc/convert_shown.h – stored documents of messages as what a web mail shows, in the call's arena. */
#ifndef WD_STORE_RPC_CONVERT_SHOWN_H
#define WD_STORE_RPC_CONVERT_SHOWN_H
#include "store-svc/domain/doc.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/messages.pb-c.h"

/** A row of a listing. Texts are copied. */
Wd__V1__MessageEntry *wd_pb_message_entry(struct wd_call *call, const bson_t *doc);
/** Adds the parsed values of these header fields, where there are any, as JSON. */
void wd_pb_message_headers(struct wd_call *call, const bson_t *doc, const ProtobufCBinaryData *names, size_t n,
                           Wd__V1__MessageEntry *to);
/** Everything about one message. */
Wd__V1__Message *wd_pb_message(struct wd_call *call, const bson_t *doc);
#endif
