/* store-svc/domain/insert.h – storing messages that were taken in (intake.h): quota, UID, thread,
 * document, journal. */
#ifndef WD_STORE_DOMAIN_INSERT_H
#define WD_STORE_DOMAIN_INSERT_H
#include "store-svc/domain/intake.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/once.h"

enum wd_insert_quota {
    WD_INSERT_BELOW_QUOTA, /* incoming mail: used must be below the limit */
    WD_INSERT_UPTO_QUOTA,  /* the user's own: it may be at the limit; so one message may pass the
                              line */
};

struct wd_insert {
    struct wd_id user;
    const struct wd_intake *intake;
    /* The first that is there is the mailbox: a special use ("\\Junk") or a path. None:
     * MAILBOX_NOT_FOUND. */
    const struct wd_str *targets;
    size_t n_targets;
    enum wd_insert_quota quota;
    uint64_t quota_limit;          /* when the caller has just read it; 0: it is read */
    unsigned system_flags;         /* bits of enum wd_flag */
    const struct wd_str *keywords; /* valid ones; repeated ones count once */
    size_t n_keywords;
    int64_t idate_ms;
    const bson_t *meta; /* the document's field of that name, without `time` */
    struct wd_once once;
};

struct wd_inserted {
    struct wd_id message, mailbox;
    struct wd_str path; /* in the arena */
    uint32_t uid, uid_validity;
    uint64_t modseq, size;
    bool repeated; /* a call with the same key had stored it before */
};

/**
 * Stores n messages: all or none on an atomic driver, one by one elsewhere. Durable at return, and
 * the sessions are told. OVER_QUOTA, MAILBOX_NOT_FOUND, USER_NOT_FOUND; CONFLICT when an attachment
 * body was collected between the intake and now, or the same call was given up elsewhere: take the
 * message in again and repeat.
 */
bool wd_insert(struct wd_domain *d, struct wd_arena *a, const struct wd_insert *in, size_t n,
               struct wd_inserted *out, struct wd_error *err) WD_CHECKED;

/** The outcome of an earlier call with that key, if there was one. docs: d->docs, or a batch. */
bool wd_insert_recall(struct wd_docs *docs, struct wd_arena *a, const struct wd_once *once,
                      struct wd_inserted *out, bool *found, struct wd_error *err) WD_CHECKED;
#endif
