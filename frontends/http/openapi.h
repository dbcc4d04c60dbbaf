/* frontends/http/openapi.h – the API's description (OpenAPI 3.0), made from the routes and the RPC's descriptors. */
#ifndef WD_HTTP_OPENAPI_H
#define WD_HTTP_OPENAPI_H
#include <jansson.h>

#include "frontends/http/route.h"

/** A new object; the same for the same routes. */
json_t *http_openapi(const struct http_route *routes);
#endif
