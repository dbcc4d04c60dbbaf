/* Messages: listing and reading them, their source, their attachments. */
#include "common/base/lifetime.h"
#include "common/base/buf.h"
#include "common/mail/address.h"
#include "frontends/http/body_stream.h"
#include "frontends/http/call_priv.h"
#include "frontends/http/fields_messages.h"
#include "frontends/http/map.h"
#include "frontends/http/routes.h"


enum { HEADER_NAMES_MAX = 100 };

/* clang-format off */
const struct http_field http_address_rows[] = {
    { "name",    HTTP_PLAIN, "name" },
    { "address", HTTP_PLAIN, "address" },
    { "group",   HTTP_ROWS,  "group", (const struct http_field[]){ { "name", HTTP_PLAIN, "name" }, { "address", HTTP_PLAIN, "address" }, { 0 } } },
    { 0 },
};
const struct http_field http_attachment_rows[] = {
    { "id",               HTTP_PLAIN, "id" },
    { "filename",         HTTP_PLAIN, "filename" },
    { "contentType",      HTTP_PLAIN, "content_type", .absent = "\"application/octet-stream\"" },
    { "disposition",      HTTP_PLAIN, "disposition", .absent = "false" },
    { "transferEncoding", HTTP_PLAIN, "transfer_encoding", .absent = "\"7bit\"" },
    { "cid",              HTTP_PLAIN, "cid", .absent = "null" },
    { "related",          HTTP_PLAIN, "related" },
    { "sizeKb",           HTTP_PLAIN, "size_kb" },
    { "size",             HTTP_PLAIN, "size" },
    { "hash",             HTTP_PLAIN, "hash" },
    { "fileContentHash",  HTTP_PLAIN, "file_content_hash" },
    { 0 },
};

