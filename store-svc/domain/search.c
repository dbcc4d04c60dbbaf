#include "store-svc/domain/search.h"

#include "common/base/utf8.h"
#include "common/base/vec.h"
#include "store-svc/domain/change.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/search_priv.h"
#include "store-svc/domain/view.h"

/* What a node has taken from its operands so far, or is itself. */
struct part {
    bson_t *filters; /* an array of conditions */
    uint32_t n_filters;
    bool has_set;
    struct wd_seqset set;
};

struct running {
    struct wd_domain *d;
    struct wd_arena *arena;
    const struct wd_mailbox *mailbox;
    struct wd_search_plan plan;
    struct part *parts;
    bool have_all;
    struct wd_view all; /* every UID of the mailbox, once it is needed */
};

void
wd_searched_done(struct wd_searched *s)
{
    wd_seqset_done(&s->uids);
}

/* ---- sets ---- */

static bool
need_all(struct running *r, struct wd_error *err)
{
    if (!r->have_all && !wd_view_load(r->d, r->mailbox, &r->all, err))
        return false;
    r->have_all = true;
    return true;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The UIDs of what matches. */
static bool
query(struct running *r, const bson_t *filter, struct wd_seqset *out, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query options = { .projection = &fields };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct WD_VEC(uint32_t) uids = { 0 };
    const bson_t *row;
    bool ok;

    wd_doc_add_int(&fields, "uid", 1);
    if (!wd_docs_find(r->d->docs, WD_MESSAGES, filter, &options, &rows, err))
        return wd_fail_in(err, "search");
    while ((ok = wd_docs_cursor_next(rows, &row, err)) && row)
        wd_vec_push(&uids, (uint32_t)wd_doc_int(row, "uid", 0));
    if (ok && uids.n)
        qsort(uids.p, uids.n, sizeof *uids.p, by_number);
    for (size_t i = 0; ok && i < uids.n; i++)
        if (uids.p[i])
            wd_seqset_add(out, uids.p[i], uids.p[i]);
    wd_vec_done(&uids);
    return ok || wd_fail_in(err, "search");
}

static void
set_and(struct wd_seqset *set, const struct wd_seqset *with)
{
    struct wd_seqset both = { 0 };

    wd_seqset_and(&both, set, with);
    wd_seqset_done(set);
    *set = both;
}

/* The conditions that a node has gathered, as a query over the mailbox; bounds keeps it near a set. */
static bool
query_filters(struct running *r, const struct part *p, const char *op, const struct wd_seqset *bounds,
              struct wd_seqset *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t uid;

    wd_doc_add_id(&filter, "mailbox", r->mailbox->id);
    if (bounds && bounds->n) {
        bson_append_document_begin(&filter, "uid", 3, &uid);
        wd_doc_add_int(&uid, "$gte", bounds->ranges[0].first);
        wd_doc_add_int(&uid, "$lte", wd_seqset_max(bounds));
        bson_append_document_end(&filter, &uid);
    }
    bson_append_array(&filter, op, -1, p->filters);
    return query(r, &filter, out, err);
}

/* ---- leaves ---- */

static bool
query_words(struct running *r, struct wd_str words, struct wd_seqset *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    bson_t search;

    wd_utf8_repair(&text, words);
    if (wd_str_trim(wd_buf_view(&text)).n == 0)
        return true; /* no word, no match */
    wd_doc_add_id(&filter, "user", r->mailbox->user);
    wd_doc_add_id(&filter, "mailbox", r->mailbox->id);
    wd_doc_add_bool(&filter, "searchable", true);
    bson_append_document_begin(&filter, "$text", -1, &search);
    wd_doc_add_str(&search, "$search", wd_buf_view(&text));
    bson_append_document_end(&filter, &search);
    return query(r, &filter, out, err);
}

static bool
leaf_set(struct running *r, const struct wd_search_node *node, struct part *p, struct wd_error *err)
{
    p->has_set = true;
    if (node->key != WD_SEARCH_UIDS)
        return query_words(r, node->text, &p->set, err);
    if (!need_all(r, err))
        return false;
    if (node->uids)
        wd_seqset_and(&p->set, node->uids, &r->all.uids);
    return true;
}

static void
add_filter(struct part *p, const bson_t *condition)
{
    char key[16];

    snprintf(key, sizeof key, "%u", p->n_filters++);
    bson_append_document(p->filters, key, -1, condition);
}

static bool
leaf_filter(struct running *r, const struct wd_search_node *node, struct part *p, struct wd_error *err)
{
    bson_t condition wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!wd_search_condition(r->arena, node, &condition, err))
        return false;
    add_filter(p, &condition);
    return true;
}

/* ---- AND, OR, NOT ---- */

/* All operands of the node are in p: with a set among them the node becomes a set, else it stays conditions. */
static bool
close_and(struct running *r, struct part *p, struct wd_error *err)
{
    struct wd_seqset found = { 0 };
    bool ok = true;

    if (!p->has_set || p->n_filters == 0 || p->set.n == 0)
        return true;
    ok = query_filters(r, p, "$and", &p->set, &found, err);
    if (ok)
        set_and(&p->set, &found);
    wd_seqset_done(&found);
    return ok;
}

static bool
close_or(struct running *r, struct part *p, struct wd_error *err)
{
    return !p->has_set || p->n_filters == 0 || query_filters(r, p, "$or", NULL, &p->set, err);
}

static bool
close_not(struct running *r, struct part *p, struct wd_error *err)
{
    struct wd_seqset rest = { 0 };

    if (!p->has_set)
        return true;
    if (!need_all(r, err))
        return false;
    wd_seqset_minus(&rest, &r->all.uids, &p->set);
    wd_seqset_done(&p->set);
    p->set = rest;
    return true;
}

