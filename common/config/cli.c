/* The command line that every daemon has. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/config/config.h"

static const char *const type_names[] = {
    [WD_CONFIG_STRING] = "string", [WD_CONFIG_INT] = "number",          [WD_CONFIG_BOOL] = "true or false",
    [WD_CONFIG_LIST] = "list",     [WD_CONFIG_TABLES] = "array of tables",
};

static void
print_key(const struct wd_config_key *k)
{
    printf("  %-28s %s", k->name, k->help ? k->help : "");
    if (k->initial && k->initial[0])
        printf(" [%s]", k->initial);
    printf(" (%s)\n", type_names[k->type]);
}

static _Noreturn void
print_help(const char *program, const struct wd_config_key *const *tables)
{
    printf("usage: %s [OPTION]…\n\n"
           "  --config FILE      read options from a TOML file\n"
           "  --set KEY=VALUE    set one option, after the file and the environment\n"
           "  --check-config     check the configuration and exit\n"
           "  --print-config     print the merged configuration and exit\n"
           "  --version          print the version and exit\n"
           "  --help             print this and exit\n\n"
           "Options in the file, as --set, or in the environment (imap.port: WD_IMAP_PORT):\n\n",
           program);
    for (; *tables; tables++)
        for (const struct wd_config_key *k = *tables; k->name; k++)
            print_key(k);
    exit(0);
}

static _Noreturn void
print_version(const char *program)
{
    printf("%s %s\n", program, WD_VERSION);
    exit(0);
}

/* The value of an option that has one: "--config FILE" or "--config=FILE". NULL when the argument is another. */
static const char *
value_of(char **argv, int *i, const char *option, bool *missing)
{
    struct wd_str argument = wd_str_c(argv[*i]), name = wd_str_c(option);

    if (wd_str_eq(argument, name)) {
        *missing = argv[*i + 1] == NULL;
        return *missing ? NULL : argv[++*i];
    }
    if (wd_str_starts(argument, name) && argument.p[name.n] == '=')
        return argument.p + name.n + 1;
    return NULL;
}

/* One argument; false when it is none of ours. */
static bool
take_argument(struct wd_cli *cli, char **argv, int *i, size_t *overrides, bool *missing)
{
    const char *value;

    if ((value = value_of(argv, i, "--config", missing)))
        cli->sources.file = value;
    else if (!*missing && (value = value_of(argv, i, "--set", missing)))
        cli->overrides_[(*overrides)++] = value;
    else if (strcmp(argv[*i], "--check-config") == 0)
        cli->check_only = true;
    else if (strcmp(argv[*i], "--print-config") == 0)
        cli->print_config = true;
    else
        return false;
    return true;
}

bool
wd_cli_parse(int argc, char **argv, const char *program, const struct wd_config_key *const *tables,
             struct wd_cli *out, struct wd_error *err)
{
    struct wd_cli cli = { .check_only = false };
    size_t overrides = 0;

    cli.overrides_ = wd_alloc(((size_t)argc + 1) * sizeof(const char *));
    for (int i = 1; i < argc; i++) {
        bool missing = false;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            print_help(program, tables);
        if (strcmp(argv[i], "--version") == 0)
            print_version(program);
        if (!take_argument(&cli, argv, &i, &overrides, &missing)) {
            wd_fail(err, WD_INVALID, missing ? "%s needs a value" : "unknown option %s; try --help", argv[i]);
            free(cli.overrides_);
            return false;
        }
    }
    cli.sources.overrides = cli.overrides_;
    *out = cli;
    return true;
}

void
wd_cli_done(struct wd_cli *cli)
{
    free(cli->overrides_);
    *cli = (struct wd_cli){ .check_only = false };
}