const struct http_param messages_list_params[] = {
    HTTP_USER,
    { "mailbox",        HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    HTTP_PAGING("page"),
    { "order",          HTTP_TEXT, HTTP_OR_EMPTY },
    { "unseen",         HTTP_FLAG, .field = "unseen" },
    { "metaData",       HTTP_FLAG, .initial = "false" },
    { "threadCounters", HTTP_FLAG, .field = "thread_counters", .initial = "false" },
    { "includeHeaders", HTTP_TEXT, HTTP_OR_EMPTY, .max = 1024 },
    { 0 },
};
static const struct http_field listed_rows[] = {
    HTTP_MESSAGE_FIELDS(""),
    { "intro",              HTTP_PLAIN, "intro", .absent = "\"\"" },
    { "attachments",        HTTP_PLAIN, "has_attachments" },
    { "attachmentsList",    HTTP_ROWS,  "attachments", http_attachment_rows },
    { "threadMessageCount", HTTP_PLAIN, "thread_messages" },
    { "headers",            HTTP_JSON,  "headers" },
    { "metaData",           HTTP_JSON,  "meta_data", .absent = "{}" },
    HTTP_CONTENT_TYPE_FIELDS(""),
    { 0 },
};
const struct http_field messages_list_fields[] = {
    HTTP_PAGED("page"),
    { "specialUse", HTTP_PLAIN, "special_use", .absent = "null" },
    { "results",    HTTP_ROWS,  "messages", listed_rows },
    { 0 },
};

const struct http_param message_show_params[] = {
    HTTP_USER,
    { "mailbox",         HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    { "message",         HTTP_NUMBER, HTTP_REQUIRED, .min = 1, .field = "uid" },
    { "replaceCidLinks", HTTP_FLAG, .initial = "false" },
    { "markAsSeen",      HTTP_FLAG, .field = "mark_seen", .initial = "false" },
    { 0 },
};
const struct http_field message_show_fields[] = {
    HTTP_MESSAGE_FIELDS("entry."),
    { "user",                HTTP_PLAIN,    "user" },
    { "replyTo",             HTTP_ROWS,     "reply_to", http_address_rows },
    { "html",                HTTP_PLAIN,    "html" },
    { "text",                HTTP_PLAIN,    "text" },
    { "expires",             HTTP_ISO_DATE, "expires_ms" },
    { "attachments",         HTTP_ROWS,     "entry.attachments", http_attachment_rows },
    { "metaData",            HTTP_JSON,     "entry.meta_data", .absent = "{}" },
    { "forwardTargets",      HTTP_JSON,     "forward_targets" },
    { "verificationResults", HTTP_JSON,     "verification_results" },
    { "reference",           HTTP_JSON,     "reference" },
    { "files",               HTTP_JSON,     "files" },
    HTTP_CONTENT_TYPE_FIELDS("entry."),
    { 0 },
};

const struct http_param message_source_params[] = {
    HTTP_USER,
    { "mailbox", HTTP_ID, HTTP_REQUIRED },
    { "message", HTTP_NUMBER, HTTP_REQUIRED, .min = 1 },
    { 0 },
};

const struct http_param message_attachment_params[] = {
    HTTP_USER,
    { "mailbox",      HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    { "message",      HTTP_NUMBER, HTTP_REQUIRED, .min = 1, .field = "uid" },
    { "attachment",   HTTP_TEXT, HTTP_REQUIRED, .max = 20, .field = "attachment", .pattern = "^[Aa][Tt][Tt][0-9]+$" },
    { "sendAsString", HTTP_FLAG, .initial = "false" },
    { 0 },
};
/* clang-format on */

/* ---- what the tables cannot say ---- */

static void
finish_addresses(json_t *list)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
        if (json_object_get(one, "address"))
            json_object_del(one, "group");
}

void
http_message_finish(json_t *message)
{
    static const char *const lists[] = { "to", "cc", "bcc", "replyTo" };
    json_t *type = json_object(), *from = json_object_get(message, "from");

    for (size_t i = 0; i < WD_COUNT(lists); i++)
        finish_addresses(json_object_get(message, lists[i]));
    if (from)
        json_object_del(from, "group");
    if (!json_is_true(json_object_get(message, "encrypted")))
        json_object_del(message, "encrypted");
    json_object_set(type, "value", json_object_get(message, "value"));
    if (json_object_get(message, "params"))
        json_object_set(type, "params", json_object_get(message, "params"));
    json_object_del(message, "value");
    json_object_del(message, "params");
    json_object_set_new(message, "contentType", type);
}

/* ---- GET …/messages ---- */

/* "To, List-ID" as lower-case names. */
static void
ask_headers(struct http_call *c, Wd__V1__ListMessagesRequest *to)
{
    const char *text = http_read_text(c, "includeHeaders");
    struct wd_str rest = wd_str_c(text ? text : ""), name;

    to->headers = WD_ARENA_ARRAY(c->arena, ProtobufCBinaryData, HEADER_NAMES_MAX);
    while (rest.n && to->n_headers < HEADER_NAMES_MAX && wd_str_split(&rest, ',', &name)) {
        struct wd_str lower = wd_arena_str(c->arena, wd_text_fold(c->arena, wd_str_trim(name)));
        union {
            const char *from;
            uint8_t *bytes;
        } view = { lower.p };

        if (lower.n)
            to->headers[to->n_headers++] = (ProtobufCBinaryData){ lower.n, view.bytes };
    }
}

static void
listed(struct http_call *c, const ProtobufCMessage *reply)
{
    json_t *row;
    size_t i;

    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    json_array_foreach(json_object_get(c->answer, "results"), i, row) {
        http_message_finish(row);
        if (!http_read_flag(c, "metaData"))
            json_object_del(row, "metaData");
    }
    http_succeed(c);
}

void
api_messages_list(struct http_call *c)
{
    union {
        ProtobufCMessage *message;
        Wd__V1__ListMessagesRequest *list;
    } to = { c->request };
    const char *order = http_read_text(c, "order");

    to.list->ascending = to.list->has_ascending = order && strcmp(order, "asc") == 0;
    ask_headers(c, to.list);
    http_call_rpc(c, listed);
}

/* ---- GET …/messages/:message ---- */

/* "attachment:ATT00001" becomes the path of the attachment. */
static json_t *
replaced_links(struct http_call *c, const char *text)
{
    static const char link[] = "attachment:ATT";
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    const char *at;

    while ((at = strstr(text, link)) != NULL) {
        wd_buf_add(&out, text, (size_t)(at - text));
        wd_buf_printf(&out, "/users/%s/mailboxes/%s/messages/%lld/attachments/ATT", http_read_text(c, "user"),
                      http_read_text(c, "mailbox"),
                      (long long)json_integer_value(json_object_get(c->read, "message")));
        text = at + sizeof link - 1;
    }
    wd_buf_c(&out, text);
    return json_stringn(out.n ? out.p : "", out.n);
}

static void
replace_all_links(struct http_call *c)
{
    json_t *html = json_object_get(c->answer, "html"), *one;
    const char *text = json_string_value(json_object_get(c->answer, "text"));
    size_t i;

    json_array_foreach(html, i, one)
        json_array_set_new(html, i, replaced_links(c, json_string_value(one)));
    json_object_set_new(c->answer, "text", replaced_links(c, text ? text : ""));
}

static json_t *
recipient(struct http_call *c, ProtobufCBinaryData address)
{
    struct wd_str value = wd_str_n(address.data, address.len), normal = wd_address_normal(c->arena, value);
    json_t *row = json_object();

    json_object_set_new(row, "value", json_stringn(value.p, value.n));
    json_object_set_new(row, "formatted", json_stringn(normal.n ? normal.p : "", normal.n));
    return row;
}

static void
add_envelope(struct http_call *c, const Wd__V1__Message *m)
{
    json_t *rcpt = json_array(), *envelope = json_object(), *from = NULL;

    for (size_t i = 0; i < m->n_envelope_to; i++)
        json_array_append_new(rcpt, recipient(c, m->envelope_to[i]));
    if (m->envelope_from.len)
        from = json_stringn(wd_str_n(m->envelope_from.data, m->envelope_from.len).p, m->envelope_from.len);
    json_object_set_new(envelope, "from", from ? from : json_string(""));
    json_object_set_new(envelope, "rcpt", rcpt);
    json_object_set_new(c->answer, "envelope", envelope);
}

static json_t *
list_address(struct wd_str name, struct wd_str address)
{
    json_t *row = json_object();

    json_object_set_new(row, "name", json_stringn(name.n ? name.p : "", name.n));
    json_object_set_new(row, "address", json_stringn(address.n ? address.p : "", address.n));
    return row;
}

/* "Name <list.example.com>" */
static json_t *
list_id(struct wd_str value)
{
    size_t open = wd_str_rchr(value, '<'), close = wd_str_rchr(value, '>');

    if (open == SIZE_MAX || close == SIZE_MAX || close < open)
        return list_address(WD_NONE, wd_str_trim(value));
    return list_address(wd_str_trim(wd_str_part(value, 0, open)), wd_str_part(value, open + 1, close));
}

/* "<mailto:off@example.com?subject=x>, <https://example.com/off>" */
static json_t *
list_unsubscribe(struct wd_str value)
{
    json_t *all = json_array();
    struct wd_str one, address;

    while (value.n && wd_str_split(&value, ',', &one)) {
        one = wd_str_trim(one);
        if (one.n > 1 && one.p[0] == '<' && one.p[one.n - 1] == '>')
            one = wd_str_part(one, 1, one.n - 1);
        if (one.n == 0)
            continue;
        if (!wd_str_starts(one, WD_STR("mailto:"))) {
            json_array_append_new(all, list_address(one, WD_NONE));
            continue;
        }
        one = wd_str_part(one, 7, one.n);
        (void)wd_str_split(&one, '?', &address);
        json_array_append_new(all, list_address(WD_NONE, address));
    }
    return all;
}

static void
add_list(struct http_call *c, const Wd__V1__Message *m)
{
    json_t *list = json_object();

    if (m->has_list_id)
        json_object_set_new(list, "id", list_id(wd_str_n(m->list_id.data, m->list_id.len)));
    if (m->has_list_unsubscribe)
        json_object_set_new(list, "unsubscribe",
                            list_unsubscribe(wd_str_n(m->list_unsubscribe.data, m->list_unsubscribe.len)));
    if (json_object_size(list))
        json_object_set(c->answer, "list", list);
    json_decref(list);
}

/* Fields that the message has not are left out. */
static void
drop_empty(json_t *message)
{
    static const char *const lists[] = { "to", "cc", "bcc", "replyTo" };

    for (size_t i = 0; i < WD_COUNT(lists); i++)
        if (json_array_size(json_object_get(message, lists[i])) == 0)
            json_object_del(message, lists[i]);
    if (json_object_get(message, "encrypted"))
        json_object_del(message, "html");
}

static void
shown(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__Message *m;
    } got = { reply };

    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    http_message_finish(c->answer);
    drop_empty(c->answer);
    add_envelope(c, got.m);
    add_list(c, got.m);
    if (http_read_flag(c, "replaceCidLinks"))
        replace_all_links(c);
    http_succeed(c);
}

void
api_message_show(struct http_call *c)
{
    http_call_rpc(c, shown);
}

/* ---- GET …/message.eml ---- */

static uint32_t
uid_of(const struct http_call *c)
{
    json_int_t uid = json_integer_value(json_object_get(c->read, "message"));

    return uid > 0 && uid <= UINT32_MAX ? (uint32_t)uid : 0;
}

static void
source_found(struct http_call *c, const ProtobufCMessage *reply)
{
    struct http_body_source source = { .user = http_read_text(c, "user"),
                                       .mailbox = http_read_text(c, "mailbox"),
                                       .uid = uid_of(c),
                                       .type = "message/rfc822" };

    if (reply) {
        http_body_stream(c, &source);
        return;
    }
    if (c->err.reason == WD_MAILBOX_NOT_FOUND)
        wd_fail(&c->err, WD_MESSAGE_NOT_FOUND, "This message does not exist");
    http_fail(c);
}

/* An empty range says whether the message is there, so that the answer has a status. */
void
api_message_source(struct http_call *c)
{
    Wd__V1__ReadBodyRequest *read = WD_ARENA_NEW(c->arena, Wd__V1__ReadBodyRequest);
    Wd__V1__Section *section = WD_ARENA_NEW(c->arena, Wd__V1__Section);

    wd__v1__read_body_request__init(read);
    wd__v1__section__init(section);
    section->has_offset = section->has_length = true;
    http_map_set_text(&read->base, "user", wd_str_c(http_read_text(c, "user")), c->arena);
    http_map_set_text(&read->base, "mailbox", wd_str_c(http_read_text(c, "mailbox")), c->arena);
    read->uid = uid_of(c);
    read->section = section;
    http_rpc(c, &wd__v1__messages__descriptor, "ReadBody", &read->base, source_found);
}

/* ---- GET …/attachments/:attachment ---- */

/* c->data: the range under way, which lives no longer than until it is written. */
struct download {
    Wd__V1__ReadAttachmentRequest *request;
    struct wd_arena *arena;
    struct wd_error err;
    struct wd_rpc_call *call;
};

static void read_some(struct http_call *c);

static void
download_free(struct http_call *c)
{
    struct download *d = c->data;

    wd_rpc_cancel(&d->call);
    wd_arena_free(d->arena);
    d->arena = NULL;
}

/* What a message calls its part must not become header fields of ours. */
static const char *
safe_type(struct http_call *c, ProtobufCBinaryData type)
{
    struct wd_str text = wd_str_n(type.data, type.len);
    size_t slashes = 0;

    for (size_t i = 0; i < text.n; i++) {
        slashes += text.p[i] == '/';
        if (!wd_is_alpha(text.p[i]) && !wd_is_digit(text.p[i]) && !strchr("/.+-_", text.p[i]))
            return "application/octet-stream";
    }
    if (slashes != 1 || text.n > 200)
        return "application/octet-stream";
    return wd_arena_printf(c->arena, "%.*s", WD_FMT(text)).p;
}

/* RFC 6266; the name in UTF-8 by RFC 8187. */
static const char *
disposition(struct http_call *c, const Wd__V1__ReadAttachmentReply *part)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&out, "Content-Disposition: attachment");
    if (part->has_filename)
        wd_buf_c(&out, "; filename*=UTF-8''");
    for (size_t i = 0; part->has_filename && i < part->filename.len && i < 1000; i++) {
        unsigned char byte = part->filename.data[i];
        if (wd_is_alpha((char)byte) || wd_is_digit((char)byte) || byte == '.' || byte == '-' || byte == '_')
            wd_buf_chr(&out, (char)byte);
        else
            wd_buf_printf(&out, "%%%02X", byte);
    }
    wd_buf_c(&out, "\r\nX-Content-Type-Options: nosniff\r\n");
    return wd_arena_printf(c->arena, "%.*s", WD_FMT(wd_buf_view(&out))).p;
}

