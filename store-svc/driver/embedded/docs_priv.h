/* store-svc/driver/embedded/docs_priv.h – the operations of struct wd_docs_ops, by file. */
#ifndef WD_DRIVER_EMBEDDED_DOCS_PRIV_H
#define WD_DRIVER_EMBEDDED_DOCS_PRIV_H
#include "store-svc/driver/embedded/embedded_priv.h"

/* ---- docs.c ---- */
struct em_coll *em_coll_of(const struct em_handle *h, const char *name, struct wd_error *err);
/* A connection to read on: the batch's own, or one of the pool. */
bool em_read_begin(struct em_handle *h, struct em_conn **out, struct wd_error *err) WD_CHECKED;
void em_read_end(struct em_handle *h, struct em_conn *conn);
/* Runs work() in the batch of the handle, or in one of its own. WD_DUPLICATE and WD_INVALID leave a batch usable and
 * keep what was done before; after any other failure it can only be aborted. */
typedef bool em_work(struct em_conn *conn, void *data, struct wd_error *err);
bool em_write(struct em_handle *h, em_work *work, void *data, struct wd_error *err) WD_CHECKED;

/* ---- find.c ---- */
bool em_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q, bson_t *out,
                 bool *found, struct wd_error *err) WD_CHECKED;
bool em_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
             struct wd_docs_cursor **out, struct wd_error *err) WD_CHECKED;
bool em_cursor_next(struct wd_docs_cursor *c, const bson_t **doc, struct wd_error *err) WD_CHECKED;
void em_cursor_free(struct wd_docs_cursor *c);
bool em_count(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out, struct wd_error *err) WD_CHECKED;

/* ---- write.c ---- */
bool em_insert(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err)
    WD_CHECKED;
bool em_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
               struct wd_docs_updated *out, struct wd_error *err) WD_CHECKED;
bool em_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update,
                        unsigned flags, const struct wd_docs_query *q, bson_t *out, bool *found,
                        struct wd_error *err) WD_CHECKED;
bool em_remove(struct wd_docs *d, const char *coll, const bson_t *filter, bool many, int64_t *removed,
               struct wd_error *err) WD_CHECKED;
bool em_expire(struct wd_docs *d, int64_t *removed, struct wd_error *err) WD_CHECKED;

/* ---- ensure.c ---- */
enum { EM_VERSION = 1 };
bool em_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err) WD_CHECKED;
/* Refuses a file of a newer version; prepares an empty one. */
bool em_ensure_version(struct em_store *s, struct wd_error *err) WD_CHECKED;
#endif
