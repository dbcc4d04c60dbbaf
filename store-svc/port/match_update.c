/* Updates. Each operator is one edit of one path; edits of one top-level field are applied to that field alone, so
 * that the rest of a document is copied once. */
#include "store-svc/port/match.h"

#include "common/base/vec.h"
#include "store-svc/port/match_priv.h"

enum { EDITS_MAX = 1024, PAD_MAX = 1000 /* an index this far behind the end of an array */ };

struct edit;

/* Appends the changed value under key to `to`, or nothing when the field goes. old is NULL when it is missing. */
typedef bool leaf_fn(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err);

struct edit {
    leaf_fn *leaf;
    bool creates; /* also where the path is missing */
    const char *path;
    bson_iter_t arg;
};

struct edits {
    struct edit *p;
    size_t n, cap;
};

static void
edits_done(struct edits *edits)
{
    wd_vec_done(edits);
}

static size_t
root_length(const char *path)
{
    return strcspn(path, ".");
}

static bool
leaf_set(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    (void)old;
    if (bson_append_iter(to, key, -1, &e->arg))
        return true;
    return wd_fail(err, WD_INVALID, "update: bad value for %.40s", e->path);
}

static bool
leaf_unset(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    (void)e, (void)old, (void)key, (void)to, (void)err;
    return true;
}

/* int32 stays int32 while the sum fits, a double on either side makes a double. */
static bool
leaf_inc(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    int64_t sum;
    bool wide;

    if (match_rank(&e->arg) != RANK_NUMBER || (old && match_rank(old) != RANK_NUMBER))
        return wd_fail(err, WD_INVALID, "update: $inc of %.40s, which is not a number", e->path);
    if (!old)
        return leaf_set(e, old, key, to, err);
    if (BSON_ITER_HOLDS_DOUBLE(old) || BSON_ITER_HOLDS_DOUBLE(&e->arg))
        return bson_append_double(to, key, -1, bson_iter_as_double(old) + bson_iter_as_double(&e->arg));
    if (__builtin_add_overflow(bson_iter_as_int64(old), bson_iter_as_int64(&e->arg), &sum))
        return wd_fail(err, WD_INVALID, "update: $inc of %.40s overflows", e->path);
    wide = BSON_ITER_HOLDS_INT64(old) || BSON_ITER_HOLDS_INT64(&e->arg) || sum > INT32_MAX || sum < INT32_MIN;
    return wide ? bson_append_int64(to, key, -1, sum) : bson_append_int32(to, key, -1, (int32_t)sum);
}

static bool
leaf_extreme(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, int sign)
{
    bool keep = old && sign * match_value_compare(old, &e->arg) >= 0;

    return bson_append_iter(to, key, -1, keep ? old : &e->arg);
}

static bool
leaf_max(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    (void)err;
    return leaf_extreme(e, old, key, to, 1);
}

static bool
leaf_min(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    (void)err;
    return leaf_extreme(e, old, key, to, -1);
}

/* Arrays are rebuilt: the elements that stay, then the new ones. */
struct rebuilt {
    bson_t array;
    uint32_t n;
};

static bool
rebuilt_add(struct rebuilt *r, const bson_iter_t *v)
{
    char digits[16];
    const char *key;

    bson_uint32_to_string(r->n++, &key, digits, sizeof digits);
    return bson_append_iter(&r->array, key, -1, v);
}

static bool
rebuilt_has(const struct rebuilt *r, const bson_iter_t *v)
{
    bson_iter_t each;

    if (bson_iter_init(&each, &r->array))
        while (bson_iter_next(&each))
            if (match_value_compare(&each, v) == 0)
                return true;
    return false;
}

static bool
array_begin(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct rebuilt *r,
            bson_iter_t *elements, struct wd_error *err)
{
    if (old && (!BSON_ITER_HOLDS_ARRAY(old) || !match_open(old, elements)))
        return wd_fail(err, WD_INVALID, "update: %.40s is not an array", e->path);
    r->n = 0;
    bson_append_array_begin(to, key, -1, &r->array);
    return true;
}

/* The elements of {$each: [...]}; false when the argument is one plain value. */
static bool
open_each(const bson_iter_t *arg, bson_iter_t *each)
{
    bson_iter_t inner;

    return match_is_operators(arg) && bson_iter_recurse(arg, &inner) && bson_iter_next(&inner) &&
           strcmp(bson_iter_key(&inner), "$each") == 0 && BSON_ITER_HOLDS_ARRAY(&inner) &&
           bson_iter_recurse(&inner, each);
}

