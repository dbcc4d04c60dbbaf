/* A condition on one path: on its column, or on the entries of a multikey index. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/driver/embedded/plan_priv.h"
#include "store-svc/port/regex.h"

enum { FEW = 4 /* values of $in that are bound one by one */, DEPTH_MAX = 32 };

static enum em_cover scalar(struct em_plan *p, const char *column, const bson_iter_t *condition, int depth);

static bool
is_operators(const bson_iter_t *v)
{
    bson_iter_t first;

    return BSON_ITER_HOLDS_DOCUMENT(v) && bson_iter_recurse(v, &first) && bson_iter_next(&first) &&
           bson_iter_key(&first)[0] == '$';
}

/* Truth values are written out, so that SQLite sees when a partial index fits. */
static void
put_value(struct em_plan *p, const struct em_value *v)
{
    if (v->type == EM_BLOB && v->blob[0] == EM_TAG_BOOL) {
        wd_buf_printf(&p->where, "x'%02x%02x'", EM_TAG_BOOL, v->blob[1]);
        return;
    }
    wd_buf_chr(&p->where, '?');
    em_plan_value(p, v);
}

static enum em_cover
put_equal(struct em_plan *p, const char *column, const bson_iter_t *arg, bool negated)
{
    struct em_value v;

    em_value_of(arg, &v);
    if (v.opaque)
        return EM_COVER_NONE;
    if (v.type == EM_NULL) {
        wd_buf_printf(&p->where, "%s IS %sNULL", column, negated ? "NOT " : "");
        return EM_COVER_EXACT;
    }
    wd_buf_printf(&p->where, "%s%s", column, negated ? " IS NOT " : "=");
    put_value(p, &v);
    return EM_COVER_EXACT;
}

static bool
same_bracket(const struct em_value *a, const struct em_value *b)
{
    bool an = a->type == EM_INTEGER || a->type == EM_REAL, bn = b->type == EM_INTEGER || b->type == EM_REAL;

    return an || bn ? an && bn : a->type == b->type && (a->type != EM_BLOB || a->blob[0] == b->blob[0]);
}

/* Is there a bound on the other side, of the same type, so that none has to be added? */
static bool
has_other_bound(const bson_t *siblings, const char *a, const char *b, const struct em_value *v)
{
    struct em_value other;
    bson_iter_t it;

    if (!bson_iter_init_find(&it, siblings, a) && !bson_iter_init_find(&it, siblings, b))
        return false;
    em_value_of(&it, &other);
    return same_bracket(v, &other);
}

/* Keeps a range inside its type: numbers < texts < blobs by their tag. */
static void
put_bracket(struct em_plan *p, const char *column, const struct em_value *v, bool upper)
{
    if (v->type == EM_BLOB)
        wd_buf_printf(&p->where, " AND %s%sx'%02x'", column, upper ? "<" : ">=", v->blob[0] + (upper ? 1 : 0));
    else if (v->type == EM_TEXT)
        wd_buf_printf(&p->where, " AND %s%s", column, upper ? "<x''" : ">=''");
    else if (upper)
        wd_buf_printf(&p->where, " AND %s<''", column);
}

static enum em_cover
put_range(struct em_plan *p, const char *column, const bson_iter_t *arg, const char *op, const bson_t *siblings)
{
    bool lower = op[0] == '>', covered;
    struct em_value v;

    em_value_of(arg, &v);
    if (v.opaque || v.type == EM_NULL || (v.type == EM_BLOB && v.blob[0] == EM_TAG_BINARY))
        return EM_COVER_NONE;
    covered = lower ? has_other_bound(siblings, "$lt", "$lte", &v) : has_other_bound(siblings, "$gt", "$gte", &v);
    wd_buf_printf(&p->where, "%s%s", column, op);
    put_value(p, &v);
    if (!covered)
        put_bracket(p, column, &v, lower);
    return EM_COVER_EXACT;
}

