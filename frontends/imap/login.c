#include "frontends/imap/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/imap/notify.h"
#include "frontends/imap/write.h"
#include "wd/v1/auth.pb-c.h"

struct imap_login {
    struct imap_server *server;
    struct imap_conn *conn; /* NULL: it has gone */
    struct imap_login *next, *prev; /* of the server */
    struct wd_rpc_call *call;
    struct wd_arena *arena;
    struct wd_error err;
};

static struct imap_login *
login_new(struct imap_conn *c)
{
    struct imap_login *l = WD_NEW(struct imap_login);

    l->server = c->server;
    l->conn = c;
    l->arena = wd_arena_new(0);
    l->next = c->server->pending_logins;
    if (l->next)
        l->next->prev = l;
    c->server->pending_logins = l;
    return l;
}

static void
login_free(struct imap_login *l)
{
    wd_rpc_cancel(&l->call);
    if (l->conn)
        l->conn->login = NULL;
    if (l->next)
        l->next->prev = l->prev;
    *(l->prev ? &l->prev->next : &l->server->pending_logins) = l->next;
    wd_arena_free(l->arena);
    free(l);
}

static ProtobufCService *
auth_service(struct imap_login *l, const char *token, const char *session_id)
{
    struct wd_rpc_params params = {
        .session_token = token, .session_id = session_id, .arena = l->arena, .err = &l->err, .call = &l->call
    };

    return wd_rpc_to(l->server->rpc, &wd__v1__auth__descriptor, &params);
}

void
imap_login_forget(struct imap_login *l)
{
    if (l)
        l->conn = NULL;
}

void
imap_login_abandon(struct imap_server *s)
{
    while (s->pending_logins)
        login_free(s->pending_logins);
}

static void
on_released(const Wd__V1__ReleaseReply *reply, void *data)
{
    struct imap_login *l = data;

    if (!reply)
        wd_log_error(WD_LOG_WARN, "connection was not given back", &l->err, WD_KV_NONE);
    login_free(l);
}

static void
release(struct imap_login *l, const char *token, char *user)
{
    Wd__V1__ReleaseRequest request = WD__V1__RELEASE_REQUEST__INIT;
    char protocol[] = "IMAP";

    l->conn = NULL;
    request.user = user;
    request.protocol = protocol;
    request.instance = l->server->instance;
    wd__v1__auth__release(auth_service(l, token, NULL), &request, on_released, l);
}

void
imap_login_release(struct imap_conn *c)
{
    struct imap_login *l = login_new(c);

    release(l, c->token, c->user);
}

static void
keep_token(struct imap_conn *c, const char *token, int64_t expires_ms)
{
    if (c->token)
        explicit_bzero(c->token, strlen(c->token));
    free(c->token);
    c->token = strdup(token);
    if (!c->token)
        abort();
    c->token_got_ms = wd_now_ms();
    c->token_expires_ms = expires_ms;
}

static void
enter(struct imap_conn *c, const Wd__V1__AuthenticateReply *reply)
{
    if (!wd_id_parse(wd_str_c(reply->user), &c->user_id)) {
        imap_conn_bye(c, "Login failed");
        return;
    }
    wd_id_hex(c->user_id, c->user);
    keep_token(c, reply->session_token, reply->expires_ms);
    c->logged_in = true;
    imap_notify_enter(c);
}

static void
on_authenticated(const Wd__V1__AuthenticateReply *reply, void *data)
{
    struct imap_login *l = data;
    struct imap_conn *c = l->conn;

    if (!c && reply) {
        release(l, reply->session_token, reply->user); /* the client did not wait: its place is given back */
        return;
    }
    if (c) {
        struct imap_cmd *cmd = c->cmd;
        if (reply)
            enter(c, reply);
        else
            cmd->err = l->err;
        login_free(l);
        imap_replied(cmd, NULL);
        return;
    }
    login_free(l);
}

void
imap_login_start(struct imap_cmd *cmd, struct wd_str user, struct wd_str password)
{
    struct imap_conn *c = cmd->conn;
    struct imap_login *l = login_new(c);
    Wd__V1__AuthenticateRequest request = WD__V1__AUTHENTICATE_REQUEST__INIT;
    char scope[] = "imap", protocol[] = "IMAP", ip[64];

    snprintf(ip, sizeof ip, "%s", wd_conn_ip(c->net));
    request.username = imap_to_pb(user);
    request.password = imap_to_pb(password);
    request.scope = scope;
    request.protocol = protocol;
    request.ip = ip;
    request.has_count_connection = request.count_connection = true;
    request.has_instance_started_ms = true;
    request.instance_started_ms = c->server->started_ms;
    request.instance = c->server->instance;
    c->login = l;
    wd__v1__auth__authenticate(auth_service(l, NULL, wd_conn_id(c->net)), &request, on_authenticated, l);
}

static void
on_renewed(const Wd__V1__RenewReply *reply, void *data)
{
    struct imap_login *l = data;
    struct imap_conn *c = l->conn;
    enum wd_status status = reply ? WD_STATUS_OK : wd_reason_info(l->err.reason)->status;

    if (c && reply)
        keep_token(c, reply->session_token, reply->expires_ms);
    login_free(l); /* and the reply with it */
    if (!c || status == WD_STATUS_OK)
        return;
    if (status == WD_STATUS_UNAUTHENTICATED || status == WD_STATUS_PERMISSION_DENIED ||
        wd_now_ms() > c->token_expires_ms) {
        imap_conn_bye(c, "Session has expired");
        imap_conn_step(c);
    }
}

void
imap_login_renew(struct imap_conn *c)
{
    Wd__V1__RenewRequest request = WD__V1__RENEW_REQUEST__INIT;
    struct imap_login *l = login_new(c);

    c->login = l;
    wd__v1__auth__renew(auth_service(l, c->token, wd_conn_id(c->net)), &request, on_renewed, l);
}
