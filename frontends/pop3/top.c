#include "frontends/pop3/top.h"

/* A line has ended. */
static void
count_line(struct pop3_top *t)
{
    if (t->in_body)
        t->lines--;
    else
        t->in_body = t->line != TOP_LINE_TEXT;
    t->line = TOP_LINE_EMPTY;
    t->done = t->in_body && t->lines == 0;
}

static void
note_text(struct pop3_top *t, struct wd_str text)
{
    if (text.n == 0)
        return;
    t->line = t->line == TOP_LINE_EMPTY && text.n == 1 && text.p[0] == '\r' ? TOP_LINE_CR : TOP_LINE_TEXT;
}

size_t
pop3_top_feed(struct pop3_top *t, struct wd_str piece)
{
    size_t at = 0;

    while (at < piece.n && !t->done) {
        const char *lf = memchr(piece.p + at, '\n', piece.n - at);
        size_t end = lf ? (size_t)(lf - piece.p) : piece.n;

        note_text(t, wd_str_part(piece, at, end));
        if (lf)
            count_line(t);
        at = lf ? end + 1 : end;
    }
    return at;
}
