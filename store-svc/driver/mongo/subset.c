/* store-svc/driver/mongo/subset.c – filters and updates outside of the subset of docs.h are not sent: what only one
 * driver understands would fail where another one is in use. */
#include "store-svc/driver/mongo/docs_priv.h"
#include "store-svc/port/regex.h"

enum { DEPTH_MAX = 32 };

/* ---- filters ---- */

static bool
view(const bson_iter_t *v, bson_t *out)
{
    const uint8_t *bytes;
    uint32_t n;

    if (BSON_ITER_HOLDS_DOCUMENT(v))
        bson_iter_document(v, &n, &bytes);
    else if (BSON_ITER_HOLDS_ARRAY(v))
        bson_iter_array(v, &n, &bytes);
    else
        return false;
    return bson_init_static(out, bytes, n);
}

static bool
is_operators(const bson_iter_t *v)
{
    bson_iter_t first;

    return BSON_ITER_HOLDS_DOCUMENT(v) && bson_iter_recurse(v, &first) && bson_iter_next(&first) &&
           bson_iter_key(&first)[0] == '$';
}

enum arg { ANY, LIST, DOCUMENT, REGEX, TEXT, OPERATORS };

static const struct {
    const char *name;
    enum arg arg;
} filter_ops[] = {
    { "$eq", ANY },        { "$ne", ANY },       { "$gt", ANY },      { "$gte", ANY },
    { "$lt", ANY },        { "$lte", ANY },      { "$in", LIST },     { "$nin", LIST },
    { "$exists", ANY },    { "$regex", REGEX },  { "$options", TEXT }, { "$not", OPERATORS },
    { "$elemMatch", DOCUMENT },
};

static bool
check_regex(const bson_iter_t *arg, const bson_t *siblings, struct wd_error *err)
{
    struct wd_regex *regex wd_auto(wd_regex_freep) = NULL;
    const char *options = "", *pattern;
    bson_iter_t other;

    if (BSON_ITER_HOLDS_REGEX(arg)) {
        pattern = bson_iter_regex(arg, &options);
        return wd_regex_new(wd_str_c(pattern), options, &regex, err);
    }
    if (!BSON_ITER_HOLDS_UTF8(arg))
        return wd_fail(err, WD_INVALID, "filter: bad argument of $regex");
    if (bson_iter_init_find(&other, siblings, "$options") && BSON_ITER_HOLDS_UTF8(&other))
        options = bson_iter_utf8(&other, NULL);
    return wd_regex_new(wd_str_c(bson_iter_utf8(arg, NULL)), options, &regex, err);
}

static bool check_fields(const bson_t *filter, bool may_text, int depth, struct wd_error *err);
static bool check_operators(const bson_iter_t *operators, int depth, struct wd_error *err);

static bool
check_arg(enum arg arg, const bson_iter_t *it, const bson_t *siblings, int depth, struct wd_error *err)
{
    bson_t inner;
    bool ok = true;

    if (arg == REGEX)
        return check_regex(it, siblings, err);
    if (arg == OPERATORS || (arg == DOCUMENT && is_operators(it)))
        return check_operators(it, depth + 1, err);
    if (arg == DOCUMENT && BSON_ITER_HOLDS_DOCUMENT(it) && view(it, &inner))
        return check_fields(&inner, false, depth + 1, err);
    if (arg == LIST)
        ok = BSON_ITER_HOLDS_ARRAY(it);
    else if (arg == TEXT)
        ok = BSON_ITER_HOLDS_UTF8(it);
    else if (arg == DOCUMENT)
        ok = false;
    return ok || wd_fail(err, WD_INVALID, "filter: bad argument of %.20s", bson_iter_key(it));
}

static bool
check_operators(const bson_iter_t *operators, int depth, struct wd_error *err)
{
    bson_t siblings;
    bson_iter_t it;

    if (depth > DEPTH_MAX || !is_operators(operators) || !view(operators, &siblings) || !bson_iter_init(&it, &siblings))
        return wd_fail(err, WD_INVALID, "filter: operators too deep, or none");
    while (bson_iter_next(&it)) {
        size_t i = 0;

        while (i < WD_COUNT(filter_ops) && strcmp(bson_iter_key(&it), filter_ops[i].name) != 0)
            i++;
        if (i == WD_COUNT(filter_ops))
            return wd_fail(err, WD_INVALID, "filter: bad operator %.20s", bson_iter_key(&it));
        if (!check_arg(filter_ops[i].arg, &it, &siblings, depth, err))
            return false;
    }
    return true;
}

