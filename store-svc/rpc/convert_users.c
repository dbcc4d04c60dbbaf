#include "store-svc/rpc/convert_users.h"

static void
add_scopes(struct wd_call *call, unsigned scopes, Wd__V1__User *out)
{
    out->disabled_scopes = WD_ARENA_ARRAY(call->arena, char *, 8);
    for (unsigned bit = 1; bit <= WD_SCOPE_MASTER; bit <<= 1)
        if (scopes & bit)
            out->disabled_scopes[out->n_disabled_scopes++] = wd_call_text(call, wd_str_c(wd_scope_name(bit)));
}

void
wd_pb_user(struct wd_call *call, const struct wd_user *u, Wd__V1__User *out)
{
    out->id = wd_call_hex(call, u->id);
    out->username = wd_pb_str(u->username);
    out->has_name = u->name.n > 0;
    out->name = wd_pb_str(u->name);
    out->has_address = u->address.n > 0;
    out->address = wd_pb_str(u->address);
    out->language = u->language.n ? wd_call_text(call, u->language) : NULL;
    out->has_quota = out->has_quota_own = out->has_storage_used = true;
    out->quota = u->quota;
    out->quota_own = u->quota_own;
    out->storage_used = u->storage_used;
    out->has_recipients = out->has_forwards = true;
    out->recipients = u->recipients_own;
    out->forwards = u->forwards_own;
    out->has_disabled = out->has_suspended = out->has_activated = out->has_has_password = true;
    out->disabled = u->disabled;
    out->suspended = u->suspended;
    out->activated = u->activated;
    out->has_password = u->has_password;
    out->has_created_ms = out->has_retention_ms = true;
    out->created_ms = u->created_ms;
    out->retention_ms = u->retention_ms;
    add_scopes(call, u->disabled_scopes, out);
}

void
wd_pb_address(struct wd_call *call, const struct wd_address_row *row, Wd__V1__Address *out)
{
    out->id = wd_call_hex(call, row->id);
    out->address = wd_pb_str(row->address);
    out->has_main = out->has_created_ms = true;
    out->main = row->main;
    out->created_ms = row->created_ms;
    out->has_name = row->name.n > 0;
    out->name = wd_pb_str(row->name);
    out->user = wd_call_hex(call, row->user);
}

void
wd_pb_alias(struct wd_call *call, const struct wd_alias *alias, Wd__V1__DomainAlias *out)
{
    out->id = wd_call_hex(call, alias->id);
    out->alias = wd_pb_str(alias->alias);
    out->domain = wd_pb_str(alias->domain);
}

bool
wd_call_scopes(struct wd_call *call, char *const *names, size_t n, unsigned *out)
{
    unsigned scopes = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned bit = wd_scope_named(wd_str_c(names[i]));
        if (!bit || bit == WD_SCOPE_MASTER)
            return wd_fail(&call->err, WD_INVALID, "a disabled scope is one of imap, pop3 and smtp");
        scopes |= bit;
    }
    *out = scopes;
    return true;
}
