/* store-svc/mime/decode.h – Content-Transfer-Encoding back to bytes, in pieces (RFC 2045 §6). Tolerant. */
#ifndef WD_MIME_DECODE_H
#define WD_MIME_DECODE_H
#include "common/base/buf.h"

enum wd_encoding { WD_ENCODING_IDENTITY, WD_ENCODING_BASE64, WD_ENCODING_QP, WD_ENCODING_UNKNOWN };

/** 7bit, 8bit, binary and the empty name are the identity. */
enum wd_encoding wd_encoding_named(struct wd_str name);

struct wd_decoder {
    enum wd_encoding encoding;
    uint32_t bits, n_bits; /* base64: what waits for its group */
    bool ended;            /* base64: padding was seen */
    struct {
        char p[1024]; /* quoted-printable: "=", "=4", or blanks that may end a line */
        size_t n;
    } held;
};

/** Appends the decoded bytes of a piece; an unknown encoding is the identity. */
void wd_decode(struct wd_decoder *d, struct wd_str piece, struct wd_buf *out);
void wd_decode_finish(struct wd_decoder *d, struct wd_buf *out);
#endif
