/* frontends/lmtp/reply.h – reply lines: code, enhanced status code (RFC 2034), text. */
#ifndef WD_LMTP_REPLY_H
#define WD_LMTP_REPLY_H
#include "common/base/buf.h"
#include "common/base/error.h"

enum { LMTP_REPLY_MAX = 512 }; /* bytes of a reply line, its CRLF included (RFC 5321 §4.5.3.1.5) */

/** Appends "code enhanced text" CRLF; enhanced may be NULL. What is no printable ASCII becomes '?', so that no byte of
 *  a peer can end the line or start another one; the text is cut to fit. */
void lmtp_reply_add(struct wd_buf *out, int code, const char *enhanced, struct wd_str text);
/** The same with the codes that common/base/reasons.def has for the reason. */
void lmtp_reply_reason(struct wd_buf *out, enum wd_reason reason, struct wd_str text);
/** For a failure of the store, which is never the fault of the sender or the recipient: always a 4xx. */
void lmtp_reply_failure(struct wd_buf *out, const struct wd_error *err);
#endif
