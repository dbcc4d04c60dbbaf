#include "store-svc/domain/view_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/alloc.h"

enum { BUCKETS = 4096 };

struct entry {
    struct entry *in_bucket;     /* next of the same bucket */
    struct entry *newer, *older; /* by last use */
    struct wd_id mailbox;
    struct wd_view view;
    size_t bytes;
};

struct wd_view_cache {
    pthread_mutex_t lock; /* guards everything below */
    struct entry *buckets[BUCKETS];
    struct entry *newest, *oldest;
    size_t bytes, max_bytes;
};

void
wd_view_done(struct wd_view *v)
{
    wd_seqset_done(&v->uids);
    wd_seqset_done(&v->unseen);
    v->modseq = 0;
}

static void
view_copy(struct wd_view *to, const struct wd_view *from)
{
    to->modseq = from->modseq;
    wd_seqset_copy(&to->uids, &from->uids);
    wd_seqset_copy(&to->unseen, &from->unseen);
}

static size_t
view_bytes(const struct wd_view *v)
{
    return sizeof(struct entry) + (v->uids.n + v->unseen.n) * sizeof(struct wd_range);
}

/* Identifiers end with a counter: its bytes spread well. */
static struct entry **
bucket_of(struct wd_view_cache *c, struct wd_id id)
{
    return &c->buckets[(id.b[11] | id.b[10] << 8 | (id.b[3] ^ id.b[8]) << 4) % BUCKETS];
}

static struct entry **
find(struct wd_view_cache *c, struct wd_id mailbox)
{
    struct entry **at = bucket_of(c, mailbox);

    while (*at && !wd_id_eq((*at)->mailbox, mailbox))
        at = &(*at)->in_bucket;
    return at;
}

static void
unlink_use(struct wd_view_cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void
link_newest(struct wd_view_cache *c, struct entry *e)
{
    e->older = c->newest;
    e->newer = NULL;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void
drop(struct wd_view_cache *c, struct entry **at)
{
    struct entry *e = *at;

    *at = e->in_bucket;
    unlink_use(c, e);
    c->bytes -= e->bytes;
    wd_view_done(&e->view);
    free(e);
}

struct wd_view_cache *
wd_view_cache_new(size_t max_bytes)
{
    struct wd_view_cache *c = WD_NEW(struct wd_view_cache);

    pthread_mutex_init(&c->lock, NULL);
    c->max_bytes = max_bytes;
    return c;
}

void
wd_view_cache_free(struct wd_view_cache *c)
{
    if (!c)
        return;
    while (c->oldest)
        drop(c, find(c, c->oldest->mailbox));
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool
wd_view_cache_get(struct wd_view_cache *c, struct wd_id mailbox, struct wd_view *out)
{
    struct entry *e;

    if (!c)
        return false;
    pthread_mutex_lock(&c->lock);
    e = *find(c, mailbox);
    if (e) {
        unlink_use(c, e);
        link_newest(c, e);
        view_copy(out, &e->view);
    }
    pthread_mutex_unlock(&c->lock);
    return e != NULL;
}

void
wd_view_cache_put(struct wd_view_cache *c, struct wd_id mailbox, const struct wd_view *v)
{
    struct entry **at, *e;

    if (!c || view_bytes(v) > c->max_bytes)
        return;
    pthread_mutex_lock(&c->lock);
    at = find(c, mailbox);
    if (!*at || (*at)->view.modseq < v->modseq) {
        if (*at)
            drop(c, at);
        e = WD_NEW(struct entry);
        e->mailbox = mailbox;
        e->bytes = view_bytes(v);
        view_copy(&e->view, v);
        at = bucket_of(c, mailbox);
        e->in_bucket = *at;
        *at = e;
        link_newest(c, e);
        c->bytes += e->bytes;
    }
    while (c->bytes > c->max_bytes)
        drop(c, find(c, c->oldest->mailbox));
    pthread_mutex_unlock(&c->lock);
}

size_t
wd_view_cache_bytes(struct wd_view_cache *c)
{
    size_t bytes;

    pthread_mutex_lock(&c->lock);
    bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}
