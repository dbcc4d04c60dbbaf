/* common/rpc/events.h – beacons from the stores to whoever watches: PUB/SUB with topics, sequence numbers, gap repair.
 *
 * A beacon wakes and nothing more. It can be lost (nng's PUB drops silently when a queue is full), so every frame has
 * a sequence number per publisher and topic, and a heartbeat follows every second: a subscriber that finds a hole, a
 * new publisher or a new connection reports a gap, and its owner reads the journals of everything it watches.
 */
#ifndef WD_RPC_EVENTS_H
#define WD_RPC_EVENTS_H
#include <event2/event.h>

#include "common/base/error.h"
#include "common/base/id.h"
#include "common/rpc/client.h"
#include "wd/v1/events.pb-c.h"

enum { WD_EVENT_TOPICS = 16 };

/** The topic of a user's beacons: the last byte of the id, modulo WD_EVENT_TOPICS. */
unsigned wd_event_topic(struct wd_id user);

struct wd_publisher;

struct wd_publisher_options {
    const char *const *urls; /* where subscribers dial; ends with NULL */
    unsigned ipc_mode;       /* 0: 0600 */
    bool allow_plain_tcp;
    struct wd_rpc_tls tls;
    int queue; /* frames per subscriber; 0: 8,192 (the largest that nng takes) */
};

/** Opens the PUB sockets and starts the heartbeat thread. */
struct wd_publisher *wd_publisher_open(const struct wd_publisher_options *o, struct wd_error *err);
/** Sends one beacon; beacons of the same instant may share a frame. Never blocks. Any thread. */
void wd_publisher_send(struct wd_publisher *p, struct wd_id user, const Wd__V1__Beacon *beacon);
/** Beacons may have been lost on their way to the publisher: every subscriber is told of a gap. Any thread. */
void wd_publisher_gap(struct wd_publisher *p);
/** NULL is fine. */
void wd_publisher_close(struct wd_publisher *p);

struct wd_subscriber;

struct wd_subscriber_options {
    const char *const *urls; /* the publishers of all replicas; ends with NULL; host names are resolved again */
    struct wd_rpc_tls tls;
    int resolve_every_ms; /* 0: 5,000 */
    int queue;            /* frames that may wait for the loop; 0: 8,192 (the largest that nng takes) */
    /* Both run on the loop's thread; the beacon is borrowed. */
    void (*on_beacon)(void *data, const Wd__V1__Beacon *beacon);
    /* Beacons of these topics (a bit each) may have been lost: ask Mailboxes.Poll for what is watched. */
    void (*on_gap)(void *data, uint32_t topics);
    void *data;
};

/** Starts with no topic. */
struct wd_subscriber *wd_subscriber_new(struct event_base *loop, const struct wd_subscriber_options *o,
                                        struct wd_error *err);
/** Counted: a topic is followed while it was watched more often than unwatched. */
void wd_subscriber_watch(struct wd_subscriber *s, unsigned topic);
void wd_subscriber_unwatch(struct wd_subscriber *s, unsigned topic);
/** NULL is fine. */
void wd_subscriber_free(struct wd_subscriber *s);
#endif
