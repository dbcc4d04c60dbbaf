/* The Auth service (proto/wd/v1/auth.proto): logins, session tokens, counted connections. */
#include "store-svc/rpc/auth.h"

#include "store-svc/domain/access_token.h"
#include "store-svc/domain/auth.h"
#include "store-svc/rpc/access.h"

extern Wd__V1__Auth_Service wd_store_auth;

/* A front end logs users in to its own protocol only. */
static bool
check_scope(struct wd_call *call, const char *name, unsigned *out)
{
    *out = wd_scope_named(wd_str_c(name));
    if (!*out)
        return wd_fail(&call->err, WD_INVALID, "the scope is none of imap, pop3, smtp and master");
    if (!(*out & wd_access_scopes(call->role)))
        return wd_fail(&call->err, WD_FORBIDDEN, "the role of this token may not log in to that scope");
    return true;
}

/* NULL ends the names. */
static char **
names_of(struct wd_call *call, const char *const *from, size_t *n)
{
    char **names = WD_ARENA_ARRAY(call->arena, char *, WD_2FA_KINDS);

    for (*n = 0; *n < WD_2FA_KINDS && from[*n]; ++*n)
        names[*n] = wd_call_text(call, wd_str_c(from[*n]));
    return names;
}

/* The access token that a login also asked for. */
static bool
make_access_token(struct wd_call *call, const Wd__V1__AuthenticateRequest *req, struct wd_id user, char **out)
{
    struct wd_access_token_new in = { .user = user, .role = WD_STR("user") };
    struct wd_str token;

    if (!req->access_token)
        return true;
    in.ttl_s = req->access_token->ttl_s;
    in.lifetime_s = req->access_token->lifetime_s;
    if (!wd_access_token_create(wd_call_domain(call), call->arena, &in, &token, &call->err))
        return false;
    *out = wd_call_text(call, token);
    return true;
}

/* Only who administers accounts hands out access tokens, and only for the whole account. */
static bool
may_have_token(struct wd_call *call, const Wd__V1__AuthenticateRequest *req, unsigned scope)
{
    if (!req->access_token || ((call->role & WD_ROLE_ALL_USERS) && scope == WD_SCOPE_MASTER))
        return true;
    return wd_fail(&call->err, WD_FORBIDDEN, "access tokens are for scope master, and for roles that may have them");
}

static void
auth_authenticate(Wd__V1__Auth_Service *svc, const Wd__V1__AuthenticateRequest *req,
                  Wd__V1__AuthenticateReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_login in = {
        .username = wd_str_pb(req->username),
        .password = wd_str_pb(req->password),
        .protocol = wd_str_c(req->protocol),
        .ip = wd_str_c(req->ip),
        .sess = wd_str_c(req->sess),
        .app_id = wd_str_c(req->app_id),
        .count_connection = req->count_connection,
        .instance_started_ms = req->instance_started_ms,
        .instance = wd_str_c(req->instance),
    };
    struct wd_logged_in made;
    Wd__V1__AuthenticateReply out = WD__V1__AUTHENTICATE_REPLY__INIT;

    (void)svc;
    if (!check_scope(call, req->scope, &in.scope) || !may_have_token(call, req, in.scope) ||
        !wd_auth_login(wd_call_domain(call), call->arena, &in, &made, &call->err) ||
        !make_access_token(call, req, made.user, &out.access_token)) {
        wd_call_fail(call);
        return;
    }
    out.user = wd_call_hex(call, made.user);
    out.username = wd_pb_str(made.username);
    out.session_token = wd_call_text(call, made.session_token);
    out.expires_ms = made.expires_ms;
    out.has_address = made.address.n > 0;
    out.address = wd_pb_str(made.address);
    out.require_2fa = names_of(call, made.require_2fa, &out.n_require_2fa);
    out.has_require_password_change = made.require_password_change;
    out.require_password_change = made.require_password_change;
    out.has_application_password = out.application_password = made.application_password;
    reply(&out, call);
}

static void
auth_preauth(Wd__V1__Auth_Service *svc, const Wd__V1__PreauthRequest *req, Wd__V1__PreauthReply_Closure reply,
             void *closure)
{
    struct wd_call *call = closure;
    struct wd_preauth found;
    unsigned scope;
    Wd__V1__PreauthReply out = WD__V1__PREAUTH_REPLY__INIT;

    (void)svc;
    if (!check_scope(call, req->scope, &scope) ||
        !wd_auth_preview(wd_call_domain(call), call->arena, wd_str_pb(req->username), scope, &found, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.user = wd_call_hex(call, found.user);
    out.username = wd_pb_str(found.username);
    out.has_address = found.address.n > 0;
    out.address = wd_pb_str(found.address);
    out.require_2fa = names_of(call, found.require_2fa, &out.n_require_2fa);
    reply(&out, call);
}

/* The layer above has just checked the session that the call is made in. */
static void
auth_renew(Wd__V1__Auth_Service *svc, const Wd__V1__RenewRequest *req, Wd__V1__RenewReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_session session;
    Wd__V1__RenewReply out = WD__V1__RENEW_REPLY__INIT;

    (void)svc;
    (void)req;
    if (!wd_auth_session(wd_call_domain(call), call->session_token, &session, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.session_token =
        wd_call_text(call, wd_auth_renew(wd_call_domain(call), call->arena, &session, &out.expires_ms));
    reply(&out, call);
}

static bool
release(struct wd_call *call, const Wd__V1__ReleaseRequest *req)
{
    static const char *const protocols[] = { "IMAP", "POP3", "SMTP" };
    static const unsigned scopes[] = { WD_SCOPE_IMAP, WD_SCOPE_POP3, WD_SCOPE_SMTP };
    struct wd_str protocol = req->protocol ? wd_str_c(req->protocol) : WD_STR("IMAP");
    struct wd_id user;
    unsigned scope = WD_SCOPE_MASTER;

    if (!wd_call_id(call, req->user, "user", &user))
        return false;
    for (size_t i = 0; i < WD_COUNT(protocols); i++)
        if (wd_str_ieq(protocol, wd_str_c(protocols[i])))
            scope = scopes[i];
    if (!(scope & wd_access_scopes(call->role)))
        return wd_fail(&call->err, WD_FORBIDDEN, "the role of this token may not release that connection");
    return wd_auth_release(wd_call_domain(call), user, scope, wd_str_c(req->instance), &call->err);
}

static void
auth_release(Wd__V1__Auth_Service *svc, const Wd__V1__ReleaseRequest *req, Wd__V1__ReleaseReply_Closure reply,
             void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ReleaseReply out = WD__V1__RELEASE_REPLY__INIT;

    (void)svc;
    if (!release(call, req)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

Wd__V1__Auth_Service wd_store_auth = WD__V1__AUTH__INIT(auth_);
