#include "store-svc/domain/maildrop.h"

#include "common/base/vec.h"
#include "store-svc/domain/copy.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/store.h"
#include "store-svc/domain/user.h"

enum { BOUND_TTL_S = 365 * 24 * 60 * 60 };

/* ---- the lower bound of listings: "pxf:<user>" is "<mailbox> <limit> <UID>" ---- */

struct bound {
    char key[8 + WD_ID_HEX], mailbox[WD_ID_HEX + 1];
    uint32_t limit, uid;
};

static void
bound_read(struct wd_domain *d, struct wd_id user, const struct wd_maildrop *drop, struct bound *b)
{
    struct wd_buf value wd_auto(wd_buf_done) = { 0 };
    struct wd_str rest, mailbox, limit;
    struct wd_error ignored; /* without a bound the listing is as for the first time */
    char hex[WD_ID_HEX + 1];
    uint32_t kept_limit, uid;
    bool found = false;

    snprintf(b->key, sizeof b->key, "pxf:%s", wd_id_hex(user, hex));
    wd_id_hex(drop->mailbox, b->mailbox);
    b->uid = 0;
    if (!wd_bus_get(d->bus, wd_str_c(b->key), &value, &found, &ignored) || !found)
        return;
    rest = wd_buf_view(&value);
    if (wd_str_split(&rest, ' ', &mailbox) && wd_str_split(&rest, ' ', &limit) &&
        wd_str_eq(mailbox, wd_str_c(b->mailbox)) && wd_str_u32(limit, UINT32_MAX, &kept_limit) &&
        kept_limit == b->limit && wd_str_u32(rest, UINT32_MAX, &uid))
        b->uid = uid;
}

static void
bound_keep(struct wd_domain *d, const struct bound *b, const struct wd_maildrop *drop)
{
    struct wd_buf value wd_auto(wd_buf_done) = { 0 };
    struct wd_error ignored;

    if (drop->n == 0 || drop->messages[0].uid == b->uid)
        return;
    wd_buf_printf(&value, "%s %u %u", b->mailbox, b->limit, drop->messages[0].uid);
    if (!wd_bus_set(d->bus, wd_str_c(b->key), wd_buf_view(&value), BOUND_TTL_S, &ignored))
        return;
}

/* ---- the listing ---- */

static bool
find_limit(struct wd_domain *d, struct wd_arena *a, struct wd_id user, uint32_t *out, struct wd_error *err)
{
    struct wd_user_ref ref = { .id = user };
    struct wd_user limits;

    if (!wd_user_get(d, a, &ref, &limits, err))
        return false;
    *out = limits.pop3_max_messages < WD_MAILDROP_MAX ? limits.pop3_max_messages : WD_MAILDROP_MAX;
    return true;
}

/* The newest first, because that is what a limit is about. One query is one snapshot. */
static bool
find_newest(struct wd_domain *d, const struct wd_maildrop *drop, const struct bound *b,
            struct wd_docs_cursor **rows, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .projection = &fields, .sort = &sort, .limit = b->limit };

    wd_doc_add_id(&filter, "mailbox", drop->mailbox);
    wd_doc_add_op(&filter, "uid", "$gte", b->uid ? b->uid : 1);
    wd_doc_add_int(&fields, "uid", 1);
    wd_doc_add_int(&fields, "size", 1);
    wd_doc_add_int(&sort, "uid", -1);
    return wd_docs_find(d->docs, WD_MESSAGES, &filter, &query, rows, err) || wd_fail_in(err, "find messages");
}

static bool
read_newest(struct wd_arena *a, struct wd_docs_cursor *rows, struct wd_maildrop *out, struct wd_error *err)
{
    struct WD_VEC(struct wd_maildrop_message) found = { 0 };
    const bson_t *row = NULL;
    bool ok;

    while ((ok = wd_docs_cursor_next(rows, &row, err)) && row) {
        struct wd_maildrop_message m = { .uid = (uint32_t)wd_doc_int(row, "uid", 0),
                                         .size = (uint64_t)wd_doc_int(row, "size", 0) };

        wd_doc_id(row, "_id", &m.id);
        wd_vec_push(&found, m);
    }
    out->messages = WD_ARENA_ARRAY(a, struct wd_maildrop_message, found.n);
    out->n = found.n;
    for (size_t i = 0; i < found.n; i++)
        out->messages[i] = found.p[found.n - 1 - i];
    wd_vec_done(&found);
    return ok || wd_fail_in(err, "read messages");
}

