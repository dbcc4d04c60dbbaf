/* The hash forms of crypt(3), by libxcrypt, and argon2, by its reference library. */
#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>

#include "common/base/alloc.h"
#include "store-svc/domain/password_priv.h"

static bool
is_crypt64(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!wd_is_digit(s.p[i]) && !wd_is_alpha(s.p[i]) && s.p[i] != '.' && s.p[i] != '/')
            return false;
    return true;
}

/* $2b$<2 digits>$<22 of salt and 31 of hash> */
bool
wd_bcrypt_sane(struct wd_str hash)
{
    uint32_t cost;

    return hash.n == 60 && hash.p[6] == '$' && wd_str_u32(wd_str_part(hash, 4, 6), WD_BCRYPT_MAX_COST, &cost) &&
           cost >= 4 && is_crypt64(wd_str_part(hash, 7, hash.n));
}

/* $6$[rounds=N$]<salt, at most 16>$<hash> */
bool
wd_shacrypt_sane(struct wd_str hash)
{
    struct wd_str rest = wd_str_part(hash, 3, hash.n), piece;
    size_t length = hash.p[1] == '5' ? 43 : 86;
    uint32_t rounds;

    if (!wd_str_split(&rest, '$', &piece))
        return false;
    if (wd_str_starts(piece, WD_STR("rounds="))) {
        if (!wd_str_u32(wd_str_part(piece, 7, piece.n), WD_SHACRYPT_MAX_ROUNDS, &rounds) ||
            !wd_str_split(&rest, '$', &piece))
            return false;
    }
    return piece.n <= 16 && rest.p && rest.n == length && is_crypt64(rest);
}

/* $1$<salt, at most 8>$<hash> */
bool
wd_md5crypt_sane(struct wd_str hash)
{
    struct wd_str rest = wd_str_part(hash, 3, hash.n), salt;

    return wd_str_split(&rest, '$', &salt) && salt.n <= 8 && rest.p && rest.n == 22 && is_crypt64(rest);
}

bool
wd_descrypt_sane(struct wd_str hash)
{
    return hash.n == 13 && is_crypt64(hash);
}

bool
wd_crypt_verify(struct wd_str hash, struct wd_str password)
{
    struct wd_buf setting wd_auto(wd_buf_done) = { 0 };
    struct wd_buf phrase wd_auto(wd_buf_done) = { 0 };
    struct crypt_data *work;
    const char *made;
    bool same;

    if (memchr(password.p ? password.p : "", '\0', password.n))
        return false; /* crypt would compare only what is before it */
    wd_buf_str(&setting, hash);
    wd_buf_chr(&setting, '\0');
    wd_buf_str(&phrase, password);
    wd_buf_chr(&phrase, '\0');
    work = WD_NEW(struct crypt_data);
    made = crypt_r(phrase.p, setting.p, work);
    same = made && made[0] != '*' && strlen(made) == hash.n && CRYPTO_memcmp(made, hash.p, hash.n) == 0;
    OPENSSL_cleanse(phrase.p, phrase.n);
    OPENSSL_cleanse(work, sizeof *work);
    free(work);
    return same;
}

/* "m=65536,t=3,p=4" in any order, each exactly once. */
static bool
argon2_cost_sane(struct wd_str costs)
{
    static const char names[] = "mtp";
    uint32_t values[3] = { 0 };
    struct wd_str piece;

    while (wd_str_split(&costs, ',', &piece)) {
        const char *at = piece.n > 2 && piece.p[1] == '=' ? strchr(names, piece.p[0]) : NULL;
        if (!at || !*at || values[at - names] ||
            !wd_str_u32(wd_str_part(piece, 2, piece.n), UINT32_MAX, &values[at - names]))
            return false;
    }
    return values[0] && values[1] && values[2] && values[0] <= WD_ARGON2_MAX_KIB &&
           (uint64_t)values[0] * values[1] <= WD_ARGON2_MAX_KIB_PASSES && values[1] <= WD_ARGON2_MAX_KIB_PASSES / 8 &&
           values[2] <= WD_ARGON2_MAX_LANES;
}

/* $argon2id$[v=19$]m=…,t=…,p=…$<salt>$<hash> */
bool
wd_argon2_sane(struct wd_str hash)
{
    struct wd_str rest = wd_str_part(hash, 1, hash.n), piece;

    if (!wd_str_split(&rest, '$', &piece) || !wd_str_split(&rest, '$', &piece))
        return false;
    if (wd_str_starts(piece, WD_STR("v=")) && !wd_str_split(&rest, '$', &piece))
        return false;
    return argon2_cost_sane(piece) && rest.p && wd_str_chr(rest, '$') != SIZE_MAX;
}

bool
wd_argon2_verify(struct wd_str hash, struct wd_str password)
{
    struct wd_buf encoded wd_auto(wd_buf_done) = { 0 };
    argon2_type type = wd_str_starts(hash, WD_STR("$argon2id$"))  ? Argon2_id
                       : wd_str_starts(hash, WD_STR("$argon2i$")) ? Argon2_i
                                                                  : Argon2_d;

    wd_buf_str(&encoded, hash);
    wd_buf_chr(&encoded, '\0');
    return argon2_verify(encoded.p, password.p ? password.p : "", password.n, type) == ARGON2_OK;
}
