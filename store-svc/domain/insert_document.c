/* store-svc/domain/insert_document.c – the document of a new message (docs/storage.md, messages). */
#include <stdio.h>

#include "common/mail/flags.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/insert_priv.h"
#include "store-svc/domain/retention.h"

static bool
has_flag(const struct wd_insert_step *s, struct wd_str flag)
{
    size_t i;

    for (i = 0; i < s->n_flags; i++)
        if (wd_str_ieq(s->flags[i], flag))
            return true;
    return false;
}

void
wd_insert_flags(struct wd_insert_step *s)
{
    const struct wd_flag_name *name;
    size_t i;

    s->flags = WD_ARENA_ARRAY(s->a, struct wd_str, s->in->n_keywords + 5);
    for (name = wd_flag_names(); name->bit; name++)
        if (s->in->system_flags & name->bit)
            s->flags[s->n_flags++] = name->name;
    for (i = 0; i < s->in->n_keywords; i++)
        if (!has_flag(s, s->in->keywords[i]))
            s->flags[s->n_flags++] = s->in->keywords[i];
}

static void
add_place(const struct wd_insert_step *s, bson_t *doc)
{
    struct wd_retention retention = wd_retention_of(&s->change.mailbox, s->now);

    wd_doc_add_id(doc, "_id", s->out->message);
    wd_doc_add_id(doc, "root", s->out->message);
    bson_append_utf8(doc, "v", -1, "1.0", -1);
    wd_doc_add_bool(doc, "exp", retention.expires);
    bson_append_int64(doc, "rdate", -1, retention.at_ms);
    wd_doc_add_bool(doc, "userDeleted", false);
    wd_doc_add_date(doc, "idate", s->in->idate_ms);
    wd_doc_add_id(doc, "user", s->in->user);
    wd_doc_add_id(doc, "mailbox", s->change.mailbox.id);
    wd_doc_add_id(doc, "thread", s->thread);
    wd_doc_add_int(doc, "uid", s->out->uid);
    wd_doc_add_int(doc, "modseq", (int64_t)s->out->modseq);
    wd_doc_add_int(doc, "magic", s->magic);
    wd_doc_add_bool(doc, "copied", false);
}

/* The flags and their mirrors are written together, always. */
static void
add_flags(const struct wd_insert_step *s, bson_t *doc)
{
    unsigned bits = s->in->system_flags;
    bson_t list;
    char index[24];
    size_t i;

    bson_append_array_begin(doc, "flags", -1, &list);
    for (i = 0; i < s->n_flags; i++) {
        snprintf(index, sizeof index, "%zu", i);
        wd_doc_add_str(&list, index, s->flags[i]);
    }
    bson_append_array_end(doc, &list);
    wd_doc_add_bool(doc, "unseen", !(bits & WD_FLAG_SEEN));
    wd_doc_add_bool(doc, "undeleted", !(bits & WD_FLAG_DELETED));
    wd_doc_add_bool(doc, "flagged", bits & WD_FLAG_FLAGGED);
    wd_doc_add_bool(doc, "draft", bits & WD_FLAG_DRAFT);
    if (!(bits & WD_FLAG_DELETED))
        wd_doc_add_bool(doc, "searchable", true);
    if (wd_str_eq(s->change.mailbox.special_use, WD_STR("\\Junk")))
        wd_doc_add_bool(doc, "junk", true);
}

bson_t *
wd_insert_document(const struct wd_insert_step *s)
{
    bson_t *doc = bson_sized_new(s->in->intake->fields->len + 1024);
    bson_t meta;

    add_place(s, doc);
    add_flags(s, doc);
    bson_append_document_begin(doc, "meta", -1, &meta);
    if (s->in->meta)
        bson_concat(&meta, s->in->meta);
    wd_doc_add_date(&meta, "time", s->now);
    bson_append_document_end(doc, &meta);
    bson_concat(doc, s->in->intake->fields);
    return doc;
}
