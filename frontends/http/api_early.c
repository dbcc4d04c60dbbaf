/* The API of 2017, which names accounts by `username` (docs/api-http.md). */
#include "frontends/http/call.h"
#include "frontends/http/map.h"
#include "frontends/http/routes.h"

enum { MAX_PASSWORD = 100, MAX_LOGIN = 128, MAX_COUNT_24H = 1000000 };
#define MAX_NUMBER 9007199254740991 /* 2^53 - 1: what JSON numbers can hold */

/* clang-format off */
const struct http_param early_user_params[] = {
    { "username", HTTP_NAME, HTTP_REQUIRED, 3, MAX_LOGIN, "user.username" },
    { 0 },
};
const struct http_field early_user_fields[] = {
    { "username",       HTTP_PLAIN, "username" },
    { "quota",          HTTP_PLAIN, "quota",            .absent = "0" },
    { "storageUsed",    HTTP_PLAIN, "storage_used",     .absent = "0" },
    { "recipients",     HTTP_PLAIN, "recipients",       .absent = "0" },
    { "recipientsSent", HTTP_PLAIN, "recipients_sent",  .absent = "0" },
    { "recipientsTtl",  HTTP_PLAIN, "recipients_ttl_s", .absent = "false" },
    { "forwards",       HTTP_PLAIN, "forwards",         .absent = "0" },
    { "forwardsSent",   HTTP_PLAIN, "forwards_sent",    .absent = "0" },
    { "forwardsTtl",    HTTP_PLAIN, "forwards_ttl_s",   .absent = "false" },
    { 0 },
};

const struct http_param early_create_params[] = {
    { "username",  HTTP_NAME,  HTTP_REQUIRED, 3, MAX_LOGIN,    "username" },
    { "password",  HTTP_TEXT,  HTTP_REQUIRED, 3, MAX_PASSWORD, "password" },
    { "quota",     HTTP_COUNT, 0,             0, MAX_NUMBER,   "quota" },
    { "retention", HTTP_COUNT, 0,             0, MAX_NUMBER,   "retention_ms" },
    { 0 },
};
const struct http_field early_create_fields[] = {
    { "id",       HTTP_PLAIN, "id" },
    { "username", HTTP_PLAIN, "username" },
    { 0 },
};

const struct http_param early_address_params[] = {
    { "username", HTTP_NAME,        HTTP_REQUIRED, 3, MAX_LOGIN, "user.username" },
    { "address",  HTTP_PLAIN_EMAIL, HTTP_REQUIRED, 3, 255,       "address" },
    { "main",     HTTP_FLAG,        .field = "main" },
    { 0 },
};
const struct http_field early_address_fields[] = {
    { "username", HTTP_PLAIN, NULL },
    { "address",  HTTP_PLAIN, "address" },
    { 0 },
};

const struct http_param early_quota_params[] = {
    { "username",   HTTP_NAME,  HTTP_REQUIRED, 3, MAX_LOGIN,     "user.username" },
    { "quota",      HTTP_COUNT, 0,             0, MAX_NUMBER,    "quota" },
    { "recipients", HTTP_COUNT, 0,             0, MAX_COUNT_24H, "recipients" },
    { "forwards",   HTTP_COUNT, 0,             0, MAX_COUNT_24H, "forwards" },
    { 0 },
};
const struct http_field early_quota_fields[] = {
    { "username",   HTTP_PLAIN, "username" },
    { "quota",      HTTP_PLAIN, "quota_own",  .absent = "0" },
    { "recipients", HTTP_PLAIN, "recipients", .absent = "0" },
    { "forwards",   HTTP_PLAIN, "forwards",   .absent = "0" },
    { 0 },
};
const struct http_field early_quota_reset_fields[] = {
    { "username",            HTTP_PLAIN, NULL },
    { "previousStorageUsed", HTTP_PLAIN, "previous_storage_used" },
    { "storageUsed",         HTTP_PLAIN, "storage_used" },
    { 0 },
};

const struct http_param early_password_params[] = {
    { "username", HTTP_NAME, HTTP_REQUIRED, 3, MAX_LOGIN,    "user.username" },
    { "password", HTTP_TEXT, HTTP_REQUIRED, 3, MAX_PASSWORD, "password" },
    { 0 },
};
const struct http_field early_password_fields[] = {
    { "username", HTTP_PLAIN, "username" },
    { 0 },
};

static const struct http_field address_rows[] = {
    { "id",      HTTP_PLAIN,    "id" },
    { "address", HTTP_PLAIN,    "address" },
    { "main",    HTTP_PLAIN,    "main", .absent = "false" },
    { "created", HTTP_ISO_DATE, "created_ms" },
    { 0 },
};
static const struct http_field addresses_fields[] = {
    { "addresses", HTTP_ROWS, "addresses", address_rows },
    { 0 },
};
/* clang-format on */

/* ---- POST /user/create: a name makes an account without an address; an e-mail address makes both, and the answer
 * has the account's id, as in the oldest form. ---- */

static bool
is_address(const struct http_call *c)
{
    return strchr(http_read_text(c, "username"), '@') != NULL;
}

static void
created(struct http_call *c, const ProtobufCMessage *reply)
{
    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    if (!is_address(c))
        json_object_del(c->answer, "id");
    http_succeed(c);
}

void
api_early_create(struct http_call *c)
{
    if (!is_address(c))
        http_map_set(c->request, "empty_address", json_true(), NULL, c->arena);
    http_call_rpc(c, created);
}

/* ---- POST /user/quota: at least one limit that is not zero ---- */

void
api_early_quota(struct http_call *c)
{
    static const char *const limits[] = { "quota", "recipients", "forwards" };
    bool given = false;

    for (size_t i = 0; i < WD_COUNT(limits); i++)
        given = given || json_integer_value(json_object_get(c->read, limits[i])) != 0;
    if (given) {
        http_translate(c);
        return;
    }
    wd_fail(&c->err, WD_INVALID, "one of quota, recipients and forwards must be given");
    http_fail(c);
}

/* ---- GET /user: the account, then its addresses ---- */

static void
listed(struct http_call *c, const ProtobufCMessage *reply)
{
    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(addresses_fields, reply, c->read, c->answer);
    http_succeed(c);
}

/* A limit stops when it is set, a window is open and the limit is used up. */
static bool
is_limited(uint32_t limit, uint32_t used, bool window_open)
{
    return limit > 0 && window_open && used >= limit;
}

static void
shown(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__User *user;
    } got = { reply };
    Wd__V1__ListAddressesRequest list = WD__V1__LIST_ADDRESSES_REQUEST__INIT;
    Wd__V1__UserRef whose = WD__V1__USER_REF__INIT;

    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    json_object_set_new(c->answer, "recipientsLimited",
                        json_boolean(is_limited(got.user->recipients, got.user->recipients_sent,
                                                got.user->has_recipients_ttl_s)));
    json_object_set_new(c->answer, "forwardsLimited",
                        json_boolean(is_limited(got.user->forwards, got.user->forwards_sent,
                                                got.user->has_forwards_ttl_s)));
    whose.id = got.user->id;
    list.user = &whose;
    http_rpc(c, &wd__v1__users__descriptor, "ListAddresses", &list.base, listed);
}

void
api_early_show(struct http_call *c)
{
    http_call_rpc(c, shown);
}
