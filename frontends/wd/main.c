/* wd: the command line of a wd installation, and its single-node supervisor (wd serve). */
#include <stdio.h>
#include <stdlib.h>

#include "common/log/log.h"
#include "frontends/wd/cli.h"

static bool help(struct cli *c, char **words);
static bool version(struct cli *c, char **words);

static const struct cli_command own_commands[] = {
    { "version", NULL, "", "print the version", 0, 0, version, NULL },
    { "help", NULL, "[COMMAND]", "print this, or how a command is used", 0, 2, help, NULL },
    { .noun = NULL },
};

static const struct cli_command *const all[] = {
    cli_serve_commands,   cli_user_commands,  cli_address_commands, cli_alias_commands,
    cli_mailbox_commands, cli_check_commands, cli_push_commands,    cli_import_commands,
    own_commands,         NULL,
};

static const char global_options[] = "Options of every command:\n"
                                     "  --data DIR          the node's directory [$WD_DATA]\n"
                                     "  --store URL         a store elsewhere: ipc://…, tcp://…, tls+tcp://…\n"
                                     "  --token-file FILE   the token for it [DIR/tokens/admin]\n";

static void
print_usage(FILE *to, const struct cli_command *k)
{
    fprintf(to, "usage: wd %s%s%s %s\n  %s\n", k->noun, k->verb ? " " : "", k->verb ? k->verb : "", k->usage, k->help);
}

/* Bytes that take no place on the screen. */
static int
hidden_bytes(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) == 0x80;
    return n;
}

static void
print_commands(FILE *to)
{
    char line[160];

    fputs("usage: wd COMMAND [ARGUMENT]…\n\n", to);
    for (const struct cli_command *const *table = all; *table; table++)
        for (const struct cli_command *k = *table; k->noun; k++) {
            snprintf(line, sizeof line, "%s%s%s %s", k->noun, k->verb ? " " : "", k->verb ? k->verb : "", k->usage);
            fprintf(to, "  wd %-*s  %s\n", 60 + hidden_bytes(line), line, k->help);
        }
    fprintf(to, "\n%s", global_options);
}

/* Commands whose noun and verb (if given) are these; prints their usage, returns how many. */
static unsigned
print_matching(FILE *to, const char *noun, const char *verb)
{
    unsigned n = 0;

    for (const struct cli_command *const *table = all; *table; table++)
        for (const struct cli_command *k = *table; k->noun; k++)
            if (strcmp(k->noun, noun) == 0 && (!verb || !k->verb || strcmp(k->verb, verb) == 0)) {
                print_usage(to, k);
                n++;
            }
    return n;
}

static bool
help(struct cli *c, char **words)
{
    if (!words[0])
        print_commands(stdout);
    else if (!print_matching(stdout, words[0], words[1]))
        return wd_fail(&c->err, WD_INVALID, "there is no command '%s'; try: wd help", words[0]);
    return true;
}

static bool
version(struct cli *c, char **words)
{
    (void)c, (void)words;
    printf("wd %s\n", WD_VERSION);
    return true;
}

/* *words moves behind the command's own words. */
static const struct cli_command *
find_command(char ***words)
{
    for (const struct cli_command *const *table = all; *table; table++)
        for (const struct cli_command *k = *table; k->noun; k++) {
            if (strcmp(k->noun, (*words)[0]) != 0)
                continue;
            if (!k->verb || ((*words)[1] && strcmp(k->verb, (*words)[1]) == 0)) {
                *words += k->verb ? 2 : 1;
                return k;
            }
        }
    return NULL;
}

static int
no_command(const char *noun)
{
    if (print_matching(stderr, noun, NULL))
        return 2;
    fprintf(stderr, "wd: there is no command '%s'; try: wd help\n", noun);
    return 2;
}

static int
run(struct cli *c, char **argv)
{
    struct cli_words words = { 0 };
    struct cli_option globals[] = {
        { .name = "--data", .value = &c->data },
        { .name = "--store", .value = &c->store },
        { .name = "--token-file", .value = &c->token_file },
        { .name = NULL },
    };
    static const struct cli_option no_options[] = { { .name = NULL } };
    const struct cli_option *tables[] = { globals, no_options, NULL };
    bool ok;

    c->command = find_command(&argv);
    if (!c->command)
        return no_command(argv[0]);
    if (c->command->options)
        tables[1] = c->command->options;
    if (!cli_args(argv, tables, &words, &c->err) || words.n < c->command->least || words.n > c->command->most) {
        if (c->err.text[0])
            fprintf(stderr, "wd: %s\n", c->err.text);
        print_usage(stderr, c->command);
        wd_vec_done(&words);
        return 2;
    }
    wd_vec_push(&words, NULL);
    ok = c->command->run(c, words.p);
    if (!ok)
        fprintf(stderr, "wd: %s\n", c->err.text);
    wd_vec_done(&words);
    return ok ? c->exit_code : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    static const struct wd_log_options quiet = { .level = WD_LOG_ERROR, .program = "wd" };
    struct cli c = { 0 };
    int code;

    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_commands(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        return version(NULL, NULL) ? 0 : 1;
    wd_log_init(&quiet);
    c.arena = wd_arena_new(0);
    code = run(&c, argv + 1);
    cli_done(&c);
    return code;
}
