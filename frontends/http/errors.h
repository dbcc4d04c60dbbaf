/* frontends/http/errors.h – what this API answers for a reason of the store. */
#ifndef WD_HTTP_ERRORS_H
#define WD_HTTP_ERRORS_H
#include "common/base/error.h"

struct http_error {
    int status;
    const char *code, *text; /* text: of the error unless clients compare another one */
};

/** The row of errors.def, or what reasons.def says. `text` may point into err. */
struct http_error http_error_of(const struct wd_error *err);
#endif
