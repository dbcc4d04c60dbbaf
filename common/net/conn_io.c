/* Bytes in and out of a connection's socket, through TLS and deflate where they are on. Calls nobody back. */
#include "common/net/conn_priv.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/lifetime.h"

/* One read or one TLS record at a time; a loop's thread has one. */
static _Thread_local char scratch[CONN_SCRATCH];

static enum conn_io
fail(struct wd_conn *c, const char *why)
{
    if (!c->why)
        c->why = why;
    return CONN_IO_FAILED;
}

static const char *
why_errno(int number)
{
    switch (number) {
    case ECONNRESET:
    case EPIPE:
        return "connection reset by the client";
    case ETIMEDOUT:
        return "connection timed out";
    default:
        return "connection failed";
    }
}

/* What a failed SSL call means; *want_write: it waits for room in the socket, not for input. */
static enum conn_io
tls_result(struct wd_conn *c, int result, bool *want_write)
{
    int number = errno, code = SSL_get_error(c->ssl, result);

    *want_write = code == SSL_ERROR_WANT_WRITE;
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return CONN_IO_WAIT;
    if (code == SSL_ERROR_ZERO_RETURN)
        return CONN_IO_END;
    if (code == SSL_ERROR_SYSCALL)
        return number ? fail(c, why_errno(number)) : CONN_IO_END;
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return CONN_IO_END; /* many clients close without close_notify */
    return fail(c, ERR_reason_error_string(ERR_peek_error()));
}

static enum conn_io
read_tls(struct wd_conn *c, size_t space, size_t *got)
{
    enum conn_io result = CONN_IO_SOME;

    *got = 0;
    do {
        int n;
        ERR_clear_error();
        errno = 0;
        n = SSL_read(c->ssl, scratch + *got, (int)(space - *got));
        if (n <= 0)
            result = tls_result(c, n, &c->read_wants_write);
        else
            *got += (size_t)n;
    } while (result == CONN_IO_SOME && *got < space);
    ERR_clear_error();
    return *got ? CONN_IO_SOME : result; /* an end or a failure comes again with the next call */
}

static enum conn_io
read_plain(struct wd_conn *c, size_t space, size_t *got)
{
    ssize_t n;

    do
        n = recv(c->fd, scratch, space, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        *got = (size_t)n;
        return CONN_IO_SOME;
    }
    if (n == 0)
        return CONN_IO_END;
    return errno == EAGAIN ? CONN_IO_WAIT : fail(c, why_errno(errno));
}

static enum conn_io
read_some(struct wd_conn *c, size_t space, size_t *got)
{
    if (space > sizeof scratch)
        space = sizeof scratch;
    return c->ssl ? read_tls(c, space, got) : read_plain(c, space, got);
}

static enum conn_io
receive_deflated(struct wd_conn *c)
{
    struct evbuffer *wire = wd_deflate_wire_in(c->deflate);
    size_t had = evbuffer_get_length(c->in), got;
    enum conn_io result = CONN_IO_WAIT;

    if (!wd_deflate_has_more(c->deflate)) {
        result = read_some(c, sizeof scratch, &got);
        if (result == CONN_IO_SOME)
            evbuffer_add(wire, scratch, got);
    }
    if (!wd_deflate_in(c->deflate, c->in, c->limit))
        return fail(c, "compressed data is damaged");
    if (evbuffer_get_length(c->in) > had)
        return CONN_IO_SOME;
    return result == CONN_IO_SOME ? CONN_IO_WAIT : result;
}

enum conn_io
conn_receive(struct wd_conn *c)
{
    size_t have = evbuffer_get_length(c->in), got;
    enum conn_io result;

    if (have >= c->limit)
        return CONN_IO_WAIT;
    if (c->deflate)
        return receive_deflated(c);
    result = read_some(c, c->limit - have, &got);
    if (result == CONN_IO_SOME)
        evbuffer_add(c->in, scratch, got);
    return result;
}