static bool
leaf_append(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, bool once, struct wd_error *err)
{
    bson_iter_t elements, each;
    struct rebuilt r;

    if (match_is_operators(&e->arg) && !open_each(&e->arg, &each))
        return wd_fail(err, WD_INVALID, "update: only $each is known for %.40s", e->path);
    if (!array_begin(e, old, key, to, &r, &elements, err))
        return false;
    while (old && bson_iter_next(&elements))
        rebuilt_add(&r, &elements);
    if (!match_is_operators(&e->arg)) {
        if (!once || !rebuilt_has(&r, &e->arg))
            rebuilt_add(&r, &e->arg);
    } else {
        while (bson_iter_next(&each))
            if (!once || !rebuilt_has(&r, &each))
                rebuilt_add(&r, &each);
    }
    return bson_append_array_end(to, &r.array);
}

static bool
leaf_add_to_set(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    return leaf_append(e, old, key, to, true, err);
}

static bool
leaf_push(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    return leaf_append(e, old, key, to, false, err);
}

/* A plain document is a filter on elements that are documents, as in MongoDB. */
static bool
is_pulled(const struct edit *e, const bson_iter_t *element, bool *pulled, struct wd_error *err)
{
    bson_t filter, doc;

    if (!BSON_ITER_HOLDS_DOCUMENT(&e->arg) || match_is_operators(&e->arg))
        return match_element(&e->arg, element, 0, pulled, err);
    *pulled = false;
    if (!match_view(&e->arg, &filter) || !BSON_ITER_HOLDS_DOCUMENT(element) || !match_view(element, &doc))
        return true;
    return match_filter(&filter, &doc, 0, pulled, err);
}

static bool
leaf_pull(const struct edit *e, const bson_iter_t *old, const char *key, bson_t *to, struct wd_error *err)
{
    bson_iter_t elements;
    struct rebuilt r;
    bool ok = true, pulled;

    if (!array_begin(e, old, key, to, &r, &elements, err))
        return false;
    while (ok && bson_iter_next(&elements)) {
        ok = is_pulled(e, &elements, &pulled, err);
        if (ok && !pulled)
            rebuilt_add(&r, &elements);
    }
    bson_append_array_end(to, &r.array);
    return ok;
}

enum when { ALWAYS, ON_INSERT };

/* The first is used by upserts, too. */
static const struct operator {
    const char *name;
    leaf_fn *leaf;
    bool creates;
    enum when when;
} operators[] = {
    { "$set", leaf_set, true, ALWAYS },           { "$setOnInsert", leaf_set, true, ON_INSERT },
    { "$unset", leaf_unset, false, ALWAYS },      { "$inc", leaf_inc, true, ALWAYS },
    { "$max", leaf_max, true, ALWAYS },           { "$min", leaf_min, true, ALWAYS },
    { "$addToSet", leaf_add_to_set, true, ALWAYS }, { "$pull", leaf_pull, false, ALWAYS },
    { "$push", leaf_push, true, ALWAYS },
};

/* Two edits of one place, or of a place and something inside it, have no defined order. */
static bool
paths_conflict(const char *a, const char *b)
{
    size_t an = strlen(a), bn = strlen(b), n = an < bn ? an : bn;

    return memcmp(a, b, n) == 0 && (an == bn || (an < bn ? b : a)[n] == '.');
}

static bool
edits_add(struct edits *edits, const struct operator *op, const bson_iter_t *field, struct wd_error *err)
{
    const char *path = bson_iter_key(field);

    if (!match_path_ok(path, err))
        return false;
    if (edits->n == EDITS_MAX)
        return wd_fail(err, WD_INVALID, "update: too many fields");
    for (size_t i = 0; i < edits->n; i++)
        if (paths_conflict(edits->p[i].path, path))
            return wd_fail(err, WD_INVALID, "update: %.40s is changed twice", path);
    wd_vec_push(edits, (struct edit){ op->leaf, op->creates, path, *field });
    return true;
}

static bool
edits_parse(const bson_t *update, bool inserting, struct edits *edits, struct wd_error *err)
{
    bson_iter_t it, field;

    if (!bson_iter_init(&it, update))
        return wd_fail(err, WD_INVALID, "update: not BSON");
    while (bson_iter_next(&it)) {
        const struct operator *op = NULL;
        for (size_t i = 0; i < WD_COUNT(operators) && !op; i++)
            if (strcmp(operators[i].name, bson_iter_key(&it)) == 0)
                op = &operators[i];
        if (!op || !BSON_ITER_HOLDS_DOCUMENT(&it) || !bson_iter_recurse(&it, &field))
            return wd_fail(err, WD_INVALID, "update: bad operator %.20s", bson_iter_key(&it));
        while (bson_iter_next(&field))
            if ((op->when == ALWAYS || inserting) && !edits_add(edits, op, &field, err))
                return false;
    }
    return !it.err_off || wd_fail(err, WD_INVALID, "update: not BSON");
}

