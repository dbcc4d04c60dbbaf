#include "store-svc/driver/embedded/value_priv.h"

#include <math.h>
#include <string.h>

static void
set_tag(struct em_value *out, enum em_tag tag, const void *bytes, size_t n)
{
    out->type = EM_BLOB;
    out->blob[0] = (uint8_t)tag;
    memcpy(out->blob + 1, bytes, n);
    out->n = n + 1;
}

static void
set_opaque(struct em_value *out, enum em_tag tag)
{
    set_tag(out, tag, "", 0);
    out->opaque = true;
}

static void
put_be(uint8_t *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

/* By length first, then subtype, then bytes, as BSON orders them. */
static void
set_binary(struct em_value *out, const bson_iter_t *v)
{
    uint8_t bytes[EM_INLINE - 1];
    bson_subtype_t subtype;
    const uint8_t *p;
    uint32_t n;

    bson_iter_binary(v, &subtype, &n, &p);
    put_be(bytes, n, 4);
    bytes[4] = (uint8_t)subtype;
    out->opaque = n > EM_BINARY_MAX;
    if (!out->opaque && n)
        memcpy(bytes + 5, p, n);
    set_tag(out, EM_TAG_BINARY, bytes, out->opaque ? 5 : n + 5);
}

static void
set_date(struct em_value *out, int64_t ms)
{
    uint8_t bytes[8];

    put_be(bytes, (uint64_t)ms ^ (uint64_t)1 << 63, 8);
    set_tag(out, EM_TAG_DATE, bytes, 8);
}

void
em_value_of(const bson_iter_t *v, struct em_value *out)
{
    uint8_t flag;
    uint32_t n;

    out->type = EM_NULL;
    out->opaque = false;
    switch (v ? bson_iter_type(v) : BSON_TYPE_NULL) {
    case BSON_TYPE_NULL:
    case BSON_TYPE_UNDEFINED:
        return;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        out->type = EM_INTEGER;
        out->integer = bson_iter_as_int64(v);
        return;
    case BSON_TYPE_DOUBLE:
        out->type = EM_REAL;
        out->real = bson_iter_double(v);
        if (isnan(out->real))
            set_opaque(out, EM_TAG_NAN);
        return;
    case BSON_TYPE_UTF8:
        out->type = EM_TEXT;
        out->text = bson_iter_utf8(v, &n);
        out->n = n;
        return;
    case BSON_TYPE_OID:
        set_tag(out, EM_TAG_OID, bson_iter_oid(v), 12);
        return;
    case BSON_TYPE_BOOL:
        flag = bson_iter_bool(v);
        set_tag(out, EM_TAG_BOOL, &flag, 1);
        return;
    case BSON_TYPE_DATE_TIME:
        set_date(out, bson_iter_date_time(v));
        return;
    case BSON_TYPE_BINARY:
        set_binary(out, v);
        return;
    case BSON_TYPE_DOCUMENT:
        set_opaque(out, EM_TAG_DOCUMENT);
        return;
    case BSON_TYPE_ARRAY:
        set_opaque(out, EM_TAG_ARRAY);
        return;
    default:
        set_opaque(out, EM_TAG_OTHER);
        return;
    }
}

void
em_value_at(const bson_t *doc, const char *path, struct em_value *out)
{
    bson_iter_t it;
    size_t n = strcspn(path, ".");
    bool found = bson_iter_init_find_w_len(&it, doc, path, (int)n);

    while (found && path[n] == '.' && BSON_ITER_HOLDS_DOCUMENT(&it)) {
        bson_iter_t inner;
        path += n + 1;
        n = strcspn(path, ".");
        found = bson_iter_recurse(&it, &inner) && bson_iter_find_w_len(&inner, path, (int)n);
        it = inner;
    }
    if (found && path[n] == '.')
        found = BSON_ITER_HOLDS_ARRAY(&it); /* a path that ends early in a scalar is missing */
    em_value_of(found ? &it : NULL, out);
}

bool
em_value_is_array(const struct em_value *v)
{
    return v->type == EM_BLOB && v->blob[0] == EM_TAG_ARRAY;
}

bool
em_value_eq(const struct em_value *a, const struct em_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case EM_NULL:
        return true;
    case EM_INTEGER:
        return a->integer == b->integer;
    case EM_REAL:
        return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    case EM_TEXT:
        return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
    default:
        return a->n == b->n && memcmp(a->blob, b->blob, a->n) == 0;
    }
}

void
em_value_bind(sqlite3_stmt *st, int at, const struct em_value *v, bool copy)
{
    switch (v->type) {
    case EM_NULL:
        sqlite3_bind_null(st, at);
        return;
    case EM_INTEGER:
        sqlite3_bind_int64(st, at, v->integer);
        return;
    case EM_REAL:
        sqlite3_bind_double(st, at, v->real);
        return;
    case EM_TEXT:
        sqlite3_bind_text(st, at, v->text, (int)v->n, copy ? SQLITE_TRANSIENT : SQLITE_STATIC);
        return;
    default:
        sqlite3_bind_blob(st, at, v->blob, (int)v->n, copy ? SQLITE_TRANSIENT : SQLITE_STATIC);
        return;
    }
}

static uint64_t
get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static bool
blob_append(const uint8_t *p, size_t n, const char *key, int key_n, bson_t *to)
{
    bson_oid_t oid;

    switch (n ? p[0] : 0) {
    case EM_TAG_OID:
        if (n != 13)
            return false;
        memcpy(oid.bytes, p + 1, 12);
        return bson_append_oid(to, key, key_n, &oid);
    case EM_TAG_BOOL:
        return n == 2 && bson_append_bool(to, key, key_n, p[1] != 0);
    case EM_TAG_DATE:
        return n == 9 && bson_append_date_time(to, key, key_n, (int64_t)(get_be(p + 1, 8) ^ (uint64_t)1 << 63));
    case EM_TAG_BINARY:
        return n >= 6 && get_be(p + 1, 4) == n - 6 &&
               bson_append_binary(to, key, key_n, (bson_subtype_t)p[5], p + 6, (uint32_t)(n - 6));
    default:
        return false;
    }
}

bool
em_column_append(sqlite3_stmt *st, int column, const char *key, int key_n, bson_t *to)
{
    int64_t i;

    switch (sqlite3_column_type(st, column)) {
    case SQLITE_INTEGER:
        i = sqlite3_column_int64(st, column);
        return i >= INT32_MIN && i <= INT32_MAX ? bson_append_int32(to, key, key_n, (int32_t)i)
                                                : bson_append_int64(to, key, key_n, i);
    case SQLITE_FLOAT:
        return bson_append_double(to, key, key_n, sqlite3_column_double(st, column));
    case SQLITE_TEXT:
        return bson_append_utf8(to, key, key_n, (const char *)sqlite3_column_text(st, column),
                                sqlite3_column_bytes(st, column));
    case SQLITE_BLOB:
        return blob_append(sqlite3_column_blob(st, column), (size_t)sqlite3_column_bytes(st, column), key, key_n, to);
    default:
        return false;
    }
}
