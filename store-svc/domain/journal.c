#include "store-svc/domain/journal.h"

#include "common/base/clock.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/schema.h"

enum { ROWS_PER_INSERT = WD_JOURNAL_GROUP };

static const char *const names[] = {
    [WD_JOURNAL_EXISTS] = "EXISTS", [WD_JOURNAL_EXPUNGE] = "EXPUNGE",
    [WD_JOURNAL_FETCH] = "FETCH",   [WD_JOURNAL_CREATE] = "CREATE",
    [WD_JOURNAL_RENAME] = "RENAME", [WD_JOURNAL_DELETE] = "DELETE",
};

const char *
wd_journal_name(enum wd_journal_command command)
{
    return names[command];
}

static void
add_message(bson_t *doc, const struct wd_journal_row *row)
{
    wd_doc_add_int(doc, "uid", row->uid);
    wd_doc_add_id(doc, "message", row->message);
    wd_doc_add_id(doc, "thread", row->thread);
    if (row->command == WD_JOURNAL_FETCH)
        wd_doc_add_bool(doc, "unseenChange", row->unseen_change);
    else
        wd_doc_add_bool(doc, "unseen", row->unseen);
    if (row->command == WD_JOURNAL_EXISTS)
        wd_doc_add_date(doc, "idate", row->idate_ms);
    if (row->junk)
        wd_doc_add_int(doc, "junk", row->junk);
    if (row->command != WD_JOURNAL_EXPUNGE)
        wd_doc_add_list(doc, "flags", row->flags, row->n_flags);
}

static bson_t *
to_bson(const struct wd_journal_row *row, int64_t now)
{
    bson_t *doc = bson_sized_new(256);

    wd_doc_add_id(doc, "_id", wd_id_new());
    bson_append_utf8(doc, "command", 7, names[row->command], -1);
    wd_doc_add_id(doc, "user", row->user);
    wd_doc_add_id(doc, "mailbox", row->mailbox);
    wd_doc_add_int(doc, "modseq", (int64_t)row->modseq);
    wd_doc_add_date(doc, "created", now);
    if (row->ignore.n)
        wd_doc_add_str(doc, "ignore", row->ignore);
    if (row->command <= WD_JOURNAL_FETCH)
        add_message(doc, row);
    if (row->path.n)
        wd_doc_add_str(doc, "path", row->path);
    if (!wd_id_is_zero(row->op))
        wd_doc_add_id(doc, "op", row->op);
    return doc;
}

/* Readers pass over commands that they do not know, and count the MODSEQ as seen. */
static bson_t *
nothing(struct wd_id user, struct wd_id mailbox, uint64_t modseq, int64_t now)
{
    bson_t *doc = bson_sized_new(128);

    wd_doc_add_id(doc, "_id", wd_id_new());
    wd_doc_add_str(doc, "command", WD_JOURNAL_NOTHING);
    wd_doc_add_id(doc, "user", user);
    wd_doc_add_id(doc, "mailbox", mailbox);
    wd_doc_add_int(doc, "modseq", (int64_t)modseq);
    wd_doc_add_date(doc, "created", now);
    return doc;
}

/* The documents are destroyed. */
static bool
insert_made(struct wd_docs *batch, bson_t **made, size_t n, struct wd_error *err)
{
    bool ok = wd_docs_insert_many(batch, WD_JOURNAL, (const bson_t *const *)made, n, err);

    for (size_t i = 0; i < n; i++)
        bson_destroy(made[i]);
    return ok || wd_fail_in(err, "journal");
}

static bool
insert_some(struct wd_docs *batch, const struct wd_journal_row *rows, size_t n,
            struct wd_error *err)
{
    bson_t *made[ROWS_PER_INSERT];
    int64_t now = wd_now_ms();

    for (size_t i = 0; i < n; i++)
        made[i] = to_bson(&rows[i], now);
    return insert_made(batch, made, n, err);
}

bool
wd_journal_fill(struct wd_docs *batch, struct wd_id user, struct wd_id mailbox,
                const struct wd_mark *mark, struct wd_error *err)
{
    bson_t *made[ROWS_PER_INSERT];
    int64_t now = wd_now_ms();
    uint64_t modseq = mark->first_modseq;

    while (modseq <= mark->last_modseq) {
        size_t n = 0;

        for (; n < ROWS_PER_INSERT && modseq <= mark->last_modseq; modseq++)
            made[n++] = nothing(user, mailbox, modseq, now);
        if (modseq > mark->last_modseq)
            wd_doc_add_id(made[n - 1], "op", mark->op);
        if (!insert_made(batch, made, n, err))
            return false;
    }
    return true;
}

