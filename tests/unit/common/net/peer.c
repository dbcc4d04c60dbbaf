#include "tests/unit/common/net/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"

static void
on_input(void *data)
{
    struct session *s = data;

    s->inputs++;
    if (s->server->input)
        s->server->input(s);
}

static void
on_drained(void *data)
{
    struct session *s = data;

    s->drained++;
    if (s->server->drain)
        s->server->drain(s);
}

static void
on_secured(void *data)
{
    struct session *s = data;

    s->secured++;
    if (s->server->secure)
        s->server->secure(s);
}

static void
on_timeout(void *data)
{
    struct session *s = data;

    s->timeouts++;
    if (s->server->timeout)
        s->server->timeout(s);
}

static void
on_closed(void *data, const char *why)
{
    struct session *s = data;

    s->closed++;
    snprintf(s->why, sizeof s->why, "%s", why ? why : "(null)");
    free_now(s);
}

static const struct wd_conn_calls calls = { on_input, on_drained, on_secured, on_timeout, on_closed };

static void
on_conn(void *data, struct wd_conn *conn)
{
    struct server *server = data;
    struct session *s = &server->sessions[server->n++];

    ck_assert_int_le(server->n, SESSIONS_MAX);
    s->conn = conn;
    s->server = server;
    wd_conn_own(conn, &calls, s);
    if (server->start)
        server->start(s);
}

void
server_init(struct server *s, bool with_tls)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    char file[128];

    *s = (struct server){ .loop = event_base_new() };
    s->options.host = "127.0.0.1";
    s->options.on_conn = on_conn;
    s->options.data = s;
    snprintf(s->dir, sizeof s->dir, "/tmp/wd-net-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    if (!with_tls)
        return;
    snprintf(file, sizeof file, "%s/cert.pem", s->dir);
    ck_assert_msg(wd_tls_self_signed(file, "localhost", &err), "%s", err.text);
    s->tls = wd_tls_new(&(struct wd_tls_options){ .certificate_file = file }, &err);
    ck_assert_msg(s->tls != NULL, "%s", err.text);
    s->options.tls = s->tls;
}

void
server_listen(struct server *s)
{
    struct wd_error err = { .reason = WD_NO_ERROR };

    s->listener = wd_listener_new(s->loop, &s->options, &err);
    ck_assert_msg(s->listener != NULL, "%s", err.text);
}

void
server_done(struct server *s)
{
    char file[128];

    for (int i = 0; i < s->n; i++) {
        wd_conn_free(s->sessions[i].conn);
        wd_buf_done(&s->sessions[i].seen);
    }
    wd_listener_free(s->listener);
    wd_tls_free(s->tls);
    event_base_free(s->loop);
    snprintf(file, sizeof file, "%s/cert.pem", s->dir);
    unlink(file);
    ck_assert_int_eq(rmdir(s->dir), 0);
}

void
collect(struct session *s)
{
    size_t n = evbuffer_get_length(wd_conn_in(s->conn));

    evbuffer_remove(wd_conn_in(s->conn), wd_buf_reserve(&s->seen, n), n);
    s->seen.n += n;
}

void
echo_lines(struct session *s)
{
    struct wd_str line;

    while (wd_conn_line(s->conn, 1000, &line) == WD_LINE_OK)
        wd_conn_printf(s->conn, "<%.*s>", WD_FMT(line));
}

void
free_now(struct session *s)
{
    wd_conn_free(s->conn);
    s->conn = NULL;
}

static void
read_plain(struct client *c)
{
    ssize_t n = recv(c->fd, wd_buf_reserve(&c->got, 65536), 65536, 0);

    if (n > 0)
        c->got.n += (size_t)n;
    else if (n == 0)
        c->closed = true;
    else if (errno != EAGAIN && errno != EINTR)
        c->closed = c->failed = true;
}

