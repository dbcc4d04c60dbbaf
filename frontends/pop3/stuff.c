#include "frontends/pop3/stuff.h"

/* Where the line that goes on at `from` ends in the piece: behind its LF, or at the end of the piece. */
static size_t
line_end(struct pop3_stuff *s, struct wd_str piece, size_t from)
{
    const char *lf = memchr(piece.p + from, '\n', piece.n - from);
    size_t end = lf ? (size_t)(lf - piece.p) : piece.n;
    bool cr = end > from ? piece.p[end - 1] == '\r' : s->at == STUFF_AFTER_CR;

    if (!lf) {
        s->at = cr ? STUFF_AFTER_CR : STUFF_IN_LINE;
        return piece.n;
    }
    s->at = cr ? STUFF_LINE_START : STUFF_AFTER_LF;
    return end + 1;
}

void
pop3_stuff_add(struct pop3_stuff *s, struct wd_str piece, struct evbuffer *out)
{
    size_t begun = 0; /* what of the piece is not written yet */

    for (size_t at = 0; at < piece.n; at = line_end(s, piece, at)) {
        if ((s->at != STUFF_LINE_START && s->at != STUFF_AFTER_LF) || piece.p[at] != '.')
            continue;
        evbuffer_add(out, piece.p + begun, at + 1 - begun); /* with the dot, which comes again */
        begun = at;
    }
    evbuffer_add(out, piece.p + begun, piece.n - begun);
}

void
pop3_stuff_end(struct pop3_stuff *s, struct evbuffer *out)
{
    if (s->at == STUFF_LINE_START)
        evbuffer_add(out, ".\r\n", 3);
    else
        evbuffer_add(out, "\r\n.\r\n", 5);
}
