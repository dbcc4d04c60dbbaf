/* common/net/conn_priv.h – the inside of a connection, shared by conn.c, conn_io.c and listener.c.
 *
 * Two events and one timer are embedded; the buffers are empty while nothing happens, so that an idle connection
 * costs little more than this struct. `inside` is above zero while a callback of ours runs: what must be done after
 * the owner's callback (flush, free) is then done by conn_leave() and never under the owner's feet.
 */
#ifndef WD_NET_CONN_PRIV_H
#define WD_NET_CONN_PRIV_H
#include <event2/event_struct.h>

#include "common/base/buf.h"
#include "common/net/conn.h"
#include "common/net/deflate.h"
#include "common/net/limits.h"
#include "common/net/listener.h"
#include "common/net/proxy.h"

enum conn_state {
    CONN_PROXY,     /* waits for the PROXY header */
    CONN_HANDSHAKE, /* TLS handshake */
    CONN_OPEN,      /* the protocol's */
    CONN_STARTTLS,  /* sends what is left in plain text, then CONN_HANDSHAKE */
    CONN_CLOSING,   /* sends what is left, then CONN_LINGER */
    CONN_LINGER,    /* waits for the client to close */
    CONN_BROKEN,    /* on_closed was called */
};

enum {
    CONN_SCRATCH = 64 * 1024,      /* one read at most */
    CONN_RECORD = 16 * 1024,       /* one TLS record */
    CONN_LIMIT = 64 * 1024,        /* read ahead unless the owner says otherwise */
    CONN_LINGER_MS = 1500,         /* after wd_conn_close() */
    CONN_COMPRESSOR_MS = 10 * 1000, /* an idle connection gives its compressor back after so long */
};

struct wd_conn {
    struct event read_ev, write_ev, timer;
    struct evbuffer *in, *out;
    struct wd_deflate *deflate; /* NULL without COMPRESS */
    SSL *ssl;                   /* NULL in plain text */
    struct wd_listener *listener;
    const struct wd_listener_options *options;
    struct wd_ip_count *counted; /* its place in the listener's count per address, or NULL */
    struct wd_conn *next, **link; /* the listener's list */
    const struct wd_conn_calls *calls;
    void *owner;
    struct wd_buf line; /* the line of wd_conn_line(), or the PROXY header while it comes in */
    const char *why;    /* what broke it */
    size_t limit;       /* bytes that may be read ahead */
    size_t scanned;     /* bytes of `in` that hold no LF */
    int64_t traffic_ms; /* wd_mono_ms() of the last traffic */
    int64_t deadline_ms; /* of the present state, 0: none */
    int64_t armed_ms;    /* when the timer fires, 0: not armed */
    int timeout_ms;
    int fd;
    unsigned inside;
    enum conn_state state;
    bool doomed;      /* wd_conn_free() was called inside of a callback */
    bool failed;      /* a write failed: on_closed is due */
    bool reading;     /* read_ev is added */
    bool writing;     /* write_ev waits for the socket */
    bool scheduled;   /* write_ev was activated: run() comes in this round of the loop */
    bool was_over;    /* on_drained is due once the output is low */
    bool read_wants_write;
    char id[17], ip[46];
};

enum conn_io { CONN_IO_SOME, CONN_IO_WAIT, CONN_IO_END, CONN_IO_FAILED };

/* conn.c */
/** A connection for an accepted socket; the listener's list has it from now on. */
struct wd_conn *conn_new(struct event_base *loop, struct wd_listener *l, const struct wd_listener_options *o, int fd);
/** Starts with a PROXY header, a handshake, or at once with on_conn. */
void conn_start(struct wd_conn *c, bool proxied);
void conn_enter(struct wd_conn *c);
void conn_leave(struct wd_conn *c);

/* conn_io.c */
/** Takes what the socket has into `in`, at most up to the limit. */
enum conn_io conn_receive(struct wd_conn *c);
/** Input that the socket will not announce: inside OpenSSL or not yet inflated. */
bool conn_has_buffered(const struct wd_conn *c);
/** Sends what it can. False when the connection broke (`why` is set); *left: something still waits. */
bool conn_send(struct wd_conn *c, bool *left);
/** Continues a handshake: SOME when it is done, WAIT with *want_write, or FAILED. */
enum conn_io conn_handshake(struct wd_conn *c, bool *want_write);
/** Reads the PROXY header off the socket, and nothing behind it: SOME when it is whole, FAILED when it is none. */
enum conn_io conn_read_proxy(struct wd_conn *c, struct wd_proxy_header *header);
/** Reads and drops what is there: END when the client closed, WAIT otherwise. */
enum conn_io conn_discard(struct wd_conn *c);
/** All bytes that wait to be sent. */
size_t conn_output(const struct wd_conn *c);

/* listener.c */
/** Counts the connection under its address; false when there are too many of it. */
bool listener_admit(struct wd_conn *c);
void listener_forget(struct wd_conn *c);
#endif
