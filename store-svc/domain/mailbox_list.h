/* store-svc/domain/mailbox_list.h – all mailboxes of a user. Threads: any; blocks. */
#ifndef WD_STORE_DOMAIN_MAILBOX_LIST_H
#define WD_STORE_DOMAIN_MAILBOX_LIST_H
#include "store-svc/domain/mailbox.h"

/** Every row of the user, in the order of wd_path_compare(): INBOX first, parents before their children. */
bool wd_mailbox_all(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_mailbox **out, size_t *n,
                    struct wd_error *err) WD_CHECKED;

struct wd_mailbox_listing {
    bool subscribed_only, show_hidden;
    struct wd_str after; /* path of the last one of the page before; empty: from the start */
    size_t limit;
};

/** One page of the listing; *more when there is another. */
bool wd_mailbox_list(struct wd_docs *docs, struct wd_arena *a, struct wd_id user,
                     const struct wd_mailbox_listing *what, struct wd_mailbox **out, size_t *n, bool *more,
                     struct wd_error *err) WD_CHECKED;
#endif
