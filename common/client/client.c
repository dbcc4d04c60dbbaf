#include "common/client/wd-client.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/id.h"
#include "common/log/log.h"
#include "common/rpc/client_raw.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"

enum { CHUNK_BYTES = 512 * 1024, INLINE_BYTES = 768 * 1024, READ_BYTES = 1024 * 1024 };

struct wd_client {
    struct event_base *loop;
    struct wd_rpc_client *rpc;
    int timeout_ms;
    struct wd_arena *arena; /* of the call under way */
    struct wd_error err;
    bool done;
    const ProtobufCMessage *reply;
    struct wd_str bytes; /* reply of wd_client_call(), copied to the arena */
};

static bool
fail(struct wd_client_error *to, const struct wd_error *from)
{
    to->reason = from->reason;
    to->name = wd_reason_info(from->reason)->name;
    memcpy(to->text, from->text, sizeof to->text);
    return false;
}

bool
wd_client_open(struct wd_client **out, const struct wd_client_options *o, struct wd_client_error *err)
{
    struct wd_rpc_client_options options = { .urls = o->urls,
                                             .service_token = o->service_token,
                                             .tls = { o->ca_file, o->certificate_file, o->server_name } };
    static const struct wd_log_options quiet = { .level = WD_LOG_ERROR };
    struct wd_client *c = WD_NEW(struct wd_client);

    wd_log_init(&quiet); /* a library does not talk on its host's standard error */
    c->timeout_ms = o->timeout_ms;
    c->arena = wd_arena_new(0);
    c->loop = event_base_new();
    if (!c->loop)
        wd_fail(&c->err, WD_INTERNAL, "no event loop");
    else
        c->rpc = wd_rpc_client_new(c->loop, &options, &c->err);
    if (!c->rpc) {
        fail(err, &c->err);
        wd_client_close(c);
        return false;
    }
    *out = c;
    return true;
}

void
wd_client_close(struct wd_client *c)
{
    if (!c)
        return;
    wd_rpc_client_free(c->rpc);
    if (c->loop)
        event_base_free(c->loop);
    wd_arena_free(c->arena);
    free(c);
}

/* ---- one call ---- */

static struct wd_rpc_params
begin(struct wd_client *c, const char *session_token, const char *key)
{
    wd_arena_reset(c->arena);
    c->done = false;
    c->reply = NULL;
    c->bytes = WD_NONE;
    return (struct wd_rpc_params){
        .session_token = session_token, .key = key, .timeout_ms = c->timeout_ms, .arena = c->arena, .err = &c->err
    };
}

/* Closure of every generated stub. */
static void
on_reply(const void *reply, void *data)
{
    struct wd_client *c = data;

    c->reply = reply;
    c->done = true;
}

/* The reply of the call that was begun, or NULL. */
static const void *
await(struct wd_client *c, struct wd_client_error *err)
{
    wd_rpc_run(c->rpc, &c->done);
    if (!c->reply)
        fail(err, &c->err);
    return c->reply;
}

static void
on_bytes(struct wd_str reply, void *data)
{
    struct wd_client *c = data;

    c->done = true;
    if (reply.p)
        c->bytes = wd_arena_str(c->arena, reply);
}

bool
wd_client_call(struct wd_client *c, const struct wd_client_call *call, void **reply, size_t *reply_bytes,
               struct wd_client_error *err)
{
    struct wd_rpc_params p = begin(c, call->session_token, call->key);

    wd_rpc_call_bytes(c->rpc, call->method, wd_str_n(call->request, call->request_bytes), &p, on_bytes, c);
    wd_rpc_run(c->rpc, &c->done);
    if (!c->bytes.p)
        return fail(err, &c->err);
    *reply = wd_alloc(c->bytes.n + 1);
    memcpy(*reply, c->bytes.p, c->bytes.n);
    *reply_bytes = c->bytes.n;
    return true;
}

void
wd_client_free(void *reply)
{
    free(reply);
}

/* ---- typed calls ---- */

