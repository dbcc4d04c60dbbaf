/* store-svc/domain/store.h – STORE: changing the flags of a set of messages, one MODSEQ for all that change. */
#ifndef WD_STORE_DOMAIN_STORE_H
#define WD_STORE_DOMAIN_STORE_H
#include "store-svc/domain/flag_change.h"
#include "store-svc/domain/once.h"

struct wd_store {
    struct wd_id user, mailbox;
    const struct wd_seqset *uids;
    enum wd_flag_mode mode;
    unsigned system_flags;
    const struct wd_str *keywords;
    size_t n_keywords;
    bool conditional;          /* UNCHANGEDSINCE was given; */
    uint64_t unchanged_since;  /* 0 then fails every message */
    struct wd_str session;
};

struct wd_stored {
    uint64_t modseq;            /* 0: nothing changed */
    struct wd_message *changed; /* heads after the change; strings in the arena */
    size_t n_changed;
    struct wd_seqset modified, missing; /* failed UNCHANGEDSINCE; not there */
    uint32_t continue_from;     /* 0: all done; else call again for the UIDs from here on */
};

void wd_stored_done(struct wd_stored *s);

/**
 * Changes flags, in one batch and a handful of statements. *out is empty on entry and yours to wd_stored_done.
 * MAILBOX_NOT_FOUND; INVALID for a keyword that is none or more than WD_MAILBOX_FLAGS of them. A repeat with the same
 * key changes nothing and answers the messages of the first call with the flags that they have now.
 */
bool wd_message_store(struct wd_domain *d, struct wd_arena *a, const struct wd_store *in, const struct wd_once *once,
                      struct wd_stored *out, struct wd_error *err) WD_CHECKED;
#endif
