/* store-svc/mime/proof.h – may a base64 body be kept decoded? Only when encoding it again gives the same bytes. */
#ifndef WD_MIME_PROOF_H
#define WD_MIME_PROOF_H
#include "common/base/buf.h"

enum { WD_PROOF_LINE_MAX = 998, WD_PROOF_TAIL_MAX = 1000 };

struct wd_proof {
    bool failed;
    uint8_t padding;        /* "=" seen */
    uint8_t last;           /* value of the last digit */
    uint8_t end;            /* 1: after a CR */
    uint32_t line_length;   /* of the first line, once it ended */
    uint32_t column, lines; /* of the present line; ended lines that are not empty */
    uint32_t tail;          /* line ends since the last line that is not empty */
    bool short_line;        /* a line shorter than the first: only the tail may follow */
    uint64_t digits;        /* base64 digits without padding */
};

/** The next bytes of the body, in any pieces. */
void wd_proof_add(struct wd_proof *p, struct wd_str bytes);
/**
 * At the end: true when the body is exactly base64 (RFC 4648, padded, unused bits zero) of *decoded bytes, in lines of
 * *line_length joined by CRLF, with *tail CRLFs behind the last. A single line shorter than 76 has line_length 76.
 */
bool wd_proof_finish(const struct wd_proof *p, uint32_t *line_length, uint32_t *tail, uint64_t *decoded);
#endif
