#include "frontends/wd/args.h"

static const struct cli_option *
option_of(const struct cli_option *const *tables, struct wd_str name)
{
    for (; *tables; tables++)
        for (const struct cli_option *o = *tables; o->name; o++)
            if (wd_str_eq(wd_str_c(o->name), name))
                return o;
    return NULL;
}

/* *argv is at the option; afterwards at its last word. */
static bool
take_option(char ***argv, const struct cli_option *const *tables, struct wd_error *err)
{
    char *word = **argv, *equals = strchr(word, '='), *value;
    struct wd_str name = wd_str_n(word, equals ? (size_t)(equals - word) : strlen(word));
    const struct cli_option *o = option_of(tables, name);

    if (!o)
        return wd_fail(err, WD_INVALID, "there is no option %.*s here", WD_FMT(name));
    if (o->flag) {
        *o->flag = true;
        return !equals || wd_fail(err, WD_INVALID, "%s takes no value", o->name);
    }
    value = equals ? equals + 1 : *++*argv;
    if (!value)
        return wd_fail(err, WD_INVALID, "%s needs a value", o->name);
    if (o->value)
        *o->value = value;
    else
        wd_vec_push(o->values, value);
    return true;
}

bool
cli_args(char **argv, const struct cli_option *const *tables, struct cli_words *words, struct wd_error *err)
{
    bool options = true;

    for (; *argv; argv++) {
        if (!options || (*argv)[0] != '-' || !(*argv)[1])
            wd_vec_push(words, *argv);
        else if (strcmp(*argv, "--") == 0)
            options = false;
        else if (!take_option(&argv, tables, err))
            return false;
    }
    return true;
}
