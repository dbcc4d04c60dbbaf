#include "store-svc/domain/mailbox.h"

#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/schema.h"

void
wd_mailbox_read(const bson_t *row, struct wd_arena *a, struct wd_mailbox *out)
{
    struct wd_doc_list flags = wd_doc_list(row, "flags", a);

    *out = (struct wd_mailbox){ .flags = flags.p, .n_flags = flags.n };
    wd_doc_id(row, "_id", &out->id);
    wd_doc_id(row, "user", &out->user);
    out->path = wd_arena_str(a, wd_doc_str(row, "path"));
    out->special_use = wd_arena_str(a, wd_doc_str(row, "specialUse"));
    out->uid_validity = (uint32_t)wd_doc_int(row, "uidValidity", 1);
    out->uid_next = (uint32_t)wd_doc_int(row, "uidNext", 1);
    out->modify_index = (uint64_t)wd_doc_int(row, "modifyIndex", 0);
    out->subscribed = wd_doc_bool(row, "subscribed", false);
    out->hidden = wd_doc_bool(row, "hidden", false);
    out->encrypt = wd_doc_bool(row, "encryptMessages", false);
    out->retention_ms = wd_doc_int(row, "retention", 0);
    wd_marks_read(row, a, &out->marks, &out->n_marks);
}

/* Finds one row of the user by one more condition, which the filter has already. */
static bool
find_one(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, bson_t *filter, struct wd_mailbox *out,
         bool *found, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(filter, "user", user);
    if (!wd_docs_find_one(docs, WD_MAILBOXES, filter, NULL, &row, found, err))
        return wd_fail_in(err, "find mailbox");
    if (*found)
        wd_mailbox_read(&row, a, out);
    return true;
}

bool
wd_mailbox_by_path(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str path,
                   struct wd_mailbox *out, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_str(&filter, "path", wd_path_normal(a, path));
    return find_one(docs, a, user, &filter, out, found, err);
}

bool
wd_mailbox_by_id(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                 struct wd_mailbox *out, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "_id", mailbox);
    return find_one(docs, a, user, &filter, out, found, err);
}

bool
wd_mailbox_by_special_use(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str special_use,
                          struct wd_mailbox *out, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_str(&filter, "specialUse", special_use);
    return find_one(docs, a, user, &filter, out, found, err);
}

bool
wd_mailbox_need_path(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str path,
                     struct wd_mailbox *out, struct wd_error *err)
{
    bool found;

    if (!wd_mailbox_by_path(docs, a, user, path, out, &found, err))
        return false;
    return found || wd_fail(err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
}

bool
wd_mailbox_need_id(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                   struct wd_mailbox *out, struct wd_error *err)
{
    bool found;

    if (!wd_mailbox_by_id(docs, a, user, mailbox, out, &found, err))
        return false;
    return found || wd_fail(err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
}

static bool
listed(const struct wd_mailbox *mailbox, struct wd_str keyword)
{
    for (size_t i = 0; i < mailbox->n_flags; i++)
        if (wd_str_ieq(mailbox->flags[i], keyword))
            return true;
    return false;
}

bool
wd_mailbox_note_flags(struct wd_docs *batch, const struct wd_mailbox *mailbox, const struct wd_str *keywords, size_t n,
                      struct wd_error *err)
{
    enum { SYSTEM_FLAGS = 5 };
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_str added[WD_MAILBOX_FLAGS];
    bson_t add, field;
    size_t n_added = 0;

    for (size_t i = 0; i < n && mailbox->n_flags + n_added + SYSTEM_FLAGS < WD_MAILBOX_FLAGS; i++)
        if (!listed(mailbox, keywords[i]))
            added[n_added++] = keywords[i];
    if (n_added == 0)
        return true;
    bson_append_document_begin(&update, "$addToSet", -1, &add);
    bson_append_document_begin(&add, "flags", -1, &field);
    wd_doc_add_list(&field, "$each", added, n_added);
    bson_append_document_end(&add, &field);
    bson_append_document_end(&update, &add);
    wd_doc_add_id(&filter, "_id", mailbox->id);
    wd_doc_add_id(&filter, "user", mailbox->user);
    return wd_docs_update(batch, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, NULL, err) ||
           wd_fail_in(err, "note keywords");
}
