/* common/base/utf8.h – UTF-8 as in RFC 3629: no overlong forms, no surrogates, up to U+10FFFF. */
#ifndef WD_BASE_UTF8_H
#define WD_BASE_UTF8_H
#include "common/base/buf.h"

/** The first character of s and its length in bytes; 0 when the bytes are not UTF-8 (or s is empty). */
size_t wd_utf8_next(struct wd_str s, uint32_t *codepoint);
/** Appends the character; U+FFFD for what is none. */
void wd_utf8_add(struct wd_buf *b, uint32_t codepoint);
bool wd_utf8_valid(struct wd_str s);
bool wd_is_ascii(struct wd_str s);
/** The largest length ≤ max at which s can be cut without splitting a character. */
size_t wd_utf8_cut(struct wd_str s, size_t max);
/** The bytes of the first `characters` characters of s (bad bytes count one each). */
size_t wd_utf8_first(struct wd_str s, size_t characters);
/** Appends s with every bad byte replaced by U+FFFD. */
void wd_utf8_repair(struct wd_buf *b, struct wd_str s);
#endif
