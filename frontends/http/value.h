/* frontends/http/value.h – one parameter: checked and brought to its normal form. */
#ifndef WD_HTTP_VALUE_H
#define WD_HTTP_VALUE_H
#include <jansson.h>

#include "common/base/error.h"
#include "frontends/http/route.h"

/** *out is a new reference to a string, integer or boolean; NULL when the parameter is not given and need not be.
 *  WD_INVALID with a text that names the parameter. */
bool http_value_read(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err);
#endif
