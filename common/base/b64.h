/* common/base/b64.h – base64 (RFC 4648 §4). */
#ifndef WD_BASE_B64_H
#define WD_BASE_B64_H
#include "common/base/buf.h"

enum wd_b64_padding { WD_B64_PADDED, WD_B64_UNPADDED };

/** Appends the encoded bytes, without line breaks. */
void wd_b64_encode(struct wd_buf *out, const void *bytes, size_t n, enum wd_b64_padding padding);
/** Appends the decoded bytes. Strict: only the alphabet, whole groups, padding optional; false otherwise. */
bool wd_b64_decode(struct wd_buf *out, struct wd_str text);
/** The value 0–63 of a base64 digit, -1 for anything else ('=' too). */
int wd_b64_value(char c);
#endif
