/* $text as an FTS5 query. */
#include "common/base/hex.h"
#include "store-svc/driver/embedded/plan_priv.h"

void
em_text_prefix(struct wd_buf *out, const struct em_value *v)
{
    if (v->type == EM_BLOB)
        wd_hex_encode(out, v->blob, v->n);
    else if (v->type == EM_TEXT)
        wd_hex_encode(out, v->text, v->n);
    else if (v->type == EM_INTEGER)
        wd_buf_printf(out, "i%lld", (long long)v->integer);
    wd_buf_chr(out, ' ');
}

/* What unicode61 takes for a part of a word; all beyond ASCII is left to it. */
static bool
is_word(char c)
{
    return wd_is_alpha(c) || wd_is_digit(c) || (unsigned char)c >= 0x80;
}

static bool
has_word(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (is_word(s.p[i]))
            return true;
    return false;
}

static void
add_term(struct wd_buf *list, const char *between, struct wd_str term)
{
    if (!has_word(term))
        return;
    if (list->n)
        wd_buf_c(list, between);
    wd_buf_chr(list, '"');
    for (size_t i = 0; i < term.n; i++)
        wd_buf_chr(list, term.p[i] == '\0' ? ' ' : term.p[i]);
    wd_buf_chr(list, '"');
}

struct terms {
    struct wd_buf words, phrases, excluded;
};

static void
terms_done(struct terms *t)
{
    wd_buf_done(&t->words);
    wd_buf_done(&t->phrases);
    wd_buf_done(&t->excluded);
}

static void
terms_parse(struct terms *t, struct wd_str s)
{
    while (s.n) {
        bool minus = false;
        size_t n;
        if (s.p[0] == '-' && s.n > 1 && (s.p[1] == '"' || is_word(s.p[1]))) {
            minus = true;
            s = wd_str_part(s, 1, s.n);
        }
        if (s.p[0] == '"') {
            s = wd_str_part(s, 1, s.n);
            n = wd_str_chr(s, '"');
            n = n < s.n ? n : s.n;
            add_term(minus ? &t->excluded : &t->phrases, minus ? " OR " : " AND ", wd_str_part(s, 0, n));
            s = wd_str_part(s, n + 1, s.n);
            continue;
        }
        for (n = 0; n < s.n && is_word(s.p[n]);)
            n++;
        add_term(minus ? &t->excluded : &t->words, " OR ", wd_str_part(s, 0, n));
        /* a minus inside of a word excludes nothing */
        s = wd_str_part(s, n + (n && n < s.n && s.p[n] == '-' ? 1 : 0), s.n);
        if (n == 0)
            s = wd_str_part(s, 1, s.n);
    }
}

/* {t0 t1}: (...) */
static void
put_columns(struct wd_buf *out, const struct em_index *x, const struct wd_buf *list)
{
    size_t n = 0;

    wd_buf_c(out, "{");
    for (size_t i = 0; i < x->n_fields; i++)
        if (x->fields[i].text)
            wd_buf_printf(out, " t%zu", n++);
    wd_buf_c(out, "} : (");
    wd_buf_add(out, list->p, list->n);
    wd_buf_c(out, ")");
}

/* The words that stand for the prefix fields that the filter gives. */
static void
put_prefixes(struct em_plan *p, const struct em_index *x)
{
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    struct em_value v;
    bson_iter_t it;

    for (size_t i = 0; i < x->n_fields; i++) {
        if (x->fields[i].text || !bson_iter_init_find(&it, p->filter, x->fields[i].path))
            continue;
        em_value_of(&it, &v);
        if (v.opaque || v.type == EM_NULL)
            continue;
        token.n = 0;
        em_text_prefix(&token, &v);
        wd_buf_printf(&p->match, "p : \"%.*s\" AND ", (int)token.n - 1, token.p);
    }
}

static const struct em_index *
text_index(const struct em_coll *c)
{
    for (size_t i = 0; i < c->n_indexes; i++)
        if (c->indexes[i].kind == EM_INDEX_TEXT)
            return &c->indexes[i];
    return NULL;
}

enum em_cover
em_text_condition(struct em_plan *p, const bson_iter_t *argument)
{
    const struct em_index *x = text_index(p->coll);
    struct terms terms wd_auto(terms_done) = { .words = { 0 } };
    const struct wd_buf *wanted;
    bson_iter_t it;
    const char *search;
    uint32_t n;

    if (!x || !BSON_ITER_HOLDS_DOCUMENT(argument) || !bson_iter_recurse(argument, &it) ||
        !bson_iter_find(&it, "$search") || !BSON_ITER_HOLDS_UTF8(&it)) {
        p->failed = !wd_fail(p->err, WD_INVALID, "filter: bad $text, or no text index");
        return EM_COVER_NONE;
    }
    search = bson_iter_utf8(&it, &n);
    terms_parse(&terms, wd_str_n(search, n));
    wanted = terms.phrases.n ? &terms.phrases : &terms.words;
    if (!wanted->n) {
        wd_buf_c(&p->where, "0");
        return EM_COVER_EXACT;
    }
    put_prefixes(p, x);
    put_columns(&p->match, x, wanted);
    if (terms.excluded.n) {
        wd_buf_c(&p->match, " NOT ");
        put_columns(&p->match, x, &terms.excluded);
    }
    wd_buf_printf(&p->where, "c.id IN (SELECT rowid FROM %s WHERE %s MATCH ?)", x->table, x->table);
    em_plan_text(p, p->match.p, p->match.n);
    return EM_COVER_EXACT;
}
