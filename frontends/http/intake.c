/* The body of a request: parameters are kept in memory, a message goes to the store in chunks as it comes, the rest
 * is dropped. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/id.h"
#include "frontends/http/body.h"
#include "frontends/http/call_priv.h"
#include "frontends/http/map.h"
#include "wd/v1/messages.pb-c.h"

enum {
    CHUNK = 512 * 1024,      /* one call of Messages.Upload */
    SMALL = 256 * 1024,      /* a raw body of at most this is kept in memory instead */
    SKIP_MAX = 1024 * 1024,  /* more of an unwanted body is not worth reading */
    PLAIN_TYPE_LARGER = 3,   /* a message as a JSON string or in base64 takes this many halves of its size */
};

struct http_intake {
    struct http_server *server;
    struct http_body *body;
    enum http_body_kind kind;
    bool uploads, ended, asked; /* asked: the client was told to go on */
    struct evbuffer *kept;
    size_t limit, held; /* held: its share of server->held_bytes */
    uint64_t taken;
    /* Of an upload: */
    char id[WD_ID_HEX + 1];
    uint64_t sent;
    struct wd_arena *arena; /* of the call under way */
    struct wd_rpc_call *rpc;
    struct wd_error err;
    bool failed;
};

static void
note_held(struct http_intake *in)
{
    size_t now = evbuffer_get_length(in->kept);

    in->server->held_bytes += now - in->held;
    in->held = now;
}

void
http_intake_free(struct http_intake *in)
{
    if (!in)
        return;
    wd_rpc_cancel(&in->rpc);
    in->server->held_bytes -= in->held;
    http_body_free(in->body);
    evbuffer_free(in->kept);
    wd_arena_free(in->arena);
    free(in);
}

static bool
has_body(const struct http_head *h)
{
    return h->chunked || h->length > 0;
}

static size_t
limit_of(const struct http_call *c, const struct http_intake *in)
{
    const struct http_options *o = &c->server->options;

    if (in->uploads)
        return o->max_message_bytes;
    return c->route->flags & HTTP_BIG ? o->max_message_bytes / 2 * PLAIN_TYPE_LARGER + o->max_body_bytes
                                      : o->max_body_bytes;
}

static bool
refuse(struct http_call *c, int status, const char *text)
{
    const char *code = status == 415   ? "UnsupportedMediaType"
                       : status == 413 ? "RequestEntityTooLarge"
                       : status == 503 ? "ServiceUnavailable"
                       : strstr(text, "Content-MD5") ? "BadDigest"
                                                     : "InvalidContent";

    http_refuse(c, status, code, text);
    return false;
}

static struct http_intake *
new_intake(struct http_server *server, struct http_body *body)
{
    struct http_intake *in = WD_NEW(struct http_intake);

    *in = (struct http_intake){ .server = server, .body = body, .kept = evbuffer_new() };
    if (!in->kept)
        abort();
    return in;
}

bool
http_intake_open(struct http_call *c)
{
    struct wd_str type = http_head_field(c->head, "Content-Type");
    struct http_intake *in;
    struct http_body *body;
    int status;

    body = http_body_new(c->head, &status, &c->err);
    if (!body)
        return refuse(c, status, c->err.text);
    in = c->intake = new_intake(c->server, body);
    in->kind = c->head->method == HTTP_GET || !has_body(c->head) ? HTTP_BODY_UNREAD : http_body_kind(type);
    in->uploads = in->kind == HTTP_BODY_RAW && (c->route->flags & HTTP_RAW);
    in->limit = limit_of(c, in);
    wd_id_hex(wd_id_new(), in->id);
    if (c->head->length > in->limit)
        return refuse(c, 413, "the body is too large");
    if (in->uploads && c->route->needs != HTTP_PUBLIC && c->route->needs != HTTP_TOKEN) {
        const char *user = http_read_text(c, "user");
        if (!http_may(c, user)) /* before megabytes are taken */
            return false;
    }
    if (c->head->wants_continue && has_body(c->head)) {
        wd_conn_write(c->conn->net, WD_STR("HTTP/1.1 100 Continue\r\n\r\n"));
        in->asked = true;
    }
    return true;
}

/* ---- chunks to the store ---- */

static void
on_uploaded(const Wd__V1__UploadReply *reply, void *data)
{
    struct http_call *c = data;
    struct http_intake *in = c->intake;

    in->failed = reply == NULL;
    http_conn_step(c->conn);
}

/* Sends up to CHUNK bytes of what is kept. */
static void
upload(struct http_call *c)
{
    struct http_intake *in = c->intake;
    Wd__V1__UploadRequest req = WD__V1__UPLOAD_REQUEST__INIT;
    size_t n = evbuffer_get_length(in->kept) < CHUNK ? evbuffer_get_length(in->kept) : CHUNK;
    struct wd_rpc_params params = { .err = &in->err, .call = &in->rpc,
                                    .timeout_ms = c->server->options.call_timeout_ms };

    if (!in->arena)
        in->arena = wd_arena_new(256);
    wd_arena_reset(in->arena);
    params.arena = in->arena;
    req.upload = in->id;
    req.offset = in->sent;
    req.data = (ProtobufCBinaryData){ n, evbuffer_pullup(in->kept, (ssize_t)n) };
    wd__v1__messages__upload(wd_rpc_to(c->server->store, &wd__v1__messages__descriptor, &params), &req,
                             on_uploaded, c);
    /* The request was packed before the stub returned. */
    evbuffer_drain(in->kept, n);
    in->sent += n;
    note_held(in);
}