bool
wd_maildrop_open(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_maildrop *out,
                 struct wd_error *err)
{
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct wd_maildrop drop = { 0 };
    struct wd_mailbox inbox;
    struct bound bound;

    if (!find_limit(d, a, user, &bound.limit, err) ||
        !wd_mailbox_need_path(d->docs, a, user, WD_STR("INBOX"), &inbox, err))
        return false;
    drop.mailbox = inbox.id;
    bound_read(d, user, &drop, &bound);
    if (!find_newest(d, &drop, &bound, &rows, err) || !read_newest(a, rows, &drop, err))
        return false;
    bound_keep(d, &bound, &drop);
    *out = drop;
    return true;
}

/* ---- the end of a session ---- */

/* One part of an operation that is repeated as a whole. */
static struct wd_once
step_of(struct wd_arena *a, const struct wd_once *once, const char *what, unsigned page)
{
    struct wd_once step = *once;

    if (once->key.n)
        step.key = wd_arena_printf(a, "%.*s#%s%u", WD_FMT(once->key), what, page);
    return step;
}

static bool
set_seen(struct wd_domain *d, struct wd_arena *a, const struct wd_maildrop_update *in, struct wd_seqset *left,
         const struct wd_once *once, struct wd_error *err)
{
    struct wd_store store = { .user = in->user, .mailbox = in->mailbox, .uids = left, .mode = WD_FLAGS_ADD,
                              .system_flags = WD_FLAG_SEEN };

    for (unsigned page = 0; left->n; page++) {
        struct wd_stored done wd_auto(wd_stored_done) = { 0 };
        struct wd_once step = step_of(a, once, "seen", page);

        if (!wd_message_store(d, a, &store, &step, &done, err))
            return false;
        if (!done.continue_from)
            return true;
        wd_seqset_remove(left, 1, done.continue_from - 1);
    }
    return true;
}

static bool
move_to_trash(struct wd_domain *d, struct wd_arena *a, const struct wd_maildrop_update *in,
              const struct wd_mailbox *trash, const struct wd_once *once, uint32_t *removed, struct wd_error *err)
{
    struct wd_copied moved wd_auto(wd_copied_done) = { 0 };
    struct wd_copy copy = { .user = in->user, .mailbox = in->mailbox, .uids = in->remove, .target_path = trash->path };
    struct wd_once step = step_of(a, once, "move", 0);

    if (!wd_message_move(d, a, &copy, &step, &moved, err))
        return false;
    *removed = wd_seqset_count(&moved.source);
    return true;
}

bool
wd_maildrop_update(struct wd_domain *d, struct wd_arena *a, const struct wd_maildrop_update *in,
                   const struct wd_once *once, uint32_t *removed, struct wd_error *err)
{
    struct wd_seqset seen wd_auto(wd_seqset_done) = { 0 };
    bool removing = in->remove->n > 0, has_trash = false;
    struct wd_mailbox trash;

    *removed = 0;
    if (removing &&
        !wd_mailbox_by_special_use(d->docs, a, in->user, WD_STR("\\Trash"), &trash, &has_trash, err))
        return false;
    wd_seqset_copy(&seen, in->seen);
    if (has_trash)
        wd_seqset_or(&seen, in->remove);
    if (!set_seen(d, a, in, &seen, once, err))
        return false;
    if (removing && !has_trash)
        return wd_fail(err, WD_MAILBOX_NOT_FOUND, "there is no mailbox for removed messages");
    return !removing || move_to_trash(d, a, in, &trash, once, removed, err);
}
