#include "store-svc/port/match.h"

#include <math.h>
#include <stdlib.h>

#include "store-svc/port/match_priv.h"

static const uint8_t ranks[256] = {
    [BSON_TYPE_DOUBLE] = RANK_NUMBER,
    [BSON_TYPE_UTF8] = RANK_STRING,
    [BSON_TYPE_DOCUMENT] = RANK_DOCUMENT,
    [BSON_TYPE_ARRAY] = RANK_ARRAY,
    [BSON_TYPE_BINARY] = RANK_BINARY,
    [BSON_TYPE_UNDEFINED] = RANK_NULL,
    [BSON_TYPE_OID] = RANK_OID,
    [BSON_TYPE_BOOL] = RANK_BOOL,
    [BSON_TYPE_DATE_TIME] = RANK_DATE,
    [BSON_TYPE_NULL] = RANK_NULL,
    [BSON_TYPE_REGEX] = RANK_REGEX,
    [BSON_TYPE_DBPOINTER] = RANK_OTHER,
    [BSON_TYPE_CODE] = RANK_OTHER,
    [BSON_TYPE_SYMBOL] = RANK_OTHER,
    [BSON_TYPE_CODEWSCOPE] = RANK_OTHER,
    [BSON_TYPE_INT32] = RANK_NUMBER,
    [BSON_TYPE_TIMESTAMP] = RANK_TIMESTAMP,
    [BSON_TYPE_INT64] = RANK_NUMBER,
    [BSON_TYPE_DECIMAL128] = RANK_OTHER,
    [BSON_TYPE_MAXKEY] = RANK_MAX,
    [BSON_TYPE_MINKEY] = RANK_MIN,
};

enum match_rank
match_rank(const bson_iter_t *v)
{
    return v ? (enum match_rank)ranks[bson_iter_type(v)] : RANK_NULL;
}

bool
match_is_nan(const bson_iter_t *v)
{
    return v && BSON_ITER_HOLDS_DOUBLE(v) && isnan(bson_iter_double(v));
}

bool
match_open(const bson_iter_t *v, bson_iter_t *fields)
{
    return v && (BSON_ITER_HOLDS_DOCUMENT(v) || BSON_ITER_HOLDS_ARRAY(v)) && bson_iter_recurse(v, fields);
}

bool
match_view(const bson_iter_t *v, bson_t *view)
{
    const uint8_t *bytes;
    uint32_t n;

    if (BSON_ITER_HOLDS_DOCUMENT(v))
        bson_iter_document(v, &n, &bytes);
    else if (BSON_ITER_HOLDS_ARRAY(v))
        bson_iter_array(v, &n, &bytes);
    else
        return false;
    return bson_init_static(view, bytes, n);
}

bool
match_is_operators(const bson_iter_t *v)
{
    bson_iter_t fields;

    return BSON_ITER_HOLDS_DOCUMENT(v) && bson_iter_recurse(v, &fields) && bson_iter_next(&fields) &&
           bson_iter_key(&fields)[0] == '$';
}

static int
compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_bytes(const void *a, size_t an, const void *b, size_t bn)
{
    int c = memcmp(a, b, an < bn ? an : bn);

    return c ? c : compare_i64((int64_t)an, (int64_t)bn);
}

/* NaN is below all numbers. */
static int
compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) ? 0 : 1) - (isnan(b) ? 0 : 1);
    return (a > b) - (a < b);
}

/* Exact, also where a double can not hold the integer. */
static int
compare_i64_double(int64_t i, double d)
{
    double whole;

    if (isnan(d) || d < -9223372036854775808.0)
        return 1;
    if (d >= 9223372036854775808.0)
        return -1;
    whole = trunc(d);
    if (i != (int64_t)whole)
        return compare_i64(i, (int64_t)whole);
    return (d < whole) - (d > whole);
}

static int
compare_numbers(const bson_iter_t *a, const bson_iter_t *b)
{
    bool ad = BSON_ITER_HOLDS_DOUBLE(a), bd = BSON_ITER_HOLDS_DOUBLE(b);

    if (ad && bd)
        return compare_doubles(bson_iter_double(a), bson_iter_double(b));
    if (ad)
        return -compare_i64_double(bson_iter_as_int64(b), bson_iter_double(a));
    if (bd)
        return compare_i64_double(bson_iter_as_int64(a), bson_iter_double(b));
    return compare_i64(bson_iter_as_int64(a), bson_iter_as_int64(b));
}

static int
compare_strings(const bson_iter_t *a, const bson_iter_t *b)
{
    uint32_t an, bn;
    const char *ap = bson_iter_utf8(a, &an), *bp = bson_iter_utf8(b, &bn);

    return compare_bytes(ap, an, bp, bn);
}

static int
compare_binaries(const bson_iter_t *a, const bson_iter_t *b)
{
    bson_subtype_t as, bs;
    uint32_t an, bn;
    const uint8_t *ap, *bp;

    bson_iter_binary(a, &as, &an, &ap);
    bson_iter_binary(b, &bs, &bn, &bp);
    if (an != bn)
        return compare_i64(an, bn);
    return as != bs ? compare_i64(as, bs) : compare_bytes(ap, an, bp, bn);
}

