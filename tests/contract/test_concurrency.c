/* Threads on one driver: batches beside readers. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/contract/contract.h"

#include "tests/run.h"

enum { WRITERS = 8, READERS = 3, BATCHES = 40, PER_BATCH = 3 };

static struct contract c;
static atomic_int acknowledged[WRITERS];
static atomic_bool finished;

/* As contract.h has them, but without Check's shared state, which threads can not use. */
static void
must(bool ok, const struct wd_error *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->text);
    abort();
}

static void
make_thing(bson_t *doc, int id, int m, int u)
{
    bson_t list;

    bson_init(doc);
    bson_append_int32(doc, "_id", -1, id);
    bson_append_int32(doc, "x", -1, id);
    bson_append_int32(doc, "m", -1, m);
    bson_append_int32(doc, "u", -1, u);
    bson_append_array_begin(doc, "f", -1, &list);
    bson_append_utf8(&list, "0", 1, "tag", -1);
    bson_append_array_end(doc, &list);
    bson_append_utf8(doc, "bulk", -1, "what is kept apart", -1);
}

/* Batch n of a writer inserts PER_BATCH documents with m = the writer and u = n, and counts them in one counter. */
static void
write_batch(int writer, int n)
{
    bson_t filter = BSON_INITIALIZER, update = BSON_INITIALIZER, inc, doc;
    struct wd_docs *batch;
    struct wd_error err;

    must(wd_docs_batch_begin(c.docs, &batch, &err), &err);
    for (int i = 0; i < PER_BATCH; i++) {
        make_thing(&doc, (writer * BATCHES + n) * PER_BATCH + i, writer, n);
        must(wd_docs_insert(batch, "things", &doc, &err), &err);
        bson_destroy(&doc);
    }
    bson_append_int32(&filter, "_id", -1, 0);
    bson_append_document_begin(&update, "$inc", -1, &inc);
    bson_append_int32(&inc, "n", -1, PER_BATCH);
    bson_append_document_end(&update, &inc);
    must(wd_docs_update(batch, "stuff", &filter, &update, WD_UPDATE_UPSERT, NULL, &err), &err);
    if (n % 7 == 3 && wd_docs_is_atomic(c.docs)) {
        wd_docs_batch_abort(batch);
        must(wd_docs_batch_begin(c.docs, &batch, &err), &err);
        for (int i = 0; i < PER_BATCH; i++) {
            make_thing(&doc, (writer * BATCHES + n) * PER_BATCH + i, writer, n);
            must(wd_docs_insert(batch, "things", &doc, &err), &err);
            bson_destroy(&doc);
        }
        must(wd_docs_update(batch, "stuff", &filter, &update, WD_UPDATE_UPSERT, NULL, &err), &err);
    }
    must(wd_docs_batch_commit(batch, &err), &err);
    atomic_store(&acknowledged[writer], n + 1);
    bson_destroy(&filter);
    bson_destroy(&update);
}

static void *
writer_main(void *data)
{
    int writer = *(const int *)data;

    for (int n = 0; n < BATCHES; n++)
        write_batch(writer, n);
    return NULL;
}

/* Every batch is there whole or not at all, and what was acknowledged before the read began is there. */
static void
read_writer(int writer)
{
    int least = atomic_load(&acknowledged[writer]) * PER_BATCH, n = 0, last = -1;
    bson_t filter = BSON_INITIALIZER, sort = BSON_INITIALIZER;
    struct wd_docs_query q = { .sort = &sort };
    struct wd_docs_cursor *cursor;
    struct wd_error err;
    const bson_t *doc;
    bson_iter_t it;

    bson_append_int32(&filter, "m", -1, writer);
    bson_append_int32(&sort, "u", -1, 1);
    must(wd_docs_find(c.docs, "things", &filter, &q, &cursor, &err), &err);
    for (;; n++) {
        must(wd_docs_cursor_next(cursor, &doc, &err), &err);
        if (!doc)
            break;
        if (!bson_iter_init_find(&it, doc, "u") || bson_iter_int32(&it) < last || !bson_has_field(doc, "bulk"))
            abort();
        last = bson_iter_int32(&it);
    }
    wd_docs_cursor_free(cursor);
    if (n < least || (wd_docs_is_atomic(c.docs) && n % PER_BATCH != 0))
        abort();
    bson_destroy(&filter);
    bson_destroy(&sort);
}

