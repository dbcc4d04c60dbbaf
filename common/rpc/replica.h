/* common/rpc/replica.h – one address of a store: a REQ socket with one dialer, and a context per call under way.
 *
 * nng facts behind it: a REQ context sends again by itself unless told not to; a receive must never overlap the send
 * of the same context (a crash in nng 1.5); the receive limit must be set before dialling. All functions run on the
 * loop's thread; nng's threads only post to the queue.
 */
#ifndef WD_RPC_REPLICA_H
#define WD_RPC_REPLICA_H
#include <nng/nng.h>

#include "common/rpc/client.h"
#include "common/rpc/queue.h"
#include "common/rpc/url.h"

struct replica;
struct slot;

/* What the owner hears; all on the loop's thread. */
struct replica_owner {
    struct wd_queue *queue;
    /** An attempt is over: `error` is 0 and the reply is the owner's to free, or an nng error and reply is NULL.
     *  `attempt` is what replica_send() was given. */
    void (*on_result)(void *data, struct replica *r, void *attempt, int error, nng_msg *reply);
    /** A connection came or went. */
    void (*on_connection)(void *data, struct replica *r);
    void *data;
};

/** Starts to dial in the background. */
struct replica *replica_open(const struct wd_url *url, const char *address, const struct wd_rpc_tls *tls,
                             const struct replica_owner *owner, struct wd_error *err);
/** Stops all attempts without a callback and frees it at once; waits for nng. */
void replica_free(struct replica *r);
/** The address has vanished: takes no new calls; true when nothing is under way and replica_discard() may follow. */
bool replica_is_idle(const struct replica *r);
/** Frees an idle replica whose socket is closed on another thread, because nng may block in that. */
void replica_discard(struct replica *r);

/** Sends the message (taken in any case) and waits for the reply, at most timeout_ms. NULL when nng has no context
 *  left. */
struct slot *replica_send(struct replica *r, nng_msg *msg, int timeout_ms, void *attempt, struct wd_error *err);
/** Gives up: no callback for it any more. */
void slot_cancel(struct slot *s);

bool replica_is_connected(const struct replica *r);
size_t replica_outstanding(const struct replica *r);
/** "tcp://10.0.0.1:2601" */
const char *replica_url(const struct replica *r);
/** The bare address it was opened with; "" without one. */
const char *replica_address(const struct replica *r);
#endif
