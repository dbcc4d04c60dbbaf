#include "frontends/imap/search.h"

#include "tests/unit/frontends/imap/harness.h"

static const char *const key_names[] = { "",       "AND",         "OR",         "NOT",    "ALL",     "UIDS", "FLAG",
                                         "KEYWORD", "BEFORE",     "SINCE",      "SENT_BEFORE", "SENT_SINCE", "LARGER",
                                         "SMALLER", "HEADER",     "BODY",       "TEXT",   "MODSEQ",  "NONE" };

static void
describe_node(const struct imap_search_node *n, struct wd_buf *out)
{
    wd_buf_c(out, key_names[n->key]);
    if (n->key <= WD__V1__SEARCH_NODE__KEY__NOT)
        wd_buf_printf(out, "%u", n->count);
    if (n->number)
        wd_buf_printf(out, "=%lld", (long long)n->number);
    if (n->name.n)
        wd_buf_printf(out, "<%.*s>", WD_FMT(n->name));
    if (n->text.p)
        wd_buf_printf(out, "<%.*s>", WD_FMT(n->text));
    if (n->set.n)
        wd_buf_printf(out, "%s{%.*s}", n->set_of_uids ? "U" : "", WD_FMT(n->set));
}

static bool
describe(const char *program, struct wd_buf *out)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct imap_lex l = { 0 };
    struct imap_parse p = { .lex = &l, .at = 2, .arena = a };
    struct imap_search s;
    bool good = tokens_of(&l, wd_arena_printf(a, "a SEARCH %s", program)) && imap_search_parse(&p, &s);

    for (size_t i = 0; good && i < s.n; i++) {
        if (i)
            wd_buf_chr(out, ' ');
        describe_node(&s.nodes[i], out);
    }
    wd_buf_chr(out, '\0');
    imap_lex_reset(&l);
    return good;
}

static const struct {
    const char *program, *out; /* NULL: BAD */
} cases[] = {
    { "ALL", "AND1 ALL" },
    { "SEEN UNSEEN", "AND2 FLAG=16 NOT1 FLAG=16" },
    { "NOT SEEN", "AND1 NOT1 FLAG=16" },
    { "NOT NOT SEEN", "AND1 NOT1 NOT1 FLAG=16" },
    { "OR SEEN DELETED ALL", "AND2 OR2 FLAG=16 FLAG=8 ALL" },
    { "OR (SEEN DRAFT) DELETED", "AND1 OR2 AND2 FLAG=16 FLAG=4 FLAG=8" },
    { "NOT (SEEN DELETED)", "AND1 NOT1 AND2 FLAG=16 FLAG=8" },
    { "OR OR SEEN DRAFT NOT (1 2)", "AND1 OR2 OR2 FLAG=16 FLAG=4 NOT1 AND2 UIDS{1} UIDS{2}" },
    { "((SEEN))", "AND1 AND1 AND1 FLAG=16" },
    { "UID 1:5,* 7", "AND2 UIDSU{1:5,*} UIDS{7}" },
    { "CHARSET x-foo SUBJECT \"a b\"", "AND1 HEADER<subject><a b>" },
    { "NOT CHARSET utf-8 SEEN", "AND1 NOT1 FLAG=16" },
    { "FROM {2+}\r\nxy", "AND1 HEADER<from><xy>" },
    { "HEADER X-Y \"\"", "AND1 HEADER<X-Y><>" },
    { "TEXT foo BODY bar", "AND2 TEXT<foo> BODY<bar>" },
    { "KEYWORD foo UNKEYWORD bar", "AND2 KEYWORD<foo> NOT1 KEYWORD<bar>" },
    { "NEW OLD RECENT", "AND3 NONE ALL NONE" },
    { "LARGER 10 SMALLER 20", "AND2 LARGER=10 SMALLER=20" },
    { "BEFORE 2-Jan-1970", "AND1 BEFORE=86400000" },
    { "ON 2-Jan-1970", "AND1 AND2 SINCE=86400000 BEFORE=172800000" },
    { "NOT SENTON \"2-Jan-1970\"", "AND1 NOT1 AND2 SENT_SINCE=86400000 SENT_BEFORE=172800000" },
    { "SENTSINCE 2-Jan-1970 SENTBEFORE 3-Jan-1970", "AND2 SENT_SINCE=86400000 SENT_BEFORE=172800000" },
    { "MODSEQ 620", "AND1 MODSEQ=620" },
    { "MODSEQ \"/flags/\\\\draft\" all 620", "AND1 MODSEQ=620" },
    { "", NULL },
    { "FOO", NULL },
    { "NOT", NULL },
    { "OR SEEN", NULL },
    { "OR SEEN (DRAFT", NULL },
    { "()", NULL },
    { "(SEEN NOT)", NULL },
    { "(OR SEEN) DRAFT", NULL },
    { "SUBJECT", NULL },
    { "LARGER x", NULL },
    { "LARGER 99999999999", NULL },
    { "BEFORE 32-Jan-2000", NULL },
    { "UID 0", NULL },
    { "1,,2", NULL },
    { "MODSEQ", NULL },
    { "\"ALL\"", NULL },
    { "RETURN (ALL) ALL", NULL },
};

START_TEST(programs)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    if (describe(cases[_i].program, &out) != (cases[_i].out != NULL))
        ck_abort_msg("%s is %s", cases[_i].program, cases[_i].out ? "refused" : "taken");
    if (cases[_i].out)
        ck_assert_str_eq(out.p, cases[_i].out);
}
END_TEST

static bool
repeated(const char *word, size_t count, const char *end)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 }, out wd_auto(wd_buf_done) = { 0 };

    for (size_t i = 0; i < count; i++)
        wd_buf_c(&text, word);
    wd_buf_c(&text, end);
    wd_buf_chr(&text, '\0');
    return describe(text.p, &out);
}

START_TEST(limits)
{
    ck_assert(repeated("NOT ", IMAP_SEARCH_DEPTH_MAX - 1, "SEEN"));
    ck_assert(!repeated("NOT ", IMAP_SEARCH_DEPTH_MAX, "SEEN"));
    ck_assert(repeated("SEEN ", IMAP_SEARCH_NODES_MAX - 1, ""));
    ck_assert(!repeated("SEEN ", IMAP_SEARCH_NODES_MAX, ""));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("search");

    tcase_add_loop_test(t, programs, 0, (int)WD_COUNT(cases));
    tcase_add_test(t, limits);
    return run_case("imap search", t);
}