static void
read_tls(struct client *c)
{
    int n = 1;

    ERR_clear_error();
    if (!c->secure) {
        n = SSL_connect(c->ssl);
        c->secure = n == 1;
    }
    while (n > 0) {
        n = SSL_read(c->ssl, wd_buf_reserve(&c->got, 65536), 65536);
        if (n > 0)
            c->got.n += (size_t)n;
    }
    n = SSL_get_error(c->ssl, n);
    if (n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE)
        return;
    c->closed = true;
    c->failed = n != SSL_ERROR_ZERO_RETURN;
}

static void
on_client(evutil_socket_t fd, short what, void *data)
{
    struct client *c = data;

    (void)fd;
    (void)what;
    if (c->ssl)
        read_tls(c);
    else
        read_plain(c);
    if (c->closed)
        event_del(c->event);
}

void
client_open(struct client *c, struct server *s)
{
    struct sockaddr_in to = { .sin_family = AF_INET };

    *c = (struct client){ .server = s };
    to.sin_port = htons((uint16_t)wd_listener_port(s->listener));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->event = event_new(s->loop, c->fd, EV_READ | EV_PERSIST, on_client, c);
    event_add(c->event, NULL);
}

/* Sends all; the loop runs while the socket is full, so that the server can take it. */
void
client_send(struct client *c, struct wd_str bytes)
{
    int64_t deadline = peer_deadline();

    while (bytes.n) {
        int want = (int)(bytes.n > 16384 ? 16384 : bytes.n);
        ssize_t n = c->ssl ? SSL_write(c->ssl, bytes.p, want) : send(c->fd, bytes.p, (size_t)want, MSG_NOSIGNAL);
        if (n > 0)
            bytes = wd_str_part(bytes, (size_t)n, bytes.n);
        else
            peer_round(c->server->loop, deadline, "client_send", __LINE__);
    }
}

void
client_secure(struct client *c, const char *name)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    char copy[64]; /* OpenSSL's macro takes a pointer that is not const */

    c->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_fd(c->ssl, c->fd);
    snprintf(copy, sizeof copy, "%s", name ? name : "");
    if (name)
        SSL_set_tlsext_host_name(c->ssl, copy);
    SSL_connect(c->ssl);
}

void
client_deaf(struct client *c, bool deaf)
{
    if (deaf)
        event_del(c->event);
    else
        event_add(c->event, NULL);
}

void
client_done(struct client *c)
{
    event_free(c->event);
    SSL_free(c->ssl);
    close(c->fd);
    wd_buf_done(&c->got);
}

int64_t
peer_deadline(void)
{
    return wd_mono_ms() + 5000;
}

static void
wake(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
}

void
peer_round(struct event_base *loop, int64_t deadline, const char *what, int line)
{
    struct timeval bound = { .tv_usec = 20 * 1000 };
    struct event *timer = evtimer_new(loop, wake, NULL);

    ck_assert_msg(wd_mono_ms() < deadline, "line %d: waited in vain for %s", line, what);
    evtimer_add(timer, &bound);
    event_base_loop(loop, EVLOOP_ONCE);
    event_free(timer);
}

static void
count_down(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    --*(int *)data;
}

/* Some rounds of the loop in which a timer of ours was due: whatever was ready had its turn. */
void
settle_loop(struct server *s)
{
    struct timeval now = { 0 };
    struct event *timer;
    int left = 50;

    timer = evtimer_new(s->loop, count_down, &left);
    while (left > 0) {
        evtimer_add(timer, &now);
        event_base_loop(s->loop, EVLOOP_ONCE);
    }
    event_free(timer);
}

bool
got_is(const struct client *c, struct wd_str text)
{
    return wd_str_eq(wd_buf_view(&c->got), text);
}

struct wd_buf
peer_bytes(size_t n)
{
    struct wd_buf b = { 0 };

    wd_buf_reserve(&b, n + 16);
    for (uint32_t i = 0; b.n < n; i++)
        wd_buf_printf(&b, "%07x ", i);
    b.n = n;
    return b;
}

void
peer_end(struct server *s, struct client *c)
{
    client_done(c);
    server_done(s);
}
