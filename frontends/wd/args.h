/* frontends/wd/args.h – the words behind a command: options with and without values, and what is left. */
#ifndef WD_CLI_ARGS_H
#define WD_CLI_ARGS_H
#include "common/base/error.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"

struct cli_words WD_VEC(char *);

/* One option; exactly one of the three is set. "--name VALUE" and "--name=VALUE" are the same. */
struct cli_option {
    const char *name;
    char **value;            /* the last one wins */
    bool *flag;              /* takes no value */
    struct cli_words *values; /* every one, in order */
};

/**
 * Sorts argv (which ends with NULL) into the options of the tables, each ended by .name == NULL, and the rest, which is
 * appended to *words. "--" ends the options; "-" is a word. tables ends with NULL. INVALID names the word.
 */
bool cli_args(char **argv, const struct cli_option *const *tables, struct cli_words *words,
              struct wd_error *err) WD_CHECKED;
#endif
