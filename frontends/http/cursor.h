/* frontends/http/cursor.h – places in lists as clients carry them: base64url without padding of extended JSON,
 * {"$oid":…} in a list by id, [<value>, {"$oid":…}] in others, dates as {"$date":…}. Opaque to clients. Pure. */
#ifndef WD_HTTP_CURSOR_H
#define WD_HTTP_CURSOR_H
#include <jansson.h>

#include "common/base/str.h"
#include "wd/v1/page.pb-c.h"

/** *out is a new object with the members "id", and "text" or "date_ms", as PagePosition has them; false for what is
 *  no cursor. */
bool http_cursor_read(struct wd_str text, json_t **out);
/** A new string; false (JSON) for NULL. */
json_t *http_cursor_write(const Wd__V1__PagePosition *position);
#endif
