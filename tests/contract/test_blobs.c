/* What every blobs driver does. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "store-svc/driver/mongo/mongo.h"
#include "tests/contract/bodies.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;

static const char files[] = "attachments.files";

enum { DAY = 24 * 3600 };

START_TEST(a_body_comes_back_in_any_range)
{
    static const size_t lengths[] = { 0, 1, WD_BLOB_CHUNK - 1, WD_BLOB_CHUNK, WD_BLOB_CHUNK + 1,
                                      7 * WD_BLOB_CHUNK + 12345 };

    bodies_begin(&c, _i);
    for (size_t i = 0; i < WD_COUNT(lengths); i++) {
        add_body(&c, (uint8_t)i, lengths[i], ref_of((uint8_t)i, 1, 5));
        check_range(&c, (uint8_t)i, 0, lengths[i] + 10, lengths[i]);
    }
    check_range(&c, 5, WD_BLOB_CHUNK - 3, 6, 6);
    check_range(&c, 5, 7 * WD_BLOB_CHUNK + 12340, 100, 5);
    check_range(&c, 5, 1000000000, 100, 0);
    check_range(&c, 5, 3 * WD_BLOB_CHUNK, WD_BLOB_CHUNK, WD_BLOB_CHUNK);
    contract_end(&c);
}
END_TEST

START_TEST(stat_tells_what_add_was_told)
{
    struct wd_blob_key key = key_of(1);
    struct wd_blob_info info;
    bool found;

    bodies_begin(&c, _i);
    ck_ok(wd_blobs_stat(c.blobs, &key, &info, &found, &err));
    ck_assert(!found);
    add_body(&c, 1, 300, ref_of(1, 1, 5));
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

    bodies_begin(&c, _i);
    add_body(&c, 1, 300, ref_of(1, 1, 5));
    ck_ok(wd_blobs_ref(c.blobs, NULL, &more, 1, &err));
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

    bodies_begin(&c, _i);
    write_body(&c, 1, 10, 10);
    ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
    ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err));
    if (wd_docs_is_atomic(c.docs)) {
        wd_docs_batch_abort(batch);
        ck_ok(wd_blobs_ref(c.blobs, NULL, &ref, 1, &err));
        ck_assert_int_eq(count(&c, "attachments.files", "{}"), 0);
        ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
        ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err));
    }
    ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err)); /* the same again is one more reference */
    ck_ok(wd_docs_batch_commit(batch, &err));
    ck_ok(wd_blobs_ref(c.blobs, NULL, &ref, 1, &err));
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

    bodies_begin(&c, _i);
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
    struct wd_blob_ref ref = ref_of(1, 1, 5);
    struct wd_blob_writer *a, *b;
    size_t length = 5 * WD_BLOB_CHUNK + 7;
    struct wd_blob_info info = info_of(length);
    char *bytes = wd_alloc(length);

    bodies_begin(&c, _i);
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(i);
    ck_ok(wd_blobs_write_begin(c.blobs, &ref.key, &a, &err));
    ck_ok(wd_blobs_write_begin(c.blobs, &ref.key, &b, &err));
    ck_ok(wd_blobs_write(a, wd_str_n(bytes, length), &err));
    ck_ok(wd_blobs_write(b, wd_str_n(bytes, length), &err));
    ck_ok(wd_blobs_write_finish(b, &err));
    ck_ok(wd_blobs_write_finish(a, &err));
    ck_ok(wd_blobs_add(c.blobs, NULL, &ref, &info, &err));
    ck_ok(wd_blobs_add(c.blobs, NULL, &ref, &info, &err));
    check_range(&c, 1, 0, length, length);
    free(bytes);
    contract_end(&c);
}
END_TEST

