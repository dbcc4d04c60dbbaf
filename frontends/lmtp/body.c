#include "frontends/lmtp/body.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "wd/v1/messages.pb-c.h"

enum { UPLOAD_TIMEOUT_MS = 60 * 1000, DROP_TIMEOUT_MS = 10 * 1000 };

struct lmtp_drop {
    struct lmtp_drop *next, **link;
    struct wd_rpc_call *call;
    struct wd_arena *arena;
    struct wd_error err;
};

static void
drop_free(struct lmtp_drop *d)
{
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    wd_rpc_cancel(&d->call);
    wd_arena_free(d->arena);
    free(d);
}

void
lmtp_drops_done(struct lmtp_drops *d)
{
    while (d->first)
        drop_free(d->first);
}

static void
on_dropped(const Wd__V1__DropUploadReply *reply, void *closure)
{
    (void)reply; /* an upload that stays goes by itself after an hour */
    drop_free(closure);
}

static void
drop_upload(struct lmtp_body *b)
{
    struct lmtp_drop *d = WD_NEW(struct lmtp_drop);
    Wd__V1__DropUploadRequest request = WD__V1__DROP_UPLOAD_REQUEST__INIT;
    struct wd_rpc_params params = { .timeout_ms = DROP_TIMEOUT_MS, .err = &d->err, .call = &d->call };
    char name[WD_ID_HEX + 1];

    d->arena = params.arena = wd_arena_new(0);
    d->link = &b->drops->first;
    d->next = b->drops->first;
    if (d->next)
        d->next->link = &d->next;
    b->drops->first = d;
    request.upload = wd_id_hex(b->upload, name);
    wd__v1__messages__drop_upload(wd_rpc_to(b->store, &wd__v1__messages__descriptor, &params), &request, on_dropped, d);
}

void
lmtp_body_init(struct lmtp_body *b)
{
    b->arena = wd_arena_new(0);
}

void
lmtp_body_reset(struct lmtp_body *b)
{
    wd_rpc_cancel(&b->call);
    if (b->uploaded > 0)
        drop_upload(b);
    wd_buf_done(&b->bytes);
    wd_arena_reset(b->arena);
    b->state = BODY_GOOD;
    b->size = b->uploaded = 0;
}

void
lmtp_body_done(struct lmtp_body *b)
{
    wd_rpc_cancel(&b->call);
    wd_buf_done(&b->bytes);
    wd_arena_free(b->arena);
}

size_t
lmtp_body_room(const struct lmtp_body *b)
{
    if (b->state != BODY_GOOD)
        return LMTP_BODY_CHUNK;
    return b->bytes.n < LMTP_BODY_CHUNK ? LMTP_BODY_CHUNK - b->bytes.n : 0;
}

static void
fail(struct lmtp_body *b, enum lmtp_body_state why)
{
    b->state = why;
    wd_buf_done(&b->bytes);
}

static void send_chunk(struct lmtp_body *b);

static void
on_uploaded(const Wd__V1__UploadReply *reply, void *closure)
{
    struct lmtp_body *b = closure;

    if (!reply)
        fail(b, BODY_FAILED);
    else if (b->bytes.n >= LMTP_BODY_CHUNK)
        send_chunk(b);
    b->on_room(b->data);
}

/* The bytes are in the call's own memory once the stub returns, so the buffer is free for what comes next. */
static void
send_chunk(struct lmtp_body *b)
{
    Wd__V1__UploadRequest request = WD__V1__UPLOAD_REQUEST__INIT;
    struct wd_rpc_params params = {
        .timeout_ms = UPLOAD_TIMEOUT_MS, .arena = b->arena, .err = &b->err, .call = &b->call,
    };
    char name[WD_ID_HEX + 1];

    if (b->uploaded == 0)
        b->upload = wd_id_new();
    request.upload = wd_id_hex(b->upload, name);
    request.offset = b->uploaded;
    request.data.data = (uint8_t *)b->bytes.p;
    request.data.len = b->bytes.n;
    b->uploaded += b->bytes.n;
    wd_arena_reset(b->arena);
    wd__v1__messages__upload(wd_rpc_to(b->store, &wd__v1__messages__descriptor, &params), &request, on_uploaded, b);
    b->bytes.n = 0;
}

void
lmtp_body_added(struct lmtp_body *b, size_t before)
{
    b->size += b->bytes.n - before;
    if (b->state == BODY_GOOD && b->size > b->max_bytes)
        fail(b, BODY_TOO_BIG);
    if (b->state != BODY_GOOD)
        b->bytes.n = 0;
    else if (b->bytes.n >= LMTP_BODY_CHUNK && !b->call)
        send_chunk(b);
}

bool
lmtp_body_finish(struct lmtp_body *b)
{
    if (b->state != BODY_GOOD)
        return true;
    if (b->call)
        return false;
    if (b->uploaded == 0 || b->bytes.n == 0)
        return true;
    send_chunk(b);
    return false;
}
