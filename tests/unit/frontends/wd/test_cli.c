/* The parts of the command line that need no store: words, sizes, maildir names, LMTP's dots. */
#include <check.h>
#include <stdlib.h>

#include "common/mail/flags.h"
#include "frontends/wd/args.h"
#include "frontends/wd/children.h"
#include "frontends/wd/lmtp.h"
#include "frontends/wd/maildir.h"
#include "frontends/wd/sizes.h"
#include "tests/run.h"

static struct wd_arena *arena;
static struct wd_error err;
static char *name;
static bool flag;
static struct cli_words values, words;

static const struct cli_option options[] = {
    { .name = "--name", .value = &name },
    { .name = "--flag", .flag = &flag },
    { .name = "--set", .values = &values },
    { .name = NULL },
};
static const struct cli_option *const tables[] = { options, NULL };

static void
setup(void)
{
    arena = wd_arena_new(0);
    name = NULL;
    flag = false;
}

static void
teardown(void)
{
    wd_vec_done(&values);
    wd_vec_done(&words);
    wd_arena_free(arena);
}

static bool
parse(const char *line)
{
    char *argv[16] = { NULL };
    struct wd_str rest = wd_str_c(line), word;
    size_t n = 0;

    while (n < 15 && wd_str_split(&rest, ' ', &word)) {
        argv[n] = wd_arena_alloc(arena, word.n + 1);
        memcpy(argv[n++], word.p, word.n);
    }
    return cli_args(argv, tables, &words, &err);
}

START_TEST(options_and_words_may_mix)
{
    ck_assert(parse("one --flag two --name a --set x=1 --name=b - --set=y -- --name"));
    ck_assert(flag);
    ck_assert_str_eq(name, "b");
    ck_assert_uint_eq(values.n, 2);
    ck_assert_str_eq(values.p[1], "y");
    ck_assert_uint_eq(words.n, 4);
    ck_assert_str_eq(words.p[2], "-");
    ck_assert_str_eq(words.p[3], "--name");
}
END_TEST

START_TEST(wrong_options_are_named)
{
    static const char *const lines[] = { "--nam x", "a --name", "--flag=1", "-x" };

    for (size_t i = 0; i < WD_COUNT(lines); i++)
        ck_assert(!parse(lines[i]));
}
END_TEST

static const struct {
    const char *text;
    uint64_t bytes;
    const char *shown;
} sizes[] = {
    { "0", 0, "0 B" },
    { "1023", 1023, "1023 B" },
    { "1K", 1024, "1.0 KiB" },
    { "1.5g", 1610612736, "1.5 GiB" },
    { "20MiB", 20971520, "20.0 MiB" },
    { "3T", 3298534883328, "3.0 TiB" },
};

START_TEST(sizes_are_read_and_shown)
{
    uint64_t bytes;

    ck_assert(cli_size_read(sizes[_i].text, &bytes));
    ck_assert_uint_eq(bytes, sizes[_i].bytes);
    ck_assert_str_eq(cli_size(arena, bytes), sizes[_i].shown);
}
END_TEST

START_TEST(what_is_no_size)
{
    static const char *const texts[] = { "", "x", "-1", "1X", "1KK", "9999999999T", "nan" };
    uint64_t bytes;

    for (size_t i = 0; i < WD_COUNT(texts); i++)
        ck_assert_msg(!cli_size_read(texts[i], &bytes), "%s", texts[i]);
}
END_TEST

static const struct {
    const char *name, *key;
    unsigned flags;
    bool forwarded;
} names[] = {
    { "1700000000.M1P2.host", "1700000000.M1P2.host", 0, false },
    { "1700000000.M1P2.host:2,", "1700000000.M1P2.host", 0, false },
    { "1700000000.M1P2.host,S=12,W=13:2,FS", "1700000000.M1P2.host", WD_FLAG_FLAGGED | WD_FLAG_SEEN, false },
    { "1.x:2,DPRT", "1.x", WD_FLAG_DRAFT | WD_FLAG_ANSWERED | WD_FLAG_DELETED, true },
    { "1.x:1,FS", "1.x", 0, false },
    { "", "", 0, false },
};

START_TEST(flags_are_in_the_file_name)
{
    struct maildir_message m = { .size = 0 };

    maildir_name(wd_str_c(names[_i].name), &m);
    ck_assert(wd_str_eq(m.key, wd_str_c(names[_i].key)));
    ck_assert_uint_eq(m.flags, names[_i].flags);
    ck_assert(m.forwarded == names[_i].forwarded);
}
END_TEST

START_TEST(subfolders_are_mailboxes)
{
    ck_assert(wd_str_eq(maildir_path(arena, WD_STR(".A.B")), WD_STR("A/B")));
    ck_assert(wd_str_eq(maildir_path(arena, WD_STR(".Entw&APw-rfe")), WD_STR("Entwürfe")));
    ck_assert(wd_str_eq(maildir_path(arena, WD_STR(".Entwürfe")), WD_STR("Entwürfe")));
}
END_TEST

static const struct {
    const char *message, *sent;
} stuffed[] = {
    { "", "" },
    { "a\n.b\n..\n", "a\r\n..b\r\n...\r\n" },
    { "a\r\n.", "a\r\n..\r\n" },
    { "no end", "no end\r\n" },
    { "\n\n", "\r\n\r\n" },
};

START_TEST(dots_are_doubled_and_lines_end_with_crlf)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    cli_lmtp_stuff(&out, wd_str_c(stuffed[_i].message));
    ck_assert(wd_str_eq(wd_buf_view(&out), wd_str_c(stuffed[_i].sent)));
}
END_TEST

START_TEST(every_override_has_an_owner)
{
    static char known[] = "imap.port=1", root[] = "maxStorage=1", foreign[] = "imapx.port=1", no_value[] = "imap.port";
    char *all[] = { known, root };
    struct cli_words given = { all, 2, 2 };

    ck_assert(node_check_overrides(&given, &err));
    ck_assert_str_eq(node_own_overrides(arena, &given)[0], known);
    ck_assert_ptr_null(node_own_overrides(arena, &given)[1]);
    all[1] = foreign;
    ck_assert(!node_check_overrides(&given, &err));
    all[1] = no_value;
    ck_assert(!node_check_overrides(&given, &err));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("cli");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, options_and_words_may_mix);
    tcase_add_test(cases, wrong_options_are_named);
    tcase_add_loop_test(cases, sizes_are_read_and_shown, 0, (int)WD_COUNT(sizes));
    tcase_add_test(cases, what_is_no_size);
    tcase_add_loop_test(cases, flags_are_in_the_file_name, 0, (int)WD_COUNT(names));
    tcase_add_test(cases, subfolders_are_mailboxes);
    tcase_add_loop_test(cases, dots_are_doubled_and_lines_end_with_crlf, 0, (int)WD_COUNT(stuffed));
    tcase_add_test(cases, every_override_has_an_owner);
    return run_case("cli", cases);
}
