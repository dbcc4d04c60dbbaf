/* store-svc/domain/encoded.h – an attachment body as it is in the message, read from any offset: bodies that are kept
 * decoded are encoded again, and only what is needed is read. */
#ifndef WD_STORE_DOMAIN_ENCODED_H
#define WD_STORE_DOMAIN_ENCODED_H
#include "common/base/buf.h"
#include "store-svc/port/blobs.h"

/** The size of the encoded form. */
uint64_t wd_encoded_size(const struct wd_blob_info *info);
/** Whether two ways to keep the same decoded bytes mean the same encoded form. */
bool wd_encoded_equal(const struct wd_blob_info *a, const struct wd_blob_info *b);
/** Appends exactly n bytes from offset, which are inside of the encoded form. WD_DATA_LOSS when bytes are missing. */
bool wd_encoded_read(struct wd_blobs *blobs, const struct wd_blob_key *key, const struct wd_blob_info *info,
                     uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err) WD_CHECKED;
#endif
