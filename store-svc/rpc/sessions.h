/* store-svc/rpc/sessions.h – the handlers of the Mailboxes service that sessions live on. */
#ifndef WD_STORE_RPC_SESSIONS_H
#define WD_STORE_RPC_SESSIONS_H
#include "store-svc/rpc/call.h"

void mailboxes_open(Wd__V1__Mailboxes_Service *svc, const Wd__V1__OpenMailboxRequest *req,
                    Wd__V1__OpenMailboxReply_Closure reply, void *closure);
void mailboxes_changes(Wd__V1__Mailboxes_Service *svc, const Wd__V1__MailboxChangesRequest *req,
                       Wd__V1__MailboxChangesReply_Closure reply, void *closure);
void mailboxes_poll(Wd__V1__Mailboxes_Service *svc, const Wd__V1__PollMailboxesRequest *req,
                    Wd__V1__PollMailboxesReply_Closure reply, void *closure);
#endif