static void
on_some(const Wd__V1__ReadAttachmentReply *reply, void *data)
{
    struct http_call *c = data;
    struct download *d = c->data;
    bool more;

    if (!reply) {
        c->err = d->err;
        http_fail(c);
        return;
    }
    if (!c->began)
        http_stream_begin(c, safe_type(c, reply->content_type), HTTP_UNKNOWN_LENGTH, disposition(c, reply));
    http_stream_write(c, wd_str_n(reply->data.data, reply->data.len));
    more = reply->has_next;
    d->request->has_position = true;
    d->request->position = reply->next;
    wd_arena_reset(d->arena);
    if (more)
        http_stream_more(c, read_some);
    else
        http_stream_end(c);
}

static void
read_some(struct http_call *c)
{
    struct download *d = c->data;
    struct wd_rpc_params params = { .arena = d->arena, .err = &d->err, .call = &d->call,
                                    .timeout_ms = c->server->options.call_timeout_ms };

    wd__v1__messages__read_attachment(wd_rpc_to(c->server->store, &wd__v1__messages__descriptor, &params), d->request,
                                      on_some, c);
}

void
api_message_attachment(struct http_call *c)
{
    union {
        ProtobufCMessage *message;
        Wd__V1__ReadAttachmentRequest *read;
    } to = { c->request };
    struct download *d = WD_ARENA_NEW(c->arena, struct download);

    if (http_read_flag(c, "sendAsString")) { /* no charset is converted here */
        wd_fail(&c->err, WD_INVALID, "\"sendAsString\" must be [false]");
        http_fail(c);
        return;
    }
    *d = (struct download){ .request = to.read, .arena = wd_arena_new(600 * 1024) };
    c->data = d;
    c->cleanup = download_free;
    read_some(c);
}
