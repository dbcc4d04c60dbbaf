#include "frontends/http/route.h"

#include <assert.h>

#include "frontends/http/api_user.h"
#include "frontends/http/call.h"
#include "wd/v1/admin.pb-c.h"
#include "wd/v1/users.pb-c.h"

enum { MAX_PASSWORD = 100, MAX_LOGIN = 128, MAX_COUNT_24H = 1000000 };
#define MAX_NUMBER 9007199254740991 /* 2^53 - 1: what JSON numbers can hold */

/* clang-format off */
static const struct http_param no_params[] = { { 0 } };
static const struct http_field no_fields[] = { { 0 } };

static const struct http_param user_params[] = {
    { "username", HTTP_NAME, true, 3, MAX_LOGIN, "user.username" },
    { 0 },
};
static const struct http_field address_rows[] = {
    { "id",      HTTP_PLAIN,    "id",         NULL },
    { "address", HTTP_PLAIN,    "address",    NULL },
    { "main",    HTTP_PLAIN,    "main",       NULL },
    { "created", HTTP_ISO_DATE, "created_ms", NULL },
    { 0 },
};
static const struct http_field user_fields[] = {
    { "username",      HTTP_PLAIN,    "username",         NULL },
    { "quota",         HTTP_PLAIN,    "quota",            NULL },
    { "storageUsed",   HTTP_PLAIN,    "storage_used",     NULL },
    { "recipients",    HTTP_PLAIN,    "recipients",       NULL },
    { "recipientsSent", HTTP_PLAIN,   "recipients_sent",  NULL },
    { "recipientsTtl", HTTP_OR_FALSE, "recipients_ttl_s", NULL },
    { "forwards",      HTTP_PLAIN,    "forwards",         NULL },
    { "forwardsSent",  HTTP_PLAIN,    "forwards_sent",    NULL },
    { "forwardsTtl",   HTTP_OR_FALSE, "forwards_ttl_s",   NULL },
    { 0 },
};

static const struct http_param user_create_params[] = {
    { "username",  HTTP_NAME,  true,  3, MAX_LOGIN,    "username" },
    { "password",  HTTP_TEXT,  true,  3, MAX_PASSWORD, "password" },
    { "quota",     HTTP_COUNT, false, 0, MAX_NUMBER,   "quota" },
    { "retention", HTTP_COUNT, false, 0, MAX_NUMBER,   "retention_ms" },
    { 0 },
};
static const struct http_field user_create_fields[] = {
    { "id",       HTTP_PLAIN, "id",       NULL },
    { "username", HTTP_PLAIN, "username", NULL },
    { 0 },
};

static const struct http_param address_params[] = {
    { "username", HTTP_NAME,  true,  3, MAX_LOGIN, "user.username" },
    { "address",  HTTP_EMAIL, true,  3, 255,       "address" },
    { "main",     HTTP_FLAG,  false, 0, 1,         "main" },
    { 0 },
};
static const struct http_field address_fields[] = {
    { "username", HTTP_PLAIN, NULL,      NULL },
    { "address",  HTTP_PLAIN, "address", NULL },
    { 0 },
};

static const struct http_param quota_params[] = {
    { "username",   HTTP_NAME,  true,  3, MAX_LOGIN,     "user.username" },
    { "quota",      HTTP_COUNT, false, 0, MAX_NUMBER,    "quota" },
    { "recipients", HTTP_COUNT, false, 0, MAX_COUNT_24H, "recipients" },
    { "forwards",   HTTP_COUNT, false, 0, MAX_COUNT_24H, "forwards" },
    { 0 },
};
static const struct http_field quota_fields[] = {
    { "username",   HTTP_PLAIN, "username",   NULL },
    { "quota",      HTTP_PLAIN, "quota_own",  NULL },
    { "recipients", HTTP_PLAIN, "recipients", NULL },
    { "forwards",   HTTP_PLAIN, "forwards",   NULL },
    { 0 },
};
static const struct http_field quota_reset_fields[] = {
    { "username",            HTTP_PLAIN, NULL,                    NULL },
    { "previousStorageUsed", HTTP_PLAIN, "previous_storage_used", NULL },
    { "storageUsed",         HTTP_PLAIN, "storage_used",          NULL },
    { 0 },
};

static const struct http_param password_params[] = {
    { "username", HTTP_NAME, true, 3, MAX_LOGIN,    "user.username" },
    { "password", HTTP_TEXT, true, 3, MAX_PASSWORD, "password" },
    { 0 },
};
static const struct http_field password_fields[] = {
    { "username", HTTP_PLAIN, "username", NULL },
    { 0 },
};

const struct http_field api_user_address_fields[] = {
    { "addresses", HTTP_ROWS, "addresses", address_rows },
    { 0 },
};

#define ROUTE(method, path, service, rpc, params, fields, errors, call) \
    { EVHTTP_REQ_##method, path, &service##__descriptor, rpc, params, fields, HTTP_ERRORS_##errors, call },
static const struct http_route routes[] = {
#include "frontends/http/routes.def"
    { 0 },
};
#undef ROUTE
/* clang-format on */

const struct http_route *
http_routes(void)
{
    return routes;
}

const struct http_route *
http_route_find(enum evhttp_cmd_type method, struct wd_str path, bool *path_known)
{
    *path_known = false;
    for (const struct http_route *r = routes; r->path; r++) {
        if (!wd_str_eq(wd_str_c(r->path), path))
            continue;
        *path_known = true;
        if (r->method == method)
            return r;
    }
    return NULL;
}

const ProtobufCMethodDescriptor *
http_route_method(const struct http_route *route, unsigned *index)
{
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(route->service, route->rpc);

    assert(method); /* a test asks for every row */
    *index = (unsigned)(method - route->service->methods);
    return method;
}
