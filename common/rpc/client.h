/* common/rpc/client.h – calls to wd-store: asynchronous on a libevent loop, over any number of replicas.
 *
 * One REQ socket per replica address, chosen here (fewest calls under way; a replica whose calls fail in a row is
 * left alone for a while; one that says that it drains gets no new calls). A call that fails because its replica
 * went away or answered UNAVAILABLE is sent again to another one, with the same idempotency key, until its deadline.
 * Host names are resolved again from time to time, so that replicas may come and go.
 *
 * Threads: a client belongs to the thread of its event loop; every function is called there and every closure runs
 * there. Nothing here blocks except wd_rpc_run().
 */
#ifndef WD_RPC_CLIENT_H
#define WD_RPC_CLIENT_H
#include <event2/event.h>
#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

struct wd_rpc_client;
struct wd_rpc_call;

enum { WD_RPC_MAX_MESSAGE = 1280 * 1024 }; /* bytes of a request or reply, envelope included */

/* tls+tcp:// material; files in PEM. */
struct wd_rpc_tls {
    const char *ca_file;          /* who may have signed the peer's certificate */
    const char *certificate_file; /* ours, with its unencrypted key in the same file */
    const char *server_name;      /* expected in the server's certificate; NULL: the host of the URL */
};

struct wd_rpc_client_options {
    const char *const *urls; /* "ipc:///run/wd/store.ipc", "tls+tcp://store:2601"; ends with NULL */
    const char *service_token;
    struct wd_rpc_tls tls;
    int resolve_every_ms; /* 0: 5,000 */
    int eject_ms;         /* how long a failing replica is left alone; 0: 2,000 */
    size_t max_calls;     /* under way at once; more fail with OVERLOADED; 0: 4,096 */
};

/* What one call says besides its request. All pointers are copied or used before the stub
 * returns, except arena, err and call. */
struct wd_rpc_params {
    const char *session_token; /* NULL: none */
    const char *key;           /* idempotency key; NULL: the client makes one, the same for its own retries */
    const char *session_id;    /* NULL: none */
    const char *trace;         /* NULL: none */
    int timeout_ms;            /* 0: 30,000 */
    /* Where the reply is unpacked to; it lives as long as the arena. Required. */
    struct wd_arena *arena;
    /* Filled before the closure runs with a NULL reply. Required; must outlive the call. */
    struct wd_error *err;
    /* Set to the call before the stub returns and to NULL before the closure runs; may be NULL. */
    struct wd_rpc_call **call;
};

/** Connects in the background: calls made at once wait for the first connection until their deadline.
 *  WD_INVALID for a URL that is not understood or a plain tcp:// address that is not loopback. */
struct wd_rpc_client *wd_rpc_client_new(struct event_base *loop, const struct wd_rpc_client_options *o,
                                        struct wd_error *err);
/** Cancels what is under way (closures do not run) and closes; NULL is fine. */
void wd_rpc_client_free(struct wd_rpc_client *c);

/**
 * The service object for the next generated call:
 *
 *     struct wd_rpc_params p = { .arena = cmd->arena, .err = &cmd->err, .call = &cmd->call, … };
 *     wd__v1__messages__fetch(wd_rpc_to(client, &wd__v1__messages__descriptor, &p), &request, on_fetched, cmd);
 *
 * The closure gets the reply, or NULL and *p.err. It never runs before the stub has returned. The object is good for
 * one stub call, which must come before the next wd_rpc_to() on this client.
 */
ProtobufCService *wd_rpc_to(struct wd_rpc_client *c, const ProtobufCServiceDescriptor *service,
                            const struct wd_rpc_params *params);

/** Once it returns, the closure of the call will not run. *call becomes NULL; NULL inside is fine. The store may
 *  still execute it. */
void wd_rpc_cancel(struct wd_rpc_call **call);

/** Runs the loop until *done is true: for programs that have nothing else to do (the command line, tests). */
void wd_rpc_run(struct wd_rpc_client *c, const bool *done);

/** Replicas that are connected now, and all that are known. */
size_t wd_rpc_client_connected(const struct wd_rpc_client *c, size_t *known);
#endif
