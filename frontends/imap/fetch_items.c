#include "frontends/imap/fetch_items.h"

#include "common/base/lifetime.h"
#include "frontends/imap/write.h"

static const struct {
    struct wd_str name;
    enum imap_fetch_kind kind;
} plain_items[] = {
    { WD_STR_C("FLAGS"), IMAP_FETCH_FLAGS },
    { WD_STR_C("UID"), IMAP_FETCH_UID },
    { WD_STR_C("INTERNALDATE"), IMAP_FETCH_INTERNALDATE },
    { WD_STR_C("RFC822.SIZE"), IMAP_FETCH_SIZE },
    { WD_STR_C("ENVELOPE"), IMAP_FETCH_ENVELOPE },
    { WD_STR_C("BODYSTRUCTURE"), IMAP_FETCH_BODYSTRUCTURE },
    { WD_STR_C("MODSEQ"), IMAP_FETCH_MODSEQ },
};

static const struct {
    struct wd_str name;
    enum imap_part part;
    bool sets_seen;
} whole_items[] = {
    { WD_STR_C("RFC822"), IMAP_PART_ALL, true },
    { WD_STR_C("RFC822.HEADER"), IMAP_PART_HEADER, false },
    { WD_STR_C("RFC822.TEXT"), IMAP_PART_TEXT, true },
};

static const struct {
    struct wd_str name;
    enum imap_fetch_kind kinds[5];
    size_t n;
} macros[] = {
    { WD_STR_C("ALL"), { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE, IMAP_FETCH_ENVELOPE }, 4 },
    { WD_STR_C("FAST"), { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE }, 3 },
    { WD_STR_C("FULL"),
      { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE, IMAP_FETCH_ENVELOPE, IMAP_FETCH_BODY },
      5 },
};

/* The last word of a section, after the part numbers. */
static const struct {
    struct wd_str name;
    enum imap_part part;
    bool fields;    /* a list of header names follows */
    bool with_path; /* allowed only behind part numbers */
} section_words[] = {
    { WD_STR_C("HEADER"), IMAP_PART_HEADER, false, false },
    { WD_STR_C("HEADER.FIELDS"), IMAP_PART_HEADER_FIELDS, true, false },
    { WD_STR_C("HEADER.FIELDS.NOT"), IMAP_PART_HEADER_FIELDS_NOT, true, false },
    { WD_STR_C("TEXT"), IMAP_PART_TEXT, false, false },
    { WD_STR_C("MIME"), IMAP_PART_MIME, false, true },
};

/* Arrays in the arena are allocated at their limit's next power: an item list is short, a copy is cheap. */
static void *
grown(struct wd_arena *a, void *old, size_t n, size_t element_bytes)
{
    void *p;

    if (n & (n - 1) || (n && n < 4))
        return old;
    p = wd_arena_alloc(a, (n ? n * 2 : 4) * element_bytes);
    if (n)
        memcpy(p, old, n * element_bytes);
    return p;
}

static void
push_item(struct imap_fetch_items *f, struct wd_arena *a, enum imap_fetch_kind kind, size_t section)
{
    f->items = grown(a, f->items, f->n, sizeof *f->items);
    f->items[f->n].kind = kind;
    f->items[f->n++].section = section;
    f->has |= 1u << kind;
}

void
imap_fetch_items_add(struct imap_fetch_items *f, struct wd_arena *a, enum imap_fetch_kind kind)
{
    if (!(f->has & 1u << kind))
        push_item(f, a, kind, 0);
}

static struct imap_section *
push_section(struct imap_parse *p, struct imap_fetch_items *f)
{
    f->sections = grown(p->arena, f->sections, f->sections_n, sizeof *f->sections);
    push_item(f, p->arena, IMAP_FETCH_SECTION, f->sections_n);
    return &f->sections[f->sections_n++];
}

/* "1.2.HEADER.FIELDS": numbers, then a word or nothing. */
static bool
parse_spec(struct imap_parse *p, struct wd_str spec, struct imap_section *s, bool *fields)
{
    struct wd_str whole = spec, piece;

    s->path = WD_ARENA_ARRAY(p->arena, uint32_t, IMAP_FETCH_PATH_MAX);
    while (spec.n && wd_is_digit(spec.p[0])) {
        if (s->path_n == IMAP_FETCH_PATH_MAX || !wd_str_split(&spec, '.', &piece) ||
            !wd_str_u32(piece, UINT32_MAX, &s->path[s->path_n]) || s->path[s->path_n++] == 0)
            return imap_parse_bad(p, "wrong part number");
    }
    *fields = false;
    if (spec.n == 0)
        return whole.p[whole.n - 1] != '.' || imap_parse_bad(p, "wrong section");
    for (size_t i = 0; i < WD_COUNT(section_words); i++) {
        if (!wd_str_ieq(section_words[i].name, spec) || (section_words[i].with_path && s->path_n == 0))
            continue;
        s->part = section_words[i].part;
        *fields = section_words[i].fields;
        return true;
    }
    return imap_parse_bad(p, "unknown section");
}

