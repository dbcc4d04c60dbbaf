/* frontends/wd/children.h – which programs a node runs, and with which options. */
#ifndef WD_CLI_CHILDREN_H
#define WD_CLI_CHILDREN_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/config/config.h"
#include "frontends/wd/args.h"
#include "frontends/wd/supervise.h"

/* What the person said. */
struct node {
    const char *data_dir;      /* absolute */
    const char *config_file;   /* absolute, or NULL */
    struct cli_words overrides; /* KEY=VALUE */
    const struct wd_config *config; /* of node_keys */
};

/** The keys that the supervisor reads itself; ends with .name == NULL. */
extern const struct wd_config_key node_keys[];

/** The overrides that node_keys has, ended by NULL, for wd_config_load(). */
const char *const *node_own_overrides(struct wd_arena *a, const struct cli_words *overrides);
/** False with the key's name for an override that no program of the node has. */
bool node_check_overrides(const struct cli_words *overrides, struct wd_error *err) WD_CHECKED;

/** The command lines, the store's first; *n of them. WD_INVALID when a program is missing beside our own. */
bool node_children(struct wd_arena *a, const struct node *node, struct supervised out[SUPERVISED_MAX], size_t *n,
                   struct wd_error *err) WD_CHECKED;
#endif
