/* store-svc/domain/check_priv.h – the parts of wd_check(). */
#ifndef WD_STORE_DOMAIN_CHECK_PRIV_H
#define WD_STORE_DOMAIN_CHECK_PRIV_H
#include "store-svc/domain/check.h"
#include "store-svc/domain/schema.h"

struct wd_check {
    struct wd_domain *d;
    const struct wd_check_options *o;
    struct wd_check_report *report;
};

/** Notes a problem. */
void wd_check_found(struct wd_check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Called for each document of a walk; false fails it. doc is borrowed. */
typedef bool wd_check_each(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err);
/** Walks a collection, or what matches filter (NULL: all); fields are the names of the projection, ended by NULL. */
bool wd_check_walk(struct wd_check *c, struct wd_docs *docs, const char *coll, const bson_t *filter,
                   const char *const *fields, wd_check_each *each, void *data, struct wd_error *err) WD_CHECKED;

/* The parts. */
bool wd_check_counters(struct wd_check *c, struct wd_error *err) WD_CHECKED;
bool wd_check_mailboxes(struct wd_check *c, struct wd_error *err) WD_CHECKED;
bool wd_check_journal(struct wd_check *c, struct wd_error *err) WD_CHECKED;
bool wd_check_bodies(struct wd_check *c, struct wd_error *err) WD_CHECKED;
#endif
