/* store-svc/domain/flag_change.h – changing flags of many messages in few statements: what STORE,
 * and FETCH of a body, do in their batches. Only head fields are written, and all mirrors of the
 * flags together. */
#ifndef WD_STORE_DOMAIN_FLAG_CHANGE_H
#define WD_STORE_DOMAIN_FLAG_CHANGE_H
#include "store-svc/domain/change.h"
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

/* One change of flags: filled by the caller up to `choose`, by wd_flag_run from there on. */
struct wd_flag_run {
    struct wd_domain *d;
    struct wd_docs *batch;
    struct wd_arena *arena;
    struct wd_id user, mailbox;
    const struct wd_seqset *uids;
    const struct wd_flag_change *change;
    /* Which of the messages that were found may be changed: moves them to the front, returns how
     * many. NULL: all. */
    size_t (*choose)(struct wd_flag_run *r, struct wd_message *heads, size_t n);
    void *data;

    struct wd_change taken;   /* with the mailbox's row */
    bool numbered;            /* something changed, and `taken` has its MODSEQ */
    struct wd_message *heads; /* after the change */
    size_t n, done;  /* chosen; looked at: fewer when their flags would pass WD_FLAG_CHANGE_BYTES */
    bool *changed;   /* for each of `done` */
    uint32_t next;   /* where to go on: a UID, or 0 */
    uint64_t modseq; /* that all changed ones share; 0: nothing changed */
};

/**
 * Finds the mailbox and its messages and changes them, in the caller's batch. Keywords are compared
 * without case, and the first spelling stays. At most WD_JOURNAL_GROUP messages. MAILBOX_NOT_FOUND.
 */
bool wd_flag_run(struct wd_flag_run *r, struct wd_error *err) WD_CHECKED;
/** After the commit: waits for what was under way before, so that its MODSEQ may be told, and tells
 * the sessions. */
void wd_flag_run_done(struct wd_flag_run *r);
#endif
