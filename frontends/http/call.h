/* frontends/http/call.h – one HTTP request on its way through the RPC. */
#ifndef WD_HTTP_CALL_H
#define WD_HTTP_CALL_H
#include <event2/http.h>
#include <jansson.h>

#include "common/base/arena.h"
#include "common/rpc/client.h"
#include "frontends/http/route.h"

struct http_server {
    struct wd_rpc_client *store;
    const char *access_token; /* required from every request; NULL: none */
    int timeout_ms;           /* of a call to the store */
    size_t calls;             /* under way */
    uint64_t requests, failures;
};

struct http_call {
    struct http_server *server;
    struct evhttp_request *http;
    const struct http_route *route;
    struct wd_arena *arena;
    json_t *read;              /* parameters that were well formed, in their normal form */
    json_t *answer;            /* grows until http_succeed() */
    ProtobufCMessage *request; /* of the route's RPC, filled from the parameters */
    struct wd_error err;
    struct wd_rpc_call *rpc; /* under way, or NULL */
};

/** Runs on the loop with the reply, or NULL and c->err. */
typedef void http_replied(struct http_call *c, const ProtobufCMessage *reply);

/** For evhttp_set_gencb(): finds the route, checks the token, reads the parameters, starts the call. */
void http_serve(struct evhttp_request *http, void *server);

/** The whole of an endpoint that only translates: calls the route's RPC and answers with its fields. */
void http_translate(struct http_call *c);
/** Calls any RPC; `then` takes over. The reply lives in c->arena. */
void http_rpc(struct http_call *c, const ProtobufCServiceDescriptor *service, const char *rpc,
              const ProtobufCMessage *request, http_replied *then);
/** Answers with the reply's fields, or with the error when reply is NULL. A usual last step. */
void http_answer(struct http_call *c, const ProtobufCMessage *reply);

/** {"success": true, … c->answer}; c is gone. */
void http_succeed(struct http_call *c);
/** The route's error shape, from c->err; c is gone. */
void http_fail(struct http_call *c);
#endif
