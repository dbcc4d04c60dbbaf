#include <bson/bson.h>
#include <openssl/evp.h>

#include "common/base/clock.h"
#include "store-svc/domain/auth_cache.h"
#include "store-svc/domain/auth_priv.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/password.h"
#include "store-svc/domain/schema.h"

static const int64_t temporary_ms = 24 * 60 * 60 * 1000;

enum { ASP_LENGTH = 16 };

static bool
failed(struct wd_error *err)
{
    return wd_fail(err, WD_AUTH_FAILED, "Authentication failed");
}

/* As wd_password_matches(), but a hash is computed once per password and some minutes. */
static bool
matches(struct wd_domain *d, struct wd_id owner, struct wd_str hash, struct wd_str password)
{
    if (!hash.n)
        return false;
    if (wd_auth_cache_knows(d->auth_cache, owner, hash, password, wd_mono_ms()))
        return true;
    if (!wd_password_matches(hash, password))
        return false;
    wd_auth_cache_remember(d->auth_cache, owner, hash, password, wd_mono_ms());
    return true;
}

size_t
wd_auth_2fa(const bson_t *user, const char *kinds[WD_2FA_KINDS])
{
    static const char *const known[WD_2FA_KINDS] = { "totp", "custom", "webauthn" };
    size_t n = 0;
    bson_iter_t at;
    bson_t list;

    if (wd_doc_bool(user, "enabled2fa", false)) { /* the oldest form */
        kinds[n++] = known[0];
        return n;
    }
    if (!wd_doc_sub(user, "enabled2fa", &list))
        return 0;
    for (size_t i = 0; i < WD_2FA_KINDS; i++) {
        bool on = false;
        if (!bson_iter_init(&at, &list))
            return n;
        while (!on && bson_iter_next(&at))
            on = BSON_ITER_HOLDS_UTF8(&at) && strcmp(bson_iter_utf8(&at, NULL), known[i]) == 0;
        if (on)
            kinds[n++] = known[i];
    }
    return n;
}

/* *hit: the temporary password was given, and counts. */
static bool
try_temporary(struct wd_domain *d, const struct wd_login *in, const bson_t *user, struct wd_id owner, bool *hit,
              struct wd_error *err)
{
    int64_t now = wd_now_ms(), created = wd_doc_date(user, "tempPassword.created", INT64_MIN);

    *hit = false;
    if (created == INT64_MIN || created <= now - temporary_ms)
        return true;
    if (!matches(d, owner, wd_doc_str(user, "tempPassword.password"), in->password))
        return true;
    if (wd_doc_date(user, "tempPassword.validAfter", now) > now)
        return wd_fail(err, WD_TEMP_PASSWORD_NOT_YET, "Temporary password is not yet activated");
    *hit = true;
    return true;
}

/* 16 lower-case letters, whatever blanks and capitals were typed. */
static bool
asp_normal(struct wd_str given, char out[ASP_LENGTH])
{
    size_t n = 0;

    for (size_t i = 0; i < given.n; i++) {
        if (wd_is_space(given.p[i]))
            continue;
        if (n == ASP_LENGTH || !wd_is_alpha(given.p[i]))
            return false;
        out[n++] = wd_lower(given.p[i]);
    }
    return n == ASP_LENGTH;
}

/* Only rows with the same selector are worth a slow hash: the sum of the bytes of SHA-1, modulo 32, in hexadecimal. */
static void
asp_selector(const char password[ASP_LENGTH], char out[4])
{
    uint8_t digest[20];
    unsigned sum = 0;

    EVP_Digest(password, ASP_LENGTH, digest, NULL, EVP_sha1(), NULL);
    for (size_t i = 0; i < sizeof digest; i++)
        sum += digest[i];
    snprintf(out, 4, "%x", sum % 32);
}

static bool
asp_has_scope(const bson_t *row, unsigned scope)
{
    bson_iter_t at;
    bson_t list;

    if (!wd_doc_sub(row, "scopes", &list) || !bson_iter_init(&at, &list))
        return false;
    while (bson_iter_next(&at)) {
        const char *name = BSON_ITER_HOLDS_UTF8(&at) ? bson_iter_utf8(&at, NULL) : "";
        if (strcmp(name, "*") == 0 || wd_scope_named(wd_str_c(name)) == scope)
            return true;
    }
    return false;
}

/* One row: *hit when it is the password that was given. */
static bool
try_asp(struct wd_domain *d, struct wd_arena *a, const struct wd_login *in, const bson_t *row, struct wd_str password,
        struct wd_auth_match *out, bool *hit, struct wd_error *err)
{
    struct wd_id id;

    *hit = false;
    if (wd_doc_date(row, "expires", INT64_MAX) <= wd_now_ms() || !wd_doc_id(row, "_id", &id) ||
        !matches(d, id, wd_doc_str(row, "password"), password))
        return true;
    if (!asp_has_scope(row, in->scope))
        return wd_fail(err, WD_AUTH_SCOPE, "Authentication failed. Invalid scope");
    *hit = true;
    *out = (struct wd_auth_match){
        .kind = WD_MATCHED_ASP,
        .asp = id,
        .asp_name = wd_arena_str(a, wd_doc_str(row, "description")),
        .asp_ttl_ms = wd_doc_int(row, "ttl", 0) * 1000,
    };
    return true;
}

static bool
try_asps(struct wd_domain *d, struct wd_arena *a, const struct wd_login *in, struct wd_id user,
         struct wd_auth_match *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    char password[ASP_LENGTH], selector[4];
    const bson_t *row;
    bool hit = false;

    if (!asp_normal(in->password, password))
        return failed(err);
    asp_selector(password, selector);
    wd_doc_add_id(&filter, "user", user);
    wd_doc_add_str(&filter, "selector", wd_str_c(selector));
    if (!wd_docs_find(d->users, WD_ASPS, &filter, NULL, &rows, err))
        return wd_fail_in(err, "find application passwords");
    while (!hit) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "find application passwords");
        if (!row)
            return failed(err);
        if (!try_asp(d, a, in, row, wd_str_n(password, sizeof password), out, &hit, err))
            return false;
    }
    return true;
}

bool
wd_auth_try(struct wd_domain *d, struct wd_arena *a, const struct wd_login *in, const bson_t *user,
            struct wd_auth_match *out, struct wd_error *err)
{
    const char *kinds[WD_2FA_KINDS];
    struct wd_id id = { 0 };
    bool temporary;

    *out = (struct wd_auth_match){ .kind = WD_MATCHED_NONE };
    wd_doc_id(user, "_id", &id);
    if (!try_temporary(d, in, user, id, &temporary, err))
        return false;
    if (temporary)
        out->kind = WD_MATCHED_TEMPORARY;
    else if (matches(d, id, wd_doc_str(user, "password"), in->password))
        out->kind = WD_MATCHED_MASTER;
    if (out->kind == WD_MATCHED_NONE)
        return in->scope == WD_SCOPE_MASTER ? failed(err) : try_asps(d, a, in, id, out, err);
    if (in->scope != WD_SCOPE_MASTER && (temporary || wd_auth_2fa(user, kinds) > 0))
        return wd_fail(err, WD_AUTH_SCOPE, "Authentication failed. Invalid scope");
    return true;
}
