/* common/rpc/server.h – the serving side: worker threads around generated services.
 *
 * Every worker has its own nng context and runs one call at a time, so handlers may block. The layer unpacks, checks
 * the deadline, asks `authorize`, runs the handler, packs, logs one line and counts. A handler is
 *
 *     static void messages_fetch(Wd__V1__Messages_Service *svc, const Wd__V1__FetchRequest *req,
 *                                Wd__V1__FetchReply_Closure reply, void *closure)
 *
 * with closure a struct wd_call; it either calls reply(&out, closure) once or wd_call_fail(call) once, before it
 * returns. Overload answers OVERLOADED at once instead of queueing without end.
 */
#ifndef WD_RPC_SERVER_H
#define WD_RPC_SERVER_H
#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/id.h"
#include "common/base/lifetime.h"
#include "common/rpc/client.h"

struct wd_rpc_server;

/* One call, for the time of its handler. Strings are borrowed from the request and may be empty. */
struct wd_call {
    const char *method; /* "wd.v1.Messages.Fetch" */
    uint64_t id;
    int64_t deadline_ms; /* on the clock of wd_mono_ms() */
    struct wd_str service_token, session_token, key, trace, session_id;
    struct wd_arena *arena; /* request, reply and everything the handler needs live here */
    struct wd_error err;    /* what wd_call_fail() sends */
    void *app;              /* wd_rpc_server_options.app */
    /* Set by authorize: */
    unsigned role;      /* the application's bits */
    struct wd_id user;  /* of the session token; zero without one */
    unsigned scope;     /* the application's bits */
};

/* Checks the tokens of the call against its method; sets role, user and scope. Called on the worker's thread. */
typedef bool wd_rpc_authorize(struct wd_call *call, struct wd_error *err);

struct wd_rpc_server_options {
    const char *const *urls; /* where to listen; ends with NULL. ipc:// sockets get mode ipc_mode */
    ProtobufCService *const *services; /* generated service structs; ends with NULL */
    wd_rpc_authorize *authorize;
    void *app;
    unsigned workers;    /* 0: 2 × CPUs, at least 8 */
    unsigned max_queued; /* requests waiting for a worker before OVERLOADED; 0: 1,024 */
    unsigned ipc_mode;   /* 0: 0600 */
    bool allow_plain_tcp; /* plain tcp:// on an address that is not loopback is refused without it */
    struct wd_rpc_tls tls;
};

/** Listens and serves on threads of its own. WD_INVALID for options that are refused, WD_UNAVAILABLE when an address
 *  cannot be listened on. */
struct wd_rpc_server *wd_rpc_server_start(const struct wd_rpc_server_options *o, struct wd_error *err);
/** The TCP port that the n-th URL is listened on: for port 0, which lets the system choose. 0 for ipc://. */
int wd_rpc_server_port(const struct wd_rpc_server *s, size_t url_index);
/** Says "draining" in every reply from now on. Any thread. */
void wd_rpc_server_drain(struct wd_rpc_server *s);
/** Refuses new calls (UNAVAILABLE: clients go elsewhere), waits up to grace_ms for calls under way, then stops; NULL is
 *  fine. A handler that does not return within a second after that keeps its memory: the process should end. */
void wd_rpc_server_stop(struct wd_rpc_server *s, int grace_ms);

/** Sends call->err as the reply. */
void wd_call_fail(struct wd_call *call);

/* Counters since the start, for /metrics. */
struct wd_rpc_method_stats {
    const char *method;
    uint64_t calls, failures, microseconds;
};
/** Copies at most max rows; returns how many there are. Any thread. */
size_t wd_rpc_server_stats(const struct wd_rpc_server *s, struct wd_rpc_method_stats *out, size_t max);
#endif
