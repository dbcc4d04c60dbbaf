#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/driver/fault/fault_priv.h"

struct fault_bus {
    struct wd_bus base;
    struct wd_bus *inner;
    struct wd_fault *rule;
};

static struct fault_bus *
self(struct wd_bus *b)
{
    return (struct fault_bus *)b;
}

static bool
fault_publish(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "publish", err) && wd_bus_publish(self(b)->inner, channel, payload, err);
}

static bool
fault_subscribe(struct wd_bus *b, struct wd_str channel, wd_bus_heard *heard, void *data, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "subscribe", err) &&
           wd_bus_subscribe(self(b)->inner, channel, heard, data, err);
}

static bool
fault_count(struct wd_bus *b, struct wd_str key, int64_t add, int64_t limit, int64_t window_s,
            struct wd_bus_count *out, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "count", err) &&
           wd_bus_count(self(b)->inner, key, add, limit, window_s, out, err);
}

static bool
fault_limited(struct wd_bus *b, struct wd_str key, struct wd_str field, int64_t add, int64_t limit, int64_t version,
              struct wd_bus_count *out, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "limited", err) &&
           wd_bus_limited(self(b)->inner, key, field, add, limit, version, out, err);
}

static bool
fault_get(struct wd_bus *b, struct wd_str key, struct wd_buf *out, bool *found, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "get", err) && wd_bus_get(self(b)->inner, key, out, found, err);
}

static bool
fault_set(struct wd_bus *b, struct wd_str key, struct wd_str value, int64_t ttl_s, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "set", err) && wd_bus_set(self(b)->inner, key, value, ttl_s, err);
}

static bool
fault_drop(struct wd_bus *b, struct wd_str key, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "drop", err) && wd_bus_drop(self(b)->inner, key, err);
}

static bool
fault_lock(struct wd_bus *b, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "lock", err) && wd_bus_lock(self(b)->inner, key, ttl_ms, holder, taken, err);
}

static bool
fault_extend(struct wd_bus *b, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "extend", err) && wd_bus_extend(self(b)->inner, key, holder, ttl_ms, held, err);
}

static bool
fault_unlock(struct wd_bus *b, struct wd_str key, uint64_t holder, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "unlock", err) && wd_bus_unlock(self(b)->inner, key, holder, err);
}

static void
fault_close(struct wd_bus *b)
{
    wd_bus_close(self(b)->inner);
    free(b);
}

static const struct wd_bus_ops fault_bus_ops = {
    .name = "fault",
    .publish = fault_publish,
    .subscribe = fault_subscribe,
    .count = fault_count,
    .limited = fault_limited,
    .get = fault_get,
    .set = fault_set,
    .drop = fault_drop,
    .lock = fault_lock,
    .extend = fault_extend,
    .unlock = fault_unlock,
    .close = fault_close,
};

struct wd_bus *
wd_fault_bus_new(struct wd_bus *inner, struct wd_fault *f)
{
    struct fault_bus *b = WD_NEW(struct fault_bus);

    *b = (struct fault_bus){ { &fault_bus_ops }, inner, f };
    return &b->base;
}
