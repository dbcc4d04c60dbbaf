#include "frontends/http/listen.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

enum { MAX_HEADER_BYTES = 32 * 1024 };

struct http_listener {
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    struct wd_tls *tls;
};

static struct bufferevent *
secure_connection(struct event_base *loop, void *data)
{
    struct http_listener *l = data;
    struct bufferevent *bev = bufferevent_openssl_socket_new(loop, -1, wd_tls_accept(l->tls),
                                                             BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);

    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static void
set_limits(struct http_listener *l, const struct http_listen_options *o, struct http_server *server)
{
    evhttp_set_max_headers_size(l->http, MAX_HEADER_BYTES);
    evhttp_set_max_body_size(l->http, (ev_ssize_t)o->max_body_bytes);
    evhttp_set_timeout(l->http, o->timeout_s);
    evhttp_set_default_content_type(l->http, NULL);
    /* All of them come to the table, so that the wrong ones are answered by it. */
    evhttp_set_allowed_methods(l->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                            EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(l->http, http_serve, server);
    if (l->tls)
        evhttp_set_bevcb(l->http, secure_connection, l);
}

struct http_listener *
http_listen(struct event_base *loop, const struct http_listen_options *o, struct http_server *server,
            struct wd_error *err)
{
    struct http_listener *l = WD_NEW(struct http_listener);
    int on = 1;

    *l = (struct http_listener){ .http = evhttp_new(loop), .tls = o->tls };
    set_limits(l, o, server);
    errno = 0;
    l->bound = evhttp_bind_socket_with_handle(l->http, o->host, (uint16_t)o->port);
    if (!l->bound) {
        wd_fail(err, WD_UNAVAILABLE, "cannot listen on %s port %d: %s", o->host, o->port, strerror(errno));
        http_listen_free(l);
        return NULL;
    }
    /* Accepted sockets inherit it: an answer does not wait for the client's delayed ACK. */
    setsockopt(evhttp_bound_socket_get_fd(l->bound), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return l;
}

void
http_listen_stop(struct http_listener *l)
{
    if (l->bound)
        evhttp_del_accept_socket(l->http, l->bound);
    l->bound = NULL;
}

void
http_listen_free(struct http_listener *l)
{
    if (!l)
        return;
    evhttp_free(l->http);
    free(l);
}
