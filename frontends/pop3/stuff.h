/* frontends/pop3/stuff.h – the body of a multi-line response (RFC 1939 §3), in pieces of any size.
 *
 * Only CRLF ends a line, but many clients read by LF: to them a dot alone between bare LFs would end the response, and
 * what follows in the message would be read as the next answers. So a dot is doubled after every LF. */
#ifndef WD_POP3_STUFF_H
#define WD_POP3_STUFF_H
#include <event2/buffer.h>

#include "common/base/str.h"

struct pop3_stuff {
    enum { STUFF_LINE_START, STUFF_IN_LINE, STUFF_AFTER_CR, STUFF_AFTER_LF } at; /* { 0 }: the start of a response */
};

/** Appends a piece with its dots doubled. */
void pop3_stuff_add(struct pop3_stuff *s, struct wd_str piece, struct evbuffer *out);
/** Appends the end: a CRLF first when the last line has none. */
void pop3_stuff_end(struct pop3_stuff *s, struct evbuffer *out);
#endif
