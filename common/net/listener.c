#include "common/net/listener.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/log/log.h"
#include "common/net/conn_priv.h"

enum {
    BACKLOG = 1024,
    ACCEPTS_AT_ONCE = 64, /* then the connections that are there have their turn */
    PAUSE_MS = 200,       /* after accept(2) ran out of descriptors or memory */
    KEEPALIVE_S = 5,      /* of silence before the kernel asks */
};

struct wd_listener {
    struct event accept_ev, pause_ev;
    struct event_base *loop;
    const struct wd_listener_options *options;
    struct wd_ip_counts *ips;
    struct wd_conn *conns; /* every one that lives */
    size_t count;
    int fd, port;
    bool stopped;
};

/* The ports of this process, so that its own loops may share one (SO_REUSEPORT) and a second process may not: the
 * kernel would give each of them half of the connections. */
static struct {
    pthread_mutex_t lock;
    unsigned short listeners[65536];
} own_ports = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int
set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int
open_socket(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (a->ai_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    return fd;
}

static bool
is_free(const struct addrinfo *a)
{
    int fd = open_socket(a);
    bool ok = fd >= 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

/* Connections inherit the options of the socket that they were accepted from. */
static int
listen_on(const struct addrinfo *a)
{
    int fd = open_socket(a), error;

    if (fd < 0)
        return -1;
    set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int
port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    char port[8] = "0";

    getsockname(fd, (struct sockaddr *)&address, &n);
    getnameinfo((struct sockaddr *)&address, n, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    return atoi(port);
}

static bool
bind_listener(struct wd_listener *l, const struct addrinfo *a, struct wd_error *err)
{
    int port = l->options->port;

    pthread_mutex_lock(&own_ports.lock);
    l->fd = port == 0 || own_ports.listeners[port] || is_free(a) ? listen_on(a) : -1;
    if (l->fd >= 0) {
        l->port = port_of(l->fd);
        own_ports.listeners[l->port]++;
    }
    pthread_mutex_unlock(&own_ports.lock);
    if (l->fd < 0)
        return wd_fail(err, WD_UNAVAILABLE, "cannot listen on %s port %d: %s", l->options->host, port,
                       strerror(errno));
    return true;
}

static bool
open_listener(struct wd_listener *l, struct wd_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found;
    char port[8];
    int result;
    bool ok;

    snprintf(port, sizeof port, "%d", l->options->port);
    result = getaddrinfo(l->options->host, port, &hints, &found);
    if (result != 0)
        return wd_fail(err, WD_INVALID, "cannot listen on '%s': %s", l->options->host, gai_strerror(result));
    ok = bind_listener(l, found, err);
    freeaddrinfo(found);
    return ok;
}

static void
peer_ip(const struct sockaddr_storage *address, socklen_t n, char ip[46])
{
    if (getnameinfo((const struct sockaddr *)address, n, ip, 46, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(ip, 46, "unknown");
    ip[strcspn(ip, "%")] = '\0'; /* the zone of a link-local address */
    wd_ip_unmap(ip);
}

/* Too many in all: the line is tried once and nothing waits for it. */
static void
turn_away(struct wd_listener *l, int fd)
{
    const char *line = l->options->refusal;

    if (line && !l->options->secure) {
        char text[512];
        int n = snprintf(text, sizeof text, "%s%s", line, wd_str_ends(wd_str_c(line), WD_STR("\n")) ? "" : "\r\n");
        if (n > 0 && (size_t)n < sizeof text && send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
            wd_log(WD_LOG_DEBUG, "refusal not sent", WD_KV("why", strerror(errno)));
    }
    close(fd);
}

static void
welcome(struct wd_listener *l, int fd, const struct sockaddr_storage *address, socklen_t n)
{
    struct wd_conn *c;

    if (l->options->max_connections && l->count >= (size_t)l->options->max_connections) {
        turn_away(l, fd);
        return;
    }
    c = conn_new(l->loop, l, l->options, fd);
    c->next = l->conns;
    c->link = &l->conns;
    if (c->next)
        c->next->link = &c->next;
    l->conns = c;
    l->count++;
    peer_ip(address, n, c->ip);
    conn_start(c, wd_proxy_trusts(l->options->proxies, c->ip));
}

static void
pause_accepting(struct wd_listener *l, int error)
{
    struct timeval wait = { .tv_usec = PAUSE_MS * 1000 };

    wd_log(WD_LOG_WARN, "accepting pauses", WD_KV("why", strerror(error)), WD_KV_INT("port", l->port),
           WD_KV_UINT("connections", l->count));
    event_del(&l->accept_ev);
    evtimer_add(&l->pause_ev, &wait);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *data)
{
    struct wd_listener *l = data;

    (void)fd;
    (void)what;
    event_add(&l->accept_ev, NULL);
}

static void
on_accept(evutil_socket_t listening, short what, void *data)
{
    struct wd_listener *l = data;

    (void)what;
    for (int i = 0; i < ACCEPTS_AT_ONCE && !l->stopped; i++) {
        struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
        socklen_t n = sizeof address;
        int fd = accept4(listening, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            welcome(l, fd, &address, n);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(l, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        } /* anything else concerns the one connection that went away again */
    }
}

struct wd_listener *
wd_listener_new(struct event_base *loop, const struct wd_listener_options *o, struct wd_error *err)
{
    struct wd_listener *l;

    if (o->port < 0 || o->port > 65535 || (o->secure && !o->tls)) {
        wd_fail(err, WD_INVALID, "listener %s port %d: %s", o->host, o->port,
                o->secure && !o->tls ? "no certificate" : "no such port");
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); /* a client that closes while we send is an error value */
    l = WD_NEW(struct wd_listener);
    l->loop = loop;
    l->options = o;
    if (!open_listener(l, err)) {
        free(l);
        return NULL;
    }
    l->ips = wd_ip_counts_new();
    event_assign(&l->accept_ev, loop, l->fd, EV_READ | EV_PERSIST, on_accept, l);
    evtimer_assign(&l->pause_ev, loop, on_pause_over, l);
    event_add(&l->accept_ev, NULL);
    return l;
}

int
wd_listener_port(const struct wd_listener *l)
{
    return l->port;
}

size_t
wd_listener_connections(const struct wd_listener *l)
{
    return l->count;
}

void
wd_listener_stop(struct wd_listener *l)
{
    if (l->stopped)
        return;
    l->stopped = true;
    event_del(&l->accept_ev);
    evtimer_del(&l->pause_ev);
    close(l->fd);
    pthread_mutex_lock(&own_ports.lock);
    own_ports.listeners[l->port]--;
    pthread_mutex_unlock(&own_ports.lock);
}

void
wd_listener_free(struct wd_listener *l)
{
    if (!l)
        return;
    wd_listener_stop(l);
    while (l->conns) {
        assert(!l->conns->calls); /* an owner would be left with a connection that is gone */
        wd_conn_free(l->conns);
    }
    wd_ip_counts_free(l->ips);
    free(l);
}

bool
listener_admit(struct wd_conn *c)
{
    if (!c->options->max_per_ip)
        return true;
    c->counted = wd_ip_counts_take(c->listener->ips, c->ip, c->options->max_per_ip);
    return c->counted != NULL;
}

void
listener_forget(struct wd_conn *c)
{
    struct wd_listener *l = c->listener;

    wd_ip_counts_give(l->ips, c->counted);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    l->count--;
}
