#include "store-svc/mime/parse.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"
#include "store-svc/mime/content.h"
#include "store-svc/mime/proof.h"

enum {
    WINDOW = 64 << 10,
    DELIMITER_MAX = 1024 /* bytes of a line that may be a boundary line, trailing blanks included */
};

enum state {
    IN_HEADER,
    IN_BODY, /* of a leaf */
    IN_GLUE  /* preamble or epilogue of a multipart */
};

struct wd_mime_parser {
    struct wd_arena *arena;
    struct wd_mime_limits limits;
    struct wd_mime_sink sink;
    struct WD_VEC(struct wd_mime_part) parts;
    struct WD_VEC(uint32_t) open; /* multiparts whose boundary may come, the innermost last */
    enum state state;
    uint32_t current; /* whose header, body, preamble or epilogue this is */
    struct wd_buf header;
    size_t headers; /* bytes kept of all headers */
    uint64_t lines; /* line ends so far */
    struct wd_proof proof;

    /* The window: win[0] is byte `base` of the message. Everything before `out` is done. The present line starts at
     * `at`, and the line end before it (which may turn out to belong to a boundary line) at `term`; with mid_line the
     * line is known to be none, and `at` has moved into it. */
    uint64_t base;
    size_t n, out, term, at;
    bool mid_line, final;
    size_t lf, lf_from; /* the next LF from lf_from on is at lf (n: none in the window) */
    char win[WINDOW];
};

struct line {
    size_t end;  /* of its text; what is known of it when it is not complete */
    size_t size; /* bytes of its line end */
    bool complete;
};

struct delimiter {
    struct line line;
    size_t level; /* in `open` */
    bool closing;
};

enum match { NO, YES, MORE };

static size_t
next_lf(struct wd_mime_parser *p, size_t from)
{
    const char *found;

    if (from >= p->lf_from && from <= p->lf && p->lf < p->n && p->win[p->lf] == '\n')
        return p->lf;
    if (from < p->lf_from || p->lf < from)
        p->lf = from; /* nothing is known from here on */
    found = memchr(p->win + p->lf, '\n', p->n - p->lf);
    p->lf_from = from;
    p->lf = found ? (size_t)(found - p->win) : p->n;
    return p->lf;
}

/* The line whose text (or what is left of it) starts at `from`. */
static struct line
find_line(struct wd_mime_parser *p, size_t from)
{
    size_t lf = next_lf(p, from), cr;
    const char *found = memchr(p->win + from, '\r', lf - from);

    if (!found) {
        bool has_lf = lf < p->n;

        return (struct line){ .end = lf, .size = has_lf, .complete = has_lf || p->final };
    }
    cr = (size_t)(found - p->win);
    if (lf < p->n && (cr + 1 == lf || (cr + 2 == lf && p->win[cr + 1] == '\r')))
        return (struct line){ .end = cr, .size = lf + 1 - cr, .complete = true };
    if (cr + 2 < p->n || p->final || (cr + 1 < p->n && p->win[cr + 1] != '\r'))
        return (struct line){ .end = cr, .size = 1, .complete = true };
    return (struct line){ .end = cr }; /* CR, or CR CR, and what follows is not here yet */
}

/* Hands the bytes before `to` to the sink. */
static void
give(struct wd_mime_parser *p, size_t to)
{
    struct wd_str bytes = { p->win + p->out, to - p->out };

    if (p->state == IN_BODY && bytes.n) {
        const struct wd_mime_part *part = &p->parts.p[p->current];

        if (part->encoding == WD_ENCODING_BASE64)
            wd_proof_add(&p->proof, bytes);
        if (p->sink.body)
            p->sink.body(p->sink.data, part, p->current, bytes);
    }
    if (p->state == IN_GLUE && bytes.n && p->sink.glue)
        p->sink.glue(p->sink.data, p->base + p->out, bytes);
    p->out = to;
}

static void
begin_part(struct wd_mime_parser *p, uint32_t parent)
{
    struct wd_mime_part part = { .parent = parent, .header_start = p->base + p->at };

    if (p->parts.n) {
        part.depth = p->parts.p[parent].depth + 1;
        p->parts.p[parent].n_children++;
    }
    p->current = (uint32_t)p->parts.n;
    wd_vec_push(&p->parts, part);
    p->header.n = 0;
    p->state = IN_HEADER;
}

