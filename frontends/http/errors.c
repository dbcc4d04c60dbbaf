#include "frontends/http/errors.h"

#include "common/base/lifetime.h"

static const struct {
    enum wd_reason reason;
    struct http_error error;
} rows[] = {
#define ERROR(reason, status, code, text) { WD_##reason, { status, code, text } },
#include "frontends/http/errors.def"
#undef ERROR
};

struct http_error
http_error_of(const struct wd_error *err)
{
    const struct wd_reason_info *info = wd_reason_info(err->reason);
    struct http_error e = { info->http, info->http_code, NULL };

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        if (rows[i].reason == err->reason)
            e = rows[i].error;
    if (!e.text)
        e.text = err->text;
    return e;
}