/* An upload has begun, or must now. */
static bool
is_large(const struct http_intake *in)
{
    return in->uploads && (in->sent > 0 || evbuffer_get_length(in->kept) > SMALL);
}

/* A chunk is there and the one before it was taken. */
static void
upload_some(struct http_call *c)
{
    const struct http_intake *in = c->intake;

    if (is_large(in) && !in->rpc && evbuffer_get_length(in->kept) >= CHUNK)
        upload(c);
}

/* ---- one step ---- */

/* Bytes that may be taken before somebody must take some of them away. */
static size_t
room(const struct http_intake *in)
{
    size_t kept = evbuffer_get_length(in->kept), most = in->uploads ? 2 * CHUNK : in->limit + 1;

    return kept < most ? most - kept : 0;
}

static bool
is_wanted(const struct http_intake *in)
{
    return in->uploads || in->kind == HTTP_BODY_JSON || in->kind == HTTP_BODY_FORM ||
           in->kind == HTTP_BODY_MULTIPART;
}

/* The body is whole. */
static bool
finish(struct http_call *c)
{
    struct http_intake *in = c->intake;

    if (is_large(in)) {
        if (in->rpc)
            return false;
        if (evbuffer_get_length(in->kept) > 0) {
            upload(c);
            return false;
        }
        c->upload = in->id;
        c->upload_size = in->sent;
    } else if (in->uploads) {
        c->raw = http_intake_bytes(c);
    }
    c->conn->state = HTTP_CONN_WORKING;
    http_serve_body(c);
    return true;
}

static bool
fail_upload(struct http_call *c)
{
    c->err = c->intake->err;
    http_fail(c);
    return true;
}

bool
http_intake_step(struct http_call *c)
{
    struct http_intake *in = c->intake;
    struct evbuffer *from = wd_conn_in(c->conn->net);
    size_t before = evbuffer_get_length(in->kept);
    bool starved;
    int status;

    if (in->failed)
        return fail_upload(c);
    if (in->ended)
        return finish(c);
    upload_some(c);
    if (room(in) == 0)
        return false;
    switch (http_body_read(in->body, from, in->kept, room(in), &starved, &status, &c->err)) {
    case HTTP_BODY_BAD:
        c->conn->keep_alive = false;
        refuse(c, status, c->err.text);
        return true;
    case HTTP_BODY_END:
        in->ended = true;
        break;
    case HTTP_BODY_MORE:
        break;
    }
    in->taken += evbuffer_get_length(in->kept) - before;
    if (!is_wanted(in))
        evbuffer_drain(in->kept, evbuffer_get_length(in->kept));
    note_held(in);
    if (in->taken > in->limit) {
        refuse(c, 413, "the body is too large");
        return true;
    }
    if (c->server->held_bytes > c->server->options.max_held_bytes) {
        refuse(c, 503, "too many large requests at once");
        return true;
    }
    if (!in->ended)
        upload_some(c);
    return in->ended || (!starved && room(in) > 0);
}

struct wd_str
http_intake_bytes(const struct http_call *c)
{
    size_t n = c->intake ? evbuffer_get_length(c->intake->kept) : 0;

    return n ? wd_str_n(evbuffer_pullup(c->intake->kept, -1), n) : WD_NONE;
}

enum http_body_kind
http_intake_kind(const struct http_call *c)
{
    return c->intake ? c->intake->kind : HTTP_BODY_UNREAD;
}

/* ---- what is left of a body ---- */

void
http_intake_settle(struct http_call *c)
{
    struct http_intake *in = c->intake;
    bool comes = !c->head->wants_continue || (in && in->asked);

    if (has_body(c->head) && !(in && in->ended) && (c->head->length > SKIP_MAX || !comes))
        c->conn->keep_alive = false;
}

struct http_intake *
http_intake_rest(struct http_call *c)
{
    struct http_intake *in = c->intake;
    struct wd_error unused;
    int status;

    http_intake_settle(c);
    if (!c->conn->keep_alive || !has_body(c->head) || (in && in->ended))
        return NULL;
    if (!in) {
        struct http_body *body = http_body_new(c->head, &status, &unused);
        if (!body) {
            c->conn->keep_alive = false;
            return NULL;
        }
        in = new_intake(c->server, body);
    }
    c->intake = NULL;
    wd_rpc_cancel(&in->rpc);
    in->limit = SKIP_MAX;
    in->taken = 0;
    return in;
}

enum http_body_state
http_intake_skip(struct http_intake *in, struct evbuffer *from)
{
    enum http_body_state state;
    struct wd_error unused;
    bool starved = false;
    int status;

    do {
        evbuffer_drain(in->kept, evbuffer_get_length(in->kept));
        state = http_body_read(in->body, from, in->kept, CHUNK, &starved, &status, &unused);
        in->taken += evbuffer_get_length(in->kept);
    } while (state == HTTP_BODY_MORE && !starved && in->taken <= in->limit);
    evbuffer_drain(in->kept, evbuffer_get_length(in->kept));
    note_held(in);
    return in->taken > in->limit ? HTTP_BODY_BAD : state;
}
