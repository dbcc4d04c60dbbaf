/* What every blobs driver does. */
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;

static int64_t later_ms;

static int64_t
shifted_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + later_ms;
}

static struct wd_blob_key
key_of(uint8_t n)
{
    struct wd_blob_key key;

    memset(key.b, n, sizeof key.b);
    return key;
}

static struct wd_blob_ref
ref_of(uint8_t n, uint32_t count, uint64_t magic)
{
    return (struct wd_blob_ref){ key_of(n), count, magic };
}

static struct wd_blob_info
info_of(uint64_t length)
{
    return (struct wd_blob_info){ .length = length,
                                  .encoded_length = length * 4 / 3,
                                  .decoded = true,
                                  .line_length = 76,
                                  .tail = 1,
                                  .transfer_encoding = "base64",
                                  .content_type = "image/png",
                                  .content_hash = "aGFzaA==" };
}

static char
byte_at(uint64_t offset)
{
    return (char)(offset * 31 + offset / 1000);
}

static void
write_body(uint8_t n, size_t length, size_t piece)
{
    struct wd_blob_key key = key_of(n);
    struct wd_blob_writer *w;
    char *bytes = wd_alloc(length + 1);

    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(i);
    ck_ok(wd_blobs_write_begin(c.blobs, &key, &w, &err));
    for (size_t at = 0; at < length; at += piece)
        ck_ok(wd_blobs_write(w, wd_str_n(bytes + at, length - at < piece ? length - at : piece), &err));
    ck_ok(wd_blobs_write_finish(w, &err));
    free(bytes);
}

static void
add_body(uint8_t n, size_t length, struct wd_blob_ref ref)
{
    struct wd_blob_info info = info_of(length);

    write_body(n, length, 100000);
    ck_ok(wd_blobs_add(c.blobs, NULL, &ref, &info, &err));
}

static void
check_range(uint8_t n, uint64_t offset, size_t want, size_t expected)
{
    struct wd_buf out = { 0 };
    struct wd_blob_key key = key_of(n);

    ck_ok(wd_blobs_read(c.blobs, &key, offset, want, &out, &err));
    ck_assert_uint_eq(out.n, expected);
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] != byte_at(offset + i))
            ck_abort_msg("byte %zu differs", i);
    wd_buf_done(&out);
}

START_TEST(a_body_comes_back_in_any_range)
{
    static const size_t lengths[] = { 0, 1, WD_BLOB_CHUNK - 1, WD_BLOB_CHUNK, WD_BLOB_CHUNK + 1,
                                      7 * WD_BLOB_CHUNK + 12345 };

    contract_begin(&c, _i);
    for (size_t i = 0; i < WD_COUNT(lengths); i++) {
        add_body((uint8_t)i, lengths[i], ref_of((uint8_t)i, 1, 5));
        check_range((uint8_t)i, 0, lengths[i] + 10, lengths[i]);
    }
    check_range(5, WD_BLOB_CHUNK - 3, 6, 6);
    check_range(5, 7 * WD_BLOB_CHUNK + 12340, 100, 5);
    check_range(5, 1000000000, 100, 0);
    check_range(5, 3 * WD_BLOB_CHUNK, WD_BLOB_CHUNK, WD_BLOB_CHUNK);
    contract_end(&c);
}
END_TEST

START_TEST(stat_tells_what_add_was_told)
{
    struct wd_blob_key key = key_of(1);
    struct wd_blob_info info;
    bool found;

    contract_begin(&c, _i);
    ck_ok(wd_blobs_stat(c.blobs, &key, &info, &found, &err));
    ck_assert(!found);
    add_body(1, 300, ref_of(1, 1, 5));
    ck_ok(wd_blobs_stat(c.blobs, &key, &info, &found, &err));
    ck_assert(found);
    ck_assert_uint_eq(info.length, 300);
    ck_assert_uint_eq(info.encoded_length, 400);
    ck_assert(info.decoded && info.line_length == 76 && info.tail == 1);
    ck_assert_str_eq(info.transfer_encoding, "base64");
    ck_assert_str_eq(info.content_type, "image/png");
    ck_assert_str_eq(info.content_hash, "aGFzaA==");
    contract_end(&c);
}
END_TEST

