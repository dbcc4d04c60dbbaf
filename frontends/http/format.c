#include "frontends/http/format.h"

#include <arpa/inet.h>

#include "common/base/utf8.h"
#include "common/mail/address.h"

size_t
http_characters(struct wd_str s)
{
    size_t count = 0;
    uint32_t c;

    while (s.n) {
        size_t n = wd_utf8_next(s, &c);
        s = wd_str_part(s, n ? n : 1, s.n);
        count++;
    }
    return count;
}

bool
http_has_word(const char *words, struct wd_str word)
{
    struct wd_str rest = wd_str_c(words), one;

    while (wd_str_split(&rest, ' ', &one))
        if (one.n && wd_str_eq(one, word))
            return true;
    return false;
}

static bool
is_label_char(char c)
{
    return wd_is_alpha(c) || wd_is_digit(c) || c == '-' || (unsigned char)c >= 0x80;
}

static size_t
count_labels(struct wd_str s)
{
    struct wd_str rest = s, label;
    size_t count = 0;

    if (s.n == 0 || s.n > 253)
        return 0;
    while (wd_str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return 0;
        for (size_t i = 0; i < label.n; i++)
            if (!is_label_char(label.p[i]))
                return 0;
        count++;
    }
    return count;
}

bool
http_is_hostname(struct wd_str s)
{
    return count_labels(s) > 0;
}

/* Dots between atoms only. */
static bool
is_local(struct wd_str s)
{
    static const char others[] = "!#$%&'*+-/=?^_`{|}~";
    struct wd_str rest = s, atom;

    while (wd_str_split(&rest, '.', &atom)) {
        if (atom.n == 0)
            return false;
        for (size_t i = 0; i < atom.n; i++)
            if (!is_label_char(atom.p[i]) && (atom.p[i] == '\0' || !strchr(others, atom.p[i])))
                return false;
    }
    return s.n > 0;
}

bool
http_is_email(struct wd_str s)
{
    size_t at = wd_str_rchr(s, '@');

    if (at == SIZE_MAX || s.n > WD_ADDRESS_MAX || !wd_address_valid(s))
        return false;
    return is_local(wd_str_part(s, 0, at)) && count_labels(wd_str_part(s, at + 1, s.n)) >= 2;
}

bool
http_is_url(struct wd_str s, const char *schemes)
{
    size_t colon = wd_str_find(s, WD_STR("://"));
    struct wd_str rest;
    char lower[16];

    if (colon == SIZE_MAX || colon >= sizeof lower)
        return false;
    for (size_t i = 0; i < colon; i++)
        lower[i] = wd_lower(s.p[i]);
    if (!http_has_word(schemes, wd_str_n(lower, colon)))
        return false;
    rest = wd_str_part(s, colon + 3, s.n);
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || rest.p[i] == 0x7f || strchr("\"<>\\^`{|}", rest.p[i]))
            return false;
    return rest.n > 0 && rest.p[0] != '/' && rest.p[0] != '?' && rest.p[0] != '#';
}

bool
http_is_ip(struct wd_str s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Groups of a-z 0-9 - joined by one of the others. */
static bool
is_name_part(struct wd_str s)
{
    bool joined = true; /* a separator stands before: none may follow */

    for (size_t i = 0; i < s.n; i++) {
        bool separator = strchr("._=:", s.p[i]) && s.p[i];
        if (separator ? joined : !((s.p[i] >= 'a' && s.p[i] <= 'z') || wd_is_digit(s.p[i]) || s.p[i] == '-'))
            return false;
        joined = separator;
    }
    return !joined;
}

bool
http_is_username(struct wd_str s)
{
    size_t at = wd_str_chr(s, '@');

    if (s.n == 0 || s.n > 128 || !is_name_part(wd_str_part(s, 0, at)))
        return false;
    return at == SIZE_MAX || is_name_part(wd_str_part(s, at + 1, s.n));
}

static bool
is_uid(struct wd_str s)
{
    uint32_t n;

    return wd_str_u32(s, UINT32_MAX, &n) && n > 0;
}

bool
http_is_uid_set(struct wd_str s)
{
    struct wd_str rest = s, piece;

    while (wd_str_split(&rest, ',', &piece)) {
        size_t colon = wd_str_chr(piece, ':');
        struct wd_str last = wd_str_part(piece, colon == SIZE_MAX ? piece.n : colon + 1, piece.n);
        if (!is_uid(wd_str_part(piece, 0, colon)))
            return false;
        if (colon != SIZE_MAX && !wd_str_eq(last, WD_STR("*")) && !is_uid(last))
            return false;
    }
    return s.n > 0;
}
