/* store-svc/driver/mongo/builder.c – builds indexes in the background, so that a start does not wait for hours. */
#include <pthread.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/driver/mongo/ensure_priv.h"

enum {
    DATABASES = WD_DB_FILES + 1,
    WAIT_AT_CLOSE_S = 3,
};

struct job {
    enum wd_docs_database database;
    char *coll;
    bson_t *spec;
    atomic_bool *missing;
};

struct mongo_builder {
    struct mongo_link *link;
    struct WD_VEC(struct job) jobs; /* not changed after the start */
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards the two, and the `missing` of the jobs */
    bool abandoned;       /* nobody waits any more: the thread frees all */
    bool finished;
};

struct mongo_builder *
mongo_builder_new(struct mongo_link *link)
{
    struct mongo_builder *b = WD_NEW(struct mongo_builder);

    b->link = mongo_link_share(link);
    atomic_init(&b->stopping, false);
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void
mongo_builder_add(struct mongo_builder *b, enum wd_docs_database database, const char *coll, const bson_t *spec,
                  atomic_bool *missing)
{
    struct job job = { database, strdup(coll), bson_copy(spec), missing };

    wd_vec_push(&b->jobs, job);
}

static void
destroy(struct mongo_builder *b)
{
    for (size_t i = 0; i < b->jobs.n; i++) {
        free(b->jobs.p[i].coll);
        bson_destroy(b->jobs.p[i].spec);
    }
    wd_vec_done(&b->jobs);
    pthread_mutex_destroy(&b->lock);
    mongo_link_release(b->link);
    free(b);
}

static const char *
index_name(const struct job *job)
{
    bson_iter_t it;

    return bson_iter_init_find(&it, job->spec, "name") ? bson_iter_utf8(&it, NULL) : "?";
}

static void
build(struct mongo_builder *b, struct job *job, mongoc_client_t **clients)
{
    const bson_t *spec = job->spec;
    int64_t start = wd_mono_ms();
    bson_error_t why = { 0 };

    if (!clients[job->database])
        clients[job->database] = mongo_link_patient_client(b->link, job->database, MONGO_BUILD_MS);
    if (!clients[job->database] ||
        !mongo_index_create(clients[job->database], mongo_link_database(b->link, job->database), job->coll, &spec, 1,
                            &why)) {
        wd_log(WD_LOG_WARN, "index not built, queries that want it are slow", WD_KV("collection", job->coll),
               WD_KV("index", index_name(job)), WD_KV("text", why.message));
        return;
    }
    wd_log(WD_LOG_INFO, "index built", WD_KV("collection", job->coll), WD_KV("index", index_name(job)),
           WD_KV_INT("ms", wd_mono_ms() - start));
    pthread_mutex_lock(&b->lock);
    if (!b->abandoned)
        atomic_store(job->missing, false);
    pthread_mutex_unlock(&b->lock);
}

static void *
run(void *data)
{
    mongoc_client_t *clients[DATABASES] = { NULL };
    struct mongo_builder *b = data;
    bool abandoned;

    for (size_t i = 0; i < b->jobs.n && !atomic_load(&b->stopping); i++)
        build(b, &b->jobs.p[i], clients);
    for (size_t i = 0; i < DATABASES; i++)
        mongoc_client_destroy(clients[i]);
    pthread_mutex_lock(&b->lock);
    b->finished = true;
    abandoned = b->abandoned;
    pthread_mutex_unlock(&b->lock);
    if (abandoned)
        destroy(b);
    return NULL;
}

bool
mongo_builder_start(struct mongo_builder *b, struct wd_error *err)
{
    b->started = pthread_create(&b->thread, NULL, run, b) == 0;
    return b->started || wd_fail(err, WD_INTERNAL, "no thread to build indexes");
}

/* True when the thread is joined; otherwise it frees the builder when its index is built. */
static bool
wait_for_end(struct mongo_builder *b)
{
    struct timespec until;
    bool finished;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_AT_CLOSE_S;
    if (pthread_timedjoin_np(b->thread, NULL, &until) == 0)
        return true;
    pthread_mutex_lock(&b->lock);
    finished = b->finished;
    b->abandoned = !finished;
    pthread_mutex_unlock(&b->lock);
    if (finished)
        pthread_join(b->thread, NULL);
    else
        pthread_detach(b->thread);
    return finished;
}

void
mongo_builder_free(struct mongo_builder *b)
{
    if (!b)
        return;
    atomic_store(&b->stopping, true);
    if (!b->started || wait_for_end(b))
        destroy(b);
}
