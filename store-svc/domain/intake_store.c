#include "common/base/b64.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/encoded.h"
#include "store-svc/domain/intake_priv.h"

static uint64_t
body_size(const struct wd_mime_part *part)
{
    return part->body_end - part->body_start;
}

static bool
add_span(struct wd_source *source, uint64_t offset, uint64_t size,
         bool (*each)(void *data, struct wd_str bytes, struct wd_error *err), void *data, struct wd_error *err)
{
    struct wd_buf chunk wd_auto(wd_buf_done) = { 0 };

    while (size) {
        size_t n = size < WD_INTAKE_STEP ? (size_t)size : WD_INTAKE_STEP;

        chunk.n = 0;
        if (!wd_source_read(source, offset, n, &chunk, err) || !each(data, wd_buf_view(&chunk), err))
            return false;
        offset += n;
        size -= n;
    }
    return true;
}

static bool
hash_piece(void *data, struct wd_str bytes, struct wd_error *err)
{
    (void)err;
    EVP_DigestUpdate(data, bytes.p, bytes.n);
    return true;
}

/* A body on its way to the blobs. */
struct storing {
    struct wd_decoder decoder;
    struct wd_buf decoded;
    struct wd_blob_writer *writer;
    EVP_MD_CTX *hash;
    uint64_t stored;
};

static bool
store_piece(void *data, struct wd_str bytes, struct wd_error *err)
{
    struct storing *s = data;

    if (s->decoder.encoding == WD_ENCODING_BASE64) {
        s->decoded.n = 0;
        wd_decode(&s->decoder, bytes, &s->decoded);
        bytes = wd_buf_view(&s->decoded);
    }
    s->stored += bytes.n;
    EVP_DigestUpdate(s->hash, bytes.p, bytes.n);
    return bytes.n == 0 || wd_blobs_write(s->writer, bytes, err);
}

static bool
store_all(struct wd_intake_work *w, const struct wd_intake_range *ranges, size_t n, struct storing *s,
          struct wd_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!add_span(w->source, ranges[i].offset, ranges[i].size, store_piece, s, err))
            return false;
    return true;
}

/* Writes the ranges as the body `blob`; info says whether they are decoded. Fills what only the bytes can say. */
static bool
write_blob(struct wd_intake_work *w, const struct wd_intake_range *ranges, size_t n, struct wd_intake_blob *blob,
           struct wd_error *err)
{
    struct storing s = { 0 };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    uint8_t digest[32];
    bool ok;

    if (blob->info.decoded)
        s.decoder.encoding = WD_ENCODING_BASE64;
    if (!wd_blobs_write_begin(w->blobs_port, &blob->ref.key, &s.writer, err))
        return false;
    s.hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(s.hash, EVP_sha256(), NULL);
    ok = store_all(w, ranges, n, &s, err);
    EVP_DigestFinal_ex(s.hash, digest, NULL);
    EVP_MD_CTX_free(s.hash);
    wd_buf_done(&s.decoded);
    if (ok && blob->info.decoded && s.stored != blob->info.length)
        ok = wd_fail(err, WD_INTERNAL, "a decoded body has another size than was proven");
    if (!ok) {
        wd_blobs_write_abort(s.writer);
        return false;
    }
    blob->info.length = s.stored;
    wd_b64_encode(&text, digest, sizeof digest, WD_B64_PADDED);
    memcpy(blob->info.content_hash, text.p, text.n);
    return wd_blobs_write_finish(s.writer, err);
}

static bool
is_kept(const struct wd_intake_work *w, const struct wd_blob_key *key, size_t *place)
{
    for (*place = 0; *place < w->blobs.n; ++*place)
        if (memcmp(w->blobs.p[*place].ref.key.b, key->b, sizeof key->b) == 0)
            return true;
    return false;
}

/* WildDuck decodes also what cannot be encoded to the same bytes again. */
static bool
gives_back(const struct wd_blob_info *there, const struct wd_blob_info *wanted)
{
    if (!there->decoded)
        return there->length == wanted->encoded_length;
    return wanted->decoded && wd_encoded_equal(there, wanted);
}

/* A body whose own name is taken by such a one has the hash of that name as its name: the same every time. */
static void
other_name(struct wd_blob_key *key)
{
    struct wd_blob_key taken = *key;

    EVP_Digest(taken.b, sizeof taken.b, key->b, NULL, EVP_sha256(), NULL);
}

