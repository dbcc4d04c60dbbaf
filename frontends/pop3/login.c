/* frontends/pop3/login.c – a session at the store: the password, the token and its renewal, the listing. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/pop3/conn_priv.h"
#include "wd/v1/auth.pb-c.h"

bool
pop3_may_login(const struct pop3_conn *c)
{
    const struct wd_listener_options *o = wd_conn_listener(c->net);

    return wd_conn_is_private(c->net) || o->hide_starttls || o->ignore_starttls;
}

/* ---- the token ---- */

void
pop3_forget_token(struct pop3_conn *c)
{
    if (c->token)
        explicit_bzero(c->token, strlen(c->token));
    free(wd_take(c->token));
}

static void
keep_token(struct pop3_conn *c, const char *token, int64_t expires_ms)
{
    pop3_forget_token(c);
    c->token = strdup(token);
    if (!c->token)
        abort();
    c->token_got_ms = wd_now_ms();
    c->token_expires_ms = expires_ms;
}

/* When it fails, the next call asks again, and the call itself tells whether the session is over. */
static void
on_renewed(const Wd__V1__RenewReply *reply, void *closure)
{
    struct pop3_conn *c = closure;

    if (reply)
        keep_token(c, reply->session_token, reply->expires_ms);
    wd_arena_free(wd_take(c->renewal.arena));
}

void
pop3_renew(struct pop3_conn *c)
{
    Wd__V1__RenewRequest request = WD__V1__RENEW_REQUEST__INIT;
    struct pop3_renewal *r = &c->renewal;
    struct wd_rpc_params params = { .session_token = c->token, .session_id = c->id, .err = &r->err, .call = &r->call };

    if (r->arena || wd_now_ms() < c->token_got_ms + (c->token_expires_ms - c->token_got_ms) / 2)
        return;
    params.arena = r->arena = wd_arena_new(0);
    wd__v1__auth__renew(wd_rpc_to(c->server->store, &wd__v1__auth__descriptor, &params), &request, on_renewed, c);
}

/* ---- the login ---- */

static void
on_authenticated(const Wd__V1__AuthenticateReply *reply, void *closure)
{
    pop3_replied(closure, reply);
}

static void
on_opened(const Wd__V1__OpenMaildropReply *reply, void *closure)
{
    pop3_replied(closure, reply);
}

void
pop3_login_start(struct pop3_conn *c, struct wd_str password, const char *method)
{
    Wd__V1__AuthenticateRequest request = WD__V1__AUTHENTICATE_REQUEST__INIT;
    char scope[] = "pop3", protocol[] = "POP3";

    request.username = pop3_bytes(wd_buf_view(&c->name));
    request.password = pop3_bytes(password);
    request.scope = scope;
    request.protocol = protocol;
    request.ip = c->ip;
    c->method = method;
    c->state = POP3_LOGIN;
    wd__v1__auth__authenticate(pop3_rpc(c, &wd__v1__auth__descriptor), &request, on_authenticated, c);
}

static bool
refused(struct pop3_conn *c)
{
    const struct wd_reason_info *info = wd_reason_info(c->err.reason);

    c->server->counters.refused_logins++;
    if (c->logs)
        wd_log_error(WD_LOG_INFO, "login refused", &c->err, WD_KV("session", c->id), WD_KV("ip", c->ip),
                     WD_KV_STR("name", wd_buf_view(&c->name)));
    pop3_forget_token(c);
    c->name.n = 0;
    c->state = POP3_LINE;
    pop3_fail(c, info->pop3, "%s", c->err.text);
    return true;
}

static bool
take_token(struct pop3_conn *c)
{
    const Wd__V1__AuthenticateReply *reply = c->reply;
    Wd__V1__OpenMaildropRequest request = WD__V1__OPEN_MAILDROP_REQUEST__INIT;

    snprintf(c->user, sizeof c->user, "%s", reply->user);
    keep_token(c, reply->session_token, reply->expires_ms);
    wd__v1__maildrop__open(pop3_rpc(c, &wd__v1__maildrop__descriptor), &request, on_opened, c);
    return true;
}

bool
pop3_step_login(struct pop3_conn *c)
{
    if (!c->call_done)
        return false;
    if (!c->reply)
        return refused(c);
    if (!c->token)
        return take_token(c);
    if (!pop3_maildrop_load(&c->drop, c->reply, &c->err))
        return refused(c);
    c->logged_in = true;
    c->state = POP3_LINE;
    c->server->counters.logins++;
    if (c->logs)
        wd_log(WD_LOG_INFO, "login", WD_KV("session", c->id), WD_KV("user", c->user),
               WD_KV_STR("name", wd_buf_view(&c->name)), WD_KV("method", c->method),
               WD_KV_UINT("messages", c->drop.n));
    pop3_call_end(c);
    pop3_ok(c, "%zu messages (%llu octets)", c->drop.n, (unsigned long long)c->drop.octets);
    return true;
}
