/* store-svc/port/blob_file.h – the `files` document of a body (docs/storage.md): written and read alike by every driver
 * that keeps it in a collection. Pure functions; any thread. */
#ifndef WD_STORE_PORT_BLOB_FILE_H
#define WD_STORE_PORT_BLOB_FILE_H
#include <bson/bson.h>

#include "store-svc/port/blobs.h"

/** Appends {field: key}. */
void wd_blob_file_append_key(bson_t *to, const char *field, const struct wd_blob_key *key);
/** Reads it; false when the field is absent or something else. */
bool wd_blob_file_key(const bson_t *doc, const char *field, struct wd_blob_key *out);

/** A new body with its first references, as of now; `out` is initialised and empty on entry. */
void wd_blob_file_make(const struct wd_blob_ref *ref, const struct wd_blob_info *info, bson_t *out);
/** What the document says. Documents of existing installations may lack fields and hold numbers of any type.
 *  WD_DATA_LOSS when the length is absurd. */
bool wd_blob_file_info(const bson_t *doc, struct wd_blob_info *out, struct wd_error *err) WD_CHECKED;
/** The stored bytes and how many of them are in a chunk, 1…16 MiB. WD_DATA_LOSS. */
bool wd_blob_file_extent(const bson_t *doc, uint64_t *length, uint32_t *chunk_size, struct wd_error *err) WD_CHECKED;

/** Appends the update that changes the counters: $inc by these, $set of the time of the change. */
void wd_blob_file_append_counting(bson_t *update, int64_t count, int64_t magic);
/** Appends the conditions of a body that nothing refers to, last changed before this time (ms) or at none. */
void wd_blob_file_append_unused(bson_t *filter, int64_t before_ms);

/** WD_DATA_LOSS with a text that names the body. Returns false. */
bool wd_blob_file_lost(const struct wd_blob_key *key, const char *what, struct wd_error *err);
#endif
