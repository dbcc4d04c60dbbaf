/* common/rpc/pool.h – the replicas that a client knows: which there are, how they feel, who gets the next call. */
#ifndef WD_RPC_POOL_H
#define WD_RPC_POOL_H
#include "common/rpc/replica.h"
#include "common/rpc/resolve.h"

struct pool;
struct endpoint; /* one replica with its health */

struct pool_options {
    const char *const *urls;
    struct wd_rpc_tls tls;
    int resolve_every_ms, eject_ms;
    wd_resolve_host *resolve; /* NULL: the system's */
    void *resolve_data;
    struct wd_queue *queue;
    /* On the loop's thread; as in struct replica_owner. */
    void (*on_result)(void *data, struct endpoint *e, void *attempt, int error, nng_msg *reply);
    void (*on_connected)(void *data); /* there is a connection more */
    void *data;
};

/** The options' strings are copied. WD_INVALID for URLs that are not understood or would send clear text. */
struct pool *pool_new(const struct pool_options *o, struct wd_error *err);
/** Attempts under way get no callback. NULL is fine. */
void pool_free(struct pool *p);

/**
 * The connected replica that should get the next call, or NULL. `avoid` is the endpoint_id() of the one that failed
 * last for this call (0: none): it is chosen only when there is no other.
 * *others  how many more would do
 */
struct endpoint *pool_choose(struct pool *p, uint64_t avoid, size_t *others);

struct replica *endpoint_replica(struct endpoint *e);
uint64_t endpoint_id(const struct endpoint *e);
/** It answered: good again; `draining` is what its reply said. */
void endpoint_good(struct endpoint *e, bool draining);
/** It did not answer, or answered nonsense; three times in a row, and it is left alone for a while. */
void endpoint_failed(struct endpoint *e);

size_t pool_connected(const struct pool *p, size_t *known);
/** Resolves host names again now. */
void pool_resolve_now(struct pool *p);
#endif
