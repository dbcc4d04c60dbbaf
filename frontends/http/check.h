/* frontends/http/check.h – the parameters of a request against a table: all that is wrong is told together.
 *
 * A message starts with the label in quotes: the parameter's own, or its place ("query.size", "targets[0]").
 * `details` has the first message of each place, by names and indexes joined with commas ("query,size", "targets,0").
 * */
#ifndef WD_HTTP_CHECK_H
#define WD_HTTP_CHECK_H
#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "frontends/http/route.h"

struct http_check {
    struct wd_arena *arena;
    json_t *details;    /* path → first message */
    struct wd_buf text; /* all messages, joined with ". " */
    size_t failures;
};

/* Where a value is: a name in what `up` is, or an index when name is NULL. The root has neither. */
struct http_place {
    const struct http_place *up;
    const char *name, *label; /* label: instead of the place; NULL: none */
    size_t index;
};

struct http_check *http_check_new(struct wd_arena *a);
/** The arena stays. NULL is fine. */
void http_check_free(struct http_check *k);
void http_check_freep(struct http_check **k);

/** Notes a failure, "<label>" and the text; returns false. */
bool http_check_fail(struct http_check *k, const struct http_place *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Reads the parameters of a table: `read` (an object) gets each in its normal form, defaults too. Others in `given`
 * are failures unless lenient. `session`: the parameters sess and ip are known as well. False when anything failed.
 */
bool http_check_params(struct http_check *k, const struct http_param *table, const json_t *given, bool session,
                       bool lenient, json_t *read);

/** One value by its row: *out is a new reference, or NULL when it counts as not given. False: it failed. */
bool http_check_value(struct http_check *k, const struct http_place *at, const struct http_param *p,
                      const json_t *given, json_t **out);
#endif
