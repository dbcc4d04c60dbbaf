#include "store-svc/mime/structure.h"

#include "store-svc/mime/header.h"

static struct wd_str
upper(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = wd_upper(s.p[i]);
    return wd_str_n(p, s.n);
}

static struct wd_body_params
params_of(struct wd_arena *a, const struct wd_params *from)
{
    struct wd_body_params out = { WD_ARENA_ARRAY(a, struct wd_body_param, from->n + 1), 0 };

    for (size_t i = 0; i < from->n; i++) {
        out.p[out.n].name = upper(a, from->p[i].name);
        out.p[out.n++].value = from->p[i].value;
    }
    return out;
}

static struct wd_str
optional(struct wd_arena *a, struct wd_str s)
{
    return s.n ? wd_words_decode(a, s) : WD_NONE;
}

/* "en, de" */
static void
languages_of(struct wd_arena *a, struct wd_str s, struct wd_body_part *out)
{
    struct wd_str piece;

    if (s.n == 0)
        return;
    out->languages = WD_ARENA_ARRAY(a, struct wd_str, 16);
    while (out->n_languages < 16 && wd_str_split(&s, ',', &piece)) {
        piece = wd_str_trim(piece);
        if (piece.n)
            out->languages[out->n_languages++] = optional(a, piece);
    }
}

static void
leaf_fields(struct wd_arena *a, const struct wd_mime *mime, uint32_t index, struct wd_body_part *out)
{
    const struct wd_mime_part *part = &mime->parts[index];

    out->id = optional(a, part->id);
    out->description = optional(a, part->description);
    out->encoding = part->encoding_name.n ? upper(a, part->encoding_name) : WD_STR("7BIT");
    out->size = part->body_end - part->body_start;
    out->has_lines = wd_str_eq(out->type, WD_STR("TEXT")) || part->kind == WD_PART_MESSAGE;
    out->lines = out->has_lines ? part->lines : 0;
    out->md5 = optional(a, part->md5);
    if (part->kind == WD_PART_MESSAGE) {
        struct wd_envelope *e = WD_ARENA_NEW(a, struct wd_envelope);

        wd_envelope_read(a, mime->parts[index + 1].header, e);
        out->envelope = e;
    } else if (wd_str_eq(out->type, WD_STR("MESSAGE")) && wd_str_eq(out->subtype, WD_STR("RFC822"))) {
        /* An embedded message in an encoding, or too deep: its inside is not known, and clients insist on one. */
        out->type = WD_STR("APPLICATION");
        out->subtype = WD_STR("OCTET-STREAM");
    }
}

static void
part_fields(struct wd_arena *a, const struct wd_mime *mime, uint32_t index, struct wd_body_part *out)
{
    const struct wd_mime_part *part = &mime->parts[index];

    out->type = upper(a, part->type);
    out->subtype = upper(a, part->subtype);
    out->params = params_of(a, &part->content);
    out->disposition_params = params_of(a, &part->disposition);
    if (part->disposition.value.n)
        out->disposition = upper(a, part->disposition.value);
    languages_of(a, part->language, out);
    out->location = optional(a, part->location);
    if (part->kind == WD_PART_MESSAGE)
        out->subtype = WD_STR("RFC822"); /* message/global is the same to IMAP4rev1 */
    if (part->kind != WD_PART_MULTIPART)
        leaf_fields(a, mime, index, out);
}

void
wd_structure_read(struct wd_arena *a, const struct wd_mime *mime, struct wd_body_structure *out)
{
    out->parts = WD_ARENA_ARRAY(a, struct wd_body_part, (size_t)mime->n * 2);
    out->n = 0;
    for (uint32_t i = 0; i < mime->n; i++) {
        const struct wd_mime_part *part = &mime->parts[i];

        out->parts[out->n].depth = part->depth;
        part_fields(a, mime, i, &out->parts[out->n++]);
        if (part->kind == WD_PART_MULTIPART && part->n_children == 0)
            out->parts[out->n++] = (struct wd_body_part){
                .depth = part->depth + 1,
                .type = WD_STR("TEXT"),
                .subtype = WD_STR("PLAIN"),
                .encoding = WD_STR("7BIT"),
                .has_lines = true,
            };
    }
}
