/* store-svc/domain/journal.h – what happened in mailboxes, in the order of the MODSEQs; rows live
 * for three hours.
 *
 * Every MODSEQ that a mailbox hands out has at least one row, so a reader that sees each value from
 * its own one on has missed nothing. Rows of one MODSEQ are all of one command; at most
 * WD_JOURNAL_GROUP of them, so that pages which never cut through a MODSEQ are bounded. */
#ifndef WD_STORE_DOMAIN_JOURNAL_H
#define WD_STORE_DOMAIN_JOURNAL_H
#include "store-svc/domain/mark.h"

enum { WD_JOURNAL_GROUP = 2000 };

enum wd_journal_command {
    WD_JOURNAL_EXISTS = 1,
    WD_JOURNAL_EXPUNGE,
    WD_JOURNAL_FETCH,
    WD_JOURNAL_CREATE,
    WD_JOURNAL_RENAME,
    WD_JOURNAL_DELETE,
};

struct wd_journal_row {
    enum wd_journal_command command;
    struct wd_id user, mailbox;
    uint64_t modseq;
    struct wd_str ignore; /* the session that reported the change itself; empty: none */
    /* EXISTS, EXPUNGE, FETCH: */
    uint32_t uid;
    struct wd_id message, thread;
    bool unseen;        /* EXISTS, EXPUNGE */
    bool unseen_change; /* FETCH */
    int64_t idate_ms;   /* EXISTS */
    int junk;           /* EXISTS: 1 marked as junk, -1 not junk any more, 0 neither */
    const struct wd_str
        *flags; /* EXISTS, FETCH: all flags of the message, system flags and keywords, as stored */
    size_t n_flags;
    struct wd_str path; /* CREATE, RENAME: the (new) path */
    struct wd_id op;    /* of the last row of a change that left a mark (mark.h); else zero */
    /* Set by readers only: */
    struct wd_id id;
    int64_t created_ms;
};

/** Adds rows, in the batch of the change, after it. */
bool wd_journal_add(struct wd_docs *batch, const struct wd_journal_row *rows, size_t n,
                    struct wd_error *err) WD_CHECKED;

/** Adds rows that say nothing for the numbers of a change that did not happen. */
bool wd_journal_fill(struct wd_docs *batch, struct wd_id user, struct wd_id mailbox,
                     const struct wd_mark *mark, struct wd_error *err) WD_CHECKED;

/** A row as it is read from the database; strings live in the arena. False for a command that is
 * not known. */
bool wd_journal_read(const bson_t *doc, struct wd_arena *a, struct wd_journal_row *out);
/** "EXISTS" */
const char *wd_journal_name(enum wd_journal_command command);

/** Called for each row in order; false ends the walk (not an error). row is borrowed. */
typedef bool wd_journal_each(const struct wd_journal_row *row, void *data);

/** Walks the rows of a mailbox with MODSEQs in (after, upto], in order. *whole: every MODSEQ up to
 * where the walk ended had its rows; false means that the journal does not reach back so far. */
bool wd_journal_walk(struct wd_docs *docs, struct wd_id mailbox, uint64_t after, uint64_t upto,
                     wd_journal_each *each, void *data, bool *whole,
                     struct wd_error *err) WD_CHECKED;
#endif
