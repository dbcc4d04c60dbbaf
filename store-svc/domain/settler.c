#include "store-svc/domain/settler.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/vec.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox_priv.h"
#include "store-svc/domain/schema.h"

enum { GATHER_MS = 10, RETRY_MS = 500, AT_ONCE = 64, MOST = 100000 };

struct entry {
    struct wd_id user, mailbox, op;
};

struct wd_settler {
    struct wd_docs *docs;
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;
    struct WD_VEC(struct entry) entries;
    bool stop;
};

bool
wd_marks_clear(struct wd_docs *docs, struct wd_id user, struct wd_id mailbox,
               const struct wd_id *ops, size_t n, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;
    bson_t pull, pending, op, list;
    char key[24];

    wd_doc_add_id(&filter, "_id", mailbox);
    wd_doc_add_id(&filter, "user", user);
    bson_append_document_begin(&update, "$pull", -1, &pull);
    bson_append_document_begin(&pull, "pending", -1, &pending);
    bson_append_document_begin(&pending, "op", -1, &op);
    bson_append_array_begin(&op, "$in", -1, &list);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_id(&list, key, ops[i]);
    }
    bson_append_array_end(&op, &list);
    bson_append_document_end(&pending, &op);
    bson_append_document_end(&pull, &pending);
    bson_append_document_end(&update, &pull);
    if (!wd_docs_update(docs, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, &done, err))
        return wd_fail_in(err, "clear marks");
    /* Deleted meanwhile: what has just arrived goes the way of the rest. */
    return done.matched > 0 || wd_mailbox_expire(docs, mailbox, err);
}

/* ---- the list ---- */

void
wd_settler_add(struct wd_domain *d, struct wd_id user, struct wd_id mailbox, struct wd_id op)
{
    struct wd_settler *s = d->settler;
    struct entry entry = { user, mailbox, op };
    struct wd_error ignored; /* a mark that stays is cleared by whoever meets it */

    if (!s) {
        if (!wd_marks_clear(d->docs, user, mailbox, &op, 1, &ignored))
            return;
        return;
    }
    pthread_mutex_lock(&s->lock);
    if (s->entries.n < MOST) {
        wd_vec_push(&s->entries, entry);
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
}

size_t
wd_settler_known(struct wd_settler *s, struct wd_id mailbox, struct wd_id *ops, size_t max)
{
    size_t n = 0;

    if (!s)
        return 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->entries.n && n < max; i++)
        if (wd_id_eq(s->entries.p[i].mailbox, mailbox))
            ops[n++] = s->entries.p[i].op;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static bool
named(const struct wd_id *ops, size_t n, struct wd_id op)
{
    for (size_t i = 0; i < n; i++)
        if (wd_id_eq(ops[i], op))
            return true;
    return false;
}

void
wd_settler_forget(struct wd_settler *s, struct wd_id mailbox, const struct wd_id *ops, size_t n)
{
    size_t kept = 0;

    if (!s || n == 0)
        return;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->entries.n; i++)
        if (!wd_id_eq(s->entries.p[i].mailbox, mailbox) || !named(ops, n, s->entries.p[i].op))
            s->entries.p[kept++] = s->entries.p[i];
    s->entries.n = kept;
    pthread_mutex_unlock(&s->lock);
}

/* ---- the thread ---- */

static struct timespec
from_now(long ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* The first mailbox of the list; false when there is none. */
static bool
first(struct wd_settler *s, struct entry *out, struct wd_id *ops, size_t *n)
{
    pthread_mutex_lock(&s->lock);
    if (s->entries.n)
        *out = s->entries.p[0];
    *n = s->entries.n;
    pthread_mutex_unlock(&s->lock);
    if (*n)
        *n = wd_settler_known(s, out->mailbox, ops, AT_ONCE);
    return *n > 0;
}

/* False when the database did not answer. */
static bool
clear_all(struct wd_settler *s)
{
    struct wd_id ops[AT_ONCE];
    struct wd_error ignored; /* tried again in a moment */
    struct entry entry;
    size_t n;

    while (first(s, &entry, ops, &n)) {
        if (!wd_marks_clear(s->docs, entry.user, entry.mailbox, ops, n, &ignored))
            return false;
        wd_settler_forget(s, entry.mailbox, ops, n);
    }
    return true;
}

/* Waits for work, and then a moment for more of it; true when it is time to stop. */
static bool
wait_for_work(struct wd_settler *s, bool failed)
{
    struct timespec until;
    bool stop;

    pthread_mutex_lock(&s->lock);
    while (!s->stop && s->entries.n == 0)
        pthread_cond_wait(&s->wake, &s->lock);
    until = from_now(failed ? RETRY_MS : GATHER_MS);
    while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
        continue;
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void *
run(void *data)
{
    struct wd_settler *s = data;
    bool ok = true;

    while (!wait_for_work(s, !ok))
        ok = clear_all(s);
    clear_all(s);
    return NULL;
}

struct wd_settler *
wd_settler_new(struct wd_docs *docs)
{
    struct wd_settler *s = WD_NEW(struct wd_settler);
    pthread_condattr_t monotonic;

    s->docs = docs;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        abort(); /* no thread at the start: nothing else would work either */
    return s;
}

void
wd_settler_free(struct wd_settler *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    wd_vec_done(&s->entries);
    free(s);
}
