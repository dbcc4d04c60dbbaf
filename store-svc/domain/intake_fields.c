#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/base/rand.h"
#include "common/base/utf8.h"
#include "common/mail/date.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/intake_priv.h"
#include "store-svc/mime/header.h"
#include "store-svc/mime/thread.h"

/* The fields that SEARCH and filters look at (contract of the existing installations). */
static const struct wd_str indexed[] = {
    WD_STR_C("to"),      WD_STR_C("cc"),           WD_STR_C("subject"),    WD_STR_C("from"),
    WD_STR_C("sender"),  WD_STR_C("reply-to"),     WD_STR_C("message-id"), WD_STR_C("thread-index"),
    WD_STR_C("list-id"), WD_STR_C("delivered-to"),
};

/* The part of a List-Id in <>. */
static struct wd_str
list_id(struct wd_str value)
{
    size_t open = wd_str_rchr(value, '<'), close = wd_str_rchr(value, '>');

    if (open == SIZE_MAX || close == SIZE_MAX || close < open)
        return value;
    return wd_str_part(value, open + 1, close);
}

/* A NUL would make the value binary in the document, and other readers want text. */
static struct wd_str
without_nul(struct wd_arena *a, struct wd_str s)
{
    char *p;

    if (!s.n || !memchr(s.p, '\0', s.n))
        return s;
    p = wd_arena_alloc(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] ? s.p[i] : ' ';
    return wd_str_n(p, s.n);
}

void
wd_intake_index(struct wd_arena *a, struct wd_str block, struct wd_intake_headers *out)
{
    enum { INDEXED_FIELDS = 200 };
    struct wd_field field;

    while (out->n < INDEXED_FIELDS && wd_header_next(&block, &field)) {
        for (size_t i = 0; i < WD_COUNT(indexed); i++) {
            struct wd_intake_header h = { .key = indexed[i] };

            if (!wd_str_ieq(field.name, indexed[i]))
                continue;
            h.value = without_nul(a, wd_text_fold(a, wd_header_decode(a, field.value)));
            if (wd_str_eq(h.key, WD_STR("list-id")))
                h.value = list_id(h.value);
            h.value = wd_str_part(h.value, 0, wd_utf8_cut(h.value, WD_INTAKE_INDEXED_MAX));
            wd_vec_push(out, h);
        }
    }
}

