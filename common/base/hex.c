#include "common/base/hex.h"

void
wd_hex_encode(struct wd_buf *out, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;

    for (size_t i = 0; i < n; i++) {
        wd_buf_chr(out, digits[in[i] >> 4]);
        wd_buf_chr(out, digits[in[i] & 15]);
    }
}

static int
value_of(char c)
{
    if (wd_is_digit(c))
        return c - '0';
    c = wd_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
wd_hex_decode(struct wd_str digits, void *out, size_t n)
{
    unsigned char *to = out;

    if (digits.n != n * 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = value_of(digits.p[2 * i]), low = value_of(digits.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
