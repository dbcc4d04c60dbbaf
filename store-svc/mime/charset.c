#include "store-svc/mime/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"

enum { HELD = 16 }; /* bytes of the longest unfinished character */

struct wd_charset {
    iconv_t cd;  /* (iconv_t)-1: UTF-8 with a fallback */
    iconv_t one; /* for single bytes that are not UTF-8 */
    char held[HELD];
    size_t n_held;
};

/* Names that mail uses and glibc does not know, or knows as something narrower than what is meant. */
static const struct {
    struct wd_str name;
    const char *iconv;
} aliases[] = {
    { WD_STR_C("us-ascii"), "" },
    { WD_STR_C("ascii"), "" },
    { WD_STR_C("utf-8"), "" },
    { WD_STR_C("utf8"), "" },
    { WD_STR_C("unicode-1-1-utf-8"), "" },
    { WD_STR_C("default"), "" },
    { WD_STR_C("unknown-8bit"), "" },
    { WD_STR_C("x-unknown"), "" },
    { WD_STR_C("iso-8859-1"), "WINDOWS-1252" },
    { WD_STR_C("latin1"), "WINDOWS-1252" },
    { WD_STR_C("iso8859-1"), "WINDOWS-1252" },
    { WD_STR_C("iso-8859-8-i"), "ISO-8859-8" },
    { WD_STR_C("iso-8859-6-i"), "ISO-8859-6" },
    { WD_STR_C("gb2312"), "GB18030" },
    { WD_STR_C("gbk"), "GB18030" },
    { WD_STR_C("x-gbk"), "GB18030" },
    { WD_STR_C("ks_c_5601-1987"), "CP949" },
    { WD_STR_C("ks_c_5601"), "CP949" },
    { WD_STR_C("euc-kr"), "CP949" },
    { WD_STR_C("shift_jis"), "CP932" },
    { WD_STR_C("shift-jis"), "CP932" },
    { WD_STR_C("x-sjis"), "CP932" },
    { WD_STR_C("iso-2022-jp"), "ISO-2022-JP-2" },
    { WD_STR_C("big5"), "BIG5-HKSCS" },
    { WD_STR_C("cp-850"), "CP850" },
    { WD_STR_C("x-mac-roman"), "MACINTOSH" },
    { WD_STR_C("macroman"), "MACINTOSH" },
    { WD_STR_C("tis-620"), "CP874" },
};

/* The name for iconv_open: "" for UTF-8 with fallback, NULL for what can not be a name. */
static const char *
iconv_name(struct wd_str name, char copy[64])
{
    for (size_t i = 0; i < WD_COUNT(aliases); i++)
        if (wd_str_ieq(name, aliases[i].name))
            return aliases[i].iconv;
    if (name.n == 0 || name.n >= 64)
        return NULL;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        /* No "//TRANSLIT" from outside, no path. */
        if (!wd_is_alpha(c) && !wd_is_digit(c) && !strchr("-_.:+", c))
            return NULL;
        copy[i] = c;
    }
    copy[name.n] = 0;
    return copy;
}

struct wd_charset *
wd_charset_new(struct wd_str name)
{
    struct wd_charset *c = WD_NEW(struct wd_charset);
    char copy[64];
    const char *known = iconv_name(wd_str_trim(name), copy);

    c->cd = known && *known ? iconv_open("UTF-8", known) : (iconv_t)-1;
    c->one = (iconv_t)-1;
    return c;
}

void
wd_charset_free(struct wd_charset *c)
{
    if (!c)
        return;
    if (c->cd != (iconv_t)-1)
        iconv_close(c->cd);
    if (c->one != (iconv_t)-1)
        iconv_close(c->one);
    free(c);
}

void
wd_charset_freep(struct wd_charset **c)
{
    wd_charset_free(*c);
}

