#include "common/mail/address.h"

#include <idn2.h>
#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"

/* Converts UTF-8 to NFC and, when asked, lower case, with ICU. Empty result when ICU refuses. */
static struct wd_str
icu_fold(struct wd_arena *a, struct wd_str s, bool lower)
{
    int32_t cap = (int32_t)s.n * 3 + 16, n = 0;
    UErrorCode e = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&e);
    UChar *from wd_auto(wd_freep) = wd_alloc(sizeof(UChar) * cap);
    UChar *to wd_auto(wd_freep) = wd_alloc(sizeof(UChar) * cap);
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    size_t bytes = (size_t)cap * 3;

    u_strFromUTF8WithSub(from, cap, &n, s.p, (int32_t)s.n, 0xFFFD, NULL, &e);
    n = unorm2_normalize(nfc, from, n, to, cap, &e);
    if (lower) {
        n = u_strToLower(from, cap, to, n, "", &e);
        n = unorm2_normalize(nfc, from, n, to, cap, &e);
    }
    wd_buf_reserve(&out, bytes);
    u_strToUTF8(out.p, (int32_t)bytes, &n, to, n, &e);
    if (U_FAILURE(e))
        return WD_NONE;
    return wd_arena_str(a, wd_str_n(out.p, (size_t)n));
}

static struct wd_str
ascii_lower(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = wd_lower(s.p[i]);
    return wd_str_n(p, s.n);
}

static struct wd_str
fold(struct wd_arena *a, struct wd_str s, bool lower)
{
    struct wd_buf whole wd_auto(wd_buf_done) = { 0 };

    if (wd_is_ascii(s))
        return lower ? ascii_lower(a, s) : wd_arena_str(a, s);
    if (s.n > 1u << 20) { /* callers limit their text long before; ICU counts in int32_t */
        wd_utf8_repair(&whole, s);
        return wd_arena_str(a, wd_buf_view(&whole));
    }
    return icu_fold(a, s, lower);
}

struct wd_str
wd_text_fold(struct wd_arena *a, struct wd_str text)
{
    return fold(a, text, true);
}

struct wd_str
wd_text_nfc(struct wd_arena *a, struct wd_str text)
{
    return fold(a, text, false);
}

/* Domains reach libidn2 as C strings: one with NUL or of absurd length is left alone. */
static bool
domain_convertible(struct wd_str domain)
{
    return domain.n && domain.n <= 255 && !memchr(domain.p, 0, domain.n) && domain.p[0] != '[';
}

struct wd_str
wd_domain_unicode(struct wd_arena *a, struct wd_str domain)
{
    struct wd_str folded = fold(a, domain, true), out = folded;
    char *unicode = NULL;

    if (!domain_convertible(folded) || wd_str_find(folded, WD_STR("xn--")) == SIZE_MAX)
        return folded;
    folded = wd_arena_str(a, folded);
    if (idn2_to_unicode_8z8z(folded.p, &unicode, 0) == IDN2_OK && unicode)
        out = fold(a, wd_str_c(unicode), true);
    idn2_free(unicode);
    return out;
}

