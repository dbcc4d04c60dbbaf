#include "store-svc/open.h"

#include <unistd.h>

#include "common/log/log.h"
#include "store-svc/domain/schema.h"
#include "store-svc/driver/embedded/embedded.h"
#include "store-svc/driver/mongo/mongo.h"
#include "store-svc/driver/redis/redis.h"

enum { LEAST_WORKERS = 8, SPARE_CONNECTIONS = 4, BUS_TIMEOUT_MS = 2000 };

/* A worker holds one connection to each database at most; housekeeping and readiness want some as well. */
static unsigned
connections_of(const struct store_settings *s)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = s->workers;

    if (s->connections)
        return s->connections;
    if (!workers)
        workers = cpus * 2 > LEAST_WORKERS ? (unsigned)cpus * 2 : LEAST_WORKERS;
    return workers + SPARE_CONNECTIONS;
}

/* ---- documents and blobs ---- */

static bool
open_embedded(const struct store_settings *s, enum store_indexes indexes, struct wd_domain *d, struct wd_error *err)
{
    struct wd_embedded_options o = {
        .directory = s->data_dir,
        .no_sync = !s->durable,
        .cache_kib = s->cache_kib,
    };

    (void)indexes; /* always made: the file is ours alone */
    return wd_embedded_open(&o, &d->docs, &d->blobs, &d->bus, err);
}

static bool
open_mongo(const struct store_settings *s, enum store_indexes indexes, struct wd_domain *d, struct wd_error *err)
{
    struct wd_mongo_options o = {
        .uri = s->mongo_uri,
        .users_db = s->users_db,
        .files_db = s->files_db,
        .bucket = s->bucket,
        .connections = connections_of(s),
        .timeout_ms = s->timeout_ms,
        .weak_writes = !s->durable,
        .keep_indexes = indexes != STORE_INDEXES_CREATE,
        .check_indexes = indexes == STORE_INDEXES_CHECK,
    };

    return wd_mongo_open(&o, &d->docs, &d->blobs, err);
}

/* A line of --check-config; the embedded ones have nothing to tell. */
typedef bool about_fn(const struct wd_domain *d, struct wd_buf *out, struct wd_error *err);

static bool
about_nothing(const struct wd_domain *d, struct wd_buf *out, struct wd_error *err)
{
    (void)d, (void)out, (void)err;
    return true;
}

static bool
about_mongo(const struct wd_domain *d, struct wd_buf *out, struct wd_error *err)
{
    return wd_mongo_about(d->docs, out, err);
}

static const struct {
    const char *name;
    bool (*open)(const struct store_settings *s, enum store_indexes indexes, struct wd_domain *d, struct wd_error *err);
    about_fn *about;
} drivers[] = {
    { "embedded", open_embedded, about_nothing },
    { "mongo", open_mongo, about_mongo },
};

/* ---- the bus ---- */

static bool
bus_embedded(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    if (!s->shared)
        return true; /* the driver brought it */
    return wd_embedded_bus_open(&d->bus, err);
}

static bool
bus_redis(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    struct wd_redis_options o = {
        .host = s->redis.host,
        .port = s->redis.port,
        .database = s->redis.database,
        .password = s->redis.password,
        .user = s->redis.user,
        .sentinel_name = s->redis.sentinel_name,
        .sentinels = s->redis.sentinels,
        .sentinel_password = s->redis.sentinel_password,
        .connections = connections_of(s),
        .timeout_ms = s->timeout_ms < BUS_TIMEOUT_MS ? s->timeout_ms : BUS_TIMEOUT_MS,
    };

    wd_bus_close(d->bus);
    d->bus = NULL;
    return wd_redis_open(&o, &d->bus, err);
}

static bool
about_redis(const struct wd_domain *d, struct wd_buf *out, struct wd_error *err)
{
    return wd_redis_about(d->bus, out, err);
}

static const struct {
    const char *name;
    bool (*open)(const struct store_settings *s, struct wd_domain *d, struct wd_error *err);
    about_fn *about;
} buses[] = {
    { "embedded", bus_embedded, about_nothing },
    { "redis", bus_redis, about_redis },
};

/* ---- both ---- */

static size_t
driver_named(const char *name)
{
    size_t i = 0;

    while (i < WD_COUNT(drivers) && strcmp(drivers[i].name, name) != 0)
        i++;
    return i;
}

static size_t
bus_named(const char *name)
{
    size_t i = 0;

    while (i < WD_COUNT(buses) && strcmp(buses[i].name, name) != 0)
        i++;
    return i;
}

bool
store_open_check(const struct store_settings *s, struct wd_error *err)
{
    if (driver_named(s->driver) == WD_COUNT(drivers))
        return wd_fail(err, WD_INVALID, "store.driver: there is no driver '%s'; there are embedded and mongo",
                       s->driver);
    if (bus_named(s->bus) == WD_COUNT(buses))
        return wd_fail(err, WD_INVALID, "store.bus: there is no bus '%s'; there are embedded and redis", s->bus);
    return true;
}

bool
store_open_docs(const struct store_settings *s, enum store_indexes indexes, struct wd_domain *d, struct wd_error *err)
{
    if (store_open_check(s, err) && drivers[driver_named(s->driver)].open(s, indexes, d, err) &&
        wd_docs_ensure(d->docs, wd_schema(), err)) {
        d->users = d->docs;
        return true;
    }
    store_close(d);
    return false;
}

bool
store_open_bus(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    if (store_open_check(s, err) && buses[bus_named(s->bus)].open(s, d, err))
        return true;
    store_close(d);
    return false;
}

bool
store_open(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    enum store_indexes indexes = s->create_indexes ? STORE_INDEXES_CREATE : STORE_INDEXES_KEEP;

    return store_open_docs(s, indexes, d, err) && store_open_bus(s, d, err);
}

bool
store_about(const struct store_settings *s, const struct wd_domain *d, struct wd_buf *out, struct wd_error *err)
{
    return (!d->docs || drivers[driver_named(s->driver)].about(d, out, err)) &&
           (!d->bus || buses[bus_named(s->bus)].about(d, out, err));
}

void
store_close(struct wd_domain *d)
{
    wd_blobs_close(d->blobs);
    wd_bus_close(d->bus);
    wd_docs_close(d->docs);
    d->blobs = NULL;
    d->bus = NULL;
    d->docs = d->users = NULL;
}
