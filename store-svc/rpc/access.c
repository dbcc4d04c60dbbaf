#include "store-svc/rpc/access.h"

#include "store-svc/domain/auth.h"

enum session_use {
    CHECKED, /* if there is one it must be good, and then the call is about its user */
    REFUSED, /* the method administers accounts: a user's session must not be on the call */
    UNREAD,  /* not looked at: the method tells nothing, or must work after the session's end */
};

struct row {
    const char *method;
    unsigned roles;        /* that may call it */
    unsigned with_session; /* of these, the roles that need a session token */
    enum session_use use;
    unsigned scopes; /* that the session may have */
};

enum {
    ADMIN = WD_ROLE_ADMIN,
    ALL = WD_ROLE_ALL_USERS,
    MAIL = WD_ROLE_IMAP | WD_ROLE_POP3 | WD_ROLE_ALL_USERS,
    IMAP = WD_ROLE_IMAP | WD_ROLE_ALL_USERS,
    POP3 = WD_ROLE_POP3 | WD_ROLE_ALL_USERS,
    LMTP = WD_ROLE_LMTP | WD_ROLE_ALL_USERS,
    IMAP_AND_LMTP = WD_ROLE_IMAP | WD_ROLE_LMTP | WD_ROLE_ALL_USERS,
    NEEDS = WD_ROLE_IMAP | WD_ROLE_POP3,
    ANY = WD_ROLE_IMAP | WD_ROLE_POP3 | WD_ROLE_LMTP | WD_ROLE_ALL_USERS,
    S_MASTER = WD_SCOPE_MASTER,
    S_IMAP = WD_SCOPE_IMAP | WD_SCOPE_MASTER,
    S_POP3 = WD_SCOPE_POP3 | WD_SCOPE_MASTER,
    S_MAIL = WD_SCOPE_IMAP | WD_SCOPE_POP3 | WD_SCOPE_MASTER,
    S_ANY = WD_SCOPE_IMAP | WD_SCOPE_POP3 | WD_SCOPE_SMTP | WD_SCOPE_MASTER,
};