struct wd_str
wd_domain_ascii(struct wd_arena *a, struct wd_str domain)
{
    struct wd_str copy = wd_arena_str(a, domain), out = copy;
    char *ascii = NULL;

    if (wd_is_ascii(domain) || !domain_convertible(domain) || !wd_utf8_valid(domain))
        return copy;
    if (idn2_to_ascii_8z(copy.p, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK && ascii)
        out = wd_arena_str(a, wd_str_c(ascii));
    idn2_free(ascii);
    return out;
}

void
wd_address_split(struct wd_str address, struct wd_str *local, struct wd_str *domain)
{
    size_t at = wd_str_rchr(address, '@');

    *local = wd_str_part(address, 0, at == SIZE_MAX ? address.n : at);
    *domain = at == SIZE_MAX ? WD_NONE : wd_str_part(address, at + 1, address.n);
}

struct wd_str
wd_address_normal(struct wd_arena *a, struct wd_str address)
{
    struct wd_str local, domain;

    address = wd_str_trim(address);
    wd_address_split(address, &local, &domain);
    local = fold(a, local, true);
    if (wd_str_chr(address, '@') == SIZE_MAX)
        return local;
    domain = wd_domain_unicode(a, domain);
    return wd_arena_printf(a, "%.*s@%.*s", WD_FMT(local), WD_FMT(domain));
}

struct wd_str
wd_address_label(struct wd_str address)
{
    struct wd_str local, domain;
    size_t plus;

    wd_address_split(address, &local, &domain);
    plus = wd_str_chr(local, '+');
    return plus == SIZE_MAX ? WD_NONE : wd_str_part(local, plus + 1, local.n);
}

static struct wd_str
view(struct wd_arena *a, struct wd_str normal, bool drop_label)
{
    struct wd_str local, domain;
    size_t plus, n = 0;
    char *out = wd_arena_alloc(a, normal.n + 1);

    wd_address_split(normal, &local, &domain);
    plus = drop_label ? wd_str_chr(local, '+') : SIZE_MAX;
    /* "+x@host" has nothing before its label: it stays, or every such address would be the same one. */
    if (plus != SIZE_MAX && plus > 0)
        local = wd_str_part(local, 0, plus);
    for (size_t i = 0; i < local.n; i++)
        if (local.p[i] != '.')
            out[n++] = local.p[i];
    if (wd_str_rchr(normal, '@') != SIZE_MAX) {
        out[n++] = '@';
        memcpy(out + n, domain.p, domain.n);
        n += domain.n;
    }
    return wd_str_n(out, n);
}

struct wd_str
wd_address_view(struct wd_arena *a, struct wd_str address)
{
    return view(a, wd_address_normal(a, address), true);
}

struct wd_str
wd_username_view(struct wd_arena *a, struct wd_str username)
{
    struct wd_str normal = wd_address_normal(a, username);

    return view(a, normal, wd_str_chr(normal, '@') != SIZE_MAX);
}

static bool
bytes_fit(struct wd_str s, bool blanks)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f || (s.p[i] == ' ' && !blanks))
            return false;
    return wd_utf8_valid(s);
}

bool
wd_address_valid(struct wd_str address)
{
    struct wd_str local, domain;

    wd_address_split(address, &local, &domain);
    return local.n && domain.n && address.n <= WD_ADDRESS_MAX && bytes_fit(address, false);
}

/* The end of a path's inside: ">" outside of a quoted string. SIZE_MAX when it is missing. */
static size_t
path_end(struct wd_str s)
{
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && s.p[i] == '>')
            return i;
    }
    return SIZE_MAX;
}

bool
wd_address_path(struct wd_arena *a, struct wd_str text, struct wd_str *address, struct wd_str *rest)
{
    struct wd_str inside;
    size_t end, colon;

    while (text.n && text.p[0] == ' ')
        text = wd_str_part(text, 1, text.n);
    if (text.n && text.p[0] == '<') {
        end = path_end(text);
        if (end == SIZE_MAX)
            return false;
        inside = wd_str_part(text, 1, end);
        end++;
    } else {
        end = wd_str_chr(text, ' ');
        inside = wd_str_part(text, 0, end);
        if (inside.n == 0)
            return false;
    }
    *rest = wd_str_trim(wd_str_part(text, end, text.n));
    if (inside.n && inside.p[0] == '@' && (colon = wd_str_chr(inside, ':')) != SIZE_MAX)
        inside = wd_str_part(inside, colon + 1, inside.n);
    if (inside.n > WD_ADDRESS_MAX || !bytes_fit(inside, inside.n && inside.p[0] == '"'))
        return false;
    *address = wd_arena_str(a, inside);
    return true;
}
