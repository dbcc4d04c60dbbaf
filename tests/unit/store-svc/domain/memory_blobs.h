/* tests/unit/store-svc/domain/memory_blobs.h – attachment bodies and uploads in memory, for tests of the domain. */
#ifndef WD_TEST_MEMORY_BLOBS_H
#define WD_TEST_MEMORY_BLOBS_H
#include "common/base/vec.h"
#include "store-svc/port/blobs.h"

struct memory_blob {
    struct wd_blob_key key;
    struct wd_blob_info info;
    struct wd_buf bytes;
    bool added;
    uint32_t count;
};

struct memory_blobs {
    struct wd_blobs base;
    struct WD_VEC(struct memory_blob *) all;
    struct wd_buf upload;
    unsigned writes; /* bodies that were written */
    bool lose;       /* reads say WD_DATA_LOSS */
};

void memory_blobs_init(struct memory_blobs *b);
void memory_blobs_done(struct memory_blobs *b);
struct memory_blob *memory_blob(struct memory_blobs *b, const struct wd_blob_key *key);
#endif
