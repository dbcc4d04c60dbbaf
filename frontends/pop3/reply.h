/* frontends/pop3/reply.h – status lines: +OK or -ERR, a response code (RFC 2449 §8), text. */
#ifndef WD_POP3_REPLY_H
#define WD_POP3_REPLY_H
#include "common/base/buf.h"

enum { POP3_REPLY_MAX = 512 }; /* bytes of a status line, its CRLF included (RFC 2449 §4) */

/** Appends a status line; code may be NULL. What is no printable ASCII becomes '?', so that no byte from elsewhere can
 *  end the line; the text is cut to fit. */
void pop3_reply_add(struct wd_buf *out, bool ok, const char *code, struct wd_str text);
#endif
