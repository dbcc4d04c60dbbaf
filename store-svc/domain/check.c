#include "store-svc/domain/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "store-svc/domain/check_priv.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mend.h"

void
wd_check_found(struct wd_check *c, const char *fmt, ...)
{
    struct wd_check_report *r = c->report;
    char line[300];
    va_list args;

    r->problem_count++;
    if (r->n_problems >= WD_CHECK_PROBLEMS)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (!r->problems)
        r->problems = wd_alloc(WD_CHECK_PROBLEMS * sizeof *r->problems);
    r->problems[r->n_problems] = wd_alloc(strlen(line) + 1);
    strcpy(r->problems[r->n_problems++], line);
}

void
wd_check_report_done(struct wd_check_report *r)
{
    size_t i;

    for (i = 0; i < r->n_problems; i++)
        free(r->problems[i]);
    free(r->problems);
    *r = (struct wd_check_report){ 0 };
}

bool
wd_check_walk(struct wd_check *c, struct wd_docs *docs, const char *coll, const bson_t *filter,
              const char *const *fields, wd_check_each *each, void *data, struct wd_error *err)
{
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t projection wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = fields ? &projection : NULL };
    struct wd_docs_cursor *cursor wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;

    for (; fields && *fields; fields++)
        wd_doc_add_int(&projection, *fields, 1);
    if (!wd_docs_find(docs, coll, filter ? filter : &all, &query, &cursor, err))
        return wd_fail_in(err, coll);
    for (;;) {
        if (!wd_docs_cursor_next(cursor, &doc, err))
            return wd_fail_in(err, coll);
        if (!doc)
            return true;
        if (!each(c, doc, data, err))
            return false;
    }
}

bool
wd_check(struct wd_domain *d, const struct wd_check_options *o, struct wd_check_report *out,
         struct wd_error *err)
{
    struct wd_check c = { .d = d, .o = o, .report = out };

    *out = (struct wd_check_report){ 0 };
    if (o->repair && !wd_mend_all(d, &out->repaired, err))
        return false;
    return wd_check_counters(&c, err) && wd_check_mailboxes(&c, err) && wd_check_journal(&c, err) &&
           (!o->bodies || wd_check_bodies(&c, err));
}
