/* store-svc/domain/alias.h – domain aliases: mail for someone@alias goes to someone@domain. */
#ifndef WD_STORE_DOMAIN_ALIAS_H
#define WD_STORE_DOMAIN_ALIAS_H
#include "store-svc/domain/domain.h"
#include "store-svc/domain/once.h"

struct wd_alias {
    struct wd_id id;
    struct wd_str alias, domain; /* Unicode, lower case */
};

/** ALIAS_EXISTS, INVALID. Idempotent by once. */
bool wd_alias_create(struct wd_domain *d, struct wd_arena *a, struct wd_str alias, struct wd_str domain,
                     const struct wd_once *once, struct wd_alias *out, struct wd_error *err) WD_CHECKED;
/** At most limit aliases after `after` (empty: from the start), in byte order. *more tells whether there are others. */
bool wd_alias_list(struct wd_domain *d, struct wd_arena *a, struct wd_str after, size_t limit, struct wd_alias **out,
                   size_t *n, bool *more, struct wd_error *err) WD_CHECKED;
/** ALIAS_NOT_FOUND. Idempotent by once. */
bool wd_alias_delete(struct wd_domain *d, struct wd_arena *a, struct wd_str alias, const struct wd_once *once,
                     struct wd_error *err) WD_CHECKED;
/** The target of an alias domain; found false when it is none. Both in the normal form, the result in the arena. */
bool wd_alias_target(struct wd_docs *docs, struct wd_arena *a, struct wd_str domain, struct wd_str *target,
                     bool *found, struct wd_error *err) WD_CHECKED;
#endif
