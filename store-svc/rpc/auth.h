/* store-svc/rpc/auth.h – the methods of the Auth service that live in files of their own. */
#ifndef WD_STORE_RPC_AUTH_H
#define WD_STORE_RPC_AUTH_H
#include "wd/v1/auth.pb-c.h"

void auth_create_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__CreateAccessTokenRequest *req,
                              Wd__V1__CreateAccessTokenReply_Closure reply, void *closure);
void auth_check_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__AccessTokenRequest *req,
                             Wd__V1__CheckAccessTokenReply_Closure reply, void *closure);
void auth_renew_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__AccessTokenRequest *req,
                             Wd__V1__RenewAccessTokenReply_Closure reply, void *closure);
void auth_drop_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__DropAccessTokenRequest *req,
                            Wd__V1__DropAccessTokenReply_Closure reply, void *closure);
void auth_list_events(Wd__V1__Auth_Service *svc, const Wd__V1__ListAuthEventsRequest *req,
                      Wd__V1__ListAuthEventsReply_Closure reply, void *closure);
void auth_get_event(Wd__V1__Auth_Service *svc, const Wd__V1__GetAuthEventRequest *req,
                    Wd__V1__AuthEvent_Closure reply, void *closure);
#endif
