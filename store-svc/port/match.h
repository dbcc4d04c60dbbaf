/* store-svc/port/match.h – the filter and update subset of docs.h in C, for drivers that need it and for differential
 * tests. Pure functions on BSON; no recursion deeper than 32 operators; bad input is refused with WD_INVALID, never a
 * crash. */
#ifndef WD_STORE_PORT_MATCH_H
#define WD_STORE_PORT_MATCH_H
#include <bson/bson.h>

#include "common/base/error.h"
#include "common/base/lifetime.h"

/** Does the document match? $text is refused: it needs an index. */
bool wd_match(const bson_t *filter, const bson_t *doc, bool *matches, struct wd_error *err) WD_CHECKED;

/** Applies an update: out (uninitialised) becomes the changed document, yours to bson_destroy on success only.
 *  inserting: $setOnInsert applies. *changed tells whether anything differs. The order of existing fields is kept and
 *  new ones come last. */
bool wd_match_update(const bson_t *doc, const bson_t *update, bool inserting, bson_t *out, bool *changed,
                     struct wd_error *err) WD_CHECKED;

/** The document that an upsert starts from: the equalities of the filter. out is uninitialised, as above. */
bool wd_match_upsert_seed(const bson_t *filter, bson_t *out, struct wd_error *err) WD_CHECKED;

/** The projected document; out uninitialised, as above. */
bool wd_match_project(const bson_t *doc, const bson_t *projection, bson_t *out, struct wd_error *err) WD_CHECKED;

/** Order of two documents under a sort specification, as BSON compares values (null < numbers < strings < objects <
 *  arrays < binary < ObjectId < bool < date). <0, 0, >0. */
int wd_match_compare(const bson_t *a, const bson_t *b, const bson_t *sort);

/** Calls each() with every value that a dotted path leads to, through arrays of documents; an array at the end counts
 *  as itself and then as each of its elements; NULL stands for a place where the path ends early. Stops when each()
 *  returns true, and returns that. The path has at most 32 parts. */
bool wd_match_each(const bson_t *doc, const char *path, bool (*each)(const bson_iter_t *value, void *data), void *data);
#endif
