#include "frontends/imap/write.h"

#include "common/mail/flags.h"
#include "common/mail/utf7.h"

enum { QUOTED_MAX = 4096, TEXT_MAX = 200 };

static bool
is_plain_atom(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\]", c))
            return false;
    }
    return s.n > 0 && !wd_str_ieq(s, WD_STR("NIL"));
}

void
imap_write_astring(struct wd_buf *out, struct wd_str s)
{
    if (is_plain_atom(s))
        wd_buf_str(out, s);
    else
        imap_write_string(out, s);
}

static bool
fits_quotes(struct wd_str s)
{
    if (s.n > QUOTED_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static void
write_literal(struct wd_buf *out, struct wd_str s)
{
    size_t nuls = 0;

    for (size_t i = 0; i < s.n; i++)
        nuls += s.p[i] == 0;
    wd_buf_chr(out, '{');
    wd_buf_u64(out, s.n - nuls);
    wd_buf_c(out, "}\r\n");
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i])
            wd_buf_chr(out, s.p[i]);
}

void
imap_write_string(struct wd_buf *out, struct wd_str s)
{
    char *p;

    if (!fits_quotes(s)) {
        write_literal(out, s);
        return;
    }
    p = wd_buf_reserve(out, s.n * 2 + 2);
    *p++ = '"';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            *p++ = '\\';
        *p++ = s.p[i];
    }
    *p++ = '"';
    out->n = (size_t)(p - out->p);
}

void
imap_write_mailbox(struct wd_buf *out, struct wd_str utf8_name, bool utf8)
{
    struct wd_buf name = { 0 };

    if (utf8) {
        imap_write_string(out, utf8_name);
        return;
    }
    wd_utf7_encode(&name, utf8_name);
    imap_write_string(out, wd_buf_view(&name));
    wd_buf_done(&name);
}

void
imap_write_flags(struct wd_buf *out, unsigned system, const ProtobufCBinaryData *keywords, size_t n)
{
    size_t start;

    wd_buf_chr(out, '(');
    start = out->n;
    for (const struct wd_flag_name *f = wd_flag_names(); f->bit; f++) {
        if (!(system & f->bit))
            continue;
        if (out->n > start)
            wd_buf_chr(out, ' ');
        wd_buf_str(out, f->name);
    }
    for (size_t i = 0; i < n; i++) {
        if (!wd_keyword_valid(imap_pb(keywords[i])))
            continue;
        if (out->n > start)
            wd_buf_chr(out, ' ');
        wd_buf_add(out, keywords[i].data, keywords[i].len);
    }
    wd_buf_chr(out, ')');
}

void
imap_write_text(struct wd_buf *out, struct wd_str s)
{
    s = wd_str_part(s, 0, TEXT_MAX);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        wd_buf_chr(out, c < ' ' || c >= 0x7f ? '?' : (char)c);
    }
}

struct wd_str
imap_pb(ProtobufCBinaryData d)
{
    return (struct wd_str){ (const char *)d.data, d.len };
}

ProtobufCBinaryData
imap_to_pb(struct wd_str s)
{
    /* protobuf-c only reads the bytes of a request. */
    union {
        const char *from;
        uint8_t *to;
    } u = { .from = s.p };

    return (ProtobufCBinaryData){ .len = s.n, .data = u.to };
}
