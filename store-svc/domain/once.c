#include "store-svc/domain/once.h"

#include <openssl/evp.h>

#include "common/base/clock.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

/* A hash, because the caller's key may hold anything and be of any length. */
static void
append_id(bson_t *to, const struct wd_once *once)
{
    struct wd_buf named wd_auto(wd_buf_done) = { 0 };
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char user[WD_ID_HEX + 1];

    wd_buf_printf(&named, "%s %s ", wd_id_hex(once->user, user), once->method);
    wd_buf_str(&named, once->key);
    EVP_Digest(named.p, named.n, hash, &n, EVP_sha256(), NULL);
    wd_doc_add_bytes(to, "_id", hash, n);
}

bool
wd_once_find(struct wd_docs *batch, const struct wd_once *once, bson_t *outcome, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_iter_t at;
    const uint8_t *data;
    uint32_t length;
    bson_t inner;

    *found = false;
    if (once->key.n == 0)
        return true;
    append_id(&filter, once);
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
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (once->key.n == 0)
        return true;
    append_id(&row, once);
    bson_append_date_time(&row, "created", -1, wd_now_ms());
    bson_append_document(&row, "outcome", -1, outcome);
    return wd_docs_insert(batch, WD_REQUESTS, &row, err) || wd_fail_in(err, "keep request");
}
