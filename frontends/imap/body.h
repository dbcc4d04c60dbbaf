/* frontends/imap/body.h – ENVELOPE and BODYSTRUCTURE (RFC 3501 §7.4.2) from what the store says of a message. */
#ifndef WD_IMAP_BODY_H
#define WD_IMAP_BODY_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "wd/v1/messages.pb-c.h"

enum imap_body_flag {
    IMAP_BODY_UTF8 = 1,     /* UTF8=ACCEPT: text goes out as it is */
    IMAP_BODY_EXTENDED = 2, /* BODYSTRUCTURE, not BODY */
};

/** Writes "(date subject from …)"; NULL: all NIL. The arena holds what is re-encoded. */
void imap_write_envelope(struct wd_buf *out, struct wd_arena *a, const Wd__V1__Envelope *e, unsigned flags);
/** Writes the tree of parts, which comes as a list with depths. */
void imap_write_body(struct wd_buf *out, struct wd_arena *a, Wd__V1__BodyPart *const *parts, size_t n,
                     unsigned flags);
#endif