START_TEST(the_files_document_has_the_stored_shape)
{
    static const char *const kept[] = { "metadata.c", "metadata.m" };
    struct wd_blob_ref more = ref_of(1, 2, 11), less = ref_of(1, 1, 4);
    bson_t filter = BSON_INITIALIZER, doc = BSON_INITIALIZER;
    static const int64_t want[] = { 2, 12 };
    bson_iter_t it, at;
    bool found;

    contract_begin(&c, _i);
    add_body(1, 300, ref_of(1, 1, 5));
    ck_ok(wd_blobs_ref(c.blobs, NULL, &more, &found, &err));
    ck_assert(found);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &less, 1, &err));
    bson_append_binary(&filter, "_id", -1, BSON_SUBTYPE_BINARY, more.key.b, 32);
    ck_ok(wd_docs_find_one(c.docs, "attachments.files", &filter, NULL, &doc, &found, &err));
    ck_assert(found);
    for (size_t i = 0; i < WD_COUNT(kept); i++) {
        ck_assert(bson_iter_init(&it, &doc) && bson_iter_find_descendant(&it, kept[i], &at));
        ck_assert_int_eq(bson_iter_as_int64(&at), want[i]);
    }
    ck_assert(bson_iter_init_find(&it, &doc, "chunkSize") && bson_iter_as_int64(&it) == WD_BLOB_CHUNK);
    ck_assert(bson_iter_init_find(&it, &doc, "uploadDate") && BSON_ITER_HOLDS_DATE_TIME(&it));
    bson_destroy(&doc);
    bson_destroy(&filter);
    contract_end(&c);
}
END_TEST

START_TEST(references_go_with_the_batch)
{
    struct wd_blob_ref ref = ref_of(1, 1, 5);
    struct wd_blob_info info = info_of(10);
    struct wd_docs *batch;
    bool found;

    contract_begin(&c, _i);
    write_body(1, 10, 10);
    ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
    ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err));
    if (wd_docs_is_atomic(c.docs)) {
        wd_docs_batch_abort(batch);
        ck_ok(wd_blobs_ref(c.blobs, NULL, &ref, &found, &err));
        ck_assert(!found);
        ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
        ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err));
    }
    ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err)); /* the same again is one more reference */
    ck_ok(wd_docs_batch_commit(batch, &err));
    ck_ok(wd_blobs_ref(c.blobs, NULL, &ref, &found, &err));
    ck_assert(found);
    ck_assert_int_eq(count(&c, "attachments.files", "{'metadata.c': 3, 'metadata.m': 15}"), 1);
    contract_end(&c);
}
END_TEST

START_TEST(what_is_not_finished_is_not_there)
{
    struct wd_blob_ref ref = ref_of(1, 1, 5);
    struct wd_blob_info info = info_of(10);
    struct wd_blob_writer *w;
    struct wd_buf out = { 0 };
    char *bytes = wd_alloc(6 * WD_BLOB_CHUNK);

    contract_begin(&c, _i);
    ck_ok(wd_blobs_write_begin(c.blobs, &ref.key, &w, &err));
    ck_ok(wd_blobs_write(w, wd_str_n(bytes, 6 * WD_BLOB_CHUNK), &err));
    ck_fails(wd_blobs_read(c.blobs, &ref.key, 0, 10, &out, &err), WD_DATA_LOSS);
    ck_fails(wd_blobs_add(c.blobs, NULL, &ref, &info, &err), WD_CONFLICT);
    wd_blobs_write_abort(w);
    ck_fails(wd_blobs_add(c.blobs, NULL, &ref, &info, &err), WD_CONFLICT);
    wd_blobs_write_abort(NULL);
    free(bytes);
    contract_end(&c);
}
END_TEST

START_TEST(two_writers_of_one_key_are_fine)
{
    struct wd_blob_key key = key_of(1);
    struct wd_blob_writer *a, *b;
    size_t length = 5 * WD_BLOB_CHUNK + 7;
    char *bytes = wd_alloc(length);

    contract_begin(&c, _i);
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(i);
    ck_ok(wd_blobs_write_begin(c.blobs, &key, &a, &err));
    ck_ok(wd_blobs_write_begin(c.blobs, &key, &b, &err));
    ck_ok(wd_blobs_write(a, wd_str_n(bytes, length), &err));
    ck_ok(wd_blobs_write(b, wd_str_n(bytes, length), &err));
    ck_ok(wd_blobs_write_finish(b, &err));
    ck_ok(wd_blobs_write_finish(a, &err));
    check_range(1, 0, length, length);
    free(bytes);
    contract_end(&c);
}
END_TEST

