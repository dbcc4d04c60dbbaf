/* store-svc/driver/mongo/index.c – a declared index as MongoDB describes it, and whether two are the same. */
#include "store-svc/driver/mongo/ensure_priv.h"

/* ---- the specification ---- */

static bool
append_key(bson_t *keys, const char *name, struct wd_str how)
{
    int32_t direction = wd_str_eq(how, WD_STR("-1")) ? -1 : 1;

    if (wd_str_eq(how, WD_STR("hashed")) || wd_str_eq(how, WD_STR("text")))
        return bson_append_utf8(keys, name, -1, how.p, (int)how.n);
    return (direction < 0 || wd_str_eq(how, WD_STR("1"))) && bson_append_int32(keys, name, -1, direction);
}

/* "mailbox 1, unseen 1 | uid, _id": what is behind the bar is no key. */
static bool
append_keys(bson_t *spec, const struct wd_docs_index *declared, struct wd_error *err)
{
    struct wd_str rest = wd_str_part(wd_str_c(declared->keys), 0, wd_str_chr(wd_str_c(declared->keys), '|')), one;
    bson_t keys;
    bool ok = true;

    BSON_APPEND_DOCUMENT_BEGIN(spec, "key", &keys);
    while (ok && wd_str_split(&rest, ',', &one)) {
        struct wd_str field = wd_str_trim(one);
        size_t blank = wd_str_chr(field, ' ');
        char name[128];

        ok = blank != SIZE_MAX && blank < sizeof name;
        if (!ok)
            break;
        memcpy(name, field.p, blank);
        name[blank] = '\0';
        ok = append_key(&keys, name, wd_str_trim(wd_str_part(field, blank, field.n)));
    }
    bson_append_document_end(spec, &keys);
    return ok || wd_fail(err, WD_INVALID, "index '%.40s': bad keys", declared->name);
}

static bool
append_partial(bson_t *spec, const struct wd_docs_index *declared, struct wd_error *err)
{
    bson_error_t why;
    bson_t *partial;

    if (!declared->partial)
        return true;
    partial = bson_new_from_json((const uint8_t *)declared->partial, -1, &why);
    if (!partial)
        return wd_fail(err, WD_INVALID, "index '%.40s': bad partial filter", declared->name);
    BSON_APPEND_DOCUMENT(spec, "partialFilterExpression", partial);
    bson_destroy(partial);
    return true;
}

bool
mongo_index_spec(const struct wd_docs_index *declared, bson_t *out, struct wd_error *err)
{
    if (!append_keys(out, declared, err) || !append_partial(out, declared, err))
        return false;
    BSON_APPEND_UTF8(out, "name", declared->name);
    if (declared->flags & WD_INDEX_UNIQUE)
        BSON_APPEND_BOOL(out, "unique", true);
    if (declared->flags & WD_INDEX_SPARSE)
        BSON_APPEND_BOOL(out, "sparse", true);
    if (declared->flags & WD_INDEX_TEXT) /* mail is in any language: no stemming, no stop words */
        BSON_APPEND_UTF8(out, "default_language", "none");
    if (declared->expire_after_s >= 0)
        BSON_APPEND_INT32(out, "expireAfterSeconds", (int32_t)declared->expire_after_s);
    return true;
}

/* ---- comparing ---- */

static bool
open_field(const bson_t *doc, const char *name, bson_iter_t *fields)
{
    bson_iter_t it;

    return bson_iter_init_find(&it, doc, name) && BSON_ITER_HOLDS_DOCUMENT(&it) && bson_iter_recurse(&it, fields);
}

static bool
is_word(const bson_iter_t *v, const char *word)
{
    return BSON_ITER_HOLDS_UTF8(v) && strcmp(bson_iter_utf8(v, NULL), word) == 0;
}

/* The fields of a text index are the keys of `weights`; its own keys have _fts and _ftsx in their place. */
static bool
has_weight(const bson_t *existing, const char *field)
{
    bson_iter_t weights;

    if (open_field(existing, "weights", &weights))
        while (bson_iter_next(&weights))
            if (strcmp(bson_iter_key(&weights), field) == 0)
                return true;
    return false;
}

