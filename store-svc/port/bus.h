/* store-svc/port/bus.h – ephemera: beacons between replicas, counters that expire, locks, short-lived keys.
 * Nothing here may be needed for correctness of stored mail: all of it can vanish at any moment.
 * Threads: any. Calls block shortly. WD_UNAVAILABLE when the bus does not answer. */
#ifndef WD_STORE_PORT_BUS_H
#define WD_STORE_PORT_BUS_H
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

struct wd_bus;

struct wd_bus_count {
    bool ok;       /* false: the limit was reached, and nothing was added */
    int64_t value; /* after the call */
    int64_t ttl_s; /* to the end of the window; -1 when none is open */
};

/* Runs on a thread of the bus, or of a publisher, one at a time; must not block or call the bus. payload is borrowed.
 * An empty one says that messages of the channel may have been lost: whoever needs them reads the journals. */
typedef void wd_bus_heard(void *data, struct wd_str channel, struct wd_str payload);

struct wd_bus_ops {
    const char *name;
    bool (*publish)(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err);
    bool (*subscribe)(struct wd_bus *b, struct wd_str channel, wd_bus_heard *heard, void *data, struct wd_error *err);
    bool (*count)(struct wd_bus *b, struct wd_str key, int64_t add, int64_t limit, int64_t window_s,
                  struct wd_bus_count *out, struct wd_error *err);
    bool (*limited)(struct wd_bus *b, struct wd_str key, struct wd_str field, int64_t add, int64_t limit,
                    int64_t version, struct wd_bus_count *out, struct wd_error *err);
    bool (*get)(struct wd_bus *b, struct wd_str key, struct wd_buf *out, bool *found, struct wd_error *err);
    bool (*set)(struct wd_bus *b, struct wd_str key, struct wd_str value, int64_t ttl_s, struct wd_error *err);
    bool (*drop)(struct wd_bus *b, struct wd_str key, struct wd_error *err);
    bool (*lock)(struct wd_bus *b, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken,
                 struct wd_error *err);
    bool (*extend)(struct wd_bus *b, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held,
                   struct wd_error *err);
    bool (*unlock)(struct wd_bus *b, struct wd_str key, uint64_t holder, struct wd_error *err);
    void (*close)(struct wd_bus *b);
};

struct wd_bus {
    const struct wd_bus_ops *ops; /* first member of each driver's own struct */
};

/** Tells every subscriber of the channel in every replica, this one included: usually once, in the order of the thread
 *  that publishes. A shared bus that does not answer is no failure: then the subscribers in this process are told, by
 *  the calling thread, and everybody learns of a gap when the bus is back. An empty payload tells of a gap itself. */
bool wd_bus_publish(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err) WD_CHECKED;
/** For the life of the bus; call before the first publish. What is published after it returns is heard. On failure
 *  the bus is of no use any more: close it. */
bool wd_bus_subscribe(struct wd_bus *b, struct wd_str channel, wd_bus_heard *heard, void *data,
                      struct wd_error *err) WD_CHECKED;

/** The "ttlcounter" of docs/storage.md: fails (out->ok false) when the value is at or above limit; otherwise adds. The
 *  first hit opens a window of window_s. add 0 reads; limit 0: no limit. */
bool wd_bus_count(struct wd_bus *b, struct wd_str key, int64_t add, int64_t limit, int64_t window_s,
                  struct wd_bus_count *out, struct wd_error *err) WD_CHECKED;
/** The "limitedcounter": counts per field of a key, not below 0; a newer version (ms since 1970) drops all counts of
 *  an older one. add < 0 gives back, later when a shared bus does not answer now; ttl_s is -1. */
bool wd_bus_limited(struct wd_bus *b, struct wd_str key, struct wd_str field, int64_t add, int64_t limit,
                    int64_t version, struct wd_bus_count *out, struct wd_error *err) WD_CHECKED;

/** Appends the value; found false when there is none. */
bool wd_bus_get(struct wd_bus *b, struct wd_str key, struct wd_buf *out, bool *found, struct wd_error *err) WD_CHECKED;
bool wd_bus_set(struct wd_bus *b, struct wd_str key, struct wd_str value, int64_t ttl_s,
                struct wd_error *err) WD_CHECKED;
/** Removes a key or counter; not there is fine. */
bool wd_bus_drop(struct wd_bus *b, struct wd_str key, struct wd_error *err) WD_CHECKED;

/** Takes a lock that ends by itself after ttl_ms; *holder grows with every taking (a fencing token). */
bool wd_bus_lock(struct wd_bus *b, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken,
                 struct wd_error *err) WD_CHECKED;
/** held false: it was lost. */
bool wd_bus_extend(struct wd_bus *b, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held,
                   struct wd_error *err) WD_CHECKED;
/** Only the holder's; otherwise nothing happens. */
bool wd_bus_unlock(struct wd_bus *b, struct wd_str key, uint64_t holder, struct wd_error *err) WD_CHECKED;
void wd_bus_close(struct wd_bus *b);
#endif
