#include "tests/unit/frontends/http/server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/lifetime.h"

enum { PATIENCE_MS = 10 * 1000 };

struct http_server server;
struct event_base *loop;
const char *const any_origin[] = { "*", NULL };

static struct wd_listener_options options;
static struct wd_listener *listener;
static struct wd_buf answer;

void
server_start(const struct http_route *routes)
{
    struct wd_error err;

    loop = event_base_new();
    server = (struct http_server){
        .routes = routes,
        .loop = loop,
        .options = { .origins = any_origin, .call_timeout_ms = 5000, .timeout_ms = 20000, .max_body_bytes = 1000,
                     .max_message_bytes = 1 << 20, .max_held_bytes = 1 << 20 },
    };
    server.roles = http_roles_new(NULL, &err);
    server.events = http_events_new(loop, NULL, &err);
    options = (struct wd_listener_options){ .host = "127.0.0.1", .on_conn = http_conn_accept, .data = &server };
    listener = wd_listener_new(loop, &options, &err);
    ck_assert_msg(listener != NULL, "%s", err.text);
}

void
server_stop(void)
{
    http_server_close(&server);
    http_events_free(server.events);
    http_roles_free(server.roles);
    wd_listener_free(listener);
    event_base_free(loop);
    wd_buf_done(&answer);
    must(server.conn_count == 0);
    must(server.held_bytes == 0);
    must(server.streams == 0);
}

static void
wake(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
}

void
loop_once(int ms)
{
    struct timeval after = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
    struct event *timer = evtimer_new(loop, wake, NULL);

    evtimer_add(timer, &after);
    event_base_loop(loop, EVLOOP_ONCE);
    event_free(timer);
}

void
loop_until(const bool *flag)
{
    int64_t end = wd_mono_ms() + PATIENCE_MS;

    while (!*flag) {
        must(wd_mono_ms() < end);
        loop_once(10);
    }
}

int
client_open(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)wd_listener_port(listener)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0);
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

void
client_send(int fd, struct wd_str bytes)
{
    int64_t end = wd_mono_ms() + PATIENCE_MS;

    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        must(wd_mono_ms() < end);
        if (n > 0)
            bytes = wd_str_part(bytes, (size_t)n, bytes.n);
        else if (errno != EAGAIN)
            return; /* the server does not want the rest */
        event_base_loop(loop, EVLOOP_NONBLOCK);
    }
}

void
client_read(int fd, const char *end, struct wd_buf *out)
{
    int64_t patience = wd_mono_ms() + PATIENCE_MS;

    for (;;) {
        ssize_t n = recv(fd, wd_buf_reserve(out, 65536), 65536, 0);
        if (n > 0)
            out->n += (size_t)n;
        if (end && wd_str_find(wd_buf_view(out), wd_str_c(end)) != SIZE_MAX)
            return;
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            ck_assert_msg(!end, "closed after: %.*s", WD_FMT(wd_buf_view(out)));
            return;
        }
        ck_assert_msg(wd_mono_ms() < patience, "no '%s' in: %.*s", end ? end : "end", WD_FMT(wd_buf_view(out)));
        if (n < 0)
            loop_once(5);
    }
}

const char *
client_ask(const char *request, const char *end)
{
    int fd = client_open();

    answer.n = 0;
    client_send(fd, wd_str_c(request));
    client_read(fd, end, &answer);
    wd_buf_chr(&answer, '\0');
    close(fd);
    return answer.p;
}
