/* frontends/http/multipart.h – multipart/form-data (RFC 7578) of a body that is in memory. Pure. */
#ifndef WD_HTTP_MULTIPART_H
#define WD_HTTP_MULTIPART_H
#include "frontends/http/params.h"

/** Text parts become strings of the object (names nest as in forms), the first part with a file name becomes *file.
 *  At most 1,000 parts. WD_INVALID. */
bool http_multipart_read(struct wd_str content_type, struct wd_str body, json_t *into, struct http_file *file,
                         struct wd_error *err);
#endif
