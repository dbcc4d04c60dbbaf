/* frontends/lmtp/body.h – a message on its way to the store, in bounded memory.
 *
 * What fits into one Deliver call stays here until then. A longer message goes to the store as an upload while it
 * arrives: one chunk is filled, one is under way, and while both are full body_room() is 0 and nobody reads from the
 * client. A message over the limit is counted and dropped.
 *
 * Threads: belongs to the loop of its connection. */
#ifndef WD_LMTP_BODY_H
#define WD_LMTP_BODY_H
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/id.h"
#include "common/rpc/client.h"

enum { LMTP_BODY_CHUNK = 700 * 1024 }; /* with its envelope and a few hundred recipients below WD_RPC_MAX_MESSAGE */

struct lmtp_drop;

/* The DropUpload calls that nobody waits for. */
struct lmtp_drops {
    struct lmtp_drop *first;
};

/** Cancels all; before the client is freed. */
void lmtp_drops_done(struct lmtp_drops *d);

enum lmtp_body_state {
    BODY_GOOD,
    BODY_TOO_BIG, /* more than max_bytes; the bytes are gone */
    BODY_FAILED,  /* the upload failed, err says why; the bytes are gone */
};

struct lmtp_body {
    struct wd_rpc_client *store;
    struct lmtp_drops *drops;
    uint64_t max_bytes;
    void (*on_room)(void *data); /* an upload ended: there is room again, or a failure */
    void *data;

    enum lmtp_body_state state;
    struct wd_buf bytes; /* not at the store yet */
    uint64_t size;       /* of the message so far */
    uint64_t uploaded;   /* bytes that calls carried, the one under way included */
    struct wd_id upload; /* when uploaded > 0 */
    struct wd_rpc_call *call;
    struct wd_arena *arena;
    struct wd_error err;
};

/** store, drops, max_bytes, on_room and data are set by the owner; everything else starts as zero. */
void lmtp_body_init(struct lmtp_body *b);
/** Forgets the message and drops its upload at the store; ready for the next one. */
void lmtp_body_reset(struct lmtp_body *b);
/** Cancels, frees. An upload that was begun stays at the store until that drops it. */
void lmtp_body_done(struct lmtp_body *b);

/** How many bytes may be added to b->bytes now; 0: wait for on_room. */
size_t lmtp_body_room(const struct lmtp_body *b);
/** After bytes were added: counts them, drops what is too much, sends a full chunk. before: b->bytes.n before. */
void lmtp_body_added(struct lmtp_body *b, size_t before);
/** The message is complete. True when it can be delivered (or never will be: look at state); false: wait for on_room
 *  and ask again. */
bool lmtp_body_finish(struct lmtp_body *b);
#endif
