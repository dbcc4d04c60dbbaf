/* The pipeline that hands out numbers and leaves a mark, in one statement of the database. */
#include "common/base/clock.h"
#include "store-svc/domain/change_priv.h"
#include "store-svc/domain/doc_set.h"

/* {$ifNull: ["$field", fallback]} */
static void
add_value(bson_t *to, const char *name, const char *field, int64_t fallback)
{
    bson_t expression, list;

    bson_append_document_begin(to, name, -1, &expression);
    bson_append_array_begin(&expression, "$ifNull", -1, &list);
    bson_append_utf8(&list, "0", 1, field, -1);
    wd_doc_add_int(&list, "1", fallback);
    bson_append_array_end(&expression, &list);
    bson_append_document_end(to, &expression);
}

/* {$add: [the value, n]} */
static void
add_sum(bson_t *to, const char *name, const char *field, int64_t fallback, int64_t n)
{
    bson_t expression, list;

    bson_append_document_begin(to, name, -1, &expression);
    bson_append_array_begin(&expression, "$add", -1, &list);
    add_value(&list, "0", field, fallback);
    wd_doc_add_int(&list, "1", n);
    bson_append_array_end(&expression, &list);
    bson_append_document_end(to, &expression);
}

/* The marks that are there, without those of changes that are known to be settled. */
static void
add_present(bson_t *to, const char *name, const struct wd_id *known, size_t n)
{
    bson_t none wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t filter, inner, input, cond, no, in, ops, list;
    char key[24];

    bson_append_document_begin(to, name, -1, &filter);
    bson_append_document_begin(&filter, "$filter", -1, &inner);
    bson_append_document_begin(&inner, "input", -1, &input);
    bson_append_array_begin(&input, "$ifNull", -1, &in);
    bson_append_utf8(&in, "0", 1, "$pending", -1);
    bson_append_array(&in, "1", 1, &none);
    bson_append_array_end(&input, &in);
    bson_append_document_end(&inner, &input);
    bson_append_utf8(&inner, "as", -1, "mark", -1);
    bson_append_document_begin(&inner, "cond", -1, &cond);
    bson_append_array_begin(&cond, "$not", -1, &no);
    bson_append_document_begin(&no, "0", 1, &in);
    bson_append_array_begin(&in, "$in", -1, &ops);
    bson_append_utf8(&ops, "0", 1, "$$mark.op", -1);
    bson_append_array_begin(&ops, "1", 1, &list);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_id(&list, key, known[i]);
    }
    bson_append_array_end(&ops, &list);
    bson_append_array_end(&in, &ops);
    bson_append_document_end(&no, &in);
    bson_append_array_end(&cond, &no);
    bson_append_document_end(&inner, &cond);
    bson_append_document_end(&filter, &inner);
    bson_append_document_end(to, &filter);
}

static void
add_mark(bson_t *to, const char *name, const struct wd_change_plan *plan, struct wd_id op)
{
    bson_t list, mark;

    bson_append_array_begin(to, name, -1, &list);
    bson_append_document_begin(&list, "0", 1, &mark);
    wd_doc_add_id(&mark, "op", op);
    wd_doc_add_int(&mark, "kind", plan->kind);
    wd_doc_add_bool(&mark, "x", wd_mark_is_exclusive(plan->kind));
    wd_doc_add_date(&mark, "at", wd_now_ms());
    add_value(&mark, "uid", "$uidNext", 1);
    wd_doc_add_int(&mark, "count", plan->count);
    add_sum(&mark, "modseq", "$modifyIndex", 0, 1);
    wd_doc_add_int(&mark, "modseqs", plan->count ? plan->count : 1);
    if (!wd_id_is_zero(plan->other))
        wd_doc_add_id(&mark, "other", plan->other);
    if (!wd_id_is_zero(plan->peer))
        wd_doc_add_id(&mark, "peer", plan->peer);
    if (plan->uids)
        wd_doc_add_set(&mark, "uids", plan->uids);
    if (plan->once && plan->once->key.n) {
        uint8_t request[WD_ONCE_ID];

        wd_once_id(plan->once, request);
        wd_doc_add_bytes(&mark, "request", request, sizeof request);
    }
    bson_append_document_end(&list, &mark);
    bson_append_array_end(to, &list);
}

void
wd_mark_update(const struct wd_change_plan *plan, struct wd_id op, const struct wd_id *known,
               size_t n_known, bson_t *update)
{
    bson_t stage, set, pending, both;

    bson_append_document_begin(update, "0", 1, &stage);
    bson_append_document_begin(&stage, "$set", -1, &set);
    bson_append_document_begin(&set, "pending", -1, &pending);
    bson_append_array_begin(&pending, "$concatArrays", -1, &both);
    add_present(&both, "0", known, n_known);
    add_mark(&both, "1", plan, op);
    bson_append_array_end(&pending, &both);
    bson_append_document_end(&set, &pending);
    if (plan->count)
        add_sum(&set, "uidNext", "$uidNext", 1, plan->count);
    add_sum(&set, "modifyIndex", "$modifyIndex", 0, plan->count ? plan->count : 1);
    bson_append_document_end(&stage, &set);
    bson_append_document_end(update, &stage);
}
