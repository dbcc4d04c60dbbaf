#include "store-svc/domain/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/base/b64.h"
#include "common/base/rand.h"
#include "common/base/utf8.h"
#include "store-svc/domain/password_priv.h"
#include "store-svc/domain/user.h"

enum { SALT_BYTES = 16, HASH_BYTES = 32, PART_MAX = 128 };

/* $pbkdf2-<digest>$i=<iterations>$<salt>$<hash>, the last two in unpadded base64. */
struct pbkdf2 {
    const EVP_MD *digest;
    uint32_t iterations;
    struct wd_buf salt, hash;
};

static void
pbkdf2_done(struct pbkdf2 *p)
{
    wd_buf_done(&p->salt);
    wd_buf_done(&p->hash);
}

static const EVP_MD *
digest_named(struct wd_str name)
{
    if (wd_str_eq(name, WD_STR("pbkdf2-sha256")))
        return EVP_sha256();
    if (wd_str_eq(name, WD_STR("pbkdf2-sha512")))
        return EVP_sha512();
    return wd_str_eq(name, WD_STR("pbkdf2-sha1")) ? EVP_sha1() : NULL;
}

static bool
decode_part(struct wd_str text, struct wd_buf *out)
{
    return text.n > 0 && text.n <= PART_MAX && wd_b64_decode(out, text) && out->n > 0;
}

static bool
pbkdf2_read(struct wd_str hash, struct pbkdf2 *out)
{
    struct wd_str rest = wd_str_part(hash, 1, hash.n), name, cost, salt, sum;

    if (!wd_str_split(&rest, '$', &name) || !wd_str_split(&rest, '$', &cost) || !wd_str_split(&rest, '$', &salt) ||
        !wd_str_split(&rest, '$', &sum) || rest.p)
        return false;
    out->digest = digest_named(name);
    if (!out->digest || !wd_str_starts(cost, WD_STR("i=")) ||
        !wd_str_u32(wd_str_part(cost, 2, cost.n), WD_PBKDF2_MAX_ITERATIONS, &out->iterations) || !out->iterations)
        return false;
    /* A shorter hash is the beginning of the whole one: cut off far enough it would match anything. */
    return decode_part(salt, &out->salt) && decode_part(sum, &out->hash) &&
           out->hash.n >= (size_t)EVP_MD_get_size(out->digest);
}

static bool
pbkdf2_sane(struct wd_str hash)
{
    struct pbkdf2 p wd_auto(pbkdf2_done) = { 0 };

    return pbkdf2_read(hash, &p);
}

static bool
derive(const struct pbkdf2 *p, struct wd_str password, uint8_t *out, size_t n)
{
    return PKCS5_PBKDF2_HMAC(password.p ? password.p : "", (int)password.n, (const uint8_t *)p->salt.p,
                             (int)p->salt.n, (int)p->iterations, p->digest, (int)n, out) == 1;
}

static bool
pbkdf2_verify(struct wd_str hash, struct wd_str password)
{
    struct pbkdf2 p wd_auto(pbkdf2_done) = { 0 };
    uint8_t made[PART_MAX];

    return pbkdf2_read(hash, &p) && p.hash.n <= sizeof made && derive(&p, password, made, p.hash.n) &&
           CRYPTO_memcmp(made, p.hash.p, p.hash.n) == 0;
}

/* Longer prefixes before shorter ones that they begin with. */
static const struct {
    struct wd_str prefix;
    wd_hash_sane *sane;
    wd_hash_verify *verify;
} forms[] = {
    { WD_STR_C("$pbkdf2-"), pbkdf2_sane, pbkdf2_verify },
    { WD_STR_C("$2a$"), wd_bcrypt_sane, wd_crypt_verify },
    { WD_STR_C("$2b$"), wd_bcrypt_sane, wd_crypt_verify },
    { WD_STR_C("$2y$"), wd_bcrypt_sane, wd_crypt_verify },
    { WD_STR_C("$6$"), wd_shacrypt_sane, wd_crypt_verify },
    { WD_STR_C("$5$"), wd_shacrypt_sane, wd_crypt_verify },
    { WD_STR_C("$1$"), wd_md5crypt_sane, wd_crypt_verify },
    { WD_STR_C("$argon2id$"), wd_argon2_sane, wd_argon2_verify },
    { WD_STR_C("$argon2i$"), wd_argon2_sane, wd_argon2_verify },
    { WD_STR_C("$argon2d$"), wd_argon2_sane, wd_argon2_verify },
    { WD_STR_C(""), wd_descrypt_sane, wd_crypt_verify },
};

static size_t
form_of(struct wd_str hash)
{
    size_t i = 0;

    while (!wd_str_starts(hash, forms[i].prefix))
        i++;
    return i;
}

bool
wd_password_known(struct wd_str hash, struct wd_error *err)
{
    if (hash.n == 0 || hash.n > WD_HASH_MAX || memchr(hash.p, '\0', hash.n) || !forms[form_of(hash)].sane(hash))
        return wd_fail(err, WD_INVALID, "the password hash has an unknown form or costs too much");
    return true;
}

bool
wd_password_matches(struct wd_str hash, struct wd_str password)
{
    struct wd_error unused;

    return wd_password_known(hash, &unused) && forms[form_of(hash)].verify(hash, password);
}

bool
wd_password_outdated(struct wd_str hash, uint32_t iterations)
{
    struct pbkdf2 p wd_auto(pbkdf2_done) = { 0 };

    return !pbkdf2_read(hash, &p) || p.digest == EVP_sha1() || p.iterations < iterations;
}

void
wd_password_hash(struct wd_buf *out, struct wd_str password, uint32_t iterations)
{
    uint8_t salt[SALT_BYTES], hash[HASH_BYTES];

    wd_rand(salt, sizeof salt);
    PKCS5_PBKDF2_HMAC(password.p ? password.p : "", (int)password.n, salt, sizeof salt, (int)iterations, EVP_sha256(),
                      sizeof hash, hash);
    wd_buf_printf(out, "$pbkdf2-sha256$i=%u$", iterations);
    wd_b64_encode(out, salt, sizeof salt, WD_B64_UNPADDED);
    wd_buf_chr(out, '$');
    wd_b64_encode(out, hash, sizeof hash, WD_B64_UNPADDED);
    OPENSSL_cleanse(hash, sizeof hash);
}

bool
wd_password_check(struct wd_str password, struct wd_error *err)
{
    if (!wd_utf8_valid(password) || memchr(password.p ? password.p : "", '\0', password.n))
        return wd_fail(err, WD_INVALID, "the password is not UTF-8 text");
    if (wd_utf8_first(password, WD_PASSWORD_MAX) < password.n)
        return wd_fail(err, WD_INVALID, "the password is longer than %d characters", WD_PASSWORD_MAX);
    return true;
}
