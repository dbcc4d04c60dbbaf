/* common/net/deflate.h – both directions of COMPRESS=DEFLATE (RFC 4978): raw deflate, in bounded steps.
 * A connection that rests can give its compressor back: the next bytes start with an empty history, which the
 * format allows after any flush. */
#ifndef WD_NET_DEFLATE_H
#define WD_NET_DEFLATE_H
#include <event2/buffer.h>
#include <stdbool.h>
#include <stddef.h>

struct wd_deflate;

struct wd_deflate *wd_deflate_new(void);
/** NULL is fine. */
void wd_deflate_free(struct wd_deflate *d);

/** Compressed bytes to be sent / that came and are not inflated yet. */
struct evbuffer *wd_deflate_wire_out(struct wd_deflate *d);
struct evbuffer *wd_deflate_wire_in(struct wd_deflate *d);

/** Moves bytes of `plain`, compressed, to wire_out until that holds `most` bytes or more; once plain is empty, all of
 *  it is in wire_out (one sync flush for what came since the last). */
void wd_deflate_out(struct wd_deflate *d, struct evbuffer *plain, size_t most);

/** Moves bytes of wire_in, inflated, to `plain` until that holds `most` bytes. False when they are not deflate. */
bool wd_deflate_in(struct wd_deflate *d, struct evbuffer *plain, size_t most);
/** wd_deflate_in() can go on without more bytes of the client. */
bool wd_deflate_has_more(const struct wd_deflate *d);

/** Gives the compressor's memory back (about 260 KB). False when it holds none. */
bool wd_deflate_rest(struct wd_deflate *d);
bool wd_deflate_holds_compressor(const struct wd_deflate *d);
#endif
