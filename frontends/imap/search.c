#include "frontends/imap/search.h"

#include "common/base/lifetime.h"
#include "common/mail/date.h"
#include "common/mail/flags.h"

#define KEY(k) WD__V1__SEARCH_NODE__KEY__##k

enum { DAY_MS = 86400 * 1000 };

/* A node that still waits for nodes of its own. */
struct frame {
    uint32_t node;
    uint32_t wants; /* how many more; 0: until its parenthesis closes */
};

struct compiler {
    struct imap_parse *p;
    struct imap_search *out;
    size_t cap;
    struct frame stack[IMAP_SEARCH_DEPTH_MAX];
    size_t depth;
};

enum operand {
    NO_OPERAND,
    FLAG_OPERAND,
    KEYWORD_OPERAND,
    STRING_OPERAND,
    HEADER_OPERAND,
    DAY_OPERAND,
    ONE_DAY_OPERAND,
    SIZE_OPERAND,
    SET_OPERAND,
    MODSEQ_OPERAND,
    CHARSET_OPERAND,
    NESTED_OPERAND,
};

static const struct key {
    struct wd_str name;
    Wd__V1__SearchNode__Key key;
    enum operand operand;
    bool negated;
    int64_t number;     /* of flags; how many nodes NESTED takes; the key of the end of ONE_DAY */
    struct wd_str header;
} keys[] = {
    { WD_STR_C("ALL"), KEY(ALL), NO_OPERAND, false, 0, { 0 } },
    { WD_STR_C("ANSWERED"), KEY(FLAG), FLAG_OPERAND, false, WD_FLAG_ANSWERED, { 0 } },
    { WD_STR_C("BCC"), KEY(HEADER), STRING_OPERAND, false, 0, WD_STR_C("bcc") },
    { WD_STR_C("BEFORE"), KEY(BEFORE), DAY_OPERAND, false, 0, { 0 } },
    { WD_STR_C("BODY"), KEY(BODY), STRING_OPERAND, false, 0, { 0 } },
    { WD_STR_C("CC"), KEY(HEADER), STRING_OPERAND, false, 0, WD_STR_C("cc") },
    { WD_STR_C("CHARSET"), KEY(ALL), CHARSET_OPERAND, false, 0, { 0 } },
    { WD_STR_C("DELETED"), KEY(FLAG), FLAG_OPERAND, false, WD_FLAG_DELETED, { 0 } },
    { WD_STR_C("DRAFT"), KEY(FLAG), FLAG_OPERAND, false, WD_FLAG_DRAFT, { 0 } },
    { WD_STR_C("FLAGGED"), KEY(FLAG), FLAG_OPERAND, false, WD_FLAG_FLAGGED, { 0 } },
    { WD_STR_C("FROM"), KEY(HEADER), STRING_OPERAND, false, 0, WD_STR_C("from") },
    { WD_STR_C("HEADER"), KEY(HEADER), HEADER_OPERAND, false, 0, { 0 } },
    { WD_STR_C("KEYWORD"), KEY(KEYWORD), KEYWORD_OPERAND, false, 0, { 0 } },
    { WD_STR_C("LARGER"), KEY(LARGER), SIZE_OPERAND, false, 0, { 0 } },
    { WD_STR_C("MODSEQ"), KEY(MODSEQ), MODSEQ_OPERAND, false, 0, { 0 } },
    { WD_STR_C("NEW"), KEY(NONE), NO_OPERAND, false, 0, { 0 } },
    { WD_STR_C("NOT"), KEY(NOT), NESTED_OPERAND, false, 1, { 0 } },
    { WD_STR_C("OLD"), KEY(ALL), NO_OPERAND, false, 0, { 0 } },
    { WD_STR_C("ON"), KEY(SINCE), ONE_DAY_OPERAND, false, KEY(BEFORE), { 0 } },
    { WD_STR_C("OR"), KEY(OR), NESTED_OPERAND, false, 2, { 0 } },
    { WD_STR_C("RECENT"), KEY(NONE), NO_OPERAND, false, 0, { 0 } },
    { WD_STR_C("SEEN"), KEY(FLAG), FLAG_OPERAND, false, WD_FLAG_SEEN, { 0 } },
    { WD_STR_C("SENTBEFORE"), KEY(SENT_BEFORE), DAY_OPERAND, false, 0, { 0 } },
    { WD_STR_C("SENTON"), KEY(SENT_SINCE), ONE_DAY_OPERAND, false, KEY(SENT_BEFORE), { 0 } },
    { WD_STR_C("SENTSINCE"), KEY(SENT_SINCE), DAY_OPERAND, false, 0, { 0 } },
    { WD_STR_C("SINCE"), KEY(SINCE), DAY_OPERAND, false, 0, { 0 } },
    { WD_STR_C("SMALLER"), KEY(SMALLER), SIZE_OPERAND, false, 0, { 0 } },
    { WD_STR_C("SUBJECT"), KEY(HEADER), STRING_OPERAND, false, 0, WD_STR_C("subject") },
    { WD_STR_C("TEXT"), KEY(TEXT), STRING_OPERAND, false, 0, { 0 } },
    { WD_STR_C("TO"), KEY(HEADER), STRING_OPERAND, false, 0, WD_STR_C("to") },
    { WD_STR_C("UID"), KEY(UIDS), SET_OPERAND, false, 0, { 0 } },
    { WD_STR_C("UNANSWERED"), KEY(FLAG), FLAG_OPERAND, true, WD_FLAG_ANSWERED, { 0 } },
    { WD_STR_C("UNDELETED"), KEY(FLAG), FLAG_OPERAND, true, WD_FLAG_DELETED, { 0 } },
    { WD_STR_C("UNDRAFT"), KEY(FLAG), FLAG_OPERAND, true, WD_FLAG_DRAFT, { 0 } },
    { WD_STR_C("UNFLAGGED"), KEY(FLAG), FLAG_OPERAND, true, WD_FLAG_FLAGGED, { 0 } },
    { WD_STR_C("UNKEYWORD"), KEY(KEYWORD), KEYWORD_OPERAND, true, 0, { 0 } },
    { WD_STR_C("UNSEEN"), KEY(FLAG), FLAG_OPERAND, true, WD_FLAG_SEEN, { 0 } },
};