bool
wd_journal_add(struct wd_docs *batch, const struct wd_journal_row *rows, size_t n,
               struct wd_error *err)
{
    for (size_t i = 0; i < n; i += ROWS_PER_INSERT) {
        size_t some = n - i < ROWS_PER_INSERT ? n - i : ROWS_PER_INSERT;

        if (!insert_some(batch, rows + i, some, err))
            return false;
    }
    return true;
}

static bool
read_command(const bson_t *doc, enum wd_journal_command *out)
{
    struct wd_str name = wd_doc_str(doc, "command");

    for (size_t i = WD_JOURNAL_EXISTS; i < WD_COUNT(names); i++) {
        if (wd_str_eq(name, wd_str_c(names[i]))) {
            *out = (enum wd_journal_command)i;
            return true;
        }
    }
    return false;
}

bool
wd_journal_read(const bson_t *doc, struct wd_arena *a, struct wd_journal_row *out)
{
    struct wd_doc_list flags = wd_doc_list(doc, "flags", a);

    *out = (struct wd_journal_row){ .flags = flags.p, .n_flags = flags.n };
    if (!read_command(doc, &out->command))
        return false;
    wd_doc_id(doc, "_id", &out->id);
    wd_doc_id(doc, "user", &out->user);
    wd_doc_id(doc, "mailbox", &out->mailbox);
    wd_doc_id(doc, "message", &out->message);
    wd_doc_id(doc, "thread", &out->thread);
    out->modseq = (uint64_t)wd_doc_int(doc, "modseq", 0);
    out->uid = (uint32_t)wd_doc_int(doc, "uid", 0);
    out->unseen = wd_doc_bool(doc, "unseen", false);
    out->unseen_change = wd_doc_bool(doc, "unseenChange", false);
    out->idate_ms = wd_doc_date(doc, "idate", 0);
    out->created_ms = wd_doc_date(doc, "created", 0);
    out->junk = (int)wd_doc_int(doc, "junk", 0);
    out->ignore = wd_arena_str(a, wd_doc_str(doc, "ignore"));
    out->path = wd_arena_str(a, wd_doc_str(doc, "path"));
    return true;
}

static bool
open_walk(struct wd_docs *docs, struct wd_id mailbox, uint64_t after, uint64_t upto,
          struct wd_docs_cursor **out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .sort = &sort, .hint = "mailbox_modseq" };
    bson_t bounds;

    wd_doc_add_id(&filter, "mailbox", mailbox);
    bson_append_document_begin(&filter, "modseq", 6, &bounds);
    wd_doc_add_int(&bounds, "$gt", (int64_t)after);
    wd_doc_add_int(&bounds, "$lte", (int64_t)upto);
    bson_append_document_end(&filter, &bounds);
    wd_doc_add_int(&sort, "modseq", 1);
    return wd_docs_find(docs, WD_JOURNAL, &filter, &query, out, err) ||
           wd_fail_in(err, "read journal");
}

bool
wd_journal_walk(struct wd_docs *docs, struct wd_id mailbox, uint64_t after, uint64_t upto,
                wd_journal_each *each, void *data, bool *whole, struct wd_error *err)
{
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct wd_arena *arena wd_auto(wd_arena_freep) = NULL;
    struct wd_journal_row row;
    const bson_t *doc;

    *whole = after >= upto;
    if (*whole)
        return true;
    arena = wd_arena_new(4096);
    if (!open_walk(docs, mailbox, after, upto, &rows, err))
        return false;
    for (;;) {
        if (!wd_docs_cursor_next(rows, &doc, err))
            return wd_fail_in(err, "read journal");
        if (!doc) {
            *whole = after == upto;
            return true;
        }
        wd_arena_reset(arena);
        if (!wd_journal_read(
                doc, arena,
                &row)) /* a newer writer's row: it is there, but we cannot tell what it says */
            row.modseq = (uint64_t)wd_doc_int(doc, "modseq", 0);
        if (row.modseq > after + 1)
            return true; /* a hole: *whole is false */
        after = row.modseq;
        if (row.command && !each(&row, data)) {
            *whole = true;
            return true;
        }
    }
}
