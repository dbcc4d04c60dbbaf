#include "store-svc/domain/message.h"

#include "common/base/vec.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/schema.h"

void
wd_message_fields(bson_t *projection)
{
    static const char *const fields[] = { "root",  "thread", "uid",    "magic", "modseq",
                                          "idate", "size",   "copied", "junk",  "flags" };

    for (size_t i = 0; i < WD_COUNT(fields); i++)
        wd_doc_add_int(projection, fields[i], 1);
}

void
wd_message_read(const bson_t *doc, struct wd_arena *a, struct wd_message *out)
{
    struct wd_doc_list flags = wd_doc_list(doc, "flags", a);

    *out = (struct wd_message){ .flags = flags.p, .n_flags = flags.n };
    wd_doc_id(doc, "_id", &out->id);
    wd_doc_id(doc, "root", &out->root);
    wd_doc_id(doc, "thread", &out->thread);
    out->uid = (uint32_t)wd_doc_int(doc, "uid", 0);
    out->magic = (uint32_t)wd_doc_int(doc, "magic", 0);
    out->modseq = (uint64_t)wd_doc_int(doc, "modseq", 0);
    out->size = (uint64_t)wd_doc_int(doc, "size", 0);
    out->idate_ms = wd_doc_date(doc, "idate", 0);
    out->copied = wd_doc_bool(doc, "copied", false);
    out->junk = wd_doc_bool(doc, "junk", false);
    for (size_t i = 0; i < flags.n; i++)
        out->system_flags |= wd_flag_bit(flags.p[i]);
}

bool
wd_message_has(const struct wd_message *m, enum wd_flag flag)
{
    return (m->system_flags & flag) != 0;
}

/* ---- walking ---- */

static bool
walk_part(struct wd_docs *docs, const bson_t *filter, const struct wd_message_walk *what,
          wd_message_each *each, void *data, bool *stop, struct wd_error *err)
{
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = what->fields, .sort = &sort };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *row;

    wd_doc_add_int(&sort, "uid", 1);
    if (!wd_docs_find(docs, WD_MESSAGES, filter, &query, &rows, err))
        return wd_fail_in(err, "find messages");
    while (!*stop) {
        uint32_t uid;

        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "read messages");
        if (!row)
            return true;
        uid = (uint32_t)wd_doc_int(row, "uid", 0);
        if ((!what->uids || wd_seqset_has(what->uids, uid)) && !each(row, uid, stop, data, err))
            return false;
    }
    return true;
}

bool
wd_message_walk(struct wd_docs *docs, const struct wd_message_walk *what, wd_message_each *each,
                void *data, struct wd_error *err)
{
    uint32_t from = what->from ? what->from : 1;
    bool stop = false;

    do {
        bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
        uint32_t next = 0;

        wd_doc_add_id(&filter, "mailbox", what->mailbox);
        if (!what->uids)
            wd_doc_add_op(&filter, "uid", "$gte", from);
        else if (!wd_uids_condition(what->uids, from, &filter, &next))
            return true;
        if (what->only)
            bson_concat(&filter, what->only);
        if (!walk_part(docs, &filter, what, each, data, &stop, err))
            return false;
        from = next;
    } while (from && !stop);
    return true;
}

struct heads {
    struct wd_arena *arena;
    struct WD_VEC(struct wd_message) found;
    size_t limit;
    uint32_t next;
};

static bool
add_head(const bson_t *doc, uint32_t uid, bool *stop, void *data, struct wd_error *err)
{
    struct heads *h = data;
    struct wd_message m;

    (void)err;
    if (h->found.n == h->limit) {
        h->next = uid;
        *stop = true;
        return true;
    }
    wd_message_read(doc, h->arena, &m);
    wd_vec_push(&h->found, m);
    return true;
}

bool
wd_message_heads(struct wd_docs *docs, struct wd_arena *a, const struct wd_message_walk *what,
                 size_t limit, struct wd_message **out, size_t *n, uint32_t *next,
                 struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_walk walk = *what;
    struct heads h = { .arena = a, .limit = limit };
    bool ok;

    wd_message_fields(&fields);
    walk.fields = &fields;
    ok = wd_message_walk(docs, &walk, add_head, &h, err);
    if (ok) {
        *out = WD_ARENA_ARRAY(a, struct wd_message, h.found.n);
        if (h.found.n)
            memcpy(*out, h.found.p, h.found.n * sizeof **out);
        *n = h.found.n;
        *next = h.next;
    }
    wd_vec_done(&h.found);
    return ok;
}

bool
wd_message_remove_rows(struct wd_docs *docs, struct wd_id mailbox, const struct wd_message *heads,
                       size_t n, const bson_t *only, int64_t *removed, struct wd_error *err)
{
    enum { AT_ONCE = 1000 };
    uint32_t uids[AT_ONCE];
    int64_t sum = 0;

    for (size_t i = 0, some; i < n; i += some) {
        bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
        int64_t gone;

        some = n - i < AT_ONCE ? n - i : AT_ONCE;
        for (size_t k = 0; k < some; k++)
            uids[k] = heads[i + k].uid;
        wd_doc_add_id(&filter, "mailbox", mailbox);
        wd_doc_add_numbers(&filter, "uid", "$in", uids, some);
        if (only)
            bson_concat(&filter, only);
        if (!wd_docs_remove_many(docs, WD_MESSAGES, &filter, &gone, err))
            return wd_fail_in(err, "remove messages");
        sum += gone;
    }
    if (removed)
        *removed = sum;
    return true;
}

bool
wd_message_doc(struct wd_docs *docs, struct wd_id mailbox, uint32_t uid, const bson_t *fields,
               bson_t *out, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = fields };

    wd_doc_add_id(&filter, "mailbox", mailbox);
    wd_doc_add_int(&filter, "uid", uid);
    return wd_docs_find_one(docs, WD_MESSAGES, &filter, &query, out, found, err) ||
           wd_fail_in(err, "find message");
}
