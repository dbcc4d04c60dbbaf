/* frontends/http/route.h – the table of endpoints and what its columns mean. */
#ifndef WD_HTTP_ROUTE_H
#define WD_HTTP_ROUTE_H
#include <event2/http.h>
#include <protobuf-c/protobuf-c.h>

#include "common/base/str.h"

struct http_call;

/* How a parameter is read from JSON, a form or the query string. */
enum http_type {
    HTTP_TEXT,  /* a string of min…max characters */
    HTTP_LOGIN, /* letters and digits, min…max of them; lower-cased */
    HTTP_NAME,  /* HTTP_LOGIN, or an e-mail address */
    HTTP_EMAIL, /* an address without a label */
    HTTP_COUNT, /* a number min…max, or its decimal digits as a string */
    HTTP_FLAG,  /* true, "true", "yes", "Y", 1 and the opposites, in any case */
};

struct http_param {
    const char *name;
    enum http_type type;
    bool required;
    int64_t min, max;
    const char *field; /* of the request message; dots lead into sub-messages. NULL: only checked, for the call */
};

/* How a field of the reply message is written. */
enum http_render { HTTP_PLAIN, HTTP_ISO_DATE, HTTP_OR_FALSE, HTTP_ROWS };

struct http_field {
    const char *name;
    enum http_render render;
    const char *field;             /* of the reply message; NULL: the parameter of the same name, as it was read */
    const struct http_field *rows; /* of HTTP_ROWS: the members of each sub-message */
};

/* The shape of an error. */
enum http_errors { HTTP_ERRORS_EARLY, HTTP_ERRORS_HEALTH };

struct http_route {
    enum evhttp_cmd_type method;
    const char *path;
    const ProtobufCServiceDescriptor *service;
    const char *rpc;
    const struct http_param *params; /* ends with .name == NULL */
    const struct http_field *fields; /* ends with .name == NULL */
    enum http_errors errors;
    /* Starts the work; http_translate() for an endpoint that only translates. */
    void (*call)(struct http_call *call);
};

/** All routes; ends with .path == NULL. */
const struct http_route *http_routes(void);
/** The route of a request; NULL when there is none, and then *path_known tells whether another method would do. */
const struct http_route *http_route_find(enum evhttp_cmd_type method, struct wd_str path, bool *path_known);
/** The descriptors of the request and the reply of a route, and the method's number in its service. */
const ProtobufCMethodDescriptor *http_route_method(const struct http_route *route, unsigned *index);
#endif
