/* store-svc/rpc/message_admin.h – the methods of the Messages service that the API works with. */
#ifndef WD_STORE_RPC_MESSAGE_ADMIN_H
#define WD_STORE_RPC_MESSAGE_ADMIN_H
#include "wd/v1/messages.pb-c.h"

void messages_list(Wd__V1__Messages_Service *svc, const Wd__V1__ListMessagesRequest *req,
                   Wd__V1__ListMessagesReply_Closure reply, void *closure);
void messages_get(Wd__V1__Messages_Service *svc, const Wd__V1__GetMessageRequest *req, Wd__V1__Message_Closure reply,
                  void *closure);
void messages_read_attachment(Wd__V1__Messages_Service *svc, const Wd__V1__ReadAttachmentRequest *req,
                              Wd__V1__ReadAttachmentReply_Closure reply, void *closure);
void messages_update(Wd__V1__Messages_Service *svc, const Wd__V1__UpdateMessagesRequest *req,
                     Wd__V1__UpdateMessagesReply_Closure reply, void *closure);
void messages_remove(Wd__V1__Messages_Service *svc, const Wd__V1__RemoveMessagesRequest *req,
                     Wd__V1__RemoveMessagesReply_Closure reply, void *closure);
#endif
