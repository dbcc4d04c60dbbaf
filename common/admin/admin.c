#include "common/admin/admin.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"

enum { HEADERS_MAX = 8192, TIMEOUT_S = 10 };

struct wd_admin {
    struct wd_admin_options options;
    struct evhttp *http;
    int port;
};

static void
reply(struct evhttp_request *request, int status, const char *reason, const char *type, struct wd_str body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = evbuffer_new();

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (body.n)
        evbuffer_add(out, body.p, body.n);
    evhttp_send_reply(request, status, reason, out);
    evbuffer_free(out);
}

static void
on_healthz(struct evhttp_request *request, void *data)
{
    (void)data;
    reply(request, HTTP_OK, "OK", "text/plain; charset=utf-8", WD_STR("ok\n"));
}

static void
on_readyz(struct evhttp_request *request, void *data)
{
    const struct wd_admin *a = data;
    struct wd_error why = { .reason = WD_NO_ERROR };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    if (!a->options.ready || a->options.ready(a->options.data, &why)) {
        on_healthz(request, data);
        return;
    }
    wd_buf_printf(&text, "%s\n", why.text);
    reply(request, HTTP_SERVUNAVAIL, "Service Unavailable", "text/plain; charset=utf-8", wd_buf_view(&text));
}

static void
on_metrics(struct evhttp_request *request, void *data)
{
    const struct wd_admin *a = data;
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    if (a->options.metrics)
        wd_metrics_write(a->options.metrics, &text);
    reply(request, HTTP_OK, "OK", "text/plain; version=0.0.4; charset=utf-8", wd_buf_view(&text));
}

static void
on_other(struct evhttp_request *request, void *data)
{
    (void)data;
    reply(request, HTTP_NOTFOUND, "Not Found", "text/plain; charset=utf-8", WD_STR("not found\n"));
}

static int
port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

struct wd_admin *
wd_admin_new(struct event_base *loop, const struct wd_admin_options *o, struct wd_error *err)
{
    struct wd_admin *a = WD_NEW(struct wd_admin);
    const char *host = o->host ? o->host : "127.0.0.1";
    struct evhttp_bound_socket *bound = NULL;

    a->options = *o;
    a->http = evhttp_new(loop);
    if (!a->http)
        abort();
    evhttp_set_allowed_methods(a->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(a->http, HEADERS_MAX);
    evhttp_set_max_body_size(a->http, HEADERS_MAX);
    evhttp_set_timeout(a->http, TIMEOUT_S);
    evhttp_set_cb(a->http, "/healthz", on_healthz, a);
    evhttp_set_cb(a->http, "/readyz", on_readyz, a);
    evhttp_set_cb(a->http, "/metrics", on_metrics, a);
    evhttp_set_gencb(a->http, on_other, a);
    if (o->port >= 0 && o->port <= 65535)
        bound = evhttp_bind_socket_with_handle(a->http, host, (ev_uint16_t)o->port);
    if (!bound) {
        wd_fail(err, WD_UNAVAILABLE, "the admin port cannot listen on %s port %d", host, o->port);
        wd_admin_free(a);
        return NULL;
    }
    a->port = port_of(evhttp_bound_socket_get_fd(bound));
    return a;
}

int
wd_admin_port(const struct wd_admin *a)
{
    return a->port;
}

void
wd_admin_free(struct wd_admin *a)
{
    if (!a)
        return;
    evhttp_free(a->http);
    free(a);
}
