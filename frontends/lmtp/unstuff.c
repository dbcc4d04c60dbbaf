#include "frontends/lmtp/unstuff.h"

/* The text from p: up to the end of the first line that CRLF ends, or to the end of the input. */
static const char *
skip_text(struct lmtp_unstuff *u, const char *p, const char *end)
{
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        bool crlf;

        if (!lf) {
            u->after_cr = end[-1] == '\r';
            return end;
        }
        crlf = lf > p ? lf[-1] == '\r' : u->after_cr;
        u->after_cr = false;
        p = lf + 1;
        if (crlf) {
            u->state = UNSTUFF_LINE_START;
            return p;
        }
    }
    return p;
}

size_t
lmtp_unstuff(struct lmtp_unstuff *u, struct wd_str in, struct wd_buf *out)
{
    const char *p = in.p, *end = in.p + in.n, *kept = in.p; /* from kept to p: seen, not yet appended */

    while (p < end && u->state != UNSTUFF_END) {
        switch (u->state) {
        case UNSTUFF_TEXT:
            p = skip_text(u, p, end);
            break;
        case UNSTUFF_LINE_START:
            if (*p != '.') {
                u->state = UNSTUFF_TEXT;
                break;
            }
            wd_buf_add(out, kept, (size_t)(p - kept));
            kept = ++p;
            u->state = UNSTUFF_DOT;
            break;
        case UNSTUFF_DOT:
            if (*p != '\r') {
                u->state = UNSTUFF_TEXT;
                break;
            }
            kept = ++p;
            u->state = UNSTUFF_DOT_CR;
            break;
        case UNSTUFF_DOT_CR:
            if (*p == '\n') {
                kept = ++p;
                u->state = UNSTUFF_END;
                break;
            }
            wd_buf_chr(out, '\r');
            u->after_cr = true;
            u->state = UNSTUFF_TEXT;
            break;
        case UNSTUFF_END:
            break;
        }
    }
    wd_buf_add(out, kept, (size_t)(p - kept));
    return (size_t)(p - in.p);
}
