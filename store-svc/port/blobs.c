#include "store-svc/port/blobs.h"

bool
wd_blobs_stat(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_info *info,
              bool *found, struct wd_error *err)
{
    return b->ops->stat(b, key, info, found, err);
}

bool
wd_blobs_write_begin(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out,
                     struct wd_error *err)
{
    return b->ops->write_begin(b, key, out, err);
}

bool
wd_blobs_write(struct wd_blob_writer *w, struct wd_str bytes, struct wd_error *err)
{
    return w->ops->write(w, bytes, err);
}

bool
wd_blobs_write_finish(struct wd_blob_writer *w, struct wd_error *err)
{
    return w->ops->write_finish(w, err);
}

void
wd_blobs_write_abort(struct wd_blob_writer *w)
{
    if (w)
        w->ops->write_abort(w);
}

void
wd_blobs_write_abortp(struct wd_blob_writer **w)
{
    wd_blobs_write_abort(*w);
}

bool
wd_blobs_add(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref,
             const struct wd_blob_info *info, struct wd_error *err)
{
    return b->ops->add(b, batch, ref, info, err);
}

bool
wd_blobs_ref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    return b->ops->ref(b, batch, refs, n, err);
}

bool
wd_blobs_unref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n,
               struct wd_error *err)
{
    return b->ops->unref(b, batch, refs, n, err);
}

bool
wd_blobs_read(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n,
              struct wd_buf *out, struct wd_error *err)
{
    return b->ops->read(b, key, offset, n, out, err);
}

bool
wd_blobs_collect(struct wd_blobs *b, int64_t unused_for_s, size_t limit, uint64_t *removed, struct wd_error *err)
{
    return b->ops->collect(b, unused_for_s, limit, removed, err);
}

bool
wd_blobs_upload_write(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes,
                      uint64_t *size, struct wd_error *err)
{
    return b->ops->upload_write(b, upload, offset, bytes, size, err);
}

bool
wd_blobs_upload_read(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n,
                     struct wd_buf *out, struct wd_error *err)
{
    return b->ops->upload_read(b, upload, offset, n, out, err);
}

bool
wd_blobs_upload_drop(struct wd_blobs *b, struct wd_id upload, struct wd_error *err)
{
    return b->ops->upload_drop(b, upload, err);
}

bool
wd_blobs_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err)
{
    return b->ops->upload_expire(b, unused_for_s, removed, err);
}

void
wd_blobs_close(struct wd_blobs *b)
{
    if (b)
        b->ops->close(b);
}
