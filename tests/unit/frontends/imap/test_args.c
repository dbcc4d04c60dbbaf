#include "frontends/imap/args.h"

#include "tests/unit/frontends/imap/harness.h"

/* Reads the arguments (everything behind the command's name) of a line by a grammar. */
static bool
parse(struct wd_arena *a, const char *grammar, const char *line, struct imap_args *out)
{
    struct imap_lex l = { 0 };
    struct imap_parse p = { .lex = &l, .at = 2, .arena = a };
    bool good = tokens_of(&l, wd_str_c(line)) && imap_args_parse(&p, grammar, out);

    imap_lex_reset(&l);
    return good;
}

static const struct {
    const char *grammar, *line;
    bool good;
} cases[] = {
    { "", "a NOOP", true },
    { "", "a NOOP x", false },
    { "user password", "a LOGIN joe \"a b\"", true },
    { "user password", "a LOGIN joe", false },
    { "user password", "a LOGIN joe x y", false },
    { "user password", "a LOGIN (joe) x", false },
    { "user password", "a LOGIN {3+}\r\njoe {1+}\r\nx", true },
    { "mailbox", "a SELECT inbox", true },
    { "mailbox", "a SELECT in*", false },
    { "mailbox", "a SELECT \"in*\"", true },
    { "mailbox", "a SELECT \"\xff\"", false },
    { "mailbox [select-parameters]", "a SELECT x (CONDSTORE)", true },
    { "mailbox [select-parameters]", "a SELECT x (QRESYNC (1 2 (3 4)))", true },
    { "mailbox [select-parameters]", "a SELECT x CONDSTORE", false },
    { "mailbox target", "a RENAME x y", true },
    { "mailbox target", "a RENAME x", false },
    { "[list-select] reference pattern [list-return]", "a LIST \"\" *", true },
    { "[list-select] reference pattern [list-return]", "a LIST () \"\" %", true },
    { "[list-select] reference pattern [list-return]", "a LIST (SPECIAL-USE) \"\" % RETURN (SPECIAL-USE)", true },
    { "[list-select] reference pattern [list-return]", "a LIST (SUBSCRIBED) \"\" %", false },
    { "[list-select] reference pattern [list-return]", "a LIST \"\" % RETURN (STATUS (MESSAGES))", false },
    { "[list-select] reference pattern [list-return]", "a LIST \"\" (% *)", false },
    { "mailbox status-items", "a STATUS x (MESSAGES UNSEEN)", true },
    { "mailbox status-items", "a STATUS x ()", false },
    { "mailbox status-items", "a STATUS x (SIZE)", false },
    { "mailbox status-items", "a STATUS x MESSAGES", false },
    { "set target", "a COPY 1:*,7 x", true },
    { "set target", "a COPY 1,2:4,* x", true },
    { "set target", "a COPY 0 x", false },
    { "set target", "a COPY 1: x", false },
    { "set target", "a COPY 1,,2 x", false },
    { "set target", "a COPY \"1\" x", false },
    { "set target", "a COPY 4294967296 x", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 FLAGS \\Seen", true },
    { "set [store-modifier] store-mode flags", "a STORE 1 flags.silent (\\seen foo $bar)", true },
    { "set [store-modifier] store-mode flags", "a STORE 1 +FLAGS ()", true },
    { "set [store-modifier] store-mode flags", "a STORE 1 -FLAGS foo bar", true },
    { "set [store-modifier] store-mode flags", "a STORE 1 +FLAGS", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 +FLAGS (\\Recent)", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 +FLAGS (\\Foo)", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 +FLAGS (\"x\")", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 *FLAGS x", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 (UNCHANGEDSINCE 0) FLAGS x", true },
    { "set [store-modifier] store-mode flags", "a STORE 1 (FOO 1) FLAGS x", false },
    { "set [store-modifier] store-mode flags", "a STORE 1 (UNCHANGEDSINCE) FLAGS x", false },
    { "set fetch-items [fetch-modifier]", "a FETCH 1 FLAGS (CHANGEDSINCE 12)", true },
    { "set fetch-items [fetch-modifier]", "a FETCH 1 (FLAGS UID) (CHANGEDSINCE 12 VANISHED)", false },
    { "mailbox [flag-list] [date-time] message", "a APPEND x", true }, /* up to the literal */
    { "mailbox [flag-list] [date-time] message", "a APPEND x (\\Seen) \" 1-Jan-2020 00:00:00 +0000\" {1+}\r\nx", true },
    { "mailbox [flag-list] [date-time] message", "a APPEND x UTF8 (~{1+}\r\nx)", true },
    { "mailbox [flag-list] [date-time] message", "a APPEND x (\\Foo) {1+}\r\nx", false },
    { "mailbox [flag-list] [date-time] message", "a APPEND x \"yesterday\" {1+}\r\nx", false },
    { "mailbox [flag-list] [date-time] message", "a APPEND x {1+}\r\nx {1+}\r\nx", false },
    { "mailbox [flag-list] [date-time] message", "a APPEND x text", false },
    { "id-list", "a ID NIL", true },
    { "id-list", "a ID (\"name\" \"x\" \"version\" NIL)", true },
    { "id-list", "a ID (\"name\")", false },
    { "id-list", "a ID", false },
    { "words", "a ENABLE CONDSTORE FOO", true },
    { "words", "a ENABLE", false },
    { "word anything", "a SETQUOTA \"\" (STORAGE 1)", true },
    { "word [initial]", "a AUTHENTICATE PLAIN", true },
    { "word [initial]", "a AUTHENTICATE PLAIN AGEAYg==", true },
    { "search", "a SEARCH ALL", true },
    { "search", "a SEARCH", false },
};

START_TEST(grammar)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct imap_args args = { 0 };

    if (parse(a, cases[_i].grammar, cases[_i].line, &args) != cases[_i].good)
        ck_abort_msg("%s is %s", cases[_i].line, cases[_i].good ? "refused" : "taken");
}
END_TEST

START_TEST(values)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct imap_args x = { 0 }, y = { 0 };

    ck_assert(parse(a, "mailbox status-items", "a STATUS /inBox/&AOk-/ (UNSEEN MESSAGES UNSEEN)", &x));
    ck_assert(wd_str_eq(x.mailbox, WD_STR("INBOX/\xc3\xa9")));
    ck_assert(wd_str_eq(x.mailbox_text, WD_STR("/inBox/&AOk-/")));
    ck_assert_uint_eq(x.status_n, 2);
    ck_assert_uint_eq(x.status[0], IMAP_STATUS_UNSEEN);
    ck_assert(parse(a, "set [store-modifier] store-mode flags",
                    "a STORE 1:2 (UNCHANGEDSINCE 9) -FLAGS.SILENT (\\SEEN \\flagged Foo foo)", &y));
    ck_assert_int_eq(y.mode, IMAP_STORE_REMOVE);
    ck_assert(y.silent && y.has_modseq);
    ck_assert_uint_eq(y.modseq, 9);
    ck_assert_uint_eq(y.system_flags, 16 | 2);
    ck_assert_uint_eq(y.keywords.n, 1);
    ck_assert(wd_str_eq(y.keywords.p[0], WD_STR("Foo")));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("args");

    tcase_add_loop_test(t, grammar, 0, (int)WD_COUNT(cases));
    tcase_add_test(t, values);
    return run_case("imap args", t);
}
