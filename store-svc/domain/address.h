/* store-svc/domain/address.h – the addresses of accounts, and who gets mail for one. */
#ifndef WD_STORE_DOMAIN_ADDRESS_H
#define WD_STORE_DOMAIN_ADDRESS_H
#include "store-svc/domain/domain.h"
#include "store-svc/domain/once.h"

enum { WD_ADDRESS_NAME_MAX = 512, WD_WILDCARD_MAX = 32 }; /* bytes of a display name; characters beside a `*` */

struct wd_address_row {
    struct wd_id id, user; /* user is zero for a forwarding address */
    struct wd_str address, name;
    bool main;
    int64_t created_ms;
};

struct wd_address_new {
    struct wd_id user;
    struct wd_str address; /* one `*` at an end of the local part, or as the whole domain, is a wildcard */
    struct wd_str name;
    bool main; /* the first address of an account becomes main anyway */
};

/** Adds an address. ADDRESS_EXISTS (also when it differs in dots only), USER_NOT_FOUND, INVALID. Idempotent by once. */
bool wd_address_create(struct wd_domain *d, struct wd_arena *a, const struct wd_address_new *in,
                       const struct wd_once *once, struct wd_address_row *out, struct wd_error *err) WD_CHECKED;

/** The part that wd_user_create shares: checks, normal form, row. Inside of a batch; does not touch the user. */
bool wd_address_insert(struct wd_docs *batch, struct wd_arena *a, const struct wd_address_new *in,
                       struct wd_address_row *out, struct wd_error *err) WD_CHECKED;

/** All addresses of a user by address view. The rows live in the arena. */
bool wd_address_list_of(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_address_row **out,
                        size_t *n, struct wd_error *err) WD_CHECKED;

/** Removes one by id, or by address when id is zero. ADDRESS_NOT_FOUND (also another user's), INVALID for the main
 *  one. Idempotent by once. */
bool wd_address_delete(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id id,
                       struct wd_str address, const struct wd_once *once, struct wd_error *err) WD_CHECKED;

/* ---- who gets mail for an address ---- */

enum wd_resolve_flags {
    WD_RESOLVE_EXACT = 0,     /* exact, then by domain alias: for logins */
    WD_RESOLVE_WILDCARDS = 1, /* then partial wildcards, then local@*: for mail */
};

enum wd_resolved_kind { WD_RESOLVED_NONE, WD_RESOLVED_USER, WD_RESOLVED_FORWARD };

struct wd_resolved {
    enum wd_resolved_kind kind; /* a disabled forwarding address is NONE */
    struct wd_id id;            /* of the address row */
    struct wd_id user;          /* of USER */
    struct wd_str address;      /* as stored */
};

/**
 * Finds the row that an address belongs to (docs/storage.md, recipients): label and dots do not count, the domain may
 * be in either form; among wildcards the longest wins, those of the literal domain before those of the alias target.
 * An address with a `*`, or that is none at all, is NONE. docs: d->users, or a batch.
 */
bool wd_address_resolve(struct wd_docs *docs, struct wd_arena *a, struct wd_str address, unsigned flags,
                        struct wd_resolved *out, struct wd_error *err) WD_CHECKED;
#endif
