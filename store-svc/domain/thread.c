#include "store-svc/domain/thread.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

static void
add_ids(bson_t *to, const char *field, const struct wd_thread_key *key, struct wd_str more)
{
    bson_t ids;
    char index[24];
    size_t i;

    bson_append_array_begin(to, field, -1, &ids);
    for (i = 0; i < key->n; i++) {
        snprintf(index, sizeof index, "%zu", i);
        wd_doc_add_str(&ids, index, key->ids[i]);
    }
    if (more.p) {
        snprintf(index, sizeof index, "%zu", i);
        wd_doc_add_str(&ids, index, more);
    }
    bson_append_array_end(to, &ids);
}

static void
build_join(struct wd_id user, const struct wd_thread_key *key, struct wd_id fresh, bson_t *filter, bson_t *update)
{
    bson_t outer, inner;

    wd_doc_add_id(filter, "user", user);
    bson_append_document_begin(filter, "ids", -1, &inner);
    add_ids(&inner, "$in", key, WD_STR("")); /* never an id; of one value alone an upsert would make an equality */
    bson_append_document_end(filter, &inner);
    wd_doc_add_str(filter, "subject", key->subject);

    bson_append_document_begin(update, "$addToSet", -1, &outer);
    bson_append_document_begin(&outer, "ids", -1, &inner);
    add_ids(&inner, "$each", key, WD_NONE);
    bson_append_document_end(&outer, &inner);
    bson_append_document_end(update, &outer);
    bson_append_document_begin(update, "$set", -1, &outer);
    wd_doc_add_date(&outer, "updated", wd_now_ms());
    bson_append_document_end(update, &outer);
    bson_append_document_begin(update, "$setOnInsert", -1, &outer);
    wd_doc_add_id(&outer, "_id", fresh);
    bson_append_document_end(update, &outer);
}

bool
wd_thread_join(struct wd_docs *batch, struct wd_id user, const struct wd_thread_key *key, struct wd_id *thread,
               struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    *thread = wd_id_new();
    if (key->n == 0)
        return true;
    build_join(user, key, *thread, &filter, &update);
    if (!wd_docs_find_and_update(batch, WD_THREADS, &filter, &update, WD_UPDATE_UPSERT | WD_UPDATE_RETURN_NEW, NULL,
                                 &row, &found, err))
        return wd_fail_in(err, "join thread");
    return (found && wd_doc_id(&row, "_id", thread)) || wd_fail(err, WD_DATA_LOSS, "a thread without an id");
}
