/* frontends/http/params.h – the parameters of a request: query string and body in one JSON object. */
#ifndef WD_HTTP_PARAMS_H
#define WD_HTTP_PARAMS_H
#include <jansson.h>

#include "common/base/error.h"

/**
 * Merges the query string ("a=b&c=d", may be empty) and the body, whose form content_type says (JSON object or form;
 * NULL or another type: the body is not read). The query wins. *out is a new reference.
 * WD_INVALID with a text for malformed input.
 */
bool http_params_read(struct wd_str query, struct wd_str content_type, struct wd_str body, json_t **out,
                      struct wd_error *err);
#endif
