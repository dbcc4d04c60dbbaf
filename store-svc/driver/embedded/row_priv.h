/* store-svc/driver/embedded/row_priv.h – writing one document to all its tables, inside of a batch. */
#ifndef WD_DRIVER_EMBEDDED_ROW_PRIV_H
#define WD_DRIVER_EMBEDDED_ROW_PRIV_H
#include "store-svc/driver/embedded/scan_priv.h"

/* ---- row.c ---- */
/* WD_DUPLICATE names the index, and then nothing was written. */
bool em_row_insert(struct em_conn *conn, struct em_coll *coll, const bson_t *doc, struct wd_error *err) WD_CHECKED;
bool em_row_remove(struct em_conn *conn, struct em_coll *coll, int64_t id, bool *found,
                   struct wd_error *err) WD_CHECKED;
/* Applies an update to one row. before/after, when not NULL, are uninitialised and become the whole documents. */
struct em_row_change {
    const bson_t *update;
    bson_t *before, *after;
    bool found, modified;
};
bool em_row_update(struct em_conn *conn, struct em_coll *coll, int64_t id, struct em_row_change *change,
                   struct wd_error *err) WD_CHECKED;
/* Writes everything about a row again from its document. */
bool em_row_rebuild(struct em_conn *conn, struct em_coll *coll, int64_t id, const bson_t *doc,
                    struct wd_error *err) WD_CHECKED;

/* ---- entries.c ---- */
/* Brings the entries (side) or words (text) of one index from the old document to the new one; NULL: none. */
bool em_entries_change(struct em_conn *conn, struct em_index *x, int64_t id, const bson_t *old, const bson_t *now,
                       struct wd_error *err) WD_CHECKED;
#endif
