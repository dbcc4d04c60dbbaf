#include "store-svc/domain/mailbox_list.h"

#include "common/base/vec.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/schema.h"

static int
by_path(const void *a, const void *b)
{
    return wd_path_compare(((const struct wd_mailbox *)a)->path, ((const struct wd_mailbox *)b)->path);
}

bool
wd_mailbox_all(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_mailbox **out, size_t *n,
               struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct WD_VEC(struct wd_mailbox) all = { 0 };
    const bson_t *row;
    bool ok;

    wd_doc_add_id(&filter, "user", user);
    if (!wd_docs_find(docs, WD_MAILBOXES, &filter, NULL, &rows, err))
        return wd_fail_in(err, "list mailboxes");
    while ((ok = wd_docs_cursor_next(rows, &row, err)) && row) {
        struct wd_mailbox one;

        wd_mailbox_read(row, a, &one);
        wd_vec_push(&all, one);
    }
    if (ok) {
        *out = WD_ARENA_ARRAY(a, struct wd_mailbox, all.n);
        *n = all.n;
        if (all.n) {
            memcpy(*out, all.p, all.n * sizeof **out);
            qsort(*out, all.n, sizeof **out, by_path);
        }
    }
    wd_vec_done(&all);
    return ok || wd_fail_in(err, "list mailboxes");
}

bool
wd_mailbox_list(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, const struct wd_mailbox_listing *what,
                struct wd_mailbox **out, size_t *n, bool *more, struct wd_error *err)
{
    struct wd_mailbox *all;
    size_t total, kept = 0;

    if (!wd_mailbox_all(docs, a, user, &all, &total, err))
        return false;
    *more = false;
    for (size_t i = 0; i < total; i++) {
        if ((what->subscribed_only && !all[i].subscribed) || (all[i].hidden && !what->show_hidden))
            continue;
        if (what->after.n && wd_path_compare(all[i].path, what->after) <= 0)
            continue;
        if (kept == what->limit) {
            *more = true;
            break;
        }
        all[kept++] = all[i];
    }
    *out = all;
    *n = kept;
    return true;
}
