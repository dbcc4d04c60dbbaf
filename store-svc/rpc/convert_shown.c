#include "store-svc/rpc/convert_shown.h"

#include "common/base/hex.h"
#include "common/base/vec.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/message_list.h"

enum {
    HEADERS_MAX = 64 * 1024, /* bytes of JSON of chosen header fields */
    REFERENCES_MAX = 500,
    ATTACHMENTS_MAX = 1000,
};

static ProtobufCBinaryData
copied(struct wd_call *call, struct wd_str s)
{
    return wd_pb_str(wd_arena_str(call->arena, s));
}

static void
set_text(struct wd_call *call, const bson_t *doc, const char *field, protobuf_c_boolean *has, ProtobufCBinaryData *to)
{
    *has = wd_doc_has(doc, field);
    *to = copied(call, wd_doc_str(doc, field));
}

static void
set_date(const bson_t *doc, const char *field, protobuf_c_boolean *has, int64_t *to)
{
    *to = wd_doc_date(doc, field, INT64_MIN);
    *has = *to != INT64_MIN;
}

static char *
hex_of(struct wd_call *call, const bson_t *doc, const char *field)
{
    struct wd_id id = { { 0 } };

    (void)wd_doc_id(doc, field, &id);
    return wd_call_hex(call, id);
}

/* A sub-document or an array as JSON; false when it is not there. */
static bool
json_of(struct wd_call *call, const bson_t *doc, const char *field, ProtobufCBinaryData *to)
{
    bson_iter_t top, it;
    size_t n;
    char *text;
    bson_t view;

    if (!wd_doc_sub(doc, field, &view) || !bson_iter_init(&top, doc) ||
        !bson_iter_find_descendant(&top, field, &it))
        return false;
    text = BSON_ITER_HOLDS_ARRAY(&it) ? bson_array_as_json(&view, &n)
                                      : bson_as_relaxed_extended_json(&view, &n);
    if (!text)
        return false;
    *to = copied(call, wd_str_n(text, n));
    bson_free(text);
    return true;
}

/* ---- addresses ---- */

static Wd__V1__MailAddress *
new_address(struct wd_call *call, const struct wd_shown_address *from)
{
    Wd__V1__MailAddress *to = WD_ARENA_NEW(call->arena, Wd__V1__MailAddress);

    wd__v1__mail_address__init(to);
    to->name = wd_pb_str(from->name);
    to->has_address = !from->is_group;
    to->address = wd_pb_str(from->address);
    return to;
}

static Wd__V1__GroupMember *
new_member(struct wd_call *call, const struct wd_shown_address *from)
{
    Wd__V1__GroupMember *to = WD_ARENA_NEW(call->arena, Wd__V1__GroupMember);

    wd__v1__group_member__init(to);
    to->name = wd_pb_str(from->name);
    to->has_address = !from->is_group;
    to->address = wd_pb_str(from->address);
    return to;
}

static Wd__V1__MailAddress **
addresses(struct wd_call *call, const bson_t *doc, const char *field, size_t *n)
{
    size_t all, i = 0;
    struct wd_shown_address *from = wd_message_addresses(doc, field, call->arena, &all);
    Wd__V1__MailAddress **to = WD_ARENA_ARRAY(call->arena, Wd__V1__MailAddress *, all + 1);

    *n = 0;
    while (i < all) {
        const struct wd_shown_address *one = &from[i++];
        Wd__V1__MailAddress *made = to[(*n)++] = new_address(call, one);

        made->group = WD_ARENA_ARRAY(call->arena, Wd__V1__GroupMember *, one->members + 1);
        for (size_t k = 0; k < one->members && i < all; k++)
            made->group[made->n_group++] = new_member(call, &from[i++]);
    }
    return to;
}

static Wd__V1__MailAddress *
sender(struct wd_call *call, const bson_t *doc)
{
    struct wd_shown_address from;

    return wd_message_from(doc, call->arena, &from) ? new_address(call, &from) : NULL;
}

/* ---- attachments ---- */

