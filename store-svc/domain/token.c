#include "store-svc/domain/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/b64.h"
#include "common/base/clock.h"
#include "common/base/rand.h"

enum {
    KIND_SERVICE = 1,
    KIND_SESSION = 2,
    NONCE = 8,
    MAC = 32,
    SERVICE_BODY = 1 + 1 + NONCE,
    SESSION_BODY = 1 + 1 + 12 + 8 + 4 + NONCE,
};

static const struct wd_str prefix = WD_STR_C("wd1.");

struct bit_name {
    unsigned bit;
    const char *name;
};

static const struct bit_name roles[] = {
    { WD_ROLE_IMAP, "imap" }, { WD_ROLE_POP3, "pop3" },   { WD_ROLE_LMTP, "lmtp" },
    { WD_ROLE_HTTP, "http" }, { WD_ROLE_ADMIN, "admin" }, { 0, NULL },
};

static const struct bit_name scopes[] = {
    { WD_SCOPE_IMAP, "imap" },     { WD_SCOPE_POP3, "pop3" }, { WD_SCOPE_SMTP, "smtp" },
    { WD_SCOPE_MASTER, "master" }, { 0, NULL },
};

static unsigned
bit_of(const struct bit_name *rows, struct wd_str name)
{
    while (rows->name && !wd_str_eq(wd_str_c(rows->name), name))
        rows++;
    return rows->bit;
}

static const char *
name_of(const struct bit_name *rows, unsigned bit)
{
    while (rows->name && rows->bit != bit)
        rows++;
    return rows->name;
}

unsigned
wd_role_named(struct wd_str name)
{
    return bit_of(roles, name);
}

const char *
wd_role_name(unsigned role)
{
    return name_of(roles, role);
}

unsigned
wd_scope_named(struct wd_str name)
{
    return bit_of(scopes, name);
}

const char *
wd_scope_name(unsigned scope)
{
    return name_of(scopes, scope);
}

static void
add_be(struct wd_buf *b, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        wd_buf_chr(b, (char)(value >> (8 * i)));
}

static uint64_t
read_be(const uint8_t *p, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

static void
add_nonce(struct wd_buf *b)
{
    uint8_t nonce[NONCE];

    wd_rand(nonce, sizeof nonce);
    wd_buf_add(b, nonce, sizeof nonce);
}

static void
sign(const struct wd_domain *d, const void *body, size_t n, uint8_t mac[MAC])
{
    unsigned length = MAC;

    HMAC(EVP_sha256(), d->token_key, sizeof d->token_key, body, n, mac, &length);
}

/* Base64 with the two characters that are safe in URLs and headers (RFC 4648 §5). */
static void
swap_alphabet(char *p, size_t n, bool to_url)
{
    static const char plain[] = "+/", url[] = "-_";
    const char *from = to_url ? plain : url, *to = to_url ? url : plain;

    for (size_t i = 0; i < n; i++)
        p[i] = p[i] == from[0] ? to[0] : p[i] == from[1] ? to[1] : p[i];
}

static void
seal(const struct wd_domain *d, struct wd_buf *body, struct wd_buf *out)
{
    uint8_t mac[MAC];
    size_t start;

    sign(d, body->p, body->n, mac);
    wd_buf_add(body, mac, sizeof mac);
    wd_buf_str(out, prefix);
    start = out->n;
    wd_b64_encode(out, body->p, body->n, WD_B64_UNPADDED);
    swap_alphabet(out->p + start, out->n - start, true);
}

/* The body of a token of that kind and length, when our key signed it. */
static bool
unseal(const struct wd_domain *d, struct wd_str token, uint8_t kind, size_t length, struct wd_buf *body)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    uint8_t mac[MAC];

    if (token.n > WD_TOKEN_MAX || !wd_str_starts(token, prefix))
        return false;
    wd_buf_str(&text, wd_str_part(token, prefix.n, token.n));
    if (memchr(text.p ? text.p : "", '+', text.n) || memchr(text.p ? text.p : "", '/', text.n))
        return false;
    swap_alphabet(text.p, text.n, false);
    if (!wd_b64_decode(body, wd_buf_view(&text)) || body->n != length + MAC)
        return false;
    sign(d, body->p, length, mac);
    return CRYPTO_memcmp(mac, body->p + length, MAC) == 0 && (uint8_t)body->p[0] == kind;
}

void
wd_token_service(const struct wd_domain *d, unsigned role, struct wd_buf *out)
{
    struct wd_buf body wd_auto(wd_buf_done) = { 0 };

    wd_buf_chr(&body, KIND_SERVICE);
    wd_buf_chr(&body, (char)role);
    add_nonce(&body);
    seal(d, &body, out);
}

bool
wd_token_service_read(const struct wd_domain *d, struct wd_str token, unsigned *role)
{
    struct wd_buf body wd_auto(wd_buf_done) = { 0 };

    if (!unseal(d, token, KIND_SERVICE, SERVICE_BODY, &body))
        return false;
    *role = (uint8_t)body.p[1];
    return true;
}

void
wd_token_session(const struct wd_domain *d, const struct wd_session *s, struct wd_buf *out)
{
    struct wd_buf body wd_auto(wd_buf_done) = { 0 };

    wd_buf_chr(&body, KIND_SESSION);
    wd_buf_chr(&body, (char)s->scope);
    wd_buf_add(&body, s->user.b, sizeof s->user.b);
    add_be(&body, (uint64_t)s->expires_ms, 8);
    add_be(&body, s->auth_version, 4);
    add_nonce(&body);
    seal(d, &body, out);
}

bool
wd_token_session_read(const struct wd_domain *d, struct wd_str token, struct wd_session *out, struct wd_error *err)
{
    struct wd_buf body wd_auto(wd_buf_done) = { 0 };
    const uint8_t *p;

    if (!unseal(d, token, KIND_SESSION, SESSION_BODY, &body))
        return wd_fail(err, WD_UNAUTHENTICATED, "not a session token of this store");
    p = (const uint8_t *)body.p;
    out->scope = p[1];
    memcpy(out->user.b, p + 2, sizeof out->user.b);
    out->expires_ms = (int64_t)read_be(p + 14, 8);
    out->auth_version = (uint32_t)read_be(p + 22, 4);
    if (out->expires_ms <= wd_now_ms())
        return wd_fail(err, WD_TOKEN_EXPIRED, "the session token has expired");
    return true;
}
