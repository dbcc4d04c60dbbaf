#include "store-svc/domain/auth.h"

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "store-svc/domain/auth_cache.h"
#include "store-svc/domain/auth_priv.h"
#include "store-svc/domain/authlog.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/password.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

/* A login under way. */
struct attempt {
    struct wd_domain *d;
    struct wd_arena *a;
    const struct wd_login *in;
    const bson_t *doc;
    struct wd_user user;
    struct wd_str counter, ip_counter; /* of failures; ip_counter is empty when addresses are not counted */
    struct wd_auth_match match;
};

static bool
failed(struct wd_error *err)
{
    return wd_fail(err, WD_AUTH_FAILED, "Authentication failed");
}

/* ---- failures are counted on the bus; when it does not answer, nobody is locked out ---- */

static void
say_wait(struct wd_error *err, int64_t ttl_s)
{
    int64_t minutes = (ttl_s + 59) / 60;

    if (ttl_s <= 60)
        wd_fail(err, WD_AUTH_RATE_LIMITED, "Authentication was rate limited. Try again in %lld second%s",
                (long long)(ttl_s < 1 ? 1 : ttl_s), ttl_s <= 1 ? "" : "s");
    else
        wd_fail(err, WD_AUTH_RATE_LIMITED, "Authentication was rate limited. Try again in %lld minutes",
                (long long)minutes);
}

static bool
below_limit(const struct attempt *t, struct wd_str key, uint32_t limit, uint32_t window_s, struct wd_error *err)
{
    struct wd_bus_count count;
    struct wd_error unused;

    if (!key.n || limit == 0 || !wd_bus_count(t->d->bus, key, 0, limit, window_s, &count, &unused) || count.ok)
        return true;
    say_wait(err, count.ttl_s);
    return false;
}

static void
count_one(const struct attempt *t, struct wd_str key, uint32_t limit, uint32_t window_s)
{
    struct wd_bus_count count;
    struct wd_error unused;

    if (key.n && limit > 0 && !wd_bus_count(t->d->bus, key, 1, limit, window_s, &count, &unused))
        return;
}

static void
count_failure(const struct attempt *t)
{
    const struct wd_domain_options *o = &t->d->options;

    count_one(t, t->counter, o->auth_failures, o->auth_window_s);
    count_one(t, t->ip_counter, o->auth_failures_ip, o->auth_window_ip_s);
}

/* ---- what is written ---- */

static const char *const sources[] = {
    [WD_MATCHED_MASTER] = "master",
    [WD_MATCHED_TEMPORARY] = "temporary",
    [WD_MATCHED_ASP] = "asp",
};

static bool
log_attempt(const struct attempt *t, struct wd_docs *docs, const char *result, struct wd_id *event,
            struct wd_error *err)
{
    struct wd_authlog entry = {
        .user = t->user.id,
        .action = "authentication",
        .result = result,
        .protocol = t->in->protocol,
        .ip = t->in->ip,
        .sess = t->in->sess,
        .app_id = t->in->app_id,
        .scope = wd_scope_name(t->in->scope),
        .source = sources[t->match.kind],
        .asp = t->match.asp,
        .asp_name = t->match.asp_name,
    };

    return wd_authlog_add(t->d, docs, &entry, event, err);
}

/* The answer is the same whether or not the row could be written. */
static void
log_failure(const struct attempt *t, const char *result)
{
    struct wd_error unused;
    struct wd_id event;

    if (!log_attempt(t, t->d->users, result, &event, &unused))
        return;
}

static bool
note_login(const struct attempt *t, struct wd_docs *batch, struct wd_id event, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set, last;

    wd_doc_add_id(&filter, "_id", t->user.id);
    bson_append_document_begin(&update, "$set", -1, &set);
    bson_append_document_begin(&set, "lastLogin", -1, &last);
    wd_doc_add_date(&last, "time", wd_now_ms());
    wd_doc_add_id(&last, "authEvent", event);
    wd_doc_add_str(&last, "ip", wd_str_part(t->in->ip, 0, 64));
    bson_append_document_end(&set, &last);
    bson_append_document_end(&update, &set);
    return wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, err);
}

/* Replaces exactly the hash that has just matched: another password may have been set meanwhile. */
static bool
note_rehash(const struct attempt *t, struct wd_docs *batch, struct wd_str hash, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    if (!hash.n)
        return true;
    wd_doc_add_id(&filter, "_id", t->user.id);
    wd_doc_add_str(&filter, "password", wd_doc_str(t->doc, "password"));
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_str(&set, "password", hash);
    bson_append_document_end(&update, &set);
    return wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, err);
}

