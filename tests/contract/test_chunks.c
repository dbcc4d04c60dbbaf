/* What blobs drivers do that keep chunks as documents: the tests leave what another process, dead or alive, could have
 * left, and see what a writer, a reader and a collector make of it. */
#include <pthread.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/hex.h"
#include "store-svc/driver/mongo/mongo.h"
#include "store-svc/port/blob_file.h"
#include "tests/contract/bodies.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;

enum { HOUR = 3600, DAY = 24 * HOUR };

static const char chunks[] = "attachments.chunks", files[] = "attachments.files";

/* Begins a test of what only such a driver does; false with another driver. */
static bool
begin_with_chunks(int driver)
{
    contract_later_ms = 0;
    wd_clock_fix(contract_clock);
    bodies_begin(&c, driver);
    if (strcmp(c.blobs->ops->name, "mongo") == 0)
        return true;
    wd_clock_fix(NULL);
    contract_end(&c);
    return false;
}

static void
end_with_chunks(void)
{
    wd_clock_fix(NULL);
    contract_end(&c);
}

/* A chunk as somebody wrote it some hours ago. */
static void
put_chunk(uint8_t key, int32_t n, const char *bytes, size_t length, int hours_ago)
{
    struct wd_blob_key k = key_of(key);
    bson_t doc = BSON_INITIALIZER;
    struct wd_id id;
    bson_oid_t oid;

    contract_later_ms -= (int64_t)hours_ago * HOUR * 1000;
    id = wd_id_new();
    contract_later_ms += (int64_t)hours_ago * HOUR * 1000;
    memcpy(oid.bytes, id.b, sizeof oid.bytes);
    bson_append_oid(&doc, "_id", -1, &oid);
    wd_blob_file_append_key(&doc, "files_id", &k);
    bson_append_int32(&doc, "n", -1, n);
    bson_append_binary(&doc, "data", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)bytes, (uint32_t)length);
    ck_ok(wd_docs_insert(c.docs, chunks, &doc, &err));
    bson_destroy(&doc);
}

