/* frontends/pop3/top.h – how much of a message TOP sends (RFC 1939 §7): header, empty line, so many lines of the body.
 * A line ends with LF, whatever is before it. */
#ifndef WD_POP3_TOP_H
#define WD_POP3_TOP_H
#include "common/base/str.h"

struct pop3_top {
    uint32_t lines; /* of the body that are still to come; set by the caller */
    bool in_body, done;
    enum { TOP_LINE_EMPTY, TOP_LINE_CR, TOP_LINE_TEXT } line; /* what the present one has so far */
};

/** How many bytes of the next piece belong to the answer; all of it unless *done. */
size_t pop3_top_feed(struct pop3_top *t, struct wd_str piece);
#endif