static ProtobufCBinaryData
borrow(const void *p, size_t n)
{
    return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

static char *
borrow_text(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void
copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

bool
wd_client_authenticate(struct wd_client *c, const char *username, const char *password, const char *scope,
                       struct wd_client_session *out, struct wd_client_error *err)
{
    struct wd_rpc_params p = begin(c, NULL, NULL);
    Wd__V1__AuthenticateRequest req = WD__V1__AUTHENTICATE_REQUEST__INIT;
    const Wd__V1__AuthenticateReply *reply;

    req.username = borrow(username, strlen(username));
    req.password = borrow(password, strlen(password));
    req.scope = borrow_text(scope);
    wd__v1__auth__authenticate(wd_rpc_to(c->rpc, &wd__v1__auth__descriptor, &p), &req,
                               (Wd__V1__AuthenticateReply_Closure)on_reply, c);
    reply = await(c, err);
    if (!reply)
        return false;
    copy_text(out->user, sizeof out->user, reply->user);
    copy_text(out->token, sizeof out->token, reply->session_token);
    out->expires_ms = reply->expires_ms;
    return true;
}

static bool
upload(struct wd_client *c, const char *name, const struct wd_client_delivery *d, struct wd_client_error *err)
{
    const char *bytes = d->message;

    for (size_t at = 0; at < d->message_bytes; at += CHUNK_BYTES) {
        struct wd_rpc_params p = begin(c, NULL, NULL);
        Wd__V1__UploadRequest req = WD__V1__UPLOAD_REQUEST__INIT;
        size_t n = d->message_bytes - at;

        req.upload = borrow_text(name);
        req.offset = at;
        req.data = borrow(bytes + at, n < CHUNK_BYTES ? n : CHUNK_BYTES);
        wd__v1__messages__upload(wd_rpc_to(c->rpc, &wd__v1__messages__descriptor, &p), &req,
                                 (Wd__V1__UploadReply_Closure)on_reply, c);
        if (!await(c, err))
            return false;
    }
    return true;
}

static void
copy_outcome(struct wd_client_outcome *to, const Wd__V1__RecipientOutcome *from)
{
    *to = (struct wd_client_outcome){ .accepted = from->accepted, .reason = from->reason, .uid = from->uid };
    copy_text(to->text, sizeof to->text, from->text);
    copy_text(to->message, sizeof to->message, from->message);
}

static bool
deliver(struct wd_client *c, Wd__V1__DeliverRequest *req, struct wd_client_outcome *outcomes,
        struct wd_client_error *err)
{
    struct wd_rpc_params p = begin(c, NULL, NULL);
    const Wd__V1__DeliverReply *reply;

    wd__v1__delivery__deliver(wd_rpc_to(c->rpc, &wd__v1__delivery__descriptor, &p), req,
                              (Wd__V1__DeliverReply_Closure)on_reply, c);
    reply = await(c, err);
    if (!reply)
        return false;
    if (reply->n_outcomes != req->n_recipients) {
        wd_fail(&c->err, WD_INTERNAL, "%zu outcomes for %zu recipients", reply->n_outcomes, req->n_recipients);
        return fail(err, &c->err);
    }
    for (size_t i = 0; i < reply->n_outcomes; i++)
        copy_outcome(&outcomes[i], reply->outcomes[i]);
    return true;
}

bool
wd_client_deliver(struct wd_client *c, const struct wd_client_delivery *d, struct wd_client_outcome *outcomes,
                  struct wd_client_error *err)
{
    Wd__V1__DeliverRequest req = WD__V1__DELIVER_REQUEST__INIT;
    char name[WD_ID_HEX + 1];
    bool ok = true;

    if (d->message_bytes > INLINE_BYTES) {
        req.upload = wd_id_hex(wd_id_new(), name);
        req.has_upload_size = true;
        req.upload_size = d->message_bytes;
        ok = upload(c, name, d, err);
    } else {
        req.has_raw = true;
        req.raw = borrow(d->message, d->message_bytes);
    }
    req.sender = borrow(d->sender, strlen(d->sender));
    req.n_recipients = d->recipient_count;
    req.recipients = wd_alloc(sizeof *req.recipients * (d->recipient_count + 1));
    for (size_t i = 0; i < d->recipient_count; i++)
        req.recipients[i] = borrow(d->recipients[i], strlen(d->recipients[i]));
    ok = ok && deliver(c, &req, outcomes, err);
    free(req.recipients);
    return ok;
}

/* False when each() has had enough. */
static bool
each_mailbox(const Wd__V1__ListMailboxesReply *reply, bool (*each)(void *, const struct wd_client_mailbox *),
             void *data)
{
    for (size_t i = 0; i < reply->n_mailboxes; i++) {
        const Wd__V1__Mailbox *m = reply->mailboxes[i];
        char *path = wd_alloc(m->path.len + 1);
        struct wd_client_mailbox row = { .id = m->id,
                                         .path = path,
                                         .path_bytes = m->path.len,
                                         .uid_validity = m->uid_validity,
                                         .uid_next = m->uid_next,
                                         .messages = m->messages,
                                         .unseen = m->unseen,
                                         .subscribed = m->subscribed };
        bool more;

        if (m->path.len)
            memcpy(path, m->path.data, m->path.len);
        more = each(data, &row);
        free(path);
        if (!more)
            return false;
    }
    return true;
}

bool
wd_client_list_mailboxes(struct wd_client *c, const char *session_token,
                         bool (*each)(void *data, const struct wd_client_mailbox *mailbox), void *data,
                         struct wd_client_error *err)
{
    char *cursor wd_auto(wd_freep) = NULL;
    size_t cursor_bytes = 0;

    for (;;) {
        struct wd_rpc_params p = begin(c, session_token, NULL);
        Wd__V1__ListMailboxesRequest req = WD__V1__LIST_MAILBOXES_REQUEST__INIT;
        const Wd__V1__ListMailboxesReply *reply;

        req.has_counters = req.counters = true;
        req.has_cursor = cursor != NULL;
        req.cursor = borrow(cursor, cursor_bytes);
        wd__v1__mailboxes__list(wd_rpc_to(c->rpc, &wd__v1__mailboxes__descriptor, &p), &req,
                                (Wd__V1__ListMailboxesReply_Closure)on_reply, c);
        reply = await(c, err);
        if (!reply)
            return false;
        if (!each_mailbox(reply, each, data) || !reply->has_next_cursor)
            return true;
        cursor_bytes = reply->next_cursor.len;
        cursor = wd_realloc(cursor, cursor_bytes + 1);
        if (cursor_bytes)
            memcpy(cursor, reply->next_cursor.data, cursor_bytes);
    }
}

bool
wd_client_read_message(struct wd_client *c, const char *session_token, const char *mailbox_id, uint32_t uid,
                       bool (*chunk)(void *data, const void *bytes, size_t n), void *data, struct wd_client_error *err)
{
    uint64_t at = 0, size = 0;

    do {
        struct wd_rpc_params p = begin(c, session_token, NULL);
        Wd__V1__ReadBodyRequest req = WD__V1__READ_BODY_REQUEST__INIT;
        Wd__V1__Section section = WD__V1__SECTION__INIT;
        const Wd__V1__ReadBodyReply *reply;

        section.has_offset = section.has_length = true;
        section.offset = at;
        section.length = READ_BYTES;
        req.mailbox = borrow_text(mailbox_id);
        req.uid = uid;
        req.section = &section;
        wd__v1__messages__read_body(wd_rpc_to(c->rpc, &wd__v1__messages__descriptor, &p), &req,
                                    (Wd__V1__ReadBodyReply_Closure)on_reply, c);
        reply = await(c, err);
        if (!reply)
            return false;
        size = reply->size;
        at += reply->data.len;
        if (reply->data.len == 0 || !chunk(data, reply->data.data, reply->data.len))
            break;
    } while (at < size);
    return true;
}
