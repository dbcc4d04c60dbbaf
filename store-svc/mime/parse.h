/* store-svc/mime/parse.h – a message as a tree of byte ranges (RFC 2045, 2046), read in pieces, in bounded memory.
 *
 * Every byte belongs to the header of one part, to the body of one leaf, or lies between them (boundary lines,
 * preambles, epilogues). Nothing is refused and nothing is changed: what is malformed is only taken apart less.
 * Lines end at CRLF, CR CR LF, LF, or at a CR alone. One parser belongs to one thread.
 */
#ifndef WD_MIME_PARSE_H
#define WD_MIME_PARSE_H
#include "common/base/arena.h"
#include "store-svc/mime/decode.h"
#include "store-svc/mime/limits.h"
#include "store-svc/mime/params.h"

enum wd_part_kind {
    WD_PART_LEAF,
    WD_PART_MULTIPART, /* its children are its parts; may have none */
    WD_PART_MESSAGE,   /* message/rfc822: its one child is the message */
};

struct wd_mime_part {
    uint32_t parent; /* index; its own for the root */
    uint32_t depth, n_children;
    enum wd_part_kind kind;
    uint64_t header_start; /* absolute offsets */
    uint64_t body_start;   /* the header and its empty line end here */
    uint64_t body_end;     /* without the line end that belongs to a boundary line */
    uint64_t lines;        /* line ends in the body */
    struct wd_str header;  /* the bytes header_start…body_start, as far as they are read (limits.h) */
    bool header_cut;       /* .header is not all of it */

    struct wd_str type, subtype;  /* lower case, by the rules of RFC 2045 §5.2 when missing or broken */
    struct wd_params content;     /* of Content-Type */
    struct wd_params disposition; /* .value empty when there is none */
    struct wd_str encoding_name;  /* lower case; empty when there is none */
    enum wd_encoding encoding;
    struct wd_str id, description, location, language, md5; /* unfolded, as written; empty when there is none */
    struct wd_str boundary;                                 /* multipart only */

    /* A leaf in base64 that may be kept decoded (proof.h). */
    bool proven;
    uint32_t line_length, tail;
    uint64_t decoded_size;
};

struct wd_mime {
    const struct wd_mime_part *parts; /* a part stands before its children */
    uint32_t n;
    uint64_t size;
};

/* Gets the bytes of leaves, and those between the parts, while they pass; either may be NULL. `part` is complete but
 * for body_end, lines and the proof. */
struct wd_mime_sink {
    void (*body)(void *data, const struct wd_mime_part *part, uint32_t index, struct wd_str bytes);
    void (*glue)(void *data, uint64_t offset, struct wd_str bytes); /* what is neither header nor body of a leaf */
    void *data;
};

struct wd_mime_parser;

/** The result will live in the arena. sink may be NULL. */
struct wd_mime_parser *wd_mime_parser_new(struct wd_arena *a, struct wd_mime_limits limits,
                                          const struct wd_mime_sink *sink);
void wd_mime_parser_free(struct wd_mime_parser *p);
void wd_mime_parser_freep(struct wd_mime_parser **p);
void wd_mime_feed(struct wd_mime_parser *p, struct wd_str bytes);
/** At the end of the message; the parser can only be freed then. Never NULL, has at least the root. */
const struct wd_mime *wd_mime_finish(struct wd_mime_parser *p);

/** A leaf that is text and is not an attachment by its disposition. */
bool wd_mime_is_inline_text(const struct wd_mime_part *part);
/** "text", "plain" */
bool wd_mime_is(const struct wd_mime_part *part, const char *type, const char *subtype);
/** File name of the disposition or the name of the type; empty when there is none. */
struct wd_str wd_mime_filename(const struct wd_mime_part *part);
#endif
