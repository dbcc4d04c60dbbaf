#include "common/net/deflate.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/base/alloc.h"

enum { STEP = 16 * 1024, WINDOW_BITS = -15, MEMORY_LEVEL = 8 };

struct wd_deflate {
    z_stream out, in;
    struct evbuffer *wire_out, *wire_in;
    bool has_out;   /* `out` is initialised */
    bool unflushed; /* bytes went in since the last flush */
    bool held_back; /* the last inflate step filled its room: more may come without input */
};

struct wd_deflate *
wd_deflate_new(void)
{
    struct wd_deflate *d = WD_NEW(struct wd_deflate);
    int result = inflateInit2(&d->in, WINDOW_BITS);

    if (result != Z_OK)
        abort(); /* out of memory: nothing else can fail here */
    d->wire_out = evbuffer_new();
    d->wire_in = evbuffer_new();
    return d;
}

void
wd_deflate_free(struct wd_deflate *d)
{
    if (!d)
        return;
    if (d->has_out)
        deflateEnd(&d->out);
    inflateEnd(&d->in);
    evbuffer_free(d->wire_out);
    evbuffer_free(d->wire_in);
    free(d);
}

struct evbuffer *
wd_deflate_wire_out(struct wd_deflate *d)
{
    return d->wire_out;
}

struct evbuffer *
wd_deflate_wire_in(struct wd_deflate *d)
{
    return d->wire_in;
}

/* One call of deflate() into a fresh step; true when there was not room enough for all. */
static bool
deflate_step(struct wd_deflate *d, int flush)
{
    unsigned char room[STEP];

    d->out.next_out = room;
    d->out.avail_out = sizeof room;
    deflate(&d->out, flush);
    evbuffer_add(d->wire_out, room, sizeof room - d->out.avail_out);
    return d->out.avail_out == 0;
}

static void
need_compressor(struct wd_deflate *d)
{
    if (d->has_out)
        return;
    d->out = (z_stream){ 0 };
    if (deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        abort();
    d->has_out = true;
}

void
wd_deflate_out(struct wd_deflate *d, struct evbuffer *plain, size_t most)
{
    struct evbuffer_iovec piece;

    while (evbuffer_get_length(d->wire_out) < most && evbuffer_peek(plain, -1, NULL, &piece, 1) > 0) {
        size_t n = piece.iov_len < STEP ? piece.iov_len : STEP;
        need_compressor(d);
        d->out.next_in = piece.iov_base;
        d->out.avail_in = (uInt)n;
        while (deflate_step(d, Z_NO_FLUSH))
            continue;
        assert(d->out.avail_in == 0);
        evbuffer_drain(plain, n);
        d->unflushed = true;
    }
    if (d->unflushed && evbuffer_get_length(plain) == 0) {
        while (deflate_step(d, Z_SYNC_FLUSH))
            continue;
        d->unflushed = false;
    }
}

bool
wd_deflate_in(struct wd_deflate *d, struct evbuffer *plain, size_t most)
{
    unsigned char room[STEP];
    struct evbuffer_iovec piece;

    while (evbuffer_get_length(plain) < most && wd_deflate_has_more(d)) {
        size_t space = most - evbuffer_get_length(plain), n = 0;
        uInt given = (uInt)(space < sizeof room ? space : sizeof room);
        int result;
        if (evbuffer_peek(d->wire_in, -1, NULL, &piece, 1) > 0) {
            n = piece.iov_len < STEP ? piece.iov_len : STEP;
            d->in.next_in = piece.iov_base;
        }
        d->in.avail_in = (uInt)n;
        d->in.next_out = room;
        d->in.avail_out = given;
        result = inflate(&d->in, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR)
            return false; /* also Z_STREAM_END: the stream of a connection has no end */
        evbuffer_drain(d->wire_in, n - d->in.avail_in);
        evbuffer_add(plain, room, given - d->in.avail_out);
        d->held_back = d->in.avail_out == 0;
    }
    return true;
}

bool
wd_deflate_has_more(const struct wd_deflate *d)
{
    return d->held_back || evbuffer_get_length(d->wire_in) > 0;
}

bool
wd_deflate_rest(struct wd_deflate *d)
{
    if (!d->has_out || d->unflushed)
        return false;
    deflateEnd(&d->out);
    d->has_out = false;
    return true;
}

bool
wd_deflate_holds_compressor(const struct wd_deflate *d)
{
    return d->has_out;
}
