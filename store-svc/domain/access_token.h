/* store-svc/domain/access_token.h – access tokens of the HTTP API: who holds one may call as a role.
 *
 * 40 hexadecimal digits, of which only the SHA-256 is kept, in a document of the collection accesstokens:
 *     key (SHA-256 in hexadecimal), user (an account's id in hexadecimal, or a free name), role, created (ms), ttl (s),
 *     authVersion (only of accounts), until, expires, s
 * s is the HMAC-SHA-256 under wd_domain.token_key of {"token":…,"user":…,"authVersion":…,"role":…} without blanks:
 * whoever can write to the database but does not have the key makes no token that counts. */
#ifndef WD_STORE_DOMAIN_ACCESS_TOKEN_H
#define WD_STORE_DOMAIN_ACCESS_TOKEN_H
#include "store-svc/domain/domain.h"

enum { WD_ACCESS_TOKEN_HEX = 40, WD_ACCESS_TOKEN_NAME_MAX = 128 };

struct wd_access_token_new {
    struct wd_id user;    /* bound to this account; zero: to none, and then name is set */
    struct wd_str name;
    struct wd_str role;   /* letters */
    uint32_t ttl_s;       /* of silence; 0: for ever */
    uint32_t lifetime_s;  /* from now on; 0: for ever */
};

struct wd_access_token {
    struct wd_id user;         /* zero: bound to no account */
    struct wd_str name, role;  /* in the arena */
};

/** Makes one; *token lives in the arena. USER_NOT_FOUND, INVALID. */
bool wd_access_token_create(struct wd_domain *d, struct wd_arena *a, const struct wd_access_token_new *in,
                            struct wd_str *token, struct wd_error *err) WD_CHECKED;
/** Whose it is, and that it was used: its silence starts again. An account's ends when the account is gone, disabled
 *  or has got other credentials (within two seconds). UNAUTHENTICATED. */
bool wd_access_token_check(struct wd_domain *d, struct wd_arena *a, struct wd_str token, struct wd_access_token *out,
                           struct wd_error *err) WD_CHECKED;
/** Binds it to the account's present credentials: for the session that has just changed them. UNAUTHENTICATED. */
bool wd_access_token_renew(struct wd_domain *d, struct wd_str token, struct wd_error *err) WD_CHECKED;
/** Removes it; only_users: unless it is bound to no account. */
bool wd_access_token_drop(struct wd_domain *d, struct wd_str token, bool only_users, bool *dropped,
                          struct wd_error *err) WD_CHECKED;
#endif
