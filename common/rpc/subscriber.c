#include "common/rpc/events.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/vec.h"
#include "common/log/log.h"
#include "common/rpc/close.h"
#include "common/rpc/envelope.h"
#include "common/rpc/resolve.h"
#include "common/rpc/tls.h"

enum {
    DEFAULT_QUEUE = 8192,
    DEFAULT_RESOLVE_MS = 5000,
    RECONNECT_MIN_MS = 20,
    RECONNECT_MAX_MS = 1000,
    MOST_PUBLISHERS = 64,
    ALL_TOPICS = (1u << WD_EVENT_TOPICS) - 1,
};

/* One address that is dialled. */
struct target {
    size_t url_index;
    char address[WD_ADDRESS_TEXT]; /* "" when the URL needed no resolving */
    nng_dialer dialer;
    nng_tls_config *tls;
};

/* What was last seen of one life of a store. */
struct publisher {
    uint64_t id;
    uint64_t sequence[WD_EVENT_TOPICS]; /* 0: nothing yet */
    int64_t seen_ms;
};

struct wd_subscriber {
    struct wd_subscriber_options options; /* urls is NULL here */
    struct wd_queue *queue;
    struct wd_queue_item item;
    nng_socket socket;
    nng_aio *aio;
    struct WD_VEC(struct wd_url) urls;
    struct WD_VEC(size_t) named;
    struct WD_VEC(struct target) targets;
    struct wd_resolver *resolver;
    unsigned watched[WD_EVENT_TOPICS];
    struct WD_VEC(struct publisher) publishers;
    struct wd_arena *arena;
    uint32_t gap; /* topics to report */
    pthread_mutex_t lock; /* guards the rest, which nng's threads fill */
    struct WD_VEC(nng_msg *) frames;
    uint32_t lost; /* topics of frames for which there was no room */
    bool posted, connected;
};

/* ---- nng's threads ---- */

/* With the lock held. */
static void
post(struct wd_subscriber *s)
{
    if (!s->posted)
        wd_queue_post(s->queue, &s->item);
    s->posted = true;
}

static void
keep_frame(struct wd_subscriber *s, nng_msg *msg)
{
    bool room;

    pthread_mutex_lock(&s->lock);
    room = s->frames.n < (size_t)s->options.queue;
    if (room)
        wd_vec_push(&s->frames, msg);
    else if (nng_msg_len(msg) > 0)
        s->lost |= 1u << (*(uint8_t *)nng_msg_body(msg) % WD_EVENT_TOPICS);
    post(s);
    pthread_mutex_unlock(&s->lock);
    if (!room)
        nng_msg_free(msg);
}

