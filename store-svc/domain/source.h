/* store-svc/domain/source.h – bytes that can be read again: a message on its way in. One thread at a time. */
#ifndef WD_STORE_DOMAIN_SOURCE_H
#define WD_STORE_DOMAIN_SOURCE_H
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"
#include "store-svc/port/blobs.h"

struct wd_source {
    uint64_t size;
    /** Appends exactly the n bytes from offset, which are inside. */
    bool (*read)(struct wd_source *s, uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err);
};

struct wd_source_memory {
    struct wd_source base;
    struct wd_str bytes;
};

struct wd_source_upload {
    struct wd_source base;
    struct wd_blobs *blobs;
    struct wd_id upload;
};

/** The bytes are borrowed. Returns &s->base. */
struct wd_source *wd_source_memory(struct wd_source_memory *s, struct wd_str bytes);
/** The first `size` bytes of an upload; fewer are WD_UPLOAD_NOT_FOUND when read. Returns &s->base. */
struct wd_source *wd_source_upload(struct wd_source_upload *s, struct wd_blobs *blobs, struct wd_id upload,
                                   uint64_t size);
/** The upload that is kept for a name which its owner, a user or (zero) a role, has chosen. */
struct wd_id wd_upload_of(struct wd_id user, unsigned role, struct wd_id named);
bool wd_source_read(struct wd_source *s, uint64_t offset, size_t n, struct wd_buf *out,
                    struct wd_error *err) WD_CHECKED;
#endif