/* The values of $in without null; false when one can not be compared. */
static bool
list_of(const bson_iter_t *arg, struct em_list *list, bool *null)
{
    bson_iter_t it;
    size_t n = 0;

    *null = false;
    if (!BSON_ITER_HOLDS_ARRAY(arg) || !bson_iter_recurse(arg, &it))
        return false;
    while (bson_iter_next(&it))
        n++;
    list->values = wd_alloc((n + 1) * sizeof *list->values);
    bson_iter_recurse(arg, &it);
    while (bson_iter_next(&it)) {
        struct em_value *v = &list->values[list->n];
        em_value_of(&it, v);
        if (v->opaque)
            return false;
        if (v->type == EM_NULL)
            *null = true;
        else
            list->n++;
    }
    return true;
}

static void
list_freep(struct em_list **list)
{
    if (*list)
        free((*list)->values);
    free(*list);
}

static void
put_list(struct em_plan *p, struct em_list **list)
{
    struct em_list *l = *list;

    if (l->n > FEW) {
        wd_buf_c(&p->where, " IN (SELECT value FROM wd_list(?))");
        wd_vec_push(&p->binds, (struct em_bind){ .list = wd_take(*list) });
        return;
    }
    wd_buf_c(&p->where, " IN (");
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            wd_buf_chr(&p->where, ',');
        put_value(p, &l->values[i]);
    }
    wd_buf_c(&p->where, ")");
}

static enum em_cover
put_in(struct em_plan *p, const char *column, const bson_iter_t *arg, bool negated)
{
    struct em_list *list wd_auto(list_freep) = WD_NEW(struct em_list);
    bool null;

    if (!list_of(arg, list, &null))
        return EM_COVER_NONE;
    if (list->n == 1 && !null && !negated) {
        wd_buf_printf(&p->where, "%s=", column);
        put_value(p, &list->values[0]);
        return EM_COVER_EXACT;
    }
    wd_buf_printf(&p->where, "(%s", column);
    if (negated)
        wd_buf_c(&p->where, " NOT");
    put_list(p, &list);
    if (null != negated)
        wd_buf_printf(&p->where, " OR %s IS NULL", column);
    else if (negated)
        wd_buf_printf(&p->where, " AND %s IS NOT NULL", column);
    wd_buf_c(&p->where, ")");
    return EM_COVER_EXACT;
}

static enum em_cover
put_regex(struct em_plan *p, const char *column, const bson_iter_t *arg, const bson_t *siblings)
{
    const char *options = "", *pattern;
    struct wd_regex *test wd_auto(wd_regex_freep) = NULL;
    bson_iter_t it;
    uint32_t n;

    if (BSON_ITER_HOLDS_REGEX(arg)) {
        pattern = bson_iter_regex(arg, &options);
        n = (uint32_t)strlen(pattern);
    } else if (BSON_ITER_HOLDS_UTF8(arg)) {
        pattern = bson_iter_utf8(arg, &n);
        if (siblings && bson_iter_init_find(&it, siblings, "$options") && BSON_ITER_HOLDS_UTF8(&it))
            options = bson_iter_utf8(&it, NULL);
    } else {
        return EM_COVER_NONE;
    }
    if (!wd_regex_new(wd_str_n(pattern, n), options, &test, p->err)) {
        p->failed = true;
        return EM_COVER_NONE;
    }
    wd_buf_printf(&p->where, "wd_regex(%s,?,?)", column);
    em_plan_text(p, pattern, n);
    em_plan_text(p, options, strlen(options));
    return EM_COVER_EXACT;
}

static enum em_cover
put_not(struct em_plan *p, const char *column, const bson_iter_t *arg, int depth)
{
    if (!is_operators(arg))
        return EM_COVER_NONE;
    wd_buf_c(&p->where, "(");
    if (scalar(p, column, arg, depth + 1) != EM_COVER_EXACT)
        return EM_COVER_NONE;
    wd_buf_c(&p->where, ") IS NOT TRUE");
    return EM_COVER_EXACT;
}

