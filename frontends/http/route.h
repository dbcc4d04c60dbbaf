/* frontends/http/route.h – the table of endpoints and what its columns mean (README.md tells how to add one). */
#ifndef WD_HTTP_ROUTE_H
#define WD_HTTP_ROUTE_H
#include <protobuf-c/protobuf-c.h>

#include "common/base/str.h"
#include "frontends/http/head.h"

/* For whoever includes this: the rows of the tables leave out the columns that they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct http_call;
typedef void http_run(struct http_call *c);

/* ---- parameters: of the path, the query string and the body alike ---- */

/* What a parameter is, and its normal form: what a call finds in c->read. */
enum http_type {
    HTTP_TEXT,      /* a string of min…max characters */
    HTTP_FLAG,      /* true or false, also as 1, "yes", "on", …: a boolean */
    HTTP_NUMBER,    /* a number min…max, also as a string: an integer, or a real when it has a fraction */
    HTTP_DATE,      /* an integer: ms since 1970 */
    HTTP_ID,        /* 24 hexadecimal digits, lower-cased */
    HTTP_HEX,       /* hexadecimal digits, at most max */
    HTTP_WORD,      /* one of `words` */
    HTTP_EMAIL,     /* an e-mail address */
    HTTP_URL,       /* an absolute URI of one of the schemes in `words` */
    HTTP_TARGET,    /* HTTP_EMAIL, or HTTP_URL */
    HTTP_IP,        /* an IPv4 or IPv6 address */
    HTTP_HOSTNAME,  /* a host name, Unicode allowed */
    HTTP_USERNAME,  /* a user name, lower-cased */
    HTTP_ACCOUNT,   /* HTTP_USERNAME or HTTP_EMAIL: what is typed at a login */
    HTTP_META,      /* an object, or JSON text of one: its compact text */
    HTTP_CURSOR,    /* a place in a list: an object as PagePosition of proto/wd/v1/page.proto has it */
    HTTP_UIDS,      /* "1,3:5,7:*": the text */
    HTTP_ARRAY,     /* of what the one row of `items` says */
    HTTP_OBJECT,    /* with the members that `items` says */
    HTTP_LOGIN,     /* of the API of 2017: letters and digits, lower-cased */
    HTTP_NAME,      /* the same: HTTP_LOGIN, or HTTP_PLAIN_EMAIL */
    HTTP_PLAIN_EMAIL, /* the same: an address without a label */
    HTTP_COUNT,     /* the same: a whole number */
    HTTP_ONLY_USER, /* no parameter: the user that the caller may see, when it is only that one (HTTP_LIST) */
};

enum http_param_flags {
    HTTP_REQUIRED = 1,
    HTTP_OR_EMPTY = 2,   /* ∅: an empty string counts as not given */
    HTTP_CLEARS = 4,     /* an empty string is a value: it clears */
    HTTP_TRIM = 8,
    HTTP_LOWER = 16,
    HTTP_OR_FALSE = 32,  /* false is a value as well; it becomes an empty or zero field */
    HTTP_SINGLE = 64,    /* of HTTP_ARRAY: one element may come without its brackets, or as "a,b" */
    HTTP_UNIQUE = 128,   /* of HTTP_ARRAY: no element twice */
    HTTP_DROP_BAD = 256, /* of HTTP_ARRAY: elements that are malformed are left out in silence */
};

struct http_param {
    const char *name;
    enum http_type type;
    unsigned flags;                 /* enum http_param_flags */
    int64_t min, max;               /* characters, elements or values; max 0: the type's own limit */
    const char *field;              /* of the request message; dots lead into sub-messages. NULL: only for the call */
    const char *initial;            /* the default, as JSON; NULL: none */
    const char *words;              /* "asc desc" */
    const struct http_param *items; /* of HTTP_ARRAY and HTTP_OBJECT; ends with .name == NULL */
    const char *label;              /* in messages instead of the name */
    const char *pattern;            /* of HTTP_TEXT: the POSIX extended regular expression that it must match */
};

/* The parameters of every list in pages (contract of the cursors: cursor.h). `page` is the field of the request
 * message. */
/* clang-format off */
#define HTTP_PAGING(page) \
    { "limit",    HTTP_NUMBER, HTTP_OR_EMPTY, .min = 1, .max = 250, .field = page ".limit", .initial = "20" }, \
    { "next",     HTTP_CURSOR, HTTP_OR_EMPTY, .field = page ".next", .label = "Next page cursor" }, \
    { "previous", HTTP_CURSOR, HTTP_OR_EMPTY, .field = page ".previous", .label = "Previous page cursor" }, \
    { "page",     HTTP_NUMBER, HTTP_OR_EMPTY, .max = 9007199254740991, .initial = "1", .label = "Page number" }
/* The account that the path names, in a request message with a field `user`. */
#define HTTP_USER { "user", HTTP_ID, HTTP_REQUIRED, .field = "user" }
/* The caller's label and the end user's address, where the RPC takes them; every endpoint accepts them anyway. */
#define HTTP_SESSION(sess_field, ip_field) \
    { "sess", HTTP_TEXT, .max = 255, .field = sess_field, .label = "Session identifier" }, \
    { "ip",   HTTP_IP, .field = ip_field, .label = "Client IP" }