/* The right bytes of chunk n of a body of this length. */
static void
put_right_chunk(uint8_t key, int32_t n, size_t length, int hours_ago)
{
    size_t from = (size_t)n * WD_BLOB_CHUNK, size = length - from < WD_BLOB_CHUNK ? length - from : WD_BLOB_CHUNK;
    char *bytes = wd_alloc(size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(from + i);
    put_chunk(key, n, bytes, size, hours_ago);
    free(bytes);
}

static bool
add(uint8_t key, size_t length)
{
    struct wd_blob_ref ref = ref_of(key, 1, 5);
    struct wd_blob_info info = info_of(length);

    return wd_blobs_add(c.blobs, NULL, &ref, &info, &err);
}

static void
remove_row(uint8_t key)
{
    struct wd_blob_key k = key_of(key);
    bson_t filter = BSON_INITIALIZER;

    wd_blob_file_append_key(&filter, "_id", &k);
    ck_ok(wd_docs_remove_one(c.docs, files, &filter, NULL, &err));
    bson_destroy(&filter);
}

static uint64_t
collect(void)
{
    uint64_t removed;

    ck_ok(wd_blobs_collect(c.blobs, DAY, 1000, &removed, &err));
    return removed;
}

START_TEST(a_body_is_chunks_of_255_kib)
{
    if (!begin_with_chunks(_i))
        return;
    add_body(&c, 0, 0, ref_of(0, 1, 5));
    ck_assert_int_eq(count(&c, chunks, "{}"), 0);
    add_body(&c, 1, WD_BLOB_CHUNK, ref_of(1, 1, 5));
    ck_assert_int_eq(count(&c, chunks, "{'n': 0}"), 1);
    ck_assert_int_eq(count(&c, chunks, "{}"), 1);
    add_body(&c, 2, 30 * WD_BLOB_CHUNK + 1, ref_of(2, 1, 5));
    ck_assert_int_eq(count(&c, chunks, "{'n': 30}"), 1);
    ck_assert_int_eq(count(&c, chunks, "{}"), 32);
    end_with_chunks();
}
END_TEST

START_TEST(a_new_body_takes_few_commands)
{
    struct wd_blob_key key = key_of(1);
    struct wd_blob_info info;
    uint64_t before;
    bool found;

    if (!begin_with_chunks(_i))
        return;
    before = wd_mongo_commands();
    ck_ok(wd_blobs_stat(c.blobs, &key, &info, &found, &err));
    add_body(&c, 1, 100 * 1024, ref_of(1, 1, 5));
    ck_assert_uint_eq(wd_mongo_commands() - before, 3);
    before = wd_mongo_commands();
    ck_ok(wd_blobs_stat(c.blobs, &key, &info, &found, &err));
    ck_ok(add(1, 100 * 1024));
    ck_assert_uint_eq(wd_mongo_commands() - before, 2);
    add_body(&c, 2, 3 << 20, ref_of(2, 1, 5));
    before = wd_mongo_commands();
    check_range(&c, 2, 12345, 1 << 20, 1 << 20);
    ck_assert_uint_eq(wd_mongo_commands() - before, 2);
    end_with_chunks();
}
END_TEST

START_TEST(an_old_chunk_is_overwritten_and_young_again)
{
    if (!begin_with_chunks(_i))
        return;
    put_chunk(1, 0, "other bytes", 11, 30); /* of a body that was collected; its collector is about to come here */
    put_chunk(2, 0, "other bytes", 11, 13);
    write_body(&c, 1, 1000, 1000);
    write_body(&c, 2, 1000, 1000);
    ck_assert_uint_eq(collect(), 0);
    ck_assert_int_eq(count(&c, chunks, "{'refreshed': {'$exists': true}}"), 2);
    contract_later_ms += 11 * HOUR * 1000; /* what the process remembers is forgotten */
    ck_ok(add(1, 1000));
    contract_later_ms += 2 * HOUR * 1000;
    ck_fails(add(2, 1000), WD_CONFLICT);
    check_range(&c, 1, 0, 1000, 1000);
    contract_later_ms += 11 * HOUR * 1000;
    ck_assert_uint_eq(collect(), 1); /* 2, which nobody added */
    check_range(&c, 1, 0, 1000, 1000);
    end_with_chunks();
}
END_TEST

START_TEST(a_young_chunk_is_used_as_it_is)
{
    const size_t length = 3 * WD_BLOB_CHUNK + 10;

    if (!begin_with_chunks(_i))
        return;
    for (int32_t n = 1; n < 4; n++)
        put_right_chunk(1, n, length, n * 4 - 1); /* the last is 11 hours old */
    add_body(&c, 1, length, ref_of(1, 1, 5));
    ck_assert_int_eq(count(&c, chunks, "{}"), 4);
    ck_assert_int_eq(count(&c, chunks, "{'refreshed': {'$exists': true}}"), 0);
    check_range(&c, 1, 0, length, length);
    end_with_chunks();
}
END_TEST

/* What is left of a writer that died, in the middle of a body of several bulk inserts. */
START_TEST(a_part_of_a_dead_writer_is_completed)
{
    const size_t length = 20 * WD_BLOB_CHUNK + 77;

    if (!begin_with_chunks(_i))
        return;
    for (int32_t n = 0; n < 15; n++)
        put_right_chunk(1, n, length, n % 3 * 12); /* new, 12 hours and 24 hours old */
    ck_fails(add(1, length), WD_CONFLICT);
    write_body(&c, 1, length, 1 << 20);
    contract_later_ms += HOUR * 1000;
    ck_assert_uint_eq(collect(), 0);
    ck_ok(add(1, length));
    ck_assert_int_eq(count(&c, chunks, "{}"), 21);
    check_range(&c, 1, 0, length, length);
    contract_later_ms += (int64_t)3 * DAY * 1000;
    ck_assert_uint_eq(collect(), 0);
    check_range(&c, 1, 0, length, length);
    end_with_chunks();
}
END_TEST

START_TEST(chunks_of_another_process_are_enough_when_they_are_young)
{
    const size_t length = 2 * WD_BLOB_CHUNK;

    if (!begin_with_chunks(_i))
        return;
    put_right_chunk(1, 0, length, 11);
    ck_fails(add(1, length), WD_CONFLICT); /* the last one is not there */
    put_right_chunk(1, 1, length, 0);
    ck_ok(add(1, length));
    check_range(&c, 1, 0, length, length);
    put_right_chunk(2, 0, length, 13); /* the first one is too old */
    put_right_chunk(2, 1, length, 0);
    ck_fails(add(2, length), WD_CONFLICT);
    put_right_chunk(3, 1, length, 0); /* the first one is not there */
    ck_fails(add(3, length), WD_CONFLICT);
    end_with_chunks();
}
END_TEST

/* A writer that asked before the body was there, and comes when its chunks are old. */
START_TEST(a_late_writer_leaves_the_chunks_of_a_body_in_use)
{
    if (!begin_with_chunks(_i))
        return;
    add_body(&c, 1, 1000, ref_of(1, 1, 5));
    contract_later_ms += 13 * HOUR * 1000;
    write_body(&c, 1, 1000, 1000);
    ck_assert_int_eq(count(&c, chunks, "{'refreshed': {'$exists': true}}"), 0);
    remove_row(1); /* and then it goes: those chunks must not be relied on */
    ck_fails(add(1, 1000), WD_CONFLICT);
    add_body(&c, 1, 1000, ref_of(1, 1, 5));
    contract_later_ms += 23 * HOUR * 1000;
    ck_assert_uint_eq(collect(), 0);
    check_range(&c, 1, 0, 1000, 1000);
    end_with_chunks();
}
END_TEST

/* The steps of a collector and a writer of the same body in one of their orders: the row goes, the writer finds none
 * and writes over the old chunks, the collector comes to the chunks, the writer adds the row. */
START_TEST(a_collector_between_write_and_add_takes_nothing)
{
    const size_t length = 2 * WD_BLOB_CHUNK + 5;
    struct wd_blob_ref ref = ref_of(1, 1, 5);

    if (!begin_with_chunks(_i))
        return;
    add_body(&c, 1, length, ref);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &ref, 1, &err));
    contract_later_ms += (int64_t)3 * DAY * 1000;
    remove_row(1);
    write_body(&c, 1, length, 100000);
    ck_assert_uint_eq(collect(), 0);
    ck_ok(add(1, length));
    ck_assert_uint_eq(collect(), 0);
    check_range(&c, 1, 0, length, length);
    end_with_chunks();
}
END_TEST

