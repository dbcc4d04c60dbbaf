/* frontends/http/params.h – the parameters of a request: query string and body in one JSON object. */
#ifndef WD_HTTP_PARAMS_H
#define WD_HTTP_PARAMS_H
#include <jansson.h>

#include "common/base/error.h"

/* What a body is, by its Content-Type. */
enum http_body_kind {
    HTTP_BODY_UNREAD,    /* none, or application/octet-stream: it holds no parameters */
    HTTP_BODY_JSON,
    HTTP_BODY_FORM,      /* application/x-www-form-urlencoded */
    HTTP_BODY_MULTIPART, /* multipart/form-data */
    HTTP_BODY_RAW,       /* anything else: the thing itself */
};

enum http_body_kind http_body_kind(struct wd_str content_type);

/* A file of a multipart form: slices of the body. */
struct http_file {
    struct wd_str name, bytes; /* name.p is NULL: there was none */
};

struct http_params_in {
    struct wd_str query;        /* "a=b&c.d=e&f[]=g", still percent-encoded */
    struct wd_str content_type;
    struct wd_str body;         /* empty when it holds no parameters */
};

enum http_params_result {
    HTTP_PARAMS_OK,
    HTTP_PARAMS_MALFORMED,  /* *err says how */
    HTTP_PARAMS_NO_OBJECT,  /* JSON, but no object */
};

/**
 * Merges the query string and the body. What is in both and not empty in the query is the query's. "a.b=c" (of the
 * query) and "a[b]=c" nest, "a[]=c", "a[0]=c" and a repeated name make arrays; 1,000 names, 5 deep, an index below
 * 20; JSON 32 deep. *out is a new object; *file the first file of a multipart form.
 */
enum http_params_result http_params_read(const struct http_params_in *in, json_t **out, struct http_file *file,
                                         struct wd_error *err);

/** Percent-decodes ("+" is a plus sign); false for a bad escape, or what is no UTF-8 or has a NUL. Appends. */
struct wd_buf;
bool http_percent_decode(struct wd_str from, struct wd_buf *to);

/** Any JSON value of at most 32 levels; NULL for anything else. */
json_t *http_json_read(struct wd_str text);
#endif