/* One operator; siblings is the operator document. */
static enum em_cover
put_operator(struct em_plan *p, const char *column, const bson_iter_t *arg, const bson_t *siblings, int depth)
{
    static const char *const ranges[][2] = { { "$gt", ">" }, { "$gte", ">=" }, { "$lt", "<" }, { "$lte", "<=" } };
    const char *op = bson_iter_key(arg);

    for (size_t i = 0; i < WD_COUNT(ranges); i++)
        if (strcmp(op, ranges[i][0]) == 0)
            return put_range(p, column, arg, ranges[i][1], siblings);
    if (strcmp(op, "$eq") == 0 || strcmp(op, "$ne") == 0)
        return put_equal(p, column, arg, op[1] == 'n');
    if (strcmp(op, "$in") == 0 || strcmp(op, "$nin") == 0)
        return put_in(p, column, arg, op[1] == 'n');
    if (strcmp(op, "$regex") == 0)
        return put_regex(p, column, arg, siblings);
    if (strcmp(op, "$not") == 0)
        return put_not(p, column, arg, depth);
    if (strcmp(op, "$exists") == 0 && !bson_iter_as_bool(arg)) {
        wd_buf_printf(&p->where, "%s IS NULL", column); /* or it is null: checked later */
        return EM_COVER_WEAK;
    }
    return EM_COVER_NONE;
}

typedef enum em_cover put_fn(struct em_plan *p, const void *on, const bson_iter_t *arg, const bson_t *siblings,
                             int depth);

/* Every operator of {$gt: 1, $lt: 5}, with AND between them. */
static enum em_cover
each_operator(struct em_plan *p, const bson_iter_t *condition, put_fn *put, const void *on, int depth)
{
    enum em_cover cover = EM_COVER_EXACT;
    const uint8_t *bytes;
    bson_t siblings;
    bool any = false;
    bson_iter_t it;
    uint32_t n;

    bson_iter_document(condition, &n, &bytes);
    if (depth > DEPTH_MAX || !bson_init_static(&siblings, bytes, n) || !bson_iter_init(&it, &siblings))
        return EM_COVER_NONE;
    while (bson_iter_next(&it)) {
        struct em_mark mark = em_plan_mark(p);
        enum em_cover one;
        if (strcmp(bson_iter_key(&it), "$options") == 0)
            continue;
        if (any)
            wd_buf_c(&p->where, " AND ");
        one = put(p, on, &it, &siblings, depth);
        if (one == EM_COVER_NONE)
            em_plan_rewind(p, mark);
        any = any || one != EM_COVER_NONE;
        if (one != EM_COVER_EXACT)
            cover = EM_COVER_WEAK;
    }
    return any ? cover : EM_COVER_NONE;
}

static enum em_cover
put_on_column(struct em_plan *p, const void *on, const bson_iter_t *arg, const bson_t *siblings, int depth)
{
    return put_operator(p, on, arg, siblings, depth);
}

static enum em_cover
scalar(struct em_plan *p, const char *column, const bson_iter_t *condition, int depth)
{
    if (is_operators(condition))
        return each_operator(p, condition, put_on_column, column, depth);
    if (BSON_ITER_HOLDS_REGEX(condition))
        return put_regex(p, column, condition, NULL);
    return put_equal(p, column, condition, false);
}

/* ---- entries of a multikey index ---- */

struct entry_field {
    const struct em_index *index;
    size_t at;
};

static bool
column_usable(const struct em_coll *c, int column)
{
    return column >= 0 && !atomic_load_explicit(&c->columns[column].arrays, memory_order_relaxed);
}

static bool
is_null(const bson_iter_t *v)
{
    return BSON_ITER_HOLDS_NULL(v) || BSON_ITER_HOLDS_UNDEFINED(v);
}

static bool
lists_null(const bson_iter_t *list)
{
    bson_iter_t it;

    if (!BSON_ITER_HOLDS_ARRAY(list) || !bson_iter_recurse(list, &it))
        return true;
    while (bson_iter_next(&it))
        if (is_null(&it))
            return true;
    return false;
}

