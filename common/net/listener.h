/* common/net/listener.h – listening sockets: TLS from the first byte, PROXY headers, limits, drain. */
#ifndef WD_NET_LISTENER_H
#define WD_NET_LISTENER_H
#include <event2/event.h>

#include "common/base/error.h"
#include "common/net/conn.h"
#include "common/net/tls.h"

struct wd_listener;

enum { WD_HANDSHAKE_TIMEOUT_MS = 10 * 1000 };

struct wd_listener_options {
    const char *host; /* "127.0.0.1", "::", "0.0.0.0" */
    int port;         /* 0: any free one */
    bool secure;      /* TLS before the first byte of the protocol */
    bool secured;     /* plain text here, but TLS ends in a proxy before us */
    bool hide_starttls;   /* disableSTARTTLS: not offered, plain login allowed */
    bool ignore_starttls; /* plain login allowed although STARTTLS is offered */
    const char *const *proxies; /* peers that send a PROXY header (v1 or v2): addresses, networks ("10.0.0.0/8"), "*":
                                   all; ends with NULL. NULL: nobody */
    int max_connections;        /* 0: no limit */
    int max_per_ip;             /* 0: no limit; an IPv6 address counts by its /64 */
    int handshake_timeout_ms;   /* TLS and PROXY header together; 0: WD_HANDSHAKE_TIMEOUT_MS */
    struct wd_tls *tls;         /* shared; may be NULL without `secure` and STARTTLS */
    const char *refusal;        /* line that a connection over a limit is sent (in plain text only) before it is
                                   closed, or NULL */
    const char *proxy_refusal;  /* line after a bad PROXY header */
    /* A connection is ready: TLS and PROXY header are done. Must call wd_conn_own() or wd_conn_free(). */
    void (*on_conn)(void *data, struct wd_conn *c);
    void *data;
};

/** Listens on a loop; with several loops, one listener each on the same port (SO_REUSEPORT). The options are borrowed
 *  and must outlive every connection. WD_UNAVAILABLE when the address is taken by another process. Ignores SIGPIPE
 *  for the whole process. */
struct wd_listener *wd_listener_new(struct event_base *loop, const struct wd_listener_options *o, struct wd_error *err);
/** The port that it has. */
int wd_listener_port(const struct wd_listener *l);
/** Connections that came through it and live. */
size_t wd_listener_connections(const struct wd_listener *l);
/** Stops accepting; connections stay. */
void wd_listener_stop(struct wd_listener *l);
/** Closes the listener; its connections must be freed or closed by their owners (those that still say good-bye are
 *  cut off). NULL is fine. */
void wd_listener_free(struct wd_listener *l);
#endif