static bool
note_asp(const struct attempt *t, struct wd_docs *batch, struct wd_id event, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    if (t->match.kind != WD_MATCHED_ASP)
        return true;
    wd_doc_add_id(&filter, "_id", t->match.asp);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_date(&set, "used", wd_now_ms());
    wd_doc_add_id(&set, "authEvent", event);
    wd_doc_add_str(&set, "authIp", wd_str_part(t->in->ip, 0, 64));
    if (t->match.asp_ttl_ms > 0)
        wd_doc_add_date(&set, "expires", wd_now_ms() + t->match.asp_ttl_ms);
    bson_append_document_end(&update, &set);
    return wd_docs_update(batch, WD_ASPS, &filter, &update, WD_UPDATE_ONE, NULL, err);
}

static bool
write_success(const struct attempt *t, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_buf hash wd_auto(wd_buf_done) = { 0 };
    uint32_t iterations = t->d->options.pbkdf2_iterations;
    struct wd_id event;

    if (t->match.kind == WD_MATCHED_MASTER && wd_password_outdated(wd_doc_str(t->doc, "password"), iterations))
        wd_password_hash(&hash, t->in->password, iterations);
    if (!wd_docs_batch_begin(t->d->docs, &batch, err) || !log_attempt(t, batch, "success", &event, err) ||
        !note_login(t, batch, event, err) || !note_rehash(t, batch, wd_buf_view(&hash), err) ||
        !note_asp(t, batch, event, err) || !wd_docs_batch_commit(wd_take(batch), err))
        return wd_fail_in(err, "note login");
    if (hash.n)
        wd_auth_cache_remember(t->d->auth_cache, t->user.id, wd_buf_view(&hash), t->in->password, wd_mono_ms());
    return true;
}

/* ---- connections ---- */

static struct wd_str
connections_key(struct wd_arena *a, unsigned scope, struct wd_str instance)
{
    if (instance.n)
        return wd_arena_printf(a, "lim:%s:%.*s", wd_scope_name(scope), WD_FMT(wd_str_part(instance, 0, 64)));
    return wd_arena_printf(a, "lim:%s", wd_scope_name(scope));
}

static bool
take_connection(const struct attempt *t, struct wd_error *err)
{
    struct wd_str key = connections_key(t->a, t->in->scope, t->in->instance);
    char hex[WD_ID_HEX + 1];
    struct wd_bus_count count;
    struct wd_error unused;

    if (!t->in->count_connection || t->user.imap_max_connections == 0)
        return true;
    if (!wd_bus_limited(t->d->bus, key, wd_str_c(wd_id_hex(t->user.id, hex)), 1, t->user.imap_max_connections,
                        t->in->instance_started_ms, &count, &unused) ||
        count.ok)
        return true;
    return wd_fail(err, WD_CONNECTION_LIMIT, "Too many simultaneous connections");
}

bool
wd_auth_release(struct wd_domain *d, struct wd_id user, unsigned scope, struct wd_str instance, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(256);
    char hex[WD_ID_HEX + 1];
    struct wd_bus_count count;

    if (!wd_bus_limited(d->bus, connections_key(a, scope, instance), wd_str_c(wd_id_hex(user, hex)), -1, 0, 0, &count,
                        err))
        return true; /* a bus that is shared does it later; one that has vanished has forgotten the connection, too */
    return true;
}

/* ---- the decision order of docs/storage.md ---- */