/* Conditions that do not ask for null or missing: entries have another value in its place. */
static bool
without_null(const bson_iter_t *condition)
{
    bson_iter_t op;

    if (!is_operators(condition))
        return !is_null(condition);
    bson_iter_recurse(condition, &op);
    while (bson_iter_next(&op)) {
        const char *name = bson_iter_key(&op);
        if (strcmp(name, "$not") == 0 || strcmp(name, "$exists") == 0 ||
            (strcmp(name, "$in") == 0 || strcmp(name, "$nin") == 0 ? lists_null(&op) : is_null(&op)))
            return false;
    }
    return true;
}

/* One positive condition that a single entry can satisfy. */
static bool
is_simple(const bson_iter_t *condition)
{
    static const char *const ops[] = { "$eq", "$in", "$gt", "$gte", "$lt", "$lte" };
    bson_iter_t op;
    bool known = false;

    if (!without_null(condition))
        return false;
    if (!is_operators(condition))
        return true;
    bson_iter_recurse(condition, &op);
    bson_iter_next(&op);
    for (size_t i = 0; i < WD_COUNT(ops); i++)
        known = known || strcmp(bson_iter_key(&op), ops[i]) == 0;
    return known && !bson_iter_next(&op);
}

/* Narrows the entries by what the filter says at its top about the index's other fields. Of the fields of one entry
 * only those of one array belong together, so root, the field that is asked for, is left out. */
static void
put_prefix(struct em_plan *p, const struct em_index *x, const char *root)
{
    size_t n = strcspn(root, ".");
    char column[32];
    bson_iter_t it;

    for (size_t i = 0; i < x->n_fields; i++) {
        const char *path = x->fields[i].path;
        struct em_mark mark = em_plan_mark(p);
        bool usable = x->fields[i].column < 0 || column_usable(p->coll, x->fields[i].column);
        if (!usable || (strcspn(path, ".") == n && memcmp(path, root, n) == 0) ||
            !bson_iter_init_find(&it, p->filter, path) || !is_simple(&it))
            continue;
        snprintf(column, sizeof column, "s.k%zu", i);
        wd_buf_c(&p->where, "(");
        if (scalar(p, column, &it, 0) == EM_COVER_NONE)
            em_plan_rewind(p, mark);
        else
            wd_buf_c(&p->where, ") AND ");
    }
}

static void
entries_begin(struct em_plan *p, const struct em_index *x, const char *root, bool negated)
{
    wd_buf_printf(&p->where, "c.id %sIN (SELECT s.id FROM %s AS s WHERE ", negated ? "NOT " : "", x->table);
    put_prefix(p, x, root);
}

/* "Some element is" for the plain operators, "no element is" for the negated ones. Null also means missing, of which
 * there is no entry. */
static enum em_cover
put_on_entries(struct em_plan *p, const void *on, const bson_iter_t *arg, const bson_t *siblings, int depth)
{
    const struct entry_field *f = on;
    const char *op = bson_iter_key(arg);
    bool negated = strcmp(op, "$ne") == 0 || strcmp(op, "$nin") == 0;
    bool list = strcmp(op, "$in") == 0 || strcmp(op, "$nin") == 0;
    const bson_t alone = BSON_INITIALIZER;
    enum em_cover cover;
    char column[32];

    (void)depth;
    if (strcmp(op, "$not") == 0 || strcmp(op, "$exists") == 0 || (list ? lists_null(arg) : is_null(arg)))
        return EM_COVER_NONE;
    snprintf(column, sizeof column, "s.k%zu", f->at);
    entries_begin(p, f->index, f->index->fields[f->at].path, negated);
    if (list)
        cover = put_in(p, column, arg, false);
    else if (negated)
        cover = put_equal(p, column, arg, false);
    else /* another bound may hold for another element */
        cover = put_operator(p, column, arg, strcmp(op, "$regex") == 0 ? siblings : &alone, depth);
    wd_buf_c(&p->where, ")");
    return cover;
}

