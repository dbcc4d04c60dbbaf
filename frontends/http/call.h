/* frontends/http/call.h – one HTTP request on its way through the RPC: what the functions of routes.def work on.
 *
 * The framework has done its part when a route's `run` is called: the token is known, the parameters are read, the
 * permission is given and the request message is filled. `run` starts the work and returns; exactly one of
 * http_succeed(), http_fail(), http_answer(), http_stream_end(), http_stream_cut() and http_event_stream_start() ends
 * the call, now or later, and the call is gone with it. When the client goes away first, calls under way are
 * cancelled, `cleanup` runs and nothing else of the call does. Everything runs on the thread of the loop. */
#ifndef WD_HTTP_CALL_H
#define WD_HTTP_CALL_H
#include <jansson.h>

#include "common/base/arena.h"
#include "common/rpc/client.h"
#include "frontends/http/access.h"
#include "frontends/http/route.h"

struct http_conn;
struct http_events;
struct http_intake;

struct http_options {
    const char *access_token;      /* of the role root; NULL: none */
    bool access_control;           /* a token is asked for even without access_token */
    const char *const *origins;    /* that browsers may call from; "*": any; ends with NULL */
    uint32_t token_ttl_s, token_lifetime_s; /* of tokens of users */
    int call_timeout_ms;           /* of a call to the store */
    int timeout_ms;                /* of a silent connection */
    size_t max_body_bytes;         /* of parameters */
    size_t max_message_bytes;      /* of messages and files */
    size_t max_held_bytes;         /* of all bodies together */
};

struct http_server {
    const struct http_route *routes; /* http_routes(), but in tests */
    struct wd_rpc_client *store;
    struct http_roles *roles;
    struct http_events *events; /* wakes event streams; NULL: nobody does */
    struct event_base *loop;
    struct http_options options;
    /* private: */
    struct http_conn *conns;
    size_t conn_count, streams, held_bytes;
    uint64_t requests, failures;
    bool draining;
};

/* Who calls. */
struct http_who {
    const char *role;
    const char *user;  /* id of the account that the token is bound to, or NULL */
    const char *token; /* NULL: none was given, or it is the configured one */
};

struct http_call {
    struct http_server *server;
    struct http_conn *conn;
    const struct http_route *route; /* NULL: none fits */
    struct wd_arena *arena;
    const struct http_head *head;
    struct http_who who;
    const char *attributes; /* that the caller may see and set (access.h) */
    const char *only_user;  /* of HTTP_LIST: the id whose things alone may be shown; NULL: everybody's */
    json_t *read;           /* parameters in their normal form, defaults too */
    json_t *answer;         /* grows until http_succeed() */
    json_t *extra;          /* members of an error besides its text and code; NULL: none */
    ProtobufCMessage *request; /* of the route's RPC, filled from the parameters */
    struct wd_error err;
    int status;                /* of http_fail(); 0: the reason's */
    struct wd_rpc_call *rpc;   /* under way, or NULL */
    /* Of HTTP_RAW, when the body was no parameters: its bytes, or the upload in the store that has them. */
    struct wd_str raw;
    const char *upload; /* 24 hexadecimal digits; NULL: raw has them */
    uint64_t upload_size;
    /* The endpoint's own. */
    void *data;
    void (*cleanup)(struct http_call *c); /* before the call is freed; NULL: nothing to do */
    /* private: */
    http_run *more;         /* of a stream: when there is room */
    struct http_intake *intake;
    bool began;             /* the head of the answer was written */
    bool chunked;
};

/** Runs on the loop with the reply, or NULL and c->err. */
typedef void http_replied(struct http_call *c, const ProtobufCMessage *reply);

/** The whole of an endpoint that only translates: calls the route's RPC and answers with its fields. */
void http_translate(struct http_call *c);
/** Calls any RPC; `then` takes over. The reply lives in c->arena. One at a time. */
void http_rpc(struct http_call *c, const ProtobufCServiceDescriptor *service, const char *rpc,
              const ProtobufCMessage *request, http_replied *then);
/** Calls the route's RPC. */
void http_call_rpc(struct http_call *c, http_replied *then);
/** Answers with the reply's fields, or with the error when reply is NULL. A usual last step. */
void http_answer(struct http_call *c, const ProtobufCMessage *reply);

/** {"success": true, … c->answer} without what the caller may not see. */
void http_succeed(struct http_call *c);
/** The route's error shape, from c->err, c->status and c->extra. */
void http_fail(struct http_call *c);
/** An error that comes before a route's own: {"code", "message"}. */
void http_refuse(struct http_call *c, int status, const char *code, const char *message);

/** A parameter in its normal form; NULL when it was not given. */
const char *http_read_text(const struct http_call *c, const char *name);
bool http_read_flag(const struct http_call *c, const char *name);

/* ---- answers that are longer than memory ---- */

enum { HTTP_UNKNOWN_LENGTH = -1 };

/** Begins the answer; `headers` are further lines, each with its CRLF, or NULL. */
void http_stream_begin(struct http_call *c, const char *type, int64_t length, const char *headers);
/** Adds bytes to it. */
void http_stream_write(struct http_call *c, struct wd_str bytes);
/** Calls more(c) as soon as the client has taken enough of what was written: what starts the next RPC. */
void http_stream_more(struct http_call *c, http_run *more);
void http_stream_end(struct http_call *c);
/** The rest cannot be had: the connection is closed, so that the client does not take it for the whole. */
void http_stream_cut(struct http_call *c);
#endif