/* The other order: chunks go after the row did, those of another body that is in use and as old do not. */
START_TEST(chunks_without_a_row_are_collected_when_they_are_old)
{
    uint64_t removed;

    if (!begin_with_chunks(_i))
        return;
    add_body(&c, 1, 3 * WD_BLOB_CHUNK, ref_of(1, 1, 5));
    put_right_chunk(2, 1, 3 * WD_BLOB_CHUNK, 25); /* the rest of a collector that died */
    put_right_chunk(3, 0, 3 * WD_BLOB_CHUNK, 25);
    put_right_chunk(3, 1, 3 * WD_BLOB_CHUNK, 23);
    ck_ok(wd_blobs_collect(c.blobs, 2 * DAY, 10, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    ck_ok(wd_blobs_collect(c.blobs, DAY, 1, &removed, &err));
    ck_assert_uint_eq(removed, 1);
    ck_assert_uint_eq(collect(), 1);
    ck_assert_int_eq(count(&c, chunks, "{}"), 4); /* with the young one of 3 */
    contract_later_ms += (int64_t)3 * DAY * 1000;
    ck_assert_uint_eq(collect(), 1);
    check_range(&c, 1, 0, 3 * WD_BLOB_CHUNK, 3 * WD_BLOB_CHUNK);
    end_with_chunks();
}
END_TEST

/* However short the grace for bodies is (everything, at once): the chunks of writers at work stay. */
START_TEST(young_chunks_survive_a_collection_of_everything)
{
    struct wd_blob_ref ref = ref_of(1, 1, 5);
    uint64_t removed;

    if (!begin_with_chunks(_i))
        return;
    add_body(&c, 1, 1000, ref);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &ref, 1, &err));
    write_body(&c, 2, 1000, 1000);
    contract_later_ms += 1000;
    ck_ok(wd_blobs_collect(c.blobs, 0, 100, &removed, &err));
    ck_assert_uint_eq(removed, 1);
    ck_assert_int_eq(count(&c, files, "{}"), 0);
    ck_ok(add(1, 1000));
    ck_ok(add(2, 1000));
    check_range(&c, 1, 0, 1000, 1000);
    check_range(&c, 2, 0, 1000, 1000);
    end_with_chunks();
}
END_TEST

