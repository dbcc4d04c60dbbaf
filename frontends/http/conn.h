/* frontends/http/conn.h – a client's connection: HTTP/1.1 requests one after the other. */
#ifndef WD_HTTP_CONN_H
#define WD_HTTP_CONN_H
#include "common/net/conn.h"
#include "frontends/http/call.h"

enum http_conn_state {
    HTTP_CONN_HEAD,    /* waits for a request */
    HTTP_CONN_ASKING,  /* the store is asked about its token */
    HTTP_CONN_BODY,    /* its body comes in */
    HTTP_CONN_WORKING, /* it is worked on or answered */
    HTTP_CONN_SKIPPING, /* answered; the rest of its body is dropped */
    HTTP_CONN_TAKEN,   /* an event stream has it */
    HTTP_CONN_ENDING,  /* sends what is left */
    HTTP_CONN_CLOSED,
    HTTP_CONN_STATES
};

/* Who has a connection of state TAKEN. */
struct http_taker {
    void (*drained)(void *data);
    void (*closed)(void *data); /* the connection is gone */
};

struct http_conn {
    struct http_server *server;
    struct wd_conn *net;
    struct http_conn *next, **link; /* the server's list */
    struct http_call *call;         /* of ASKING, BODY, WORKING */
    struct http_intake *rest;       /* of SKIPPING */
    const struct http_taker *taker;
    void *taker_data;
    size_t scanned;     /* bytes of input that do not hold the end of a head */
    int64_t since_ms;   /* when the head began to come in; 0: it did not */
    enum http_conn_state state;
    bool keep_alive;    /* after the present answer */
    bool stepping, again;
};

/** The on_conn of a listener whose data is the struct http_server. */
void http_conn_accept(void *server, struct wd_conn *net);
/** The only driver of a connection. Any callback notes what happened and calls it. */
void http_conn_step(struct http_conn *conn);
/** The answer to the call is complete. */
void http_conn_answered(struct http_conn *conn, struct http_intake *rest);
/** No request may follow: sends what is left and closes. The taker hears of it now. */
void http_conn_end(struct http_conn *conn);
/** The call's connection is the taker's from now on; the call is gone. */
void http_conn_take(struct http_call *c, const struct http_taker *taker, void *data);
/** Connections without a request close; the others do after their answer. */
void http_server_drain(struct http_server *s);
/** Closes all. */
void http_server_close(struct http_server *s);
#endif
