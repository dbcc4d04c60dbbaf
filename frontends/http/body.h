/* frontends/http/body.h – the body of a request as it comes off the wire: chunks taken apart (RFC 9112 §7.1), gzip
 * inflated, Content-MD5 checked. A pull machine: it takes what is there and no more than asked for. */
#ifndef WD_HTTP_BODY_H
#define WD_HTTP_BODY_H
#include <event2/buffer.h>

#include "common/base/error.h"
#include "frontends/http/head.h"

struct http_body;

enum http_body_state { HTTP_BODY_MORE, HTTP_BODY_END, HTTP_BODY_BAD };

/** A reader for the body that the head announces. NULL with *status (415, 400) for an encoding that is not known. */
struct http_body *http_body_new(const struct http_head *head, int *status, struct wd_error *err);
/** NULL is fine. */
void http_body_free(struct http_body *b);

/**
 * Moves body bytes from `in` to `out`, about `room` of them at most. MORE: call again with more input, or with more
 * room when *starved is false. BAD: *status and err say what is wrong.
 */
enum http_body_state http_body_read(struct http_body *b, struct evbuffer *in, struct evbuffer *out, size_t room,
                                    bool *starved, int *status, struct wd_error *err);
#endif
