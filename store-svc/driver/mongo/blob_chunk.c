/* Filters on chunks by place and by age. */
#include "store-svc/driver/mongo/blob_priv.h"

/* The time is in the first four bytes of an ObjectId. */
static bson_oid_t
first_oid_of(int64_t ms)
{
    uint32_t seconds = ms > 0 ? (uint32_t)(ms / 1000) : 0;
    bson_oid_t oid = { { 0 } };

    for (int i = 0; i < 4; i++)
        oid.bytes[i] = (uint8_t)(seconds >> (24 - 8 * i));
    return oid;
}

void
mongo_chunk_append_range(bson_t *filter, const struct wd_blob_key *key, int32_t first, int32_t last)
{
    bson_t range;

    wd_blob_file_append_key(filter, "files_id", key);
    bson_append_document_begin(filter, "n", -1, &range);
    bson_append_int32(&range, "$gte", -1, first);
    bson_append_int32(&range, "$lte", -1, last);
    bson_append_document_end(filter, &range);
}

void
mongo_chunk_append_older(bson_t *filter, int64_t before_ms)
{
    bson_oid_t oid = first_oid_of(before_ms);
    bson_t range, since;

    bson_append_document_begin(filter, "_id", -1, &range);
    bson_append_oid(&range, "$lt", -1, &oid);
    bson_append_document_end(filter, &range);
    bson_append_document_begin(filter, "refreshed", -1, &range);
    bson_append_document_begin(&range, "$not", -1, &since);
    bson_append_date_time(&since, "$gte", -1, before_ms);
    bson_append_document_end(&range, &since);
    bson_append_document_end(filter, &range);
}

void
mongo_chunk_append_since(bson_t *filter, int64_t since_ms)
{
    bson_oid_t oid = first_oid_of(since_ms);
    bson_t list, branch, range;

    bson_append_array_begin(filter, "$or", -1, &list);
    bson_append_document_begin(&list, "0", -1, &branch);
    bson_append_document_begin(&branch, "_id", -1, &range);
    bson_append_oid(&range, "$gte", -1, &oid);
    bson_append_document_end(&branch, &range);
    bson_append_document_end(&list, &branch);
    bson_append_document_begin(&list, "1", -1, &branch);
    bson_append_document_begin(&branch, "refreshed", -1, &range);
    bson_append_date_time(&range, "$gte", -1, since_ms);
    bson_append_document_end(&branch, &range);
    bson_append_document_end(&list, &branch);
    bson_append_array_end(filter, &list);
}

int64_t
mongo_chunk_time(const bson_t *chunk)
{
    int64_t time = 0;
    bson_iter_t it;

    if (bson_iter_init_find(&it, chunk, "_id") && BSON_ITER_HOLDS_OID(&it))
        time = (int64_t)(uint32_t)bson_oid_get_time_t(bson_iter_oid(&it)) * 1000;
    if (bson_iter_init_find(&it, chunk, "refreshed") && BSON_ITER_HOLDS_DATE_TIME(&it) &&
        bson_iter_date_time(&it) > time)
        time = bson_iter_date_time(&it);
    return time;
}
