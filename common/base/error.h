/* common/base/error.h – errors are values: a reason for machines, a text for people. */
#ifndef WD_BASE_ERROR_H
#define WD_BASE_ERROR_H
#include <stdbool.h>

#include "common/base/str.h"

/* The coarse status of an RPC reply, in the spirit of gRPC's codes. The numbers are on the wire: only append. */
enum wd_status {
    WD_STATUS_OK = 0,
    WD_STATUS_INVALID_ARGUMENT = 1,
    WD_STATUS_UNAUTHENTICATED = 2,
    WD_STATUS_PERMISSION_DENIED = 3,
    WD_STATUS_NOT_FOUND = 4,
    WD_STATUS_ALREADY_EXISTS = 5,
    WD_STATUS_FAILED_PRECONDITION = 6,
    WD_STATUS_RESOURCE_EXHAUSTED = 7,
    WD_STATUS_UNAVAILABLE = 8, /* nothing was done or it may be repeated with the same key: try again */
    WD_STATUS_DEADLINE_EXCEEDED = 9,
    WD_STATUS_UNIMPLEMENTED = 10,
    WD_STATUS_INTERNAL = 11,
    WD_STATUS_DATA_LOSS = 12,
    WD_STATUS_CANCELLED = 13,
};

enum wd_reason {
    WD_NO_ERROR = 0,
#define REASON(name, number, ...) WD_##name = number,
#include "common/base/reasons.def"
#undef REASON
};

struct wd_error {
    enum wd_reason reason; /* crosses the RPC unchanged */
    char text[160];        /* UTF-8; control bytes replaced; never a secret */
};

/* What each protocol answers for a reason. */
struct wd_reason_info {
    const char *name; /* "OVER_QUOTA" */
    enum wd_status status;
    const char *imap;          /* RFC 5530 response code without brackets, or NULL */
    const char *pop3;          /* RFC 2449/3206 response code without brackets, or NULL */
    int lmtp;                  /* RFC 5321 reply code */
    const char *lmtp_enhanced; /* RFC 3463 status code */
    int http;
    const char *http_code; /* "code" of the JSON error */
};

/** Sets *err and returns false, so that a failure is one line. The text is cut to fit. Any thread. */
bool wd_fail(struct wd_error *err, enum wd_reason reason, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** Puts "what: " in front of the text and keeps the reason; returns false. */
bool wd_fail_in(struct wd_error *err, const char *what);

/** Never NULL: a reason that is not in the list (a newer peer's) answers as INTERNAL. */
const struct wd_reason_info *wd_reason_info(enum wd_reason reason);
/** The reason of a name; false when there is none. */
bool wd_reason_named(struct wd_str name, enum wd_reason *out);
/** Calls each(info, reason, data) for every row of reasons.def, in its order. */
void wd_reason_each(void (*each)(const struct wd_reason_info *info, enum wd_reason reason, void *data), void *data);
/** "NOT_FOUND" */
const char *wd_status_name(enum wd_status status);
#endif
