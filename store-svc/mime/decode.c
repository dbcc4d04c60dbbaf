#include "store-svc/mime/decode.h"

#include "common/base/b64.h"

enum wd_encoding
wd_encoding_named(struct wd_str name)
{
    name = wd_str_trim(name);
    if (name.n == 0 || wd_str_ieq(name, WD_STR("7bit")) || wd_str_ieq(name, WD_STR("8bit")) ||
        wd_str_ieq(name, WD_STR("binary")))
        return WD_ENCODING_IDENTITY;
    if (wd_str_ieq(name, WD_STR("base64")))
        return WD_ENCODING_BASE64;
    if (wd_str_ieq(name, WD_STR("quoted-printable")))
        return WD_ENCODING_QP;
    return WD_ENCODING_UNKNOWN;
}

static void
decode_base64(struct wd_decoder *d, struct wd_str s, struct wd_buf *out)
{
    char *to = wd_buf_reserve(out, s.n);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int value = wd_b64_value(s.p[i]);

        if (s.p[i] == '=') { /* ends a block; another one may follow (RFC 2045 does not say so, mail does it) */
            d->bits = d->n_bits = 0;
            continue;
        }
        if (value < 0)
            continue;
        d->bits = (d->bits << 6 | (uint32_t)value) & 0xfff;
        d->n_bits += 6;
        if (d->n_bits >= 8) {
            d->n_bits -= 8;
            to[n++] = (char)(d->bits >> d->n_bits);
        }
    }
    out->n += n;
}

static int
hex(char c)
{
    if (wd_is_digit(c))
        return c - '0';
    c = wd_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* At a "=" with two bytes behind it. Returns the bytes used. */
static size_t
qp_escape(const char *p, struct wd_buf *out)
{
    int high = hex(p[1]), low = hex(p[2]);

    if (high >= 0 && low >= 0) {
        wd_buf_chr(out, (char)(high << 4 | low));
        return 3;
    }
    if (p[1] == '\r')
        return p[2] == '\n' ? 3 : 2;
    if (p[1] == '\n')
        return 2;
    wd_buf_chr(out, '='); /* not an escape: kept as it is */
    return 1;
}

/* The number of blanks at the start of s. */
static size_t
blanks(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n && (p[i] == ' ' || p[i] == '\t'))
        i++;
    return i;
}

/* Returns the bytes used; the rest has to wait for more. */
static size_t
decode_qp(struct wd_str s, struct wd_buf *out, bool last)
{
    size_t i = 0, n;

    while (i < s.n) {
        if (s.p[i] == '=') {
            if (s.n - i >= 3)
                i += qp_escape(s.p + i, out);
            else if (!last)
                break;
            else if (s.n - i == 2 && (s.p[i + 1] == '\n' || s.p[i + 1] == '\r'))
                i += 2;
            else
                i++; /* a "=" at the very end is a soft line break */
        } else if (s.p[i] == ' ' || s.p[i] == '\t') {
            n = blanks(s.p + i, s.n - i);
            if (i + n == s.n && !last && n < 512)
                break;
            if (i + n == s.n ? !last : (s.p[i + n] != '\r' && s.p[i + n] != '\n'))
                wd_buf_add(out, s.p + i, n);
            i += n;
        } else {
            for (n = i; n < s.n && s.p[n] != '=' && s.p[n] != ' ' && s.p[n] != '\t'; n++)
                continue;
            wd_buf_add(out, s.p + i, n - i);
            i = n;
        }
    }
    return i;
}

static void
qp(struct wd_decoder *d, struct wd_str s, struct wd_buf *out, bool last)
{
    size_t used;

    /* What is held is finished byte by byte, so that the piece itself is not copied. */
    while (d->held.n && (s.n || last)) {
        if (s.n && d->held.n < sizeof d->held.p) {
            d->held.p[d->held.n++] = s.p[0];
            s = wd_str_part(s, 1, s.n);
        }
        used = decode_qp(wd_str_n(d->held.p, d->held.n), out, last && s.n == 0);
        d->held.n -= used;
        memmove(d->held.p, d->held.p + used, d->held.n);
    }
    used = decode_qp(s, out, last);
    memcpy(d->held.p + d->held.n, s.p + used, s.n - used);
    d->held.n += s.n - used;
}

void
wd_decode(struct wd_decoder *d, struct wd_str piece, struct wd_buf *out)
{
    if (piece.n == 0)
        return;
    if (d->encoding == WD_ENCODING_BASE64)
        decode_base64(d, piece, out);
    else if (d->encoding == WD_ENCODING_QP)
        qp(d, piece, out, false);
    else
        wd_buf_str(out, piece);
}

void
wd_decode_finish(struct wd_decoder *d, struct wd_buf *out)
{
    if (d->encoding == WD_ENCODING_QP && d->held.n)
        qp(d, WD_STR(""), out, true);
    d->held.n = 0;
    d->bits = d->n_bits = 0;
}
