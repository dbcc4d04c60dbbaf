#include "frontends/http/api_user.h"

#include "frontends/http/call.h"
#include "frontends/http/map.h"
#include "wd/v1/users.pb-c.h"

static bool
is_address(const struct http_call *c)
{
    return strchr(json_string_value(json_object_get(c->read, "username")), '@') != NULL;
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
api_user_create(struct http_call *c)
{
    if (!is_address(c))
        http_map_set_number(c->request, "empty_address", 1, c->arena);
    http_rpc(c, c->route->service, c->route->rpc, c->request, created);
}

void
api_user_quota(struct http_call *c)
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

static void
listed(struct http_call *c, const ProtobufCMessage *reply)
{
    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(api_user_address_fields, reply, c->read, c->answer);
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
api_user_show(struct http_call *c)
{
    http_rpc(c, c->route->service, c->route->rpc, c->request, shown);
}
