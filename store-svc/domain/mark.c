#include "store-svc/domain/mark.h"

#include "common/base/clock.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

static void
read_one(const bson_t *doc, struct wd_arena *a, struct wd_mark *out)
{
    uint64_t n;

    *out = (struct wd_mark){ .kind = (enum wd_change_kind)wd_doc_int(doc, "kind", WD_CHANGE_NOTE) };
    wd_doc_id(doc, "op", &out->op);
    wd_doc_id(doc, "other", &out->other);
    wd_doc_id(doc, "peer", &out->peer);
    out->at_ms = wd_doc_date(doc, "at", 0);
    out->first_uid = (uint32_t)wd_doc_int(doc, "uid", 0);
    out->count = (uint32_t)wd_doc_int(doc, "count", 0);
    n = (uint64_t)wd_doc_int(doc, "modseqs", 1);
    out->first_modseq = (uint64_t)wd_doc_int(doc, "modseq", 0);
    out->last_modseq = out->first_modseq + n - 1;
    out->uids = wd_arena_str(a, wd_doc_str(doc, "uids"));
    out->request = wd_arena_str(a, wd_doc_str(doc, "request"));
}

void
wd_marks_read(const bson_t *row, struct wd_arena *a, struct wd_mark **out, size_t *n)
{
    bson_t list, doc;
    bson_iter_t at;

    *out = NULL;
    *n = 0;
    if (!wd_doc_sub(row, "pending", &list) || bson_empty(&list))
        return;
    *out = WD_ARENA_ARRAY(a, struct wd_mark, bson_count_keys(&list));
    for (bson_iter_init(&at, &list); bson_iter_next(&at);) {
        const uint8_t *data;
        uint32_t length;

        if (!BSON_ITER_HOLDS_DOCUMENT(&at))
            continue;
        bson_iter_document(&at, &length, &data);
        if (bson_init_static(&doc, data, length))
            read_one(&doc, a, &(*out)[(*n)++]);
    }
}

bool
wd_mark_is_exclusive(enum wd_change_kind kind)
{
    return kind == WD_CHANGE_LEAVE || kind == WD_CHANGE_FLAGS;
}

/* Clocks of replicas may differ by some seconds: a lease that is ended too early costs its owner
 * the change, which then fails and is tried again, and never more, because the owner asks for its
 * mark before the last step. */
bool
wd_mark_expired(const struct wd_mark *mark)
{
    return mark->at_ms + WD_MARK_LEASE_MS < wd_now_ms();
}

/* ---- which of them are settled ---- */

static void
build_query(struct wd_id mailbox, const struct wd_mark *marks, size_t n, bson_t *filter)
{
    bson_t field, list;
    char key[24];

    wd_doc_add_id(filter, "mailbox", mailbox);
    bson_append_document_begin(filter, "modseq", -1, &field);
    bson_append_array_begin(&field, "$in", -1, &list);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_int(&list, key, (int64_t)marks[i].last_modseq);
    }
    bson_append_array_end(&field, &list);
    bson_append_document_end(filter, &field);
    bson_append_document_begin(filter, "op", -1, &field);
    bson_append_bool(&field, "$exists", -1, true);
    bson_append_document_end(filter, &field);
}

static void
drop(struct wd_mark *marks, size_t *n, struct wd_id op)
{
    for (size_t i = 0; i < *n; i++)
        if (wd_id_eq(marks[i].op, op))
            marks[i--] = marks[--*n];
}

bool
wd_marks_open(struct wd_docs *docs, struct wd_id mailbox, struct wd_mark *marks, size_t *n,
              struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *row;
    struct wd_id op;

    if (*n == 0)
        return true;
    build_query(mailbox, marks, *n, &filter);
    wd_doc_add_int(&fields, "op", 1);
    if (!wd_docs_find(docs, WD_JOURNAL, &filter, &query, &rows, err))
        return wd_fail_in(err, "look for settled changes");
    for (;;) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "look for settled changes");
        if (!row)
            return true;
        if (wd_doc_id(row, "op", &op))
            drop(marks, n, op);
    }
}

bool
wd_mark_state(struct wd_docs *docs, struct wd_id mailbox, const struct wd_mark *mark, enum wd_mark_state *out,
              struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    wd_doc_add_id(&filter, "mailbox", mailbox);
    wd_doc_add_int(&filter, "modseq", (int64_t)mark->last_modseq);
    wd_doc_add_id(&filter, "op", mark->op);
    if (!wd_docs_find_one(docs, WD_JOURNAL, &filter, NULL, &row, &found, err))
        return wd_fail_in(err, "look for a settled change");
    *out = WD_MARK_OPEN;
    if (found)
        *out = wd_str_eq(wd_doc_str(&row, "command"), WD_JOURNAL_NOTHING) ? WD_MARK_VOID : WD_MARK_SETTLED;
    return true;
}
