#include "store-svc/port/match.h"

#include "store-svc/port/match_priv.h"
#include "store-svc/port/regex.h"

/* One operator while it is applied to the values of a path. */
struct test {
    const bson_iter_t *arg;
    struct wd_regex *regex;
    int depth;
    bool failed;
    struct wd_error *err;
};

typedef bool test_fn(const bson_iter_t *value, void *data);

static bool
test_eq(const bson_iter_t *value, void *data)
{
    const struct test *t = data;

    return match_value_compare(value, t->arg) == 0;
}

/* Ranges hold within one type; NaN is only equal to itself. */
static bool
in_bracket(const bson_iter_t *value, const struct test *t)
{
    return match_rank(value) == match_rank(t->arg) && match_is_nan(value) == match_is_nan(t->arg);
}

static bool
test_gt(const bson_iter_t *value, void *data)
{
    const struct test *t = data;

    return in_bracket(value, t) && match_value_compare(value, t->arg) > 0;
}

static bool
test_gte(const bson_iter_t *value, void *data)
{
    const struct test *t = data;

    return in_bracket(value, t) && match_value_compare(value, t->arg) >= 0;
}

static bool
test_lt(const bson_iter_t *value, void *data)
{
    const struct test *t = data;

    return in_bracket(value, t) && match_value_compare(value, t->arg) < 0;
}

static bool
test_lte(const bson_iter_t *value, void *data)
{
    const struct test *t = data;

    return in_bracket(value, t) && match_value_compare(value, t->arg) <= 0;
}

static bool
test_in(const bson_iter_t *value, void *data)
{
    const struct test *t = data;
    bson_iter_t list;

    if (!match_open(t->arg, &list))
        return false;
    while (bson_iter_next(&list))
        if (match_value_compare(value, &list) == 0)
            return true;
    return false;
}

static bool
test_exists(const bson_iter_t *value, void *data)
{
    (void)data;
    return value != NULL;
}

static bool
test_regex(const bson_iter_t *value, void *data)
{
    const struct test *t = data;
    uint32_t n;
    const char *p;

    if (!value || !BSON_ITER_HOLDS_UTF8(value))
        return false;
    p = bson_iter_utf8(value, &n);
    return wd_regex_test(t->regex, wd_str_n(p, n));
}

/* An element matches when it satisfies the operators, or as a document the filter. */
static bool
test_elem(const bson_iter_t *value, void *data)
{
    struct test *t = data;
    bson_iter_t elements;
    bson_t doc, filter;
    bool hit = false, plain = !match_is_operators(t->arg);

    if (!value || !BSON_ITER_HOLDS_ARRAY(value) || !match_view(t->arg, &filter) || !bson_iter_recurse(value, &elements))
        return false;
    while (!hit && !t->failed && bson_iter_next(&elements)) {
        if (!plain)
            t->failed = !match_element(t->arg, &elements, t->depth + 1, &hit, t->err);
        else if (match_view(&elements, &doc))
            t->failed = !match_filter(&filter, &doc, t->depth + 1, &hit, t->err);
    }
    return hit && !t->failed;
}

enum op_arg { ARG_ANY, ARG_LIST, ARG_FLAG, ARG_DOCUMENT, ARG_REGEX, ARG_OPTIONS, ARG_NOT };

/* The operators on one field; a negated one matches when no value passes its test. */
static const struct op {
    const char *name;
    test_fn *test;
    bool negated;
    enum op_arg arg;
} ops[] = {
    { "$eq", test_eq, false, ARG_ANY },           { "$ne", test_eq, true, ARG_ANY },
    { "$gt", test_gt, false, ARG_ANY },           { "$gte", test_gte, false, ARG_ANY },
    { "$lt", test_lt, false, ARG_ANY },           { "$lte", test_lte, false, ARG_ANY },
    { "$in", test_in, false, ARG_LIST },          { "$nin", test_in, true, ARG_LIST },
    { "$exists", test_exists, false, ARG_FLAG },  { "$elemMatch", test_elem, false, ARG_DOCUMENT },
    { "$regex", test_regex, false, ARG_REGEX },   { "$options", NULL, false, ARG_OPTIONS },
    { "$not", NULL, false, ARG_NOT },
};

