/* frontends/http/openapi_priv.h – schemas of parameters and answers, for openapi.c. All are new references. */
#ifndef WD_HTTP_OPENAPI_PRIV_H
#define WD_HTTP_OPENAPI_PRIV_H
#include <jansson.h>

#include "frontends/http/route.h"

json_t *http_schema_param(const struct http_param *p);
json_t *http_schema_reply(const struct http_route *r);
json_t *http_schema_binary(void);
json_t *http_schema_security(void);
json_t *http_schema_components(void);
/** Adds sess and ip. */
void http_schema_session(json_t *properties);
#endif