/* A file name for a part that has none: of its content, and an extension for its type. */
static struct wd_str
made_name(struct wd_call *call, const bson_t *entry, struct wd_str key)
{
    static const struct {
        const char *type, *extension;
    } known[] = {
        { "text/plain", "txt" },       { "text/html", "html" },      { "text/csv", "csv" },
        { "text/calendar", "ics" },    { "image/jpeg", "jpg" },      { "image/png", "png" },
        { "image/gif", "gif" },        { "application/pdf", "pdf" }, { "application/zip", "zip" },
        { "message/rfc822", "eml" },   { "audio/mpeg", "mp3" },      { "video/mp4", "mp4" },
        { "application/json", "json" }, { "text/xml", "xml" },
    };
    struct wd_str type = wd_doc_str(entry, "contentType");
    struct wd_buf hex wd_auto(wd_buf_done) = { 0 };
    const char *extension = "bin";

    for (size_t i = 0; i < WD_COUNT(known); i++)
        if (wd_str_ieq(type, wd_str_c(known[i].type)))
            extension = known[i].extension;
    wd_hex_encode(&hex, key.p ? key.p : "\0\0\0\0", 4);
    return wd_arena_printf(call->arena, "%.*s.%s", WD_FMT(wd_buf_view(&hex)), extension);
}

/* The key of its body in the attachment store: the hash of it. */
static struct wd_str
key_of(const bson_t *doc, struct wd_str id)
{
    bson_t map;
    bson_iter_t it;
    bson_subtype_t subtype;
    const uint8_t *bytes;
    uint32_t n;

    if (id.n == 0 || !wd_doc_sub(doc, "mimeTree.attachmentMap", &map) ||
        !bson_iter_init_find_w_len(&it, &map, id.p, (int)id.n) || !BSON_ITER_HOLDS_BINARY(&it))
        return WD_NONE;
    bson_iter_binary(&it, &subtype, &n, &bytes);
    return n >= 4 ? wd_str_n(bytes, n) : WD_NONE;
}

static Wd__V1__MessageAttachment *
attachment(struct wd_call *call, const bson_t *doc, const bson_t *entry)
{
    Wd__V1__MessageAttachment *to = WD_ARENA_NEW(call->arena, Wd__V1__MessageAttachment);
    struct wd_str name = wd_doc_str(entry, "filename"), key = key_of(doc, wd_doc_str(entry, "id"));
    struct wd_buf hex wd_auto(wd_buf_done) = { 0 };

    wd__v1__message_attachment__init(to);
    to->id = wd_call_text(call, wd_doc_str(entry, "id"));
    to->filename = name.n ? copied(call, name) : wd_pb_str(made_name(call, entry, key));
    set_text(call, entry, "contentType", &to->has_content_type, &to->content_type);
    set_text(call, entry, "disposition", &to->has_disposition, &to->disposition);
    to->has_disposition = to->disposition.len > 0;
    set_text(call, entry, "transferEncoding", &to->has_transfer_encoding, &to->transfer_encoding);
    set_text(call, entry, "cid", &to->has_cid, &to->cid);
    set_text(call, entry, "fileContentHash", &to->has_file_content_hash, &to->file_content_hash);
    to->related = wd_doc_bool(entry, "related", false);
    to->size_kb = (uint64_t)wd_doc_int(entry, "sizeKb", 0);
    to->has_size = wd_doc_has(entry, "size");
    to->size = (uint64_t)wd_doc_int(entry, "size", 0);
    if (key.n) {
        wd_hex_encode(&hex, key.p, key.n);
        to->hash = wd_call_text(call, wd_buf_view(&hex));
    }
    return to;
}