/* Adds one more occurrence of a body: stores it unless it is there. Returns its place in w->blobs. */
static bool
keep_blob(struct wd_intake_work *w, const struct wd_intake_range *ranges, size_t n, const struct wd_intake_blob *wanted,
          size_t *place, struct wd_error *err)
{
    struct wd_intake_blob blob = *wanted;
    bool found = false, usable = false;

    for (int names = 0; names < 2 && !usable; names++) {
        if (names)
            other_name(&blob.ref.key);
        if (is_kept(w, &blob.ref.key, place)) {
            w->blobs.p[*place].ref.count++;
            return true;
        }
        if (!wd_blobs_stat(w->blobs_port, &blob.ref.key, &blob.info, &found, err))
            return false;
        usable = !found || gives_back(&blob.info, &wanted->info);
    }
    if (!found) {
        blob.info = wanted->info;
        if (!write_blob(w, ranges, n, &blob, err))
            return false;
    }
    wd_vec_push(&w->blobs, blob);
    return true;
}

static void
copy_text(char *to, size_t cap, struct wd_str from)
{
    size_t n = from.n < cap ? from.n : cap - 1;

    if (n)
        memcpy(to, from.p, n);
    to[n] = 0;
}

static bool
hash_ranges(struct wd_intake_work *w, const struct wd_intake_range *ranges, size_t n, struct wd_blob_key *key,
            struct wd_error *err)
{
    bool ok = true;

    EVP_DigestInit_ex(w->leaf, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_span(w->source, ranges[i].offset, ranges[i].size, hash_piece, w->leaf, err);
    EVP_DigestFinal_ex(w->leaf, key->b, NULL);
    return ok;
}

bool
wd_intake_store_ranges(struct wd_intake_work *w, const struct wd_intake_range *ranges, size_t n,
                       struct wd_blob_key *key, struct wd_error *err)
{
    struct wd_intake_blob blob = { .ref.count = 1 };
    size_t place;

