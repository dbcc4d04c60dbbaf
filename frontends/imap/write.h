/* frontends/imap/write.h – writers of the pieces of answers, which quote what must be quoted. */
#ifndef WD_IMAP_WRITE_H
#define WD_IMAP_WRITE_H
#include <protobuf-c/protobuf-c.h>

#include "common/base/buf.h"

/** An atom when it can be one, otherwise as _string. */
void imap_write_astring(struct wd_buf *out, struct wd_str s);
/** Always with quotes or as a literal: CR, LF and very long text need one; NUL is left out. 8-bit bytes stay. */
void imap_write_string(struct wd_buf *out, struct wd_str s);
/** A mailbox name in quotes: modified UTF-7 unless utf8 is on. */
void imap_write_mailbox(struct wd_buf *out, struct wd_str utf8_name, bool utf8);
/** "(\Answered \Seen keyword)" */
void imap_write_flags(struct wd_buf *out, unsigned system, const ProtobufCBinaryData *keywords, size_t n);
/** Text behind a status word: control bytes and 8-bit are replaced, at most 200 bytes. */
void imap_write_text(struct wd_buf *out, struct wd_str s);

/** The bytes of a protobuf field. */
struct wd_str imap_pb(ProtobufCBinaryData d);
/** A protobuf field that borrows the bytes. */
ProtobufCBinaryData imap_to_pb(struct wd_str s);
#endif
