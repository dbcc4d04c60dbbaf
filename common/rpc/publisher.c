#include "common/rpc/events.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/lifetime.h"
#include "common/base/rand.h"
#include "common/base/vec.h"
#include "common/rpc/listen.h"

enum {
    DEFAULT_QUEUE = 8192,
    HEARTBEAT_MS = 1000,
    FRAME_BYTES = 64 * 1024,    /* beacons of one topic that share a frame */
    MOST_WAITING = 4096 * 1024, /* bytes of one topic; more are dropped, and the hole in the sequence tells */
    MAX_BEACON = 1024,
    TAG_BEACONS = 3 << 3 | 2, /* field 3 of EventFrame, length-delimited */
};

/* Beacons of a topic that wait for the sending thread, packed as the field `beacons` of a frame: a frame is then the
 * packed head with these bytes behind it. */
struct topic {
    struct WD_VEC(struct wd_buf) frames; /* all but the last are full; guarded by the lock */
    size_t waiting;                      /* bytes; guarded by the lock */
    bool dropped;                        /* guarded by the lock */
    uint64_t sequence;                   /* the sending thread's */
};

struct wd_publisher {
    nng_socket socket;
    struct WD_VEC(struct listening) listening;
    uint64_t id;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool pending, stopping; /* guarded by the lock */
    struct topic topics[WD_EVENT_TOPICS];
};

unsigned
wd_event_topic(struct wd_id user)
{
    return user.b[sizeof user.b - 1] % WD_EVENT_TOPICS;
}

/* ---- the sending thread ---- */

static void
send_frame(struct wd_publisher *p, unsigned topic, struct wd_str beacons)
{
    Wd__V1__EventFrame head = WD__V1__EVENT_FRAME__INIT;
    nng_msg *msg;
    uint8_t *at;
    size_t n;

    head.publisher = p->id;
    head.sequence = ++p->topics[topic].sequence;
    n = protobuf_c_message_get_packed_size(&head.base);
    if (nng_msg_alloc(&msg, 1 + n + beacons.n) != 0)
        return; /* the number is used up: the hole tells */
    at = nng_msg_body(msg);
    *at++ = (uint8_t)topic;
    at += protobuf_c_message_pack(&head.base, at);
    if (beacons.n)
        memcpy(at, beacons.p, beacons.n);
    if (nng_sendmsg(p->socket, msg, NNG_FLAG_NONBLOCK) != 0)
        nng_msg_free(msg);
}

static void
add_beacon(struct wd_buf *to, const Wd__V1__Beacon *beacon, size_t n)
{
    wd_buf_chr(to, (char)TAG_BEACONS);
    if (n >= 0x80)
        wd_buf_chr(to, (char)((n & 0x7f) | 0x80));
    wd_buf_chr(to, (char)(n >= 0x80 ? n >> 7 : n));
    wd_buf_reserve(to, n);
    to->n += protobuf_c_message_pack(&beacon->base, (uint8_t *)to->p + to->n);
}

static void
send_heartbeats(struct wd_publisher *p)
{
    struct wd_buf packed wd_auto(wd_buf_done) = { 0 };
    Wd__V1__Beacon beat = WD__V1__BEACON__INIT;

    beat.kind = WD__V1__BEACON__KIND__HEARTBEAT;
    add_beacon(&packed, &beat, protobuf_c_message_get_packed_size(&beat.base));
    for (unsigned i = 0; i < WD_EVENT_TOPICS; i++)
        send_frame(p, i, wd_buf_view(&packed));
}

/* With the lock held, which is released while frames are sent. */
static void
send_topic(struct wd_publisher *p, unsigned topic)
{
    struct topic *t = &p->topics[topic];
    struct topic taken = *t;

    *t = (struct topic){ .sequence = taken.sequence };
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < taken.frames.n; i++) {
        send_frame(p, topic, wd_buf_view(&taken.frames.p[i]));
        wd_buf_done(&taken.frames.p[i]);
    }
    if (taken.dropped) {
        t->sequence++; /* what was dropped came after these */
        send_frame(p, topic, WD_NONE); /* and shows the hole at once */
    }
    wd_vec_done(&taken.frames);
    pthread_mutex_lock(&p->lock);
}

