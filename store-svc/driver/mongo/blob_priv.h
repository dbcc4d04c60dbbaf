/* store-svc/driver/mongo/blob_priv.h – what the parts of the blobs share.
 *
 * A body is a row of `<bucket>.files` and its bytes in `<bucket>.chunks`: {_id, files_id, n, data}, 255 KiB each, the
 * last one shorter. The row is written last, and a body without one does not exist. A unique index on files_id and n
 * is relied on.
 *
 * Why nothing that is referred to is lost, though there are no transactions, any number of replicas write and collect
 * at the same time, and each may die between two commands:
 *
 *   1. A row goes in one command that repeats its condition: both counters 0, unchanged for the time of grace. So a
 *      reference that is counted before keeps the row, and one that comes after finds no row and knows it.
 *   2. A chunk goes in one command that repeats its age: older than MONGO_CHUNK_GRACE_S at a moment that was noted
 *      before the collector saw that there is no row. So it takes no chunk that is younger than that at that moment.
 *   3. A row is inserted only when each of its chunks is younger than 12 hours (or was some minutes ago:
 *      blob_recent.c). A writer therefore does not use an older chunk that it finds in its place: it overwrites it and
 *      sets `refreshed`, from which its age counts then – in one command, so that there is never a moment without it.
 *   From 2 and 3: a chunk that a collector may take is older than that of any row that was inserted since the
 *      collector saw none; the hours between 12 and 24 are for clocks that differ and for processes that stood still.
 *   4. A writer that finds an old chunk and a row leaves the chunk alone: it belongs to a body that is in use. Should
 *      the row go before the reference is added, wd_blobs_add sees old chunks and tells to write again.
 *
 * What a dead writer or collector leaves – chunks without a row, wholly or in part – the next writer of the body uses
 * or refreshes, or a collector takes when it is old.
 */
#ifndef WD_DRIVER_MONGO_BLOB_PRIV_H
#define WD_DRIVER_MONGO_BLOB_PRIV_H
#include <pthread.h>

#include "store-svc/driver/mongo/link_priv.h"
#include "store-svc/port/blob_file.h"

enum {
    MONGO_CHUNK_USABLE_S = 12 * 60 * 60, /* older chunks are refreshed before they are used */
    MONGO_CHUNK_GRACE_S = 24 * 60 * 60,  /* younger chunks are not collected */
    MONGO_WRITE_S = 60 * 60,             /* a writer that took longer is not trusted to know the age of its chunks */
    MONGO_RECENT_S = 10 * 60,
    MONGO_RECENT = 64,
};

/* Bodies that this process wrote in the last minutes: adding one need not ask for its chunks. */
struct mongo_recent {
    pthread_mutex_t lock; /* guards the rest */
    struct {
        struct wd_blob_key key;
        uint64_t length;
        int64_t at_ms; /* 0: free */
    } all[MONGO_RECENT];
    size_t next;
};

struct mongo_blobs {
    struct wd_blobs base;
    struct mongo_link *link;
    char *files, *chunks; /* collections */
    struct mongo_recent recent;
};

extern const struct wd_blobs_ops mongo_blobs_ops;

void mongo_recent_add(struct mongo_recent *r, const struct wd_blob_key *key, uint64_t length);
/* Whether it is there; it is not afterwards. */
bool mongo_recent_take(struct mongo_recent *r, const struct wd_blob_key *key, uint64_t length);

/* ---- commands (blob_command.c) on the files database: each is one round trip, repeated as mongo_run does ---- */

/* A document that was found; NULL: it begins, or begins again. False: enough. */
typedef bool mongo_blob_row(const bson_t *doc, void *data);
/* Adds the operations to a bulk, the same ones in the same order each time. */
typedef void mongo_blob_fill(mongoc_bulk_operation_t *bulk, void *data);

struct mongo_blob_bulk {
    int64_t matched;     /* by updates */
    uint32_t duplicates; /* bit i: the i-th insert, of 32 at most, was refused for a duplicate key; not an error */
};

bool mongo_blob_find(struct mongo_blobs *b, const char *collection, const bson_t *filter, const bson_t *opts,
                     mongo_blob_row *row, void *data, const char *doing, struct wd_error *err) WD_CHECKED;
bool mongo_blob_exists(struct mongo_blobs *b, const char *collection, const bson_t *filter, bool *found,
                       const char *doing, struct wd_error *err) WD_CHECKED;
bool mongo_blob_count(struct mongo_blobs *b, const char *collection, const bson_t *filter, int64_t *out,
                      const char *doing, struct wd_error *err) WD_CHECKED;
bool mongo_blob_insert(struct mongo_blobs *b, const char *collection, enum mongo_repeat repeat, const bson_t *doc,
                       const bson_t *opts, const char *doing, struct wd_error *err) WD_CHECKED;
/* When it was repeated, *removed may miss what the first attempt removed. */
bool mongo_blob_remove(struct mongo_blobs *b, const char *collection, bool many, const bson_t *filter,
                       const bson_t *opts, int64_t *removed, const char *doing, struct wd_error *err) WD_CHECKED;
/* Unordered; out may be NULL when nothing is inserted. */
bool mongo_blob_bulk(struct mongo_blobs *b, const char *collection, enum mongo_repeat repeat, mongo_blob_fill *fill,
                     void *data, struct mongo_blob_bulk *out, const char *doing, struct wd_error *err) WD_CHECKED;

/* ---- chunks (blob_chunk.c) ---- */

/* {files_id: key, n: {$gte: first, $lte: last}} */
void mongo_chunk_append_range(bson_t *filter, const struct wd_blob_key *key, int32_t first, int32_t last);
void mongo_chunk_append_older(bson_t *filter, int64_t before_ms);
/* Not before this time: inserted or refreshed. */
void mongo_chunk_append_since(bson_t *filter, int64_t since_ms);
/* When it was inserted or refreshed; ms. */
int64_t mongo_chunk_time(const bson_t *chunk);
/* {projection: {a: 1, b: 1, …}, limit: …}; _id unless `without_id`; names separated by spaces, limit 0: none. */
void mongo_blob_append_opts(bson_t *opts, const char *fields, bool without_id, int64_t limit);

/* ---- the port's functions ---- */

bool mongo_blob_write_begin(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out,
                            struct wd_error *err) WD_CHECKED;
bool mongo_blob_write(struct wd_blob_writer *w, struct wd_str bytes, struct wd_error *err) WD_CHECKED;
bool mongo_blob_write_finish(struct wd_blob_writer *w, struct wd_error *err) WD_CHECKED;
void mongo_blob_write_abort(struct wd_blob_writer *w);
bool mongo_blob_read(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
                     struct wd_error *err) WD_CHECKED;
bool mongo_blob_collect(struct wd_blobs *b, int64_t unused_for_s, size_t limit, uint64_t *removed,
                        struct wd_error *err) WD_CHECKED;
bool mongo_upload_write(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes, uint64_t *size,
                        struct wd_error *err) WD_CHECKED;
bool mongo_upload_read(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
                       struct wd_error *err) WD_CHECKED;
bool mongo_upload_drop(struct wd_blobs *b, struct wd_id upload, struct wd_error *err) WD_CHECKED;
bool mongo_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err) WD_CHECKED;
#endif
