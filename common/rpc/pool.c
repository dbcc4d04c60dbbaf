#include "common/rpc/pool.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/vec.h"
#include "common/log/log.h"

enum { EJECT_AFTER = 3, DEFAULT_RESOLVE_MS = 5000, DEFAULT_EJECT_MS = 2000, MAX_ENDPOINTS = 256 };

struct endpoint {
    struct pool *pool;
    struct replica *replica;
    uint64_t id;
    size_t url_index;
    bool connected, draining;
    bool removed; /* its address has vanished: closed when the last call is over */
    unsigned streak; /* failures in a row */
    int64_t left_alone_until_ms;
    uint64_t last_use;
};

struct pool {
    struct pool_options options; /* urls is NULL here */
    char *tls_files[3];
    struct WD_VEC(struct wd_url) urls;
    struct WD_VEC(size_t) named; /* host index of the resolver → index in urls */
    struct WD_VEC(struct endpoint *) endpoints;
    struct wd_resolver *resolver;
    uint64_t next_id, uses;
};

/* ---- coming and going ---- */

static void
endpoint_reap(struct endpoint *e)
{
    struct pool *p = e->pool;

    if (!e->removed || !replica_is_idle(e->replica))
        return;
    for (size_t i = 0; i < p->endpoints.n; i++)
        if (p->endpoints.p[i] == e)
            p->endpoints.p[i] = p->endpoints.p[--p->endpoints.n];
    replica_discard(e->replica);
    free(e);
}

static struct endpoint *
endpoint_of(struct pool *p, const struct replica *r)
{
    for (size_t i = 0; i < p->endpoints.n; i++)
        if (p->endpoints.p[i]->replica == r)
            return p->endpoints.p[i];
    return NULL;
}

static void
on_result(void *data, struct replica *r, void *attempt, int error, nng_msg *reply)
{
    struct pool *p = data;
    struct endpoint *e = endpoint_of(p, r);
    uint64_t id = e->id;

    p->options.on_result(p->options.data, e, attempt, error, reply);
    e = endpoint_of(p, r);
    if (e && e->id == id)
        endpoint_reap(e);
}

static void
on_connection(void *data, struct replica *r)
{
    struct pool *p = data;
    struct endpoint *e = endpoint_of(p, r);
    bool now = replica_is_connected(r);

    if (now != e->connected) {
        e->connected = now;
        e->draining = false; /* whoever is connected next is another process */
        if (now)
            e->streak = 0;
        wd_log(WD_LOG_INFO, now ? "store connected" : "store connection lost", WD_KV("url", replica_url(r)));
        if (now)
            p->options.on_connected(p->options.data);
    }
    endpoint_reap(e);
}

static bool
endpoint_add(struct pool *p, size_t url_index, const char *address, struct wd_error *err)
{
    struct replica_owner owner = { p->options.queue, on_result, on_connection, p };
    struct replica *r = replica_open(&p->urls.p[url_index], address, &p->options.tls, &owner, err);
    struct endpoint *e;

    if (!r)
        return false;
    e = WD_NEW(struct endpoint);
    *e = (struct endpoint){ .pool = p, .replica = r, .id = ++p->next_id, .url_index = url_index };
    wd_vec_push(&p->endpoints, e);
    return true;
}

static void
add_address(struct pool *p, size_t url_index, const char *address)
{
    struct wd_error err;

    for (size_t i = 0; i < p->endpoints.n; i++) {
        struct endpoint *e = p->endpoints.p[i];
        if (e->url_index == url_index && strcmp(replica_address(e->replica), address) == 0) {
            e->removed = false;
            return;
        }
    }
    /* A name that is allowed in clear must stay on this host. */
    if (p->urls.p[url_index].kind == WD_URL_TCP && !wd_address_is_loopback(address))
        return;
    if (p->endpoints.n < MAX_ENDPOINTS && !endpoint_add(p, url_index, address, &err))
        wd_log_error(WD_LOG_WARN, "store address cannot be used, ignoring", &err, WD_KV("address", address));
}

static void
on_addresses(void *data, size_t host_index, const struct wd_addresses *found)
{
    struct pool *p = data;
    size_t url_index = p->named.p[host_index];

    for (size_t i = 0; i < found->n; i++)
        add_address(p, url_index, found->text[i]);
    for (size_t i = p->endpoints.n; i-- > 0;) {
        struct endpoint *e = p->endpoints.p[i];
        if (e->url_index == url_index && !wd_addresses_have(found, replica_address(e->replica))) {
            e->removed = true;
            endpoint_reap(e);
        }
    }
}

/* ---- set-up ---- */

static char *
copy_text(const char *text)
{
    size_t n = text ? strlen(text) + 1 : 0;

    return text ? memcpy(wd_alloc(n), text, n) : NULL;
}

static void
copy_tls(struct pool *p, const struct wd_rpc_tls *tls)
{
    p->tls_files[0] = copy_text(tls->ca_file);
    p->tls_files[1] = copy_text(tls->certificate_file);
    p->tls_files[2] = copy_text(tls->server_name);
    p->options.tls = (struct wd_rpc_tls){ p->tls_files[0], p->tls_files[1], p->tls_files[2] };
}

static bool
parse_urls(struct pool *p, const char *const *urls, struct wd_error *err)
{
    for (; urls && *urls; urls++) {
        struct wd_url url;

        if (!wd_url_parse(*urls, &url, err))
            return false;
        if (!wd_url_is_private(&url) || strcmp(url.host, "*") == 0)
            return wd_fail(err, WD_INVALID, "%s: plain tcp:// is for loopback only, use tls+tcp://", *urls);
        wd_vec_push(&p->urls, url);
    }
    return p->urls.n > 0 || wd_fail(err, WD_INVALID, "no address of a store");
}