static void
later(struct timespec *t, int ms)
{
    t->tv_sec += ms / 1000;
    t->tv_nsec += ms % 1000 * 1000000L;
    if (t->tv_nsec >= 1000000000L) {
        t->tv_sec++;
        t->tv_nsec -= 1000000000L;
    }
}

static void *
publisher_main(void *data)
{
    struct wd_publisher *p = data;
    struct timespec beat;

    clock_gettime(CLOCK_MONOTONIC, &beat);
    pthread_mutex_lock(&p->lock);
    while (!p->stopping || p->pending) {
        if (p->pending) {
            p->pending = false;
            for (unsigned i = 0; i < WD_EVENT_TOPICS; i++)
                send_topic(p, i);
        } else if (pthread_cond_timedwait(&p->wake, &p->lock, &beat) != 0) {
            pthread_mutex_unlock(&p->lock);
            send_heartbeats(p);
            clock_gettime(CLOCK_MONOTONIC, &beat);
            later(&beat, HEARTBEAT_MS);
            pthread_mutex_lock(&p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- any thread ---- */

void
wd_publisher_send(struct wd_publisher *p, struct wd_id user, const Wd__V1__Beacon *beacon)
{
    struct topic *t = &p->topics[wd_event_topic(user)];
    size_t n = protobuf_c_message_get_packed_size(&beacon->base);
    bool wake;

    pthread_mutex_lock(&p->lock);
    if (n > MAX_BEACON || t->waiting + n > MOST_WAITING) {
        t->dropped = true;
    } else {
        if (t->frames.n == 0 || t->frames.p[t->frames.n - 1].n + n > FRAME_BYTES)
            wd_vec_push(&t->frames, (struct wd_buf){ 0 });
        add_beacon(&t->frames.p[t->frames.n - 1], beacon, n);
        t->waiting += n;
    }
    wake = !p->pending;
    p->pending = true;
    if (wake)
        pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* A number of each topic is left out, as if its frame had been dropped. */
void
wd_publisher_gap(struct wd_publisher *p)
{
    pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < WD_EVENT_TOPICS; i++)
        p->topics[i].dropped = true;
    p->pending = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* ---- open and close ---- */

static bool
publisher_listen(struct wd_publisher *p, const struct wd_publisher_options *o, struct wd_error *err)
{
    struct listen_options how = { o->ipc_mode, o->allow_plain_tcp, o->tls };
    int rv = nng_pub0_open(&p->socket);

    if (rv == 0)
        rv = nng_socket_set_size(p->socket, NNG_OPT_RECVMAXSZ, FRAME_BYTES); /* subscribers have nothing to say */
    if (rv == 0)
        rv = nng_socket_set_int(p->socket, NNG_OPT_SENDBUF, o->queue > 0 ? o->queue : DEFAULT_QUEUE);
    if (rv != 0)
        return wd_fail(err, WD_INTERNAL, "nng socket: %s", nng_strerror(rv));
    if (!o->urls || !*o->urls)
        return wd_fail(err, WD_INVALID, "no address to publish on");
    for (const char *const *url = o->urls; *url; url++) {
        struct listening l;
        bool ok = wd_listen(p->socket, *url, &how, &l, err);

        wd_vec_push(&p->listening, l);
        if (!ok)
            return false;
    }
    return true;
}

struct wd_publisher *
wd_publisher_open(const struct wd_publisher_options *o, struct wd_error *err)
{
    struct wd_publisher *p = WD_NEW(struct wd_publisher);
    pthread_condattr_t monotonic;

    do
        wd_rand(&p->id, sizeof p->id);
    while (p->id == 0);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (publisher_listen(p, o, err)) {
        p->started = pthread_create(&p->thread, NULL, publisher_main, p) == 0;
        if (p->started)
            return p;
        wd_fail(err, WD_INTERNAL, "cannot start the publisher's thread");
    }
    wd_publisher_close(p);
    return NULL;
}

void
wd_publisher_close(struct wd_publisher *p)
{
    if (!p)
        return;
    if (p->started) {
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        pthread_cond_signal(&p->wake);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    wd_listening_close(p->socket, p->listening.p, p->listening.n);
    wd_vec_done(&p->listening);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
