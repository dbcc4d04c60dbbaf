/* store-svc/domain/mailbox_edit.h – creating, renaming, deleting and subscribing mailboxes. Each call is one batch;
 * a repeat with the same key gets the first outcome. Threads: any; every call blocks. */
#ifndef WD_STORE_DOMAIN_MAILBOX_EDIT_H
#define WD_STORE_DOMAIN_MAILBOX_EDIT_H
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/once.h"

/* Messages in \Trash and \Junk live at most 30 days. */
#define WD_RETENTION_MAX_MS (30LL * 24 * 60 * 60 * 1000)

struct wd_mailbox_new {
    struct wd_id user;
    struct wd_str path;
    int64_t retention_ms; /* -1: the user's default */
    bool hidden, encrypt;
};

/** Creates a subscribed mailbox. MAILBOX_EXISTS, MAILBOX_REFUSED, MAILBOX_LIMIT, USER_NOT_FOUND. */
bool wd_mailbox_create(struct wd_domain *d, struct wd_arena *a, const struct wd_mailbox_new *in,
                       const struct wd_once *once, struct wd_mailbox *out, struct wd_error *err) WD_CHECKED;

/** Renames a mailbox, and those below it with with_children. *out are the renamed rows. INBOX and hidden mailboxes are
 *  MAILBOX_REFUSED. MAILBOX_NOT_FOUND, MAILBOX_EXISTS (any of the new names is taken: nothing is renamed). */
bool wd_mailbox_rename(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                       struct wd_str new_path, bool with_children, const struct wd_once *once,
                       struct wd_mailbox **out, size_t *n, struct wd_error *err) WD_CHECKED;

/** Deletes a mailbox: its messages expire at once, its children stay. MAILBOX_NOT_FOUND; INBOX, special-use and hidden
 *  ones are MAILBOX_REFUSED. */
bool wd_mailbox_delete(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                       const struct wd_once *once, struct wd_id *deleted, struct wd_error *err) WD_CHECKED;

/** The same by id. */
bool wd_mailbox_delete_id(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                          const struct wd_once *once, struct wd_error *err) WD_CHECKED;

/** MAILBOX_NOT_FOUND; INBOX cannot be unsubscribed: MAILBOX_REFUSED. Naturally idempotent. */
bool wd_mailbox_subscribe(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                          bool subscribed, struct wd_error *err) WD_CHECKED;

/** The row of a new mailbox; out is uninitialised and yours to bson_destroy. */
void wd_mailbox_to_bson(const struct wd_mailbox *mailbox, bson_t *out);
#endif
