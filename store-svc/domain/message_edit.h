/* store-svc/domain/message_edit.h – what the API does to messages by their UIDs: flags and data of them changed, and
 * removal whether or not they have \Deleted. Both go a group of messages at a time; the caller repeats. */
#ifndef WD_STORE_DOMAIN_MESSAGE_EDIT_H
#define WD_STORE_DOMAIN_MESSAGE_EDIT_H
#include "common/mail/seqset.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/once.h"

struct wd_message_edit {
    struct wd_id user, mailbox;
    const struct wd_seqset *uids;
    uint32_t from;                   /* UID to start at; 0: from the start */
    unsigned add_flags, remove_flags; /* bits of enum wd_flag */
    bool set_expires, expires;       /* expires: at `expires_ms`; else never */
    int64_t expires_ms;
    const struct wd_str *meta_data;  /* JSON text; NULL: stays */
    struct wd_str session;
};

struct wd_message_edited {
    uint32_t matched; /* messages that were found */
    uint32_t next;    /* where to go on; 0: all done */
};

/** Changes the next messages of the set. MAILBOX_NOT_FOUND. Naturally idempotent. */
bool wd_message_edit(struct wd_domain *d, struct wd_arena *a, const struct wd_message_edit *in,
                     const struct wd_once *once, struct wd_message_edited *out, struct wd_error *err) WD_CHECKED;

struct wd_message_delete {
    struct wd_id user, mailbox;
    const struct wd_seqset *uids; /* NULL: all */
    bool skip_archive;            /* drafts and copied messages are never kept in it */
    struct wd_str session;
};

struct wd_message_deleted {
    uint32_t removed;
    bool more; /* call again */
};

/** Removes the next messages of the set. MAILBOX_NOT_FOUND. A repeat with the same key answers the first outcome. */
bool wd_message_delete(struct wd_domain *d, const struct wd_message_delete *in, const struct wd_once *once,
                       struct wd_message_deleted *out, struct wd_error *err) WD_CHECKED;
#endif
