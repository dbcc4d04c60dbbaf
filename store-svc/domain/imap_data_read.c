#include "common/base/vec.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/imap_data.h"

enum { LEVELS = 110, PARTS = 100000 };

static struct wd_str
text_of(const bson_iter_t *it)
{
    uint32_t n = 0;
    const uint8_t *bytes = NULL;

    if (BSON_ITER_HOLDS_UTF8(it)) {
        const char *text = bson_iter_utf8(it, &n);

        return wd_str_n(text, n);
    }
    if (BSON_ITER_HOLDS_BINARY(it))
        bson_iter_binary(it, NULL, &n, &bytes);
    return wd_str_n(bytes, n);
}

static void
read_address(const bson_iter_t *from, struct wd_address *out)
{
    struct wd_str fields[4] = { { 0 } };
    bson_iter_t it;

    if (BSON_ITER_HOLDS_ARRAY(from) && bson_iter_recurse(from, &it))
        for (size_t i = 0; i < 4 && bson_iter_next(&it); i++)
            fields[i] = text_of(&it);
    out->kind = fields[3].p ? WD_ADDRESS_MAILBOX : fields[2].p ? WD_ADDRESS_GROUP : WD_ADDRESS_GROUP_END;
    out->name = out->kind == WD_ADDRESS_GROUP ? fields[2] : fields[0];
    out->mailbox = out->kind == WD_ADDRESS_MAILBOX ? fields[2] : WD_NONE;
    out->host = fields[3];
}

static void
read_addresses(struct wd_arena *a, const bson_iter_t *from, struct wd_envelope_list *out)
{
    struct WD_VEC(struct wd_address) v = { 0 };
    bson_iter_t it;

    if (!BSON_ITER_HOLDS_ARRAY(from) || !bson_iter_recurse(from, &it))
        return;
    while (v.n < WD_ADDRESS_LIST_MAX && bson_iter_next(&it)) {
        struct wd_address address = { 0 };

        read_address(&it, &address);
        wd_vec_push(&v, address);
    }
    out->p = WD_ARENA_ARRAY(a, struct wd_address, v.n + 1);
    out->n = v.n;
    if (v.n)
        memcpy(out->p, v.p, v.n * sizeof *v.p);
    wd_vec_done(&v);
}

static void
read_envelope(struct wd_arena *a, bson_iter_t *it, struct wd_envelope *e)
{
    struct wd_envelope_list *const lists[] = { &e->from, &e->sender, &e->reply_to, &e->to, &e->cc, &e->bcc };

    for (size_t i = 0; i < 10 && bson_iter_next(it); i++) {
        struct wd_str s = text_of(it);

        if (i >= 2 && i < 8)
            read_addresses(a, it, lists[i - 2]);
        else
            *(i == 0 ? &e->date : i == 1 ? &e->subject : i == 8 ? &e->in_reply_to : &e->message_id) = s;
    }
}

void
wd_envelope_load(struct wd_arena *a, const bson_t *message, const char *field, struct wd_envelope *out)
{
    bson_t array;
    bson_iter_t it;

    memset(out, 0, sizeof *out);
    if (wd_doc_sub(message, field, &array) && bson_iter_init(&it, &array))
        read_envelope(a, &it, out);
}

static void
read_params(struct wd_arena *a, const bson_iter_t *from, struct wd_body_params *out)
{
    struct WD_VEC(struct wd_body_param) v = { 0 };
    bson_iter_t it;

    if (!BSON_ITER_HOLDS_ARRAY(from) || !bson_iter_recurse(from, &it))
        return;
    while (v.n < WD_MIME_PARAMETERS && bson_iter_next(&it)) {
        struct wd_body_param param = { .name = text_of(&it) };

        if (!bson_iter_next(&it))
            break;
        param.value = text_of(&it);
        wd_vec_push(&v, param);
    }
    out->p = WD_ARENA_ARRAY(a, struct wd_body_param, v.n + 1);
    out->n = v.n;
    if (v.n)
        memcpy(out->p, v.p, v.n * sizeof *v.p);
    wd_vec_done(&v);
}

static void
read_disposition(struct wd_arena *a, const bson_iter_t *from, struct wd_body_part *p)
{
    bson_iter_t it;

    if (!BSON_ITER_HOLDS_ARRAY(from) || !bson_iter_recurse(from, &it) || !bson_iter_next(&it))
        return;
    p->disposition = text_of(&it);
    if (bson_iter_next(&it))
        read_params(a, &it, &p->disposition_params);
}

/* A list, or one language as a string. */
static void
read_languages(struct wd_arena *a, const bson_iter_t *from, struct wd_body_part *p)
{
    bson_iter_t it;

    p->languages = WD_ARENA_ARRAY(a, struct wd_str, 16);
    if (!BSON_ITER_HOLDS_ARRAY(from)) {
        p->languages[0] = text_of(from);
        p->n_languages = p->languages[0].n > 0;
        return;
    }
    if (bson_iter_recurse(from, &it))
        while (p->n_languages < 16 && bson_iter_next(&it))
            p->languages[p->n_languages++] = text_of(&it);
}

