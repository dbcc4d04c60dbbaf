/* Projection, and the order of documents under a sort specification. */
#include "store-svc/port/match.h"

#include "common/base/vec.h"
#include "store-svc/port/match_priv.h"

struct paths WD_VEC(const char *);

static void
paths_done(struct paths *paths)
{
    wd_vec_done(paths);
}

/* The parts of the paths below key; true when one of them ends there. */
static bool
paths_below(const struct paths *paths, const char *key, struct paths *below)
{
    size_t n = strlen(key);

    for (size_t i = 0; i < paths->n; i++) {
        if (strncmp(paths->p[i], key, n) != 0)
            continue;
        if (paths->p[i][n] == '\0')
            return true;
        if (paths->p[i][n] == '.')
            wd_vec_push(below, paths->p[i] + n + 1);
    }
    return false;
}

static void project_elements(bson_iter_t from, const struct paths *paths, bson_t *to);

/* As deep as the paths have parts, which is bounded. */
static void
project_fields(bson_iter_t from, const struct paths *paths, bson_t *to)
{
    bson_iter_t inner;
    bson_t child;

    while (bson_iter_next(&from)) {
        struct paths below wd_auto(paths_done) = { 0 };
        if (paths_below(paths, bson_iter_key(&from), &below)) {
            bson_append_iter(to, NULL, 0, &from);
        } else if (below.n && BSON_ITER_HOLDS_DOCUMENT(&from) && match_open(&from, &inner)) {
            bson_append_document_begin(to, bson_iter_key(&from), -1, &child);
            project_fields(inner, &below, &child);
            bson_append_document_end(to, &child);
        } else if (below.n && BSON_ITER_HOLDS_ARRAY(&from) && match_open(&from, &inner)) {
            bson_append_array_begin(to, bson_iter_key(&from), -1, &child);
            project_elements(inner, &below, &child);
            bson_append_array_end(to, &child);
        }
    }
}

/* Of the elements of an array only documents have fields; the others are left out. */
static void
project_elements(bson_iter_t from, const struct paths *paths, bson_t *to)
{
    bson_iter_t inner;
    bson_t child;
    char digits[16];
    const char *key;
    uint32_t n = 0;

    while (bson_iter_next(&from)) {
        if (!BSON_ITER_HOLDS_DOCUMENT(&from) || !match_open(&from, &inner))
            continue;
        bson_uint32_to_string(n++, &key, digits, sizeof digits);
        bson_append_document_begin(to, key, -1, &child);
        project_fields(inner, paths, &child);
        bson_append_document_end(to, &child);
    }
}

bool
wd_match_project(const bson_t *doc, const bson_t *projection, bson_t *out, struct wd_error *err)
{
    struct paths paths wd_auto(paths_done) = { 0 };
    bson_iter_t field;

    wd_vec_push(&paths, "_id");
    if (!bson_iter_init(&field, projection))
        return wd_fail(err, WD_INVALID, "projection: not BSON");
    while (bson_iter_next(&field)) {
        if (!match_path_ok(bson_iter_key(&field), err))
            return false;
        if (!bson_iter_as_bool(&field) || bson_iter_key(&field)[0] == '$')
            return wd_fail(err, WD_INVALID, "projection: only field: 1 is supported");
        wd_vec_push(&paths, bson_iter_key(&field));
    }
    if (!bson_iter_init(&field, doc))
        return wd_fail(err, WD_INVALID, "document: not BSON");
    bson_init(out);
    project_fields(field, &paths, out);
    return true;
}

struct extreme {
    bson_iter_t best;
    bool any, highest;
};

static bool
keep_extreme(const bson_iter_t *value, void *data)
{
    struct extreme *e = data;
    int c;

    if (!value || BSON_ITER_HOLDS_ARRAY(value))
        return false;
    c = e->any ? match_value_compare(value, &e->best) : 0;
    if (!e->any || (e->highest ? c > 0 : c < 0)) {
        e->best = *value;
        e->any = true;
    }
    return false;
}

int
wd_match_compare(const bson_t *a, const bson_t *b, const bson_t *sort)
{
    bson_iter_t key;

    if (!bson_iter_init(&key, sort))
        return 0;
    while (bson_iter_next(&key)) {
        bool down = bson_iter_as_int64(&key) < 0;
        struct extreme ea = { .highest = down }, eb = { .highest = down };
        int c;
        wd_match_each(a, bson_iter_key(&key), keep_extreme, &ea);
        wd_match_each(b, bson_iter_key(&key), keep_extreme, &eb);
        c = match_value_compare(ea.any ? &ea.best : NULL, eb.any ? &eb.best : NULL);
        if (c != 0)
            return down ? -c : c;
    }
    return 0;
}
