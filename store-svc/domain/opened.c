#include "store-svc/domain/opened.h"

#include <pthread.h>

#include "common/base/alloc.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/message.h"

struct wd_open_cache {
    pthread_mutex_t lock;    /* guards everything below */
    struct wd_opened *first; /* the last one that was given back */
    size_t messages, bytes;
    size_t max_messages, max_bytes;
};

static void
opened_free(struct wd_opened *o)
{
    if (!o)
        return;
    wd_arena_free(o->arena);
    if (o->doc)
        bson_destroy(o->doc);
    free(o);
}

static size_t
opened_bytes(const struct wd_opened *o)
{
    return o->doc->len + wd_arena_used(o->arena);
}

struct wd_open_cache *
wd_open_cache_new(size_t messages, size_t max_bytes)
{
    struct wd_open_cache *c = WD_NEW(struct wd_open_cache);

    pthread_mutex_init(&c->lock, NULL);
    c->max_messages = messages;
    c->max_bytes = max_bytes;
    return c;
}

void
wd_open_cache_free(struct wd_open_cache *c)
{
    struct wd_opened *next;

    if (!c)
        return;
    for (struct wd_opened *o = c->first; o; o = next) {
        next = o->next;
        opened_free(o);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Takes one out of the list. */
static struct wd_opened *
cut(struct wd_open_cache *c, struct wd_opened **at)
{
    struct wd_opened *o = *at;

    *at = o->next;
    o->next = NULL;
    c->messages--;
    c->bytes -= opened_bytes(o);
    return o;
}

static struct wd_opened *
kept(struct wd_open_cache *c, struct wd_id id)
{
    struct wd_opened **at, *found = NULL;

    if (!c)
        return NULL;
    pthread_mutex_lock(&c->lock);
    for (at = &c->first; *at && !wd_id_eq((*at)->id, id); at = &(*at)->next)
        continue;
    if (*at)
        found = cut(c, at);
    pthread_mutex_unlock(&c->lock);
    return found;
}

/* The present id of the message, which also says that it is still there. */
static bool
find_id(struct wd_domain *d, struct wd_id mailbox, uint32_t uid, struct wd_id *id, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    wd_doc_add_int(&fields, "uid", 1);
    if (!wd_message_doc(d->docs, mailbox, uid, &fields, &row, &found, err))
        return false;
    if (!found || !wd_doc_id(&row, "_id", id))
        return wd_fail(err, WD_MESSAGE_NOT_FOUND, "no such message");
    return true;
}

static bool
load(struct wd_domain *d, struct wd_id mailbox, uint32_t uid, struct wd_opened *o, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    wd_opened_fields(&fields);
    if (!wd_message_doc(d->docs, mailbox, uid, &fields, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_MESSAGE_NOT_FOUND, "no such message");
    o->doc = bson_copy(&doc);
    o->arena = wd_arena_new(0);
    return wd_body_open(o->arena, o->doc, d->blobs, &o->body, err);
}

void
wd_opened_fields(bson_t *projection)
{
    wd_doc_add_int(projection, "size", 1);
    wd_doc_add_int(projection, "mimeTree", 1);
    wd_doc_add_int(projection, WD_LAYOUT_FIELD, 1);
}

bool
wd_opened_take(struct wd_domain *d, struct wd_id mailbox, uint32_t uid, struct wd_opened **out, struct wd_error *err)
{
    struct wd_opened *o;
    struct wd_id id;

    if (!find_id(d, mailbox, uid, &id, err))
        return false;
    o = kept(d->open_cache, id);
    if (!o) {
        o = WD_NEW(struct wd_opened);
        o->id = id;
        if (!load(d, mailbox, uid, o, err)) {
            opened_free(o);
            return false;
        }
    }
    *out = o;
    return true;
}

void
wd_opened_give(struct wd_domain *d, struct wd_opened *o)
{
    struct wd_open_cache *c = d->open_cache;
    struct wd_opened *dropped = NULL;

    if (!o || !c || opened_bytes(o) > c->max_bytes) {
        opened_free(o);
        return;
    }
    pthread_mutex_lock(&c->lock);
    o->next = c->first;
    c->first = o;
    c->messages++;
    c->bytes += opened_bytes(o);
    while (c->messages > c->max_messages || c->bytes > c->max_bytes) {
        struct wd_opened **at = &c->first, *last;

        while ((*at)->next)
            at = &(*at)->next;
        last = cut(c, at);
        last->next = dropped;
        dropped = last;
    }
    pthread_mutex_unlock(&c->lock);
    while (dropped) {
        o = dropped;
        dropped = o->next;
        opened_free(o);
    }
}
