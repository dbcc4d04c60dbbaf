/* common/config/config_priv.h – the inside of a configuration, shared by config.c and print.c. */
#ifndef WD_CONFIG_PRIV_H
#define WD_CONFIG_PRIV_H
#include "common/base/arena.h"
#include "common/base/vec.h"
#include "common/config/config.h"

struct config_field {
    const char *name, *text;
};

struct config_row {
    struct WD_VEC(struct config_field) fields;
};

/* A key of a table and its present value. */
struct config_slot {
    const struct wd_config_key *key;
    bool is_set;
    const char *text; /* STRING; NULL: unset */
    long long number; /* INT, BOOL */
    const char **items; /* LIST, ended by NULL */
    size_t n;
    struct WD_VEC(struct config_row) rows; /* TABLES */
};

struct wd_config {
    struct wd_arena *arena; /* every string */
    struct WD_VEC(struct config_slot) slots;
};
#endif
