/* common/rpc/lanes.h – the queue of a server: a lane per caller, served in turn, so that a storm of one caller delays
 * itself and not the others. Not thread-safe: the server's lock guards it. */
#ifndef WD_RPC_LANES_H
#define WD_RPC_LANES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WD_LANES = 32 }; /* with more callers than this at once, the rest share the last lane */

struct lane_item {
    struct lane_item *next;
};

struct lanes {
    struct lane {
        uint64_t caller;
        struct lane_item *first, *last;
        size_t n;
    } lane[WD_LANES];
    size_t turn, n, max;
};

/**
 * Adds at the end of the caller's lane. When the queue is full somebody must go: the newest of the longest lane, which
 * may be the item itself. Returns that one, or NULL.
 */
struct lane_item *lanes_add(struct lanes *l, uint64_t caller, struct lane_item *item);
/** The oldest of the next lane in turn; NULL when all are empty. */
struct lane_item *lanes_take(struct lanes *l);
#endif
