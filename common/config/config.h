/* common/config/config.h – options from TOML, the environment and the command line, by one table of keys per daemon.
 *
 * Order, later wins: the table's default, --config FILE, WD_<SECTION>_<KEY> (upper case, dots as underscores),
 * --set section.key=value. A key that is in no table is an error (with the nearest known name), except in the shared
 * sections of other daemons: one file may serve all of them. A table that reads a few keys of another daemon's section
 * says so with one more key, the section's name and a dot ("imap."): the section's other keys are then passed over.
 */
#ifndef WD_CONFIG_H
#define WD_CONFIG_H
#include <stdio.h>

#include "common/base/error.h"

enum wd_config_type { WD_CONFIG_STRING, WD_CONFIG_INT, WD_CONFIG_BOOL, WD_CONFIG_LIST, WD_CONFIG_TABLES };

struct wd_config_key {
    const char *name;    /* "imap.port" */
    enum wd_config_type type;
    const char *initial; /* as text; a list separated by commas; NULL: unset */
    long long min, max;  /* of an INT */
    const char *help;    /* one line, for --help and docs/config.md */
};

struct wd_config;

/** What the command line said, in order. */
struct wd_config_sources {
    const char *file;             /* --config, or NULL */
    const char *const *overrides; /* "section.key=value", ends with NULL; may be NULL */
};

/** Reads all sources. tables ends with NULL; each table ends with .name == NULL. WD_INVALID says file, line and key. */
struct wd_config *wd_config_load(const struct wd_config_key *const *tables, const struct wd_config_sources *from,
                                 struct wd_error *err);
/** NULL is fine. */
void wd_config_free(struct wd_config *c);

/** Values by key; a key that is in no table is our own bug (assert). Strings live as long as the configuration.
 *  _string is NULL when unset. */
const char *wd_config_string(const struct wd_config *c, const char *key);
long long wd_config_int(const struct wd_config *c, const char *key);
bool wd_config_bool(const struct wd_config *c, const char *key);
/** The elements, ended by NULL; *n may be NULL. */
const char *const *wd_config_list(const struct wd_config *c, const char *key, size_t *n);
/** Was it set by any source (not the default)? */
bool wd_config_is_set(const struct wd_config *c, const char *key);
/** Rows of an array of tables such as [[spamHeader]]: how many, and a string of one row (NULL: not there). */
size_t wd_config_rows(const struct wd_config *c, const char *key);
const char *wd_config_row_string(const struct wd_config *c, const char *key, size_t row, const char *field);

/** Writes the merged configuration as TOML (secrets as "***"). */
void wd_config_print(const struct wd_config *c, FILE *to);

/* The options that every daemon has on its command line. */
struct wd_cli {
    struct wd_config_sources sources;
    bool check_only;   /* --check-config */
    bool print_config; /* --print-config */
    const char **overrides_; /* owned */
};

/** Parses --config FILE, --set K=V, --check-config, --print-config, --help, --version; the last two print and exit(0).
 *  WD_INVALID for anything else. */
bool wd_cli_parse(int argc, char **argv, const char *program, const struct wd_config_key *const *tables,
                  struct wd_cli *out, struct wd_error *err);
void wd_cli_done(struct wd_cli *cli);
#endif