static bool
check_list(const bson_iter_t *list, int depth, struct wd_error *err)
{
    bson_iter_t each;
    bson_t inner;

    if (!BSON_ITER_HOLDS_ARRAY(list) || !bson_iter_recurse(list, &each))
        return wd_fail(err, WD_INVALID, "filter: %s needs an array", bson_iter_key(list));
    while (bson_iter_next(&each)) {
        if (!BSON_ITER_HOLDS_DOCUMENT(&each) || !view(&each, &inner))
            return wd_fail(err, WD_INVALID, "filter: %s needs documents", bson_iter_key(list));
        if (!check_fields(&inner, false, depth + 1, err))
            return false;
    }
    return true;
}

static bool
check_text(const bson_iter_t *text, struct wd_error *err)
{
    bson_iter_t search;

    if (BSON_ITER_HOLDS_DOCUMENT(text) && bson_iter_recurse(text, &search) && bson_iter_next(&search) &&
        strcmp(bson_iter_key(&search), "$search") == 0 && BSON_ITER_HOLDS_UTF8(&search) && !bson_iter_next(&search))
        return true;
    return wd_fail(err, WD_INVALID, "filter: $text needs $search alone");
}

static bool
check_condition(const bson_iter_t *it, bool may_text, int depth, struct wd_error *err)
{
    const char *key = bson_iter_key(it);
    bson_t none = BSON_INITIALIZER;

    if (strcmp(key, "$and") == 0 || strcmp(key, "$or") == 0 || strcmp(key, "$nor") == 0)
        return check_list(it, depth, err);
    if (may_text && strcmp(key, "$text") == 0)
        return check_text(it, err);
    if (key[0] == '$')
        return wd_fail(err, WD_INVALID, "filter: %.20s is not supported here", key);
    if (BSON_ITER_HOLDS_REGEX(it))
        return check_regex(it, &none, err);
    return !is_operators(it) || check_operators(it, depth, err);
}

static bool
check_fields(const bson_t *filter, bool may_text, int depth, struct wd_error *err)
{
    bson_iter_t it;

    if (depth > DEPTH_MAX || !bson_iter_init(&it, filter))
        return wd_fail(err, WD_INVALID, "filter: too deep, or not BSON");
    while (bson_iter_next(&it))
        if (!check_condition(&it, may_text, depth, err))
            return false;
    return true;
}

bool
mongo_check_filter(const struct mongo_coll *c, const bson_t *filter, struct wd_error *err)
{
    return check_fields(filter, c->has_text, 0, err);
}

/* ---- updates ---- */

static const struct {
    const char *name;
    enum mongo_repeat repeat;
} update_ops[] = {
    { "$set", MONGO_REPEAT },      { "$setOnInsert", MONGO_REPEAT }, { "$unset", MONGO_REPEAT },
    { "$max", MONGO_REPEAT },      { "$min", MONGO_REPEAT },         { "$addToSet", MONGO_REPEAT },
    { "$pull", MONGO_REPEAT },     { "$inc", MONGO_REPEAT_NEVER },   { "$push", MONGO_REPEAT_NEVER },
};

/* [{$set: {…}}, …]: it may compute with what it changes. */
static bool
check_pipeline(const bson_t *update, enum mongo_repeat *repeat, struct wd_error *err)
{
    bson_iter_t it, stage;

    *repeat = MONGO_REPEAT_NEVER;
    if (bson_iter_init(&it, update))
        while (bson_iter_next(&it))
            if (!BSON_ITER_HOLDS_DOCUMENT(&it) || !bson_iter_recurse(&it, &stage) || !bson_iter_next(&stage) ||
                strcmp(bson_iter_key(&stage), "$set") != 0 || bson_iter_next(&stage))
                return wd_fail(err, WD_INVALID, "update: a pipeline has $set stages only");
    return true;
}

bool
mongo_check_update(const bson_t *update, enum mongo_repeat *repeat, struct wd_error *err)
{
    bson_iter_t it;
    size_t n = 0;

    if (bson_has_field(update, "0"))
        return check_pipeline(update, repeat, err);
    if (!bson_iter_init(&it, update))
        return wd_fail(err, WD_INVALID, "update: not BSON");
    *repeat = MONGO_REPEAT;
    for (; bson_iter_next(&it); n++) {
        size_t i = 0;

        while (i < WD_COUNT(update_ops) && strcmp(bson_iter_key(&it), update_ops[i].name) != 0)
            i++;
        if (i == WD_COUNT(update_ops) || !BSON_ITER_HOLDS_DOCUMENT(&it))
            return wd_fail(err, WD_INVALID, "update: bad operator %.20s", bson_iter_key(&it));
        if (update_ops[i].repeat == MONGO_REPEAT_NEVER)
            *repeat = MONGO_REPEAT_NEVER;
    }
    return n > 0 || wd_fail(err, WD_INVALID, "update: empty");
}
