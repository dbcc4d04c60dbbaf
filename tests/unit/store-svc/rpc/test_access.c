/* Who may call what, by the tokens on the call. */
#include "store-svc/rpc/access.h"

#include "common/base/clock.h"
#include "store-svc/domain/auth.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/users_fixture.h"
#include "wd/v1/admin.pb-c.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/events.pb-c.h"
#include "wd/v1/maildrop.pb-c.h"
#include "wd/v1/messages.pb-c.h"
#include "wd/v1/users.pb-c.h"

static const ProtobufCServiceDescriptor *const services[] = {
    &wd__v1__users__descriptor,    &wd__v1__auth__descriptor,   &wd__v1__mailboxes__descriptor,
    &wd__v1__messages__descriptor, &wd__v1__delivery__descriptor, &wd__v1__events__descriptor,
    &wd__v1__admin__descriptor,    &wd__v1__maildrop__descriptor,
};

static struct wd_id user;
static struct wd_buf service_token, session_token;

static void
setup(void)
{
    users_setup();
    user = users_make("andris", NULL);
}

static void
teardown(void)
{
    wd_buf_done(&service_token);
    wd_buf_done(&session_token);
    users_teardown();
}

static bool
allowed(const char *method, unsigned role, unsigned scope)
{
    struct wd_session session = { .user = user, .scope = scope, .expires_ms = wd_now_ms() + 60000 };
    struct wd_call call = { .method = method, .app = &domain, .arena = arena };
    bool ok;

    service_token.n = session_token.n = 0;
    wd_token_service(&domain, role, &service_token);
    call.service_token = wd_buf_view(&service_token);
    if (scope) {
        wd_token_session(&domain, &session, &session_token);
        call.session_token = wd_buf_view(&session_token);
    }
    ok = wd_access_authorize(&call, &err);
    if (ok)
        ck_assert_uint_eq(call.role, role);
    if (ok && call.scope)
        ck_assert(wd_id_eq(call.user, user) && call.scope == scope);
    return ok;
}

START_TEST(every_method_has_a_row)
{
    struct wd_buf method wd_auto(wd_buf_done) = { 0 };

    for (size_t i = 0; i < WD_COUNT(services); i++)
        for (unsigned j = 0; j < services[i]->n_methods; j++) {
            method.n = 0;
            wd_buf_printf(&method, "%s.%s", services[i]->name, services[i]->methods[j].name);
            wd_buf_chr(&method, '\0');
            ck_assert_msg(wd_access_known(method.p), "%s", method.p);
            ck_assert(allowed(method.p, WD_ROLE_ADMIN, 0) || strcmp(method.p, "wd.v1.Auth.Renew") == 0);
        }
}
END_TEST

