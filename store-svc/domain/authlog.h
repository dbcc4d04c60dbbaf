/* store-svc/domain/authlog.h – what happened to an account's credentials, for its owner to see (docs/storage.md). */
#ifndef WD_STORE_DOMAIN_AUTHLOG_H
#define WD_STORE_DOMAIN_AUTHLOG_H
#include "store-svc/domain/page.h"

struct wd_authlog {
    struct wd_id user;
    const char *action; /* "authentication", "password change", "account created" */
    const char *result; /* "success", "fail", "disabled", "suspended" */
    struct wd_str protocol, ip; /* may be empty */
    struct wd_str sess, app_id; /* the same */
    const char *scope;          /* asked for, or NULL */
    const char *source;         /* "master", "temporary", "asp", or NULL */
    struct wd_id asp;           /* of source "asp" */
    struct wd_str asp_name;
};

/** Writes a row, or counts it in the row of the same event within the last six hours. docs: d->users or a batch.
 *  *event is the row's id, zero when nothing is kept. */
bool wd_authlog_add(const struct wd_domain *d, struct wd_docs *docs, const struct wd_authlog *entry,
                    struct wd_id *event, struct wd_error *err) WD_CHECKED;

/* What to list; empty strings: all. */
struct wd_authlog_query {
    struct wd_id user;
    struct wd_str action, ip;
};

/** Calls each() with the rows of a page, newest first (the document is borrowed). */
bool wd_authlog_list(const struct wd_domain *d, struct wd_arena *a, const struct wd_authlog_query *q,
                     const struct wd_page *page, wd_page_row *each, void *data, struct wd_paged *out,
                     struct wd_error *err) WD_CHECKED;
/** Reads one row of a user into `doc` (initialised, empty). EVENT_NOT_FOUND. */
bool wd_authlog_get(const struct wd_domain *d, struct wd_id user, struct wd_id event, bson_t *doc,
                    struct wd_error *err) WD_CHECKED;
#endif
