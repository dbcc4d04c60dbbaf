/* store-svc/domain/password_priv.h – one row per form of hash, for password.c. */
#ifndef WD_STORE_DOMAIN_PASSWORD_PRIV_H
#define WD_STORE_DOMAIN_PASSWORD_PRIV_H
#include "store-svc/domain/password.h"

/* Is the hash well-formed, at a cost within the limits? */
typedef bool wd_hash_sane(struct wd_str hash);
typedef bool wd_hash_verify(struct wd_str hash, struct wd_str password);

/* crypt(3) forms and argon2: password_crypt.c */
wd_hash_sane wd_bcrypt_sane, wd_shacrypt_sane, wd_md5crypt_sane, wd_descrypt_sane, wd_argon2_sane;
wd_hash_verify wd_crypt_verify, wd_argon2_verify;
#endif