bool
conn_has_buffered(const struct wd_conn *c)
{
    return (c->ssl && SSL_pending(c->ssl) > 0) || (c->deflate && wd_deflate_has_more(c->deflate));
}

enum conn_io
conn_read_proxy(struct wd_conn *c, struct wd_proxy_header *header)
{
    size_t had = c->line.n, take;
    ssize_t n = recv(c->fd, wd_buf_reserve(&c->line, WD_PROXY_V2_MAX), WD_PROXY_V2_MAX, MSG_PEEK);
    enum wd_proxy_result result;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CONN_IO_WAIT;
    if (n <= 0)
        return CONN_IO_END;
    c->line.n += (size_t)n;
    result = wd_proxy_parse(wd_buf_view(&c->line), header);
    if (result == WD_PROXY_BAD)
        return CONN_IO_FAILED;
    take = result == WD_PROXY_OK ? header->n - had : (size_t)n;
    if (recv(c->fd, scratch, take, 0) != (ssize_t)take) /* what was peeked at is there */
        return CONN_IO_END;
    return result == WD_PROXY_OK ? CONN_IO_SOME : CONN_IO_WAIT;
}

enum conn_io
conn_discard(struct wd_conn *c)
{
    enum conn_io result;

    for (int i = 0; i < 4; i++) {
        ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
        if (n == 0)
            return CONN_IO_END;
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? CONN_IO_WAIT : CONN_IO_END;
    }
    result = CONN_IO_WAIT; /* a client that sends without end does not hold the loop */
    return result;
}

/* One record; the bytes of a record that could not be sent are the first of the next try, as OpenSSL demands. */
static enum conn_io
write_tls(struct wd_conn *c, struct evbuffer *from)
{
    ev_ssize_t n = evbuffer_copyout(from, scratch, CONN_RECORD);
    bool want_write;
    int sent;

    ERR_clear_error();
    errno = 0;
    sent = SSL_write(c->ssl, scratch, (int)n);
    if (sent <= 0) {
        enum conn_io result = tls_result(c, sent, &want_write);
        ERR_clear_error();
        return result == CONN_IO_END ? fail(c, "connection closed by the client") : result;
    }
    evbuffer_drain(from, (size_t)sent);
    return CONN_IO_SOME;
}

static enum conn_io
write_plain(struct wd_conn *c, struct evbuffer *from)
{
    int n = evbuffer_write(from, c->fd);

    if (n > 0)
        return CONN_IO_SOME;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? CONN_IO_WAIT : fail(c, why_errno(n < 0 ? errno : EPIPE));
}

bool
conn_send(struct wd_conn *c, bool *left)
{
    enum conn_io result = CONN_IO_SOME;
    bool sent = false;

    while (result == CONN_IO_SOME) {
        struct evbuffer *from = c->out;
        if (c->deflate) {
            wd_deflate_out(c->deflate, c->out, CONN_SCRATCH);
            from = wd_deflate_wire_out(c->deflate);
        }
        if (evbuffer_get_length(from) == 0)
            break;
        result = c->ssl ? write_tls(c, from) : write_plain(c, from);
        sent = sent || result == CONN_IO_SOME;
    }
    if (sent)
        c->traffic_ms = wd_mono_ms();
    *left = result == CONN_IO_WAIT;
    return result != CONN_IO_FAILED;
}

size_t
conn_output(const struct wd_conn *c)
{
    return evbuffer_get_length(c->out) +
           (c->deflate ? evbuffer_get_length(wd_deflate_wire_out(c->deflate)) : 0);
}

enum conn_io
conn_handshake(struct wd_conn *c, bool *want_write)
{
    enum conn_io result;
    int done;

    *want_write = false;
    ERR_clear_error();
    errno = 0;
    done = SSL_accept(c->ssl);
    if (done == 1)
        return CONN_IO_SOME;
    result = tls_result(c, done, want_write);
    ERR_clear_error();
    return result == CONN_IO_END ? fail(c, "closed during the TLS handshake") : result;
}
