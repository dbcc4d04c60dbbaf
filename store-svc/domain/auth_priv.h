/* store-svc/domain/auth_priv.h – which of an account's passwords was given, for auth.c. */
#ifndef WD_STORE_DOMAIN_AUTH_PRIV_H
#define WD_STORE_DOMAIN_AUTH_PRIV_H
#include "store-svc/domain/auth.h"

enum wd_matched { WD_MATCHED_NONE, WD_MATCHED_MASTER, WD_MATCHED_TEMPORARY, WD_MATCHED_ASP };

struct wd_auth_match {
    enum wd_matched kind;
    struct wd_id asp; /* of ASP */
    struct wd_str asp_name;
    int64_t asp_ttl_ms; /* 0: it does not expire */
};

/** Steps 9 to 14 of the decision order: tries the temporary password, the account's own, then the application
 *  passwords. AUTH_FAILED, AUTH_SCOPE, TEMP_PASSWORD_NOT_YET: a failure to be counted; DATABASE: not. */
bool wd_auth_try(struct wd_domain *d, struct wd_arena *a, const struct wd_login *in, const bson_t *user,
                 struct wd_auth_match *out, struct wd_error *err) WD_CHECKED;
/** The kinds of second factor that are on; returns how many. */
size_t wd_auth_2fa(const bson_t *user, const char *kinds[WD_2FA_KINDS]);
#endif