enum { WRITERS = 4, BODIES = 3, BODY_BYTES = 14 * WD_BLOB_CHUNK + 1000 };

static char many_bytes[BODY_BYTES];

/* Writes and adds each body once, beginning with another one than the others do. */
static void *
run_writer(void *data)
{
    size_t first = *(const size_t *)data;
    bool ok = true;
    struct wd_error why;

    for (size_t i = 0; ok && i < BODIES; i++) {
        struct wd_blob_ref ref = ref_of((uint8_t)((first + i) % BODIES), 1, 7);
        struct wd_blob_info info = info_of(BODY_BYTES);
        struct wd_blob_writer *w;
        ok = wd_blobs_write_begin(c.blobs, &ref.key, &w, &why);
        if (ok && !wd_blobs_write(w, wd_str_n(many_bytes, BODY_BYTES), &why)) {
            wd_blobs_write_abort(w);
            ok = false;
        } else if (ok) {
            ok = wd_blobs_write_finish(w, &why) && wd_blobs_add(c.blobs, NULL, &ref, &info, &why);
        }
    }
    return ok ? NULL : strdup(why.text);
}

START_TEST(writers_of_the_same_bodies_at_once)
{
    pthread_t threads[WRITERS];
    size_t first[WRITERS];

    if (!begin_with_chunks(_i))
        return;
    for (size_t i = 0; i < BODY_BYTES; i++)
        many_bytes[i] = byte_at(i);
    for (size_t i = 0; i < WRITERS; i++) {
        first[i] = i / 2;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_writer, &first[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        void *why;
        ck_assert_int_eq(pthread_join(threads[i], &why), 0);
        ck_assert_msg(why == NULL, "%s", (const char *)why);
    }
    ck_assert_int_eq(count(&c, files, "{'metadata.c': 4, 'metadata.m': 28}"), BODIES);
    ck_assert_int_eq(count(&c, chunks, "{}"), BODIES * 15);
    for (uint8_t i = 0; i < BODIES; i++)
        check_range(&c, i, 0, BODY_BYTES, BODY_BYTES);
    end_with_chunks();
}
END_TEST

/* ---- rows of existing installations ---- */

START_TEST(the_chunk_size_of_the_row_counts)
{
    char bytes[900];

    if (!begin_with_chunks(_i))
        return;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_at(i);
    put_row(&c, 1, "{'length': 900.0, 'chunkSize': 400.0, 'metadata': {'c': 1, 'm': 5}}");
    for (int32_t n = 0; n < 3; n++)
        put_chunk(1, n, bytes + n * 400, n < 2 ? 400 : 100, 100 * 24);
    check_range(&c, 1, 0, 1000, 900);
    check_range(&c, 1, 399, 2, 2);
    check_range(&c, 1, 799, 50, 50);
    ck_assert_uint_eq(collect(), 0);
    end_with_chunks();
}
END_TEST

START_TEST(an_old_row_without_references_is_collected)
{
    if (!begin_with_chunks(_i))
        return;
    put_row(&c, 1, "{'length': 5, 'chunkSize': 400, 'metadata': {'c': 0.0, 'm': 0.0}}");
    put_row(&c, 2, "{'length': 5, 'chunkSize': 400, 'metadata': {'c': 0, 'm': {'$numberLong': '0'}, 'cu': null}}");
    put_row(&c, 3, "{'length': 5, 'chunkSize': 400, 'metadata': {'c': 0, 'm': 12.0, 'cu': null}}");
    put_row(&c, 4, "{'length': 5, 'chunkSize': 400, 'metadata': {'c': -1.0, 'm': 0}}");
    for (uint8_t i = 1; i <= 4; i++)
        put_chunk(i, 0, "hello", 5, 100 * 24);
    ck_assert_uint_eq(collect(), 2);
    ck_assert_int_eq(count(&c, files, "{}"), 2);
    ck_assert_int_eq(count(&c, chunks, "{}"), 2);
    end_with_chunks();
}
END_TEST

/* Reading the body fails, and the text names it. */
static void
check_lost(uint8_t key, uint64_t offset, size_t n)
{
    struct wd_blob_key k = key_of(key);
    struct wd_buf out = { 0 }, hex = { 0 };

    wd_buf_c(&out, "before");
    ck_fails(wd_blobs_read(c.blobs, &k, offset, n, &out, &err), WD_DATA_LOSS);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("before")));
    wd_hex_encode(&hex, k.b, sizeof k.b);
    ck_assert_msg(wd_str_find(wd_str_c(err.text), wd_buf_view(&hex)) != SIZE_MAX, "%s", err.text);
    wd_buf_done(&hex);
    wd_buf_done(&out);
}

