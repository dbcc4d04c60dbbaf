/* store-svc/rpc/mailbox_admin.h – the methods of the Mailboxes service that live in a file of their own. */
#ifndef WD_STORE_RPC_MAILBOX_ADMIN_H
#define WD_STORE_RPC_MAILBOX_ADMIN_H
#include "wd/v1/mailboxes.pb-c.h"

void mailboxes_get(Wd__V1__Mailboxes_Service *svc, const Wd__V1__GetMailboxRequest *req, Wd__V1__Mailbox_Closure reply,
                   void *closure);
void mailboxes_update(Wd__V1__Mailboxes_Service *svc, const Wd__V1__UpdateMailboxRequest *req,
                      Wd__V1__UpdateMailboxReply_Closure reply, void *closure);
void mailboxes_remove(Wd__V1__Mailboxes_Service *svc, const Wd__V1__RemoveMailboxRequest *req,
                      Wd__V1__RemoveMailboxReply_Closure reply, void *closure);
#endif