static void
on_received(void *data)
{
    struct wd_subscriber *s = data;
    int rv = nng_aio_result(s->aio);

    if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
        return;
    if (rv == 0) {
        keep_frame(s, nng_aio_get_msg(s->aio));
        nng_aio_set_msg(s->aio, NULL);
    }
    nng_recv_aio(s->socket, s->aio);
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    struct wd_subscriber *s = data;

    (void)pipe;
    (void)event;
    pthread_mutex_lock(&s->lock);
    s->connected = true;
    post(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- frames; the loop's thread ---- */

static struct publisher *
publisher_of(struct wd_subscriber *s, uint64_t id)
{
    struct publisher *oldest = NULL;

    for (size_t i = 0; i < s->publishers.n; i++) {
        struct publisher *p = &s->publishers.p[i];
        if (p->id == id)
            return p;
        if (!oldest || p->seen_ms < oldest->seen_ms)
            oldest = p;
    }
    if (s->publishers.n >= MOST_PUBLISHERS) {
        *oldest = (struct publisher){ .id = id };
        return oldest;
    }
    wd_vec_push(&s->publishers, (struct publisher){ .id = id });
    return &s->publishers.p[s->publishers.n - 1];
}

/* The first frame of a publisher's topic is a gap as well: nobody knows what came before it. */
static void
check_sequence(struct wd_subscriber *s, unsigned topic, const Wd__V1__EventFrame *frame)
{
    struct publisher *p = publisher_of(s, frame->publisher);

    if (p->sequence[topic] == 0 || frame->sequence != p->sequence[topic] + 1)
        s->gap |= 1u << topic;
    p->sequence[topic] = frame->sequence;
    p->seen_ms = wd_mono_ms();
}

static void
handle_frame(struct wd_subscriber *s, struct wd_str bytes)
{
    ProtobufCMessage *unpacked;
    const Wd__V1__EventFrame *frame;
    struct wd_error err;
    unsigned topic = bytes.n > 0 ? (uint8_t)bytes.p[0] : WD_EVENT_TOPICS;

    if (topic >= WD_EVENT_TOPICS || s->watched[topic] == 0)
        return;
    wd_arena_reset(s->arena);
    if (!wd_unpack(&wd__v1__event_frame__descriptor, wd_str_part(bytes, 1, bytes.n), s->arena, &unpacked, &err)) {
        wd_log_error(WD_LOG_WARN, "event frame is not understood, treated as a gap", &err, WD_KV_UINT("topic", topic));
        s->gap |= 1u << topic;
        return;
    }
    frame = (const Wd__V1__EventFrame *)unpacked;
    check_sequence(s, topic, frame);
    for (size_t i = 0; i < frame->n_beacons; i++)
        if (frame->beacons[i]->kind != WD__V1__BEACON__KIND__HEARTBEAT)
            s->options.on_beacon(s->options.data, frame->beacons[i]);
}

static void
report_gap(struct wd_subscriber *s)
{
    uint32_t watched = 0, gap;

    for (unsigned i = 0; i < WD_EVENT_TOPICS; i++)
        watched |= (s->watched[i] > 0 ? 1u : 0u) << i;
    gap = s->gap & watched;
    s->gap = 0;
    if (gap)
        s->options.on_gap(s->options.data, gap);
}

static void
on_news(struct wd_queue_item *item)
{
    struct wd_subscriber *s = WD_OF(item, struct wd_subscriber, item);
    struct WD_VEC(nng_msg *) frames;

    pthread_mutex_lock(&s->lock);
    frames.p = s->frames.p;
    frames.n = s->frames.n;
    frames.cap = s->frames.cap;
    s->frames.p = NULL;
    s->frames.n = s->frames.cap = 0;
    s->gap |= s->lost | (s->connected ? ALL_TOPICS : 0);
    s->lost = 0;
    s->posted = s->connected = false;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < frames.n; i++) {
        handle_frame(s, wd_frame_of(frames.p[i]));
        nng_msg_free(frames.p[i]);
    }
    wd_vec_done(&frames);
    report_gap(s);
}

void
wd_subscriber_watch(struct wd_subscriber *s, unsigned topic)
{
    uint8_t byte = (uint8_t)topic;

    if (s->watched[topic]++ == 0)
        nng_socket_set(s->socket, NNG_OPT_SUB_SUBSCRIBE, &byte, 1);
}

void
wd_subscriber_unwatch(struct wd_subscriber *s, unsigned topic)
{
    uint8_t byte = (uint8_t)topic;

    if (s->watched[topic] == 0 || --s->watched[topic] > 0)
        return;
    nng_socket_set(s->socket, NNG_OPT_SUB_UNSUBSCRIBE, &byte, 1);
    for (size_t i = 0; i < s->publishers.n; i++)
        s->publishers.p[i].sequence[topic] = 0;
}

/* ---- addresses ---- */

static bool
target_start(struct wd_subscriber *s, struct target *t, struct wd_error *err)
{
    const struct wd_url *url = &s->urls.p[t->url_index];
    const struct wd_rpc_tls *tls = &s->options.tls;
    char text[WD_URL_TEXT];
    int rv;

    wd_url_text(url, t->address[0] ? t->address : NULL, text);
    rv = nng_dialer_create(&t->dialer, s->socket, text);
    if (rv == 0 && url->kind == WD_URL_TLS) {
        if (!wd_rpc_tls_config(NNG_TLS_MODE_CLIENT, tls, tls->server_name ? tls->server_name : url->host, &t->tls,
                               err))
            return false;
        rv = nng_dialer_set_ptr(t->dialer, NNG_OPT_TLS_CONFIG, t->tls);
    }
    if (rv == 0 && url->kind != WD_URL_IPC)
        rv = nng_dialer_set_bool(t->dialer, NNG_OPT_TCP_KEEPALIVE, true);
    if (rv == 0)
        rv = nng_dialer_start(t->dialer, NNG_FLAG_NONBLOCK);
    return rv == 0 || wd_fail(err, WD_INVALID, "%s: %s", text, nng_strerror(rv));
}

static bool
target_add(struct wd_subscriber *s, size_t url_index, const char *address, struct wd_error *err)
{
    struct target t = { .url_index = url_index };

    if (address)
        memcpy(t.address, address, sizeof t.address);
    if (!target_start(s, &t, err)) {
        if (t.tls)
            nng_tls_config_free(t.tls);
        return false;
    }
    wd_vec_push(&s->targets, t);
    return true;
}

static bool
has_target(const struct wd_subscriber *s, size_t url_index, const char *address)
{
    for (size_t i = 0; i < s->targets.n; i++)
        if (s->targets.p[i].url_index == url_index && strcmp(s->targets.p[i].address, address) == 0)
            return true;
    return false;
}

static void
on_addresses(void *data, size_t host_index, const struct wd_addresses *found)
{
    struct wd_subscriber *s = data;
    size_t url_index = s->named.p[host_index];
    struct wd_error err;

    for (size_t i = 0; i < found->n; i++) {
        if (has_target(s, url_index, found->text[i]) ||
            (s->urls.p[url_index].kind == WD_URL_TCP && !wd_address_is_loopback(found->text[i])))
            continue;
        if (!target_add(s, url_index, found->text[i], &err))
            wd_log_error(WD_LOG_WARN, "event address cannot be used, ignoring", &err,
                         WD_KV("address", found->text[i]));
    }
    for (size_t i = s->targets.n; i-- > 0;) {
        struct target t = s->targets.p[i];
        if (t.url_index != url_index || wd_addresses_have(found, t.address))
            continue;
        s->targets.p[i] = s->targets.p[--s->targets.n];
        nng_dialer_close(t.dialer);
        if (t.tls)
            nng_tls_config_free(t.tls);
    }
}

/* ---- open and close ---- */

static bool
open_socket(struct wd_subscriber *s, struct wd_error *err)
{
    int rv = nng_sub0_open(&s->socket);

    if (rv == 0)
        rv = nng_socket_set_size(s->socket, NNG_OPT_RECVMAXSZ, WD_RPC_MAX_MESSAGE);
    if (rv == 0)
        rv = nng_socket_set_int(s->socket, NNG_OPT_RECVBUF, s->options.queue);
    if (rv == 0)
        rv = nng_socket_set_ms(s->socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
    if (rv == 0)
        rv = nng_socket_set_ms(s->socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
    if (rv == 0)
        rv = nng_pipe_notify(s->socket, NNG_PIPE_EV_ADD_POST, on_pipe, s);
    if (rv == 0)
        rv = nng_aio_alloc(&s->aio, on_received, s);
    if (rv != 0)
        return wd_fail(err, WD_INTERNAL, "nng socket: %s", nng_strerror(rv));
    nng_aio_set_timeout(s->aio, NNG_DURATION_INFINITE);
    nng_recv_aio(s->socket, s->aio);
    return true;
}

static bool
add_url(struct wd_subscriber *s, const char *text, struct wd_error *err)
{
    struct wd_url url;

    if (!wd_url_parse(text, &url, err))
        return false;
    if (!wd_url_is_private(&url) || strcmp(url.host, "*") == 0)
        return wd_fail(err, WD_INVALID, "%s: plain tcp:// is for loopback only, use tls+tcp://", text);
    wd_vec_push(&s->urls, url);
    if (!url.is_name)
        return target_add(s, s->urls.n - 1, NULL, err);
    wd_vec_push(&s->named, s->urls.n - 1);
    return true;
}

static bool
start_resolver(struct wd_subscriber *s, struct wd_error *err)
{
    struct WD_VEC(const char *) hosts = { 0 };
    struct wd_resolver_options o = { .queue = s->queue,
                                     .every_ms = s->options.resolve_every_ms,
                                     .on_addresses = on_addresses,
                                     .data = s };

    for (size_t i = 0; i < s->named.n; i++)
        wd_vec_push(&hosts, s->urls.p[s->named.p[i]].host);
    o.hosts = hosts.p;
    o.count = hosts.n;
    if (o.count > 0)
        s->resolver = wd_resolver_start(&o, err);
    wd_vec_done(&hosts);
    return o.count == 0 || s->resolver;
}

static bool
subscriber_start(struct wd_subscriber *s, struct event_base *loop, const char *const *urls, struct wd_error *err)
{
    s->queue = wd_queue_new(loop, err);
    if (!s->queue || !open_socket(s, err))
        return false;
    for (; urls && *urls; urls++)
        if (!add_url(s, *urls, err))
            return false;
    if (s->urls.n == 0)
        return wd_fail(err, WD_INVALID, "no address of a publisher");
    return start_resolver(s, err);
}

struct wd_subscriber *
wd_subscriber_new(struct event_base *loop, const struct wd_subscriber_options *o, struct wd_error *err)
{
    struct wd_subscriber *s = WD_NEW(struct wd_subscriber);

    s->options = *o;
    s->options.urls = NULL;
    if (s->options.queue <= 0 || s->options.queue > DEFAULT_QUEUE)
        s->options.queue = DEFAULT_QUEUE;
    if (s->options.resolve_every_ms <= 0)
        s->options.resolve_every_ms = DEFAULT_RESOLVE_MS;
    s->item.run = on_news;
    s->arena = wd_arena_new(0);
    pthread_mutex_init(&s->lock, NULL);
    if (!subscriber_start(s, loop, o->urls, err)) {
        wd_subscriber_free(s);
        return NULL;
    }
    return s;
}

static bool
close_socket(struct wd_subscriber *s)
{
    nng_tls_config **tls = wd_alloc(sizeof *tls * (s->targets.n + 1));
    bool closed;

    for (size_t i = 0; i < s->targets.n; i++)
        tls[i] = s->targets.p[i].tls;
    closed = wd_socket_close(s->socket, tls, s->targets.n, WD_CLOSE_MS);
    free(tls);
    return closed;
}

void
wd_subscriber_free(struct wd_subscriber *s)
{
    if (!s)
        return;
    wd_resolver_stop(s->resolver);
    /* The socket first: stopping a receive of SUB while a frame arrives crashes nng before 1.6, closing does not. */
    if (!close_socket(s)) {
        memset(s->watched, 0, sizeof s->watched); /* what still comes in finds nobody, but needs its memory */
        return;
    }
    if (s->aio) {
        nng_aio_stop(s->aio);
        nng_aio_free(s->aio);
    }
    for (size_t i = 0; i < s->frames.n; i++)
        nng_msg_free(s->frames.p[i]);
    wd_vec_done(&s->frames);
    wd_vec_done(&s->targets);
    wd_vec_done(&s->named);
    wd_vec_done(&s->urls);
    wd_vec_done(&s->publishers);
    wd_queue_free(s->queue);
    wd_arena_free(s->arena);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
