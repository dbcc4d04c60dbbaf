/* store-svc/rpc/append.h – the methods of the Messages service that bring messages in. */
#ifndef WD_STORE_RPC_APPEND_H
#define WD_STORE_RPC_APPEND_H
#include "wd/v1/messages.pb-c.h"

void messages_append(Wd__V1__Messages_Service *svc, const Wd__V1__AppendRequest *req,
                     Wd__V1__AppendReply_Closure reply, void *closure);
void messages_upload(Wd__V1__Messages_Service *svc, const Wd__V1__UploadRequest *req,
                     Wd__V1__UploadReply_Closure reply, void *closure);
void messages_drop_upload(Wd__V1__Messages_Service *svc, const Wd__V1__DropUploadRequest *req,
                          Wd__V1__DropUploadReply_Closure reply, void *closure);
#endif