static const struct op *
find_op(const char *name)
{
    for (size_t i = 0; i < WD_COUNT(ops); i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    return NULL;
}

/* What an operator is applied to: the values of a path in a document, or one value (in $elemMatch and $pull). */
struct subject {
    const bson_t *doc;
    const char *path;
    const bson_iter_t *value;
};

static bool
subject_any(const struct subject *s, test_fn *test, struct test *t)
{
    return s->path ? wd_match_each(s->doc, s->path, test, t) : test(s->value, t);
}

static bool
arg_ok(const struct op *op, const bson_iter_t *arg)
{
    switch (op->arg) {
    case ARG_LIST:
        return BSON_ITER_HOLDS_ARRAY(arg);
    case ARG_DOCUMENT:
        return BSON_ITER_HOLDS_DOCUMENT(arg);
    case ARG_REGEX:
        return BSON_ITER_HOLDS_UTF8(arg) || BSON_ITER_HOLDS_REGEX(arg);
    case ARG_OPTIONS:
        return BSON_ITER_HOLDS_UTF8(arg);
    case ARG_NOT:
        return match_is_operators(arg);
    default:
        return true;
    }
}

/* $regex with the $options beside it, which may come before or after. */
static bool
compile(const bson_iter_t *arg, const bson_t *siblings, struct wd_regex **out, struct wd_error *err)
{
    const char *options = "", *pattern;
    bson_iter_t other;
    uint32_t n;

    if (BSON_ITER_HOLDS_REGEX(arg)) {
        pattern = bson_iter_regex(arg, &options);
        return wd_regex_new(wd_str_c(pattern), options, out, err);
    }
    if (siblings && bson_iter_init_find(&other, siblings, "$options") && BSON_ITER_HOLDS_UTF8(&other))
        options = bson_iter_utf8(&other, NULL);
    pattern = bson_iter_utf8(arg, &n);
    return wd_regex_new(wd_str_n(pattern, n), options, out, err);
}

static bool match_operators(const bson_iter_t *operators, const struct subject *s, int depth, bool *matches,
                            struct wd_error *err);

static bool
match_op(const struct op *op, const bson_iter_t *arg, const bson_t *siblings, const struct subject *s, int depth,
         bool *matches, struct wd_error *err)
{
    struct wd_regex *regex wd_auto(wd_regex_freep) = NULL;
    struct test t = { .arg = arg, .depth = depth, .err = err };
    bool wanted = !op->negated;

    if (op->arg == ARG_OPTIONS) {
        *matches = true;
        return true;
    }
    if (op->arg == ARG_NOT) {
        if (!match_operators(arg, s, depth + 1, matches, err))
            return false;
        *matches = !*matches;
        return true;
    }
    if (op->arg == ARG_REGEX && !compile(arg, siblings, &regex, err))
        return false;
    if (op->arg == ARG_FLAG)
        wanted = bson_iter_as_bool(arg);
    t.regex = regex;
    *matches = subject_any(s, op->test, &t) == wanted;
    return !t.failed;
}

/* All operators of {$gt: 1, $lt: 5}. */
static bool
match_operators(const bson_iter_t *operators, const struct subject *s, int depth, bool *matches, struct wd_error *err)
{
    bson_iter_t arg;
    bson_t siblings;
    bool all = true, one;

    if (depth > MATCH_DEPTH_MAX)
        return wd_fail(err, WD_INVALID, "filter: operators too deep");
    if (!match_view(operators, &siblings) || !bson_iter_init(&arg, &siblings))
        return wd_fail(err, WD_INVALID, "filter: not BSON");
    while (all && bson_iter_next(&arg)) {
        const struct op *op = find_op(bson_iter_key(&arg));
        if (!op || !arg_ok(op, &arg))
            return wd_fail(err, WD_INVALID, "filter: bad operator %.20s", bson_iter_key(&arg));
        if (!match_op(op, &arg, &siblings, s, depth, &one, err))
            return false;
        all = one;
    }
    *matches = all;
    return true;
}

static bool
match_condition(const bson_iter_t *condition, const struct subject *s, int depth, bool *matches, struct wd_error *err)
{
    static const struct op equal = { "$eq", test_eq, false, ARG_ANY };
    static const struct op regex = { "$regex", test_regex, false, ARG_REGEX };

    if (match_is_operators(condition))
        return match_operators(condition, s, depth, matches, err);
    return match_op(BSON_ITER_HOLDS_REGEX(condition) ? &regex : &equal, condition, NULL, s, depth, matches, err);
}

bool
match_element(const bson_iter_t *condition, const bson_iter_t *value, int depth, bool *matches, struct wd_error *err)
{
    struct subject s = { .value = value };

    return match_condition(condition, &s, depth, matches, err);
}

/* $and, $or, $nor */
static bool
match_list(const bson_iter_t *list, const bson_t *doc, int depth, bool *matches, struct wd_error *err)
{
    bool is_and = strcmp(bson_iter_key(list), "$and") == 0, is_nor = strcmp(bson_iter_key(list), "$nor") == 0;
    bool result = is_and, one;
    bson_iter_t each;
    bson_t filter;

    if (!BSON_ITER_HOLDS_ARRAY(list) || !bson_iter_recurse(list, &each))
        return wd_fail(err, WD_INVALID, "filter: %s needs an array", bson_iter_key(list));
    while (result == is_and && bson_iter_next(&each)) {
        if (!BSON_ITER_HOLDS_DOCUMENT(&each) || !match_view(&each, &filter))
            return wd_fail(err, WD_INVALID, "filter: %s needs documents", bson_iter_key(list));
        if (!match_filter(&filter, doc, depth + 1, &one, err))
            return false;
        result = one;
    }
    *matches = result != is_nor;
    return true;
}

static bool
match_field(const bson_iter_t *condition, const bson_t *doc, int depth, bool *matches, struct wd_error *err)
{
    const char *key = bson_iter_key(condition);
    struct subject s = { .doc = doc, .path = key };

    if (strcmp(key, "$and") == 0 || strcmp(key, "$or") == 0 || strcmp(key, "$nor") == 0)
        return match_list(condition, doc, depth, matches, err);
    if (key[0] == '$')
        return wd_fail(err, WD_INVALID, "filter: %.20s is not supported here", key);
    if (!match_path_ok(key, err))
        return false;
    return match_condition(condition, &s, depth, matches, err);
}

bool
match_filter(const bson_t *filter, const bson_t *doc, int depth, bool *matches, struct wd_error *err)
{
    bson_iter_t condition;
    bool all = true, one;

    if (depth > MATCH_DEPTH_MAX)
        return wd_fail(err, WD_INVALID, "filter: operators too deep");
    if (!bson_iter_init(&condition, filter))
        return wd_fail(err, WD_INVALID, "filter: not BSON");
    while (all && bson_iter_next(&condition)) {
        if (!match_field(&condition, doc, depth, &one, err))
            return false;
        all = one;
    }
    if (condition.err_off)
        return wd_fail(err, WD_INVALID, "filter: not BSON");
    *matches = all;
    return true;
}

bool
wd_match(const bson_t *filter, const bson_t *doc, bool *matches, struct wd_error *err)
{
    return match_filter(filter, doc, 0, matches, err);
}