static bool
parse_fields(struct imap_parse *p, struct imap_section *s, struct wd_buf *label)
{
    struct wd_str name;

    if (!imap_parse_take(p, IMAP_OPEN))
        return imap_parse_bad(p, "header names are missing");
    wd_buf_c(label, " (");
    while (imap_parse_astring(p, &name)) {
        if (name.n == 0 || s->fields_n == IMAP_FETCH_FIELDS_MAX)
            return imap_parse_bad(p, "wrong header name");
        s->fields = grown(p->arena, s->fields, s->fields_n, sizeof *s->fields);
        if (s->fields_n)
            wd_buf_chr(label, ' ');
        imap_write_astring(label, name);
        s->fields[s->fields_n++] = wd_arena_str(p->arena, name);
    }
    wd_buf_chr(label, ')');
    if (s->fields_n == 0 || !imap_parse_take(p, IMAP_CLOSE))
        return imap_parse_bad(p, "wrong header names");
    return true;
}

/* "<offset.length>", right behind the bracket. */
static bool
parse_partial(struct imap_parse *p, struct imap_section *s, struct wd_buf *label)
{
    struct wd_str text = imap_parse_peek(p), number;

    if (!imap_parse_is(p, IMAP_ATOM) || !p->lex->tokens.p[p->at].glued)
        return true;
    p->at++;
    if (text.n < 3 || text.p[0] != '<' || text.p[text.n - 1] != '>')
        return imap_parse_bad(p, "wrong partial");
    text = wd_str_part(text, 1, text.n - 1);
    wd_str_split(&text, '.', &number);
    if (!wd_str_u64(number, UINT32_MAX, &s->offset))
        return imap_parse_bad(p, "wrong partial");
    s->partial = true;
    s->counted = text.p != NULL;
    if (s->counted && !wd_str_u64(text, UINT32_MAX, &s->length))
        return imap_parse_bad(p, "wrong partial");
    wd_buf_chr(label, '<');
    wd_buf_u64(label, s->offset);
    wd_buf_chr(label, '>');
    return true;
}

static bool
parse_section(struct imap_parse *p, struct imap_fetch_items *f)
{
    struct wd_buf label wd_auto(wd_buf_done) = { 0 };
    struct imap_section *s;
    struct wd_str spec;
    bool fields = false;

    if (f->sections_n == IMAP_FETCH_SECTIONS_MAX)
        return imap_parse_bad(p, "too many sections");
    s = push_section(p, f);
    imap_parse_take(p, IMAP_SECTION_OPEN);
    wd_buf_c(&label, "BODY[");
    if (imap_parse_atom(p, &spec)) {
        if (!parse_spec(p, spec, s, &fields))
            return false;
        for (size_t i = 0; i < spec.n; i++)
            wd_buf_chr(&label, wd_upper(spec.p[i]));
    }
    if (fields && !parse_fields(p, s, &label))
        return false;
    if (!imap_parse_take(p, IMAP_SECTION_CLOSE))
        return imap_parse_bad(p, "wrong section");
    wd_buf_chr(&label, ']');
    if (!parse_partial(p, s, &label))
        return false;
    s->label = wd_arena_str(p->arena, wd_buf_view(&label));
    return true;
}

static bool
parse_body(struct imap_parse *p, struct imap_fetch_items *f, struct wd_str name)
{
    bool peek = wd_str_ieq(name, WD_STR("BODY.PEEK"));

    if (imap_parse_is(p, IMAP_SECTION_OPEN)) {
        f->sets_seen |= !peek;
        return parse_section(p, f);
    }
    if (peek)
        return imap_parse_bad(p, "BODY.PEEK needs a section");
    push_item(f, p->arena, IMAP_FETCH_BODY, 0);
    return true;
}

static bool
parse_item(struct imap_parse *p, struct imap_fetch_items *f)
{
    struct wd_str name;

    if (f->n == IMAP_FETCH_ITEMS_MAX)
        return imap_parse_bad(p, "too many items");
    if (!imap_parse_atom(p, &name))
        return imap_parse_bad(p, "item expected");
    if (wd_str_ieq(name, WD_STR("BODY")) || wd_str_ieq(name, WD_STR("BODY.PEEK")))
        return parse_body(p, f, name);
    for (size_t i = 0; i < WD_COUNT(plain_items); i++) {
        if (!wd_str_ieq(plain_items[i].name, name))
            continue;
        push_item(f, p->arena, plain_items[i].kind, 0);
        return true;
    }
    for (size_t i = 0; i < WD_COUNT(whole_items); i++) {
        struct imap_section *s;
        if (!wd_str_ieq(whole_items[i].name, name))
            continue;
        if (f->sections_n == IMAP_FETCH_SECTIONS_MAX)
            return imap_parse_bad(p, "too many sections");
        s = push_section(p, f);
        s->part = whole_items[i].part;
        s->label = whole_items[i].name;
        f->sets_seen |= whole_items[i].sets_seen;
        return true;
    }
    return imap_parse_bad(p, "unknown item");
}

static bool
parse_macro(struct imap_parse *p, struct imap_fetch_items *f)
{
    for (size_t i = 0; i < WD_COUNT(macros); i++) {
        if (!imap_parse_word(p, macros[i].name))
            continue;
        for (size_t k = 0; k < macros[i].n; k++)
            push_item(f, p->arena, macros[i].kinds[k], 0);
        return true;
    }
    return false;
}

bool
imap_fetch_items_parse(struct imap_parse *p, struct imap_fetch_items *out)
{
    *out = (struct imap_fetch_items){ 0 };
    if (parse_macro(p, out))
        return true;
    if (!imap_parse_take(p, IMAP_OPEN))
        return parse_item(p, out);
    while (!imap_parse_take(p, IMAP_CLOSE))
        if (!parse_item(p, out))
            return false;
    return out->n ? true : imap_parse_bad(p, "items are missing");
}
