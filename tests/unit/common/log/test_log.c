#include "common/log/log.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/run.h"

static int fds[2];
static char line[65536];

static int64_t
fixed_now(void)
{
    return 1700000000123;
}

static void
open_log(enum wd_log_format format, enum wd_log_level level)
{
    struct wd_log_options o = { .format = format, .level = level, .program = "test" };

    ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
    o.fd = fds[1];
    wd_log_init(&o);
    wd_clock_fix(fixed_now);
}

static const char *
read_line(void)
{
    ssize_t n = read(fds[0], line, sizeof line - 1);

    line[n > 0 ? n : 0] = '\0';
    return line;
}

START_TEST(logfmt_line)
{
    open_log(WD_LOG_LOGFMT, WD_LOG_INFO);
    wd_log(WD_LOG_INFO, "login", WD_KV("user", "anna"), WD_KV_INT("ms", -5), WD_KV_UINT("n", UINT64_MAX),
           WD_KV_BOOL("ok", true), WD_KV("none", NULL));
    ck_assert_str_eq(read_line(), "time=2023-11-14T22:13:20.123Z level=info program=test event=login user=anna ms=-5 "
                                  "n=18446744073709551615 ok=true\n");
}
END_TEST

START_TEST(json_line)
{
    open_log(WD_LOG_JSON, WD_LOG_INFO);
    wd_log(WD_LOG_WARN, "a b", WD_KV("text", "say \"hi\"\n"), WD_KV_BOOL("ok", 0));
    ck_assert_str_eq(read_line(), "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"program\":\"test\","
                                  "\"event\":\"a b\",\"text\":\"say \\\"hi\\\"\\u000a\",\"ok\":false}\n");
}
END_TEST

START_TEST(values_cannot_forge_a_line)
{
    static const char evil[] = "x\r\nlevel=error \x1b[31m\x7f \xc2\x85 \xe2\x80\xa8 \xff =\\\"";

    open_log(WD_LOG_LOGFMT, WD_LOG_INFO);
    wd_log(WD_LOG_INFO, "e", WD_KV("v", evil));
    read_line();
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    for (const char *p = line; *p != '\n'; p++)
        ck_assert_int_ge((unsigned char)*p, ' ');
    ck_assert_ptr_nonnull(strstr(line, "v=\"x\\u000d\\u000alevel=error \\u001b[31m\\u007f \\u0085 \\u2028 \xef\xbf\xbd "
                                       "=\\\\\\\"\""));
}
END_TEST

START_TEST(levels_are_filtered_and_named)
{
    enum wd_log_level level;

    open_log(WD_LOG_LOGFMT, WD_LOG_WARN);
    wd_log(WD_LOG_INFO, "no", WD_KV_NONE);
    ck_assert_str_eq(read_line(), "");
    ck_assert(!wd_log_on(WD_LOG_DEBUG));
    ck_assert(wd_log_on(WD_LOG_ERROR));
    ck_assert(wd_log_level_named(WD_STR("error"), &level));
    ck_assert_int_eq(level, WD_LOG_ERROR);
    ck_assert(!wd_log_level_named(WD_STR("loud"), &level));
}
END_TEST

START_TEST(error_adds_reason_and_text)
{
    struct wd_error err;

    open_log(WD_LOG_LOGFMT, WD_LOG_INFO);
    wd_fail(&err, WD_OVER_QUOTA, "too much");
    wd_log_error(WD_LOG_INFO, "failed", &err, WD_KV("method", "m"));
    ck_assert_ptr_nonnull(strstr(read_line(), "event=failed method=m reason=OVER_QUOTA text=\"too much\"\n"));
}
END_TEST

START_TEST(long_values_are_cut)
{
    char value[5000];

    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    open_log(WD_LOG_LOGFMT, WD_LOG_INFO);
    wd_log(WD_LOG_INFO, "e", WD_KV("v", value));
    ck_assert_uint_lt(strlen(read_line()), 1200);
}
END_TEST

static void *
log_many(void *data)
{
    for (int i = 0; i < 50; i++)
        wd_log(WD_LOG_INFO, "e", WD_KV("thread", data));
    return NULL;
}

START_TEST(threads_do_not_mix_lines)
{
    pthread_t threads[4];
    size_t lines = 0;

    open_log(WD_LOG_LOGFMT, WD_LOG_INFO);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, log_many, (void *)(uintptr_t)"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    read_line();
    for (char *p = line, *end; (end = strchr(p, '\n')); p = end + 1, lines++)
        ck_assert_int_eq(strncmp(p, "time=", 5), 0);
    ck_assert_uint_eq(lines, 200);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("log");

    tcase_add_test(t, logfmt_line);
    tcase_add_test(t, json_line);
    tcase_add_test(t, values_cannot_forge_a_line);
    tcase_add_test(t, levels_are_filtered_and_named);
    tcase_add_test(t, error_adds_reason_and_text);
    tcase_add_test(t, long_values_are_cut);
    tcase_add_test(t, threads_do_not_mix_lines);
    return run_case("log", t);
}