static size_t
count_weights(const bson_t *existing)
{
    bson_iter_t weights;
    size_t n = 0;

    if (open_field(existing, "weights", &weights))
        while (bson_iter_next(&weights))
            n++;
    return n;
}

static bool
same_direction(const bson_iter_t *a, const bson_iter_t *b)
{
    if (BSON_ITER_HOLDS_UTF8(a))
        return is_word(b, bson_iter_utf8(a, NULL));
    return BSON_ITER_HOLDS_NUMBER(b) && bson_iter_as_double(a) == bson_iter_as_double(b);
}

static bool
same_keys(const bson_t *spec, const bson_t *existing)
{
    bson_iter_t want, have;
    size_t texts = 0;

    if (!open_field(spec, "key", &want) || !open_field(existing, "key", &have))
        return false;
    while (bson_iter_next(&want)) {
        if (is_word(&want, "text")) {
            if (!has_weight(existing, bson_iter_key(&want)))
                return false;
            texts++;
        } else if (!bson_iter_next(&have) || strcmp(bson_iter_key(&want), bson_iter_key(&have)) != 0 ||
                   !same_direction(&want, &have)) {
            return false;
        }
    }
    if (texts != count_weights(existing))
        return false;
    for (size_t i = 0; texts && i < 2; i++)
        if (!bson_iter_next(&have) || strcmp(bson_iter_key(&have), i ? "_ftsx" : "_fts") != 0)
            return false;
    return !bson_iter_next(&have);
}

static bool
same_flag(const bson_t *a, const bson_t *b, const char *name)
{
    bson_iter_t it;
    bool x = bson_iter_init_find(&it, a, name) && bson_iter_as_bool(&it);
    bool y = bson_iter_init_find(&it, b, name) && bson_iter_as_bool(&it);

    return x == y;
}

static bool
same_document(const bson_iter_t *a, const bson_iter_t *b)
{
    const uint8_t *x, *y;
    uint32_t n, m;

    if (!BSON_ITER_HOLDS_DOCUMENT(a) || !BSON_ITER_HOLDS_DOCUMENT(b))
        return false;
    bson_iter_document(a, &n, &x);
    bson_iter_document(b, &m, &y);
    return n == m && memcmp(x, y, n) == 0;
}

static bool
same_options(const bson_t *a, const bson_t *b)
{
    static const char *const exact[] = { "expireAfterSeconds", "partialFilterExpression" };

    for (size_t i = 0; i < WD_COUNT(exact); i++) {
        bson_iter_t x, y;
        bool has = bson_iter_init_find(&x, a, exact[i]);

        if (has != bson_iter_init_find(&y, b, exact[i]))
            return false;
        if (!has)
            continue;
        if (BSON_ITER_HOLDS_NUMBER(&x) ? bson_iter_as_double(&x) != bson_iter_as_double(&y)
                                       : !same_document(&x, &y))
            return false;
    }
    return same_flag(a, b, "unique") && same_flag(a, b, "sparse");
}

enum mongo_index_match
mongo_index_compare(const bson_t *spec, const bson_t *existing)
{
    bson_iter_t a, b;

    if (same_keys(spec, existing) && same_options(spec, existing))
        return MONGO_INDEX_SAME;
    if (bson_iter_init_find(&a, spec, "name") && bson_iter_init_find(&b, existing, "name") &&
        is_word(&b, bson_iter_utf8(&a, NULL)))
        return MONGO_INDEX_CONFLICT;
    return MONGO_INDEX_OTHER;
}

/* ---- creating ---- */

bool
mongo_index_create(mongoc_client_t *client, const char *database, const char *coll, const bson_t *const *specs,
                   size_t n, bson_error_t *why)
{
    bson_t command wd_auto(bson_destroy) = BSON_INITIALIZER, list;

    BSON_APPEND_UTF8(&command, "createIndexes", coll);
    BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &list);
    for (size_t i = 0; i < n; i++) {
        char digits[16];
        const char *key;

        bson_uint32_to_string((uint32_t)i, &key, digits, sizeof digits);
        BSON_APPEND_DOCUMENT(&list, key, specs[i]);
    }
    bson_append_array_end(&command, &list);
    return mongoc_client_command_simple(client, database, &command, NULL, NULL, why);
}