/* "<uuid@domain>" for a message that has none. */
static struct wd_str
new_message_id(struct wd_arena *a, const struct wd_envelope *e)
{
    struct wd_buf hex wd_auto(wd_buf_done) = { 0 };
    struct wd_str host = e->from.n ? e->from.p[0].host : WD_NONE;
    uint8_t bytes[16];

    wd_rand(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    wd_hex_encode(&hex, bytes, sizeof bytes);
    if (host.n == 0 || host.n > 255)
        host = WD_STR("localhost");
    return wd_arena_printf(a, "<%.8s-%.4s-%.4s-%.4s-%.12s@%.*s>", hex.p, hex.p + 8, hex.p + 12, hex.p + 16, hex.p + 20,
                           WD_FMT(host));
}

static void
thread_ids(struct wd_intake_work *w)
{
    struct wd_intake *out = w->out;
    struct wd_str ids[WD_INTAKE_THREAD_IDS];
    size_t n = wd_thread_ids(w->arena, out->header, ids, WD_INTAKE_THREAD_IDS);

    for (size_t i = 0; i < n; i++) {
        struct wd_buf text wd_auto(wd_buf_done) = { 0 };
        uint8_t digest[20];

        EVP_Digest(ids[i].p, ids[i].n, digest, NULL, EVP_sha1(), NULL);
        wd_b64_encode(&text, digest, sizeof digest, WD_B64_UNPADDED);
        out->thread_ids[i] = wd_arena_str(w->arena, wd_buf_view(&text));
    }
    out->n_thread_ids = n;
}

/* The last Date that is one. */
static int64_t
header_date(struct wd_intake_work *w)
{
    struct wd_str rest = w->out->header;
    struct wd_field field;
    int64_t date = w->idate_ms, ms;

    while (wd_header_next(&rest, &field))
        if (wd_str_ieq(field.name, WD_STR("date")) && wd_date_rfc5322(wd_header_unfold(w->arena, field.value), &ms))
            date = ms;
    return date;
}

void
wd_intake_header_fields(struct wd_intake_work *w)
{
    struct wd_intake *out = w->out;
    struct wd_intake_headers headers = { 0 };
    struct wd_str subject;

    wd_envelope_read(w->arena, out->header, &out->envelope);
    subject = without_nul(w->arena, out->envelope.subject);
    out->msgid = wd_str_trim(without_nul(w->arena, out->envelope.message_id));
    if (out->msgid.n == 0)
        out->msgid = new_message_id(w->arena, &out->envelope);
    out->subject = wd_text_collapse(w->arena, subject);
    out->thread_subject = wd_thread_subject(w->arena, subject);
    thread_ids(w);
    out->hdate_ms = header_date(w);
    wd_intake_index(w->arena, out->header, &headers);
    out->n_headers = headers.n;
    out->headers = WD_ARENA_ARRAY(w->arena, struct wd_intake_header, headers.n + 1);
    if (headers.n)
        memcpy(out->headers, headers.p, headers.n * sizeof *headers.p);
    wd_vec_done(&headers);
}

void
wd_intake_index_fields(bson_t *fields, const struct wd_intake *in)
{
    bson_t array, doc;

    bson_append_array_begin(fields, "headers", -1, &array);
    for (size_t i = 0; i < in->n_headers; i++) {
        char number[16];
        const char *key;

        bson_uint32_to_string((uint32_t)i, &key, number, sizeof number);
        bson_append_document_begin(&array, key, -1, &doc);
        wd_doc_add_str(&doc, "key", in->headers[i].key);
        wd_doc_add_str(&doc, "value", in->headers[i].value);
        bson_append_document_end(&array, &doc);
    }
    bson_append_array_end(fields, &array);
}

/* The whole-message hash, for checks; `from` bytes on top (trace headers) are not in it. */
void
wd_intake_hash_fields(bson_t *fields, const struct wd_intake *in)
{
    bson_t hash;

    bson_append_document_begin(fields, "hash", -1, &hash);
    wd_doc_add_bytes(&hash, "sha256", in->sha256, sizeof in->sha256);
    wd_doc_add_int(&hash, "from", (int64_t)in->prefix.n);
    bson_append_document_end(fields, &hash);
}

static bool
is_inline(const struct wd_mime_part *part)
{
    return wd_str_ieq(part->disposition.value, WD_STR("inline"));
}

static struct wd_str
lower(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = wd_lower(s.p[i]);
    return wd_str_n(p, s.n);
}

static void
add_text(bson_t *doc, const char *key, struct wd_str text)
{
    struct wd_buf fixed wd_auto(wd_buf_done) = { 0 };

    wd_utf8_repair(&fixed, text);
    for (size_t i = 0; i < fixed.n; i++)
        if (fixed.p[i] == '\0')
            fixed.p[i] = ' ';
    wd_doc_add_str(doc, key, wd_buf_view(&fixed));
}

static void
attachment(struct wd_intake_work *w, bson_t *doc, uint32_t i)
{
    const struct wd_mime_part *part = &w->mime->parts[i];
    const struct wd_blob_info *info = &w->blobs.p[w->leaves.p[i].blob].info;
    struct wd_str name = wd_mime_filename(part);
    uint64_t size = info->length;
    char id[16];

    wd_doc_add_str(doc, "id", wd_str_c(wd_attachment_id(w->bodies[i].attachment, id)));
    if (name.n)
        add_text(doc, "filename", name);
    else
        bson_append_bool(doc, "filename", -1, false);
    add_text(doc, "contentType", wd_arena_printf(w->arena, "%.*s/%.*s", WD_FMT(part->type), WD_FMT(part->subtype)));
    add_text(doc, "disposition",
             part->disposition.value.n ? lower(w->arena, part->disposition.value) : WD_STR("attachment"));
    add_text(doc, "transferEncoding", part->encoding_name.n ? part->encoding_name : WD_STR("7bit"));
    if (part->id.n)
        add_text(doc, "cid", part->id);
    bson_append_bool(doc, "related", -1, wd_mime_is(&w->mime->parts[part->parent], "multipart", "related"));
    if (!info->decoded && part->encoding == WD_ENCODING_BASE64)
        size = size / 4 * 3;
    wd_doc_add_int(doc, "sizeKb", (int64_t)((size + 1023) / 1024));
    wd_doc_add_int(doc, "size", (int64_t)size);
    wd_doc_add_str(doc, "fileContentHash", wd_str_c(info->content_hash));
}

static void
attachments(struct wd_intake_work *w, bson_t *fields)
{
    bson_t array, doc;
    uint32_t n = 0;

    bson_append_array_begin(fields, "attachments", -1, &array);
    for (uint32_t i = 0; i < w->mime->n; i++) {
        const struct wd_mime_part *part = &w->mime->parts[i];
        char number[16];
        const char *key;

        if (!w->bodies[i].attachment || wd_mime_is_inline_text(part))
            continue;
        if (!is_inline(part))
            w->out->has_attachments = true;
        bson_uint32_to_string(n++, &key, number, sizeof number);
        bson_append_document_begin(&array, key, -1, &doc);
        attachment(w, &doc, i);
        bson_append_document_end(&array, &doc);
    }
    bson_append_array_end(fields, &array);
}

void
wd_intake_fields(struct wd_intake_work *w, bson_t *fields)
{
    const struct wd_intake *out = w->out;

    add_text(fields, "msgid", out->msgid);
    add_text(fields, "subject", out->subject);
    attachments(w, fields);
    bson_append_bool(fields, "ha", -1, out->has_attachments);
    wd_doc_add_int(fields, "size", (int64_t)out->size);
    bson_append_date_time(fields, "hdate", -1, out->hdate_ms);
}
