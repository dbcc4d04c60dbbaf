/* store-svc/driver/embedded/scan_priv.h – the rows that match a filter, in order. */
#ifndef WD_DRIVER_EMBEDDED_SCAN_PRIV_H
#define WD_DRIVER_EMBEDDED_SCAN_PRIV_H
#include "store-svc/driver/embedded/plan_priv.h"

enum em_want {
    EM_WANT_IDS,     /* row numbers alone */
    EM_WANT_HEAD,    /* and the head */
    EM_WANT_ALL,     /* and the bulk */
    EM_WANT_COLUMNS, /* and the columns of a projection */
    EM_WANT_COUNT,   /* one row with the number of rows; only when em_scan_counts() */
};

/* A document of a row. */
struct em_doc {
    bson_t view;        /* borrowed from bytes or from the statement */
    struct wd_buf bytes;
};

struct em_sorted;

struct em_scan {
    struct em_conn *conn;
    const struct em_coll *coll;
    enum em_want want;
    bson_t filter, sort, projection; /* copies: the caller's may go */
    struct em_plan plan;
    struct em_use rows, bulk;
    bool sorts;        /* in C */
    bool check_all;    /* the conditions checked in C need the bulk */
    bool open;
    int64_t skip, limit; /* still to do in C; limit -1: none */
    struct em_sorted *sorted;
    size_t n_sorted, at_sorted;
    /* the present row */
    int64_t id;
    struct em_doc doc;
};

/* q may be NULL. *s is { 0 } before; em_scan_done either way. */
bool em_scan(struct em_scan *s, struct em_conn *conn, const struct em_coll *coll, const bson_t *filter,
             const struct wd_docs_query *q, enum em_want want, struct wd_error *err) WD_CHECKED;
/* The next row into s->id and, for EM_WANT_HEAD and _ALL, s->doc. */
bool em_scan_next(struct em_scan *s, bool *row, struct wd_error *err) WD_CHECKED;
void em_scan_done(struct em_scan *s);
/* Can SQL alone count what matches? */
bool em_scan_counts(const struct em_scan *s);
/* Can the projection be answered from columns alone? */
bool em_projects_columns(const struct em_coll *coll, const bson_t *projection);

/* Reads a document by its row number; all: with the bulk. */
bool em_load(struct em_conn *conn, const struct em_coll *coll, int64_t id, bool all, struct em_doc *out, bool *found,
             struct wd_error *err) WD_CHECKED;
void em_doc_done(struct em_doc *d);
/* The fields of head, then those of bulk. */
bool em_doc_join(struct em_doc *d, struct wd_str head, struct wd_str bulk, struct wd_error *err) WD_CHECKED;
#endif