/* The part's body ends; `lines` is the count of line ends up to there. */
static void
end_part(struct wd_mime_parser *p, uint32_t index, uint64_t end, uint64_t lines)
{
    struct wd_mime_part *part = &p->parts.p[index];

    part->body_end = end;
    part->lines = lines - part->lines; /* held the count at its start */
    if (part->kind == WD_PART_LEAF && part->encoding == WD_ENCODING_BASE64 && index == p->current)
        part->proven = wd_proof_finish(&p->proof, &part->line_length, &part->tail, &part->decoded_size);
}

static bool
may_have_children(const struct wd_mime_parser *p, const struct wd_mime_part *part)
{
    return part->depth + 1 < p->limits.depth && p->parts.n < p->limits.parts;
}

/* The header ends before the byte at p->at: says what follows. */
static void
header_done(struct wd_mime_parser *p)
{
    struct wd_mime_part *part = &p->parts.p[p->current];
    uint32_t index = p->current;
    bool in_digest = index && wd_mime_is(&p->parts.p[part->parent], "multipart", "digest");

    part->body_start = p->base + p->at;
    part->header = wd_arena_str(p->arena, wd_buf_view(&p->header));
    part->lines = p->lines;
    p->headers += p->header.n;
    wd_content_read(p->arena, part, in_digest, may_have_children(p, part));
    p->out = p->term = p->at;
    p->mid_line = false;
    if (part->kind == WD_PART_MULTIPART) {
        p->state = IN_GLUE;
        wd_vec_push(&p->open, index);
    } else if (part->kind == WD_PART_MESSAGE) {
        begin_part(p, index);
    } else {
        p->state = IN_BODY;
        p->proof = (struct wd_proof){ 0 };
    }
}

/* Is the line at p->at the boundary line of an open multipart? Trailing blanks are allowed (RFC 2046 §5.1.1). */
static enum match
match_delimiter(struct wd_mime_parser *p, struct delimiter *d)
{
    const char *text = p->win + p->at;
    size_t left = p->n - p->at, n;

    if (p->open.n == 0)
        return NO;
    if (left < 2)
        return p->final || (left && text[0] != '-') ? NO : MORE;
    if (text[0] != '-' || text[1] != '-')
        return NO;
    d->line = find_line(p, p->at);
    n = d->line.end - p->at;
    if (n > DELIMITER_MAX)
        return NO;
    if (!d->line.complete)
        return MORE;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    for (d->level = p->open.n; d->level-- > 0;) {
        struct wd_str b = p->parts.p[p->open.p[d->level]].boundary;

        if (n < b.n + 2 || memcmp(text + 2, b.p, b.n) != 0)
            continue;
        d->closing = n == b.n + 4 && text[n - 1] == '-' && text[n - 2] == '-';
        if (d->closing || n == b.n + 2)
            return YES;
    }
    return NO;
}

/* The parts that the boundary line ends, and what comes after it. */
static void
take_delimiter(struct wd_mime_parser *p, const struct delimiter *d)
{
    uint32_t multipart = p->open.p[d->level];
    uint64_t lines = p->lines - (p->term < p->at);

    give(p, p->term);
    for (uint32_t i = p->current; i != multipart; i = p->parts.p[i].parent)
        end_part(p, i, p->base + p->term, lines);
    p->lines += d->line.size > 0;
    p->term = d->line.end;
    p->at = d->line.end + d->line.size;
    p->mid_line = false;
    p->current = multipart;
    p->state = IN_GLUE;
    p->open.n = d->level + !d->closing;
    if (!d->closing) {
        give(p, p->at);
        begin_part(p, multipart);
    }
}

/* With no room for another part, the rest of the message belongs to what is open now. */
static enum match
look_for_delimiter(struct wd_mime_parser *p, struct delimiter *d)
{
    enum match found = match_delimiter(p, d);

    if (found == YES && !d->closing && p->parts.n >= p->limits.parts) {
        p->open.n = 0;
        return NO;
    }
    return found;
}

