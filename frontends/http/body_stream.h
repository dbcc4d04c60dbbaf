/* frontends/http/body_stream.h – an answer that is a section of a message, read from the store range by range as the
 * client takes it: the source, an attachment. */
#ifndef WD_HTTP_BODY_STREAM_H
#define WD_HTTP_BODY_STREAM_H
#include "frontends/http/call.h"
#include "wd/v1/messages.pb-c.h"

struct http_body_source {
    const char *user, *mailbox; /* ids */
    uint32_t uid;
    const Wd__V1__Section *section; /* without offset and length; NULL: the whole message */
    const char *type;               /* of the answer */
    const char *headers;            /* further lines, or NULL */
};

/**
 * Answers the call with the section; strings are copied. A failure before the first byte is the route's error, a
 * later one cuts the answer.
 */
void http_body_stream(struct http_call *c, const struct http_body_source *source);
#endif
