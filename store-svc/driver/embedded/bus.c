/* The bus inside one process: entries in a hash table that expire, and a thread that calls subscribers. */
#include <pthread.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/vec.h"
#include "store-svc/driver/embedded/embedded_priv.h"

enum { BUCKETS_MIN = 1024, QUEUE_MAX = 100000 /* beacons that wait for slow subscribers; more are lost */ };

enum entry_kind { ENTRY_VALUE, ENTRY_COUNT, ENTRY_FIELD, ENTRY_VERSION, ENTRY_LOCK };

struct entry {
    struct entry *next;
    uint64_t hash;
    enum entry_kind kind;
    struct wd_buf name; /* key, and a NUL and the field for ENTRY_FIELD */
    struct wd_buf value;
    int64_t number;     /* count, version, or the holder of a lock */
    int64_t ends_ms;    /* by the monotonic clock; 0: never */
};

struct beacon {
    struct beacon *next;
    struct wd_buf channel, payload;
};

struct subscription {
    struct wd_buf channel;
    wd_bus_heard *heard;
    void *data;
};

struct bus {
    struct wd_bus base;
    struct em_store *store; /* NULL: the bus is alone */
    pthread_mutex_t lock;   /* guards everything below */
    pthread_cond_t wake;
    struct entry **buckets;
    size_t n_buckets, n_entries;
    uint64_t fence;
    struct WD_VEC(struct subscription) subscriptions;
    struct beacon *first, **last;
    size_t queued;
    bool stop;
    pthread_t thread;
};

/* ---- entries ---- */