/* Keeps header bytes up to the limits. */
static void
keep_header(struct wd_mime_parser *p, size_t to)
{
    size_t n = to - p->at, room = p->limits.header - p->header.n;

    if (room > p->limits.headers - p->headers - p->header.n)
        room = p->limits.headers - p->headers - p->header.n;
    if (n > room) {
        p->parts.p[p->current].header_cut = true;
        n = room;
    }
    wd_buf_add(&p->header, p->win + p->at, n);
    p->at = p->out = to;
}

/* Each step is false when it needs more bytes. */
static bool
step_header(struct wd_mime_parser *p)
{
    struct delimiter d;
    struct line line;

    if (!p->mid_line) {
        enum match found = look_for_delimiter(p, &d);

        if (found == MORE)
            return false;
        if (found == YES) {
            p->term = p->at;
            header_done(p); /* the line is looked at again in the new state */
            return true;
        }
    }
    line = find_line(p, p->at);
    if (!line.complete) {
        p->mid_line = p->mid_line || line.end > p->at;
        keep_header(p, line.end);
        return false;
    }
    bool empty = !p->mid_line && line.end == p->at && line.size;
    bool ended = line.size == 0; /* only at the end of the message */
    p->lines += line.size > 0;
    keep_header(p, line.end + line.size);
    p->mid_line = false;
    if (empty)
        header_done(p);
    return !ended;
}

static bool
step_body(struct wd_mime_parser *p)
{
    struct delimiter d;
    struct line line;

    for (;;) {
        if (!p->mid_line) {
            enum match found = look_for_delimiter(p, &d);

            if (found == YES) {
                take_delimiter(p, &d);
                return true;
            }
            if (found == MORE)
                return false;
            p->mid_line = true;
        }
        line = find_line(p, p->at);
        p->at = line.end;
        if (!line.complete || line.size == 0) {
            p->term = p->at;
            return false;
        }
        p->lines++;
        p->term = line.end;
        p->at = line.end + line.size;
        p->mid_line = false;
    }
}

static void
run(struct wd_mime_parser *p)
{
    while (p->state == IN_HEADER ? step_header(p) : step_body(p))
        continue;
    give(p, p->mid_line || p->state == IN_HEADER ? p->at : p->term);
    p->base += p->out;
    p->n -= p->out;
    memmove(p->win, p->win + p->out, p->n);
    p->at -= p->out;
    p->term = p->term > p->out ? p->term - p->out : 0;
    p->lf = p->lf_from = p->at; /* searched again from the present line on */
    p->out = 0;
}

struct wd_mime_parser *
wd_mime_parser_new(struct wd_arena *a, struct wd_mime_limits limits, const struct wd_mime_sink *sink)
{
    struct wd_mime_parser *p = WD_NEW(struct wd_mime_parser);

    p->arena = a;
    p->limits = limits;
    if (sink)
        p->sink = *sink;
    begin_part(p, 0);
    return p;
}

void
wd_mime_parser_free(struct wd_mime_parser *p)
{
    if (!p)
        return;
    wd_vec_done(&p->parts);
    wd_vec_done(&p->open);
    wd_buf_done(&p->header);
    free(p);
}

void
wd_mime_parser_freep(struct wd_mime_parser **p)
{
    wd_mime_parser_free(*p);
}

void
wd_mime_feed(struct wd_mime_parser *p, struct wd_str bytes)
{
    while (bytes.n) {
        size_t n = WINDOW - p->n;

        if (n > bytes.n)
            n = bytes.n;
        memcpy(p->win + p->n, bytes.p, n);
        p->n += n;
        bytes = wd_str_part(bytes, n, bytes.n);
        run(p);
    }
}

const struct wd_mime *
wd_mime_finish(struct wd_mime_parser *p)
{
    struct wd_mime *m = WD_ARENA_NEW(p->arena, struct wd_mime);
    struct wd_mime_part *parts;

    p->final = true;
    run(p);
    p->at = p->n;
    give(p, p->n);
    while (p->state == IN_HEADER)
        header_done(p);
    m->size = p->base + p->n;
    for (uint32_t i = p->current;; i = p->parts.p[i].parent) {
        end_part(p, i, m->size, p->lines);
        if (i == 0)
            break;
    }
    parts = WD_ARENA_ARRAY(p->arena, struct wd_mime_part, p->parts.n);
    memcpy(parts, p->parts.p, sizeof *parts * p->parts.n);
    m->parts = parts;
    m->n = (uint32_t)p->parts.n;
    return m;
}
