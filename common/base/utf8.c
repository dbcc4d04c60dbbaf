#include "common/base/utf8.h"

static bool
continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t
wd_utf8_next(struct wd_str s, uint32_t *codepoint)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first;
    size_t n;
    uint32_t value;

    if (s.n == 0)
        return 0;
    first = (unsigned char)s.p[0];
    if (first < 0x80) {
        *codepoint = first;
        return 1;
    }
    n = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (n == 0 || first >= 0xf8 || s.n < n)
        return 0;
    value = first & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (!continues(s.p[i]))
            return 0;
        value = value << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    if (value < smallest[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *codepoint = value;
    return n;
}

void
wd_utf8_add(struct wd_buf *b, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        wd_buf_chr(b, (char)c);
        return;
    }
    if (c >= 0x10000) {
        wd_buf_chr(b, (char)(0xf0 | c >> 18));
        wd_buf_chr(b, (char)(0x80 | (c >> 12 & 0x3f)));
    } else if (c >= 0x800) {
        wd_buf_chr(b, (char)(0xe0 | c >> 12));
    }
    if (c >= 0x800)
        wd_buf_chr(b, (char)(0x80 | (c >> 6 & 0x3f)));
    else
        wd_buf_chr(b, (char)(0xc0 | c >> 6));
    wd_buf_chr(b, (char)(0x80 | (c & 0x3f)));
}

bool
wd_utf8_valid(struct wd_str s)
{
    uint32_t c;

    while (s.n) {
        size_t n = wd_utf8_next(s, &c);
        if (n == 0)
            return false;
        s = wd_str_part(s, n, s.n);
    }
    return true;
}

bool
wd_is_ascii(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

size_t
wd_utf8_cut(struct wd_str s, size_t max)
{
    size_t start, need;

    if (s.n < max)
        max = s.n;
    for (start = max; start > 0 && max - start < 4; start--)
        if (!continues(s.p[start - 1]))
            break;
    if (start == 0 || max - start >= 4)
        return max;
    start--; /* the last lead byte or ASCII character in the cut part */
    need = (unsigned char)s.p[start] >= 0xf0   ? 4
           : (unsigned char)s.p[start] >= 0xe0 ? 3
           : (unsigned char)s.p[start] >= 0xc0 ? 2
                                               : 1;
    return start + need > max && need > 1 ? start : max;
}

size_t
wd_utf8_first(struct wd_str s, size_t characters)
{
    size_t at = 0;
    uint32_t c;

    while (at < s.n && characters--) {
        size_t n = wd_utf8_next(wd_str_part(s, at, s.n), &c);
        at += n ? n : 1;
    }
    return at;
}

void
wd_utf8_repair(struct wd_buf *b, struct wd_str s)
{
    uint32_t c;

    while (s.n) {
        size_t n = wd_utf8_next(s, &c);
        if (n)
            wd_buf_add(b, s.p, n);
        else
            wd_utf8_add(b, 0xfffd);
        s = wd_str_part(s, n ? n : 1, s.n);
    }
}
