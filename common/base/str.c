#include "common/base/str.h"

char
wd_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c + 32) : c;
}

char
wd_upper(char c)
{
    return (c >= 'a' && c <= 'z') ? (char)(c - 32) : c;
}

bool
wd_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
wd_is_alpha(char c)
{
    c = wd_lower(c);
    return c >= 'a' && c <= 'z';
}

bool
wd_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct wd_str
wd_str_c(const char *c)
{
    return (struct wd_str){ c, c ? strlen(c) : 0 };
}

struct wd_str
wd_str_n(const void *p, size_t n)
{
    return (struct wd_str){ p, n };
}

struct wd_str
wd_str_part(struct wd_str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (struct wd_str){ s.p ? s.p + from : NULL, to - from };
}

bool
wd_str_eq(struct wd_str a, struct wd_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
wd_str_ieq(struct wd_str a, struct wd_str b)
{
    return a.n == b.n && wd_str_icmp(a, b) == 0;
}

int
wd_str_cmp(struct wd_str a, struct wd_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

int
wd_str_icmp(struct wd_str a, struct wd_str b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int order = (unsigned char)wd_lower(a.p[i]) - (unsigned char)wd_lower(b.p[i]);
        if (order)
            return order;
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool
wd_str_starts(struct wd_str s, struct wd_str prefix)
{
    return s.n >= prefix.n && wd_str_eq(wd_str_part(s, 0, prefix.n), prefix);
}

bool
wd_str_istarts(struct wd_str s, struct wd_str prefix)
{
    return s.n >= prefix.n && wd_str_ieq(wd_str_part(s, 0, prefix.n), prefix);
}

bool
wd_str_ends(struct wd_str s, struct wd_str suffix)
{
    return s.n >= suffix.n && wd_str_eq(wd_str_part(s, s.n - suffix.n, s.n), suffix);
}

bool
wd_str_iends(struct wd_str s, struct wd_str suffix)
{
    return s.n >= suffix.n && wd_str_ieq(wd_str_part(s, s.n - suffix.n, s.n), suffix);
}

size_t
wd_str_chr(struct wd_str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t
wd_str_rchr(struct wd_str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t
wd_str_find(struct wd_str s, struct wd_str needle)
{
    const char *at;

    if (needle.n == 0)
        return 0;
    at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t
wd_str_ifind(struct wd_str s, struct wd_str needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (wd_str_ieq(wd_str_part(s, i, i + needle.n), needle))
            return i;
    return SIZE_MAX;
}

struct wd_str
wd_str_trim(struct wd_str s)
{
    while (s.n && wd_is_space(s.p[0]))
        s = wd_str_part(s, 1, s.n);
    while (s.n && wd_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct wd_str
wd_str_chomp(struct wd_str s)
{
    if (s.n && s.p[s.n - 1] == '\n')
        s.n--;
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

bool
wd_str_split(struct wd_str *rest, char separator, struct wd_str *piece)
{
    size_t at;

    if (!rest->p)
        return false;
    at = wd_str_chr(*rest, separator);
    if (at == SIZE_MAX) {
        *piece = *rest;
        *rest = WD_NONE;
    } else {
        *piece = wd_str_part(*rest, 0, at);
        *rest = wd_str_part(*rest, at + 1, rest->n);
    }
    return true;
}

bool
wd_str_u64(struct wd_str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (!wd_is_digit(s.p[i]) || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool
wd_str_u32(struct wd_str s, uint32_t max, uint32_t *out)
{
    uint64_t value;

    if (!wd_str_u64(s, max, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool
wd_str_i64(struct wd_str s, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t value;

    if (!wd_str_u64(negative ? wd_str_part(s, 1, s.n) : s, INT64_MAX, &value))
        return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}
