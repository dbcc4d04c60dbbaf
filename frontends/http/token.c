/* Who calls: the configured token, one that the store knows, or nobody, if that is allowed. */
#include <openssl/crypto.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "frontends/http/call_priv.h"
#include "wd/v1/auth.pb-c.h"

enum { TOKEN_MAX = 512 };

/* The value of accessToken in the query string, decoded; p is NULL without it. */
static struct wd_str
query_token(struct http_call *c)
{
    static const struct wd_str name = WD_STR_C("accessToken=");
    struct wd_str rest = c->head->query, pair;

    while (rest.n && wd_str_split(&rest, '&', &pair)) {
        struct wd_buf value wd_auto(wd_buf_done) = { 0 };
        if (wd_str_starts(pair, name) && pair.n > name.n &&
            http_percent_decode(wd_str_part(pair, name.n, pair.n), &value))
            return wd_arena_str(c->arena, wd_buf_view(&value));
    }
    return WD_NONE;
}

/* Query accessToken, then X-Access-Token, then Authorization: Bearer. */
static struct wd_str
given_token(struct http_call *c)
{
    static const struct wd_str bearer = WD_STR_C("Bearer ");
    struct wd_str token = query_token(c), authorization = http_head_field(c->head, "Authorization");

    if (!token.n)
        token = http_head_field(c->head, "X-Access-Token");
    if (!token.n && wd_str_istarts(authorization, bearer))
        token = wd_str_trim(wd_str_part(authorization, bearer.n, authorization.n));
    return token;
}

static void
refuse(struct http_call *c)
{
    http_refuse(c, 403, "InvalidToken", "Invalid accessToken value");
}

static void
known(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__CheckAccessTokenReply *token;
    } got = { reply };

    if (!reply && c->err.reason == WD_UNAUTHENTICATED) {
        refuse(c);
    } else if (!reply) {
        http_fail(c);
    } else if (!http_roles_known(c->server->roles, got.token->role)) {
        refuse(c);
    } else {
        c->who.role = got.token->role;
        c->who.user = got.token->user;
        http_serve_known(c);
    }
}

static void
ask_store(struct http_call *c, struct wd_str token)
{
    Wd__V1__AccessTokenRequest *req = WD_ARENA_NEW(c->arena, Wd__V1__AccessTokenRequest);
    union {
        const char *from;
        char *text;
    } copy = { wd_arena_str(c->arena, token).p };

    wd__v1__access_token_request__init(req);
    c->who.token = copy.from;
    req->token = copy.text;
    http_rpc(c, &wd__v1__auth__descriptor, "CheckAccessToken", &req->base, known);
}

void
http_token_check(struct http_call *c)
{
    const struct http_options *o = &c->server->options;
    struct wd_str token = given_token(c), root = wd_str_c(o->access_token);

    if (token.n > TOKEN_MAX || memchr(token.n ? token.p : "", '\0', token.n)) {
        refuse(c);
    } else if (root.n && token.n == root.n && CRYPTO_memcmp(token.p, root.p, root.n) == 0) {
        c->who.role = "root";
        http_serve_known(c);
    } else if (token.n) {
        ask_store(c, token);
    } else if (root.n || o->access_control) {
        refuse(c);
    } else {
        c->who.role = "root";
        http_serve_known(c);
    }
}