/* An array that is being read: `i` counts what came, of a multipart only what follows its parts. */
struct level {
    bson_iter_t it;
    size_t part, i;
    bool multipart, started;
};

struct parts WD_VEC(struct wd_body_part);

static void
read_extension(struct wd_arena *a, const bson_iter_t *it, size_t i, struct wd_body_part *p)
{
    if (i == 0)
        read_disposition(a, it, p);
    else if (i == 1)
        read_languages(a, it, p);
    else if (i == 2)
        p->location = text_of(it);
}

static bool
is_type(const struct wd_body_part *p, struct wd_str type)
{
    return wd_str_ieq(p->type, type);
}

/* The value number i of a part that is no multipart; true when it is its embedded message. */
static bool
read_leaf(struct wd_arena *a, const bson_iter_t *it, size_t i, struct wd_body_part *p)
{
    struct wd_str *const texts[] = { &p->type, &p->subtype, NULL, &p->id, &p->description, &p->encoding };
    bool message = is_type(p, WD_STR("MESSAGE")) && wd_str_ieq(p->subtype, WD_STR("RFC822"));
    size_t after = message ? 9 : 7; /* where the line count stands, if there is one */

    if (i == 2)
        read_params(a, it, &p->params);
    else if (i < 6)
        *texts[i] = text_of(it);
    else if (i == 6)
        p->size = (uint64_t)bson_iter_as_int64(it);
    else if (message && i == 7) {
        struct wd_envelope *e = WD_ARENA_NEW(a, struct wd_envelope);
        bson_iter_t inner;

        if (BSON_ITER_HOLDS_ARRAY(it) && bson_iter_recurse(it, &inner))
            read_envelope(a, &inner, e);
        p->envelope = e;
    } else if (message && i == 8) {
        return BSON_ITER_HOLDS_ARRAY(it);
    } else if (i == after && (message || is_type(p, WD_STR("TEXT")))) {
        p->has_lines = true;
        p->lines = (uint64_t)bson_iter_as_int64(it);
    } else {
        after += message || is_type(p, WD_STR("TEXT"));
        if (i == after)
            p->md5 = text_of(it);
        else if (i > after)
            read_extension(a, it, i - after - 1, p);
    }
    return false;
}

static void
read_multipart_end(struct wd_arena *a, const bson_iter_t *it, size_t i, struct wd_body_part *p)
{
    if (i == 0)
        p->subtype = text_of(it);
    else if (i == 1)
        read_params(a, it, &p->params);
    else
        read_extension(a, it, i - 2, p);
}

/* Reads one value of the level; true when a part begins with it. */
static bool
read_value(struct wd_arena *a, struct level *l, struct parts *parts)
{
    struct wd_body_part *p = &parts->p[l->part];

    if (!l->started) {
        l->started = true;
        l->multipart = BSON_ITER_HOLDS_ARRAY(&l->it);
        if (l->multipart)
            p->type = WD_STR("MULTIPART");
    }
    if (l->multipart && l->i == 0 && BSON_ITER_HOLDS_ARRAY(&l->it))
        return true;
    if (l->multipart)
        read_multipart_end(a, &l->it, l->i++, p);
    else
        return read_leaf(a, &l->it, l->i++, p);
    return false;
}

static void
read_parts(struct wd_arena *a, const bson_t *array, struct parts *parts)
{
    struct level levels[LEVELS];
    size_t open = 1;

    levels[0] = (struct level){ .part = 0 };
    if (!bson_iter_init(&levels[0].it, array))
        return;
    while (open) {
        struct level *l = &levels[open - 1];

        if (!bson_iter_next(&l->it)) {
            open--;
            continue;
        }
        if (!read_value(a, l, parts) || open == LEVELS || parts->n >= PARTS)
            continue;
        levels[open] = (struct level){ .part = parts->n };
        if (!bson_iter_recurse(&l->it, &levels[open].it))
            continue;
        wd_vec_push(parts, (struct wd_body_part){ .depth = (uint32_t)open });
        open++;
    }
}

void
wd_structure_load(struct wd_arena *a, const bson_t *message, const char *field, struct wd_body_structure *out)
{
    struct parts parts = { 0 };
    bson_t array;

    wd_vec_push(&parts, (struct wd_body_part){ 0 });
    if (wd_doc_sub(message, field, &array))
        read_parts(a, &array, &parts);
    if (!parts.p[0].type.n)
        parts.p[0] = (struct wd_body_part){
            .type = WD_STR("TEXT"), .subtype = WD_STR("PLAIN"), .encoding = WD_STR("7BIT"), .has_lines = true
        };
    out->n = parts.n;
    out->parts = WD_ARENA_ARRAY(a, struct wd_body_part, parts.n);
    memcpy(out->parts, parts.p, parts.n * sizeof *parts.p);
    wd_vec_done(&parts);
}
