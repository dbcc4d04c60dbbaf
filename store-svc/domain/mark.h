/* store-svc/domain/mark.h – marks of changes under way, in the field `pending` of a mailbox's row.
 *
 * UIDs and MODSEQs are handed out by one statement (change.h). Where a batch is no transaction, the
 * same statement leaves a mark with the numbers, and what was begun is found again by its mark:
 * readers stop below the lowest number that is not settled, and when a writer died, another one
 * finishes or takes back what it left (mend.h). A change is settled as soon as its last journal row
 * is there, which carries the change's id; the mark is then only litter. */
#ifndef WD_STORE_DOMAIN_MARK_H
#define WD_STORE_DOMAIN_MARK_H
#include "store-svc/domain/domain.h"

enum wd_change_kind {                       /* the numbers are stored */
                      WD_CHANGE_ARRIVE = 1, /* new messages: as many UIDs as MODSEQs */
                      WD_CHANGE_LEAVE = 2,  /* messages go, under one MODSEQ; alone in its mailbox
                                               with respect to itself and FLAGS */
                      WD_CHANGE_FLAGS = 3,  /* messages change, under one MODSEQ; alone likewise */
                      WD_CHANGE_NOTE = 4,   /* one journal row about the mailbox itself */
};

struct wd_mark {
    struct wd_id op;
    enum wd_change_kind kind;
    int64_t at_ms;             /* when its owner was last known to work */
    uint32_t first_uid, count; /* ARRIVE */
    uint64_t first_modseq, last_modseq;
    struct wd_id other, peer; /* MOVE: the mailbox and the change at the other end; else zero */
    struct wd_str uids;       /* LEAVE, and ARRIVE of a MOVE: the UIDs that leave, as text */
    struct wd_str request;    /* the id of its row in `requests`, or empty */
};

/* The command of journal rows that say nothing, for numbers of changes that did not happen. */
#define WD_JOURNAL_NOTHING WD_STR("NOOP")

enum { WD_MARK_LEASE_MS = 6000 }; /* an owner that does not renew its mark for so long is dead */

/** The marks of a mailbox's row; strings live in the arena. */
void wd_marks_read(const bson_t *row, struct wd_arena *a, struct wd_mark **out, size_t *n);
bool wd_mark_is_exclusive(enum wd_change_kind kind);
bool wd_mark_expired(const struct wd_mark *mark);

enum wd_mark_state { WD_MARK_OPEN, WD_MARK_SETTLED, WD_MARK_VOID };
/** What became of one change, by its last journal row. One query. */
bool wd_mark_state(struct wd_docs *docs, struct wd_id mailbox, const struct wd_mark *mark, enum wd_mark_state *out,
                   struct wd_error *err) WD_CHECKED;

/** Takes those out of the list whose last journal row is there; returns how many stay. One query,
 * none for n 0. */
bool wd_marks_open(struct wd_docs *docs, struct wd_id mailbox, struct wd_mark *marks, size_t *n,
                   struct wd_error *err) WD_CHECKED;
#endif