/* The members of the answer of such a list: before its results. */
#define HTTP_PAGED(page) \
    { "total",          HTTP_PLAIN,       page ".total", .absent = "0" }, \
    { "page",           HTTP_PAGE_NUMBER, page }, \
    { "previousCursor", HTTP_POSITION,    page ".previous", .absent = "false" }, \
    { "nextCursor",     HTTP_POSITION,    page ".next", .absent = "false" }
/* clang-format on */

/* ---- answers ---- */

/* How a field of the reply message is written. */
enum http_render {
    HTTP_PLAIN,       /* a string, number, boolean; bytes as text; an enum as its name; an array when it is repeated */
    HTTP_ISO_DATE,    /* ms since 1970 as "2024-01-02T03:04:05.000Z" */
    HTTP_BASE64,      /* bytes */
    HTTP_JSON,        /* text that holds JSON, as that (an object when it is broken) */
    HTTP_SUB,         /* a sub-message as an object; its members are `rows` */
    HTTP_ROWS,        /* repeated sub-messages as an array of objects */
    HTTP_FIRST,       /* repeated sub-messages as an array of their first row */
    HTTP_PAIRS,       /* repeated sub-messages as an object: the first of `rows` is the name, the second the value */
    HTTP_POSITION,    /* a PagePosition as a cursor */
    HTTP_PAGE_NUMBER, /* of a PageReply: the parameter "page", 1 when no page precedes */
};

struct http_field {
    const char *name;
    enum http_render render;
    const char *field; /* of the reply message; dots lead into sub-messages. NULL: the parameter of the same name */
    const struct http_field *rows; /* ends with .name == NULL */
    const char *absent; /* JSON for a field that is not there; or is empty; NULL: left out, or [] */
};

/* ---- the row ---- */

/* Who may call. */
enum http_needs {
    HTTP_PUBLIC, /* everybody */
    HTTP_TOKEN,  /* everybody with a token, if tokens are asked for */
    HTTP_ANY,    /* roles with the permission for any user */
    HTTP_OWN,    /* the same, or for their own: the parameter `user` is the caller's */
    HTTP_LIST,   /* the same, or for their own: then c->only_user is set and only that may be shown */
};

enum http_action { HTTP_CREATE = 1, HTTP_READ = 2, HTTP_UPDATE = 4, HTTP_DELETES = 8 };

enum http_route_flags {
    HTTP_LENIENT = 1,      /* unknown parameters are ignored */
    HTTP_NO_SESSION = 2,   /* `sess` and `ip` are unknown parameters */
    HTTP_UNCHECKED = 4,    /* no parameters are looked at */
    HTTP_FAILS_500 = 8,    /* every failure of the handler answers 500 */
    HTTP_BIG = 16,         /* the body may be as large as a message (api.maxMessageMB) */
    HTTP_RAW = 32,         /* a body of another type than parameters is taken as it is: c->raw or c->upload */
    HTTP_EARLY = 64,       /* the error shape of 2017: status 200, no code */
    HTTP_HEALTH = 128,     /* the error shape of GET /health */
    HTTP_STREAMS = 256,    /* the answer is no JSON (for the description) */
    HTTP_HIDDEN = 512,     /* not described */
};

struct http_route {
    enum http_method method;
    const char *path; /* "/users/:user/authlog"; a last "*" takes the rest */
    const char *id, *tag, *summary; /* for the description: "getAuthlog", "Authentication" */
    const ProtobufCServiceDescriptor *service;
    const char *rpc;                 /* whose request message is filled; NULL: none */
    const struct http_param *params; /* ends with .name == NULL */
    const struct http_field *fields; /* ends with .name == NULL */
    enum http_needs needs;
    const char *resource;     /* of the permission (roles.def); NULL for HTTP_PUBLIC and HTTP_TOKEN */
    enum http_action action;
    unsigned flags;           /* enum http_route_flags */
    /* Starts the work; http_translate() for an endpoint that only translates. */
    http_run *run;
};

enum { HTTP_PATH_PARAMS_MAX = 8, HTTP_PATH_PARAM_MAX = 196 /* characters */ };

/* What a request's path gave. */
struct http_match {
    const struct http_route *route; /* NULL: none */
    unsigned methods;               /* one bit for each method that the path has */
    size_t n;
    struct wd_str names[HTTP_PATH_PARAMS_MAX], values[HTTP_PATH_PARAMS_MAX]; /* still percent-encoded */
};

/** All routes; ends with .path == NULL. */
const struct http_route *http_routes(void);
/** Finds the route of a method and a path among `routes`: exact, case-sensitive; words before parameters. */
void http_route_find(const struct http_route *routes, enum http_method method, struct wd_str path,
                     struct http_match *out);
/** The descriptor of a route's RPC; NULL when it has none. */
const ProtobufCMethodDescriptor *http_route_method(const struct http_route *route);
#endif
