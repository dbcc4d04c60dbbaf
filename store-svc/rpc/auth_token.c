/* The methods of the Auth service for access tokens of the HTTP API. */
#include "store-svc/domain/access_token.h"
#include "store-svc/rpc/auth.h"
#include "store-svc/rpc/call.h"

void
auth_create_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__CreateAccessTokenRequest *req,
                         Wd__V1__CreateAccessTokenReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_access_token_new in = {
        .name = wd_str_c(req->name),
        .role = wd_str_c(req->role),
        .ttl_s = req->terms ? req->terms->ttl_s : 0,
        .lifetime_s = req->terms ? req->terms->lifetime_s : 0,
    };
    struct wd_str token;
    Wd__V1__CreateAccessTokenReply out = WD__V1__CREATE_ACCESS_TOKEN_REPLY__INIT;

    (void)svc;
    if (!wd_access_token_create(wd_call_domain(call), call->arena, &in, &token, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.token = wd_call_text(call, token);
    reply(&out, call);
}

void
auth_check_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__AccessTokenRequest *req,
                        Wd__V1__CheckAccessTokenReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_access_token found;
    Wd__V1__CheckAccessTokenReply out = WD__V1__CHECK_ACCESS_TOKEN_REPLY__INIT;

    (void)svc;
    if (!wd_access_token_check(wd_call_domain(call), call->arena, wd_str_c(req->token), &found, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.role = wd_call_text(call, found.role);
    if (wd_id_is_zero(found.user))
        out.name = wd_call_text(call, found.name);
    else
        out.user = wd_call_hex(call, found.user);
    reply(&out, call);
}

void
auth_renew_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__AccessTokenRequest *req,
                        Wd__V1__RenewAccessTokenReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__RenewAccessTokenReply out = WD__V1__RENEW_ACCESS_TOKEN_REPLY__INIT;

    (void)svc;
    if (!wd_access_token_renew(wd_call_domain(call), wd_str_c(req->token), &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

void
auth_drop_access_token(Wd__V1__Auth_Service *svc, const Wd__V1__DropAccessTokenRequest *req,
                       Wd__V1__DropAccessTokenReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    bool dropped;
    Wd__V1__DropAccessTokenReply out = WD__V1__DROP_ACCESS_TOKEN_REPLY__INIT;

    (void)svc;
    if (!wd_access_token_drop(wd_call_domain(call), wd_str_c(req->token), req->only_users, &dropped, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.dropped = dropped;
    reply(&out, call);
}