/* The types that only need an order that does not change. */
static int
compare_raw(const bson_iter_t *a, const bson_iter_t *b)
{
    if (bson_iter_type(a) != bson_iter_type(b))
        return (int)bson_iter_type(a) - (int)bson_iter_type(b);
    return compare_bytes(a->raw + a->d1, a->next_off - a->d1, b->raw + b->d1, b->next_off - b->d1);
}

static int compare_at(const bson_iter_t *a, const bson_iter_t *b, int depth);

static int
compare_fields(const bson_iter_t *a, const bson_iter_t *b, int depth)
{
    bool array = BSON_ITER_HOLDS_ARRAY(a), more_a, more_b;
    bson_iter_t ai, bi;
    int c = 0;

    if (depth == MATCH_DEPTH_MAX || !match_open(a, &ai) || !match_open(b, &bi))
        return compare_raw(a, b);
    for (;;) {
        more_a = bson_iter_next(&ai);
        more_b = bson_iter_next(&bi);
        if (!more_a || !more_b)
            return more_a - more_b;
        c = (int)match_rank(&ai) - (int)match_rank(&bi);
        if (c == 0 && !array)
            c = strcmp(bson_iter_key(&ai), bson_iter_key(&bi));
        if (c == 0)
            c = compare_at(&ai, &bi, depth + 1);
        if (c != 0)
            return c;
    }
}

static int
compare_at(const bson_iter_t *a, const bson_iter_t *b, int depth)
{
    enum match_rank rank = match_rank(a);

    if (rank != match_rank(b))
        return (int)rank - (int)match_rank(b);
    switch (rank) {
    case RANK_NULL:
    case RANK_MIN:
    case RANK_MAX:
        return 0;
    case RANK_NUMBER:
        return compare_numbers(a, b);
    case RANK_STRING:
        return compare_strings(a, b);
    case RANK_DOCUMENT:
    case RANK_ARRAY:
        return compare_fields(a, b, depth);
    case RANK_BINARY:
        return compare_binaries(a, b);
    case RANK_OID:
        return bson_oid_compare(bson_iter_oid(a), bson_iter_oid(b));
    case RANK_BOOL:
        return bson_iter_bool(a) - bson_iter_bool(b);
    case RANK_DATE:
        return compare_i64(bson_iter_date_time(a), bson_iter_date_time(b));
    default:
        return compare_raw(a, b);
    }
}

int
match_value_compare(const bson_iter_t *a, const bson_iter_t *b)
{
    return compare_at(a, b, 0);
}

bool
match_path_ok(const char *path, struct wd_error *err)
{
    size_t dots = 0, n = strlen(path);

    for (size_t i = 0; i < n; i++) {
        if (path[i] != '.')
            continue;
        dots++;
        if (i == 0 || path[i + 1] == '.' || path[i + 1] == '\0')
            return wd_fail(err, WD_INVALID, "a part of a field path is empty");
    }
    if (n == 0 || dots >= MATCH_PATH_MAX)
        return wd_fail(err, WD_INVALID, "a field path is empty or has too many parts");
    return true;
}

static bool each_field(bson_iter_t fields, const char *path, match_each *each, void *data);

static bool
find_part(bson_iter_t *fields, const char *path, size_t n)
{
    while (bson_iter_next(fields))
        if (bson_iter_key_len(fields) == n && memcmp(bson_iter_key(fields), path, n) == 0)
            return true;
    return false;
}

/* rest: the path below this value, NULL when it is the last. Recursion is bounded by MATCH_PATH_MAX. */
static bool
each_value(const bson_iter_t *v, const char *rest, match_each *each, void *data)
{
    bson_iter_t elements, found;
    bool hit = false;

    if (!rest && each(v, data))
        return true;
    if (BSON_ITER_HOLDS_DOCUMENT(v) && rest)
        return bson_iter_recurse(v, &elements) && each_field(elements, rest, each, data);
    if (!BSON_ITER_HOLDS_ARRAY(v))
        return rest ? each(NULL, data) : false;
    if (!bson_iter_recurse(v, &elements))
        return false;
    if (rest) {
        size_t n = strcspn(rest, ".");
        found = elements;
        if (rest[strspn(rest, "0123456789")] == rest[n] && find_part(&found, rest, n))
            hit = each_value(&found, rest[n] ? rest + n + 1 : NULL, each, data);
    }
    while (!hit && bson_iter_next(&elements)) {
        if (!rest)
            hit = each(&elements, data);
        else if (BSON_ITER_HOLDS_DOCUMENT(&elements))
            hit = each_value(&elements, rest, each, data);
    }
    return hit;
}

static bool
each_field(bson_iter_t fields, const char *path, match_each *each, void *data)
{
    size_t n = strcspn(path, ".");

    if (!find_part(&fields, path, n))
        return each(NULL, data);
    return each_value(&fields, path[n] ? path + n + 1 : NULL, each, data);
}

bool
wd_match_each(const bson_t *doc, const char *path, match_each *each, void *data)
{
    bson_iter_t fields;

    return bson_iter_init(&fields, doc) && each_field(fields, path, each, data);
}
