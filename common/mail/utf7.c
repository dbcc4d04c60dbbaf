#include "common/mail/utf7.h"

#include "common/base/b64.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"

/* Writes collected UTF-16BE units as "&…-", with "," in the place of "/". */
static void
flush(struct wd_buf *out, struct wd_buf *units)
{
    size_t start;

    if (units->n == 0)
        return;
    wd_buf_chr(out, '&');
    start = out->n;
    wd_b64_encode(out, units->p, units->n, WD_B64_UNPADDED);
    for (size_t i = start; i < out->n; i++)
        if (out->p[i] == '/')
            out->p[i] = ',';
    wd_buf_chr(out, '-');
    units->n = 0;
}

static void
add_unit(struct wd_buf *units, uint32_t unit)
{
    wd_buf_chr(units, (char)(unit >> 8));
    wd_buf_chr(units, (char)unit);
}

void
wd_utf7_encode(struct wd_buf *out, struct wd_str utf8)
{
    struct wd_buf units wd_auto(wd_buf_done) = { 0 };

    while (utf8.n) {
        uint32_t c = 0xfffd;
        size_t n = wd_utf8_next(utf8, &c);
        utf8 = wd_str_part(utf8, n ? n : 1, utf8.n);
        if (c >= 0x20 && c < 0x7f) {
            flush(out, &units);
            wd_buf_chr(out, (char)c);
            if (c == '&')
                wd_buf_chr(out, '-');
        } else if (c >= 0x10000) {
            add_unit(&units, 0xd800 + ((c - 0x10000) >> 10));
            add_unit(&units, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            add_unit(&units, c);
        }
    }
    flush(out, &units);
}

static bool
decode_units(struct wd_buf *out, struct wd_str base64)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_buf units wd_auto(wd_buf_done) = { 0 };

    wd_buf_str(&text, base64);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '/' || text.p[i] == '=')
            return false;
        if (text.p[i] == ',')
            text.p[i] = '/';
    }
    if (!wd_b64_decode(&units, wd_buf_view(&text)) || units.n % 2)
        return false;
    for (size_t i = 0; i < units.n; i += 2) {
        uint32_t c = (uint32_t)(unsigned char)units.p[i] << 8 | (unsigned char)units.p[i + 1];
        if (c >= 0xdc00 && c <= 0xdfff)
            return false;
        if (c >= 0xd800 && c <= 0xdbff) {
            uint32_t low;
            if (i + 3 >= units.n)
                return false;
            low = (uint32_t)(unsigned char)units.p[i + 2] << 8 | (unsigned char)units.p[i + 3];
            if (low < 0xdc00 || low > 0xdfff)
                return false;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        wd_utf8_add(out, c);
    }
    return true;
}

bool
wd_utf7_decode(struct wd_buf *out, struct wd_str utf7)
{
    while (utf7.n) {
        size_t end;
        if ((unsigned char)utf7.p[0] < 0x20 || (unsigned char)utf7.p[0] >= 0x7f)
            return false;
        if (utf7.p[0] != '&') {
            wd_buf_chr(out, utf7.p[0]);
            utf7 = wd_str_part(utf7, 1, utf7.n);
            continue;
        }
        end = wd_str_chr(utf7, '-');
        if (end == SIZE_MAX)
            return false;
        if (end == 1)
            wd_buf_chr(out, '&');
        else if (!decode_units(out, wd_str_part(utf7, 1, end)))
            return false;
        utf7 = wd_str_part(utf7, end + 1, utf7.n);
    }
    return true;
}
