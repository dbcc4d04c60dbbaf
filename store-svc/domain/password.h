/* store-svc/domain/password.h – password hashes: every form that existing databases hold can be checked, new ones are
 * PBKDF2-HMAC-SHA-256 (docs/storage.md). Every call costs CPU on purpose: not inside of a batch. Any thread. */
#ifndef WD_STORE_DOMAIN_PASSWORD_H
#define WD_STORE_DOMAIN_PASSWORD_H
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

/* What a stored hash may cost at most; a dearer one (only an import can bring it in) is refused, not computed. */
enum {
    WD_PBKDF2_MAX_ITERATIONS = 4000000,
    WD_BCRYPT_MAX_COST = 15,
    WD_SHACRYPT_MAX_ROUNDS = 2000000,
    WD_ARGON2_MAX_KIB = 256 * 1024,
    WD_ARGON2_MAX_KIB_PASSES = 2 * 1024 * 1024, /* memory × passes */
    WD_ARGON2_MAX_LANES = 16,
    WD_HASH_MAX = 512, /* bytes of a stored hash */
};

/** Is it a hash that wd_password_matches() can check at a bounded cost? INVALID says why not. */
bool wd_password_known(struct wd_str hash, struct wd_error *err) WD_CHECKED;
/** Does the password belong to the hash? False for every hash that is not known, and for an empty one. */
bool wd_password_matches(struct wd_str hash, struct wd_str password);
/** Should a hash that has just matched be replaced by a new one (another algorithm, or fewer iterations)? */
bool wd_password_outdated(struct wd_str hash, uint32_t iterations);
/** Appends a new hash: $pbkdf2-sha256$i=N$salt$hash. */
void wd_password_hash(struct wd_buf *out, struct wd_str password, uint32_t iterations);
/** May it be set? UTF-8, no NUL, at most WD_PASSWORD_MAX characters. INVALID. Empty is fine: no login. */
bool wd_password_check(struct wd_str password, struct wd_error *err) WD_CHECKED;
#endif
