/* store-svc/mime/html.h – the text of HTML, for search and previews. */
#ifndef WD_MIME_HTML_H
#define WD_MIME_HTML_H
#include "common/base/buf.h"

/** Appends at most about `limit` bytes of the visible text of UTF-8 HTML. Any input; no tree is built. */
void wd_html_to_text(struct wd_str html, size_t limit, struct wd_buf *out);
#endif