/* clang-format off */
static const struct row rows[] = {
    { "wd.v1.Users.Create",             ALL,           0,     REFUSED, 0 },
    { "wd.v1.Users.Get",                ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Users.List",               ALL,           0,     REFUSED, 0 },
    { "wd.v1.Users.Update",             ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Users.ResetQuota",         ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Users.CreateAddress",      ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Users.ListAddresses",      ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Users.DeleteAddress",      ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Users.CreateDomainAlias",  ALL,           0,     REFUSED, 0 },
    { "wd.v1.Users.ListDomainAliases",  ALL,           0,     REFUSED, 0 },
    { "wd.v1.Users.DeleteDomainAlias",  ALL,           0,     REFUSED, 0 },

    { "wd.v1.Auth.Authenticate",        MAIL,          0,     UNREAD,  0 },
    { "wd.v1.Auth.Renew",               MAIL,          MAIL,  CHECKED, S_ANY },
    { "wd.v1.Auth.Release",             MAIL,          0,     UNREAD,  0 },
    { "wd.v1.Auth.Preauth",             ALL,           0,     REFUSED, 0 },
    { "wd.v1.Auth.CreateAccessToken",   ADMIN,         0,     REFUSED, 0 },
    { "wd.v1.Auth.CheckAccessToken",    ALL,           0,     REFUSED, 0 },
    { "wd.v1.Auth.RenewAccessToken",    ALL,           0,     REFUSED, 0 },
    { "wd.v1.Auth.DropAccessToken",     ALL,           0,     REFUSED, 0 },
    { "wd.v1.Auth.ListEvents",          ALL,           0,     CHECKED, S_MASTER },
    { "wd.v1.Auth.GetEvent",            ALL,           0,     CHECKED, S_MASTER },

    { "wd.v1.Mailboxes.List",           IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Create",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Rename",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Delete",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Subscribe",      IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Status",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Open",           IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Changes",        IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Get",            IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Update",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Remove",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Mailboxes.Poll",           IMAP,          0,     UNREAD,  0 },
    { "wd.v1.Mailboxes.Quota",          IMAP,          NEEDS, CHECKED, S_IMAP },

    { "wd.v1.Messages.Upload",          IMAP_AND_LMTP, NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.DropUpload",      IMAP_AND_LMTP, NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Append",          IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Fetch",           IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.ReadBody",        MAIL,          NEEDS, CHECKED, S_MAIL },
    { "wd.v1.Messages.Store",           IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Copy",            IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Move",            IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Expunge",         IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Search",          IMAP,          NEEDS, CHECKED, S_IMAP },

    { "wd.v1.Messages.List",            IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Get",             IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.ReadAttachment",  IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Update",          IMAP,          NEEDS, CHECKED, S_IMAP },
    { "wd.v1.Messages.Remove",          IMAP,          NEEDS, CHECKED, S_IMAP },

    { "wd.v1.Maildrop.Open",            POP3,          NEEDS, CHECKED, S_POP3 },
    { "wd.v1.Maildrop.Update",          POP3,          NEEDS, CHECKED, S_POP3 },

    { "wd.v1.Delivery.Resolve",         LMTP,          0,     REFUSED, 0 },
    { "wd.v1.Delivery.Deliver",         LMTP,          0,     REFUSED, 0 },

    { "wd.v1.Events.Changes",           IMAP,          NEEDS, CHECKED, S_IMAP },

    { "wd.v1.Admin.Health",             ANY,           0,     UNREAD,  0 },
    { "wd.v1.Admin.Check",              ALL,           0,     REFUSED, 0 },
    { "wd.v1.Admin.Collect",            ALL,           0,     REFUSED, 0 },
};
/* clang-format on */

static const struct row *
row_of(const char *method)
{
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        if (strcmp(rows[i].method, method) == 0)
            return &rows[i];
    return NULL;
}

bool
wd_access_known(const char *method)
{
    return row_of(method) != NULL;
}

unsigned
wd_access_scopes(unsigned role)
{
    if (role & WD_ROLE_ALL_USERS)
        return S_ANY;
    return (role & WD_ROLE_IMAP ? WD_SCOPE_IMAP : 0u) | (role & WD_ROLE_POP3 ? WD_SCOPE_POP3 : 0u);
}

static bool
check_session(struct wd_call *call, const struct row *row, struct wd_error *err)
{
    struct wd_session session;

    if (!wd_auth_session(wd_call_domain(call), call->session_token, &session, err))
        return false;
    if (!(session.scope & row->scopes & wd_access_scopes(call->role)))
        return wd_fail(err, WD_FORBIDDEN, "a session of this scope may not call %s", row->method);
    call->user = session.user;
    call->scope = session.scope;
    return true;
}

bool
wd_access_authorize(struct wd_call *call, struct wd_error *err)
{
    const struct row *row = row_of(call->method);

    call->user = (struct wd_id){ 0 };
    call->scope = call->role = 0;
    if (!wd_token_service_read(wd_call_domain(call), call->service_token, &call->role))
        return wd_fail(err, WD_UNAUTHENTICATED, "not a service token of this store");
    if (!row)
        return wd_fail(err, WD_UNKNOWN_METHOD, "no such method");
    if (!(row->roles & call->role))
        return wd_fail(err, WD_FORBIDDEN, "the role of this token may not call %s", row->method);
    if (row->use == UNREAD)
        return true;
    if (!call->session_token.n)
        return !(row->with_session & call->role) ||
               wd_fail(err, WD_UNAUTHENTICATED, "%s needs a session token", row->method);
    if (row->use == REFUSED)
        return wd_fail(err, WD_FORBIDDEN, "%s is not for users' sessions", row->method);
    return check_session(call, row, err);
}
