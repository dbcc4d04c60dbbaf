/* frontends/http/routes.h – the declarations of everything that the rows of routes.def name; an api_<section>.c
 * defines what its own rows need. */
#ifndef WD_HTTP_ROUTES_H
#define WD_HTTP_ROUTES_H
#include "frontends/http/route.h"
#include "wd/v1/admin.pb-c.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/events.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"
#include "wd/v1/users.pb-c.h"

extern const struct http_param http_no_params[];
extern const struct http_field http_no_fields[];

#define ROUTE(method, path, id, tag, service, rpc, params, fields, needs, resource, action, flags, run, summary) \
    extern const struct http_param params[]; \
    extern const struct http_field fields[]; \
    http_run run;
#include "frontends/http/routes.def"
#undef ROUTE
#endif