static struct imap_search_node *
emit(struct compiler *c, Wd__V1__SearchNode__Key key)
{
    struct imap_search *s = c->out;

    if (s->n == IMAP_SEARCH_NODES_MAX) {
        c->p->why = "too many search keys";
        return NULL;
    }
    if (s->n == c->cap) {
        struct imap_search_node *old = s->nodes;
        c->cap = c->cap ? c->cap * 2 : 8;
        s->nodes = WD_ARENA_ARRAY(c->p->arena, struct imap_search_node, c->cap);
        if (s->n)
            memcpy(s->nodes, old, s->n * sizeof *old);
    }
    s->nodes[s->n].key = key;
    return &s->nodes[s->n++];
}

static bool
push(struct compiler *c, Wd__V1__SearchNode__Key key, uint32_t wants)
{
    if (c->depth == IMAP_SEARCH_DEPTH_MAX)
        return imap_parse_bad(c->p, "search is nested too deep");
    if (!emit(c, key))
        return false;
    c->stack[c->depth++] = (struct frame){ .node = (uint32_t)c->out->n - 1, .wants = wants };
    return true;
}

/* A node is complete: so are, perhaps, the ones that waited for it. */
static void
completed(struct compiler *c)
{
    while (c->depth) {
        struct frame *f = &c->stack[c->depth - 1];
        c->out->nodes[f->node].count++;
        if (f->wants == 0 || --f->wants)
            return;
        c->depth--;
    }
}

static bool
take_string(struct compiler *c, struct wd_str *out)
{
    struct wd_str s;

    if (!imap_parse_pattern(c->p, &s))
        return imap_parse_bad(c->p, "string expected");
    *out = wd_arena_str(c->p->arena, s);
    return true;
}

static bool
read_none(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    (void)c;
    n->number = k->number;
    return true;
}

static bool
read_keyword(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    struct wd_str text;

    (void)k;
    if (!imap_parse_atom(c->p, &text) && !imap_parse_string(c->p, &text))
        return imap_parse_bad(c->p, "keyword expected");
    n->text = wd_arena_str(c->p->arena, text);
    if (wd_flag_bit(text)) {
        n->key = KEY(FLAG);
        n->number = wd_flag_bit(text);
    }
    return true;
}

static bool
read_string(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    n->name = k->header;
    return take_string(c, &n->text);
}

static bool
read_header(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    (void)k;
    return take_string(c, &n->name) && take_string(c, &n->text);
}

static bool
take_day(struct compiler *c, int64_t *ms)
{
    struct wd_str text;

    if ((!imap_parse_atom(c->p, &text) && !imap_parse_string(c->p, &text)) || !wd_date_imap_day(text, ms))
        return imap_parse_bad(c->p, "wrong date");
    return true;
}

static bool
read_day(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    (void)k;
    return take_day(c, &n->number);
}

static bool
read_size(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    uint64_t size;

    (void)k;
    if (!imap_parse_number(c->p, UINT32_MAX, &size))
        return imap_parse_bad(c->p, "number expected");
    n->number = (int64_t)size;
    return true;
}