START_TEST(only_what_is_unused_for_long_is_collected)
{
    struct wd_blob_ref one = ref_of(1, 1, 5), two = ref_of(2, 1, 6), odd = ref_of(3, 1, 7), later = ref_of(4, 1, 8);
    struct wd_buf out = { 0 };
    uint64_t removed;

    contract_later_ms = 0;
    wd_clock_fix(contract_clock);
    bodies_begin(&c, _i);
    add_body(&c, 1, 10, one);
    add_body(&c, 2, 10, two); /* stays in use */
    add_body(&c, 3, 10, odd);
    write_body(&c, 5, 10, 10); /* never added */
    ck_ok(wd_blobs_unref(c.blobs, NULL, &one, 1, &err));
    odd.magic_sum--; /* the counters disagree */
    ck_ok(wd_blobs_unref(c.blobs, NULL, &odd, 1, &err));
    ck_ok(wd_blobs_collect(c.blobs, DAY, 100, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    contract_later_ms = (int64_t)2 * DAY * 1000;
    add_body(&c, 4, 10, later);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &later, 1, &err)); /* unused, but not for long */
    ck_ok(wd_blobs_collect(c.blobs, DAY, 100, &removed, &err));
    ck_assert_uint_eq(removed, 2);
    ck_fails(wd_blobs_read(c.blobs, &one.key, 0, 10, &out, &err), WD_DATA_LOSS);
    check_range(&c, 2, 0, 10, 10);
    check_range(&c, 3, 0, 10, 10);
    check_range(&c, 4, 0, 10, 10);
    add_body(&c, 1, 10, one); /* and back again */
    check_range(&c, 1, 0, 10, 10);
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

START_TEST(collect_keeps_to_its_limit)
{
    uint64_t removed, all = 0;

    contract_later_ms = 0;
    wd_clock_fix(contract_clock);
    bodies_begin(&c, _i);
    for (uint8_t i = 0; i < 10; i++)
        write_body(&c, i, 10, 10);
    contract_later_ms = (int64_t)2 * DAY * 1000;
    for (int i = 0; i < 4; i++) {
        ck_ok(wd_blobs_collect(c.blobs, DAY, 4, &removed, &err));
        ck_assert_uint_le(removed, 4);
        all += removed;
    }
    ck_assert_uint_eq(all, 10);
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

START_TEST(many_bodies_are_counted_at_once)
{
    enum { BODIES = 40, REFS = 2500 };
    struct wd_blob_ref *refs = wd_alloc(REFS * sizeof *refs);
    uint64_t before;

    bodies_begin(&c, _i);
    for (uint8_t i = 0; i < BODIES; i++)
        add_body(&c, i, 10, ref_of(i, 1, 5));
    for (int i = 0; i < REFS; i++)
        refs[i] = ref_of((uint8_t)(i % (2 * BODIES)), 1, 7); /* half of them are not there */
    before = wd_mongo_commands();
    ck_ok(wd_blobs_ref(c.blobs, NULL, refs, REFS, &err));
    ck_assert_uint_le(wd_mongo_commands() - before, 3);
    ck_assert_int_eq(count(&c, "attachments.files", "{}"), BODIES);
    ck_assert_int_eq(count(&c, "attachments.files", "{'metadata.c': 33, 'metadata.m': 229}"), 2500 - 31 * 80);
    ck_assert_int_eq(count(&c, "attachments.files", "{'metadata.c': 32, 'metadata.m': 222}"), 60 - 40);
    ck_ok(wd_blobs_unref(c.blobs, NULL, refs, REFS, &err));
    ck_assert_int_eq(count(&c, "attachments.files", "{'metadata.c': 1, 'metadata.m': 5}"), BODIES);
    ck_ok(wd_blobs_ref(c.blobs, NULL, refs, 0, &err));
    contract_end(&c);
    free(refs);
}
END_TEST

START_TEST(a_large_body_is_read_in_ranges)
{
    const size_t length = 35 << 20, piece = 1 << 20;

    bodies_begin(&c, _i);
    add_body(&c, 1, length, ref_of(1, 1, 5));
    for (size_t at = 0; at < length; at += 7 * piece + 12345)
        check_range(&c, 1, at, piece, length - at < piece ? length - at : piece);
    check_range(&c, 1, 0, length + 1, length);
    contract_end(&c);
}
END_TEST

START_TEST(a_reference_keeps_what_was_unused)
{
    struct wd_blob_ref one = ref_of(1, 1, 5);
    uint64_t removed;

    contract_later_ms = 0;
    wd_clock_fix(contract_clock);
    bodies_begin(&c, _i);
    add_body(&c, 1, 10, one);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &one, 1, &err));
    contract_later_ms = (int64_t)2 * DAY * 1000;
    ck_ok(wd_blobs_ref(c.blobs, NULL, &one, 1, &err));
    ck_ok(wd_blobs_collect(c.blobs, DAY, 100, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    check_range(&c, 1, 0, 10, 10);
    ck_ok(wd_blobs_unref(c.blobs, NULL, &one, 1, &err)); /* unused again, and new at it */
    ck_ok(wd_blobs_collect(c.blobs, DAY, 100, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

START_TEST(an_old_row_is_read)
{
    static const char *const rows[] = {
        "{'length': 900, 'chunkSize': 400, 'contentType': 'a/b', 'metadata': {'m': 5.0, 'c': 1, "
        "'esize': 1200.0, 'transferEncoding': 'base64', 'decoded': true, 'lineLen': 76.0}}",
        "{'length': 900.0, 'chunkSize': 400.0, 'contentType': 'a/b', "
        "'metadata': {'m': {'$numberLong': '5'}, 'c': 1.0, 'esize': {'$numberLong': '1200'}, "
        "'transferEncoding': 'base64', 'decoded': true, 'lineLen': {'$numberLong': '76'}}}",
        "{'length': {'$numberLong': '900'}, 'chunkSize': 400, 'metadata': {'m': 5, 'c': 1, 'cu': null}}",
    };
    struct wd_blob_key none = key_of(9);
    struct wd_blob_info info;
    bool found;

    bodies_begin(&c, _i);
    for (uint8_t i = 0; i < WD_COUNT(rows); i++) {
        struct wd_blob_ref ref = ref_of(i, 1, 5);
        put_row(&c, i, rows[i]);
        ck_ok(wd_blobs_stat(c.blobs, &ref.key, &info, &found, &err));
        ck_assert(found && info.length == 900 && info.decoded == (i < 2) && info.tail == 0);
        ck_assert_uint_eq(info.encoded_length, i < 2 ? 1200 : 900);
        ck_assert_uint_eq(info.line_length, i < 2 ? 76 : 0);
        ck_assert_str_eq(info.content_type, i < 2 ? "a/b" : "");
        ck_assert_str_eq(info.transfer_encoding, i < 2 ? "base64" : "");
        ck_assert_str_eq(info.content_hash, "");
        ck_ok(wd_blobs_ref(c.blobs, NULL, &ref, 1, &err));
    }
    ck_assert_int_eq(count(&c, files, "{'metadata.c': 2, 'metadata.m': 10}"), 3);
    put_row(&c, 9, "{'chunkSize': 400, 'metadata': {}}");
    ck_fails(wd_blobs_stat(c.blobs, &none, &info, &found, &err), WD_DATA_LOSS);
    contract_end(&c);
}
END_TEST

START_TEST(an_upload_grows_at_its_end)
{
    struct wd_id id = wd_id_new();
    struct wd_buf out = { 0 };
    uint64_t size;

    bodies_begin(&c, _i);
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

START_TEST(an_upload_is_read_in_any_range)
{
    static const size_t pieces[] = { 1000, 1, 70000, 5 << 20, 300 };
    struct wd_id id = wd_id_new(), other = wd_id_new();
    size_t total = 0, at = 0;
    struct wd_buf out = { 0 };
    uint64_t size;
    char *bytes;

    for (size_t i = 0; i < WD_COUNT(pieces); i++)
        total += pieces[i];
    bytes = wd_alloc(total);
    for (size_t i = 0; i < total; i++)
        bytes[i] = byte_at(i);
    bodies_begin(&c, _i);
    ck_ok(wd_blobs_upload_write(c.blobs, other, 0, WD_STR("other"), &size, &err));
    for (size_t i = 0; i < WD_COUNT(pieces); i++) {
        ck_ok(wd_blobs_upload_write(c.blobs, id, at, wd_str_n(bytes + at, pieces[i]), &size, &err));
        at += pieces[i];
        ck_assert_uint_eq(size, at);
    }
    ck_ok(wd_blobs_upload_write(c.blobs, id, 500, wd_str_n(bytes + 500, 2000), &size, &err)); /* a repeat */
    ck_assert_uint_eq(size, total);
    for (size_t from = 0; from < total + 5000; from += 999983) {
        size_t want = 1 << 20, left = from < total ? total - from : 0;
        out.n = 0;
        ck_ok(wd_blobs_upload_read(c.blobs, id, from, want, &out, &err));
        ck_assert_uint_eq(out.n, left < want ? left : want);
        ck_assert(out.n == 0 || memcmp(out.p, bytes + from, out.n) == 0);
    }
    out.n = 0;
    ck_ok(wd_blobs_upload_read(c.blobs, id, 999, 3, &out, &err)); /* over three pieces */
    ck_assert(out.n == 3 && memcmp(out.p, bytes + 999, 3) == 0);
    ck_ok(wd_blobs_upload_drop(c.blobs, id, &err));
    out.n = 0;
    ck_ok(wd_blobs_upload_read(c.blobs, other, 0, 10, &out, &err));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("other")));
    wd_buf_done(&out);
    free(bytes);
    contract_end(&c);
}
END_TEST

START_TEST(an_empty_upload_is_there)
{
    struct wd_id id = wd_id_new();
    struct wd_buf out = { 0 };
    uint64_t size = 1;

    bodies_begin(&c, _i);
    ck_fails(wd_blobs_upload_write(c.blobs, id, 1, WD_STR("x"), &size, &err), WD_INVALID);
    ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR(""), &size, &err));
    ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR(""), &size, &err));
    ck_assert_uint_eq(size, 0);
    ck_ok(wd_blobs_upload_read(c.blobs, id, 0, 10, &out, &err));
    ck_assert_uint_eq(out.n, 0);
    ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR("abc"), &size, &err));
    ck_assert_uint_eq(size, 3);
    ck_ok(wd_blobs_upload_read(c.blobs, id, 1, 10, &out, &err));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("bc")));
    wd_buf_done(&out);
    contract_end(&c);
}
END_TEST