static Wd__V1__MessageAttachment **
attachments(struct wd_call *call, const bson_t *doc, size_t *n)
{
    struct WD_VEC(Wd__V1__MessageAttachment *) all = { 0 };
    Wd__V1__MessageAttachment **made;
    bson_iter_t it;
    bson_t list, entry;
    const uint8_t *bytes;
    uint32_t size;

    if (wd_doc_sub(doc, "attachments", &list) && bson_iter_init(&it, &list))
        while (bson_iter_next(&it) && all.n < ATTACHMENTS_MAX) {
            if (!BSON_ITER_HOLDS_DOCUMENT(&it))
                continue;
            bson_iter_document(&it, &size, &bytes);
            if (bson_init_static(&entry, bytes, size))
                wd_vec_push(&all, attachment(call, doc, &entry));
        }
    made = WD_ARENA_ARRAY(call->arena, Wd__V1__MessageAttachment *, all.n + 1);
    if (all.n)
        memcpy(made, all.p, all.n * sizeof *made);
    *n = all.n;
    wd_vec_done(&all);
    return made;
}

/* ---- what a listing shows ---- */

static bool
has_flag(const bson_t *doc, struct wd_arena *a, struct wd_str flag)
{
    struct wd_doc_list flags = wd_doc_list(doc, "flags", a);

    for (size_t i = 0; i < flags.n; i++)
        if (wd_str_ieq(flags.p[i], flag))
            return true;
    return false;
}

static void
set_flags(struct wd_call *call, const bson_t *doc, Wd__V1__MessageEntry *to)
{
    to->seen = !wd_doc_bool(doc, "unseen", false);
    to->deleted = !wd_doc_bool(doc, "undeleted", true);
    to->flagged = wd_doc_bool(doc, "flagged", false);
    to->draft = wd_doc_bool(doc, "draft", false);
    to->forwarded = has_flag(doc, call->arena, WD_STR("$Forwarded"));
    to->answered = !to->forwarded && has_flag(doc, call->arena, WD_STR("\\Answered"));
}

static void
set_content_type(struct wd_call *call, const bson_t *doc, Wd__V1__MessageEntry *to)
{
    struct wd_str subtype = wd_doc_str(doc, "mimeTree.parsedHeader.content-type.subtype");

    set_text(call, doc, "mimeTree.parsedHeader.content-type.value", &to->has_content_type, &to->content_type);
    if (wd_doc_bool(doc, "mimeTree.parsedHeader.content-type.hasParams", false))
        to->has_content_params = json_of(call, doc, "mimeTree.parsedHeader.content-type.params", &to->content_params);
    to->encrypted = wd_str_ieq(subtype, WD_STR("encrypted"));
}

/* The tokens of a field that may be there several times. */
static void
set_references(struct wd_call *call, const bson_t *doc, Wd__V1__MessageEntry *to)
{
    static const char field[] = "mimeTree.parsedHeader.references";
    struct wd_doc_list values = wd_doc_list(doc, field, call->arena);
    struct wd_str single = wd_doc_str(doc, field), rest, word;

    if (values.n == 0 && single.n)
        values = (struct wd_doc_list){ &single, 1 };
    to->references = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, REFERENCES_MAX);
    for (size_t i = 0; i < values.n; i++)
        for (rest = values.p[i]; to->n_references < REFERENCES_MAX && wd_str_split(&rest, ' ', &word);)
            if (wd_str_trim(word).n)
                to->references[to->n_references++] = copied(call, wd_str_trim(word));
}

Wd__V1__MessageEntry *
wd_pb_message_entry(struct wd_call *call, const bson_t *doc)
{
    Wd__V1__MessageEntry *to = WD_ARENA_NEW(call->arena, Wd__V1__MessageEntry);

    wd__v1__message_entry__init(to);
    to->uid = (uint32_t)wd_doc_int(doc, "uid", 0);
    to->mailbox = hex_of(call, doc, "mailbox");
    to->thread = hex_of(call, doc, "thread");
    to->from = sender(call, doc);
    to->to = addresses(call, doc, "to", &to->n_to);
    to->cc = addresses(call, doc, "cc", &to->n_cc);
    to->bcc = addresses(call, doc, "bcc", &to->n_bcc);
    set_text(call, doc, "msgid", &to->has_message_id, &to->message_id);
    set_text(call, doc, "subject", &to->has_subject, &to->subject);
    set_text(call, doc, "intro", &to->has_intro, &to->intro);
    set_text(call, doc, "meta.custom", &to->has_meta_data, &to->meta_data);
    set_date(doc, "hdate", &to->has_date_ms, &to->date_ms);
    set_date(doc, "idate", &to->has_internal_date_ms, &to->internal_date_ms);
    to->has_attachments = wd_doc_bool(doc, "ha", false);
    to->attachments = attachments(call, doc, &to->n_attachments);
    to->size = (uint64_t)wd_doc_int(doc, "size", 0);
    set_flags(call, doc, to);
    set_content_type(call, doc, to);
    set_references(call, doc, to);
    return to;
}

