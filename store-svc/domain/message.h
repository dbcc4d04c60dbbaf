/* store-svc/domain/message.h – rows of `messages`: the head that sessions work with, and walking
 * sets of UIDs. */
#ifndef WD_STORE_DOMAIN_MESSAGE_H
#define WD_STORE_DOMAIN_MESSAGE_H
#include "common/mail/flags.h"
#include "common/mail/seqset.h"
#include "store-svc/domain/domain.h"

struct wd_message {
    struct wd_id id, root, thread;
    uint32_t uid, magic;
    uint64_t modseq, size;
    int64_t idate_ms;
    bool copied, junk;
    unsigned system_flags; /* bits of enum wd_flag */
    struct wd_str *flags;  /* all as stored: system flags and keywords */
    size_t n_flags;
};

/** The projection that wd_message_read() needs. */
void wd_message_fields(bson_t *projection);
/** Reads a document's head; strings live in the arena. */
void wd_message_read(const bson_t *doc, struct wd_arena *a, struct wd_message *out);
bool wd_message_has(const struct wd_message *m, enum wd_flag flag);

/**
 * Appends a condition on `uid` to a filter for the next part of a set, starting at UID `from`, and
 * sets *next to where the part after it starts (0: there is none). False when nothing of the set is
 * left. The condition is bounded in size whatever the set is, and may let some UIDs through that
 * are not in the set.
 */
bool wd_uids_condition(const struct wd_seqset *set, uint32_t from, bson_t *filter, uint32_t *next);

/* What to walk; the rows come in the order of their UIDs. */
struct wd_message_walk {
    struct wd_id mailbox;
    const struct wd_seqset *uids; /* NULL: all */
    uint32_t from;                /* the lowest UID; 0: from the start */
    const bson_t *only;           /* more conditions, or NULL */
    const bson_t *fields;         /* projection; NULL: whole documents */
};

/** Called for each document; *stop ends the walk. False fails it. doc is borrowed. */
typedef bool wd_message_each(const bson_t *doc, uint32_t uid, bool *stop, void *data,
                             struct wd_error *err);

bool wd_message_walk(struct wd_docs *docs, const struct wd_message_walk *what,
                     wd_message_each *each, void *data, struct wd_error *err) WD_CHECKED;

/** The heads of a set of messages, in the order of their UIDs, at most `limit`. *next is the UID to
 * go on from, 0 when that was all. */
bool wd_message_heads(struct wd_docs *docs, struct wd_arena *a, const struct wd_message_walk *what,
                      size_t limit, struct wd_message **out, size_t *n, uint32_t *next,
                      struct wd_error *err) WD_CHECKED;

/** Removes the rows of these messages from a mailbox; only: more conditions, or NULL; removed may
 * be NULL. */
bool wd_message_remove_rows(struct wd_docs *docs, struct wd_id mailbox,
                            const struct wd_message *heads, size_t n, const bson_t *only,
                            int64_t *removed, struct wd_error *err) WD_CHECKED;

/** One document by its place; found false when it is not there. out is initialised and empty, yours
 * either way. */
bool wd_message_doc(struct wd_docs *docs, struct wd_id mailbox, uint32_t uid, const bson_t *fields,
                    bson_t *out, bool *found, struct wd_error *err) WD_CHECKED;
#endif
