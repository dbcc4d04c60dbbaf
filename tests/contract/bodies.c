#include "tests/contract/bodies.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "store-svc/port/blob_file.h"

int64_t contract_later_ms;

static const struct wd_docs_index no_indexes[] = { { NULL, NULL, 0, NULL, -1 } };
static const struct wd_docs_index chunks_indexes[] = {
    { "files_id_1_n_1", "files_id 1, n 1", WD_INDEX_UNIQUE, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection files = { "attachments.files", WD_DB_FILES, no_indexes, NULL };
static const struct wd_docs_collection chunks = { "attachments.chunks", WD_DB_FILES, chunks_indexes, NULL };
static const struct wd_docs_collection uploads = { "uploads", WD_DB_FILES, no_indexes, NULL };
static const struct wd_docs_collection *const bodies_schema[] = { &files, &chunks, &uploads, NULL };

void
bodies_begin(struct contract *c, int driver)
{
    struct wd_error err;

    contract_begin(c, driver);
    ck_ok(wd_docs_ensure(c->docs, bodies_schema, &err));
}

int64_t
contract_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + contract_later_ms;
}

struct wd_blob_key
key_of(uint8_t n)
{
    struct wd_blob_key key;

    memset(key.b, n, sizeof key.b);
    return key;
}

struct wd_blob_ref
ref_of(uint8_t n, uint32_t count, uint64_t magic)
{
    return (struct wd_blob_ref){ key_of(n), count, magic };
}

struct wd_blob_info
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

char
byte_at(uint64_t offset)
{
    return (char)(offset * 31 + offset / 1000);
}

void
write_body(struct contract *c, uint8_t n, size_t length, size_t piece)
{
    struct wd_error err;
    struct wd_blob_key key = key_of(n);
    struct wd_blob_writer *w;
    char *bytes = wd_alloc(length + 1);

    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(i);
    ck_ok(wd_blobs_write_begin(c->blobs, &key, &w, &err));
    for (size_t at = 0; at < length; at += piece)
        ck_ok(wd_blobs_write(w, wd_str_n(bytes + at, length - at < piece ? length - at : piece), &err));
    ck_ok(wd_blobs_write_finish(w, &err));
    free(bytes);
}

void
add_body(struct contract *c, uint8_t n, size_t length, struct wd_blob_ref ref)
{
    struct wd_error err;
    struct wd_blob_info info = info_of(length);

    write_body(c, n, length, 100000);
    ck_ok(wd_blobs_add(c->blobs, NULL, &ref, &info, &err));
}

void
check_range(struct contract *c, uint8_t n, uint64_t offset, size_t want, size_t expected)
{
    struct wd_error err;
    struct wd_buf out = { 0 };
    struct wd_blob_key key = key_of(n);

    ck_ok(wd_blobs_read(c->blobs, &key, offset, want, &out, &err));
    ck_assert_uint_eq(out.n, expected);
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] != byte_at(offset + i))
            ck_abort_msg("byte %zu differs", i);
    wd_buf_done(&out);
}

void
put_row(struct contract *c, uint8_t key, const char *json)
{
    struct wd_error err;
    struct wd_blob_key k = key_of(key);
    bson_t doc = BSON_INITIALIZER;

    wd_blob_file_append_key(&doc, "_id", &k);
    ck_assert(bson_concat(&doc, J(c, json)));
    ck_ok(wd_docs_insert(c->docs, "attachments.files", &doc, &err));
    bson_destroy(&doc);
}
