/* tests/unit/common/net/peer.h – both ends of connections in one loop: a listener whose sessions record what happens
 * to them, and clients (plain or TLS) that collect what they are sent. Nothing here sleeps: until() runs the loop
 * until a condition holds, or fails the test after five seconds. */
#ifndef WD_TEST_NET_PEER_H
#define WD_TEST_NET_PEER_H
#include <check.h>

#include "common/base/buf.h"
#include "common/net/conn.h"
#include "common/net/listener.h"
#include "common/net/tls.h"

enum { SESSIONS_MAX = 64 };

/* The server's side of one connection. */
struct session {
    struct wd_conn *conn; /* NULL once it was freed */
    struct server *server;
    int inputs, drained, secured, timeouts, closed;
    char why[128];
    struct wd_buf seen; /* what collect() took */
};

struct server {
    struct event_base *loop;
    struct wd_listener_options options;
    struct wd_listener *listener;
    struct wd_tls *tls;
    char dir[64];
    /* What a session does when it is called; NULL: nothing (on_closed always frees). */
    void (*start)(struct session *s);
    void (*input)(struct session *s);
    void (*drain)(struct session *s);
    void (*secure)(struct session *s);
    void (*timeout)(struct session *s);
    struct session sessions[SESSIONS_MAX];
    int n;
};

/* A client; its socket is read whenever something comes, unless it is deaf. */
struct client {
    struct server *server;
    struct event *event;
    int fd;
    SSL *ssl;
    bool secure; /* its handshake is done */
    bool closed, failed, deaf;
    struct wd_buf got;
};

/** A server that listens on loopback after server_listen(). with_tls makes a certificate. */
void server_init(struct server *s, bool with_tls);
void server_listen(struct server *s);
void server_done(struct server *s);
/** Ready-made session functions: take all input into `seen`; send every line back; free the connection. */
void collect(struct session *s);
void echo_lines(struct session *s);
void free_now(struct session *s);

void client_open(struct client *c, struct server *s);
void client_send(struct client *c, struct wd_str bytes);
/** Begins a TLS handshake; with a server name when it is not NULL. */
void client_secure(struct client *c, const char *name);
void client_deaf(struct client *c, bool deaf);
void client_done(struct client *c);

/** Runs the loop until the condition is true. */
#define until(server, condition)                                                                   \
    do {                                                                                           \
        int64_t deadline_ = peer_deadline();                                                       \
        while (!(condition))                                                                       \
            peer_round((server)->loop, deadline_, #condition, __LINE__);                           \
    } while (0)
/** Runs the loop until everything that is ready was handled. */
void settle_loop(struct server *s);
int64_t peer_deadline(void);
void peer_round(struct event_base *loop, int64_t deadline, const char *what, int line);

/** n bytes (yours to free) in which every place can be told from its neighbours. */
struct wd_buf peer_bytes(size_t n);
/** The end of a test of one client. */
void peer_end(struct server *s, struct client *c);

bool got_is(const struct client *c, struct wd_str text);
#endif
