#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/driver/fault/fault_priv.h"

struct fault_blobs {
    struct wd_blobs base;
    struct wd_blobs *inner;
    struct wd_fault *rule;
};

struct fault_writer {
    struct wd_blob_writer base;
    struct wd_blob_writer *inner;
    struct wd_fault *rule;
};

static struct fault_blobs *
self(struct wd_blobs *b)
{
    return (struct fault_blobs *)b;
}

static bool
fault_stat(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
           struct wd_error *err)
{
    return fault_pass(self(b)->rule, "stat", err) && wd_blobs_stat(self(b)->inner, key, info, found, err);
}

static bool
fault_write_begin(struct wd_blobs *b, const struct wd_blob_key *key, struct wd_blob_writer **out,
                  struct wd_error *err)
{
    struct wd_blob_writer *inner;
    struct fault_writer *w;

    if (!fault_pass(self(b)->rule, "write_begin", err) || !wd_blobs_write_begin(self(b)->inner, key, &inner, err))
        return false;
    w = WD_NEW(struct fault_writer);
    *w = (struct fault_writer){ { b->ops }, inner, self(b)->rule };
    *out = &w->base;
    return true;
}

static bool
fault_write(struct wd_blob_writer *base, struct wd_str bytes, struct wd_error *err)
{
    struct fault_writer *w = (struct fault_writer *)base;

    return fault_pass(w->rule, "write", err) && wd_blobs_write(w->inner, bytes, err);
}

static bool
fault_write_finish(struct wd_blob_writer *base, struct wd_error *err)
{
    struct fault_writer *w = (struct fault_writer *)base;
    bool pass = fault_pass(w->rule, "write_finish", err), ok = pass && wd_blobs_write_finish(w->inner, err);

    if (!pass)
        wd_blobs_write_abort(w->inner);
    free(w);
    return ok;
}

static void
fault_write_abort(struct wd_blob_writer *base)
{
    wd_blobs_write_abort(((struct fault_writer *)base)->inner);
    free(base);
}

static bool
fault_add(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
          struct wd_error *err)
{
    return fault_pass(self(b)->rule, "add", err) && wd_blobs_add(self(b)->inner, fault_inner(batch), ref, info, err);
}

static bool
fault_ref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "ref", err) && wd_blobs_ref(self(b)->inner, fault_inner(batch), refs, n, err);
}

static bool
fault_unref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "unref", err) && wd_blobs_unref(self(b)->inner, fault_inner(batch), refs, n, err);
}

static bool
fault_read(struct wd_blobs *b, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
           struct wd_error *err)
{
    return fault_pass(self(b)->rule, "read", err) && wd_blobs_read(self(b)->inner, key, offset, n, out, err);
}

static bool
fault_collect(struct wd_blobs *b, int64_t unused_for_s, size_t limit, uint64_t *removed, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "collect", err) &&
           wd_blobs_collect(self(b)->inner, unused_for_s, limit, removed, err);
}

static bool
fault_upload_write(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes, uint64_t *size,
                   struct wd_error *err)
{
    return fault_pass(self(b)->rule, "upload_write", err) &&
           wd_blobs_upload_write(self(b)->inner, upload, offset, bytes, size, err);
}

static bool
fault_upload_read(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
                  struct wd_error *err)
{
    return fault_pass(self(b)->rule, "upload_read", err) &&
           wd_blobs_upload_read(self(b)->inner, upload, offset, n, out, err);
}

static bool
fault_upload_drop(struct wd_blobs *b, struct wd_id upload, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "upload_drop", err) && wd_blobs_upload_drop(self(b)->inner, upload, err);
}

static bool
fault_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err)
{
    return fault_pass(self(b)->rule, "upload_expire", err) &&
           wd_blobs_upload_expire(self(b)->inner, unused_for_s, removed, err);
}

static void
fault_close(struct wd_blobs *b)
{
    wd_blobs_close(self(b)->inner);
    free(b);
}

static const struct wd_blobs_ops fault_blobs_ops = {
    .name = "fault",
    .stat = fault_stat,
    .write_begin = fault_write_begin,
    .write = fault_write,
    .write_finish = fault_write_finish,
    .write_abort = fault_write_abort,
    .add = fault_add,
    .ref = fault_ref,
    .unref = fault_unref,
    .read = fault_read,
    .collect = fault_collect,
    .upload_write = fault_upload_write,
    .upload_read = fault_upload_read,
    .upload_drop = fault_upload_drop,
    .upload_expire = fault_upload_expire,
    .close = fault_close,
};

struct wd_blobs *
wd_fault_blobs_new(struct wd_blobs *inner, struct wd_fault *f)
{
    struct fault_blobs *b = WD_NEW(struct fault_blobs);

    *b = (struct fault_blobs){ { &fault_blobs_ops }, inner, f };
    return &b->base;
}
