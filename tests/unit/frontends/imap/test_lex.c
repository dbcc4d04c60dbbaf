#include "frontends/imap/lex.h"

#include "tests/unit/frontends/imap/harness.h"

static const char *const results[] = { "MORE", "LITERAL", "LINE", "BAD", "TOO_LONG" };
static const char *const types[] = { "a", "q", "l", "(", ")", "[", "]" };

/* Feeds the text in pieces of `step` bytes (0: cut once at `cut`), accepting literals of at most 100 bytes, and writes
 * down everything that comes out. */
static void
run(struct wd_str text, size_t cut, size_t step, struct wd_buf *log)
{
    struct imap_lex l = { 0 };
    size_t at = 0;

    while (at < text.n) {
        size_t to = step ? at + step : at < cut ? cut : text.n, used = 0;
        enum imap_lex_result r = imap_lex_feed(&l, wd_str_part(text, at, to), &used);
        at += used;
        if (r == IMAP_LEX_MORE)
            continue;
        wd_buf_printf(log, "%s", results[r]);
        if (r == IMAP_LEX_LITERAL) {
            wd_buf_printf(log, "%llu%s%s ", (unsigned long long)l.literal_size, l.literal_sync ? "" : "+",
                          l.literal_binary ? "~" : "");
            if (l.literal_size <= 100)
                imap_lex_accept(&l);
            else if (!imap_lex_refuse(&l))
                imap_lex_reset(&l);
            continue;
        }
        for (size_t i = 0; i < l.tokens.n && r == IMAP_LEX_LINE; i++)
            wd_buf_printf(log, " %s<%.*s>", types[l.tokens.p[i].type], WD_FMT(imap_lex_text(&l, i)));
        wd_buf_c(log, "\n");
        imap_lex_reset(&l);
        if (r == IMAP_LEX_TOO_LONG)
            break;
    }
    wd_buf_chr(log, '\0');
    imap_lex_reset(&l);
}

static const struct {
    const char *text, *log;
} cases[] = {
    { "a NOOP\r\n", "LINE a<a> a<NOOP>\n" },
    { "a NOOP\n", "LINE a<a> a<NOOP>\n" },
    { "a  LIST   \"\"  *\r\n", "LINE a<a> a<LIST> q<> a<*>\n" },
    { "\r\n", "LINE\n" },
    { "a LOGIN \"x y\" \"q\\\"\\\\z\"\r\n", "LINE a<a> a<LOGIN> q<x y> q<q\"\\z>\n" },
    { "a LOGIN {3}\r\nfoo {4}\r\nb r!\r\n", "LITERAL3 LITERAL4 LINE a<a> a<LOGIN> l<foo> l<b r!>\n" },
    { "a LOGIN {3+}\r\nfoo {0-}\r\n\r\n", "LITERAL3+ LITERAL0+ LINE a<a> a<LOGIN> l<foo> l<>\n" },
    { "a LOGIN {0}\r\n x\r\n", "LITERAL0 LINE a<a> a<LOGIN> l<> a<x>\n" },
    { "a APPEND x UTF8 (~{2}\r\nhi)\r\n", "LITERAL2~ LINE a<a> a<APPEND> a<x> a<UTF8> (<> l<hi> )<>\n" },
    { "a STORE 1 +FLAGS (\\Seen $x)\r\n", "LINE a<a> a<STORE> a<1> a<+FLAGS> (<> a<\\Seen> a<$x> )<>\n" },
    { "a FETCH 1 BODY[]\r\n", "LINE a<a> a<FETCH> a<1> a<BODY> [<> ]<>\n" },
    { "a FETCH 1 (BODY.PEEK[HEADER.FIELDS (A \"b\")]<0.9> UID)\r\n",
      "LINE a<a> a<FETCH> a<1> (<> a<BODY.PEEK> [<> a<HEADER.FIELDS> (<> a<A> q<b> )<> ]<> a<<0.9>> a<UID> )<>\n" },
    { "a UID FETCH 1 body[1.TEXT]\r\n", "LINE a<a> a<UID> a<FETCH> a<1> a<body> [<> a<1.TEXT> ]<>\n" },
    { "a SELECT BODY[x]\r\n", "LINE a<a> a<SELECT> a<BODY[x]>\n" },
    { "a LIST \"\" INBOX*\r\n", "LINE a<a> a<LIST> q<> a<INBOX*>\n" },
    { "+*a NOOP\r\n", "LINE a<+*a> a<NOOP>\n" },
    /* what is wrong ends with its line, and the next command is read */
    { "a LOGIN \"x\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a FOO (x\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a FOO x)\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN \"x\"\"y\"\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN \xc3\xa9 y\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN \"\xc3\xa9\" y\r\n", "LINE a<a> a<LOGIN> q<\xc3\xa9> a<y>\n" },
    { "a LOGIN {} x\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN {99999999999999999999}\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN {3}x\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a FETCH 1 BODY[1 (\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a FETCH 1 BODY[1)\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    /* literals of what is wrong are thrown away when the client does not wait */
    { "a \x01 {3+}\r\nx y z {1-}\r\n\n\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a \x01 {3}\r\nb NOOP\r\n", "BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN {101+}\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
      "456789\n x\r\nb NOOP\r\n",
      "LITERAL101+ BAD\nLINE a<b> a<NOOP>\n" },
    { "a LOGIN {101}\r\nb NOOP\r\n", "LITERAL101 LINE a<b> a<NOOP>\n" },
    { "a \x01 {999999999+}\r\n", "TOO_LONG\n" },
};

START_TEST(every_cut_gives_the_same)
{
    struct wd_str text = wd_str_c(cases[_i].text);

    for (size_t cut = 0; cut <= text.n; cut++) {
        struct wd_buf log wd_auto(wd_buf_done) = { 0 };
        run(text, cut, 0, &log);
        if (strcmp(log.p, cases[_i].log) != 0)
            ck_abort_msg("cut at %zu of %s: %s", cut, cases[_i].text, log.p);
    }
    {
        struct wd_buf log wd_auto(wd_buf_done) = { 0 };
        run(text, 0, 1, &log);
        ck_assert_str_eq(log.p, cases[_i].log);
    }
}
END_TEST

/* `count` times the character, with something before and behind. */
static enum imap_lex_result
feed_many(const char *before, char c, size_t count, const char *behind)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct imap_lex l = { 0 };
    enum imap_lex_result r;
    size_t used;

    wd_buf_c(&text, before);
    for (size_t i = 0; i < count; i++)
        wd_buf_chr(&text, c);
    wd_buf_c(&text, behind);
    r = imap_lex_feed(&l, wd_buf_view(&text), &used);
    imap_lex_reset(&l);
    return r;
}

