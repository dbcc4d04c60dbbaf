/* store-svc/port/regex.h – the regular expressions of filters: literals, '.', [classes], \d \w \s and escapes,
 * the quantifiers * + ?, the anchors ^ and $, and | at the top level. No groups: time is linear in text × pattern,
 * memory is fixed, whatever a client sends. Works on UTF-8 characters; case folds for Latin, Greek and Cyrillic. */
#ifndef WD_STORE_PORT_REGEX_H
#define WD_STORE_PORT_REGEX_H
#include "common/base/error.h"
#include "common/base/lifetime.h"

struct wd_regex;

/** options: "" or "i". WD_INVALID for anything outside of the subset or longer than 256 items. Free with _free. */
bool wd_regex_new(struct wd_str pattern, const char *options, struct wd_regex **out, struct wd_error *err) WD_CHECKED;
/** Is there a match anywhere in the text? Any thread. */
bool wd_regex_test(const struct wd_regex *r, struct wd_str text);
/** NULL is fine. */
void wd_regex_free(struct wd_regex *r);
void wd_regex_freep(struct wd_regex **r);
#endif
