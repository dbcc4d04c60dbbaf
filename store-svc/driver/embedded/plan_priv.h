/* store-svc/driver/embedded/plan_priv.h – a filter as SQL over the columns, as far as it goes; the rest is checked
 * with wd_match on each row. */
#ifndef WD_DRIVER_EMBEDDED_PLAN_PRIV_H
#define WD_DRIVER_EMBEDDED_PLAN_PRIV_H
#include "common/base/vec.h"
#include "store-svc/driver/embedded/functions_priv.h"
#include "store-svc/driver/embedded/schema_priv.h"

/* How well a piece of SQL stands for a condition. */
enum em_cover {
    EM_COVER_NONE,  /* not at all: no SQL was added */
    EM_COVER_WEAK,  /* finds everything that matches, and more */
    EM_COVER_EXACT, /* finds exactly what matches */
};

struct em_bind {
    struct em_value value;
    struct em_list *list; /* owned; instead of the value */
};

struct em_plan {
    const struct em_coll *coll;
    const bson_t *filter; /* outlives the plan */
    struct wd_buf where;  /* over the table "c"; empty: everything */
    struct WD_VEC(struct em_bind) binds;
    struct wd_buf match; /* the FTS5 query that a bind borrows */
    bson_t rest;         /* the conditions that are checked in C */
    bool checks;         /* there are some */
    bool failed;
    struct wd_error *err;
};

struct em_mark {
    size_t where, binds;
};

/* ---- plan.c ---- */
/* Fills *p ({ 0 } before); em_plan_done either way. */
bool em_plan(struct em_plan *p, const struct em_coll *coll, const bson_t *filter, struct wd_error *err) WD_CHECKED;
void em_plan_done(struct em_plan *p);
void em_plan_bind(const struct em_plan *p, sqlite3_stmt *st, int first);
struct em_mark em_plan_mark(const struct em_plan *p);
void em_plan_rewind(struct em_plan *p, struct em_mark mark);
void em_plan_value(struct em_plan *p, const struct em_value *v);
void em_plan_text(struct em_plan *p, const char *text, size_t n);

/* ---- condition.c ---- */
enum em_cover em_condition(struct em_plan *p, const char *path, const bson_iter_t *condition, int depth);

/* ---- text.c ---- */
/* {$text: {$search: "..."}} */
enum em_cover em_text_condition(struct em_plan *p, const bson_iter_t *argument);
/* The token that stands for the value of a prefix field. */
void em_text_prefix(struct wd_buf *out, const struct em_value *v);
#endif
