#include "common/admin/admin.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/http.h>
#include <event2/buffer.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/admin/notify.h"
#include "common/admin/privileges.h"
#include "common/admin/signals.h"
#include "common/base/clock.h"
#include "common/base/lifetime.h"
#include "tests/run.h"

static struct wd_error err;

static int64_t
answer(void *data)
{
    return *(int *)data;
}

START_TEST(metrics_in_prometheus_text)
{
    static const char expected[] =
        "# HELP wd_calls_total RPC calls \"and\\n\\\\ more\n# TYPE wd_calls_total counter\n"
        "wd_calls_total{method=\"a\",status=\"OK\"} 3\nwd_calls_total{method=\"\\\"\\\\\\n\"} 1\n"
        "# HELP wd_open connections\n# TYPE wd_open gauge\nwd_open -4\n"
        "# HELP wd_asked asked\n# TYPE wd_asked gauge\nwd_asked 42\n";
    struct wd_metrics *m = wd_metrics_new();
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct wd_metric *calls, *open;
    int value = 42;

    calls = wd_metrics_counter(m, "wd_calls_total", "RPC calls \"and\n\\ more",
                               WD_LABELS({ "method", "a" }, { "status", "OK" }));
    open = wd_metrics_gauge(m, "wd_open", "connections", NULL);
    wd_metric_add(calls, 1);
    wd_metric_add(wd_metrics_counter(m, "wd_calls_total", "", WD_LABELS({ "method", "\"\\\n" })), 1);
    wd_metric_add(wd_metrics_counter(m, "wd_calls_total", "", WD_LABELS({ "method", "a" }, { "status", "OK" })), 2);
    wd_metric_set(open, 1);
    wd_metric_add(open, -5);
    wd_metrics_ask(m, WD_GAUGE, "wd_asked", "asked", NULL, answer, &value);
    wd_metrics_write(m, &out);
    wd_buf_chr(&out, '\0');
    ck_assert_str_eq(out.p, expected);
    wd_metrics_free(m);
    wd_metrics_free(NULL);
}
END_TEST

START_TEST(histograms_count_up)
{
    static const char *const lines[] = { "h_seconds_bucket{m=\"x\",le=\"0.001\"} 1\n",
                                         "h_seconds_bucket{m=\"x\",le=\"0.005\"} 2\n",
                                         "h_seconds_bucket{m=\"x\",le=\"10\"} 3\n",
                                         "h_seconds_bucket{m=\"x\",le=\"+Inf\"} 4\n",
                                         "h_seconds_sum{m=\"x\"} 21.002001\n",
                                         "h_seconds_count{m=\"x\"} 4\n", "# TYPE h_seconds histogram\n" };
    struct wd_metrics *m = wd_metrics_new();
    struct wd_metric *h = wd_metrics_histogram(m, "h_seconds", "time", WD_LABELS({ "m", "x" }));
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_metric_took_us(h, 1000);
    wd_metric_took_us(h, 1001);
    wd_metric_took_us(h, 10000000);
    wd_metric_took_us(h, 11000000);
    wd_metrics_write(m, &out);
    wd_buf_chr(&out, '\0');
    for (size_t i = 0; i < WD_COUNT(lines); i++)
        ck_assert_msg(strstr(out.p, lines[i]) != NULL, "%s not in %s", lines[i], out.p);
    wd_metrics_free(m);
}
END_TEST

static bool
is_ready(void *data, struct wd_error *why)
{
    return *(bool *)data || wd_fail(why, WD_UNAVAILABLE, "no store");
}

struct reply {
    int status;
    bool done;
    struct wd_buf body;
};

static void
on_reply(struct evhttp_request *request, void *data)
{
    struct reply *r = data;
    size_t n;

    r->done = true;
    if (!request)
        return;
    r->status = evhttp_request_get_response_code(request);
    n = evbuffer_get_length(evhttp_request_get_input_buffer(request));
    evbuffer_remove(evhttp_request_get_input_buffer(request), wd_buf_reserve(&r->body, n), n);
    r->body.n += n;
}

static int
ask(struct event_base *loop, int port, enum evhttp_cmd_type method, const char *path, const char *body)
{
    struct evhttp_connection *c = evhttp_connection_base_new(loop, NULL, "127.0.0.1", (ev_uint16_t)port);
    struct reply r = { 0 };
    int64_t deadline = wd_mono_ms() + 5000;

    evhttp_make_request(c, evhttp_request_new(on_reply, &r), method, path);
    while (!r.done && wd_mono_ms() < deadline)
        event_base_loop(loop, EVLOOP_ONCE);
    evhttp_connection_free(c);
    wd_buf_chr(&r.body, '\0');
    if (body)
        ck_assert_str_eq(r.body.p, body);
    wd_buf_done(&r.body);
    return r.status;
}

