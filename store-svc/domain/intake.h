/* store-svc/domain/intake.h – raw bytes to everything that a message document needs.
 *
 * Two passes over a source: the first parses and hashes, the second takes out the text and writes the attachment
 * bodies that are not stored yet. Memory stays at a few MiB whatever the size of the message. The bodies are durable
 * when this returns; their references are added by the caller, in the batch of the message.
 */
#ifndef WD_STORE_DOMAIN_INTAKE_H
#define WD_STORE_DOMAIN_INTAKE_H
#include <bson/bson.h>

#include "common/base/arena.h"
#include "store-svc/domain/source.h"
#include "store-svc/mime/envelope.h"

enum { WD_INTAKE_THREAD_IDS = 10, WD_INTAKE_INDEXED_MAX = 880 };

/* A body outside of the document. */
struct wd_intake_blob {
    struct wd_blob_ref ref;   /* ref.magic_sum is for the caller: ref.count × the message's magic */
    struct wd_blob_info info; /* for wd_blobs_add */
};

struct wd_intake_header {
    struct wd_str key, value; /* an element of the document's `headers` */
};

struct wd_intake {
    struct wd_arena *arena; /* holds everything below but the fields */
    /* mimeTree, envelope, bodystructure, headers, msgid, subject, ha, attachments, text, textFooter, html, intro, size,
     * hdate, hash {sha256, from}, and layout when the tree alone is not the message. */
    bson_t *fields;
    uint64_t size;
    struct wd_intake_blob *blobs; /* distinct */
    size_t n_blobs;
    struct wd_str header; /* the message's own header block, at most WD_MIME_HEADER bytes of it */
    struct wd_envelope envelope;
    struct wd_str msgid, subject; /* decoded */
    struct wd_str thread_subject;
    struct wd_str thread_ids[WD_INTAKE_THREAD_IDS]; /* unpadded base64 of SHA-1 */
    size_t n_thread_ids;
    struct wd_intake_header *headers;
    size_t n_headers;
    struct wd_str text; /* all that was extracted, at most 100 KiB, LF line ends */
    int64_t hdate_ms;   /* the Date header, or the internal date */
    bool has_attachments;
    uint8_t sha256[32]; /* of the whole message without a prefix */
    struct wd_str prefix;
};

/**
 * Takes in a message. *out is filled on success; wd_intake_done() frees it. Fails with what the source and the blobs
 * fail with, and with WD_MESSAGE_REFUSED when its document would be too large (absurd headers).
 */
bool wd_intake_read(struct wd_arena *a, struct wd_source *source, struct wd_blobs *blobs, int64_t idate_ms,
                    struct wd_intake *out, struct wd_error *err) WD_CHECKED;

/**
 * The same message with header lines on top ("Delivered-To: x\r\nReturn-Path: <y>\r\n": whole fields, CRLF), for one
 * recipient of many. Nothing is parsed or stored again. *out shares the arena and slices of `base`, which must outlive
 * it; out->fields is its own.
 */
bool wd_intake_with_prefix(const struct wd_intake *base, struct wd_str prefix, struct wd_intake *out,
                           struct wd_error *err) WD_CHECKED;
void wd_intake_done(struct wd_intake *in);

/** The n-th (from 0) value of a field of the message's header, unfolded and decoded; false when there are not so many.
 */
bool wd_intake_field(const struct wd_intake *in, struct wd_arena *a, struct wd_str name, size_t n,
                     struct wd_str *value);
#endif
