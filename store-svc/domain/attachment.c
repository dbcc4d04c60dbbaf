#include "store-svc/domain/attachment.h"

#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/opened.h"
#include "store-svc/mime/decode.h"

static bool
need_mailbox(struct wd_domain *d, struct wd_arena *a, const struct wd_attachment_read *in, struct wd_error *err)
{
    struct wd_mailbox row;
    bool found;

    if (!wd_mailbox_by_id(d->docs, a, in->user, in->mailbox, &row, &found, err))
        return false;
    return found || wd_fail(err, WD_MESSAGE_NOT_FOUND, "This message does not exist");
}

static bool
entry_of(const bson_t *doc, struct wd_str id, bson_t *entry)
{
    const uint8_t *bytes;
    bson_iter_t it;
    bson_t list;
    uint32_t n;

    if (!wd_doc_sub(doc, "attachments", &list) || !bson_iter_init(&it, &list))
        return false;
    while (bson_iter_next(&it)) {
        if (!BSON_ITER_HOLDS_DOCUMENT(&it))
            continue;
        bson_iter_document(&it, &n, &bytes);
        if (bson_init_static(entry, bytes, n) && wd_str_ieq(wd_doc_str(entry, "id"), id))
            return true;
    }
    return false;
}

/* Its type and name, and the encoding that its stored bytes may have. */
static bool
describe(struct wd_domain *d, struct wd_arena *a, const struct wd_attachment_read *in,
         struct wd_attachment_range *out, enum wd_encoding *encoding, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t entry;
    bool found;

    wd_doc_add_int(&fields, "attachments", 1);
    if (!wd_message_doc(d->docs, in->mailbox, in->uid, &fields, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_MESSAGE_NOT_FOUND, "This message does not exist");
    if (!entry_of(&doc, in->id, &entry))
        return wd_fail(err, WD_ATTACHMENT_NOT_FOUND, "This attachment does not exist");
    out->content_type = wd_arena_str(a, wd_doc_str(&entry, "contentType"));
    out->filename = wd_arena_str(a, wd_doc_str(&entry, "filename"));
    *encoding = wd_encoding_named(wd_doc_str(&entry, "transferEncoding"));
    return true;
}

static bool
is_base64(char c)
{
    return wd_is_alpha(c) || wd_is_digit(c) || c == '+' || c == '/';
}

/* How much of a range can be decoded by itself: whole groups of base64, whole lines of quoted-printable (or, of a very
 * long one, what is no part of an escape). */
static size_t
cut(enum wd_encoding encoding, struct wd_str range)
{
    size_t whole = 0, digits = 0;

    if (encoding == WD_ENCODING_BASE64) {
        for (size_t i = 0; i < range.n; i++) {
            digits += is_base64(range.p[i]);
            if (digits % 4 == 0)
                whole = i + 1;
        }
        return whole ? whole : range.n;
    }
    if (encoding != WD_ENCODING_QP)
        return range.n;
    whole = wd_str_rchr(range, '\n');
    if (whole != SIZE_MAX)
        return whole + 1;
    for (whole = range.n; whole + 3 > range.n && whole > 1 && range.p[whole - 1] != '='; whole--)
        continue;
    return whole + 3 > range.n && whole > 1 ? whole - 1 : range.n;
}

static bool
read_range(struct wd_body *body, const struct wd_attachment_read *in, struct wd_str id, enum wd_encoding encoding,
           struct wd_buf *bytes, struct wd_attachment_range *out, struct wd_error *err)
{
    struct wd_buf stored wd_auto(wd_buf_done) = { 0 };
    struct wd_decoder decoder = { 0 };
    struct wd_blob_info info;
    struct wd_str range;
    bool found;

    if (!wd_body_attachment_info(body, id, &info, &found, err) ||
        (found && !wd_body_attachment(body, id, in->position, WD_ATTACHMENT_RANGE, &stored, &found, err)))
        return false;
    if (!found)
        return wd_fail(err, WD_ATTACHMENT_NOT_FOUND, "This attachment does not exist");
    range = wd_buf_view(&stored);
    decoder.encoding = info.decoded ? WD_ENCODING_IDENTITY : encoding;
    out->end = in->position + range.n >= info.length;
    if (!out->end)
        range = wd_str_part(range, 0, cut(decoder.encoding, range));
    out->next = in->position + range.n;
    wd_decode(&decoder, range, bytes);
    wd_decode_finish(&decoder, bytes);
    out->end = out->end || decoder.ended || range.n == 0;
    return true;
}

bool
wd_attachment_read(struct wd_domain *d, struct wd_arena *a, const struct wd_attachment_read *in, struct wd_buf *bytes,
                   struct wd_attachment_range *out, struct wd_error *err)
{
    struct wd_opened *opened = NULL;
    enum wd_encoding encoding;
    struct wd_str id;
    bool ok;
    char *upper = wd_arena_alloc(a, in->id.n + 1);

    for (size_t i = 0; i < in->id.n; i++)
        upper[i] = (char)(in->id.p[i] >= 'a' && in->id.p[i] <= 'z' ? in->id.p[i] - 'a' + 'A' : in->id.p[i]);
    id = wd_str_n(upper, in->id.n);
    *out = (struct wd_attachment_range){ 0 };
    if (!need_mailbox(d, a, in, err) || !describe(d, a, in, out, &encoding, err) ||
        !wd_opened_take(d, in->mailbox, in->uid, &opened, err))
        return false;
    ok = read_range(opened->body, in, id, encoding, bytes, out, err);
    wd_opened_give(d, opened);
    return ok;
}