START_TEST(only_what_is_unused_for_long_is_collected)
{
    struct wd_blob_ref one = ref_of(1, 1, 5), two = ref_of(2, 1, 6), odd = ref_of(3, 1, 7), later = ref_of(4, 1, 8);
    struct wd_buf out = { 0 };
    uint64_t removed;

    later_ms = 0;
    wd_clock_fix(shifted_clock);
    contract_begin(&c, _i);
    add_body(1, 10, one);
    add_body(2, 10, two); /* stays in use */
    add_body(3, 10, odd);
    write_body(5, 10, 10); /* never added */
    ck_ok(wd_blobs_unref(c.blobs, NULL, &one, 1, &err));
    odd.magic_sum--; /* the counters disagree */
    ck_ok(wd_blobs_unref(c.blobs, NULL, &odd, 1, &err));
    ck_ok(wd_blobs_collect(c.blobs, 3600, 100, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    later_ms = 7200 * 1000;
    add_body(4, 10, later);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &later, 1, &err)); /* unused, but not for long */
    ck_ok(wd_blobs_collect(c.blobs, 3600, 100, &removed, &err));
    ck_assert_uint_eq(removed, 2);
    ck_fails(wd_blobs_read(c.blobs, &one.key, 0, 10, &out, &err), WD_DATA_LOSS);
    check_range(2, 0, 10, 10);
    check_range(3, 0, 10, 10);
    check_range(4, 0, 10, 10);
    add_body(1, 10, one); /* and back again */
    check_range(1, 0, 10, 10);
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

START_TEST(collect_keeps_to_its_limit)
{
    uint64_t removed, all = 0;

    later_ms = 0;
    wd_clock_fix(shifted_clock);
    contract_begin(&c, _i);
    for (uint8_t i = 0; i < 10; i++)
        write_body(i, 10, 10);
    later_ms = 7200 * 1000;
    for (int i = 0; i < 4; i++) {
        ck_ok(wd_blobs_collect(c.blobs, 3600, 4, &removed, &err));
        ck_assert_uint_le(removed, 4);
        all += removed;
    }
    ck_assert_uint_eq(all, 10);
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

START_TEST(an_upload_grows_at_its_end)
{
    struct wd_id id = wd_id_new();
    struct wd_buf out = { 0 };
    uint64_t size;

    contract_begin(&c, _i);
    ck_fails(wd_blobs_upload_read(c.blobs, id, 0, 1, &out, &err), WD_UPLOAD_NOT_FOUND);
    ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR("hello "), &size, &err));
    ck_ok(wd_blobs_upload_write(c.blobs, id, 6, WD_STR("world"), &size, &err));
    ck_ok(wd_blobs_upload_write(c.blobs, id, 6, WD_STR("wor"), &size, &err));
    ck_assert_uint_eq(size, 11);
    ck_fails(wd_blobs_upload_write(c.blobs, id, 12, WD_STR("x"), &size, &err), WD_INVALID);
    ck_ok(wd_blobs_upload_read(c.blobs, id, 4, 100, &out, &err));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("o world")));
    ck_ok(wd_blobs_upload_drop(c.blobs, id, &err));
    ck_ok(wd_blobs_upload_drop(c.blobs, id, &err));
    ck_fails(wd_blobs_upload_read(c.blobs, id, 0, 1, &out, &err), WD_UPLOAD_NOT_FOUND);
    wd_buf_done(&out);
    contract_end(&c);
}
END_TEST

START_TEST(old_uploads_expire)
{
    struct wd_id id = wd_id_new();
    uint64_t size, removed;

    later_ms = 0;
    wd_clock_fix(shifted_clock);
    contract_begin(&c, _i);
    ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR("hello"), &size, &err));
    ck_ok(wd_blobs_upload_expire(c.blobs, 3600, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    later_ms = 7200 * 1000;
    ck_ok(wd_blobs_upload_expire(c.blobs, 3600, &removed, &err));
    ck_assert_uint_eq(removed, 1);
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("blobs");
    int n = CONTRACT_DRIVERS;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_body_comes_back_in_any_range, 0, n);
    tcase_add_loop_test(t, stat_tells_what_add_was_told, 0, n);
    tcase_add_loop_test(t, the_files_document_has_the_stored_shape, 0, n);
    tcase_add_loop_test(t, references_go_with_the_batch, 0, n);
    tcase_add_loop_test(t, what_is_not_finished_is_not_there, 0, n);
    tcase_add_loop_test(t, two_writers_of_one_key_are_fine, 0, n);
    tcase_add_loop_test(t, only_what_is_unused_for_long_is_collected, 0, n);
    tcase_add_loop_test(t, collect_keeps_to_its_limit, 0, n);
    tcase_add_loop_test(t, an_upload_grows_at_its_end, 0, n);
    tcase_add_loop_test(t, old_uploads_expire, 0, n);
    return run_case("blobs", t);
}
