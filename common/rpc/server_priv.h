/* common/rpc/server_priv.h – what the two halves of a server share: server.c moves messages and threads, dispatch.c
 * makes a call of a message. */
#ifndef WD_RPC_SERVER_PRIV_H
#define WD_RPC_SERVER_PRIV_H
#include <nng/nng.h>
#include <stdatomic.h>

#include "common/rpc/envelope.h"
#include "common/rpc/lanes.h"
#include "common/rpc/server.h"

/* A method that is served, and its counters. */
struct method {
    char *name; /* "wd.v1.Messages.Fetch" */
    ProtobufCService *service;
    unsigned index;
    _Atomic uint64_t calls, failures, microseconds;
};

struct methods {
    struct method *all;
    size_t n;
    ProtobufCService *const *services;
};

void methods_init(struct methods *m, ProtobufCService *const *services);
void methods_done(struct methods *m);
/** By "package.Service.Method"; NULL when it is not served. */
struct method *methods_find(const struct methods *m, const char *name);

/* One request on its way through the server. */
struct request {
    struct wd_call call; /* first: handlers get this */
    struct lane_item lane;
    int64_t arrived_us;
    nng_msg *frame; /* the request; message points into it */
    Wd__V1__RequestEnvelope *envelope;
    struct wd_str message;
    nng_msg *reply;
    const atomic_bool *draining;
    bool failed;
};

/** Unpacks the envelope of r->frame into r->call.arena. False: the reply is set already. Any thread. */
bool request_open(struct request *r);
/** Runs the call: afterwards r->reply is set. Blocks as long as the handler does. */
void request_run(struct request *r, const struct methods *methods, wd_rpc_authorize *authorize);
/** Makes the error the reply. */
void request_refuse(struct request *r, enum wd_reason reason, const char *text);
#endif