static uint64_t
hash_name(enum entry_kind kind, struct wd_str key, struct wd_str field)
{
    uint64_t h = 14695981039346656037u + kind;

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 1099511628211u;
    h *= 1099511628211u;
    for (size_t i = 0; i < field.n; i++)
        h = (h ^ (unsigned char)field.p[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static bool
is_named(const struct entry *e, enum entry_kind kind, struct wd_str key, struct wd_str field)
{
    return e->kind == kind && e->name.n == key.n + 1 + field.n && wd_str_starts(wd_buf_view(&e->name), key) &&
           e->name.p[key.n] == '\0' && wd_str_ends(wd_buf_view(&e->name), field);
}

static bool
is_over(const struct entry *e, int64_t now)
{
    return e->ends_ms != 0 && e->ends_ms <= now;
}

static void
entry_free(struct entry *e)
{
    wd_buf_done(&e->name);
    wd_buf_done(&e->value);
    free(e);
}

/* Where the entry is, or would be put; entries that are over are removed on the way. */
static struct entry **
entry_at(struct bus *b, enum entry_kind kind, struct wd_str key, struct wd_str field)
{
    uint64_t hash = hash_name(kind, key, field);
    struct entry **at = &b->buckets[hash % b->n_buckets];
    int64_t now = wd_mono_ms();

    while (*at) {
        struct entry *e = *at;
        if (is_over(e, now)) {
            *at = e->next;
            b->n_entries--;
            entry_free(e);
        } else if (e->hash == hash && is_named(e, kind, key, field)) {
            return at;
        } else {
            at = &e->next;
        }
    }
    return at;
}

/* Sweeps what is over, and doubles the table when that was not enough. */
static void
table_grow(struct bus *b)
{
    size_t old_n = b->n_buckets;
    struct entry **old = b->buckets;
    int64_t now = wd_mono_ms();

    b->n_buckets = old_n * 2;
    b->buckets = wd_alloc(b->n_buckets * sizeof(struct entry *));
    for (size_t i = 0; i < old_n; i++) {
        struct entry *e = old[i];
        while (e) {
            struct entry *next = e->next, **to = &b->buckets[e->hash % b->n_buckets];
            if (is_over(e, now)) {
                b->n_entries--;
                entry_free(e);
            } else {
                e->next = *to;
                *to = e;
            }
            e = next;
        }
    }
    free(old);
}

static struct entry *
entry_get(struct bus *b, enum entry_kind kind, struct wd_str key, struct wd_str field, bool create)
{
    struct entry **at = entry_at(b, kind, key, field), *e = *at;

    if (e || !create)
        return e;
    if (b->n_entries >= b->n_buckets * 2) {
        table_grow(b);
        at = entry_at(b, kind, key, field);
    }
    e = WD_NEW(struct entry);
    e->kind = kind;
    e->hash = hash_name(kind, key, field);
    wd_buf_str(&e->name, key);
    wd_buf_chr(&e->name, '\0');
    wd_buf_str(&e->name, field);
    *at = e;
    b->n_entries++;
    return e;
}

static void
entry_drop(struct bus *b, enum entry_kind kind, struct wd_str key, struct wd_str field)
{
    struct entry **at = entry_at(b, kind, key, field), *e = *at;

    if (!e)
        return;
    *at = e->next;
    b->n_entries--;
    entry_free(e);
}

/* ---- counters ---- */

static int64_t
ttl_of(const struct entry *e)
{
    return e && e->ends_ms ? (e->ends_ms - wd_mono_ms() + 999) / 1000 : -1;
}

static bool
bus_count(struct wd_bus *base, struct wd_str key, int64_t add, int64_t limit, int64_t window_s,
          struct wd_bus_count *out, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    e = entry_get(b, ENTRY_COUNT, key, WD_NONE, false);
    if (limit > 0 && e && e->number >= limit) {
        *out = (struct wd_bus_count){ false, e->number, ttl_of(e) };
    } else {
        if (add != 0 && !e) {
            e = entry_get(b, ENTRY_COUNT, key, WD_NONE, true);
            e->ends_ms = wd_mono_ms() + window_s * 1000;
        }
        if (e && __builtin_add_overflow(e->number, add, &e->number))
            e->number = INT64_MAX;
        *out = (struct wd_bus_count){ true, e ? e->number : 0, ttl_of(e) };
    }
    pthread_mutex_unlock(&b->lock);
    return true;
}

/* A newer version of the caller makes all counts of the key start again. */
static void
drop_fields(struct bus *b, struct wd_str key)
{
    for (size_t i = 0; i < b->n_buckets; i++) {
        struct entry **at = &b->buckets[i];
        while (*at) {
            struct entry *e = *at;
            if (e->kind == ENTRY_FIELD && e->name.n > key.n && e->name.p[key.n] == '\0' &&
                wd_str_starts(wd_buf_view(&e->name), key)) {
                *at = e->next;
                b->n_entries--;
                entry_free(e);
            } else {
                at = &e->next;
            }
        }
    }
}

static bool
bus_limited(struct wd_bus *base, struct wd_str key, struct wd_str field, int64_t add, int64_t limit, int64_t version,
            struct wd_bus_count *out, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    e = entry_get(b, ENTRY_VERSION, key, WD_NONE, true);
    if (version > e->number) {
        e->number = version;
        drop_fields(b, key);
    }
    e = entry_get(b, ENTRY_FIELD, key, field, add > 0);
    *out = (struct wd_bus_count){ true, e ? e->number : 0, -1 };
    if (add > 0 && limit > 0 && e->number >= limit) {
        out->ok = false;
    } else if (add != 0 && e) {
        if (__builtin_add_overflow(e->number, add, &e->number))
            e->number = INT64_MAX;
        if (e->number < 0)
            e->number = 0;
        out->value = e->number;
    }
    if (e && e->number == 0)
        entry_drop(b, ENTRY_FIELD, key, field);
    pthread_mutex_unlock(&b->lock);
    return true;
}

/* ---- keys ---- */

static bool
bus_get(struct wd_bus *base, struct wd_str key, struct wd_buf *out, bool *found, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    const struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    e = entry_get(b, ENTRY_VALUE, key, WD_NONE, false);
    *found = e != NULL;
    if (e)
        wd_buf_str(out, wd_buf_view(&e->value));
    pthread_mutex_unlock(&b->lock);
    return true;
}

static bool
bus_set(struct wd_bus *base, struct wd_str key, struct wd_str value, int64_t ttl_s, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    e = entry_get(b, ENTRY_VALUE, key, WD_NONE, true);
    e->value.n = 0;
    wd_buf_str(&e->value, value);
    e->ends_ms = ttl_s > 0 ? wd_mono_ms() + ttl_s * 1000 : 0;
    pthread_mutex_unlock(&b->lock);
    return true;
}

static bool
bus_drop(struct wd_bus *base, struct wd_str key, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;

    (void)err;
    pthread_mutex_lock(&b->lock);
    entry_drop(b, ENTRY_VALUE, key, WD_NONE);
    entry_drop(b, ENTRY_COUNT, key, WD_NONE);
    entry_drop(b, ENTRY_VERSION, key, WD_NONE);
    drop_fields(b, key);
    pthread_mutex_unlock(&b->lock);
    return true;
}

/* ---- locks ---- */

static bool
bus_lock(struct wd_bus *base, struct wd_str key, int64_t ttl_ms, uint64_t *holder, bool *taken, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    *taken = !entry_get(b, ENTRY_LOCK, key, WD_NONE, false);
    if (*taken) {
        e = entry_get(b, ENTRY_LOCK, key, WD_NONE, true);
        *holder = ++b->fence;
        e->number = (int64_t)b->fence;
        e->ends_ms = wd_mono_ms() + ttl_ms;
    }
    pthread_mutex_unlock(&b->lock);
    return true;
}

static bool
bus_extend(struct wd_bus *base, struct wd_str key, uint64_t holder, int64_t ttl_ms, bool *held, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    e = entry_get(b, ENTRY_LOCK, key, WD_NONE, false);
    *held = e && e->number == (int64_t)holder;
    if (*held)
        e->ends_ms = wd_mono_ms() + ttl_ms;
    pthread_mutex_unlock(&b->lock);
    return true;
}

static bool
bus_unlock(struct wd_bus *base, struct wd_str key, uint64_t holder, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    const struct entry *e;

    (void)err;
    pthread_mutex_lock(&b->lock);
    e = entry_get(b, ENTRY_LOCK, key, WD_NONE, false);
    if (e && e->number == (int64_t)holder)
        entry_drop(b, ENTRY_LOCK, key, WD_NONE);
    pthread_mutex_unlock(&b->lock);
    return true;
}

/* ---- beacons ---- */

static void
beacon_free(struct beacon *x)
{
    wd_buf_done(&x->channel);
    wd_buf_done(&x->payload);
    free(x);
}

static bool
bus_publish(struct wd_bus *base, struct wd_str channel, struct wd_str payload, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct beacon *x;

    (void)err;
    pthread_mutex_lock(&b->lock);
    if (b->subscriptions.n && b->queued < QUEUE_MAX) {
        x = WD_NEW(struct beacon);
        wd_buf_str(&x->channel, channel);
        wd_buf_str(&x->payload, payload);
        *b->last = x;
        b->last = &x->next;
        b->queued++;
        pthread_cond_signal(&b->wake);
    }
    pthread_mutex_unlock(&b->lock);
    return true;
}

static bool
bus_subscribe(struct wd_bus *base, struct wd_str channel, wd_bus_heard *heard, void *data, struct wd_error *err)
{
    struct bus *b = (struct bus *)base;
    struct subscription s = { .heard = heard, .data = data };

    (void)err;
    wd_buf_str(&s.channel, channel);
    pthread_mutex_lock(&b->lock);
    wd_vec_push(&b->subscriptions, s);
    pthread_mutex_unlock(&b->lock);
    return true;
}

/* Called with the lock held; gives it back around each call. Subscriptions are only ever added. */
static void
deliver(struct bus *b, const struct beacon *x)
{
    for (size_t i = 0; i < b->subscriptions.n; i++) {
        struct subscription s = b->subscriptions.p[i];
        if (!wd_str_eq(wd_buf_view(&s.channel), wd_buf_view(&x->channel)))
            continue;
        pthread_mutex_unlock(&b->lock);
        s.heard(s.data, wd_buf_view(&x->channel), wd_buf_view(&x->payload));
        pthread_mutex_lock(&b->lock);
    }
}

static void *
bus_thread(void *data)
{
    struct bus *b = data;

    pthread_mutex_lock(&b->lock);
    while (!b->stop) {
        struct beacon *x = b->first;
        if (!x) {
            pthread_cond_wait(&b->wake, &b->lock);
            continue;
        }
        b->first = x->next;
        if (!b->first)
            b->last = &b->first;
        b->queued--;
        deliver(b, x);
        beacon_free(x);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static void
bus_free(struct bus *b)
{
    while (b->first) {
        struct beacon *next = b->first->next;
        beacon_free(b->first);
        b->first = next;
    }
    for (size_t i = 0; i < b->n_buckets; i++)
        while (b->buckets[i]) {
            struct entry *next = b->buckets[i]->next;
            entry_free(b->buckets[i]);
            b->buckets[i] = next;
        }
    for (size_t i = 0; i < b->subscriptions.n; i++)
        wd_buf_done(&b->subscriptions.p[i].channel);
    wd_vec_done(&b->subscriptions);
    free(b->buckets);
    pthread_cond_destroy(&b->wake);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void
bus_close(struct wd_bus *base)
{
    struct bus *b = (struct bus *)base;

    pthread_mutex_lock(&b->lock);
    b->stop = true;
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
    if (b->store)
        em_store_unref(b->store);
    bus_free(b);
}

static const struct wd_bus_ops bus_ops = {
    .name = "embedded",
    .publish = bus_publish,
    .subscribe = bus_subscribe,
    .count = bus_count,
    .limited = bus_limited,
    .get = bus_get,
    .set = bus_set,
    .drop = bus_drop,
    .lock = bus_lock,
    .extend = bus_extend,
    .unlock = bus_unlock,
    .close = bus_close,
};

struct wd_bus *
em_bus_new(struct em_store *s, struct wd_error *err)
{
    struct bus *b = WD_NEW(struct bus);

    b->base.ops = &bus_ops;
    b->store = s;
    b->last = &b->first;
    b->n_buckets = BUCKETS_MIN;
    b->buckets = wd_alloc(b->n_buckets * sizeof(struct entry *));
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->wake, NULL);
    b->fence = (uint64_t)wd_now_ms() << 16; /* grows across restarts, too */
    if (pthread_create(&b->thread, NULL, bus_thread, b) != 0) {
        bus_free(b);
        wd_fail(err, WD_UNAVAILABLE, "can not start the bus thread");
        return NULL;
    }
    return &b->base;
}

bool
wd_embedded_bus_open(struct wd_bus **bus, struct wd_error *err)
{
    *bus = em_bus_new(NULL, err);
    return *bus != NULL;
}
