/* store-svc/domain/auth_cache.h – what a replica remembers for some seconds about logins and sessions, so that the
 * many connections of one mail client do not cost a slow hash and a database read each. Only in memory, of bounded
 * size, and only what was right: a wrong password is never answered from here. Any thread; never blocks for long.
 * Times are on the clock of wd_mono_ms(). A NULL cache remembers nothing. */
#ifndef WD_STORE_DOMAIN_AUTH_CACHE_H
#define WD_STORE_DOMAIN_AUTH_CACHE_H
#include "common/base/id.h"
#include "common/base/str.h"

struct wd_auth_cache;

/* Why a session token may still be good. */
struct wd_auth_standing {
    uint32_t auth_version;
    bool active; /* there, and neither disabled nor suspended */
};

/** password_ms: how long a checked password is remembered (0: not); standing_ms: the same for a user's standing. */
struct wd_auth_cache *wd_auth_cache_new(int64_t password_ms, int64_t standing_ms);
/** NULL is fine. */
void wd_auth_cache_free(struct wd_auth_cache *c);

/** Was exactly this password found to match exactly this stored hash of the owner lately? */
bool wd_auth_cache_knows(struct wd_auth_cache *c, struct wd_id owner, struct wd_str hash, struct wd_str password,
                         int64_t now_ms);
void wd_auth_cache_remember(struct wd_auth_cache *c, struct wd_id owner, struct wd_str hash, struct wd_str password,
                            int64_t now_ms);

/** False when it is not known. *ticket is for _put: what was read before a wd_auth_cache_forget() is not kept. */
bool wd_auth_cache_standing(struct wd_auth_cache *c, struct wd_id user, int64_t now_ms, struct wd_auth_standing *out,
                            uint64_t *ticket);
void wd_auth_cache_put(struct wd_auth_cache *c, struct wd_id user, const struct wd_auth_standing *standing,
                       uint64_t ticket, int64_t now_ms);
/** The user's standing has changed. */
void wd_auth_cache_forget(struct wd_auth_cache *c, struct wd_id user);
#endif
