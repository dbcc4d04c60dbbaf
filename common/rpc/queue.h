/* common/rpc/queue.h – hands work from any thread to the thread of an event loop: one list, one eventfd. */
#ifndef WD_RPC_QUEUE_H
#define WD_RPC_QUEUE_H
#include <event2/event.h>

#include "common/base/error.h"

/* Embedded in what is handed over. It may be posted again once run() was called. */
struct wd_queue_item {
    struct wd_queue_item *next;
    void (*run)(struct wd_queue_item *item); /* on the loop's thread */
};

struct wd_queue;

/** WD_INTERNAL when there are no descriptors left. */
struct wd_queue *wd_queue_new(struct event_base *loop, struct wd_error *err);
/** NULL is fine; never from inside run(). */
void wd_queue_free(struct wd_queue *q);
/** Any thread; never blocks for long, so that nng's callbacks may call it. */
void wd_queue_post(struct wd_queue *q, struct wd_queue_item *item);
/** Takes the item out if it is in it: before its memory is freed, always, because the next post writes to the last
 *  item. On the loop's thread. */
void wd_queue_remove(struct wd_queue *q, struct wd_queue_item *item);
#endif
