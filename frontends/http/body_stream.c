#include "frontends/http/body_stream.h"

enum { RANGE = 256 * 1024 /* bytes of one call of Messages.ReadBody */ };

/* c->data: what is read next. */
struct stream {
    Wd__V1__ReadBodyRequest request;
    Wd__V1__Section section;
    const char *type, *headers;
    uint64_t at;
    /* A range lives no longer than until it is written. */
    struct wd_arena *arena;
    struct wd_error err;
    struct wd_rpc_call *call;
};

static void read_range(struct http_call *c);

static void
stream_free(struct http_call *c)
{
    struct stream *s = c->data;

    wd_rpc_cancel(&s->call);
    wd_arena_free(s->arena);
    s->arena = NULL;
}

static void
on_range(const Wd__V1__ReadBodyReply *reply, void *data)
{
    struct http_call *c = data;
    struct stream *s = c->data;
    uint64_t size = reply ? reply->size : 0;
    /* Nothing, although there should be more: the message is not what it was. */
    bool lost = reply && reply->data.len == 0 && s->at < size;

    if (!reply || lost) {
        c->err = s->err;
        if (lost)
            wd_fail(&c->err, WD_DATA_LOSS, "the body ends at %llu of %llu", (unsigned long long)s->at,
                    (unsigned long long)size);
        http_fail(c);
        return;
    }
    if (!c->began)
        http_stream_begin(c, s->type, HTTP_UNKNOWN_LENGTH, s->headers);
    http_stream_write(c, wd_str_n(reply->data.data, reply->data.len));
    s->at += reply->data.len;
    wd_arena_reset(s->arena);
    if (s->at < size)
        http_stream_more(c, read_range);
    else
        http_stream_end(c);
}

static void
read_range(struct http_call *c)
{
    struct stream *s = c->data;
    struct wd_rpc_params params = { .arena = s->arena, .err = &s->err, .call = &s->call,
                                    .timeout_ms = c->server->options.call_timeout_ms };

    s->section.has_offset = s->section.has_length = true;
    s->section.offset = s->at;
    s->section.length = RANGE;
    wd__v1__messages__read_body(wd_rpc_to(c->server->store, &wd__v1__messages__descriptor, &params), &s->request,
                                on_range, c);
}

static char *
copy(struct http_call *c, const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(wd_arena_alloc(c->arena, n), text, n);
}

void
http_body_stream(struct http_call *c, const struct http_body_source *source)
{
    struct stream *s = WD_ARENA_NEW(c->arena, struct stream);

    wd__v1__read_body_request__init(&s->request);
    wd__v1__section__init(&s->section);
    if (source->section)
        s->section = *source->section;
    s->request.user = copy(c, source->user);
    s->request.mailbox = copy(c, source->mailbox);
    s->request.uid = source->uid;
    s->request.section = &s->section;
    s->type = copy(c, source->type);
    s->headers = source->headers ? copy(c, source->headers) : NULL;
    s->arena = wd_arena_new(RANGE + 4096);
    c->data = s;
    c->cleanup = stream_free;
    read_range(c);
}
