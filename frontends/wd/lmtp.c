#include "frontends/wd/lmtp.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TIMEOUT_S = 120, LINE_MAX_BYTES = 4096 };

static bool
broken(struct wd_error *err, const char *what)
{
    return wd_fail(err, WD_UNAVAILABLE, "%s: %s", what, errno == EAGAIN ? "no answer in time" : strerror(errno));
}

static int
connect_to(const struct addrinfo *at)
{
    struct timeval timeout = { TIMEOUT_S, 0 };
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool
dial(struct cli_lmtp *l, const char *host, const char *port, struct wd_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    int rc = getaddrinfo(host, port, &hints, &list);

    if (rc != 0)
        return wd_fail(err, WD_UNAVAILABLE, "%s: %s", host, gai_strerror(rc));
    l->fd = -1;
    for (const struct addrinfo *at = list; at && l->fd < 0; at = at->ai_next)
        l->fd = connect_to(at);
    freeaddrinfo(list);
    return l->fd >= 0 || wd_fail(err, WD_UNAVAILABLE, "no LMTP server at %s port %s: %s", host, port, strerror(errno));
}

static bool
write_all(struct cli_lmtp *l, struct wd_str s, struct wd_error *err)
{
    while (s.n) {
        ssize_t n = send(l->fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return broken(err, "sending");
        s = wd_str_part(s, (size_t)n, s.n);
    }
    return true;
}

static bool
read_line(struct cli_lmtp *l, struct wd_error *err)
{
    for (;;) {
        size_t end = wd_str_chr(wd_buf_view(&l->in), '\n');
        ssize_t n;

        if (end != SIZE_MAX) {
            l->line.n = 0;
            wd_buf_str(&l->line, wd_str_chomp(wd_str_n(l->in.p, end + 1)));
            wd_buf_chr(&l->line, '\0');
            wd_buf_cut(&l->in, end + 1);
            return true;
        }
        if (l->in.n > LINE_MAX_BYTES)
            return wd_fail(err, WD_UNAVAILABLE, "the LMTP server sends no lines");
        n = recv(l->fd, wd_buf_reserve(&l->in, LINE_MAX_BYTES), LINE_MAX_BYTES, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return broken(err, "receiving");
        if (n == 0)
            return wd_fail(err, WD_UNAVAILABLE, "the LMTP server closed the connection");
        l->in.n += (size_t)n;
    }
}

/* The last line of a reply; *ok when it starts with the digit. */
static bool
read_reply(struct cli_lmtp *l, char digit, bool *ok, struct wd_error *err)
{
    do
        if (!read_line(l, err))
            return false;
    while (l->line.n > 4 && l->line.p[3] == '-');
    *ok = l->line.p[0] == digit;
    return true;
}

static bool
command(struct cli_lmtp *l, struct wd_str text, char digit, struct wd_error *err)
{
    bool ok;

    if (!write_all(l, text, err) || !read_reply(l, digit, &ok, err))
        return false;
    return ok || wd_fail(err, WD_MESSAGE_REFUSED, "%s", l->line.p);
}

bool
cli_lmtp_open(struct cli_lmtp *l, const char *host, const char *port, struct wd_error *err)
{
    bool ok;

    *l = (struct cli_lmtp){ .fd = -1 };
    if (dial(l, host, port, err) && read_reply(l, '2', &ok, err) && command(l, WD_STR("LHLO wd\r\n"), '2', err))
        return true;
    cli_lmtp_done(l);
    return false;
}

void
cli_lmtp_done(struct cli_lmtp *l)
{
    struct wd_error unused;

    if (l->fd >= 0 && write_all(l, WD_STR("QUIT\r\n"), &unused) && !read_line(l, &unused))
        errno = 0; /* it is over either way */
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    wd_buf_done(&l->in);
    wd_buf_done(&l->line);
}

void
cli_lmtp_stuff(struct wd_buf *out, struct wd_str message)
{
    while (message.n) {
        size_t end = wd_str_chr(message, '\n');
        struct wd_str line = wd_str_chomp(wd_str_part(message, 0, end == SIZE_MAX ? message.n : end + 1));

        if (line.n && line.p[0] == '.')
            wd_buf_chr(out, '.');
        wd_buf_str(out, line);
        wd_buf_c(out, "\r\n");
        message = end == SIZE_MAX ? WD_NONE : wd_str_part(message, end + 1, message.n);
    }
}

/* A transaction that was refused half-way is taken back, so that the next one can begin. */
static bool
give_up(struct cli_lmtp *l, struct wd_error *err)
{
    struct wd_error lost;

    if (err->reason == WD_MESSAGE_REFUSED && !command(l, WD_STR("RSET\r\n"), '2', &lost))
        *err = lost;
    return false;
}

bool
cli_lmtp_send(struct cli_lmtp *l, const char *sender, const char *recipient, struct wd_str message,
              struct wd_error *err)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_buf_printf(&text, "MAIL FROM:<%s>\r\n", sender);
    if (!command(l, wd_buf_view(&text), '2', err))
        return false;
    text.n = 0;
    wd_buf_printf(&text, "RCPT TO:<%s>\r\n", recipient);
    if (!command(l, wd_buf_view(&text), '2', err) || !command(l, WD_STR("DATA\r\n"), '3', err))
        return give_up(l, err);
    text.n = 0;
    cli_lmtp_stuff(&text, message);
    wd_buf_c(&text, ".\r\n");
    return command(l, wd_buf_view(&text), '2', err);
}
