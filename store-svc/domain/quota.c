#include "store-svc/domain/quota.h"

#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

static bool
add(struct wd_docs *batch, struct wd_id user, int64_t bytes, bool *there, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_updated done;

    wd_doc_add_id(&filter, "_id", user);
    wd_doc_add_op(&update, "$inc", "storageUsed", bytes);
    if (!wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, &done, err))
        return wd_fail_in(err, "count storage");
    *there = done.matched > 0;
    return true;
}

bool
wd_quota_charge(struct wd_docs *batch, struct wd_id user, uint64_t bytes, struct wd_error *err)
{
    bool there;

    if (!add(batch, user, (int64_t)bytes, &there, err))
        return false;
    return there || wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
}

static bool
refuse(const struct wd_domain *d, struct wd_docs *batch, struct wd_id user, struct wd_error *err)
{
    struct wd_quota quota;

    if (!wd_quota_read(d, batch, user, &quota, err))
        return false;
    return wd_fail(err, WD_OVER_QUOTA, "The mailbox is full: %llu of %llu bytes are used",
                   (unsigned long long)quota.used, (unsigned long long)quota.limit);
}

bool
wd_quota_charge_within(const struct wd_domain *d, struct wd_docs *batch, struct wd_id user,
                       uint64_t bytes, const struct wd_quota_room *room, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_quota quota = { .limit = room->limit };
    struct wd_docs_updated done;
    bson_t used;

    if (!quota.limit && !wd_quota_read(d, batch, user, &quota, err))
        return false;
    wd_doc_add_id(&filter, "_id", user);
    bson_append_document_begin(&filter, "storageUsed", -1,
                               &used); /* $not: a row may lack the counter */
    wd_doc_add_op(&used, "$not", room->may_be_full ? "$gt" : "$gte",
                  quota.limit > INT64_MAX ? INT64_MAX : (int64_t)quota.limit);
    bson_append_document_end(&filter, &used);
    wd_doc_add_op(&update, "$inc", "storageUsed", (int64_t)bytes);
    if (!wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, &done, err))
        return wd_fail_in(err, "count storage");
    return done.matched > 0 || refuse(d, batch, user, err);
}

bool
wd_quota_release(struct wd_docs *batch, struct wd_id user, uint64_t bytes, struct wd_error *err)
{
    bool there;

    return add(batch, user, -(int64_t)bytes, &there, err);
}

static uint64_t
shown(int64_t counter)
{
    return counter > 0 ? (uint64_t)counter : 0;
}

bool
wd_quota_read(const struct wd_domain *d, struct wd_docs *docs, struct wd_id user,
              struct wd_quota *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields };
    int64_t own;
    bool found;

    wd_doc_add_id(&filter, "_id", user);
    wd_doc_add_int(&fields, "quota", 1);
    wd_doc_add_int(&fields, "storageUsed", 1);
    if (!wd_docs_find_one(docs, WD_USERS, &filter, &query, &doc, &found, err))
        return wd_fail_in(err, "read quota");
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    own = wd_doc_int(&doc, "quota", 0);
    out->used = shown(wd_doc_int(&doc, "storageUsed", 0));
    out->limit = own > 0 ? (uint64_t)own : d->options.max_storage_bytes;
    return true;
}

static bool
sum_messages(struct wd_docs *batch, struct wd_id user, int64_t *sum, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *row;

    wd_doc_add_id(&filter, "user", user);
    wd_doc_add_int(&fields, "size", 1);
    if (!wd_docs_find(batch, WD_MESSAGES, &filter, &query, &rows, err))
        return false;
    *sum = 0;
    for (;;) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return false;
        if (!row)
            return true;
        *sum += wd_doc_int(row, "size", 0);
    }
}

bool
wd_quota_reset(struct wd_domain *d, struct wd_id user, uint64_t *previous, uint64_t *now,
               struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t before wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t sum;
    bool found;

    if (!wd_docs_batch_begin(d->docs, &batch, err) || !sum_messages(batch, user, &sum, err))
        return wd_fail_in(err, "sum messages");
    wd_doc_add_id(&filter, "_id", user);
    wd_doc_add_op(&update, "$set", "storageUsed", sum);
    if (!wd_docs_find_and_update(batch, WD_USERS, &filter, &update, 0, NULL, &before, &found, err))
        return wd_fail_in(err, "reset quota");
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    if (!wd_docs_batch_commit(wd_take(batch), err))
        return wd_fail_in(err, "reset quota");
    *previous = shown(wd_doc_int(&before, "storageUsed", 0));
    *now = shown(sum);
    return true;
}
