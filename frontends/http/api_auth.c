/* Authentication: what a login needs, checking a password, access tokens of users, the authlog. */
#include "frontends/http/call.h"
#include "frontends/http/map.h"
#include "frontends/http/routes.h"

/* clang-format off */
const struct http_param auth_preauth_params[] = {
    { "username", HTTP_ACCOUNT, HTTP_REQUIRED, .field = "username" },
    { "scope",    HTTP_WORD, .field = "scope", .words = "master imap pop3 smtp", .initial = "\"master\"" },
    { 0 },
};
const struct http_field auth_preauth_fields[] = {
    { "id",         HTTP_PLAIN, "user" },
    { "username",   HTTP_PLAIN, "username" },
    { "address",    HTTP_PLAIN, "address" },
    { "scope",      HTTP_PLAIN, NULL },
    { "require2fa", HTTP_PLAIN, "require_2fa", .absent = "false" },
    { 0 },
};

const struct http_param auth_authenticate_params[] = {
    { "username", HTTP_ACCOUNT, HTTP_REQUIRED, .field = "username" },
    { "password", HTTP_TEXT, HTTP_REQUIRED, .max = 256, .field = "password" },
    { "protocol", HTTP_TEXT, .max = 64, .field = "protocol", .initial = "\"API\"" },
    { "scope",    HTTP_WORD, .field = "scope", .words = "master imap pop3 smtp", .initial = "\"master\"" },
    { "appId",    HTTP_URL, HTTP_OR_EMPTY, .field = "app_id", .words = "http https" },
    { "token",    HTTP_FLAG, .initial = "false" },
    HTTP_SESSION("sess", "ip"),
    { 0 },
};
const struct http_field auth_authenticate_fields[] = {
    { "id",                    HTTP_PLAIN, "user" },
    { "username",              HTTP_PLAIN, "username" },
    { "address",               HTTP_PLAIN, "address" },
    { "scope",                 HTTP_PLAIN, NULL },
    { "require2fa",            HTTP_PLAIN, "require_2fa", .absent = "false" },
    { "requirePasswordChange", HTTP_PLAIN, "require_password_change", .absent = "false" },
    { "token",                 HTTP_PLAIN, "access_token" },
    { 0 },
};

const struct http_param auth_events_params[] = {
    HTTP_USER,
    HTTP_PAGING("page"),
    { "action",   HTTP_TEXT, HTTP_OR_EMPTY | HTTP_TRIM | HTTP_LOWER, .max = 100, .field = "action" },
    { "filterip", HTTP_IP, .field = "ip", .label = "Client IP" },
    { 0 },
};
#define EVENT \
    { "id",            HTTP_PLAIN,    "id" }, \
    { "action",        HTTP_PLAIN,    "action" }, \
    { "result",        HTTP_PLAIN,    "result" }, \
    { "key",           HTTP_BASE64,   "key" }, \
    { "sess",          HTTP_PLAIN,    "sess" }, \
    { "ip",            HTTP_PLAIN,    "ip" }, \
    { "created",       HTTP_ISO_DATE, "created_ms" }, \
    { "last",          HTTP_ISO_DATE, "last_ms" }, \
    { "expires",       HTTP_ISO_DATE, "expires_ms" }, \
    { "events",        HTTP_PLAIN,    "events" }, \
    { "protocol",      HTTP_PLAIN,    "protocol" }, \
    { "requiredScope", HTTP_PLAIN,    "required_scope" }, \
    { "source",        HTTP_PLAIN,    "source" }, \
    { "asp",           HTTP_PLAIN,    "asp" }, \
    { "aname",         HTTP_PLAIN,    "aname" }, \
    { "appId",         HTTP_PLAIN,    "app_id" }, \
    { "target",        HTTP_PLAIN,    "target" }, \
    { "filter",        HTTP_PLAIN,    "filter" }, \
    { "credential",    HTTP_PLAIN,    "credential" }, \
    { "temporary",     HTTP_PLAIN,    "temporary" }
static const struct http_field event_rows[] = { EVENT, { 0 } };
const struct http_field auth_events_fields[] = {
    HTTP_PAGED("page"),
    { "action",  HTTP_PLAIN, NULL },
    { "results", HTTP_ROWS,  "events", event_rows },
    { 0 },
};

const struct http_param auth_event_params[] = {
    HTTP_USER,
    { "event", HTTP_ID, HTTP_REQUIRED, .field = "event" },
    { 0 },
};
const struct http_field auth_event_fields[] = { EVENT, { 0 } };
/* clang-format on */

/* ---- POST /authenticate ---- */

/* A failed login tells the account's id when there is one. */
static void
found(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__User *user;
    } got = { reply };
    const struct wd_error *first = c->data;

    if (reply) {
        c->extra = json_object();
        json_object_set_new(c->extra, "id", json_string(got.user->id));
    }
    c->err = *first;
    http_fail(c);
}

static void
find_account(struct http_call *c)
{
    Wd__V1__GetUserRequest get = WD__V1__GET_USER_REQUEST__INIT;
    Wd__V1__UserRef whom = WD__V1__USER_REF__INIT;
    const char *name = http_read_text(c, "username");
    bool address = strchr(name, '@') != NULL;
    struct wd_error *first = WD_ARENA_NEW(c->arena, struct wd_error);

    *first = c->err;
    c->data = first;
    get.user = &whom;
    http_map_set_text(&whom.base, address ? "address" : "username", wd_str_c(name), c->arena);
    http_rpc(c, &wd__v1__users__descriptor, "Get", &get.base, found);
}

static void
authenticated(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__AuthenticateReply *login;
    } got = { reply };

    if (!reply && c->err.reason == WD_AUTH_FAILED) {
        find_account(c);
        return;
    }
    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    if (got.login->application_password) {
        json_object_del(c->answer, "address");
        json_object_del(c->answer, "requirePasswordChange");
    }
    http_succeed(c);
}

void
api_authenticate(struct http_call *c)
{
    union {
        ProtobufCMessage *message;
        Wd__V1__AuthenticateRequest *login;
    } to = { c->request };
    Wd__V1__AccessTokenTerms *terms = WD_ARENA_NEW(c->arena, Wd__V1__AccessTokenTerms);

    if (http_read_flag(c, "token")) {
        if (strcmp(http_read_text(c, "scope"), "master") != 0) {
            wd_fail(&c->err, WD_INVALID, "\"scope\" must be [master]");
            http_fail(c);
            return;
        }
        wd__v1__access_token_terms__init(terms);
        terms->has_ttl_s = terms->has_lifetime_s = true;
        terms->ttl_s = c->server->options.token_ttl_s;
        terms->lifetime_s = c->server->options.token_lifetime_s;
        to.login->access_token = terms;
    }
    http_call_rpc(c, authenticated);
}

/* ---- DELETE /authenticate ---- */

void
api_forget_token(struct http_call *c)
{
    if (!c->who.token) {
        http_succeed(c);
        return;
    }
    http_map_set_text(c->request, "token", wd_str_c(c->who.token), c->arena);
    http_map_set(c->request, "only_users", json_true(), NULL, c->arena);
    http_translate(c);
}
