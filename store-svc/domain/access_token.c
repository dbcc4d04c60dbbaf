#include "store-svc/domain/access_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "common/base/rand.h"
#include "store-svc/domain/auth.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

enum { TOKEN_BYTES = WD_ACCESS_TOKEN_HEX / 2, DIGEST = 32, ROLE_MAX = 32 };

/* What the signature covers. */
struct claim {
    struct wd_str token, user, role;
    int64_t auth_version; /* -1: bound to no account */
};

static bool
no_token(struct wd_error *err)
{
    return wd_fail(err, WD_UNAUTHENTICATED, "Invalid accessToken value");
}

static bool
is_token(struct wd_str token)
{
    uint8_t bytes[TOKEN_BYTES];

    return token.n == WD_ACCESS_TOKEN_HEX && wd_hex_decode(token, bytes, sizeof bytes);
}

static void
key_of(struct wd_str token, struct wd_buf *out)
{
    uint8_t digest[DIGEST];

    EVP_Digest(token.p, token.n, digest, NULL, EVP_sha256(), NULL);
    wd_hex_encode(out, digest, sizeof digest);
}

/* Names and roles have no character that JSON would escape. */
static void
sign(const struct wd_domain *d, const struct claim *c, struct wd_buf *out)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    uint8_t mac[DIGEST];
    unsigned n = sizeof mac;

    wd_buf_printf(&text, "{\"token\":\"%.*s\",\"user\":\"%.*s\"", WD_FMT(c->token), WD_FMT(c->user));
    if (c->auth_version >= 0)
        wd_buf_printf(&text, ",\"authVersion\":%lld", (long long)c->auth_version);
    wd_buf_printf(&text, ",\"role\":\"%.*s\"}", WD_FMT(c->role));
    HMAC(EVP_sha256(), d->token_key, sizeof d->token_key, (const unsigned char *)text.p, text.n, mac, &n);
    wd_hex_encode(out, mac, sizeof mac);
}

static bool
is_name(struct wd_str name)
{
    if (name.n == 0 || name.n > WD_ACCESS_TOKEN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f || name.p[i] == '"' || name.p[i] == '\\')
            return false;
    return true;
}

static bool
is_role(struct wd_str role)
{
    size_t letters = 0;

    while (letters < role.n && wd_is_alpha(role.p[letters]))
        letters++;
    return role.n > 0 && role.n <= ROLE_MAX && letters == role.n;
}

