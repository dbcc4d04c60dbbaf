#include "common/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

void
wd_buf_done(struct wd_buf *b)
{
    free(b->p);
    *b = (struct wd_buf){ 0 };
}

char *
wd_buf_reserve(struct wd_buf *b, size_t extra)
{
    if (!b->p || b->cap - b->n < extra) { /* never NULL: callers add an offset to it */
        size_t want = b->n + extra, grown = b->cap + b->cap / 2;
        b->cap = want > grown ? want : grown;
        if (b->cap < 64)
            b->cap = 64;
        b->p = wd_realloc(b->p, b->cap);
    }
    return b->p + b->n;
}

void
wd_buf_add(struct wd_buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    memcpy(wd_buf_reserve(b, n), p, n);
    b->n += n;
}

void
wd_buf_str(struct wd_buf *b, struct wd_str s)
{
    wd_buf_add(b, s.p, s.n);
}

void
wd_buf_c(struct wd_buf *b, const char *c)
{
    wd_buf_add(b, c, strlen(c));
}

void
wd_buf_chr(struct wd_buf *b, char c)
{
    *wd_buf_reserve(b, 1) = c;
    b->n++;
}

void
wd_buf_u64(struct wd_buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    wd_buf_add(b, digits + at, sizeof digits - at);
}

void
wd_buf_vprintf(struct wd_buf *b, const char *fmt, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    vsnprintf(wd_buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
}

void
wd_buf_printf(struct wd_buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wd_buf_vprintf(b, fmt, args);
    va_end(args);
}

void
wd_buf_cut(struct wd_buf *b, size_t n)
{
    if (n > b->n)
        n = b->n;
    if (n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

struct wd_str
wd_buf_view(const struct wd_buf *b)
{
    return (struct wd_str){ b->p, b->n };
}