START_TEST(the_admin_port)
{
    struct event_base *loop = event_base_new();
    struct wd_metrics *m = wd_metrics_new();
    bool ready = false;
    struct wd_admin_options o = { .metrics = m, .ready = is_ready, .data = &ready };
    struct wd_admin *a = wd_admin_new(loop, &o, &err);
    struct wd_admin_options taken = { .port = wd_admin_port(a) };
    int port = wd_admin_port(a);

    wd_metric_add(wd_metrics_counter(m, "x_total", "x", NULL), 5);
    ck_assert_int_eq(ask(loop, port, EVHTTP_REQ_GET, "/healthz", "ok\n"), 200);
    ck_assert_int_eq(ask(loop, port, EVHTTP_REQ_GET, "/readyz", "no store\n"), 503);
    ready = true;
    ck_assert_int_eq(ask(loop, port, EVHTTP_REQ_GET, "/readyz", "ok\n"), 200);
    ck_assert_int_eq(ask(loop, port, EVHTTP_REQ_HEAD, "/healthz", ""), 200);
    ck_assert_int_eq(ask(loop, port, EVHTTP_REQ_GET, "/metrics?x=y",
                         "# HELP x_total x\n# TYPE x_total counter\nx_total 5\n"), 200);
    ck_assert_int_eq(ask(loop, port, EVHTTP_REQ_GET, "/", NULL), 404);
    ck_assert_int_ge(ask(loop, port, EVHTTP_REQ_POST, "/healthz", NULL), 400);
    ck_assert_ptr_null(wd_admin_new(loop, &taken, &err));
    ck_assert_int_eq(err.reason, WD_UNAVAILABLE);
    wd_admin_free(a);
    wd_admin_free(NULL);
    wd_metrics_free(m);
    event_base_free(loop);
}
END_TEST

static int stops, reloads;

static void
on_stop(void *data)
{
    stops++;
    event_base_loopbreak(data);
}

static void
on_reload(void *data)
{
    reloads++;
    event_base_loopbreak(data);
}

START_TEST(signals_steer)
{
    static const struct wd_signals_calls calls = { on_stop, on_reload };
    static const int numbers[] = { SIGTERM, SIGHUP, SIGINT, SIGTERM };
    struct event_base *loop = event_base_new();
    struct wd_signals *s = wd_signals_new(loop, &calls, loop);

    for (size_t i = 0; i < WD_COUNT(numbers); i++) {
        raise(numbers[i]);
        event_base_loop(loop, EVLOOP_ONCE);
    }
    raise(SIGPIPE);
    ck_assert_int_eq(stops, 3);
    ck_assert_int_eq(reloads, 1);
    wd_signals_free(s);
    wd_signals_free(NULL);
    event_base_free(loop);
}
END_TEST

static void
expect(int fd, const char *start)
{
    char got[128] = "";

    ck_assert_int_gt(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), 0);
    ck_assert_msg(strncmp(got, start, strlen(start)) == 0, "%s", got);
}

START_TEST(the_manager_is_told)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char dir[] = "/tmp/wd-notify-XXXXXX", path[64], name[64];
    socklen_t n;

    unsetenv("NOTIFY_SOCKET");
    ck_assert(!wd_notify_ready());
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/socket", dir);
    snprintf(name, sizeof name, "@wd-test-%d", getpid());
    setenv("NOTIFY_SOCKET", path, 1);
    ck_assert(!wd_notify_ready()); /* nobody listens */
    if (_i)
        setenv("NOTIFY_SOCKET", name, 1);
    n = (socklen_t)snprintf(at.sun_path, sizeof at.sun_path, "%s", _i ? name : path);
    if (_i)
        at.sun_path[0] = '\0';
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
    ck_assert(wd_notify_ready());
    expect(fd, "READY=1\n");
    ck_assert(wd_notify_reloading());
    expect(fd, "RELOADING=1\nMONOTONIC_USEC=");
    ck_assert(wd_notify_stopping());
    expect(fd, "STOPPING=1\n");
    setenv("NOTIFY_SOCKET", "relative", 1);
    ck_assert(!wd_notify_ready());
    close(fd);
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(privileges_are_dropped_for_good)
{
    ck_assert(wd_privileges_drop(NULL, NULL, &err));
    ck_assert(!wd_privileges_drop("no-such-user", NULL, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(!wd_privileges_drop(NULL, "no-such-group", &err));
    if (getuid() != 0) {
        const struct passwd *me = getpwuid(getuid());
        ck_assert(!me || wd_privileges_drop(me->pw_name, NULL, &err));
        ck_assert(!wd_privileges_drop("root", NULL, &err));
        ck_assert_int_eq(err.reason, WD_FORBIDDEN);
        return;
    }
    ck_assert(wd_privileges_drop("root", "root", &err));
    ck_assert_msg(wd_privileges_drop("nobody", NULL, &err), "%s", err.text);
    ck_assert_uint_eq(getuid(), getpwnam("nobody")->pw_uid);
    ck_assert_uint_eq(getegid(), getpwnam("nobody")->pw_gid);
    ck_assert(wd_privileges_drop("nobody", NULL, &err));
    ck_assert_int_eq(setuid(0), -1);
    ck_assert(!wd_privileges_drop("root", NULL, &err));
    ck_assert_int_eq(err.reason, WD_FORBIDDEN);
}
END_TEST

START_TEST(files_are_raised_to_the_hard_limit)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(wd_files_raise(), (long)limit.rlim_max);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("admin");

    tcase_add_test(cases, metrics_in_prometheus_text);
    tcase_add_test(cases, histograms_count_up);
    tcase_add_test(cases, the_admin_port);
    tcase_add_test(cases, signals_steer);
    tcase_add_loop_test(cases, the_manager_is_told, 0, 2);
    tcase_add_test(cases, privileges_are_dropped_for_good);
    tcase_add_test(cases, files_are_raised_to_the_hard_limit);
    return run_case("admin", cases);
}
