#include "store-svc/domain/once.h"

#include "common/base/clock.h"
#include "store-svc/domain/schema.h"

static struct wd_buf
row_id(const struct wd_once *once)
{
    struct wd_buf id = { 0 };
    char user[WD_ID_HEX + 1];

    wd_buf_printf(&id, "%s %s ", wd_id_hex(once->user, user), once->method);
    wd_buf_str(&id, once->key);
    return id;
}

/* Bytes, not text: the caller's key may hold anything. */
static void
append_id(bson_t *to, struct wd_str id)
{
    bson_append_binary(to, "_id", 3, BSON_SUBTYPE_BINARY, (const uint8_t *)id.p, (uint32_t)id.n);
}

bool
wd_once_find(struct wd_docs *batch, const struct wd_once *once, bson_t *outcome, bool *found, struct wd_error *err)
{
    struct wd_buf id wd_auto(wd_buf_done) = row_id(once);
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_iter_t at;
    const uint8_t *data;
    uint32_t length;
    bson_t inner;

    *found = false;
    if (once->key.n == 0)
        return true;
    append_id(&filter, wd_buf_view(&id));
    if (!wd_docs_find_one(batch, WD_REQUESTS, &filter, NULL, &row, found, err))
        return wd_fail_in(err, "find request");
    if (!*found)
        return true;
    if (!bson_iter_init_find(&at, &row, "outcome") || !BSON_ITER_HOLDS_DOCUMENT(&at))
        return wd_fail(err, WD_DATA_LOSS, "request without an outcome");
    bson_iter_document(&at, &length, &data);
    if (!bson_init_static(&inner, data, length))
        return wd_fail(err, WD_DATA_LOSS, "request with a broken outcome");
    bson_concat(outcome, &inner);
    return true;
}

bool
wd_once_keep(struct wd_docs *batch, const struct wd_once *once, const bson_t *outcome, struct wd_error *err)
{
    struct wd_buf id wd_auto(wd_buf_done) = { 0 };
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (once->key.n == 0)
        return true;
    id = row_id(once);
    append_id(&row, wd_buf_view(&id));
    bson_append_date_time(&row, "created", -1, wd_now_ms());
    bson_append_document(&row, "outcome", -1, outcome);
    return wd_docs_insert(batch, WD_REQUESTS, &row, err) || wd_fail_in(err, "keep request");
}
