#include "store-svc/driver/embedded/plan_priv.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/port/match.h"

enum { DEPTH_MAX = 32, BRANCHES_MAX = 200 };

struct em_mark
em_plan_mark(const struct em_plan *p)
{
    return (struct em_mark){ p->where.n, p->binds.n };
}

static void
bind_done(struct em_bind *b)
{
    if (b->list)
        free(b->list->values);
    free(b->list);
}

void
em_plan_rewind(struct em_plan *p, struct em_mark mark)
{
    p->where.n = mark.where;
    while (p->binds.n > mark.binds)
        bind_done(&p->binds.p[--p->binds.n]);
}

void
em_plan_value(struct em_plan *p, const struct em_value *v)
{
    wd_vec_push(&p->binds, (struct em_bind){ .value = *v });
}

void
em_plan_text(struct em_plan *p, const char *text, size_t n)
{
    wd_vec_push(&p->binds, (struct em_bind){ .value = { .type = EM_TEXT, .text = text, .n = n } });
}

void
em_plan_bind(const struct em_plan *p, sqlite3_stmt *st, int first)
{
    for (size_t i = 0; i < p->binds.n; i++) {
        const struct em_bind *b = &p->binds.p[i];
        if (b->list)
            em_list_bind(st, first + (int)i, b->list);
        else
            em_value_bind(st, first + (int)i, &b->value, false);
    }
}

static enum em_cover all_of(struct em_plan *p, const bson_t *filter, int depth, bson_t *rest);

static bool
open_list(const bson_iter_t *list, bson_iter_t *each)
{
    return BSON_ITER_HOLDS_ARRAY(list) && bson_iter_recurse(list, each);
}

static bool
view_of(const bson_iter_t *v, bson_t *view)
{
    const uint8_t *bytes;
    uint32_t n;

    if (!BSON_ITER_HOLDS_DOCUMENT(v))
        return false;
    bson_iter_document(v, &n, &bytes);
    return bson_init_static(view, bytes, n);
}

/* $and: each branch adds what it can. */
static enum em_cover
and_list(struct em_plan *p, const bson_iter_t *list, int depth)
{
    enum em_cover cover = EM_COVER_EXACT;
    bool any = false;
    bson_iter_t each;
    bson_t branch;

    if (!open_list(list, &each))
        return EM_COVER_NONE;
    while (bson_iter_next(&each)) {
        struct em_mark mark = em_plan_mark(p);
        enum em_cover one = EM_COVER_NONE;
        if (any)
            wd_buf_c(&p->where, " AND ");
        if (view_of(&each, &branch))
            one = all_of(p, &branch, depth + 1, NULL);
        if (one == EM_COVER_NONE)
            em_plan_rewind(p, mark);
        any = any || one != EM_COVER_NONE;
        if (one != EM_COVER_EXACT)
            cover = EM_COVER_WEAK;
    }
    return any ? cover : EM_COVER_NONE;
}

/* $or and $nor: every branch must be found by SQL; for $nor exactly. */
static enum em_cover
or_list(struct em_plan *p, const bson_iter_t *list, bool negated, int depth)
{
    enum em_cover cover = EM_COVER_EXACT;
    size_t n = 0;
    bson_iter_t each;
    bson_t branch;

    if (!open_list(list, &each))
        return EM_COVER_NONE;
    wd_buf_c(&p->where, negated ? "(0" : "(");
    while (bson_iter_next(&each)) {
        enum em_cover one = EM_COVER_NONE;
        if (n++ || negated)
            wd_buf_c(&p->where, " OR ");
        if (n <= BRANCHES_MAX && view_of(&each, &branch))
            one = all_of(p, &branch, depth + 1, NULL);
        if (one == EM_COVER_NONE || (negated && one != EM_COVER_EXACT))
            return EM_COVER_NONE;
        cover = one < cover ? one : cover;
    }
    wd_buf_c(&p->where, negated ? ") IS NOT TRUE" : ")");
    return n ? cover : EM_COVER_NONE;
}

static enum em_cover
one_of(struct em_plan *p, const bson_iter_t *condition, int depth)
{
    const char *key = bson_iter_key(condition);

    if (strcmp(key, "$and") == 0)
        return and_list(p, condition, depth);
    if (strcmp(key, "$or") == 0)
        return or_list(p, condition, false, depth);
    if (strcmp(key, "$nor") == 0)
        return or_list(p, condition, true, depth);
    if (strcmp(key, "$text") == 0 && depth == 0)
        return em_text_condition(p, condition);
    return key[0] == '$' ? EM_COVER_NONE : em_condition(p, key, condition, depth);
}

/* All fields of a filter, in parentheses. rest: where to put the conditions that need a check in C, or NULL. */
static enum em_cover
all_of(struct em_plan *p, const bson_t *filter, int depth, bson_t *rest)
{
    enum em_cover cover = EM_COVER_EXACT;
    size_t n = 0;
    bson_iter_t it;

    if (depth > DEPTH_MAX || !bson_iter_init(&it, filter)) {
        p->failed = !wd_fail(p->err, WD_INVALID, "filter: too deep, or not BSON");
        return EM_COVER_NONE;
    }
    wd_buf_c(&p->where, "(");
    while (bson_iter_next(&it)) {
        struct em_mark mark = em_plan_mark(p);
        enum em_cover one;
        if (n)
            wd_buf_c(&p->where, " AND ");
        one = one_of(p, &it, depth);
        if (one == EM_COVER_NONE)
            em_plan_rewind(p, mark);
        else
            n++;
        if (one != EM_COVER_EXACT && rest)
            bson_append_iter(rest, NULL, 0, &it);
        if (one != EM_COVER_EXACT)
            cover = EM_COVER_WEAK;
    }
    if (n == 0 && cover == EM_COVER_EXACT)
        wd_buf_c(&p->where, "1"); /* {} matches everything */
    else if (n == 0)
        return EM_COVER_NONE;
    wd_buf_c(&p->where, ")");
    return cover;
}

bool
em_plan(struct em_plan *p, const struct em_coll *coll, const bson_t *filter, struct wd_error *err)
{
    bson_t nothing = BSON_INITIALIZER;
    enum em_cover cover;
    bool unused;

    p->coll = coll;
    p->filter = filter;
    p->err = err;
    bson_init(&p->rest);
    cover = all_of(p, filter, 0, &p->rest);
    if (p->failed)
        return false;
    if (cover == EM_COVER_NONE)
        em_plan_rewind(p, (struct em_mark){ 0, 0 });
    p->checks = !bson_empty(&p->rest);
    return !p->checks || wd_match(&p->rest, &nothing, &unused, err); /* refuses what is not supported */
}

void
em_plan_done(struct em_plan *p)
{
    if (!p->coll)
        return;
    em_plan_rewind(p, (struct em_mark){ 0, 0 });
    wd_vec_done(&p->binds);
    wd_buf_done(&p->where);
    wd_buf_done(&p->match);
    bson_destroy(&p->rest);
    p->coll = NULL;
}
