/* common/log/log.h – structured log lines on stderr: one event, then key=value pairs, as logfmt or JSON.
 *
 *     wd_log(WD_LOG_INFO, "login", WD_KV("user", name), WD_KV_STR("mailbox", slice), WD_KV_INT("ms", took));
 *     wd_log_error(WD_LOG_WARN, "call failed", &err, WD_KV("method", method));
 *
 * Values are quoted and escaped here: a control byte, a quote or a line end in a value cannot forge a line, and bytes
 * that are no UTF-8 become U+FFFD. A line is one write(2). Secrets and mail content are the caller's duty to leave out.
 */
#ifndef WD_LOG_LOG_H
#define WD_LOG_LOG_H
#include "common/base/error.h"
#include "common/base/lifetime.h"

enum wd_log_level { WD_LOG_DEBUG, WD_LOG_INFO, WD_LOG_WARN, WD_LOG_ERROR };
enum wd_log_format { WD_LOG_LOGFMT, WD_LOG_JSON };

struct wd_log_options {
    enum wd_log_level level; /* lines below it are dropped */
    enum wd_log_format format;
    const char *program;     /* "wd-imap": in every line; must outlive the process; NULL: none */
    int fd;                  /* 0: standard error */
};

/** Before threads start. Without it: INFO and up, logfmt, standard error. */
void wd_log_init(const struct wd_log_options *o);
/** True when a line of this level would be written: for values that cost something. Any thread. */
bool wd_log_on(enum wd_log_level level);
/** "debug", "info", "warn", "error"; false for anything else. */
bool wd_log_level_named(struct wd_str name, enum wd_log_level *out);

/* One key and its value; build it with the macros. Keys are literals of a-z, 0-9 and '_'. */
struct wd_kv {
    const char *key;
    enum { WD_KV_TEXT_, WD_KV_INT_, WD_KV_UINT_, WD_KV_BOOL_ } type;
    struct wd_str text;
    int64_t number;
};
#define WD_KV(k, c)       ((struct wd_kv){ .key = (k), .type = WD_KV_TEXT_, .text = wd_str_c(c) })
#define WD_KV_STR(k, s)   ((struct wd_kv){ .key = (k), .type = WD_KV_TEXT_, .text = (s) })
#define WD_KV_INT(k, i)   ((struct wd_kv){ .key = (k), .type = WD_KV_INT_, .number = (int64_t)(i) })
#define WD_KV_UINT(k, u)  ((struct wd_kv){ .key = (k), .type = WD_KV_UINT_, .number = (int64_t)(uint64_t)(u) })
#define WD_KV_BOOL(k, b)  ((struct wd_kv){ .key = (k), .type = WD_KV_BOOL_, .number = !!(b) })

/** Writes one line. Values longer than 1,024 bytes are cut, empty text values are left out. Any thread; errno is kept.
 *  At least one pair must follow the event: WD_KV_NONE when there is none. */
#define WD_KV_NONE ((struct wd_kv){ .key = NULL })
#define wd_log(level, event, ...)                                                                  \
    do {                                                                                           \
        if (wd_log_on(level))                                                                      \
            wd_log_pairs((level), (event), (const struct wd_kv[]){ __VA_ARGS__ },                  \
                         sizeof((const struct wd_kv[]){ __VA_ARGS__ }) / sizeof(struct wd_kv));    \
    } while (0)
/** The same with reason=… and text=… of the error behind the pairs. */
#define wd_log_error(level, event, error, ...)                                                     \
    wd_log(level, event, __VA_ARGS__, WD_KV("reason", wd_reason_info((error)->reason)->name),      \
           WD_KV("text", (error)->text))

void wd_log_pairs(enum wd_log_level level, const char *event, const struct wd_kv *pairs, size_t count);
#endif
