#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "store-svc/driver/fault/fault_priv.h"

struct wd_fault {
    pthread_mutex_t lock;
    char operation[32], delayed[32]; /* empty: any */
    uint64_t nth, calls, failures;
    bool onwards;
    enum wd_reason reason;
    unsigned delay_ms;
};

struct fault_docs {
    struct wd_docs base;
    struct wd_docs *inner;
    struct wd_fault *rule;
};

struct fault_cursor {
    struct wd_docs_cursor base;
    struct wd_docs_cursor *inner;
    struct wd_fault *rule;
};

/* ---- the rule ---- */

struct wd_fault *
wd_fault_new(void)
{
    struct wd_fault *f = WD_NEW(struct wd_fault);

    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void
wd_fault_free(struct wd_fault *f)
{
    if (f)
        pthread_mutex_destroy(&f->lock);
    free(f);
}

static void
set_name(char to[32], const char *operation)
{
    memset(to, 0, 32);
    if (operation)
        strncpy(to, operation, 31);
}

static void
set_rule(struct wd_fault *f, const char *operation, uint64_t nth, bool onwards, enum wd_reason reason)
{
    pthread_mutex_lock(&f->lock);
    set_name(f->operation, operation);
    f->nth = nth;
    f->onwards = onwards;
    f->reason = reason;
    f->calls = f->failures = 0;
    pthread_mutex_unlock(&f->lock);
}

void
wd_fault_fail(struct wd_fault *f, const char *operation, uint64_t nth, enum wd_reason reason)
{
    set_rule(f, operation, nth, false, reason);
}

void
wd_fault_fail_from(struct wd_fault *f, const char *operation, uint64_t nth, enum wd_reason reason)
{
    set_rule(f, operation, nth, true, reason);
}

void
wd_fault_delay(struct wd_fault *f, const char *operation, unsigned delay_ms)
{
    pthread_mutex_lock(&f->lock);
    set_name(f->delayed, operation);
    f->delay_ms = delay_ms;
    pthread_mutex_unlock(&f->lock);
}

static uint64_t
read_locked(const struct wd_fault *f, const uint64_t *field)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&f->lock;
    uint64_t value;

    pthread_mutex_lock(lock);
    value = *field;
    pthread_mutex_unlock(lock);
    return value;
}

uint64_t
wd_fault_calls(const struct wd_fault *f)
{
    return read_locked(f, &f->calls);
}

uint64_t
wd_fault_failures(const struct wd_fault *f)
{
    return read_locked(f, &f->failures);
}

bool
fault_pass(struct wd_fault *f, const char *operation, struct wd_error *err)
{
    struct timespec wait = { 0 };
    enum wd_reason reason = WD_NO_ERROR;

    pthread_mutex_lock(&f->lock);
    if (f->delay_ms && (!f->delayed[0] || strcmp(f->delayed, operation) == 0))
        wait = (struct timespec){ f->delay_ms / 1000, (long)(f->delay_ms % 1000) * 1000000 };
    if (!f->operation[0] || strcmp(f->operation, operation) == 0) {
        f->calls++;
        if (f->nth && (f->onwards ? f->calls >= f->nth : f->calls == f->nth)) {
            f->failures++;
            reason = f->reason;
        }
    }
    pthread_mutex_unlock(&f->lock);
    if (wait.tv_sec || wait.tv_nsec)
        nanosleep(&wait, NULL);
    return reason == WD_NO_ERROR || wd_fail(err, reason, "fault: %s", operation);
}

/* ---- the wrapper ---- */

static const struct wd_docs_ops fault_ops, fault_atomic_ops;

static struct fault_docs *
self(struct wd_docs *d)
{
    return (struct fault_docs *)d;
}

struct wd_docs *
fault_inner(struct wd_docs *d)
{
    return d && (d->ops == &fault_ops || d->ops == &fault_atomic_ops) ? self(d)->inner : d;
}

static bool
fault_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "ensure", err) && wd_docs_ensure(self(d)->inner, collections, err);
}

static bool
fault_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q, bson_t *out,
               bool *found, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "find_one", err) &&
           wd_docs_find_one(self(d)->inner, coll, filter, q, out, found, err);
}

static bool
fault_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
           struct wd_docs_cursor **out, struct wd_error *err)
{
    struct wd_docs_cursor *inner;
    struct fault_cursor *c;

