/* store-svc/mime/charset.h – text in any charset to UTF-8, in pieces. Any thread, one converter per thread. */
#ifndef WD_MIME_CHARSET_H
#define WD_MIME_CHARSET_H
#include "common/base/buf.h"

struct wd_charset;

/**
 * A converter for a charset name as mail has it. An empty or unknown name means UTF-8 where the bytes are UTF-8 and
 * windows-1252 where they are not (decided per character). Never NULL.
 */
struct wd_charset *wd_charset_new(struct wd_str name);
void wd_charset_free(struct wd_charset *c);
void wd_charset_freep(struct wd_charset **c);
/** Appends the UTF-8 of the bytes; what can not be converted becomes U+FFFD. An unfinished character waits. */
void wd_charset_add(struct wd_charset *c, struct wd_str bytes, struct wd_buf *out);
/** Appends what an unfinished character left. */
void wd_charset_finish(struct wd_charset *c, struct wd_buf *out);
/** True when the name is one that can be converted. */
bool wd_charset_known(struct wd_str name);
/** All at once. */
void wd_charset_convert(struct wd_str name, struct wd_str bytes, struct wd_buf *out);
#endif
