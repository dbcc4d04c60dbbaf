/* frontends/http/listen.h – the HTTP port: libevent's server with our limits, TLS and socket options. */
#ifndef WD_HTTP_LISTEN_H
#define WD_HTTP_LISTEN_H
#include <event2/event.h>

#include "common/net/tls.h"
#include "frontends/http/call.h"

struct http_listen_options {
    const char *host;
    int port;
    struct wd_tls *tls; /* HTTPS; NULL: plain */
    size_t max_body_bytes;
    int timeout_s; /* of a silent connection */
};

struct http_listener;

/** Serves http_serve() with `server`. WD_UNAVAILABLE when the address is taken. */
struct http_listener *http_listen(struct event_base *loop, const struct http_listen_options *o,
                                  struct http_server *server, struct wd_error *err);
/** Stops accepting; requests under way go on. */
void http_listen_stop(struct http_listener *l);
/** Closes every connection. NULL is fine. */
void http_listen_free(struct http_listener *l);
#endif
