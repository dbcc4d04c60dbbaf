/* common/base/buf.h – bytes that grow. */
#ifndef WD_BASE_BUF_H
#define WD_BASE_BUF_H
#include <stdarg.h>

#include "common/base/str.h"

struct wd_buf {
    char *p; /* owned */
    size_t n, cap;
}; /* { 0 } is a valid empty buffer */

/** Frees the bytes; the buffer is empty and usable again. */
void wd_buf_done(struct wd_buf *b);
/** Room for `extra` more bytes at b->p + b->n; the caller adds to b->n what it wrote. */
char *wd_buf_reserve(struct wd_buf *b, size_t extra);
void wd_buf_add(struct wd_buf *b, const void *p, size_t n);
void wd_buf_str(struct wd_buf *b, struct wd_str s);
void wd_buf_c(struct wd_buf *b, const char *c);
void wd_buf_chr(struct wd_buf *b, char c);
void wd_buf_u64(struct wd_buf *b, uint64_t value);
void wd_buf_printf(struct wd_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wd_buf_vprintf(struct wd_buf *b, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/** Drops the first n bytes. */
void wd_buf_cut(struct wd_buf *b, size_t n);
/** What it holds; valid until the next change. */
struct wd_str wd_buf_view(const struct wd_buf *b);
#endif
