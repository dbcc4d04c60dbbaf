/* common/base/str.h – slices: borrowed bytes that may hold any octet. */
#ifndef WD_BASE_STR_H
#define WD_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wd_str {
    const char *p; /* may be NULL when n is 0; never freed through the slice */
    size_t n;
};

#define WD_STR(lit) ((struct wd_str){ "" lit, sizeof(lit) - 1 })
#define WD_STR_C(lit)                                                                              \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    } /* the same, for static initialisers */
#define WD_NONE     ((struct wd_str){ NULL, 0 })
#define WD_FMT(s)   (int)(s).n, (s).p /* printf("%.*s", WD_FMT(name)); n must be small enough for int */

/** The slice of a C string; NULL gives the empty slice. */
struct wd_str wd_str_c(const char *c);
/** The slice of n bytes at p. */
struct wd_str wd_str_n(const void *p, size_t n);
/** Bytes from…to (exclusive) of s; both are cut to its length. */
struct wd_str wd_str_part(struct wd_str s, size_t from, size_t to);

/** Equality of bytes; _ieq ignores the case of A–Z only: there is no locale on the wire. */
bool wd_str_eq(struct wd_str a, struct wd_str b);
bool wd_str_ieq(struct wd_str a, struct wd_str b);
/** memcmp order, the shorter first when one begins the other. _icmp after lowering A–Z. */
int wd_str_cmp(struct wd_str a, struct wd_str b);
int wd_str_icmp(struct wd_str a, struct wd_str b);
bool wd_str_starts(struct wd_str s, struct wd_str prefix);
bool wd_str_istarts(struct wd_str s, struct wd_str prefix);
bool wd_str_ends(struct wd_str s, struct wd_str suffix);
bool wd_str_iends(struct wd_str s, struct wd_str suffix);

/** Position of the first/last c, or of needle, in s; SIZE_MAX when there is none. */
size_t wd_str_chr(struct wd_str s, char c);
size_t wd_str_rchr(struct wd_str s, char c);
size_t wd_str_find(struct wd_str s, struct wd_str needle);
size_t wd_str_ifind(struct wd_str s, struct wd_str needle);

/** Without leading and trailing space, tab, CR and LF. */
struct wd_str wd_str_trim(struct wd_str s);
/** Without one final LF, CRLF. */
struct wd_str wd_str_chomp(struct wd_str s);

/**
 * Cuts the next piece off *rest, up to the separator, which is dropped.
 * False when *rest was used up (p == NULL); "a," yields "a" and "".
 */
bool wd_str_split(struct wd_str *rest, char separator, struct wd_str *piece);

/** Decimal digits only, no sign, no blanks, at most max; false otherwise, and then *out is untouched. */
bool wd_str_u32(struct wd_str s, uint32_t max, uint32_t *out);
bool wd_str_u64(struct wd_str s, uint64_t max, uint64_t *out);
/** As _u64 with an optional leading '-'. */
bool wd_str_i64(struct wd_str s, int64_t *out);

/** ASCII only. */
char wd_lower(char c);
char wd_upper(char c);
bool wd_is_digit(char c);
bool wd_is_alpha(char c);
bool wd_is_space(char c); /* space, tab, CR, LF */
#endif
