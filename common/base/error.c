#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"

static const struct {
    enum wd_reason reason;
    struct wd_reason_info info;
} rows[] = {
#define REASON(name, number, status, imap, pop3, lmtp, enhanced, http, http_code)                  \
    { WD_##name, { #name, WD_STATUS_##status, imap, pop3, lmtp, enhanced, http, http_code } },
#include "common/base/reasons.def"
#undef REASON
};

static const char *const status_names[] = {
    [WD_STATUS_OK] = "OK",
    [WD_STATUS_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [WD_STATUS_UNAUTHENTICATED] = "UNAUTHENTICATED",
    [WD_STATUS_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [WD_STATUS_NOT_FOUND] = "NOT_FOUND",
    [WD_STATUS_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [WD_STATUS_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [WD_STATUS_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [WD_STATUS_UNAVAILABLE] = "UNAVAILABLE",
    [WD_STATUS_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [WD_STATUS_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [WD_STATUS_INTERNAL] = "INTERNAL",
    [WD_STATUS_DATA_LOSS] = "DATA_LOSS",
    [WD_STATUS_CANCELLED] = "CANCELLED",
};

/* The text goes into protocol lines and logs: no line ends, no half characters. */
static void
make_printable(char *text, size_t size)
{
    size_t n = strnlen(text, size - 1);

    n = wd_utf8_cut(wd_str_n(text, n), n);
    text[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
}

bool
wd_fail(struct wd_error *err, enum wd_reason reason, const char *fmt, ...)
{
    va_list args;

    err->reason = reason;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    make_printable(err->text, sizeof err->text);
    return false;
}

bool
wd_fail_in(struct wd_error *err, const char *what)
{
    struct wd_error had = *err;

    return wd_fail(err, had.reason, "%s: %s", what, had.text);
}

const struct wd_reason_info *
wd_reason_info(enum wd_reason reason)
{
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        if (rows[i].reason == reason)
            return &rows[i].info;
    return &rows[0].info;
}

bool
wd_reason_named(struct wd_str name, enum wd_reason *out)
{
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        if (wd_str_eq(wd_str_c(rows[i].info.name), name)) {
            *out = rows[i].reason;
            return true;
        }
    return false;
}

void
wd_reason_each(void (*each)(const struct wd_reason_info *, enum wd_reason, void *), void *data)
{
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        each(&rows[i].info, rows[i].reason, data);
}

const char *
wd_status_name(enum wd_status status)
{
    return (size_t)status < WD_COUNT(status_names) ? status_names[status] : "UNKNOWN";
}
