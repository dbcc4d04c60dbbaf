#include "common/mail/words.h"

#include "common/base/b64.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"

/* 75 characters less "=?UTF-8?B?" and "?=" leave 63, so 15 groups of base64: 45 bytes. */
enum { WORD_BYTES = 45, WORD_CHARS = 63 };

static const char hex_digits[] = "0123456789ABCDEF";

static bool
is_q_plain(unsigned char c)
{
    return wd_is_alpha((char)c) || wd_is_digit((char)c) || c == '-' || c == '/' || c == '!' || c == '*' || c == '+';
}

static size_t
q_length(struct wd_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += is_q_plain((unsigned char)s.p[i]) || s.p[i] == ' ' ? 1 : 3;
    return n;
}

static void
add_q(struct wd_buf *out, struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_q_plain(c)) {
            wd_buf_chr(out, (char)c);
        } else if (c == ' ') {
            wd_buf_chr(out, '_');
        } else {
            wd_buf_chr(out, '=');
            wd_buf_chr(out, hex_digits[c >> 4]);
            wd_buf_chr(out, hex_digits[c & 15]);
        }
    }
}

/* As many whole characters as fit into one Q word. */
static size_t
q_fits(struct wd_str s)
{
    size_t at = 0, used = 0;

    while (at < s.n) {
        uint32_t c;
        size_t n = wd_utf8_next(wd_str_part(s, at, s.n), &c);
        size_t cost = q_length(wd_str_part(s, at, at + (n ? n : 1)));
        if (used + cost > WORD_CHARS)
            break;
        used += cost;
        at += n ? n : 1;
    }
    return at;
}

struct wd_str
wd_words_encode(struct wd_arena *a, struct wd_str text)
{
    struct wd_buf good wd_auto(wd_buf_done) = { 0 };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    bool q = q_length(text) <= text.n * 4 / 3 + 4;

    if (wd_is_ascii(text))
        return text;
    wd_utf8_repair(&good, text);
    for (struct wd_str rest = wd_buf_view(&good); rest.n;) {
        size_t n = q ? q_fits(rest) : wd_utf8_cut(rest, WORD_BYTES);
        if (out.n)
            wd_buf_chr(&out, ' ');
        wd_buf_c(&out, q ? "=?UTF-8?Q?" : "=?UTF-8?B?");
        if (q)
            add_q(&out, wd_str_part(rest, 0, n));
        else
            wd_b64_encode(&out, rest.p, n, WD_B64_PADDED);
        wd_buf_c(&out, "?=");
        rest = wd_str_part(rest, n, rest.n);
    }
    return wd_arena_str(a, wd_buf_view(&out));
}
