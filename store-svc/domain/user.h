/* store-svc/domain/user.h – accounts. Strings of results live in the arena that the caller gave. */
#ifndef WD_STORE_DOMAIN_USER_H
#define WD_STORE_DOMAIN_USER_H
#include "store-svc/domain/domain.h"
#include "store-svc/domain/once.h"
#include "store-svc/domain/token.h"

enum {
    WD_USERNAME_MAX = 128,
    WD_USER_NAME_MAX = 1024,  /* bytes of the display name */
    WD_PASSWORD_MAX = 256,    /* characters */
    WD_LANGUAGE_MAX = 20,
};

struct wd_user {
    struct wd_id id;
    struct wd_str username, name, address, language;
    uint64_t quota_own;    /* what is set for this user; 0: none */
    uint64_t quota;        /* what counts */
    uint64_t storage_used; /* never negative */
    uint32_t recipients, forwards; /* per 24 h; the default filled in */
    uint32_t recipients_own, forwards_own; /* what is set for this user; 0: none */
    uint32_t receive_max;          /* messages per hour; the default filled in */
    uint64_t imap_upload_bytes, imap_download_bytes; /* per 24 h; the default filled in */
    uint32_t imap_max_connections;                   /* the default filled in; 0: no limit */
    uint64_t pop3_download_bytes;                    /* per 24 h; the default filled in */
    uint32_t pop3_max_messages;                      /* of a listing; the default filled in */
    bool disabled, suspended, activated, has_password;
    unsigned disabled_scopes; /* enum wd_scope */
    uint32_t auth_version;
    int64_t created_ms, retention_ms;
};

/* Whom a call is about: exactly one is set. */
struct wd_user_ref {
    struct wd_id id;
    struct wd_str username, address;
};

struct wd_user_new {
    struct wd_id id;        /* zero: a new one; with one, a repeat finds the account instead of failing */
    struct wd_str username; /* 1–128 of a-z 0-9 - in groups joined by one of . _ = :, and optionally @ and the same */
    struct wd_str password; /* empty: nobody can log in */
    struct wd_str hashed_password; /* wins over password; a form that wd_password_known() takes */
    struct wd_str address;         /* empty: the username if it is an address, else username@email_domain */
    bool empty_address;            /* no address at all */
    struct wd_str name, language;
    uint64_t quota;
    int64_t retention_ms;
    uint32_t recipients, forwards;
};

struct wd_user_created {
    struct wd_id id, address_id; /* address_id is zero without an address */
    struct wd_str username;
};

/** Creates an account with its default mailboxes. USER_EXISTS, ADDRESS_EXISTS, INVALID. Idempotent by once and id. */
bool wd_user_create(struct wd_domain *d, struct wd_arena *a, const struct wd_user_new *in, const struct wd_once *once,
                    struct wd_user_created *out, struct wd_error *err) WD_CHECKED;

/** Reads one account. USER_NOT_FOUND, INVALID. */
bool wd_user_get(struct wd_domain *d, struct wd_arena *a, const struct wd_user_ref *ref, struct wd_user *out,
                 struct wd_error *err) WD_CHECKED;

/** Accounts by username after `after` (empty: from the start) whose name contains `query` (empty: all). */
bool wd_user_list(struct wd_domain *d, struct wd_arena *a, struct wd_str query, struct wd_str after, size_t limit,
                  struct wd_user **out, size_t *n, bool *more, struct wd_error *err) WD_CHECKED;

/* What to change; NULL leaves it. */
struct wd_user_change {
    const struct wd_str *password; /* empty: nobody can log in */
    const struct wd_str *hashed_password;
    const struct wd_str *name;
    const uint64_t *quota;
    const uint32_t *recipients, *forwards;
    const bool *disabled, *suspended;
    const int64_t *retention_ms;
    const unsigned *disabled_scopes;
    struct wd_str ip; /* for the log; may be empty */
};

/**
 * Changes an account. A password change keeps the old hash in oldPasswords, ends a temporary one, raises authVersion,
 * ends the user's sessions and is logged; suspending and disabling end the sessions too. Setting a limit starts its
 * counter again. USER_NOT_FOUND, INVALID. Repeats with the same key change nothing more.
 */
bool wd_user_update(struct wd_domain *d, struct wd_arena *a, struct wd_id user, const struct wd_user_change *change,
                    const struct wd_once *once, struct wd_error *err) WD_CHECKED;

/** How much of the sending limits is used: counts and the seconds to the end of their windows (-1: none open). */
struct wd_user_sent {
    int64_t recipients, recipients_ttl_s, forwards, forwards_ttl_s;
};
bool wd_user_sent(struct wd_domain *d, struct wd_id user, struct wd_user_sent *out, struct wd_error *err) WD_CHECKED;

/* ---- for the modules around it ---- */

/** The stored document; found false when there is none. out is initialised and empty, yours either way. */
bool wd_user_doc(struct wd_docs *docs, struct wd_id id, bson_t *out, bool *found, struct wd_error *err) WD_CHECKED;
/** The same by what is typed at a login: a username, or one of the account's addresses (no wildcards). */
bool wd_user_doc_login(struct wd_domain *d, struct wd_arena *a, struct wd_str login, bson_t *out, bool *found,
                       struct wd_error *err) WD_CHECKED;
/** Fills out from a document; strings are copied to the arena. */
void wd_user_read(const struct wd_domain *d, struct wd_arena *a, const bson_t *doc, struct wd_user *out);
/** Checks the name and gives its stored (lower case) form; INVALID says what is wrong. */
bool wd_username_check(struct wd_arena *a, struct wd_str given, struct wd_str *out, struct wd_error *err) WD_CHECKED;
#endif