static bool
read_set(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    (void)k;
    n->set_of_uids = true;
    return imap_parse_set(c->p, &n->set) ? true : imap_parse_bad(c->p, "wrong set");
}

/* MODSEQ ["/flags/\\Seen" all] n: the entry and its type are read and ignored. */
static bool
read_modseq(struct compiler *c, const struct key *k, struct imap_search_node *n)
{
    struct wd_str ignored;
    uint64_t modseq;

    (void)k;
    if (imap_parse_string(c->p, &ignored) && !imap_parse_atom(c->p, &ignored))
        return imap_parse_bad(c->p, "entry type expected");
    if (!imap_parse_number(c->p, INT64_MAX, &modseq))
        return imap_parse_bad(c->p, "mod-sequence expected");
    n->number = (int64_t)modseq;
    c->out->asks_modseq = true;
    return true;
}

static bool (*const readers[])(struct compiler *, const struct key *, struct imap_search_node *) = {
    [NO_OPERAND] = read_none,         [FLAG_OPERAND] = read_none,     [KEYWORD_OPERAND] = read_keyword,
    [STRING_OPERAND] = read_string,   [HEADER_OPERAND] = read_header, [DAY_OPERAND] = read_day,
    [ONE_DAY_OPERAND] = read_day,     [SIZE_OPERAND] = read_size,     [SET_OPERAND] = read_set,
    [MODSEQ_OPERAND] = read_modseq,
};

/* ON: since the day and before the next. */
static bool
emit_one_day(struct compiler *c, const struct key *k)
{
    struct imap_search_node *n;
    int64_t day;

    if (!take_day(c, &day) || !(n = emit(c, KEY(AND))))
        return false;
    n->count = 2;
    if (!(n = emit(c, k->key)))
        return false;
    n->number = day;
    if (!(n = emit(c, (Wd__V1__SearchNode__Key)k->number)))
        return false;
    n->number = day + DAY_MS;
    return true;
}

static bool
skip_charset(struct compiler *c)
{
    struct wd_str ignored;

    return imap_parse_astring(c->p, &ignored) ? true : imap_parse_bad(c->p, "charset expected");
}

static bool
compile_key(struct compiler *c, const struct key *k)
{
    struct imap_search_node *n;

    if (k->operand == NESTED_OPERAND)
        return push(c, k->key, (uint32_t)k->number);
    if (k->operand == CHARSET_OPERAND)
        return skip_charset(c);
    if (k->operand == ONE_DAY_OPERAND) {
        if (!emit_one_day(c, k))
            return false;
        completed(c);
        return true;
    }
    if (k->negated) {
        if (!(n = emit(c, KEY(NOT))))
            return false;
        n->count = 1;
    }
    if (!(n = emit(c, k->key)) || !readers[k->operand](c, k, n))
        return false;
    completed(c);
    return true;
}

static const struct key *
find_key(struct wd_str name)
{
    for (size_t i = 0; i < WD_COUNT(keys); i++)
        if (wd_str_ieq(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static bool
close_group(struct compiler *c)
{
    const struct frame *f = &c->stack[c->depth - 1];

    if (c->depth == 1 || f->wants || c->out->nodes[f->node].count == 0)
        return imap_parse_bad(c->p, "unexpected parenthesis");
    c->depth--;
    completed(c);
    return true;
}

static bool
compile_next(struct compiler *c)
{
    struct wd_str word;
    const struct key *k;
    struct imap_search_node *n;

    if (imap_parse_take(c->p, IMAP_OPEN))
        return push(c, KEY(AND), 0);
    if (imap_parse_take(c->p, IMAP_CLOSE))
        return close_group(c);
    if (!imap_parse_is(c->p, IMAP_ATOM))
        return imap_parse_bad(c->p, "search key expected");
    word = imap_parse_peek(c->p);
    if (imap_set_valid(word)) {
        if (!(n = emit(c, KEY(UIDS))))
            return false;
        imap_parse_set(c->p, &n->set);
        completed(c);
        return true;
    }
    k = find_key(word);
    if (!k)
        return imap_parse_bad(c->p, "unknown search key");
    c->p->at++;
    return compile_key(c, k);
}

bool
imap_search_parse(struct imap_parse *p, struct imap_search *out)
{
    struct compiler c = { .p = p, .out = out };

    *out = (struct imap_search){ 0 };
    push(&c, KEY(AND), 0);
    while (!imap_parse_at_end(p))
        if (!compile_next(&c))
            return false;
    if (c.depth != 1 || out->nodes[0].count == 0)
        return imap_parse_bad(p, "search keys are missing");
    return true;
}
