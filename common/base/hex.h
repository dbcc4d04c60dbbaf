/* common/base/hex.h – hexadecimal digits. */
#ifndef WD_BASE_HEX_H
#define WD_BASE_HEX_H
#include "common/base/buf.h"

/** Appends 2·n lower-case digits. */
void wd_hex_encode(struct wd_buf *out, const void *bytes, size_t n);
/** Reads exactly 2·n digits of any case; false otherwise. */
bool wd_hex_decode(struct wd_str digits, void *out, size_t n);
#endif