/* Where an edit is inside a document: the container that is read, the one that is written, the path from here. */
struct place {
    const bson_iter_t *from; /* NULL: nothing is there yet */
    bson_t *to;
    const char *path;
    bool array;
    uint32_t n; /* elements seen */
};

static bool apply_inside(const struct edit *e, struct place at, struct wd_error *err);

/* Descends into old (NULL: creates a document) under key. */
static bool
apply_child(const struct edit *e, const bson_iter_t *old, const char *key, const char *rest, bson_t *to,
            struct wd_error *err)
{
    bool array = old && BSON_ITER_HOLDS_ARRAY(old), ok;
    bson_iter_t inner;
    bson_t child;

    if (old && !match_open(old, &inner)) {
        if (!e->creates)
            return bson_append_iter(to, key, -1, old);
        return wd_fail(err, WD_INVALID, "update: %.40s goes through a value that is no document", e->path);
    }
    if (array)
        bson_append_array_begin(to, key, -1, &child);
    else
        bson_append_document_begin(to, key, -1, &child);
    ok = apply_inside(e, (struct place){ old ? &inner : NULL, &child, rest, array, 0 }, err);
    if (array)
        bson_append_array_end(to, &child);
    else
        bson_append_document_end(to, &child);
    return ok;
}

static bool
apply_here(const struct edit *e, const struct place *at, const bson_iter_t *old, const char *key, struct wd_error *err)
{
    const char *rest = at->path + root_length(at->path);

    if (*rest == '.')
        return apply_child(e, old, key, rest + 1, at->to, err);
    if (at->array && e->leaf == leaf_unset)
        return bson_append_null(at->to, key, -1);
    return e->leaf(e, old, key, at->to, err);
}

/* The field is missing: puts it at the end; in an array, after as many nulls as are needed. */
static bool
apply_new(const struct edit *e, const struct place *at, struct wd_error *err)
{
    size_t n = root_length(at->path);
    char key[256], digits[16];
    const char *pad;
    uint32_t index;

    if (n >= sizeof key)
        return wd_fail(err, WD_INVALID, "update: a field name is too long");
    memcpy(key, at->path, n);
    key[n] = '\0';
    if (at->array) {
        if (!wd_str_u32(wd_str_n(key, n), at->n + PAD_MAX, &index) || index < at->n)
            return wd_fail(err, WD_INVALID, "update: %.40s has a bad array index", e->path);
        for (uint32_t i = at->n; i < index; i++) {
            bson_uint32_to_string(i, &pad, digits, sizeof digits);
            bson_append_null(at->to, pad, -1);
        }
    }
    return apply_here(e, at, NULL, key, err);
}

/* As deep as the path has parts. */
static bool
apply_inside(const struct edit *e, struct place at, struct wd_error *err)
{
    size_t n = root_length(at.path);
    bool found = false;
    bson_iter_t it;

    if (at.from) {
        it = *at.from;
        while (bson_iter_next(&it)) {
            const char *key = bson_iter_key(&it);
            at.n++;
            if (found || bson_iter_key_len(&it) != n || memcmp(key, at.path, n) != 0) {
                bson_append_iter(at.to, NULL, 0, &it);
                continue;
            }
            found = true;
            if (!apply_here(e, &at, &it, key, err))
                return false;
        }
    }
    return found || !e->creates || apply_new(e, &at, err);
}

static bool
same_root(const char *path, const char *root, size_t n)
{
    return root_length(path) == n && memcmp(path, root, n) == 0;
}

/* Applies the edits of one top-level field, from edits->p[first] on, to `field` (NULL: missing). */
static bool
apply_root(const struct edits *edits, size_t first, const bson_iter_t *field, bson_t *out, struct wd_error *err)
{
    const char *root = edits->p[first].path;
    size_t n = root_length(root);
    bson_t now = BSON_INITIALIZER, next;
    bson_iter_t it;
    bool ok = true;

    if (field)
        bson_append_iter(&now, NULL, 0, field);
    for (size_t i = first; i < edits->n && ok; i++) {
        if (!same_root(edits->p[i].path, root, n))
            continue;
        bson_init(&next);
        ok = bson_iter_init(&it, &now) &&
             apply_inside(&edits->p[i], (struct place){ &it, &next, edits->p[i].path, false, 0 }, err);
        bson_destroy(&now);
        bson_steal(&now, &next);
    }
    if (ok)
        bson_concat(out, &now);
    bson_destroy(&now);
    return ok;
}

