/* frontends/http/format.h – the forms of text that parameters have. Pure; UTF-8 in. */
#ifndef WD_HTTP_FORMAT_H
#define WD_HTTP_FORMAT_H
#include "common/base/str.h"

/** local@domain with two labels or more; Unicode on both sides, "*" and "+" in the local part; no quotes, no
 *  literals. */
bool http_is_email(struct wd_str s);
/** scheme://host… with one of the schemes ("http https"). */
bool http_is_url(struct wd_str s, const char *schemes);
/** IPv4 or IPv6. */
bool http_is_ip(struct wd_str s);
/** Labels of letters, digits and inner hyphens, Unicode allowed, joined by dots. */
bool http_is_hostname(struct wd_str s);
/** 1–128 of a-z 0-9 - in groups joined by single . _ = : and optionally @ and the same; already lower-cased. */
bool http_is_username(struct wd_str s);
/** "1", "1,2,5", "1:5", "1:*", and lists of these. */
bool http_is_uid_set(struct wd_str s);
/** Characters, a bad byte counting as one. */
size_t http_characters(struct wd_str s);
/** Is the word in the list ("asc desc")? */
bool http_has_word(const char *words, struct wd_str word);
#endif
