/* common/mail/utf7.h – modified UTF-7 of mailbox names (RFC 3501 §5.1.3). */
#ifndef WD_MAIL_UTF7_H
#define WD_MAIL_UTF7_H
#include "common/base/buf.h"

/** Appends the modified UTF-7 form of UTF-8 (bad bytes become U+FFFD). */
void wd_utf7_encode(struct wd_buf *out, struct wd_str utf8);
/** Appends the UTF-8 form; false when the text is not modified UTF-7 (raw 8-bit, broken base64, half surrogates). */
bool wd_utf7_decode(struct wd_buf *out, struct wd_str utf7);
#endif
