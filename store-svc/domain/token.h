/* store-svc/domain/token.h – service tokens (a role) and session tokens (one user and scope), signed by the store.
 *
 * Text form: "wd1." and base64url without padding of the body and its HMAC-SHA-256 under wd_domain.token_key. Bodies,
 * integers big-endian:
 *     service   1 byte 1, 1 byte role, 8 bytes nonce
 *     session   1 byte 2, 1 byte scope, 12 bytes user, 8 bytes expiry in ms since 1970, 4 bytes authVersion,
 *               8 bytes nonce
 * Any thread. */
#ifndef WD_STORE_DOMAIN_TOKEN_H
#define WD_STORE_DOMAIN_TOKEN_H
#include "store-svc/domain/domain.h"

/* Role bits of service tokens. */
enum wd_role {
    WD_ROLE_IMAP = 1,
    WD_ROLE_POP3 = 2,
    WD_ROLE_LMTP = 4,
    WD_ROLE_HTTP = 8,
    WD_ROLE_ADMIN = 16,
    WD_ROLE_ALL_USERS = WD_ROLE_HTTP | WD_ROLE_ADMIN, /* may act for users that did not log in */
};

/* Scope bits of session tokens and of a user's disabledScopes. */
enum wd_scope { WD_SCOPE_IMAP = 1, WD_SCOPE_POP3 = 2, WD_SCOPE_SMTP = 4, WD_SCOPE_MASTER = 8 };

enum { WD_TOKEN_MAX = 160 }; /* characters; longer ones are no tokens */

struct wd_session {
    struct wd_id user;
    unsigned scope; /* one bit of enum wd_scope */
    int64_t expires_ms;
    uint32_t auth_version;
};

/** The bit of "imap", "admin", …; 0 for anything else. */
unsigned wd_role_named(struct wd_str name);
/** "imap", …; NULL for what is not exactly one role. */
const char *wd_role_name(unsigned role);
/** The bit of "imap", "pop3", "smtp", "master"; 0 for anything else. */
unsigned wd_scope_named(struct wd_str name);
/** NULL for what is not exactly one scope. */
const char *wd_scope_name(unsigned scope);

/** Appends a new service token. It has no end: change the key to revoke. */
void wd_token_service(const struct wd_domain *d, unsigned role, struct wd_buf *out);
/** Reads one; false for what this key did not sign. */
bool wd_token_service_read(const struct wd_domain *d, struct wd_str token, unsigned *role);

/** Appends a new session token. */
void wd_token_session(const struct wd_domain *d, const struct wd_session *s, struct wd_buf *out);
/** Reads one: signature and expiry only (wd_auth_session() asks whether the user still stands behind it).
 *  UNAUTHENTICATED for what this key did not sign, TOKEN_EXPIRED. */
bool wd_token_session_read(const struct wd_domain *d, struct wd_str token, struct wd_session *out,
                           struct wd_error *err) WD_CHECKED;
#endif
