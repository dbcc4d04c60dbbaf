#include "common/base/b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* clang-format off */
static const signed char values[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
    -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
    -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
};
/* clang-format on */

void
wd_b64_encode(struct wd_buf *out, const void *bytes, size_t n, enum wd_b64_padding padding)
{
    const unsigned char *in = bytes;
    char *to = wd_buf_reserve(out, (n + 2) / 3 * 4), *start = to;

    for (; n >= 3; n -= 3, in += 3) {
        *to++ = alphabet[in[0] >> 2];
        *to++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        *to++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
        *to++ = alphabet[in[2] & 63];
    }
    if (n) {
        unsigned second = n == 2 ? in[1] : 0;
        *to++ = alphabet[in[0] >> 2];
        *to++ = alphabet[(in[0] & 3) << 4 | second >> 4];
        if (n == 2)
            *to++ = alphabet[(second & 15) << 2];
        else if (padding == WD_B64_PADDED)
            *to++ = '=';
        if (padding == WD_B64_PADDED)
            *to++ = '=';
    }
    out->n += (size_t)(to - start);
}

int
wd_b64_value(char c)
{
    return (unsigned char)c < sizeof values ? values[(unsigned char)c] : -1;
}

bool
wd_b64_decode(struct wd_buf *out, struct wd_str text)
{
    uint32_t group = 0;
    size_t digits = 0, padded = 0;

    while (text.n && text.p[text.n - 1] == '=' && padded < 2) {
        text.n--;
        padded++;
    }
    if (text.n % 4 == 1 || (padded && (text.n + padded) % 4))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int value = wd_b64_value(text.p[i]);
        if (value < 0)
            return false;
        group = group << 6 | (uint32_t)value;
        if (++digits % 4 == 0) {
            char bytes[3] = { (char)(group >> 16), (char)(group >> 8), (char)group };
            wd_buf_add(out, bytes, 3);
        }
    }
    if (digits % 4 >= 2)
        wd_buf_chr(out, (char)(digits % 4 == 2 ? group >> 4 : group >> 10));
    if (digits % 4 == 3)
        wd_buf_chr(out, (char)(group >> 2));
    return true;
}
