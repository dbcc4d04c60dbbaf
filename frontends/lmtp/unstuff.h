/* frontends/lmtp/unstuff.h – takes the dots of DATA away (RFC 5321 §4.5.2), in pieces, byte for byte.
 *
 * Only CRLF ends a line here: a dot after a bare LF is content, and LF "." LF does not end the message, so that nothing
 * can be smuggled behind a message that another server saw as one. */
#ifndef WD_LMTP_UNSTUFF_H
#define WD_LMTP_UNSTUFF_H
#include "common/base/buf.h"

enum lmtp_unstuff_state { UNSTUFF_LINE_START, UNSTUFF_TEXT, UNSTUFF_DOT, UNSTUFF_DOT_CR, UNSTUFF_END };

struct lmtp_unstuff {
    enum lmtp_unstuff_state state;
    bool after_cr; /* the last byte of the text so far was CR */
}; /* { 0 } is the start of a message */

/**
 * Reads from `in` and appends the message's bytes to `out`: at most one more than it read. Stops behind the final
 * CRLF "." CRLF, and then u->state is UNSTUFF_END. Returns how many bytes it read.
 */
size_t lmtp_unstuff(struct lmtp_unstuff *u, struct wd_str in, struct wd_buf *out);
#endif
