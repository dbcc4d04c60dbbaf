/* store-svc/domain/change.h – one change of a mailbox: it takes numbers, works, and is settled. The
 * one place where UIDs and MODSEQs come from.
 *
 * On an atomic driver the numbers are committed together with what they number, and there is no
 * more to it. Elsewhere the change leaves a mark (mark.h), and every write after it is ordered so
 * that any replica can finish it or take it back:
 *
 *   1. wd_change_begin   the numbers and the mark, in one statement
 *   2. wd_once_claim     the planned outcome, which a repeat of the call will be told (once.h)
 *   3. counters up, new documents; wd_change_alive before the step that cannot be taken back
 *   4. wd_change_journal the last row carries the change's id: from here on it has happened
 *   5. counters down, wd_change_done
 *
 * wd_change_void takes a change back that failed between 1 and 4. Threads: a change belongs to one.
 * Every call blocks. */
#ifndef WD_STORE_DOMAIN_CHANGE_H
#define WD_STORE_DOMAIN_CHANGE_H
#include "common/mail/seqset.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/once.h"

struct wd_change_plan {
    enum wd_change_kind kind;
    struct wd_id user, mailbox;   /* mailbox zero: the one at `place` */
    struct wd_str place;          /* path in normal form, or a special use ("\\Junk") */
    uint32_t count;               /* ARRIVE: messages; else 0 */
    struct wd_id op;              /* zero: a new one */
    struct wd_id other, peer;     /* MOVE: the mailbox and the change at the other end */
    const struct wd_seqset *uids; /* what leaves; or NULL */
    const struct wd_once *once;   /* ARRIVE, LEAVE: the call's key; or NULL */
};

struct wd_change {
    enum wd_change_kind kind;
    struct wd_id op;
    struct wd_mailbox mailbox; /* the row just before; strings in the arena */
    uint32_t first_uid, count;
    uint64_t first_modseq, last_modseq;
    struct wd_mark mark; /* what was left in the row; its texts live in the arena */
    bool marked;         /* false on an atomic driver */
    int64_t renewed_ms;  /* wd_mono_ms() of the last sign of life */
};

/** Takes the numbers. MAILBOX_NOT_FOUND; MAILBOX_REFUSED when the UIDs are used up; UNAVAILABLE
 * when another exclusive change of the mailbox does not come to its end. */
bool wd_change_begin(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
                     const struct wd_change_plan *plan, struct wd_change *out,
                     struct wd_error *err) WD_CHECKED;

/** Renews the mark when it is some seconds old. CONFLICT when another replica has taken the change
 * back: call wd_change_void, and try the whole again. */
bool wd_change_alive(struct wd_docs *batch, struct wd_change *c, struct wd_error *err) WD_CHECKED;

/** Adds the journal rows (n 0: rows that say nothing, so that no MODSEQ is missing). */
bool wd_change_journal(struct wd_docs *batch, const struct wd_change *c,
                       struct wd_journal_row *rows, size_t n, struct wd_error *err) WD_CHECKED;

/** It is settled: the mark may go. */
void wd_change_done(struct wd_domain *d, const struct wd_change *c);

/** Takes it back: arrived messages, the claim, the numbers. As far as the database lets it; the
 * rest is mended later. */
void wd_change_void(struct wd_domain *d, const struct wd_change *c);

/** The same for a change of one MODSEQ that has written nothing at all: then the number is free again if it can be. */
void wd_change_give_back(struct wd_domain *d, const struct wd_change *c);

/** Waits until all that was under way before it is settled, so that a client that is told its
 * MODSEQ has missed nothing below. For some seconds at most. */
void wd_change_wait(struct wd_domain *d, const struct wd_change *c);

/**
 * Lowers modify_index and uid_next of a row that was read to what a reader may rely on: everything
 * up to there is in the journal and in the messages. Mends what dead writers left.
 */
bool wd_change_settled(struct wd_domain *d, struct wd_mailbox *row,
                       struct wd_error *err) WD_CHECKED;
#endif
