/* tests/unit/frontends/imap/harness.h – what every test of the IMAP syntax does: a line to tokens. */
#ifndef WD_TEST_IMAP_HARNESS_H
#define WD_TEST_IMAP_HARNESS_H
#include "common/base/lifetime.h"
#include "frontends/imap/parse.h"
#include "tests/run.h"

/* "line" without its end becomes tokens; literals come without waiting. False when the lexer refuses it. */
static inline bool
tokens_of(struct imap_lex *l, struct wd_str line)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    size_t at = 0, used;

    wd_buf_str(&text, line);
    wd_buf_c(&text, "\r\n");
    for (;;) {
        enum imap_lex_result r = imap_lex_feed(l, wd_str_part(wd_buf_view(&text), at, text.n), &used);
        at += used;
        if (r != IMAP_LEX_LITERAL)
            return r == IMAP_LEX_LINE;
        imap_lex_accept(l);
    }
}
#endif
