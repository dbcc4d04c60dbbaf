/* store-svc/port/match_priv.h – what the files of the matcher share. A value is an iterator that stands on it;
 * NULL is a missing one. */
#ifndef WD_STORE_PORT_MATCH_PRIV_H
#define WD_STORE_PORT_MATCH_PRIV_H
#include <bson/bson.h>

#include "common/base/error.h"
#include "common/base/lifetime.h"

enum {
    MATCH_DEPTH_MAX = 32, /* operators in each other, and documents in each other when they are compared */
    MATCH_PATH_MAX = 32,  /* components of a dotted path */
};

/* The place of a type in the order of all values. */
enum match_rank {
    RANK_MIN,
    RANK_NULL,
    RANK_NUMBER,
    RANK_STRING,
    RANK_DOCUMENT,
    RANK_ARRAY,
    RANK_BINARY,
    RANK_OID,
    RANK_BOOL,
    RANK_DATE,
    RANK_TIMESTAMP,
    RANK_REGEX,
    RANK_OTHER,
    RANK_MAX,
};

enum match_rank match_rank(const bson_iter_t *v);
bool match_is_nan(const bson_iter_t *v);
/* <0, 0, >0 in BSON's order; missing and null are equal. */
int match_value_compare(const bson_iter_t *a, const bson_iter_t *b);
/* Is it an embedded document whose first key is an operator? */
bool match_is_operators(const bson_iter_t *v);
/* The fields of an embedded document or the elements of an array. */
bool match_open(const bson_iter_t *v, bson_iter_t *fields);
/* A view of an embedded document. */
bool match_view(const bson_iter_t *v, bson_t *view);

/* Between 1 and MATCH_PATH_MAX components, none empty. */
bool match_path_ok(const char *path, struct wd_error *err) WD_CHECKED;

typedef bool match_each(const bson_iter_t *value, void *data); /* see wd_match_each() */

/* wd_match with the number of operators around it. */
bool match_filter(const bson_t *filter, const bson_t *doc, int depth, bool *matches, struct wd_error *err) WD_CHECKED;
/* Does one value satisfy an operator document or equal a plain value? For $pull and $elemMatch on values. */
bool match_element(const bson_iter_t *condition, const bson_iter_t *value, int depth, bool *matches,
                   struct wd_error *err) WD_CHECKED;
#endif