/* The gathered conditions as one. */
static void
as_condition(enum wd_search_key key, const struct part *p, bson_t *out)
{
    if (key == WD_SEARCH_OR && p->n_filters == 0)
        wd_search_nothing(out);
    else if (key == WD_SEARCH_NOT)
        bson_append_array(out, "$nor", 4, p->filters);
    else if (p->n_filters > 0)
        bson_append_array(out, key == WD_SEARCH_OR ? "$or" : "$and", -1, p->filters);
}

static bool
is_composite(enum wd_search_key key)
{
    return key == WD_SEARCH_AND || key == WD_SEARCH_OR || key == WD_SEARCH_NOT;
}

static void
give_filters(const struct part *p, struct part *to)
{
    bson_iter_t at;

    for (bson_iter_init(&at, p->filters); bson_iter_next(&at);) {
        const uint8_t *bytes;
        uint32_t n;
        bson_t one;

        bson_iter_document(&at, &n, &bytes);
        if (bson_init_static(&one, bytes, n))
            add_filter(to, &one);
    }
}

/* Hands what a node has become to the one that takes it. A list in a list of the same kind becomes one list. */
static void
give(struct running *r, uint32_t i)
{
    enum wd_search_key key = r->plan.nodes[i].key, above = r->plan.nodes[r->plan.parent[i]].key;
    struct part *p = &r->parts[i], *to = &r->parts[r->plan.parent[i]];

    if (p->has_set) {
        if (to->has_set && above == WD_SEARCH_AND)
            set_and(&to->set, &p->set);
        else
            wd_seqset_or(&to->set, &p->set);
        to->has_set = true;
    } else if (is_composite(key) && (key != above || key == WD_SEARCH_NOT)) {
        bson_t condition wd_auto(bson_destroy) = BSON_INITIALIZER;

        as_condition(key, p, &condition);
        add_filter(to, &condition);
    } else {
        give_filters(p, to);
    }
}

static bool
close_node(struct running *r, uint32_t i, struct wd_error *err)
{
    const struct wd_search_node *node = &r->plan.nodes[i];
    struct part *p = &r->parts[i];

    switch (node->key) {
    case WD_SEARCH_AND:
        return close_and(r, p, err);
    case WD_SEARCH_OR:
        return close_or(r, p, err);
    case WD_SEARCH_NOT:
        return close_not(r, p, err);
    default:
        return wd_search_needs_set(node) ? leaf_set(r, node, p, err) : leaf_filter(r, node, p, err);
    }
}

static void
part_done(struct part *p)
{
    if (p->filters)
        bson_destroy(p->filters);
    p->filters = NULL;
    wd_seqset_done(&p->set);
}

/* A node stands before its operands, so from the last to the first every operand is ready before it is taken. */
static bool
run(struct running *r, struct wd_seqset *out, struct wd_error *err)
{
    struct part *root = &r->parts[0];

    for (uint32_t i = r->plan.n - 1; i > 0; i--) {
        if (!close_node(r, i, err))
            return false;
        give(r, i);
        part_done(&r->parts[i]);
    }
    if (!close_and(r, root, err))
        return false;
    if (root->has_set) {
        wd_seqset_copy(out, &root->set);
        return true;
    }
    if (root->n_filters)
        return query_filters(r, root, "$and", NULL, out, err);
    if (!need_all(r, err))
        return false;
    wd_seqset_copy(out, &r->all.uids);
    return true;
}

/* ---- the answer ---- */

static bool
asks_modseq(const struct wd_search *in)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->program[i].key == WD_SEARCH_MODSEQ)
            return true;
    return false;
}

/* From the highest MODSEQ of the mailbox down to the first match. */
static bool
find_highest(struct running *r, const struct wd_seqset *uids, uint64_t *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query options = { .projection = &fields, .sort = &sort };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *row;

    wd_doc_add_id(&filter, "mailbox", r->mailbox->id);
    wd_doc_add_int(&fields, "uid", 1);
    wd_doc_add_int(&fields, "modseq", 1);
    wd_doc_add_int(&sort, "modseq", -1);
    if (!wd_docs_find(r->d->docs, WD_MESSAGES, &filter, &options, &rows, err))
        return wd_fail_in(err, "search");
    for (;;) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "search");
        if (!row)
            return true;
        if (!wd_seqset_has(uids, (uint32_t)wd_doc_int(row, "uid", 0)))
            continue;
        *out = (uint64_t)wd_doc_int(row, "modseq", 0);
        return true;
    }
}

bool
wd_search(struct wd_domain *d, struct wd_arena *a, const struct wd_search *in, struct wd_searched *out,
          struct wd_error *err)
{
    struct wd_mailbox mailbox;
    struct running r = { .d = d, .arena = a, .mailbox = &mailbox };
    bool ok;

    if (!wd_search_plan(a, in->program, in->n, &r.plan, err) ||
        !wd_mailbox_need_id(d->docs, a, in->user, in->mailbox, &mailbox, err) || !wd_change_settled(d, &mailbox, err))
        return false;
    r.parts = WD_ARENA_ARRAY(a, struct part, r.plan.n);
    for (uint32_t i = 0; i < r.plan.n; i++)
        r.parts[i].filters = bson_new();
    ok = run(&r, &out->uids, err);
    for (uint32_t i = 0; i < r.plan.n; i++)
        part_done(&r.parts[i]);
    wd_view_done(&r.all);
    return ok && (!asks_modseq(in) || out->uids.n == 0 || find_highest(&r, &out->uids, &out->highest_modseq, err));
}