static bool
start_resolver(struct pool *p, struct wd_error *err)
{
    struct WD_VEC(const char *) hosts = { 0 };
    struct wd_resolver_options o = { .queue = p->options.queue,
                                     .every_ms = p->options.resolve_every_ms,
                                     .resolve = p->options.resolve,
                                     .resolve_data = p->options.resolve_data,
                                     .on_addresses = on_addresses,
                                     .data = p };

    for (size_t i = 0; i < p->named.n; i++)
        wd_vec_push(&hosts, p->urls.p[p->named.p[i]].host);
    o.hosts = hosts.p;
    o.count = hosts.n;
    if (o.count > 0)
        p->resolver = wd_resolver_start(&o, err);
    wd_vec_done(&hosts);
    return o.count == 0 || p->resolver;
}

static bool
pool_start(struct pool *p, const char *const *urls, struct wd_error *err)
{
    if (!parse_urls(p, urls, err))
        return false;
    for (size_t i = 0; i < p->urls.n; i++) {
        if (p->urls.p[i].is_name)
            wd_vec_push(&p->named, i);
        else if (!endpoint_add(p, i, NULL, err))
            return false;
    }
    return start_resolver(p, err);
}

struct pool *
pool_new(const struct pool_options *o, struct wd_error *err)
{
    struct pool *p = WD_NEW(struct pool);

    p->options = *o;
    p->options.urls = NULL;
    if (p->options.resolve_every_ms <= 0)
        p->options.resolve_every_ms = DEFAULT_RESOLVE_MS;
    if (p->options.eject_ms <= 0)
        p->options.eject_ms = DEFAULT_EJECT_MS;
    copy_tls(p, &o->tls);
    if (!pool_start(p, o->urls, err)) {
        pool_free(p);
        return NULL;
    }
    return p;
}

void
pool_free(struct pool *p)
{
    if (!p)
        return;
    wd_resolver_stop(p->resolver);
    for (size_t i = 0; i < p->endpoints.n; i++) {
        replica_free(p->endpoints.p[i]->replica);
        free(p->endpoints.p[i]);
    }
    for (size_t i = 0; i < WD_COUNT(p->tls_files); i++)
        free(p->tls_files[i]);
    wd_vec_done(&p->endpoints);
    wd_vec_done(&p->named);
    wd_vec_done(&p->urls);
    free(p);
}

/* ---- choosing ---- */

enum { PREFER, DRAINING = 1, AVOIDED = 2, LEFT_ALONE = 4, NEVER = 8 };

/* The lower, the better. One that was left alone long enough gets one call as a trial. */
static unsigned
penalty(const struct endpoint *e, uint64_t avoid, int64_t now)
{
    bool bad = e->streak >= EJECT_AFTER && (now < e->left_alone_until_ms || replica_outstanding(e->replica) > 0);

    if (e->removed || !replica_is_connected(e->replica))
        return NEVER;
    return (bad ? LEFT_ALONE : 0) + (e->id == avoid ? AVOIDED : 0) + (e->draining ? DRAINING : PREFER);
}

static bool
is_better(const struct endpoint *a, unsigned a_penalty, const struct endpoint *b, unsigned b_penalty)
{
    size_t a_calls = replica_outstanding(a->replica), b_calls = replica_outstanding(b->replica);

    if (a_penalty != b_penalty)
        return a_penalty < b_penalty;
    return a_calls != b_calls ? a_calls < b_calls : a->last_use < b->last_use;
}

struct endpoint *
pool_choose(struct pool *p, uint64_t avoid, size_t *others)
{
    struct endpoint *best = NULL;
    unsigned best_penalty = NEVER;
    int64_t now = wd_mono_ms();
    size_t good = 0;

    for (size_t i = 0; i < p->endpoints.n; i++) {
        struct endpoint *e = p->endpoints.p[i];
        unsigned points = penalty(e, avoid, now);

        if (points >= NEVER)
            continue;
        good += points < LEFT_ALONE;
        if (!best || is_better(e, points, best, best_penalty)) {
            best = e;
            best_penalty = points;
        }
    }
    *others = good - (best && best_penalty < LEFT_ALONE);
    if (best)
        best->last_use = ++p->uses;
    return best;
}

/* ---- health ---- */

struct replica *
endpoint_replica(struct endpoint *e)
{
    return e->replica;
}

uint64_t
endpoint_id(const struct endpoint *e)
{
    return e->id;
}

void
endpoint_good(struct endpoint *e, bool draining)
{
    if (e->streak >= EJECT_AFTER)
        wd_log(WD_LOG_INFO, "store answers again", WD_KV("url", replica_url(e->replica)));
    e->streak = 0;
    e->draining = draining;
}

void
endpoint_failed(struct endpoint *e)
{
    if (++e->streak < EJECT_AFTER)
        return;
    e->left_alone_until_ms = wd_mono_ms() + e->pool->options.eject_ms;
    if (e->streak == EJECT_AFTER)
        wd_log(WD_LOG_WARN, "store does not answer, leaving it alone", WD_KV("url", replica_url(e->replica)),
               WD_KV_INT("ms", e->pool->options.eject_ms));
}

size_t
pool_connected(const struct pool *p, size_t *known)
{
    size_t n = 0;

    for (size_t i = 0; i < p->endpoints.n; i++)
        n += replica_is_connected(p->endpoints.p[i]->replica);
    if (known)
        *known = p->endpoints.n;
    return n;
}

void
pool_resolve_now(struct pool *p)
{
    if (p->resolver)
        wd_resolver_kick(p->resolver);
}