void
wd_pb_message_headers(struct wd_call *call, const bson_t *doc, const ProtobufCBinaryData *names, size_t n,
                      Wd__V1__MessageEntry *to)
{
    bson_t chosen wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t parsed;
    bson_iter_t it;
    char *text;
    size_t size;

    if (n == 0 || !wd_doc_sub(doc, "mimeTree.parsedHeader", &parsed))
        return;
    for (size_t i = 0; i < n; i++)
        if (names[i].len && bson_iter_init_find_w_len(&it, &parsed, (const char *)names[i].data, (int)names[i].len))
            bson_append_iter(&chosen, NULL, 0, &it);
    if (chosen.len > HEADERS_MAX || !(text = bson_as_relaxed_extended_json(&chosen, &size)))
        return;
    to->has_headers = true;
    to->headers = copied(call, wd_str_n(text, size));
    bson_free(text);
}

/* ---- one message ---- */

static void
set_envelope(struct wd_call *call, const bson_t *doc, Wd__V1__Message *to)
{
    struct wd_doc_list rcpt = wd_doc_list(doc, "meta.to", call->arena);

    set_text(call, doc, "meta.from", &to->has_envelope_from, &to->envelope_from);
    to->envelope_to = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, rcpt.n + 1);
    for (size_t i = 0; i < rcpt.n; i++)
        if (rcpt.p[i].n)
            to->envelope_to[to->n_envelope_to++] = copied(call, rcpt.p[i]);
}

static void
set_texts(struct wd_call *call, const bson_t *doc, Wd__V1__Message *to)
{
    struct wd_doc_list html = wd_doc_list(doc, "html", call->arena);

    to->html = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, html.n + 1);
    for (size_t i = 0; i < html.n && !to->entry->encrypted; i++)
        to->html[to->n_html++] = wd_pb_str(html.p[i]);
    to->text = wd_pb_str(wd_arena_printf(call->arena, "%.*s%.*s", WD_FMT(wd_doc_str(doc, "text")),
                                         WD_FMT(wd_doc_str(doc, "textFooter"))));
}

Wd__V1__Message *
wd_pb_message(struct wd_call *call, const bson_t *doc)
{
    Wd__V1__Message *to = WD_ARENA_NEW(call->arena, Wd__V1__Message);

    wd__v1__message__init(to);
    to->entry = wd_pb_message_entry(call, doc);
    to->user = hex_of(call, doc, "user");
    to->reply_to = addresses(call, doc, "reply-to", &to->n_reply_to);
    set_envelope(call, doc, to);
    set_texts(call, doc, to);
    to->has_expires_ms = wd_doc_bool(doc, "exp", false);
    to->expires_ms = wd_doc_int(doc, "rdate", 0);
    set_text(call, doc, "mimeTree.parsedHeader.list-id", &to->has_list_id, &to->list_id);
    set_text(call, doc, "mimeTree.parsedHeader.list-unsubscribe", &to->has_list_unsubscribe, &to->list_unsubscribe);
    to->has_forward_targets = json_of(call, doc, "forwardTargets", &to->forward_targets);
    to->has_verification_results = json_of(call, doc, "verificationResults", &to->verification_results);
    to->has_reference = json_of(call, doc, "meta.reference", &to->reference);
    to->has_files = json_of(call, doc, "meta.files", &to->files);
    return to;
}
