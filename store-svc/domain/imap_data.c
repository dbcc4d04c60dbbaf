#include "store-svc/domain/imap_data.h"

#include <assert.h>

#include "common/base/utf8.h"
#include "store-svc/domain/doc.h"

/* An array that is being written. */
struct list {
    bson_t *array;
    uint32_t n;
};

static const char *
next_key(struct list *l, char number[16])
{
    const char *key;

    bson_uint32_to_string(l->n++, &key, number, 16);
    return key;
}

static void
add_text(struct list *l, struct wd_str s)
{
    char number[16];
    const char *key = next_key(l, number);

    if (!s.p)
        bson_append_null(l->array, key, -1);
    else if (wd_is_ascii(s) && !memchr(s.p, 0, s.n))
        bson_append_utf8(l->array, key, -1, s.p, (int)s.n);
    else
        wd_doc_add_bytes(l->array, key, s.p, s.n);
}

static void
add_number(struct list *l, uint64_t value)
{
    char number[16];

    wd_doc_add_int(l->array, next_key(l, number), (int64_t)value);
}

static void
add_null(struct list *l)
{
    add_text(l, WD_NONE);
}

static struct list
begin(struct list *l, bson_t *child)
{
    char number[16];

    bson_append_array_begin(l->array, next_key(l, number), -1, child);
    return (struct list){ .array = child };
}

/* (name route mailbox host); a group starts with its name as mailbox and no host, and ends with nothing. */
static void
add_address(struct list *l, const struct wd_address *from)
{
    static const struct wd_str empty = WD_STR_C("");
    bson_t child;
    struct list a = begin(l, &child);
    bool mailbox = from->kind == WD_ADDRESS_MAILBOX;

    add_text(&a, mailbox && from->name.n ? from->name : WD_NONE);
    add_null(&a);
    if (mailbox)
        add_text(&a, from->mailbox.p ? from->mailbox : empty);
    else
        add_text(&a, from->kind == WD_ADDRESS_GROUP ? (from->name.p ? from->name : empty) : WD_NONE);
    add_text(&a, mailbox ? (from->host.p ? from->host : empty) : WD_NONE);
    bson_append_array_end(l->array, &child);
}

static void
add_addresses(struct list *l, const struct wd_envelope_list *from)
{
    bson_t child;
    struct list a;

    if (from->n == 0) {
        add_null(l);
        return;
    }
    a = begin(l, &child);
    for (size_t i = 0; i < from->n; i++)
        add_address(&a, &from->p[i]);
    bson_append_array_end(l->array, &child);
}

static void
add_envelope_fields(struct list *l, const struct wd_envelope *e)
{
    add_text(l, e->date);
    add_text(l, e->subject);
    add_addresses(l, &e->from);
    add_addresses(l, &e->sender);
    add_addresses(l, &e->reply_to);
    add_addresses(l, &e->to);
    add_addresses(l, &e->cc);
    add_addresses(l, &e->bcc);
    add_text(l, e->in_reply_to);
    add_text(l, e->message_id);
}

void
wd_envelope_write(bson_t *doc, const char *field, const struct wd_envelope *envelope)
{
    bson_t array;
    struct list l = { .array = &array };

    bson_append_array_begin(doc, field, -1, &array);
    add_envelope_fields(&l, envelope);
    bson_append_array_end(doc, &array);
}

static void
add_params(struct list *l, const struct wd_body_params *params)
{
    bson_t child;
    struct list a;

    if (params->n == 0) {
        add_null(l);
        return;
    }
    a = begin(l, &child);
    for (size_t i = 0; i < params->n; i++) {
        add_text(&a, params->p[i].name);
        add_text(&a, params->p[i].value.p ? params->p[i].value : WD_STR(""));
    }
    bson_append_array_end(l->array, &child);
}

/* disposition, languages, location: the extension fields that all parts have. */
static void
add_extensions(struct list *l, const struct wd_body_part *p)
{
    bson_t child;
    struct list a;

    if (p->disposition.n) {
        a = begin(l, &child);
        add_text(&a, p->disposition);
        add_params(&a, &p->disposition_params);
        bson_append_array_end(l->array, &child);
    } else {
        add_null(l);
    }
    if (p->n_languages) {
        a = begin(l, &child);
        for (size_t i = 0; i < p->n_languages; i++)
            add_text(&a, p->languages[i]);
        bson_append_array_end(l->array, &child);
    } else {
        add_null(l);
    }
    add_text(l, p->location);
}

static bool
is_multipart(const struct wd_body_part *p)
{
    return wd_str_eq(p->type, WD_STR("MULTIPART"));
}

/* What stands before the children. */
static void
open_part(struct list *l, const struct wd_body_part *p)
{
    bson_t child;
    struct list a;

    if (is_multipart(p))
        return;
    add_text(l, p->type);
    add_text(l, p->subtype);
    add_params(l, &p->params);
    add_text(l, p->id);
    add_text(l, p->description);
    add_text(l, p->encoding);
    add_number(l, p->size);
    if (!p->envelope)
        return;
    a = begin(l, &child);
    add_envelope_fields(&a, p->envelope);
    bson_append_array_end(l->array, &child);
}

/* What stands behind them. */
static void
close_part(struct list *l, const struct wd_body_part *p)
{
    if (is_multipart(p)) {
        add_text(l, p->subtype);
        add_params(l, &p->params);
    } else {
        if (p->has_lines)
            add_number(l, p->lines);
        add_text(l, p->md5);
    }
    add_extensions(l, p);
}

void
wd_structure_write(bson_t *doc, const char *field, const struct wd_body_structure *s)
{
    struct {
        bson_t array;
        struct list list;
        const struct wd_body_part *part;
    } stack[WD_MIME_DEPTH + 3];
    size_t open = 0;

    for (size_t i = 0; i <= s->n; i++) {
        size_t depth = i < s->n ? s->parts[i].depth : 0;

        assert(depth + 1 < WD_MIME_DEPTH + 3);
        while (open > depth) {
            open--;
            close_part(&stack[open].list, stack[open].part);
            bson_append_array_end(open ? &stack[open - 1].array : doc, &stack[open].array);
        }
        if (i == s->n)
            break;
        stack[open].part = &s->parts[i];
        stack[open].list = (struct list){ .array = &stack[open].array };
        if (open)
            begin(&stack[open - 1].list, &stack[open].array);
        else
            bson_append_array_begin(doc, field, -1, &stack[open].array);
        open_part(&stack[open].list, &s->parts[i]);
        open++;
    }
}
