/* store-svc/domain/flag_change.h – changing flags of many messages in few statements: what STORE, and FETCH of a body,
 * do in their batches. Only head fields are written, and all mirrors of the flags together. */
#ifndef WD_STORE_DOMAIN_FLAG_CHANGE_H
#define WD_STORE_DOMAIN_FLAG_CHANGE_H
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"

enum wd_flag_mode { WD_FLAGS_REPLACE, WD_FLAGS_ADD, WD_FLAGS_REMOVE };

enum {
    WD_MESSAGE_FLAGS = 256,            /* on one message; more are not added */
    WD_FLAG_CHANGE_BYTES = 512 * 1024, /* of flags in one change */
};

struct wd_flag_change {
    enum wd_flag_mode mode;
    unsigned system_flags;
    const struct wd_str *keywords; /* different from each other also without regard to case */
    size_t n_keywords;
    struct wd_str session; /* that reports the change itself; may be empty */
};

/**
 * Changes the messages, whose heads were read in the same batch. Keywords are compared without case, and the first
 * spelling stays. Heads of changed messages get the new flags and MODSEQ; *modseq is the one that all of them share, 0
 * when nothing changed. *done is how many heads were looked at: fewer than n when their flags would pass
 * WD_FLAG_CHANGE_BYTES. changed[i] tells for each of them. n is at most WD_JOURNAL_GROUP.
 */
bool wd_flag_change(struct wd_docs *batch, struct wd_arena *a, const struct wd_mailbox *mailbox,
                    const struct wd_flag_change *change, struct wd_message *heads, size_t n, bool *changed,
                    size_t *done, uint64_t *modseq, struct wd_error *err) WD_CHECKED;
#endif