static enum em_cover
on_entries(struct em_plan *p, const struct entry_field *f, const bson_iter_t *condition, int depth)
{
    enum em_cover cover;
    char column[32];

    if (is_operators(condition))
        return each_operator(p, condition, put_on_entries, f, depth);
    if (is_null(condition))
        return EM_COVER_NONE;
    snprintf(column, sizeof column, "s.k%zu", f->at);
    entries_begin(p, f->index, f->index->fields[f->at].path, false);
    cover = scalar(p, column, condition, depth);
    wd_buf_c(&p->where, ")");
    return cover;
}

static bool
find_entry_field(const struct em_coll *c, const char *path, struct entry_field *out)
{
    for (size_t i = 0; i < c->n_indexes; i++) {
        const struct em_index *x = &c->indexes[i];
        if (x->kind != EM_INDEX_SIDE || atomic_load_explicit(&x->odd, memory_order_relaxed) || x->partial)
            continue;
        for (size_t j = 0; j < x->n_fields; j++) {
            *out = (struct entry_field){ x, j };
            if (x->fields[j].column < 0 && strcmp(x->fields[j].path, path) == 0)
                return true;
        }
    }
    return false;
}

/* {headers: {$elemMatch: {key: "a", value: "b"}}}: one entry has all of it. */
static enum em_cover
elem_match(struct em_plan *p, const char *path, const bson_iter_t *filter, int depth)
{
    enum em_cover cover = EM_COVER_EXACT;
    struct entry_field f = { 0 };
    const struct em_index *x = NULL;
    bson_iter_t it;
    char name[256];

    if (is_operators(filter) || !BSON_ITER_HOLDS_DOCUMENT(filter) || !bson_iter_recurse(filter, &it))
        return EM_COVER_NONE;
    while (bson_iter_next(&it)) {
        struct em_mark mark = em_plan_mark(p);
        char column[32];
        snprintf(name, sizeof name, "%s.%s", path, bson_iter_key(&it));
        if (!find_entry_field(p->coll, name, &f) || (x && f.index != x) || !without_null(&it)) {
            cover = EM_COVER_WEAK;
            continue;
        }
        if (!x)
            entries_begin(p, f.index, path, false);
        else
            wd_buf_c(&p->where, " AND ");
        snprintf(column, sizeof column, "s.k%zu", f.at);
        switch (scalar(p, column, &it, depth + 1)) {
        case EM_COVER_NONE:
            em_plan_rewind(p, mark);
            cover = EM_COVER_WEAK;
            continue;
        case EM_COVER_WEAK:
            cover = EM_COVER_WEAK;
            break;
        case EM_COVER_EXACT:
            break;
        }
        x = f.index;
    }
    if (!x)
        return EM_COVER_NONE;
    wd_buf_c(&p->where, ")");
    return cover;
}

enum em_cover
em_condition(struct em_plan *p, const char *path, const bson_iter_t *condition, int depth)
{
    int at = em_coll_column(p->coll, path);
    struct entry_field f;
    char column[300];
    bson_iter_t op;

    if (column_usable(p->coll, at)) {
        snprintf(column, sizeof column, "c.\"%s\"", p->coll->columns[at].path);
        return scalar(p, column, condition, depth);
    }
    if (find_entry_field(p->coll, path, &f))
        return on_entries(p, &f, condition, depth);
    if (is_operators(condition) && bson_iter_recurse(condition, &op) && bson_iter_next(&op) &&
        strcmp(bson_iter_key(&op), "$elemMatch") == 0)
        return elem_match(p, path, &op, depth) == EM_COVER_NONE ? EM_COVER_NONE
               : bson_iter_next(&op)                            ? EM_COVER_WEAK
                                                                : EM_COVER_EXACT;
    return EM_COVER_NONE;
}