START_TEST(limits)
{
    ck_assert_int_eq(feed_many("a ", 'x', IMAP_LINE_MAX - 4, "\r\n"), IMAP_LEX_LINE);
    ck_assert_int_eq(feed_many("a ", 'x', IMAP_LINE_MAX - 1, "\r\n"), IMAP_LEX_TOO_LONG);
    ck_assert_int_eq(feed_many("a \x01", 'x', IMAP_LINE_MAX, "\r\n"), IMAP_LEX_TOO_LONG);
    ck_assert_int_eq(feed_many("a X ", '(', IMAP_DEPTH_MAX, "\r\n"), IMAP_LEX_BAD);
    ck_assert_int_eq(feed_many("a X ", '(', IMAP_DEPTH_MAX + 1, "\r\n"), IMAP_LEX_BAD);
}
END_TEST

START_TEST(streamed_literal_is_an_empty_token)
{
    struct wd_str text = WD_STR("a APPEND x {5}\r\nhello\r\n");
    struct imap_lex l = { 0 };
    size_t used, at;

    ck_assert_int_eq(imap_lex_feed(&l, text, &used), IMAP_LEX_LITERAL);
    ck_assert_uint_eq(l.literal_size, 5);
    at = used + 5; /* the owner took the bytes */
    imap_lex_streamed(&l);
    ck_assert_int_eq(imap_lex_feed(&l, wd_str_part(text, at, text.n), &used), IMAP_LEX_LINE);
    ck_assert_uint_eq(l.tokens.n, 4);
    ck_assert_int_eq(l.tokens.p[3].type, IMAP_LITERAL);
    ck_assert_uint_eq(imap_lex_text(&l, 3).n, 0);
    imap_lex_reset(&l);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("lex");

    tcase_add_loop_test(t, every_cut_gives_the_same, 0, (int)WD_COUNT(cases));
    tcase_add_test(t, limits);
    tcase_add_test(t, streamed_literal_is_an_empty_token);
    return run_case("imap lex", t);
}
