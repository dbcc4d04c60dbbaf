/* store-svc/mime/limits.h – what the parser takes apart. A message beyond a limit is stored like any other; what is
 * over the limit is one opaque piece. */
#ifndef WD_MIME_LIMITS_H
#define WD_MIME_LIMITS_H
#include <stddef.h>
#include <stdint.h>

enum {
    WD_MIME_DEPTH = 30,        /* levels of parts: a document of MongoDB has at most 100 levels of its own */
    WD_MIME_PARTS = 10000,     /* parts of a message */
    WD_MIME_HEADER = 1 << 20,  /* bytes of one part's header that are read */
    WD_MIME_HEADERS = 2 << 20, /* bytes of all headers that are read */
    WD_MIME_BOUNDARY = 256,    /* bytes of a boundary; RFC 2046 says 70 */
    WD_MIME_PARAMETERS = 100,  /* of one header field */
    WD_MIME_FIELD = 64 << 10,  /* bytes of one field that are decoded */
    WD_MIME_REFERENCES = 100,  /* message ids that make a thread */
};

struct wd_mime_limits {
    uint32_t depth, parts;
    size_t header, headers;
};

#define WD_MIME_LIMITS ((struct wd_mime_limits){ WD_MIME_DEPTH, WD_MIME_PARTS, WD_MIME_HEADER, WD_MIME_HEADERS })
#endif