    if (!fault_pass(self(d)->rule, "find", err) || !wd_docs_find(self(d)->inner, coll, filter, q, &inner, err))
        return false;
    c = WD_NEW(struct fault_cursor);
    *c = (struct fault_cursor){ { d->ops }, inner, self(d)->rule };
    *out = &c->base;
    return true;
}

static bool
fault_cursor_next(struct wd_docs_cursor *base, const bson_t **doc, struct wd_error *err)
{
    struct fault_cursor *c = (struct fault_cursor *)base;

    return fault_pass(c->rule, "cursor_next", err) && wd_docs_cursor_next(c->inner, doc, err);
}

static void
fault_cursor_free(struct wd_docs_cursor *base)
{
    struct fault_cursor *c = (struct fault_cursor *)base;

    wd_docs_cursor_free(c->inner);
    free(c);
}

static bool
fault_insert(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "insert", err) && wd_docs_insert_many(self(d)->inner, coll, docs, n, err);
}

static bool
fault_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
             struct wd_docs_updated *out, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "update", err) &&
           wd_docs_update(self(d)->inner, coll, filter, update, flags, out, err);
}

static bool
fault_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                      const struct wd_docs_query *q, bson_t *out, bool *found, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "find_and_update", err) &&
           wd_docs_find_and_update(self(d)->inner, coll, filter, update, flags, q, out, found, err);
}

static bool
fault_remove(struct wd_docs *d, const char *coll, const bson_t *filter, bool many, int64_t *removed,
             struct wd_error *err)
{
    if (!fault_pass(self(d)->rule, "remove", err))
        return false;
    return many ? wd_docs_remove_many(self(d)->inner, coll, filter, removed, err)
                : wd_docs_remove_one(self(d)->inner, coll, filter, removed, err);
}

static bool
fault_count(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "count", err) && wd_docs_count(self(d)->inner, coll, filter, out, err);
}

static bool
fault_batch_begin(struct wd_docs *d, struct wd_docs **batch, struct wd_error *err)
{
    struct wd_docs *inner;
    struct fault_docs *b;

    if (!fault_pass(self(d)->rule, "batch_begin", err) || !wd_docs_batch_begin(self(d)->inner, &inner, err))
        return false;
    b = WD_NEW(struct fault_docs);
    *b = (struct fault_docs){ { d->ops }, inner, self(d)->rule };
    *batch = &b->base;
    return true;
}

static bool
fault_batch_commit(struct wd_docs *batch, struct wd_error *err)
{
    struct fault_docs *b = self(batch);
    bool pass = fault_pass(b->rule, "batch_commit", err), ok = pass && wd_docs_batch_commit(b->inner, err);

    if (!pass)
        wd_docs_batch_abort(b->inner);
    free(b);
    return ok;
}

static void
fault_batch_abort(struct wd_docs *batch)
{
    wd_docs_batch_abort(self(batch)->inner);
    free(batch);
}

static bool
fault_expire(struct wd_docs *d, int64_t *removed, struct wd_error *err)
{
    return fault_pass(self(d)->rule, "expire", err) && wd_docs_expire(self(d)->inner, removed, err);
}

static void
fault_close(struct wd_docs *d)
{
    wd_docs_close(self(d)->inner);
    free(d);
}

#define FAULT_OPS(is_atomic)                                                                                           \
    {                                                                                                                  \
        .name = "fault", .atomic = (is_atomic), .ensure = fault_ensure, .find_one = fault_find_one,                    \
        .find = fault_find, .cursor_next = fault_cursor_next, .cursor_free = fault_cursor_free,                        \
        .insert = fault_insert, .update = fault_update, .find_and_update = fault_find_and_update,                      \
        .remove = fault_remove, .count = fault_count, .batch_begin = fault_batch_begin,                                \
        .batch_commit = fault_batch_commit, .batch_abort = fault_batch_abort, .expire = fault_expire,                  \
        .close = fault_close,                                                                                          \
    }
static const struct wd_docs_ops fault_ops = FAULT_OPS(false), fault_atomic_ops = FAULT_OPS(true);

struct wd_docs *
wd_fault_docs_new(struct wd_docs *inner, struct wd_fault *f)
{
    struct fault_docs *d = WD_NEW(struct fault_docs);

    *d = (struct fault_docs){ { wd_docs_is_atomic(inner) ? &fault_atomic_ops : &fault_ops }, inner, f };
    return &d->base;
}
