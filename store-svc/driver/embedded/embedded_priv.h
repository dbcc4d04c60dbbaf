/* store-svc/driver/embedded/embedded_priv.h – the open store and the handles on it. */
#ifndef WD_DRIVER_EMBEDDED_PRIV_H
#define WD_DRIVER_EMBEDDED_PRIV_H
#include "store-svc/driver/embedded/embedded.h"
#include "store-svc/driver/embedded/scan_priv.h"

struct em_store {
    atomic_int users; /* docs, blobs, bus */
    char *directory;
    int lock_fd;
    struct em_db *mail, *bodies;
    struct em_schema *schema;
    struct em_handle *docs;
};

/* What a struct wd_docs * points to: the store, or a batch on it. */
struct em_handle {
    struct wd_docs base;
    struct em_store *store;
    struct em_conn *conn; /* of a batch: the writer */
    bool broken;          /* of a batch: something was half done, it can only be aborted */
};

void em_store_unref(struct em_store *s);

extern const struct wd_docs_ops em_docs_ops;
extern const struct wd_blobs_ops em_blobs_ops;

struct wd_blobs *em_blobs_new(struct em_store *s);
struct wd_bus *em_bus_new(struct em_store *s, struct wd_error *err);

/* ---- blobs: bodies.c has the bytes, uploads.c the uploads, blobs.c the documents and the table ---- */
struct em_blobs {
    struct wd_blobs base;
    struct em_store *store;
    pthread_mutex_t lock;        /* guards what follows */
    struct wd_blob_key examined; /* how far the search for bodies without a document came */
    bool began;
};

bool em_bodies_ensure(struct em_db *db, struct wd_error *err) WD_CHECKED;
bool em_body_exists(struct em_store *s, const struct wd_blob_key *key, bool *found, struct wd_error *err) WD_CHECKED;
bool em_body_begin(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out,
                   struct wd_error *err) WD_CHECKED;
bool em_body_write(struct wd_blob_writer *w, struct wd_str bytes, struct wd_error *err) WD_CHECKED;
bool em_body_finish(struct wd_blob_writer *w, struct wd_error *err) WD_CHECKED;
void em_body_abort(struct wd_blob_writer *w);
bool em_body_read(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
                  struct wd_error *err) WD_CHECKED;
/* Names of bodies that are older than the time, at most limit, after `from` (32 bytes, or NULL). Yours to free(). */
bool em_body_old(struct em_store *s, int64_t before_ms, const struct wd_blob_key *from, size_t limit,
                 struct wd_blob_key **out, size_t *n, struct wd_error *err) WD_CHECKED;
/* Takes the names away from those of them that are older than the time; the bytes go with em_body_sweep. */
bool em_body_forget(struct em_store *s, const struct wd_blob_key *keys, size_t n, int64_t before_ms,
                    struct wd_error *err) WD_CHECKED;
/* Removes the bytes of forgotten bodies, and of writers that never finished since the time. */
bool em_body_sweep(struct em_store *s, int64_t before_ms, struct wd_error *err) WD_CHECKED;

bool em_upload_write(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes, uint64_t *size,
                     struct wd_error *err) WD_CHECKED;
bool em_upload_read(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
                    struct wd_error *err) WD_CHECKED;
bool em_upload_drop(struct wd_blobs *b, struct wd_id upload, struct wd_error *err) WD_CHECKED;
bool em_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err) WD_CHECKED;
#endif
