#include "store-svc/domain/doc.h"

#include "common/base/utf8.h"

static bool
find(const bson_t *doc, const char *field, bson_iter_t *out)
{
    bson_iter_t at;

    return bson_iter_init(&at, doc) && bson_iter_find_descendant(&at, field, out);
}

int64_t
wd_doc_int(const bson_t *doc, const char *field, int64_t fallback)
{
    static const double limit = 9223372036854774784.0; /* the largest double below 2^63 */
    bson_iter_t at;
    double d;

    if (!find(doc, field, &at) || !BSON_ITER_HOLDS_NUMBER(&at))
        return fallback;
    if (!BSON_ITER_HOLDS_DOUBLE(&at))
        return bson_iter_as_int64(&at);
    d = bson_iter_double(&at);
    return d >= -limit && d <= limit ? (int64_t)d : fallback; /* no NaN either */
}

bool
wd_doc_bool(const bson_t *doc, const char *field, bool fallback)
{
    bson_iter_t at;

    return find(doc, field, &at) && BSON_ITER_HOLDS_BOOL(&at) ? bson_iter_bool(&at) : fallback;
}

struct wd_str
wd_doc_str(const bson_t *doc, const char *field)
{
    bson_iter_t at;
    uint32_t n = 0;
    const uint8_t *bytes = NULL;

    if (!find(doc, field, &at))
        return WD_NONE;
    if (BSON_ITER_HOLDS_UTF8(&at)) {
        const char *text = bson_iter_utf8(&at, &n);
        return wd_str_n(text, n);
    }
    if (BSON_ITER_HOLDS_BINARY(&at))
        bson_iter_binary(&at, NULL, &n, &bytes);
    return wd_str_n(bytes, n);
}

int64_t
wd_doc_date(const bson_t *doc, const char *field, int64_t fallback)
{
    bson_iter_t at;

    return find(doc, field, &at) && BSON_ITER_HOLDS_DATE_TIME(&at) ? bson_iter_date_time(&at) : fallback;
}

bool
wd_doc_id(const bson_t *doc, const char *field, struct wd_id *out)
{
    bson_iter_t at;

    if (!find(doc, field, &at) || !BSON_ITER_HOLDS_OID(&at))
        return false;
    memcpy(out->b, bson_iter_oid(&at)->bytes, sizeof out->b);
    return true;
}

bool
wd_doc_sub(const bson_t *doc, const char *field, bson_t *view)
{
    bson_iter_t at;
    const uint8_t *data;
    uint32_t n;

    if (!find(doc, field, &at))
        return false;
    if (BSON_ITER_HOLDS_DOCUMENT(&at))
        bson_iter_document(&at, &n, &data);
    else if (BSON_ITER_HOLDS_ARRAY(&at))
        bson_iter_array(&at, &n, &data);
    else
        return false;
    return bson_init_static(view, data, n);
}

bool
wd_doc_has(const bson_t *doc, const char *field)
{
    bson_iter_t at;

    return find(doc, field, &at);
}

void
wd_doc_add_id(bson_t *doc, const char *field, struct wd_id id)
{
    bson_oid_t oid;

    memcpy(oid.bytes, id.b, sizeof id.b);
    bson_append_oid(doc, field, -1, &oid);
}

void
wd_doc_add_str(bson_t *doc, const char *field, struct wd_str value)
{
    if (wd_utf8_valid(value) && !memchr(value.p ? value.p : "", '\0', value.n))
        bson_append_utf8(doc, field, -1, value.p ? value.p : "", (int)value.n);
    else
        wd_doc_add_bytes(doc, field, value.p, value.n);
}

void
wd_doc_add_int(bson_t *doc, const char *field, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX)
        bson_append_int32(doc, field, -1, (int32_t)value);
    else
        bson_append_int64(doc, field, -1, value);
}

void
wd_doc_add_date(bson_t *doc, const char *field, int64_t ms)
{
    bson_append_date_time(doc, field, -1, ms);
}

void
wd_doc_add_bool(bson_t *doc, const char *field, bool value)
{
    bson_append_bool(doc, field, -1, value);
}

void
wd_doc_add_bytes(bson_t *doc, const char *field, const void *bytes, size_t n)
{
    bson_append_binary(doc, field, -1, BSON_SUBTYPE_BINARY, bytes, (uint32_t)n);
}

void
wd_doc_add_op(bson_t *doc, const char *field, const char *op, int64_t value)
{
    bson_t inner;

    bson_append_document_begin(doc, field, -1, &inner);
    wd_doc_add_int(&inner, op, value);
    bson_append_document_end(doc, &inner);
}