/* The account's present credential version. */
static bool
version_of(struct wd_domain *d, struct wd_id user, int64_t *version, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!wd_user_doc(d->users, user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    *version = wd_doc_int(&doc, "authVersion", 0);
    return true;
}

static void
add_ends(bson_t *doc, const struct wd_access_token_new *in, int64_t now)
{
    int64_t until = now + in->lifetime_s * INT64_C(1000), expires = now + in->ttl_s * INT64_C(1000);

    wd_doc_add_int(doc, "ttl", in->ttl_s);
    if (in->lifetime_s)
        wd_doc_add_date(doc, "until", until);
    if (!in->ttl_s || (in->lifetime_s && until < expires))
        expires = until;
    if (in->ttl_s || in->lifetime_s)
        wd_doc_add_date(doc, "expires", expires);
}

static bool
insert(struct wd_domain *d, const struct wd_access_token_new *in, const struct claim *c, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_buf key wd_auto(wd_buf_done) = { 0 }, mac wd_auto(wd_buf_done) = { 0 };
    int64_t now = wd_now_ms();

    key_of(c->token, &key);
    sign(d, c, &mac);
    wd_doc_add_id(&doc, "_id", wd_id_new());
    wd_doc_add_str(&doc, "key", wd_buf_view(&key));
    wd_doc_add_str(&doc, "user", c->user);
    wd_doc_add_str(&doc, "role", c->role);
    wd_doc_add_int(&doc, "created", now);
    if (c->auth_version >= 0)
        wd_doc_add_int(&doc, "authVersion", c->auth_version);
    add_ends(&doc, in, now);
    wd_doc_add_str(&doc, "s", wd_buf_view(&mac));
    return wd_docs_insert(d->users, WD_ACCESSTOKENS, &doc, err) || wd_fail_in(err, "keep access token");
}

bool
wd_access_token_create(struct wd_domain *d, struct wd_arena *a, const struct wd_access_token_new *in,
                       struct wd_str *token, struct wd_error *err)
{
    struct wd_buf digits wd_auto(wd_buf_done) = { 0 };
    struct claim c = { .user = in->name, .role = in->role, .auth_version = -1 };
    uint8_t bytes[TOKEN_BYTES];
    char hex[WD_ID_HEX + 1];

    if (!is_role(in->role))
        return wd_fail(err, WD_INVALID, "a role has 1 to %d letters", ROLE_MAX);
    if (!wd_id_is_zero(in->user)) {
        if (!version_of(d, in->user, &c.auth_version, err))
            return false;
        c.user = wd_str_c(wd_id_hex(in->user, hex));
    } else if (!is_name(in->name)) {
        return wd_fail(err, WD_INVALID, "a name has 1 to %d characters without blanks, quotes and backslashes",
                       WD_ACCESS_TOKEN_NAME_MAX);
    }
    wd_rand(bytes, sizeof bytes);
    wd_hex_encode(&digits, bytes, sizeof bytes);
    c.token = wd_buf_view(&digits);
    if (!insert(d, in, &c, err))
        return false;
    *token = wd_arena_str(a, c.token);
    return true;
}

/* Finds the document and checks its signature and its ends. */
static bool
find(struct wd_domain *d, struct wd_str token, bson_t *doc, struct claim *c, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_buf key wd_auto(wd_buf_done) = { 0 }, mac wd_auto(wd_buf_done) = { 0 };
    struct wd_str kept;
    bool found;

    if (!is_token(token))
        return no_token(err);
    key_of(token, &key);
    wd_doc_add_str(&filter, "key", wd_buf_view(&key));
    if (!wd_docs_find_one(d->users, WD_ACCESSTOKENS, &filter, NULL, doc, &found, err))
        return wd_fail_in(err, "find access token");
    if (!found)
        return no_token(err);
    *c = (struct claim){
        .token = token,
        .user = wd_doc_str(doc, "user"),
        .role = wd_doc_str(doc, "role"),
        .auth_version = wd_doc_int(doc, "authVersion", -1),
    };
    sign(d, c, &mac);
    kept = wd_doc_str(doc, "s");
    if (kept.n != mac.n || CRYPTO_memcmp(kept.p, mac.p, mac.n) != 0 ||
        wd_doc_date(doc, "expires", INT64_MAX) <= wd_now_ms())
        return no_token(err);
    return true;
}

/* The account that a claim is bound to; false: none, or the document is not ours. */
static bool
bound_to(const struct claim *c, struct wd_id *user)
{
    return c->auth_version >= 0 && wd_id_parse(c->user, user);
}

static bool
set_by_id(struct wd_domain *d, const bson_t *doc, const bson_t *set, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_id id = { 0 };

    wd_doc_id(doc, "_id", &id);
    wd_doc_add_id(&filter, "_id", id);
    bson_append_document(&update, "$set", -1, set);
    return wd_docs_update(d->users, WD_ACCESSTOKENS, &filter, &update, WD_UPDATE_ONE, NULL, err);
}

/* Its silence starts again. Once in a hundredth of that time is often enough, and spares a write per request. */
static void
note_use(struct wd_domain *d, const bson_t *doc)
{
    bson_t set wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t ttl_ms = wd_doc_int(doc, "ttl", 0) * 1000, until = wd_doc_date(doc, "until", INT64_MAX);
    int64_t was = wd_doc_date(doc, "expires", INT64_MAX), expires = wd_now_ms() + ttl_ms;
    struct wd_error unused;

    if (expires > until)
        expires = until;
    if (ttl_ms == 0 || expires - was < ttl_ms / 100)
        return;
    wd_doc_add_date(&set, "expires", expires);
    if (!set_by_id(d, doc, &set, &unused))
        return; /* it ends a little earlier */
}

bool
wd_access_token_check(struct wd_domain *d, struct wd_arena *a, struct wd_str token, struct wd_access_token *out,
                      struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct claim c;
    uint32_t version;
    bool active;

    *out = (struct wd_access_token){ 0 };
    if (!find(d, token, &doc, &c, err))
        return false;
    if (bound_to(&c, &out->user)) {
        if (!wd_auth_standing(d, out->user, &version, &active, err))
            return false;
        if (!active || version > c.auth_version)
            return no_token(err);
    }
    note_use(d, &doc);
    out->name = wd_arena_str(a, c.user);
    out->role = wd_arena_str(a, c.role);
    return true;
}

bool
wd_access_token_renew(struct wd_domain *d, struct wd_str token, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_buf mac wd_auto(wd_buf_done) = { 0 };
    struct wd_id user;
    struct claim c;

    if (!find(d, token, &doc, &c, err))
        return false;
    if (!bound_to(&c, &user))
        return true; /* no account's credentials end it */
    if (!version_of(d, user, &c.auth_version, err))
        return err->reason == WD_USER_NOT_FOUND ? no_token(err) : false;
    sign(d, &c, &mac);
    wd_doc_add_int(&set, "authVersion", c.auth_version);
    wd_doc_add_str(&set, "s", wd_buf_view(&mac));
    return set_by_id(d, &doc, &set, err) || wd_fail_in(err, "renew access token");
}

bool
wd_access_token_drop(struct wd_domain *d, struct wd_str token, bool only_users, bool *dropped, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_buf key wd_auto(wd_buf_done) = { 0 };
    int64_t removed;

    *dropped = false;
    if (!is_token(token))
        return true;
    key_of(token, &key);
    wd_doc_add_str(&filter, "key", wd_buf_view(&key));
    if (only_users)
        wd_doc_add_op(&filter, "authVersion", "$gte", 0);
    if (!wd_docs_remove_one(d->users, WD_ACCESSTOKENS, &filter, &removed, err))
        return wd_fail_in(err, "drop access token");
    *dropped = removed > 0;
    return true;
}
