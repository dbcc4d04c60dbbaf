#include "common/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"

enum { MAX_VALUE = 1024, MAX_PAIRS = 32 };

static struct wd_log_options options = { .level = WD_LOG_INFO, .fd = STDERR_FILENO };

static const char *const level_names[] = {
    [WD_LOG_DEBUG] = "debug",
    [WD_LOG_INFO] = "info",
    [WD_LOG_WARN] = "warn",
    [WD_LOG_ERROR] = "error",
};

void
wd_log_init(const struct wd_log_options *o)
{
    options = *o;
    if (!options.fd)
        options.fd = STDERR_FILENO;
}

bool
wd_log_on(enum wd_log_level level)
{
    return level >= options.level;
}

bool
wd_log_level_named(struct wd_str name, enum wd_log_level *out)
{
    for (size_t i = 0; i < WD_COUNT(level_names); i++)
        if (wd_str_eq(wd_str_c(level_names[i]), name)) {
            *out = (enum wd_log_level)i;
            return true;
        }
    return false;
}

/* Escapes one character for either format: JSON's escapes are also what logfmt readers understand. */
static void
add_escaped(struct wd_buf *line, struct wd_str character, uint32_t codepoint)
{
    if (codepoint == '"' || codepoint == '\\')
        wd_buf_chr(line, '\\');
    /* C1 controls and the two Unicode line ends, too: terminals and readers act on them. */
    if (codepoint < 0x20 || (codepoint >= 0x7f && codepoint < 0xa0) || codepoint == 0x2028 || codepoint == 0x2029)
        wd_buf_printf(line, "\\u%04x", (unsigned)codepoint);
    else
        wd_buf_str(line, character);
}

static void
add_quoted(struct wd_buf *line, struct wd_str s)
{
    wd_buf_chr(line, '"');
    while (s.n > 0) {
        uint32_t codepoint;
        size_t n = wd_utf8_next(s, &codepoint);

        if (n)
            add_escaped(line, wd_str_part(s, 0, n), codepoint);
        else
            wd_utf8_add(line, 0xfffd);
        s = wd_str_part(s, n ? n : 1, s.n);
    }
    wd_buf_chr(line, '"');
}

static bool
is_bare(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return s.n > 0;
}

static void
add_text(struct wd_buf *line, struct wd_str s)
{
    if (options.format == WD_LOG_LOGFMT && is_bare(s))
        wd_buf_str(line, s);
    else
        add_quoted(line, s);
}

static void
add_key(struct wd_buf *line, const char *key)
{
    bool json = options.format == WD_LOG_JSON;

    if (line->n > (json ? 1 : 0))
        wd_buf_chr(line, json ? ',' : ' ');
    wd_buf_printf(line, json ? "\"%s\":" : "%s=", key);
}

static void
add_pair(struct wd_buf *line, const struct wd_kv *kv)
{
    if (!kv->key || (kv->type == WD_KV_TEXT_ && kv->text.n == 0))
        return;
    add_key(line, kv->key);
    switch (kv->type) {
    case WD_KV_TEXT_:
        add_text(line, wd_str_part(kv->text, 0, MAX_VALUE));
        break;
    case WD_KV_INT_:
        wd_buf_printf(line, "%lld", (long long)kv->number);
        break;
    case WD_KV_UINT_:
        wd_buf_u64(line, (uint64_t)kv->number);
        break;
    case WD_KV_BOOL_:
        wd_buf_c(line, kv->number ? "true" : "false");
        break;
    }
}

static void
add_time(struct wd_buf *line)
{
    int64_t now = wd_now_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    char text[48];
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(now % 1000));
    add_pair(line, &WD_KV("time", text));
}

void
wd_log_pairs(enum wd_log_level level, const char *event, const struct wd_kv *pairs, size_t count)
{
    struct wd_buf line wd_auto(wd_buf_done) = { 0 };
    int errno_before = errno;
    ssize_t written;

    wd_buf_reserve(&line, 512);
    if (options.format == WD_LOG_JSON)
        wd_buf_chr(&line, '{');
    add_time(&line);
    add_pair(&line, &WD_KV("level", level_names[level]));
    add_pair(&line, &WD_KV("program", options.program));
    add_pair(&line, &WD_KV("event", event));
    for (size_t i = 0; i < count && i < MAX_PAIRS; i++)
        add_pair(&line, &pairs[i]);
    wd_buf_c(&line, options.format == WD_LOG_JSON ? "}\n" : "\n");
    do
        written = write(options.fd, line.p, line.n);
    while (written < 0 && errno == EINTR);
    errno = errno_before; /* a line that cannot be written has nowhere to be reported */
}