/* Step 4: as much work as for an account with a wrong password, and the failures are counted under the name. */
static bool
unknown_user(struct attempt *t, struct wd_error *err)
{
    static const struct wd_str dummy = WD_STR_C("$pbkdf2-sha256$i=100000$AAAAAAAAAAAAAAAAAAAAAA$"
                                                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    const struct wd_domain_options *o = &t->d->options;
    struct wd_str name = wd_str_part(wd_username_view(t->a, t->in->username), 0, WD_ADDRESS_MAX);

    t->counter = wd_arena_printf(t->a, "auth_user:%.*s", WD_FMT(name));
    if (!below_limit(t, t->counter, o->auth_failures, o->auth_window_s, err))
        return false;
    if (wd_password_matches(dummy, t->in->password))
        return failed(err);
    count_failure(t);
    return failed(err);
}

/* Steps 6 to 8. */
static bool
may_log_in(const struct attempt *t, struct wd_error *err)
{
    if (t->user.disabled || t->user.suspended) {
        log_failure(t, t->user.disabled ? "disabled" : "suspended");
        return failed(err);
    }
    if (t->user.disabled_scopes & t->in->scope)
        return wd_fail(err, WD_AUTH_SCOPE, "Access to requested service disabled");
    return true;
}

static void
fill(const struct attempt *t, struct wd_logged_in *out)
{
    struct wd_session session = { .user = t->user.id, .scope = t->in->scope, .auth_version = t->user.auth_version };

    *out = (struct wd_logged_in){
        .user = t->user.id,
        .username = t->user.username,
        .address = t->user.address,
        .require_password_change = t->match.kind == WD_MATCHED_TEMPORARY,
        .application_password = t->match.kind == WD_MATCHED_ASP,
    };
    if (t->in->scope == WD_SCOPE_MASTER && t->match.kind == WD_MATCHED_MASTER)
        wd_auth_2fa(t->doc, out->require_2fa);
    out->session_token = wd_auth_renew(t->d, t->a, &session, &out->expires_ms);
}

/* From step 5 on: the account is known. */
static bool
known_user(struct attempt *t, struct wd_logged_in *out, struct wd_error *err)
{
    const struct wd_domain_options *o = &t->d->options;
    char hex[WD_ID_HEX + 1];
    struct wd_error unused;

    wd_user_read(t->d, t->a, t->doc, &t->user);
    t->counter = wd_arena_printf(t->a, "auth_user:%s", wd_id_hex(t->user.id, hex));
    if (!below_limit(t, t->counter, o->auth_failures, o->auth_window_s, err) || !may_log_in(t, err))
        return false;
    if (!wd_auth_try(t->d, t->a, t->in, t->doc, &t->match, err)) {
        if (err->reason != WD_DATABASE) {
            count_failure(t);
            log_failure(t, "fail");
        }
        return false;
    }
    if (!write_success(t, err) || !take_connection(t, err))
        return false;
    fill(t, out);
    if (!wd_bus_drop(t->d->bus, t->counter, &unused))
        return true; /* it ends by itself */
    return true;
}

bool
wd_auth_login(struct wd_domain *d, struct wd_arena *a, const struct wd_login *in, struct wd_logged_in *out,
              struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct attempt t = { .d = d, .a = a, .in = in, .doc = &doc };
    bool found;

    if (in->password.n == 0 || wd_utf8_first(in->password, WD_PASSWORD_MAX) < in->password.n || in->username.n == 0)
        return failed(err);
    if (in->ip.n)
        t.ip_counter = wd_arena_printf(a, "auth_ip:%.*s", WD_FMT(wd_str_part(in->ip, 0, 64)));
    if (!below_limit(&t, t.ip_counter, d->options.auth_failures_ip, d->options.auth_window_ip_s, err))
        return false;
    if (!wd_user_doc_login(d, a, in->username, &doc, &found, err))
        return wd_fail_in(err, "log in");
    return found ? known_user(&t, out, err) : unknown_user(&t, err);
}

bool
wd_auth_preview(struct wd_domain *d, struct wd_arena *a, struct wd_str username, unsigned scope,
                struct wd_preauth *out, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_user user;
    bool found;

    *out = (struct wd_preauth){ 0 };
    if (!wd_user_doc_login(d, a, username, &doc, &found, err))
        return wd_fail_in(err, "find account");
    if (!found)
        return failed(err);
    wd_user_read(d, a, &doc, &user);
    if (user.disabled || user.suspended)
        return failed(err);
    if (user.disabled_scopes & scope)
        return wd_fail(err, WD_AUTH_SCOPE, "Access to requested service disabled");
    out->user = user.id;
    out->username = user.username;
    out->address = user.address;
    if (scope == WD_SCOPE_MASTER)
        wd_auth_2fa(&doc, out->require_2fa);
    return true;
}

/* ---- sessions ---- */

static bool
standing_of(struct wd_domain *d, struct wd_id user, struct wd_auth_standing *out, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    uint64_t ticket;
    bool found;

    if (wd_auth_cache_standing(d->auth_cache, user, wd_mono_ms(), out, &ticket))
        return true;
    if (!wd_user_doc(d->users, user, &doc, &found, err))
        return false;
    *out = (struct wd_auth_standing){
        .auth_version = (uint32_t)wd_doc_int(&doc, "authVersion", 0),
        .active = found && !wd_doc_bool(&doc, "disabled", false) && !wd_doc_bool(&doc, "suspended", false),
    };
    wd_auth_cache_put(d->auth_cache, user, out, ticket, wd_mono_ms());
    return true;
}

bool
wd_auth_standing(struct wd_domain *d, struct wd_id user, uint32_t *auth_version, bool *active, struct wd_error *err)
{
    struct wd_auth_standing standing;

    if (!standing_of(d, user, &standing, err))
        return false;
    *auth_version = standing.auth_version;
    *active = standing.active;
    return true;
}

bool
wd_auth_session(struct wd_domain *d, struct wd_str token, struct wd_session *out, struct wd_error *err)
{
    struct wd_auth_standing standing;

    if (!wd_token_session_read(d, token, out, err) || !standing_of(d, out->user, &standing, err))
        return false;
    if (!standing.active || standing.auth_version > out->auth_version)
        return wd_fail(err, WD_TOKEN_EXPIRED, "the session has ended: log in again");
    return true;
}

struct wd_str
wd_auth_renew(const struct wd_domain *d, struct wd_arena *a, const struct wd_session *session, int64_t *expires_ms)
{
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    struct wd_session fresh = *session;

    fresh.expires_ms = *expires_ms = wd_now_ms() + d->options.session_token_ms;
    wd_token_session(d, &fresh, &token);
    return wd_arena_str(a, wd_buf_view(&token));
}

void
wd_auth_forget(struct wd_domain *d, struct wd_id user)
{
    wd_auth_cache_forget(d->auth_cache, user);
}
