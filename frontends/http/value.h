/* frontends/http/value.h – one parameter that is neither an array nor an object: checked and brought to its normal
 * form. */
#ifndef WD_HTTP_VALUE_H
#define WD_HTTP_VALUE_H
#include "frontends/http/check.h"

/** As http_check_value(), for every type but HTTP_ARRAY and HTTP_OBJECT. */
bool http_value_read(struct http_check *k, const struct http_place *at, const struct http_param *p,
                     const json_t *given, json_t **out);
#endif