static void *
reader_main(void *data)
{
    (void)data;
    while (!atomic_load(&finished))
        for (int writer = 0; writer < WRITERS; writer++)
            read_writer(writer);
    return NULL;
}

START_TEST(batches_of_many_threads_are_whole)
{
    pthread_t writers[WRITERS], readers[READERS];
    int numbers[WRITERS];

    contract_suite(CONTRACT_DOCS);
    contract_begin(&c, _i);
    atomic_store(&finished, false);
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, reader_main, NULL);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        atomic_store(&acknowledged[i], 0);
        pthread_create(&writers[i], NULL, writer_main, &numbers[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&finished, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    ck_assert_int_eq(count(&c, "things", "{'f': 'tag'}"), WRITERS * BATCHES * PER_BATCH);
    ck_assert_int_eq(count(&c, "stuff", "{'n': 960}"), 1);
    contract_end(&c);
}
END_TEST

static void *
counter_main(void *data)
{
    struct wd_bus_count out;
    struct wd_error err;

    (void)data;
    for (int i = 0; i < 500; i++) {
        must(wd_bus_count(c.bus, WD_STR("n"), 1, 0, 60, &out, &err), &err);
        must(wd_bus_publish(c.bus, WD_STR("ch"), WD_STR("x"), &err), &err);
    }
    return NULL;
}

static void
hear(void *data, struct wd_str channel, struct wd_str payload)
{
    (void)channel, (void)payload;
    atomic_fetch_add((atomic_int *)data, 1);
}

START_TEST(counters_lose_nothing)
{
    static atomic_int beacons;
    struct wd_bus_count out;
    pthread_t threads[8];
    struct wd_error err;

    contract_suite(CONTRACT_BUS);
    contract_begin(&c, _i);
    ck_ok(wd_bus_subscribe(c.bus, WD_STR("ch"), hear, &beacons, &err));
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, counter_main, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ck_ok(wd_bus_count(c.bus, WD_STR("n"), 0, 0, 60, &out, &err));
    ck_assert_int_eq(out.value, 4000);
    contract_end(&c);
}
END_TEST

static void *
blob_main(void *data)
{
    struct wd_blob_info info = { .length = 600000 };
    struct wd_blob_ref ref = { .count = 1, .magic_sum = 3 };
    char *bytes = calloc(1, 600000);
    struct wd_blob_writer *w;
    struct wd_error err;

    (void)data;
    for (int i = 0; i < 6; i++) {
        memset(ref.key.b, i, sizeof ref.key.b); /* all threads write the same bodies */
        must(wd_blobs_write_begin(c.blobs, &ref.key, &w, &err), &err);
        must(wd_blobs_write(w, wd_str_n(bytes, 600000), &err), &err);
        must(wd_blobs_write_finish(w, &err), &err);
        must(wd_blobs_add(c.blobs, NULL, &ref, &info, &err), &err);
    }
    free(bytes);
    return NULL;
}

START_TEST(one_body_from_many_threads_is_stored_once)
{
    pthread_t threads[4];

    contract_suite(CONTRACT_BLOBS);
    contract_begin(&c, _i);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, blob_main, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(count(&c, "attachments.files", "{'metadata.c': 4, 'metadata.m': 12}"), 6);
    contract_end(&c);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("concurrency");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, batches_of_many_threads_are_whole, 0, contract_suite(CONTRACT_DOCS));
    tcase_add_loop_test(t, counters_lose_nothing, 0, contract_suite(CONTRACT_BUS));
    tcase_add_loop_test(t, one_body_from_many_threads_is_stored_once, 0, contract_suite(CONTRACT_BLOBS));
    return run_case("concurrency", t);
}
