#include "store-svc/domain/source.h"

#include <openssl/evp.h>

#include <assert.h>

static bool
memory_read(struct wd_source *s, uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err)
{
    struct wd_source_memory *m = WD_OF(s, struct wd_source_memory, base);

    (void)err;
    wd_buf_str(out, wd_str_part(m->bytes, offset, offset + n));
    return true;
}

struct wd_source *
wd_source_memory(struct wd_source_memory *s, struct wd_str bytes)
{
    s->base = (struct wd_source){ bytes.n, memory_read };
    s->bytes = bytes;
    return &s->base;
}

static bool
upload_read(struct wd_source *s, uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err)
{
    struct wd_source_upload *u = WD_OF(s, struct wd_source_upload, base);
    size_t before = out->n;

    if (!wd_blobs_upload_read(u->blobs, u->upload, offset, n, out, err))
        return false;
    if (out->n - before != n)
        return wd_fail(err, WD_UPLOAD_NOT_FOUND, "the upload ends before its announced size");
    return true;
}

struct wd_source *
wd_source_upload(struct wd_source_upload *s, struct wd_blobs *blobs, struct wd_id upload, uint64_t size)
{
    s->base = (struct wd_source){ size, upload_read };
    s->blobs = blobs;
    s->upload = upload;
    return &s->base;
}

bool
wd_source_read(struct wd_source *s, uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err)
{
    assert(offset <= s->size && n <= s->size - offset);
    return s->read(s, offset, n, out, err);
}

struct wd_id
wd_upload_of(struct wd_id user, unsigned role, struct wd_id named)
{
    struct wd_buf owned wd_auto(wd_buf_done) = { 0 };
    char a[WD_ID_HEX + 1], b[WD_ID_HEX + 1];
    uint8_t hash[EVP_MAX_MD_SIZE];
    struct wd_id out;

    wd_buf_printf(&owned, "%s %u %s", wd_id_hex(user, a), role, wd_id_hex(named, b));
    EVP_Digest(owned.p, owned.n, hash, NULL, EVP_sha256(), NULL);
    memcpy(out.b, hash, sizeof out.b);
    return out;
}