bool
wd_charset_known(struct wd_str name)
{
    char copy[64];
    const char *known = iconv_name(wd_str_trim(name), copy);
    iconv_t cd;

    if (!known || !*known)
        return known != NULL;
    cd = iconv_open("UTF-8", known);
    if (cd == (iconv_t)-1)
        return false;
    iconv_close(cd);
    return true;
}

/* One byte that is not UTF-8, read as windows-1252. */
static void
add_single(struct wd_charset *c, char byte, struct wd_buf *out)
{
    char *from = &byte, *to;
    size_t left = 1, room = 8;

    if (c->one == (iconv_t)-1)
        c->one = iconv_open("UTF-8", "WINDOWS-1252");
    to = wd_buf_reserve(out, room);
    if (c->one == (iconv_t)-1 || iconv(c->one, &from, &left, &to, &room) == (size_t)-1)
        wd_utf8_add(out, 0xFFFD);
    else
        out->n = (size_t)(to - out->p);
}

/* The length of the character that a lead byte announces. */
static size_t
utf8_wants(unsigned char lead)
{
    return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
}

/* Returns the bytes used: all but an unfinished character. */
static size_t
add_utf8(struct wd_charset *c, struct wd_str s, struct wd_buf *out, bool last)
{
    size_t i = 0, start = 0, n;
    uint32_t codepoint;

    while (i < s.n) {
        if ((unsigned char)s.p[i] < 0x80) {
            i++;
            continue;
        }
        n = wd_utf8_next(wd_str_part(s, i, s.n), &codepoint);
        if (n) {
            i += n;
            continue;
        }
        wd_buf_str(out, wd_str_part(s, start, i));
        start = i;
        if (!last && s.n - i < utf8_wants((unsigned char)s.p[i]))
            return i;
        add_single(c, s.p[i], out);
        start = ++i;
    }
    wd_buf_str(out, wd_str_part(s, start, i));
    return s.n;
}

static size_t
add_iconv(struct wd_charset *c, struct wd_str s, struct wd_buf *out, bool last)
{
    union {
        const char *in;
        char *iconv; /* iconv does not write to it; its prototype lacks the const */
    } from = { s.p };
    size_t left = s.n;

    while (left) {
        size_t room = left * 4 + 16;
        char *to = wd_buf_reserve(out, room);
        size_t done = iconv(c->cd, &from.iconv, &left, &to, &room);

        out->n = (size_t)(to - out->p);
        if (done != (size_t)-1)
            break;
        if (errno == EINVAL && !last && left < HELD)
            break;
        if (errno == E2BIG)
            continue;
        wd_utf8_add(out, 0xFFFD);
        from.in++;
        left--;
    }
    return s.n - left;
}

static void
add(struct wd_charset *c, struct wd_str bytes, struct wd_buf *out, bool last)
{
    struct wd_buf joined wd_auto(wd_buf_done) = { 0 };
    size_t used;

    if (c->n_held) {
        wd_buf_add(&joined, c->held, c->n_held);
        wd_buf_str(&joined, bytes);
        bytes = wd_buf_view(&joined);
        c->n_held = 0;
    }
    if (bytes.n == 0)
        return;
    used = c->cd == (iconv_t)-1 ? add_utf8(c, bytes, out, last) : add_iconv(c, bytes, out, last);
    c->n_held = bytes.n - used;
    if (c->n_held)
        memcpy(c->held, bytes.p + used, c->n_held);
}

void
wd_charset_add(struct wd_charset *c, struct wd_str bytes, struct wd_buf *out)
{
    add(c, bytes, out, false);
}

void
wd_charset_finish(struct wd_charset *c, struct wd_buf *out)
{
    add(c, WD_NONE, out, true);
}

void
wd_charset_convert(struct wd_str name, struct wd_str bytes, struct wd_buf *out)
{
    struct wd_charset *c wd_auto(wd_charset_freep) = wd_charset_new(name);

    wd_charset_add(c, bytes, out);
    wd_charset_finish(c, out);
}
