/* frontends/http/head.h – the head of a request: its line and its fields (RFC 9112), checked strictly: what two
 * servers might read in two ways is refused. Pure; results point into the text or live in the arena. */
#ifndef WD_HTTP_HEAD_H
#define WD_HTTP_HEAD_H
#include "common/base/arena.h"
#include "common/base/error.h"

enum { HTTP_HEAD_MAX = 32 * 1024, HTTP_FIELDS_MAX = 100 };

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_HEAD,
    HTTP_OPTIONS,
    HTTP_PATCH,
    HTTP_OTHER, /* a word that is no method of ours */
};

struct http_field_line {
    struct wd_str name, value;
};

struct http_head {
    enum http_method method;
    struct wd_str path, query; /* as they were sent, still percent-encoded */
    struct http_field_line *fields;
    size_t n_fields;
    bool http10;           /* HTTP/1.0: no chunks in the answer */
    bool keep_alive;       /* another request may follow */
    bool chunked;          /* Transfer-Encoding: chunked */
    bool wants_continue;   /* Expect: 100-continue */
    uint64_t length;       /* Content-Length; 0 without one */
};

/** "GET"; "OTHER" for HTTP_OTHER. */
const char *http_method_name(enum http_method method);

/**
 * Reads everything up to the empty line. False: *status is the answer (400, 414, 431, 501, 505) and err its text.
 */
bool http_head_read(struct wd_arena *a, struct wd_str text, struct http_head *out, int *status, struct wd_error *err);

/** The value of a field by name, of any case; p is NULL when it is not there. The first of several. */
struct wd_str http_head_field(const struct http_head *head, const char *name);

/** Is `token` in a comma-separated list, in any case? */
bool http_list_has(struct wd_str list, const char *token);
#endif
