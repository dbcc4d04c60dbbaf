/* store-svc/mime/text.h – the readable text of leaves: decoded, in UTF-8, with LF line ends. */
#ifndef WD_MIME_TEXT_H
#define WD_MIME_TEXT_H
#include "store-svc/mime/parse.h"

struct wd_text;

/** Collects at most `limit` bytes of text of a leaf whose body bytes follow. */
struct wd_text *wd_text_new(const struct wd_mime_part *part, size_t limit);
void wd_text_free(struct wd_text *t);
void wd_text_freep(struct wd_text **t);
void wd_text_add(struct wd_text *t, struct wd_str body_bytes);
/** The text, valid until it is freed; format=flowed (RFC 3676) joined. *cut: there was more. */
struct wd_str wd_text_finish(struct wd_text *t, bool *cut);

/** Appends plain text as HTML paragraphs. */
void wd_text_to_html(struct wd_str text, struct wd_buf *out);
/** Appends the preview of a text: at most 128 characters on one line, cut at a blank with "…"; quoted lines, ruler
 *  lines and the targets of markdown links are left out. */
void wd_text_intro(struct wd_str text, struct wd_buf *out);
#endif