START_TEST(an_upload_is_as_old_as_its_last_piece)
{
    struct wd_id id = wd_id_new();
    uint64_t size, removed;

    contract_later_ms = 0;
    wd_clock_fix(contract_clock);
    bodies_begin(&c, _i);
    if (strcmp(c.blobs->ops->name, "mongo") == 0) { /* the embedded driver goes by the times of files */
        ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR("hello"), &size, &err));
        contract_later_ms = 7200 * 1000;
        ck_ok(wd_blobs_upload_write(c.blobs, id, 5, WD_STR("again"), &size, &err));
        ck_ok(wd_blobs_upload_expire(c.blobs, 3600, &removed, &err));
        ck_assert_uint_eq(removed, 0);
        contract_later_ms = 2 * 7200 * 1000;
        ck_ok(wd_blobs_upload_expire(c.blobs, 3600, &removed, &err));
        ck_assert_uint_eq(removed, 1);
        ck_assert_int_eq(count(&c, "uploads", "{}"), 0);
    }
    wd_clock_fix(NULL);
    contract_end(&c);
}
END_TEST

START_TEST(a_gap_ends_an_upload)
{
    const size_t length = (9 << 20) + 1;
    struct wd_id id = wd_id_new();
    struct wd_buf out = { 0 };
    char *bytes = wd_alloc(length);
    uint64_t size;

    memset(bytes, 'x', length);
    bodies_begin(&c, _i);
    if (strcmp(c.blobs->ops->name, "mongo") == 0) { /* pieces that are documents, of 4 MiB at most */
        ck_ok(wd_blobs_upload_write(c.blobs, id, 0, wd_str_n(bytes, length), &size, &err));
        ck_assert_uint_eq(size, length);
        ck_assert_int_eq(count(&c, "uploads", "{}"), 3);
        ck_ok(wd_docs_remove_one(c.docs, "uploads", JF(&c, "{'end': %d}", 8 << 20), NULL, &err));
        ck_ok(wd_blobs_upload_read(c.blobs, id, 0, length, &out, &err));
        ck_assert_uint_eq(out.n, 4 << 20);
        out.n = 0;
        ck_ok(wd_blobs_upload_read(c.blobs, id, 5 << 20, length, &out, &err));
        ck_assert_uint_eq(out.n, 0);
    }
    wd_buf_done(&out);
    free(bytes);
    contract_end(&c);
}
END_TEST