    if (!hash_ranges(w, ranges, n, key, err))
        return false;
    blob.ref.key = *key;
    for (size_t i = 0; i < n; i++)
        blob.info.encoded_length += ranges[i].size;
    blob.info.length = blob.info.encoded_length;
    copy_text(blob.info.content_type, sizeof blob.info.content_type, WD_STR("application/octet-stream"));
    if (!keep_blob(w, ranges, n, &blob, &place, err))
        return false;
    *key = w->blobs.p[place].ref.key;
    return true;
}

/* WildDuck puts a CRLF behind a full line even when it is the only one, so a single line is kept as not full. */
static uint32_t
line_length(const struct wd_mime_part *part)
{
    enum { USUAL = 76, MOST = 998 };
    uint64_t digits = (part->decoded_size + 2) / 3 * 4;

    if (!part->proven || digits > part->line_length || digits >= MOST)
        return part->line_length;
    return digits <= USUAL ? USUAL : MOST;
}

static bool
store_part(struct wd_intake_work *w, uint32_t index, uint32_t number, struct wd_error *err)
{
    const struct wd_mime_part *part = &w->mime->parts[index];
    struct wd_intake_range range = { part->body_start, body_size(part) };
    struct wd_intake_blob blob = { .ref.count = 1 };
    char type[256];
    size_t n;

    while (w->leaves.n <= index)
        wd_vec_push(&w->leaves, (struct wd_intake_leaf){ 0 });
    if (!w->leaves.p[index].hashed && !hash_ranges(w, &range, 1, &w->leaves.p[index].key, err))
        return false;
    blob.ref.key = w->leaves.p[index].key;
    blob.info.encoded_length = range.size;
    blob.info.decoded = part->proven;
    blob.info.line_length = line_length(part);
    blob.info.tail = part->tail;
    blob.info.length = part->proven ? part->decoded_size : range.size;
    copy_text(blob.info.transfer_encoding, sizeof blob.info.transfer_encoding, part->encoding_name);
    copy_text(type, sizeof type, part->type);
    n = strlen(type);
    type[n] = '/';
    copy_text(type + n + 1, sizeof type - n - 1, part->subtype);
    copy_text(blob.info.content_type, sizeof blob.info.content_type, wd_str_c(type));
    if (!keep_blob(w, &range, 1, &blob, &w->leaves.p[index].blob, err))
        return false;
    w->bodies[index].attachment = number;
    w->bodies[index].key = w->blobs.p[w->leaves.p[index].blob].ref.key;
    return true;
}

/* Which leaves leave the document: all but texts that are shown, and of these the long ones (docs/storage.md). */
static bool
leaves_document(const struct wd_mime_part *part, size_t inline_total)
{
    uint64_t size = body_size(part);

    if (size == 0)
        return false;
    return !wd_mime_is_inline_text(part) || size > WD_INTAKE_INLINE || inline_total + size > WD_INTAKE_INLINE_ALL;
}

static bool
inline_part(struct wd_intake_work *w, uint32_t index, struct wd_error *err)
{
    const struct wd_mime_part *part = &w->mime->parts[index];
    struct wd_buf bytes wd_auto(wd_buf_done) = { 0 };

    if (!wd_source_read(w->source, part->body_start, (size_t)body_size(part), &bytes, err))
        return false;
    w->bodies[index].bytes = wd_arena_str(w->arena, wd_buf_view(&bytes));
    w->bodies[index].present = true;
    return true;
}

static bool
text_piece(void *data, struct wd_str bytes, struct wd_error *err)
{
    (void)err;
    wd_text_add(data, bytes);
    return true;
}

/* The readable text of a part, from the document's copy or from the source. */
static bool
read_text(struct wd_intake_work *w, uint32_t index, struct wd_error *err)
{
    enum { READ = 4 * WD_INTAKE_HTML }; /* encoded bytes that are enough for all the text that is kept */
    const struct wd_mime_part *part = &w->mime->parts[index];
    struct wd_text *text wd_auto(wd_text_freep) = wd_intake_text_begin(w, index);
    uint64_t size = body_size(part);

    if (!text)
        return true;
    if (w->bodies[index].present)
        wd_text_add(text, w->bodies[index].bytes);
    else if (!add_span(w->source, part->body_start, size < READ ? size : READ, text_piece, text, err))
        return false;
    wd_intake_text_end(w, index, text);
    return true;
}

/* The preamble goes into the tree when it is short and plain; the layout finds out whether that is all of it. */
static void
preamble(struct wd_intake_work *w, uint32_t index)
{
    enum { PREAMBLE = 4096 };
    const struct wd_mime_part *part = &w->mime->parts[index];
    struct wd_buf bytes wd_auto(wd_buf_done) = { 0 };
    struct wd_buf delimiter wd_auto(wd_buf_done) = { 0 };
    struct wd_error ignored;
    struct wd_str text;
    uint64_t n;

    if (part->n_children == 0)
        return;
    n = w->mime->parts[index + 1].header_start - part->body_start;
    if (n > PREAMBLE || n <= part->boundary.n + 4 ||
        !wd_source_read(w->source, part->body_start, (size_t)n, &bytes, &ignored))
        return;
    wd_buf_printf(&delimiter, "\r\n--%.*s\r\n", WD_FMT(part->boundary));
    text = wd_buf_view(&bytes);
    if (!wd_str_ends(text, wd_buf_view(&delimiter)))
        return;
    w->bodies[index].bytes = wd_arena_str(w->arena, wd_str_part(text, 0, text.n - delimiter.n));
    w->bodies[index].present = w->bodies[index].bytes.n > 0;
}

bool
wd_intake_bodies(struct wd_intake_work *w, struct wd_error *err)
{
    size_t inline_total = 0;
    uint32_t attachments = 0;

    w->bodies = WD_ARENA_ARRAY(w->arena, struct wd_tree_body, w->mime->n);
    for (uint32_t i = 0; i < w->mime->n; i++) {
        const struct wd_mime_part *part = &w->mime->parts[i];

        if (part->kind == WD_PART_MULTIPART) {
            preamble(w, i);
            continue;
        }
        if (part->kind != WD_PART_LEAF)
            continue;
        if (leaves_document(part, inline_total)) {
            if (!store_part(w, i, ++attachments, err))
                return false;
        } else {
            if (!inline_part(w, i, err))
                return false;
            inline_total += w->bodies[i].bytes.n;
        }
    }
    for (uint32_t i = 0; i < w->mime->n; i++)
        if (!read_text(w, i, err))
            return false;
    return true;
}