START_TEST(chunks_that_do_not_fit_are_a_loss)
{
    static const char *const rows[] = {
        "{'length': 900, 'chunkSize': 0}",         "{'length': 900, 'chunkSize': -400}",
        "{'length': -1, 'chunkSize': 400}",        "{'length': 900}",
        "{'length': '900', 'chunkSize': 400}",     "{'length': {'$numberDouble': 'NaN'}, 'chunkSize': 400}",
        "{'length': 900, 'chunkSize': 100000000}", "{'length': {'$numberLong': '9000000000000'}, 'chunkSize': 1}",
    };
    char bytes[500] = { 0 };

    if (!begin_with_chunks(_i))
        return;
    check_lost(100, 0, 10);
    put_row(&c, 1, "{'length': 900, 'chunkSize': 400}");
    put_chunk(1, 0, bytes, 400, 0);
    check_lost(1, 0, 900);
    put_chunk(1, 2, bytes, 100, 0);
    check_lost(1, 0, 900); /* the one in the middle is missing */
    check_lost(1, 400, 1);
    put_chunk(1, 1, bytes, 399, 0);
    check_lost(1, 0, 900); /* it is too short */
    put_row(&c, 2, "{'length': 900, 'chunkSize': 400}");
    for (int32_t n = 0; n < 3; n++)
        put_chunk(2, n, bytes, n == 1 ? 401 : n == 2 ? 101 : 400, 0);
    check_lost(2, 400, 10);
    check_lost(2, 800, 10);
    for (uint8_t i = 0; i < WD_COUNT(rows); i++) {
        put_row(&c, (uint8_t)(10 + i), rows[i]);
        check_lost((uint8_t)(10 + i), 0, 10);
    }
    end_with_chunks();
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("chunks");
    int n = contract_suite(CONTRACT_BLOBS);

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_body_is_chunks_of_255_kib, 0, n);
    tcase_add_loop_test(t, a_new_body_takes_few_commands, 0, n);
    tcase_add_loop_test(t, an_old_chunk_is_overwritten_and_young_again, 0, n);
    tcase_add_loop_test(t, a_young_chunk_is_used_as_it_is, 0, n);
    tcase_add_loop_test(t, a_part_of_a_dead_writer_is_completed, 0, n);
    tcase_add_loop_test(t, chunks_of_another_process_are_enough_when_they_are_young, 0, n);
    tcase_add_loop_test(t, a_late_writer_leaves_the_chunks_of_a_body_in_use, 0, n);
    tcase_add_loop_test(t, a_collector_between_write_and_add_takes_nothing, 0, n);
    tcase_add_loop_test(t, chunks_without_a_row_are_collected_when_they_are_old, 0, n);
    tcase_add_loop_test(t, young_chunks_survive_a_collection_of_everything, 0, n);
    tcase_add_loop_test(t, writers_of_the_same_bodies_at_once, 0, n);
    tcase_add_loop_test(t, the_chunk_size_of_the_row_counts, 0, n);
    tcase_add_loop_test(t, an_old_row_without_references_is_collected, 0, n);
    tcase_add_loop_test(t, chunks_that_do_not_fit_are_a_loss, 0, n);
    return run_case("chunks", t);
}
