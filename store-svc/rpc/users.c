/* The Users service (proto/wd/v1/users.proto): accounts, addresses, domain aliases. */
#include "store-svc/domain/quota.h"
#include "store-svc/rpc/convert_users.h"

enum { PAGE_MAX = 250 };

extern Wd__V1__Users_Service wd_store_users;

/* The account that a request names, if the call may act for it. */
static bool
find_user(struct wd_call *call, const Wd__V1__UserRef *ref, struct wd_user *out)
{
    struct wd_user_ref want = { .username = wd_str_pb(ref->username), .address = wd_str_pb(ref->address) };
    struct wd_id id;

    if ((ref->id != NULL) + ref->has_username + ref->has_address != 1)
        return wd_fail(&call->err, WD_INVALID, "a user is named by exactly one of id, username and address");
    if (ref->id && !wd_call_id(call, ref->id, "user", &want.id))
        return false;
    if (!wd_id_is_zero(call->user) && ref->id && !wd_call_user(call, ref->id, &id))
        return false; /* before it can tell whether another user is there */
    return wd_user_get(wd_call_domain(call), call->arena, &want, out, &call->err) &&
           wd_call_user(call, wd_call_hex(call, out->id), &id);
}

static void
users_create(Wd__V1__Users_Service *svc, const Wd__V1__CreateUserRequest *req, Wd__V1__CreateUserReply_Closure reply,
             void *closure)
{
    struct wd_call *call = closure;
    struct wd_once once = wd_call_once(call, (struct wd_id){ 0 });
    struct wd_user_new in = {
        .username = wd_str_pb(req->username),
        .password = wd_str_pb(req->password),
        .hashed_password = wd_str_pb(req->hashed_password),
        .address = wd_str_pb(req->address),
        .empty_address = req->empty_address,
        .name = wd_str_pb(req->name),
        .language = wd_str_c(req->language),
        .quota = req->quota,
        .retention_ms = req->retention_ms,
        .recipients = req->recipients,
        .forwards = req->forwards,
    };
    struct wd_user_created made;
    Wd__V1__CreateUserReply out = WD__V1__CREATE_USER_REPLY__INIT;

    (void)svc;
    if ((req->id && !wd_call_id(call, req->id, "id", &in.id)) ||
        !wd_user_create(wd_call_domain(call), call->arena, &in, &once, &made, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.id = wd_call_hex(call, made.id);
    out.username = wd_pb_str(made.username);
    out.address_id = wd_id_is_zero(made.address_id) ? NULL : wd_call_hex(call, made.address_id);
    reply(&out, call);
}

static void
users_get(Wd__V1__Users_Service *svc, const Wd__V1__GetUserRequest *req, Wd__V1__User_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_user user;
    struct wd_user_sent sent;
    Wd__V1__User out = WD__V1__USER__INIT;

    (void)svc;
    if (!find_user(call, req->user, &user)) {
        wd_call_fail(call);
        return;
    }
    wd_pb_user(call, &user, &out);
    if (wd_user_sent(wd_call_domain(call), user.id, &sent, &call->err)) {
        out.has_recipients_sent = out.has_forwards_sent = true;
        out.recipients_sent = (uint32_t)sent.recipients;
        out.forwards_sent = (uint32_t)sent.forwards;
        out.has_recipients_ttl_s = sent.recipients_ttl_s >= 0;
        out.recipients_ttl_s = sent.recipients_ttl_s;
        out.has_forwards_ttl_s = sent.forwards_ttl_s >= 0;
        out.forwards_ttl_s = sent.forwards_ttl_s;
    }
    reply(&out, call);
}

static void
users_list(Wd__V1__Users_Service *svc, const Wd__V1__ListUsersRequest *req, Wd__V1__ListUsersReply_Closure reply,
           void *closure)
{
    struct wd_call *call = closure;
    size_t limit = req->limit && req->limit < PAGE_MAX ? req->limit : PAGE_MAX, n;
    struct wd_user *users;
    bool more;
    Wd__V1__ListUsersReply out = WD__V1__LIST_USERS_REPLY__INIT;

    (void)svc;
    if (!wd_user_list(wd_call_domain(call), call->arena, wd_str_pb(req->query), wd_str_pb(req->cursor), limit, &users,
                      &n, &more, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.users = WD_ARENA_ARRAY(call->arena, Wd__V1__User *, n + 1);
    for (size_t i = 0; i < n; i++) {
        out.users[i] = WD_ARENA_NEW(call->arena, Wd__V1__User);
        wd__v1__user__init(out.users[i]);
        wd_pb_user(call, &users[i], out.users[i]);
    }
    out.n_users = n;
    out.has_next_cursor = more;
    if (more)
        out.next_cursor = wd_pb_str(users[n - 1].username);
    reply(&out, call);
}

/* A user's own session changes its name and password; limits and states are for those who administer accounts. */
static bool
may_change(struct wd_call *call, const Wd__V1__UpdateUserRequest *req)
{
    bool limits = req->has_quota || req->has_recipients || req->has_forwards || req->has_disabled ||
                  req->has_suspended || req->set_disabled_scopes;

    if (!wd_id_is_zero(call->user) && limits)
        return wd_fail(&call->err, WD_FORBIDDEN, "a user may not change its own limits");
    return true;
}

static void
users_update(Wd__V1__Users_Service *svc, const Wd__V1__UpdateUserRequest *req, Wd__V1__User_Closure reply,
             void *closure)
{
    struct wd_call *call = closure;
    struct wd_domain *d = wd_call_domain(call);
    struct wd_str password = wd_str_pb(req->password), hash = wd_str_pb(req->hashed_password);
    struct wd_str name = wd_str_pb(req->name);
    bool disabled = req->disabled, suspended = req->suspended;
    unsigned scopes = 0;
    struct wd_user_change change = {
        .password = req->has_password ? &password : NULL,
        .hashed_password = req->has_hashed_password ? &hash : NULL,
        .name = req->has_name ? &name : NULL,
        .quota = req->has_quota ? &req->quota : NULL,
        .recipients = req->has_recipients ? &req->recipients : NULL,
        .forwards = req->has_forwards ? &req->forwards : NULL,
        .disabled = req->has_disabled ? &disabled : NULL,
        .suspended = req->has_suspended ? &suspended : NULL,
        .retention_ms = req->has_retention_ms ? &req->retention_ms : NULL,
        .disabled_scopes = req->set_disabled_scopes ? &scopes : NULL,
    };
    struct wd_user user;
    struct wd_once once;
    Wd__V1__User out = WD__V1__USER__INIT;

    (void)svc;
    if (!may_change(call, req) || !find_user(call, req->user, &user) ||
        !wd_call_scopes(call, req->disabled_scopes, req->n_disabled_scopes, &scopes)) {
        wd_call_fail(call);
        return;
    }
    once = wd_call_once(call, user.id);
    if (!wd_user_update(d, call->arena, user.id, &change, &once, &call->err) ||
        !wd_user_get(d, call->arena, &(struct wd_user_ref){ .id = user.id }, &user, &call->err)) {
        wd_call_fail(call);
        return;
    }
    wd_pb_user(call, &user, &out);
    reply(&out, call);
}

static void
users_reset_quota(Wd__V1__Users_Service *svc, const Wd__V1__ResetQuotaRequest *req,
                  Wd__V1__ResetQuotaReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_user user;
    Wd__V1__ResetQuotaReply out = WD__V1__RESET_QUOTA_REPLY__INIT;

    (void)svc;
    if (!find_user(call, req->user, &user) ||
        !wd_quota_reset(wd_call_domain(call), user.id, &out.previous_storage_used, &out.storage_used, &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
users_create_address(Wd__V1__Users_Service *svc, const Wd__V1__CreateAddressRequest *req,
                     Wd__V1__Address_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_address_new in = {
        .address = wd_str_pb(req->address),
        .name = wd_str_pb(req->name),
        .main = req->main,
    };
    struct wd_address_row row;
    struct wd_user user;
    struct wd_once once;
    Wd__V1__Address out = WD__V1__ADDRESS__INIT;

    (void)svc;
    if (!find_user(call, req->user, &user)) {
        wd_call_fail(call);
        return;
    }
    in.user = user.id;
    once = wd_call_once(call, user.id);
    if (!wd_address_create(wd_call_domain(call), call->arena, &in, &once, &row, &call->err)) {
        wd_call_fail(call);
        return;
    }
    wd_pb_address(call, &row, &out);
    reply(&out, call);
}

static void
users_list_addresses(Wd__V1__Users_Service *svc, const Wd__V1__ListAddressesRequest *req,
                     Wd__V1__ListAddressesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_address_row *rows;
    struct wd_user user;
    size_t n;
    Wd__V1__ListAddressesReply out = WD__V1__LIST_ADDRESSES_REPLY__INIT;

    (void)svc;
    if (!find_user(call, req->user, &user) ||
        !wd_address_list_of(wd_call_domain(call), call->arena, user.id, &rows, &n, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.addresses = WD_ARENA_ARRAY(call->arena, Wd__V1__Address *, n + 1);
    for (size_t i = 0; i < n; i++) {
        out.addresses[i] = WD_ARENA_NEW(call->arena, Wd__V1__Address);
        wd__v1__address__init(out.addresses[i]);
        wd_pb_address(call, &rows[i], out.addresses[i]);
    }
    out.n_addresses = n;
    reply(&out, call);
}

static void
users_delete_address(Wd__V1__Users_Service *svc, const Wd__V1__DeleteAddressRequest *req,
                     Wd__V1__DeleteAddressReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_id id = { 0 };
    struct wd_user user;
    struct wd_once once;
    Wd__V1__DeleteAddressReply out = WD__V1__DELETE_ADDRESS_REPLY__INIT;

    (void)svc;
    if ((req->id && !wd_call_id(call, req->id, "id", &id)) || !find_user(call, req->user, &user)) {
        wd_call_fail(call);
        return;
    }
    once = wd_call_once(call, user.id);
    if (!wd_address_delete(wd_call_domain(call), call->arena, user.id, id, wd_str_pb(req->address), &once,
                           &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

static void
users_create_domain_alias(Wd__V1__Users_Service *svc, const Wd__V1__DomainAlias *req,
                          Wd__V1__DomainAlias_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_once once = wd_call_once(call, (struct wd_id){ 0 });
    struct wd_alias alias;
    Wd__V1__DomainAlias out = WD__V1__DOMAIN_ALIAS__INIT;

    (void)svc;
    if (!wd_alias_create(wd_call_domain(call), call->arena, wd_str_pb(req->alias), wd_str_pb(req->domain), &once,
                         &alias, &call->err)) {
        wd_call_fail(call);
        return;
    }
    wd_pb_alias(call, &alias, &out);
    reply(&out, call);
}

static void
users_list_domain_aliases(Wd__V1__Users_Service *svc, const Wd__V1__ListDomainAliasesRequest *req,
                          Wd__V1__ListDomainAliasesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    size_t limit = req->limit && req->limit < 1000 ? req->limit : 1000, n;
    struct wd_alias *aliases;
    bool more;
    Wd__V1__ListDomainAliasesReply out = WD__V1__LIST_DOMAIN_ALIASES_REPLY__INIT;

    (void)svc;
    if (!wd_alias_list(wd_call_domain(call), call->arena, wd_str_pb(req->cursor), limit, &aliases, &n, &more,
                       &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.aliases = WD_ARENA_ARRAY(call->arena, Wd__V1__DomainAlias *, n + 1);
    for (size_t i = 0; i < n; i++) {
        out.aliases[i] = WD_ARENA_NEW(call->arena, Wd__V1__DomainAlias);
        wd__v1__domain_alias__init(out.aliases[i]);
        wd_pb_alias(call, &aliases[i], out.aliases[i]);
    }
    out.n_aliases = n;
    out.has_next_cursor = more;
    if (more)
        out.next_cursor = wd_pb_str(aliases[n - 1].alias);
    reply(&out, call);
}

static void
users_delete_domain_alias(Wd__V1__Users_Service *svc, const Wd__V1__DeleteDomainAliasRequest *req,
                          Wd__V1__DeleteDomainAliasReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_once once = wd_call_once(call, (struct wd_id){ 0 });
    Wd__V1__DeleteDomainAliasReply out = WD__V1__DELETE_DOMAIN_ALIAS_REPLY__INIT;

    (void)svc;
    if (!wd_alias_delete(wd_call_domain(call), call->arena, wd_str_pb(req->alias), &once, &call->err)) {
        wd_call_fail(call);
        return;
    }
    reply(&out, call);
}

Wd__V1__Users_Service wd_store_users = WD__V1__USERS__INIT(users_);
