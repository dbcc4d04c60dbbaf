#include "store-svc/port/bus.h"

bool
wd_bus_publish(struct wd_bus *b, struct wd_str channel, struct wd_str payload, struct wd_error *err)
{
    return b->ops->publish(b, channel, payload, err);
}

bool
wd_bus_subscribe(struct wd_bus *b, struct wd_str channel, wd_bus_heard *heard, void *data, struct wd_error *err)
{
    return b->ops->subscribe(b, channel, heard, data, err);
}

bool
wd_bus_count(struct wd_bus *b, struct wd_str key, int64_t add, int64_t limit, int64_t window_s,
             struct wd_bus_count *out, struct wd_error *err)
{
    return b->ops->count(b, key, add, limit, window_s, out, err);
}

bool
wd_bus_limited(struct wd_bus *b, struct wd_str key, struct wd_str field, int64_t add, int64_t limit,
               int64_t version, struct wd_bus_count *out, struct wd_error *err)
{
    return b->ops->limited(b, key, field, add, limit, version, out, err);
}

bool
wd_bus_get(struct wd_bus *b, struct wd_str key, struct wd_buf *out, bool *found, struct wd_error *err)
{
    return b->ops->get(b, key, out, found, err);
}

bool
wd_bus_set(struct wd_bus *b, struct wd_str key, struct wd_str value, int64_t ttl_s, struct wd_error *err)
{
    return b->ops->set(b, key, value, ttl_s, err);
}

bool
wd_bus_drop(struct wd_bus *b, struct wd_str key, struct wd_error *err)
{
    return b->ops->drop(b, key, err);
}

bool
wd_bus_lock(struct wd_bus *b, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken, struct wd_error *err)
{
    return b->ops->lock(b, key, ttl_ms, holder, taken, err);
}

bool
wd_bus_extend(struct wd_bus *b, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held, struct wd_error *err)
{
    return b->ops->extend(b, key, holder, ttl_ms, held, err);
}

bool
wd_bus_unlock(struct wd_bus *b, struct wd_str key, uint64_t holder, struct wd_error *err)
{
    return b->ops->unlock(b, key, holder, err);
}

void
wd_bus_close(struct wd_bus *b)
{
    if (b)
        b->ops->close(b);
}