START_TEST(old_uploads_expire)
{
    struct wd_id id = wd_id_new();
    uint64_t size, removed;

    contract_later_ms = 0;
    wd_clock_fix(contract_clock);
    bodies_begin(&c, _i);
    ck_ok(wd_blobs_upload_write(c.blobs, id, 0, WD_STR("hello"), &size, &err));
    ck_ok(wd_blobs_upload_expire(c.blobs, 3600, &removed, &err));
    ck_assert_uint_eq(removed, 0);
    contract_later_ms = 7200 * 1000;
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
    int n = contract_suite(CONTRACT_BLOBS);

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_body_comes_back_in_any_range, 0, n);
    tcase_add_loop_test(t, stat_tells_what_add_was_told, 0, n);
    tcase_add_loop_test(t, the_files_document_has_the_stored_shape, 0, n);
    tcase_add_loop_test(t, references_go_with_the_batch, 0, n);
    tcase_add_loop_test(t, what_is_not_finished_is_not_there, 0, n);
    tcase_add_loop_test(t, two_writers_of_one_key_are_fine, 0, n);
    tcase_add_loop_test(t, only_what_is_unused_for_long_is_collected, 0, n);
    tcase_add_loop_test(t, collect_keeps_to_its_limit, 0, n);
    tcase_add_loop_test(t, many_bodies_are_counted_at_once, 0, n);
    tcase_add_loop_test(t, a_large_body_is_read_in_ranges, 0, n);
    tcase_add_loop_test(t, a_reference_keeps_what_was_unused, 0, n);
    tcase_add_loop_test(t, an_old_row_is_read, 0, n);
    tcase_add_loop_test(t, an_upload_grows_at_its_end, 0, n);
    tcase_add_loop_test(t, an_upload_is_read_in_any_range, 0, n);
    tcase_add_loop_test(t, an_empty_upload_is_there, 0, n);
    tcase_add_loop_test(t, an_upload_is_as_old_as_its_last_piece, 0, n);
    tcase_add_loop_test(t, a_gap_ends_an_upload, 0, n);
    tcase_add_loop_test(t, old_uploads_expire, 0, n);
    return run_case("blobs", t);
}
