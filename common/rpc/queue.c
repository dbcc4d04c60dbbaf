#include "common/rpc/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/alloc.h"

struct wd_queue {
    int fd;
    struct event *readable;
    struct wd_queue_item *running; /* the loop's thread: taken out, not run yet */
    pthread_mutex_t lock;          /* guards the list */
    struct wd_queue_item *first, **last;
};

static struct wd_queue_item *
take_all(struct wd_queue *q)
{
    struct wd_queue_item *taken;

    pthread_mutex_lock(&q->lock);
    taken = q->first;
    q->first = NULL;
    q->last = &q->first;
    pthread_mutex_unlock(&q->lock);
    return taken;
}

static void
on_readable(evutil_socket_t fd, short what, void *data)
{
    struct wd_queue *q = data;
    struct wd_queue_item *item;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
        abort(); /* an eventfd that cannot be read is our own bug */
    q->running = take_all(q);
    while ((item = q->running)) {
        q->running = item->next; /* run() may post it again */
        item->run(item);
    }
}

struct wd_queue *
wd_queue_new(struct event_base *loop, struct wd_error *err)
{
    struct wd_queue *q = WD_NEW(struct wd_queue);

    q->last = &q->first;
    pthread_mutex_init(&q->lock, NULL);
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (q->fd >= 0)
        q->readable = event_new(loop, q->fd, EV_READ | EV_PERSIST, on_readable, q);
    if (!q->readable || event_add(q->readable, NULL) != 0) {
        wd_fail(err, WD_INTERNAL, "cannot watch an eventfd (errno %d)", errno);
        wd_queue_free(q);
        return NULL;
    }
    return q;
}

void
wd_queue_free(struct wd_queue *q)
{
    if (!q)
        return;
    if (q->readable)
        event_free(q->readable);
    if (q->fd >= 0)
        close(q->fd);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

void
wd_queue_post(struct wd_queue *q, struct wd_queue_item *item)
{
    uint64_t one = 1;
    bool was_empty;

    item->next = NULL;
    pthread_mutex_lock(&q->lock);
    was_empty = !q->first;
    *q->last = item;
    q->last = &item->next;
    /* Inside the lock: whoever frees the queue has first taken this item out of it. */
    if (was_empty && write(q->fd, &one, sizeof one) < 0 && errno != EAGAIN)
        abort();
    pthread_mutex_unlock(&q->lock);
}

static bool
unlink_item(struct wd_queue_item **from, struct wd_queue_item *item)
{
    while (*from && *from != item)
        from = &(*from)->next;
    if (!*from)
        return false;
    *from = item->next;
    return true;
}

void
wd_queue_remove(struct wd_queue *q, struct wd_queue_item *item)
{
    pthread_mutex_lock(&q->lock);
    if (!unlink_item(&q->running, item) && unlink_item(&q->first, item)) {
        q->last = &q->first;
        while (*q->last)
            q->last = &(*q->last)->next;
    }
    pthread_mutex_unlock(&q->lock);
}
