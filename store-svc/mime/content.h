/* store-svc/mime/content.h – what the Content-* fields of a part say (RFC 2045); private to the parser. */
#ifndef WD_MIME_CONTENT_H
#define WD_MIME_CONTENT_H
#include "store-svc/mime/parse.h"

/** Fills type…boundary and kind of the part from its .header. may_nest: the limits allow it children. */
void wd_content_read(struct wd_arena *a, struct wd_mime_part *part, bool in_digest, bool may_nest);
#endif
