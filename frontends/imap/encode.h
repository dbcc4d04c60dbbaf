/* frontends/imap/encode.h – text of headers for clients that did not ask for UTF-8: RFC 2047 words, punycode. */
#ifndef WD_IMAP_ENCODE_H
#define WD_IMAP_ENCODE_H
#include "common/base/arena.h"
#include "common/base/buf.h"

/** Text as it is when it is ASCII, otherwise as encoded words of at most 75 characters with a blank between them. */
struct wd_str imap_encode_words(struct wd_arena *a, struct wd_str text);
/** A domain as it is when it is ASCII, otherwise as punycode (or encoded words when it has no such form). */
struct wd_str imap_encode_domain(struct wd_arena *a, struct wd_str domain);
#endif
