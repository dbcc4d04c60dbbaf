/* frontends/imap/view.h – a session's picture of its selected mailbox: UIDs in order, and what it was not told of yet.
 *
 * The picture changes only when something is told to the client (the functions that write) – so sequence numbers stay
 * true between commands. What the journal says is kept until a moment at which the protocol allows to tell it.
 */
#ifndef WD_IMAP_VIEW_H
#define WD_IMAP_VIEW_H
#include <protobuf-c/protobuf-c.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/base/vec.h"
#include "common/mail/seqset.h"

struct imap_changed {
    uint32_t uid, order;
    uint64_t modseq;
    char *flags; /* "(\Seen)" */
};

struct imap_view {
    char mailbox[WD_ID_HEX + 1]; /* id */
    char *path;                  /* owned */
    uint32_t uid_validity;
    bool read_only;
    uint64_t modseq;       /* the journal was read up to here */
    uint64_t beacon;       /* and is said to have grown up to here */
    struct wd_seqset uids; /* what the client knows */
    struct wd_seqset arrived, gone; /* what it does not know yet */
    struct WD_VEC(struct imap_changed) changed;
};

/* What may be told at a moment. */
enum imap_tell {
    IMAP_TELL_EXISTS = 1,
    IMAP_TELL_FLAGS = 2,
    IMAP_TELL_EXPUNGE = 4,
    IMAP_TELL_ALL = 7,
    IMAP_TELL_MODSEQ = 8, /* CONDSTORE is on: flags come with their MODSEQ */
};

struct imap_view *imap_view_new(void);
/** NULL is fine. */
void imap_view_free(struct imap_view *v);

/** A row of the journal: what it says is kept for imap_view_tell(). Repeats and own changes are recognised. */
void imap_view_arrived(struct imap_view *v, uint32_t uid);
void imap_view_gone(struct imap_view *v, uint32_t uid);
void imap_view_flags(struct imap_view *v, uint32_t uid, uint64_t modseq, unsigned system,
                     const ProtobufCBinaryData *keywords, size_t n);
/** After a loss of the journal: `now` is what the mailbox holds. */
void imap_view_replace(struct imap_view *v, const struct wd_seqset *now);
/** An own command changed the mailbox at this MODSEQ: when it follows what was read, nothing needs to be read again. */
void imap_view_own(struct imap_view *v, uint64_t modseq);
/** The journal is said to have grown. */
void imap_view_beacon(struct imap_view *v, uint64_t modseq);
/** Is there something in the journal that was not read? */
bool imap_view_behind(const struct imap_view *v);

/** Writes what is allowed (enum imap_tell) of what is kept, and applies it. */
void imap_view_tell(struct imap_view *v, unsigned what, struct wd_buf *out);
/** Writes one EXPUNGE for each of these UIDs that the client knows, in ascending order, and applies them. */
void imap_view_expunge(struct imap_view *v, const struct wd_seqset *uids, struct wd_buf *out);
/** Writes "* n EXISTS". */
void imap_view_write_exists(const struct imap_view *v, struct wd_buf *out);

/** Turns a set (sequence numbers, or UIDs) into ranges of UIDs of this view; between the ends of a range may lie UIDs
 *  that it does not have. *out must be empty. */
void imap_view_resolve(struct imap_view *v, struct wd_str set, bool by_uid, struct wd_seqset *out);
/** The sequence number of a UID; 0 when the client does not know it. */
uint32_t imap_view_number(struct imap_view *v, uint32_t uid);
/** Writes a set of UIDs that the client knows as sequence numbers ("1:5,9"). */
void imap_view_write_numbers(struct imap_view *v, const struct wd_seqset *uids, struct wd_buf *out);
#endif
