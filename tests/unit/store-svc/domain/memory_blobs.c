#include "memory_blobs.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"

struct writer {
    struct wd_blob_writer base;
    struct memory_blobs *blobs;
    struct memory_blob *blob;
};

struct memory_blob *
memory_blob(struct memory_blobs *b, const struct wd_blob_key *key)
{
    for (size_t i = 0; i < b->all.n; i++)
        if (memcmp(b->all.p[i]->key.b, key->b, sizeof key->b) == 0)
            return b->all.p[i];
    return NULL;
}

static bool
m_stat(struct wd_blobs *base, const struct wd_blob_key *key, struct wd_blob_info *info, bool *found,
       struct wd_error *err)
{
    struct memory_blob *blob = memory_blob(WD_OF(base, struct memory_blobs, base), key);

    (void)err;
    *found = blob && blob->added;
    if (*found)
        *info = blob->info;
    return true;
}

static bool
m_begin(struct wd_blobs *base, const struct wd_blob_key *key, struct wd_blob_writer **out, struct wd_error *err)
{
    struct writer *w = WD_NEW(struct writer);

    (void)err;
    w->base.ops = base->ops;
    w->blobs = WD_OF(base, struct memory_blobs, base);
    w->blob = WD_NEW(struct memory_blob);
    w->blob->key = *key;
    *out = &w->base;
    return true;
}

static bool
m_write(struct wd_blob_writer *base, struct wd_str bytes, struct wd_error *err)
{
    (void)err;
    wd_buf_str(&WD_OF(base, struct writer, base)->blob->bytes, bytes);
    return true;
}

static void
m_abort(struct wd_blob_writer *base)
{
    struct writer *w = WD_OF(base, struct writer, base);

    if (w->blob)
        wd_buf_done(&w->blob->bytes);
    free(w->blob);
    free(w);
}

static bool
m_finish(struct wd_blob_writer *base, struct wd_error *err)
{
    struct writer *w = WD_OF(base, struct writer, base);

    (void)err;
    if (!memory_blob(w->blobs, &w->blob->key)) {
        wd_vec_push(&w->blobs->all, w->blob);
        w->blob = NULL;
    }
    w->blobs->writes++;
    m_abort(base);
    return true;
}

static bool
m_add(struct wd_blobs *base, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
      struct wd_error *err)
{
    struct memory_blob *blob = memory_blob(WD_OF(base, struct memory_blobs, base), &ref->key);

    (void)batch;
    if (!blob)
        return wd_fail(err, WD_CONFLICT, "not written");
    blob->info = *info;
    blob->added = true;
    blob->count += ref->count;
    return true;
}

static bool
m_ref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    (void)b, (void)batch, (void)refs, (void)n;
    return wd_fail(err, WD_INTERNAL, "not used here");
}

static bool
m_unref(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *refs, size_t n, struct wd_error *err)
{
    (void)b, (void)batch, (void)refs, (void)n;
    return wd_fail(err, WD_INTERNAL, "not used here");
}

static bool
m_read(struct wd_blobs *base, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
       struct wd_error *err)
{
    struct memory_blobs *b = WD_OF(base, struct memory_blobs, base);
    struct memory_blob *blob = memory_blob(b, key);

    if (!blob || b->lose)
        return wd_fail(err, WD_DATA_LOSS, "lost");
    wd_buf_str(out, wd_str_part(wd_buf_view(&blob->bytes), offset, offset + n));
    return true;
}

static bool
m_collect(struct wd_blobs *b, int64_t unused_for_s, size_t limit, uint64_t *removed, struct wd_error *err)
{
    (void)b, (void)unused_for_s, (void)limit, (void)removed;
    return wd_fail(err, WD_INTERNAL, "not used here");
}

static bool
m_upload_write(struct wd_blobs *base, struct wd_id id, uint64_t offset, struct wd_str bytes, uint64_t *size,
               struct wd_error *err)
{
    struct memory_blobs *b = WD_OF(base, struct memory_blobs, base);

    (void)id, (void)offset, (void)err;
    wd_buf_str(&b->upload, bytes);
    *size = b->upload.n;
    return true;
}

static bool
m_upload_read(struct wd_blobs *base, struct wd_id id, uint64_t offset, size_t n, struct wd_buf *out,
              struct wd_error *err)
{
    struct memory_blobs *b = WD_OF(base, struct memory_blobs, base);

    (void)id, (void)err;
    wd_buf_str(out, wd_str_part(wd_buf_view(&b->upload), offset, offset + n));
    return true;
}

static bool
m_upload_drop(struct wd_blobs *b, struct wd_id id, struct wd_error *err)
{
    (void)b, (void)id;
    return wd_fail(err, WD_INTERNAL, "not used here");
}

static bool
m_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err)
{
    (void)b, (void)unused_for_s, (void)removed;
    return wd_fail(err, WD_INTERNAL, "not used here");
}

static void
m_close(struct wd_blobs *b)
{
    (void)b;
}

static const struct wd_blobs_ops ops = {
    .name = "memory",
    .stat = m_stat,
    .write_begin = m_begin,
    .write = m_write,
    .write_finish = m_finish,
    .write_abort = m_abort,
    .add = m_add,
    .ref = m_ref,
    .unref = m_unref,
    .read = m_read,
    .collect = m_collect,
    .upload_write = m_upload_write,
    .upload_read = m_upload_read,
    .upload_drop = m_upload_drop,
    .upload_expire = m_upload_expire,
    .close = m_close,
};

void
memory_blobs_init(struct memory_blobs *b)
{
    memset(b, 0, sizeof *b);
    b->base.ops = &ops;
}

void
memory_blobs_done(struct memory_blobs *b)
{
    for (size_t i = 0; i < b->all.n; i++) {
        wd_buf_done(&b->all.p[i]->bytes);
        free(b->all.p[i]);
    }
    wd_vec_done(&b->all);
    wd_buf_done(&b->upload);
}
