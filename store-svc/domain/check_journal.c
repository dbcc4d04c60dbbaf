/* store-svc/domain/check_journal.c – each EXISTS row has its message, or an EXPUNGE row after it. */
#include "store-svc/domain/check_priv.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox.h"

static bool
has(struct wd_docs *docs, const char *coll, const bson_t *filter, bool *there, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields };

    wd_doc_add_int(&fields, "uid", 1);
    return wd_docs_find_one(docs, coll, filter, &query, &doc, there, err);
}

static bool
has_message(struct wd_check *c, const struct wd_journal_row *row, bool *there, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "mailbox", row->mailbox);
    wd_doc_add_int(&filter, "uid", row->uid);
    return has(c->d->docs, WD_MESSAGES, &filter, there, err);
}

static bool
has_expunge(struct wd_check *c, const struct wd_journal_row *row, bool *there, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "mailbox", row->mailbox);
    wd_doc_add_op(&filter, "modseq", "$gt", (int64_t)row->modseq);
    bson_append_utf8(&filter, "command", -1, wd_journal_name(WD_JOURNAL_EXPUNGE), -1);
    wd_doc_add_int(&filter, "uid", row->uid);
    return has(c->d->docs, WD_JOURNAL, &filter, there, err);
}

static bool
each_row(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_mailbox mailbox;
    struct wd_journal_row row;
    char hex[WD_ID_HEX + 1];
    bool there;

    (void)data;
    if (!wd_journal_read(doc, a, &row))
        return true;
    if (!has_message(c, &row, &there, err) || (!there && !has_expunge(c, &row, &there, err)))
        return false;
    if (there)
        return true;
    if (!wd_mailbox_by_id(c->d->docs, a, row.user, row.mailbox, &mailbox, &there, err))
        return false;
    /* A deleted mailbox takes its messages along; a change under way may be half-way. */
    if (there && mailbox.n_marks == 0)
        wd_check_found(c, "mailbox %s: the journal has UID %u at MODSEQ %llu, the message is not there",
                       wd_id_hex(row.mailbox, hex), row.uid, (unsigned long long)row.modseq);
    return true;
}

bool
wd_check_journal(struct wd_check *c, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    bson_append_utf8(&filter, "command", -1, wd_journal_name(WD_JOURNAL_EXISTS), -1);
    return wd_check_walk(c, c->d->docs, WD_JOURNAL, &filter, NULL, each_row, NULL, err);
}