static size_t
first_edit(const struct edits *edits, const char *root, size_t n)
{
    size_t i = 0;

    while (i < edits->n && !same_root(edits->p[i].path, root, n))
        i++;
    return i;
}

static bool
edits_apply(const struct edits *edits, const bson_t *doc, bson_t *out, struct wd_error *err)
{
    bson_iter_t field;
    uint64_t done[EDITS_MAX / 64] = { 0 }; /* edits whose field was there */

    if (!bson_iter_init(&field, doc))
        return wd_fail(err, WD_INVALID, "document: not BSON");
    while (bson_iter_next(&field)) {
        size_t i = first_edit(edits, bson_iter_key(&field), bson_iter_key_len(&field));
        if (i == edits->n) {
            bson_append_iter(out, NULL, 0, &field);
            continue;
        }
        done[i / 64] |= (uint64_t)1 << (i % 64);
        if (!apply_root(edits, i, &field, out, err))
            return false;
    }
    for (size_t i = 0; i < edits->n; i++) {
        const char *root = edits->p[i].path;
        if (first_edit(edits, root, root_length(root)) != i || (done[i / 64] >> (i % 64) & 1))
            continue;
        if (!apply_root(edits, i, NULL, out, err))
            return false;
    }
    return true;
}

static bool
id_is_kept(const bson_t *doc, const bson_t *out)
{
    bson_iter_t a, b;

    if (!bson_iter_init_find(&a, doc, "_id"))
        return true;
    return bson_iter_init_find(&b, out, "_id") && match_value_compare(&a, &b) == 0;
}

bool
wd_match_update(const bson_t *doc, const bson_t *update, bool inserting, bson_t *out, bool *changed,
                struct wd_error *err)
{
    struct edits edits wd_auto(edits_done) = { 0 };

    if (!edits_parse(update, inserting, &edits, err))
        return false;
    bson_init(out);
    if (!edits_apply(&edits, doc, out, err)) {
        bson_destroy(out);
        return false;
    }
    if (!id_is_kept(doc, out)) {
        bson_destroy(out);
        return wd_fail(err, WD_INVALID, "update: the _id can not change");
    }
    *changed = !bson_equal(doc, out);
    return true;
}

/* ---- what an upsert starts from ---- */

/* {a: 1} and {a: {$eq: 1}}; the other conditions say nothing about one value. */
static bool
seed_value(const bson_iter_t *condition, bson_iter_t *value)
{
    if (!match_is_operators(condition)) {
        *value = *condition;
        return !BSON_ITER_HOLDS_REGEX(condition);
    }
    if (!bson_iter_recurse(condition, value))
        return false;
    while (bson_iter_next(value))
        if (strcmp(bson_iter_key(value), "$eq") == 0)
            return true;
    return false;
}

static bool
seed_edits(const bson_t *filter, int depth, struct edits *edits, struct wd_error *err)
{
    bson_iter_t it, each, value;
    bson_t inner;

    if (depth > MATCH_DEPTH_MAX || !bson_iter_init(&it, filter))
        return wd_fail(err, WD_INVALID, "filter: too deep, or not BSON");
    while (bson_iter_next(&it)) {
        const char *path = bson_iter_key(&it);
        if (strcmp(path, "$and") == 0 && match_open(&it, &each)) {
            while (bson_iter_next(&each))
                if (!match_view(&each, &inner) || !seed_edits(&inner, depth + 1, edits, err))
                    return wd_fail(err, WD_INVALID, "filter: bad $and");
        } else if (path[0] != '$' && seed_value(&it, &value)) {
            if (!edits_add(edits, &operators[0], &it, err))
                return false;
            edits->p[edits->n - 1].arg = value; /* set it */
        }
    }
    return true;
}

bool
wd_match_upsert_seed(const bson_t *filter, bson_t *out, struct wd_error *err)
{
    struct edits edits wd_auto(edits_done) = { 0 };
    bson_t empty = BSON_INITIALIZER;

    if (!seed_edits(filter, 0, &edits, err))
        return false;
    bson_init(out);
    if (edits_apply(&edits, &empty, out, err))
        return true;
    bson_destroy(out);
    return false;
}