/* clang-format off */
static const struct {
    const char *method;
    unsigned role, scope; /* scope 0: no session token */
    enum wd_reason refused; /* 0: allowed */
} rows[] = {
    { "wd.v1.Messages.Fetch",       WD_ROLE_IMAP,  WD_SCOPE_IMAP,   0 },
    { "wd.v1.Messages.Fetch",       WD_ROLE_IMAP,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Messages.Fetch",       WD_ROLE_IMAP,  WD_SCOPE_POP3,   WD_FORBIDDEN },
    { "wd.v1.Messages.Fetch",       WD_ROLE_IMAP,  WD_SCOPE_MASTER, WD_FORBIDDEN },
    { "wd.v1.Messages.Fetch",       WD_ROLE_POP3,  WD_SCOPE_POP3,   WD_FORBIDDEN },
    { "wd.v1.Messages.Store",       WD_ROLE_POP3,  WD_SCOPE_POP3,   WD_FORBIDDEN },
    { "wd.v1.Messages.Expunge",     WD_ROLE_POP3,  WD_SCOPE_POP3,   WD_FORBIDDEN },
    { "wd.v1.Messages.ReadBody",    WD_ROLE_POP3,  WD_SCOPE_POP3,   0 },
    { "wd.v1.Messages.ReadBody",    WD_ROLE_POP3,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Messages.ReadBody",    WD_ROLE_POP3,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Maildrop.Open",        WD_ROLE_POP3,  WD_SCOPE_POP3,   0 },
    { "wd.v1.Maildrop.Open",        WD_ROLE_POP3,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Maildrop.Open",        WD_ROLE_IMAP,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Maildrop.Update",      WD_ROLE_POP3,  WD_SCOPE_POP3,   0 },
    { "wd.v1.Maildrop.Update",      WD_ROLE_HTTP,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Maildrop.Update",      WD_ROLE_ADMIN, 0,               0 },
    { "wd.v1.Messages.Append",      WD_ROLE_POP3,  WD_SCOPE_POP3,   WD_FORBIDDEN },
    { "wd.v1.Messages.Fetch",       WD_ROLE_LMTP,  0,               WD_FORBIDDEN },
    { "wd.v1.Messages.Fetch",       WD_ROLE_LMTP,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Messages.Fetch",       WD_ROLE_HTTP,  0,               0 },
    { "wd.v1.Messages.Fetch",       WD_ROLE_HTTP,  WD_SCOPE_MASTER, 0 },
    { "wd.v1.Messages.Fetch",       WD_ROLE_HTTP,  WD_SCOPE_SMTP,   WD_FORBIDDEN },
    { "wd.v1.Messages.Upload",      WD_ROLE_LMTP,  0,               0 },
    { "wd.v1.Messages.DropUpload",  WD_ROLE_LMTP,  0,               0 },
    { "wd.v1.Messages.Upload",      WD_ROLE_IMAP,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Delivery.Deliver",     WD_ROLE_LMTP,  0,               0 },
    { "wd.v1.Delivery.Resolve",     WD_ROLE_IMAP,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Users.Create",         WD_ROLE_ADMIN, 0,               0 },
    { "wd.v1.Users.Create",         WD_ROLE_HTTP,  WD_SCOPE_MASTER, WD_FORBIDDEN },
    { "wd.v1.Users.Create",         WD_ROLE_POP3,  0,               WD_FORBIDDEN },
    { "wd.v1.Users.Update",         WD_ROLE_HTTP,  WD_SCOPE_MASTER, 0 },
    { "wd.v1.Users.Update",         WD_ROLE_HTTP,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Users.Get",            WD_ROLE_IMAP,  WD_SCOPE_IMAP,   WD_FORBIDDEN },
    { "wd.v1.Mailboxes.Poll",       WD_ROLE_IMAP,  0,               0 },
    { "wd.v1.Mailboxes.List",       WD_ROLE_IMAP,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Auth.Authenticate",    WD_ROLE_IMAP,  0,               0 },
    { "wd.v1.Auth.Authenticate",    WD_ROLE_LMTP,  0,               WD_FORBIDDEN },
    { "wd.v1.Auth.Renew",           WD_ROLE_IMAP,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Auth.Renew",           WD_ROLE_IMAP,  WD_SCOPE_IMAP,   0 },
    { "wd.v1.Events.Changes",       WD_ROLE_IMAP,  0,               WD_UNAUTHENTICATED },
    { "wd.v1.Admin.Check",          WD_ROLE_IMAP,  0,               WD_FORBIDDEN },
    { "wd.v1.Admin.Nothing",        WD_ROLE_ADMIN, 0,               WD_UNKNOWN_METHOD },
    { "",                           WD_ROLE_ADMIN, 0,               WD_UNKNOWN_METHOD },
};
/* clang-format on */

START_TEST(roles_and_scopes)
{
    bool ok = allowed(rows[_i].method, rows[_i].role, rows[_i].scope);

    ck_assert_msg(ok == (rows[_i].refused == 0), "%s", rows[_i].method);
    if (!ok)
        ck_assert_int_eq(err.reason, rows[_i].refused);
}
END_TEST

START_TEST(without_a_service_token_nothing_is_allowed)
{
    struct wd_call call = { .method = "wd.v1.Admin.Health", .app = &domain, .arena = arena };

    ck_assert(!wd_access_authorize(&call, &err));
    ck_assert_int_eq(err.reason, WD_UNAUTHENTICATED);
    call.service_token = WD_STR("wd1.AAAA");
    ck_assert(!wd_access_authorize(&call, &err));
}
END_TEST

START_TEST(a_session_token_that_has_ended_is_refused)
{
    users_set(user, "{\"authVersion\": 1}");
    ck_assert(!allowed("wd.v1.Messages.Fetch", WD_ROLE_IMAP, WD_SCOPE_IMAP));
    ck_assert_int_eq(err.reason, WD_TOKEN_EXPIRED);
    ck_assert(allowed("wd.v1.Auth.Release", WD_ROLE_IMAP, WD_SCOPE_IMAP)); /* gives back a connection */
}
END_TEST

START_TEST(a_session_opens_its_own_user_only)
{
    struct wd_call call = { .app = &domain, .arena = arena, .role = WD_ROLE_HTTP, .user = user };
    char own[WD_ID_HEX + 1], other[WD_ID_HEX + 1];
    struct wd_id got;

    wd_id_hex(user, own);
    wd_id_hex(wd_id_new(), other);
    ck_assert(wd_call_user(&call, NULL, &got) && wd_id_eq(got, user));
    ck_assert(wd_call_user(&call, own, &got) && wd_id_eq(got, user));
    ck_assert(!wd_call_user(&call, other, &got));
    ck_assert_int_eq(call.err.reason, WD_FORBIDDEN);
    call.user = (struct wd_id){ 0 };
    ck_assert(wd_call_user(&call, other, &got));
    call.role = WD_ROLE_LMTP;
    ck_assert(!wd_call_user(&call, other, &got));
    ck_assert(!wd_call_user(&call, NULL, &got));
    ck_assert_int_eq(call.err.reason, WD_UNAUTHENTICATED);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("access");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, every_method_has_a_row);
    tcase_add_loop_test(cases, roles_and_scopes, 0, (int)WD_COUNT(rows));
    tcase_add_test(cases, without_a_service_token_nothing_is_allowed);
    tcase_add_test(cases, a_session_token_that_has_ended_is_refused);
    tcase_add_test(cases, a_session_opens_its_own_user_only);
    return run_case("access", cases);
}
