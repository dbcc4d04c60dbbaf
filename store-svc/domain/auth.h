/* store-svc/domain/auth.h – who may log in, and which sessions still stand (docs/storage.md). */
#ifndef WD_STORE_DOMAIN_AUTH_H
#define WD_STORE_DOMAIN_AUTH_H
#include "store-svc/domain/domain.h"
#include "store-svc/domain/token.h"

struct wd_login {
    struct wd_str username; /* or any address of the account */
    struct wd_str password;
    unsigned scope;             /* one bit of enum wd_scope */
    struct wd_str protocol, ip; /* for the log; may be empty */
    struct wd_str sess, app_id; /* the same */
    bool count_connection;      /* take one of the user's connections; wd_auth_release() gives it back */
    int64_t instance_started_ms; /* of the front end's process: counts of an earlier life are dropped */
    struct wd_str instance; /* connections are counted per instance; empty: one count that others may share */
};

enum { WD_2FA_KINDS = 3 };

struct wd_logged_in {
    struct wd_id user;
    struct wd_str username, address;
    struct wd_str session_token;
    int64_t expires_ms;
    const char *require_2fa[WD_2FA_KINDS]; /* of scope master: "totp", "custom", "webauthn"; NULL behind the last */
    bool require_password_change;          /* a temporary password was used */
    bool application_password;             /* one of these was used */
};

struct wd_preauth {
    struct wd_id user;
    struct wd_str username, address;
    const char *require_2fa[WD_2FA_KINDS]; /* of scope master; NULL behind the last */
};

/**
 * Checks a password: the account's own, a temporary one, or an application password. Slow on purpose; call it outside
 * of batches. AUTH_FAILED never tells which half was wrong; AUTH_SCOPE, AUTH_RATE_LIMITED, TEMP_PASSWORD_NOT_YET,
 * CONNECTION_LIMIT, and DATABASE when nothing is known.
 */
bool wd_auth_login(struct wd_domain *d, struct wd_arena *a, const struct wd_login *in, struct wd_logged_in *out,
                   struct wd_error *err) WD_CHECKED;

/** Whom a login with that name would be about. AUTH_FAILED, AUTH_SCOPE. */
bool wd_auth_preview(struct wd_domain *d, struct wd_arena *a, struct wd_str username, unsigned scope,
                     struct wd_preauth *out, struct wd_error *err) WD_CHECKED;

/** Gives a counted connection back. A bus that does not answer is no failure. */
bool wd_auth_release(struct wd_domain *d, struct wd_id user, unsigned scope, struct wd_str instance,
                     struct wd_error *err) WD_CHECKED;

/** Reads a session token and asks whether the user still stands behind it (from memory for two seconds).
 *  UNAUTHENTICATED, TOKEN_EXPIRED (also after a password change, a suspension or the user's removal). */
bool wd_auth_session(struct wd_domain *d, struct wd_str token, struct wd_session *out, struct wd_error *err) WD_CHECKED;

/** Whether the account is there, neither disabled nor suspended, and the version of its credentials (from memory for
 *  two seconds). */
bool wd_auth_standing(struct wd_domain *d, struct wd_id user, uint32_t *auth_version, bool *active,
                      struct wd_error *err) WD_CHECKED;

/** A token for a session that wd_auth_session() has just accepted, with a new end. */
struct wd_str wd_auth_renew(const struct wd_domain *d, struct wd_arena *a, const struct wd_session *session,
                            int64_t *expires_ms);

/** What is remembered of the user's standing may be old: after every change, and for every LOGOUT beacon. Any thread,
 *  never blocks for long. */
void wd_auth_forget(struct wd_domain *d, struct wd_id user);
#endif
