#include "frontends/imap/body.h"

#include "common/mail/words.h"
#include "frontends/imap/write.h"

struct writer {
    struct wd_buf *out;
    struct wd_arena *arena;
    unsigned flags;
};

/* A part whose children are being written. */
struct open_part {
    const Wd__V1__BodyPart *part;
    size_t children;
};

static void
write_text(struct writer *w, ProtobufCBinaryData d)
{
    imap_write_string(w->out, w->flags & IMAP_BODY_UTF8 ? imap_pb(d) : wd_words_encode(w->arena, imap_pb(d)));
}

static void
write_ntext(struct writer *w, bool has, ProtobufCBinaryData d)
{
    wd_buf_chr(w->out, ' ');
    if (has)
        write_text(w, d);
    else
        wd_buf_c(w->out, "NIL");
}

static void
write_parameters(struct writer *w, Wd__V1__BodyParameter *const *list, size_t n)
{
    if (n == 0) {
        wd_buf_c(w->out, " NIL");
        return;
    }
    wd_buf_c(w->out, " (");
    for (size_t i = 0; i < n; i++) {
        if (i)
            wd_buf_chr(w->out, ' ');
        write_text(w, list[i]->name);
        wd_buf_chr(w->out, ' ');
        write_text(w, list[i]->value);
    }
    wd_buf_chr(w->out, ')');
}

static void
write_languages(struct writer *w, const Wd__V1__BodyPart *p)
{
    if (p->n_languages == 0) {
        wd_buf_c(w->out, " NIL");
        return;
    }
    wd_buf_c(w->out, " (");
    for (size_t i = 0; i < p->n_languages; i++) {
        if (i)
            wd_buf_chr(w->out, ' ');
        write_text(w, p->languages[i]);
    }
    wd_buf_chr(w->out, ')');
}

/* Disposition, language, location: the end of every part of BODYSTRUCTURE. */
static void
write_extension(struct writer *w, const Wd__V1__BodyPart *p)
{
    if (p->has_disposition) {
        wd_buf_c(w->out, " (");
        write_text(w, p->disposition);
        write_parameters(w, p->disposition_parameters, p->n_disposition_parameters);
        wd_buf_chr(w->out, ')');
    } else {
        wd_buf_c(w->out, " NIL");
    }
    write_languages(w, p);
    write_ntext(w, p->has_location, p->location);
}

static bool
is_multipart(const Wd__V1__BodyPart *p)
{
    return wd_str_eq(imap_pb(p->type), WD_STR("MULTIPART"));
}

/* An embedded message that was parsed. */
static bool
is_message(const Wd__V1__BodyPart *p)
{
    return p->envelope && wd_str_eq(imap_pb(p->type), WD_STR("MESSAGE"));
}

static void
write_basic(struct writer *w, const Wd__V1__BodyPart *p)
{
    wd_buf_chr(w->out, '(');
    write_text(w, p->type);
    wd_buf_chr(w->out, ' ');
    write_text(w, p->subtype);
    write_parameters(w, p->parameters, p->n_parameters);
    write_ntext(w, p->has_id, p->id);
    write_ntext(w, p->has_description, p->description);
    wd_buf_chr(w->out, ' ');
    if (p->has_encoding)
        write_text(w, p->encoding);
    else
        wd_buf_c(w->out, "\"7BIT\"");
    wd_buf_chr(w->out, ' ');
    wd_buf_u64(w->out, p->size);
}

static void
write_lines(struct writer *w, const Wd__V1__BodyPart *p)
{
    wd_buf_chr(w->out, ' ');
    wd_buf_u64(w->out, p->lines);
}

static void
write_end(struct writer *w, const Wd__V1__BodyPart *p)
{
    if (w->flags & IMAP_BODY_EXTENDED) {
        write_ntext(w, p->has_md5, p->md5);
        write_extension(w, p);
    }
    wd_buf_chr(w->out, ')');
}

static void
write_leaf(struct writer *w, const Wd__V1__BodyPart *p)
{
    write_basic(w, p);
    if (wd_str_eq(imap_pb(p->type), WD_STR("TEXT")))
        write_lines(w, p);
    write_end(w, p);
}

/* For a multipart without parts: the syntax wants one. */
static void
write_empty(struct writer *w)
{
    wd_buf_c(w->out, "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0");
    wd_buf_c(w->out, w->flags & IMAP_BODY_EXTENDED ? " NIL NIL NIL NIL)" : ")");
}

static void
begin_part(struct writer *w, const Wd__V1__BodyPart *p)
{
    if (is_multipart(p)) {
        wd_buf_chr(w->out, '(');
        return;
    }
    write_basic(w, p);
    wd_buf_chr(w->out, ' ');
    imap_write_envelope(w->out, w->arena, p->envelope, w->flags);
    wd_buf_chr(w->out, ' ');
}

static void
end_part(struct writer *w, const struct open_part *o)
{
    if (o->children == 0)
        write_empty(w);
    if (!is_multipart(o->part)) {
        write_lines(w, o->part);
        write_end(w, o->part);
        return;
    }
    wd_buf_chr(w->out, ' ');
    write_text(w, o->part->subtype);
    if (w->flags & IMAP_BODY_EXTENDED) {
        write_parameters(w, o->part->parameters, o->part->n_parameters);
        write_extension(w, o->part);
    }
    wd_buf_chr(w->out, ')');
}

void
imap_write_body(struct wd_buf *out, struct wd_arena *a, Wd__V1__BodyPart *const *parts, size_t n, unsigned flags)
{
    struct writer w = { out, a, flags };
    struct open_part *stack = WD_ARENA_ARRAY(a, struct open_part, n + 1);
    size_t depth = 0;

    for (size_t i = 0; i < n; i++) {
        const Wd__V1__BodyPart *p = parts[i];
        while (depth && stack[depth - 1].part->depth >= p->depth)
            end_part(&w, &stack[--depth]);
        if (i && depth == 0)
            break; /* a second root */
        if (depth && stack[depth - 1].children++ && !is_multipart(stack[depth - 1].part))
            continue; /* a message has one child */
        if (is_multipart(p) || is_message(p)) {
            begin_part(&w, p);
            stack[depth++] = (struct open_part){ .part = p };
        } else {
            write_leaf(&w, p);
        }
    }
    while (depth)
        end_part(&w, &stack[--depth]);
    if (n == 0)
        write_empty(&w);
}
