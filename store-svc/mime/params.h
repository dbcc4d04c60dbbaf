/* store-svc/mime/params.h – "value; name=value; …" of Content-Type and Content-Disposition (RFC 2045 §5.1), with
 * continuations and charsets of RFC 2231 and the encoded words that mail uses instead. */
#ifndef WD_MIME_PARAMS_H
#define WD_MIME_PARAMS_H
#include "common/base/arena.h"

struct wd_param {
    struct wd_str name;  /* lower case */
    struct wd_str value; /* UTF-8, decoded */
    struct wd_str raw;   /* unquoted only; of a continued one the decoded form */
};

struct wd_params {
    struct wd_str value; /* before the first ";", trimmed, comments removed, as written */
    struct wd_param *p;
    size_t n;
};

/** Never fails; at most WD_MIME_PARAMETERS are kept, of a repeated name the first. */
void wd_params_parse(struct wd_arena *a, struct wd_str field, struct wd_params *out);
/** The decoded value; WD_NONE (p NULL) when there is no such parameter. */
struct wd_str wd_params_get(const struct wd_params *params, struct wd_str name);
const struct wd_param *wd_params_find(const struct wd_params *params, struct wd_str name);
#endif
