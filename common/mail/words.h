/* common/mail/words.h – encoded words: text of headers in ASCII (RFC 2047). */
#ifndef WD_MAIL_WORDS_H
#define WD_MAIL_WORDS_H
#include "common/base/arena.h"

/** Text as it is when it is ASCII, otherwise as encoded words of at most 75 characters with a blank between them:
 *  UTF-8, as Q or as base64, whichever is the shorter. What is not UTF-8 is repaired. */
struct wd_str wd_words_encode(struct wd_arena *a, struct wd_str text);
#endif
