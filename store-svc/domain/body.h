/* store-svc/domain/body.h – sections of a stored message (RFC 3501 §6.4.5) as ranges of its bytes. */
#ifndef WD_STORE_DOMAIN_BODY_H
#define WD_STORE_DOMAIN_BODY_H
#include "store-svc/domain/layout.h"

enum wd_section_part { /* the numbers of Section.Part in proto/wd/v1/messages.proto */
                       WD_SECTION_ALL = 0,
                       WD_SECTION_HEADER = 1,
                       WD_SECTION_HEADER_FIELDS = 2,
                       WD_SECTION_HEADER_FIELDS_NOT = 3,
                       WD_SECTION_TEXT = 4,
                       WD_SECTION_MIME = 5,
};

struct wd_section {
    const uint32_t *path; /* 1.2.3; empty for the message itself */
    size_t n_path;
    enum wd_section_part part;
    const struct wd_str *fields;
    size_t n_fields;
};

struct wd_body;

/**
 * Opens the message document (with mimeTree, size and layout) for reading; the document must outlive the body, which
 * lives in the arena. blobs may be NULL when only headers are read. WD_DATA_LOSS when the document is broken.
 */
bool wd_body_open(struct wd_arena *a, const bson_t *message, struct wd_blobs *blobs, struct wd_body **out,
                  struct wd_error *err) WD_CHECKED;
/** The size of the whole message. */
uint64_t wd_body_size(const struct wd_body *b);
/** The size of a section in bytes. *found: false when there is no such part, and then the size is 0. */
bool wd_body_section(struct wd_body *b, const struct wd_section *section, uint64_t *size, bool *found,
                     struct wd_error *err) WD_CHECKED;
/**
 * Appends at most n bytes of a section from offset, fewer only at its end. Reads no more than it needs. Bytes of a lost
 * attachment body are spaces (wd_body_lost says so), so that announced sizes stay true.
 */
bool wd_body_read(struct wd_body *b, const struct wd_section *section, uint64_t offset, size_t n, struct wd_buf *out,
                  struct wd_error *err) WD_CHECKED;
/** The same of the whole message. */
bool wd_body_read_all(struct wd_body *b, uint64_t offset, size_t n, struct wd_buf *out,
                      struct wd_error *err) WD_CHECKED;
/** The header of the message, in the arena. */
bool wd_body_header(struct wd_body *b, struct wd_str *out, struct wd_error *err) WD_CHECKED;
/** Bytes that were replaced by spaces so far. */
uint64_t wd_body_lost(const struct wd_body *b);

/** How the bytes of an attachment are stored. *found as below. */
bool wd_body_attachment_info(struct wd_body *b, struct wd_str id, struct wd_blob_info *out, bool *found,
                             struct wd_error *err) WD_CHECKED;
/** Appends the stored bytes (transfer encoding undone, where info says so) of an attachment
 *  "ATT00001" from offset, at most n. *found:
 *  false when the message has no such attachment. */
bool wd_body_attachment(struct wd_body *b, struct wd_str id, uint64_t offset, size_t n, struct wd_buf *out, bool *found,
                        struct wd_error *err) WD_CHECKED;
#endif
