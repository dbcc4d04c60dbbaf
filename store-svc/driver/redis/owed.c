/* store-svc/driver/redis/owed.c – what is to be given back to counters when the server is back. A connection that ends
 * while the server is away would count for ever otherwise, and lock its user out some day. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "store-svc/driver/redis/redis_priv.h"

enum { MOST_DEBTS = 65536 };

struct debt {
    struct wd_buf key, field;
    int64_t n;
};

struct redis_owed {
    pthread_mutex_t lock;
    struct WD_VEC(struct debt) debts; /* guarded by the lock */
};

static void
debt_done(struct debt *d)
{
    wd_buf_done(&d->key);
    wd_buf_done(&d->field);
}

struct redis_owed *
redis_owed_new(void)
{
    struct redis_owed *o = WD_NEW(struct redis_owed);

    pthread_mutex_init(&o->lock, NULL);
    return o;
}

void
redis_owed_free(struct redis_owed *o)
{
    while (o->debts.n)
        debt_done(&o->debts.p[--o->debts.n]);
    wd_vec_done(&o->debts);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

bool
redis_owed_add(struct redis_owed *o, struct wd_str key, struct wd_str field, int64_t n)
{
    struct debt d = { .n = n };
    bool room;

    pthread_mutex_lock(&o->lock);
    room = o->debts.n < MOST_DEBTS;
    if (room) {
        wd_buf_str(&d.key, key);
        wd_buf_str(&d.field, field);
        wd_vec_push(&o->debts, d);
    }
    pthread_mutex_unlock(&o->lock);
    return room;
}

static bool
take_one(struct redis_owed *o, struct debt *out)
{
    bool any;

    pthread_mutex_lock(&o->lock);
    any = o->debts.n > 0;
    if (any)
        *out = o->debts.p[--o->debts.n];
    pthread_mutex_unlock(&o->lock);
    return any;
}

void
redis_owed_pay(struct redis_owed *o, struct redis_pool *pool)
{
    struct wd_error err;
    struct debt d;
    bool ok = true;
    int64_t left;

    while (ok && take_one(o, &d)) {
        ok = redis_give_back(pool, wd_buf_view(&d.key), wd_buf_view(&d.field), d.n, &left, &err);
        if (!ok)
            redis_owed_add(o, wd_buf_view(&d.key), wd_buf_view(&d.field), d.n); /* without room, it is forgotten */
        debt_done(&d);
    }
}
