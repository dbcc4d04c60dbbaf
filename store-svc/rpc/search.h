/* store-svc/rpc/search.h – Messages.Search. */
#ifndef WD_STORE_RPC_SEARCH_H
#define WD_STORE_RPC_SEARCH_H
#include "store-svc/rpc/call.h"
#include "wd/v1/messages.pb-c.h"

void messages_search(Wd__V1__Messages_Service *svc, const Wd__V1__SearchRequest *req,
                     Wd__V1__SearchReply_Closure reply, void *closure);
#endif
