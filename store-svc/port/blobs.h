/* store-svc/port/blobs.h – attachment bodies by content, and uploads that are not messages yet.
 *
 * A body is named by the SHA-256 of its encoded form and exists once. Its bytes are written first and become visible
 * with its `files` document, which also holds the reference counter c and the magic sum m (see docs/storage.md): that
 * document is written through the same batch as the messages that refer to it, so on an atomic driver counters and
 * references can not disagree.
 *
 * Threads: as docs.h. Every call blocks. WD_DATABASE when the store does not answer or is full.
 */
#ifndef WD_STORE_PORT_BLOBS_H
#define WD_STORE_PORT_BLOBS_H
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/id.h"
#include "common/base/lifetime.h"

struct wd_blobs;
struct wd_blob_writer;
struct wd_docs;

enum { WD_BLOB_CHUNK = 255 * 1024 };

struct wd_blob_key {
    uint8_t b[32];
};

struct wd_blob_info {
    uint64_t length;             /* stored bytes */
    uint64_t encoded_length;     /* metadata.esize: bytes in the message */
    bool decoded;                /* stored decoded; encode in lines of line_length to get the message's bytes */
    uint32_t line_length;
    uint32_t tail;               /* line ends after the last encoded line */
    char transfer_encoding[32];
    char content_type[128];      /* of the first message that stored it */
    char content_hash[48];       /* base64 SHA-256 of the stored bytes */
};

struct wd_blob_ref {
    struct wd_blob_key key;
    uint32_t count;     /* occurrences; 1 or more */
    uint64_t magic_sum; /* of the referring messages, over all occurrences */
};

struct wd_blobs_ops {
    const char *name;
    bool (*stat)(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
                 struct wd_error *err);
    bool (*write_begin)(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out,
                        struct wd_error *err);
    bool (*write)(struct wd_blob_writer *w, struct wd_str bytes, struct wd_error *err);
    bool (*write_finish)(struct wd_blob_writer *w, struct wd_error *err);
    void (*write_abort)(struct wd_blob_writer *w);
    bool (*add)(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref,
                const struct wd_blob_info *info, struct wd_error *err);
    bool (*ref)(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n,
                struct wd_error *err);
    bool (*unref)(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n,
                  struct wd_error *err);
    bool (*read)(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
                 struct wd_error *err);
    bool (*collect)(struct wd_blobs *b, int64_t unused_for_s, size_t limit, uint64_t *removed, struct wd_error *err);
    bool (*upload_write)(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes,
                         uint64_t *size, struct wd_error *err);
    bool (*upload_read)(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
                        struct wd_error *err);
    bool (*upload_drop)(struct wd_blobs *b, struct wd_id upload, struct wd_error *err);
    bool (*upload_expire)(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err);
    void (*close)(struct wd_blobs *b);
};

struct wd_blobs {
    const struct wd_blobs_ops *ops; /* first member of each driver's own struct */
};

struct wd_blob_writer {
    const struct wd_blobs_ops *ops;
};

/** What is known of a body; found false when it is not there. */
bool wd_blobs_stat(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
                   struct wd_error *err) WD_CHECKED;

/** Writes the stored bytes of a body, in any pieces; memory stays below a few chunks. Two writers of one key are
 *  fine: same key, same bytes. */
bool wd_blobs_write_begin(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out,
                          struct wd_error *err) WD_CHECKED;
bool wd_blobs_write(struct wd_blob_writer *w, struct wd_str bytes, struct wd_error *err) WD_CHECKED;
/** The bytes are durable, and collected after some hours unless wd_blobs_add follows. The writer is gone either way. */
bool wd_blobs_write_finish(struct wd_blob_writer *w, struct wd_error *err) WD_CHECKED;
/** NULL is fine. */
void wd_blobs_write_abort(struct wd_blob_writer *w);
void wd_blobs_write_abortp(struct wd_blob_writer **w);

/** Makes a written body visible with its first references, or adds the references when it is there already. In the
 *  batch of the message that refers to it (batch may be NULL: then durable at return). WD_CONFLICT when its bytes are
 *  not there (collected in between): abort, write again. */
bool wd_blobs_add(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref,
                  const struct wd_blob_info *info, struct wd_error *err) WD_CHECKED;
/** Adds references to bodies; those that are not there are passed over. At most a few round trips, whatever n is. */
bool wd_blobs_ref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n,
                  struct wd_error *err) WD_CHECKED;
/** Takes references away; the body stays until it is collected. */
bool wd_blobs_unref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n,
                    struct wd_error *err) WD_CHECKED;

/** Appends up to n stored bytes from offset; fewer at the end. WD_DATA_LOSS when the body or a chunk is missing. */
bool wd_blobs_read(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
                   struct wd_error *err) WD_CHECKED;
/** Removes bodies with c = 0 and m = 0 that were last referred to more than unused_for_s ago, and chunks without a
 *  `files` document that are older than that; at most limit. */
bool wd_blobs_collect(struct wd_blobs *b, int64_t unused_for_s, size_t limit, uint64_t *removed,
                      struct wd_error *err) WD_CHECKED;

/* Uploads: bytes on their way to become a message. Not durable, any replica can add to and read one. */

/** Writes at an offset that is at most the present size (a repeat overwrites with the same bytes). *size: after it. */
bool wd_blobs_upload_write(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes,
                           uint64_t *size, struct wd_error *err) WD_CHECKED;
/** Appends up to n bytes; fewer at the end. WD_UPLOAD_NOT_FOUND. */
bool wd_blobs_upload_read(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
                          struct wd_error *err) WD_CHECKED;
/** Not there is fine. */
bool wd_blobs_upload_drop(struct wd_blobs *b, struct wd_id upload, struct wd_error *err) WD_CHECKED;
bool wd_blobs_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed,
                            struct wd_error *err) WD_CHECKED;
void wd_blobs_close(struct wd_blobs *b);
#endif
