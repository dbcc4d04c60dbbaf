#include "store-svc/domain/message_docs.h"

#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/schema.h"

void
wd_message_docs_done(struct wd_message_docs *docs)
{
    for (size_t i = 0; i < docs->all.n; i++)
        bson_destroy(docs->all.p[i]);
    wd_vec_done(&docs->all);
}

static bool
start(struct wd_docs *docs, struct wd_id mailbox, const struct wd_message *heads, size_t n,
      const bson_t *fields, struct wd_docs_cursor **out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = fields, .sort = &sort };
    uint32_t uids[WD_DOCS_AT_ONCE];

    for (size_t i = 0; i < n; i++)
        uids[i] = heads[i].uid;
    wd_doc_add_id(&filter, "mailbox", mailbox);
    wd_doc_add_numbers(&filter, "uid", "$in", uids, n);
    wd_doc_add_int(&sort, "uid", 1);
    return wd_docs_find(docs, WD_MESSAGES, &filter, &query, out, err) ||
           wd_fail_in(err, "find messages");
}

bool
wd_message_docs_read(struct wd_docs *docs, struct wd_id mailbox, const struct wd_message *heads,
                     size_t n, const bson_t *fields, struct wd_message_docs *out,
                     struct wd_error *err)
{
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *row;
    size_t bytes = 0;

    wd_message_docs_done(out);
    if (n > WD_DOCS_AT_ONCE)
        n = WD_DOCS_AT_ONCE;
    if (n && !start(docs, mailbox, heads, n, fields, &rows, err))
        return false;
    while (out->all.n < n && bytes < WD_DOCS_BYTES) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "read messages");
        if (!row || wd_doc_int(row, "uid", 0) != (int64_t)heads[out->all.n].uid)
            return wd_fail(err, WD_CONFLICT, "a message went away meanwhile");
        wd_vec_push(&out->all, bson_copy(row));
        bytes += row->len;
    }
    return true;
}
