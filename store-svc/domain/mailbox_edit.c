#include "store-svc/domain/mailbox_edit.h"

#include "common/base/clock.h"
#include "store-svc/domain/change.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox_priv.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

static const int64_t day_ms = 24LL * 60 * 60 * 1000;

void
wd_mailbox_to_bson(const struct wd_mailbox *mailbox, bson_t *out)
{
    bson_t empty = BSON_INITIALIZER;

    bson_init(out);
    wd_doc_add_id(out, "_id", mailbox->id);
    wd_doc_add_id(out, "user", mailbox->user);
    wd_doc_add_str(out, "path", mailbox->path);
    if (mailbox->special_use.n)
        wd_doc_add_str(out, "specialUse", mailbox->special_use);
    wd_doc_add_int(out, "uidValidity", mailbox->uid_validity);
    wd_doc_add_int(out, "uidNext", 1);
    wd_doc_add_int(out, "modifyIndex", 0);
    wd_doc_add_bool(out, "subscribed", mailbox->subscribed);
    bson_append_array(out, "flags", -1, &empty);
    wd_doc_add_int(out, "retention", mailbox->retention_ms);
    if (mailbox->hidden)
        wd_doc_add_bool(out, "hidden", true);
    if (mailbox->encrypt)
        wd_doc_add_bool(out, "encryptMessages", true);
}

/* ---- the outcome, kept and recalled ---- */

/* The outcome of a first call: the mailbox that it was about, as it is now. */
static bool
recall(struct wd_docs *batch, struct wd_arena *a, const struct wd_once *once,
       struct wd_mailbox *out, bool *found, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_mailbox row = { .user = once->user };
    bool there;

    if (!wd_once_find(batch, once, &outcome, found, err))
        return false;
    if (!*found)
        return true;
    if (!wd_doc_id(&outcome, "mailbox", &row.id))
        return wd_fail(err, WD_DATA_LOSS, "a kept request has no mailbox");
    if (!wd_mailbox_by_id(batch, a, once->user, row.id, &row, &there, err))
        return false;
    *out = row;
    return true;
}

static bool
keep(struct wd_docs *batch, const struct wd_once *once, struct wd_id mailbox, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&outcome, "mailbox", mailbox);
    return wd_once_keep(batch, once, &outcome, err);
}

/* ---- create ---- */

static bool
check_room(struct wd_domain *d, struct wd_docs *batch, struct wd_id user, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t have;

    wd_doc_add_id(&filter, "user", user);
    if (!wd_docs_count(batch, WD_MAILBOXES, &filter, &have, err))
        return wd_fail_in(err, "count mailboxes");
    if (have >= d->options.max_mailboxes)
        return wd_fail(err, WD_MAILBOX_LIMIT, "an account has at most %u mailboxes",
                       d->options.max_mailboxes);
    return true;
}

static bool
default_retention(struct wd_domain *d, struct wd_docs *batch, struct wd_id user, int64_t *out,
                  struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!wd_user_doc(d->users == d->docs ? batch : d->users, user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    *out = wd_doc_int(&doc, "retention", 0);
    return true;
}

static bool
insert_row(struct wd_docs *batch, const struct wd_mailbox *row, struct wd_error *err)
{
    bson_t doc;
    bool ok;

    wd_mailbox_to_bson(row, &doc);
    ok = wd_docs_insert(batch, WD_MAILBOXES, &doc, err);
    bson_destroy(&doc);
    if (!ok && err->reason == WD_DUPLICATE)
        return wd_fail(err, WD_MAILBOX_EXISTS, "the mailbox exists already");
    return ok || wd_fail_in(err, "create mailbox");
}

static bool
create_row(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
           const struct wd_mailbox_new *in, const struct wd_once *once, struct wd_mailbox *out,
           struct wd_error *err)
{
    struct wd_mailbox taken;
    int64_t inherited = 0;
    uint32_t floor;
    bool found;

    *out = (struct wd_mailbox){ .id = wd_id_is_zero(out->id) ? wd_id_new() : out->id,
                                .user = in->user,
                                .path = wd_path_normal(a, in->path),
                                .uid_next = 1,
                                .subscribed = true };
    out->hidden = in->hidden;
    out->encrypt = in->encrypt;
    out->retention_ms = in->retention_ms;
    if (!wd_path_check(out->path, err) ||
        !wd_mailbox_by_path(batch, a, in->user, out->path, &taken, &found, err))
        return false;
    if (found)
        return wd_fail(err, WD_MAILBOX_EXISTS, "the mailbox exists already");
    if (!check_room(d, batch, in->user, err) || !wd_validity_floor(batch, in->user, &floor, err))
        return false;
    if (!default_retention(d, batch, in->user, &inherited, err)) /* also: is there such a user? */
        return false;
    if (in->retention_ms < 0)
        out->retention_ms = inherited;
    out->uid_validity = wd_validity_above(floor);
    return keep(batch, once, out->id, err) && insert_row(batch, out, err) &&
           wd_mailbox_journal(batch, WD_JOURNAL_CREATE, out, 0, err);
}

bool
wd_mailbox_create(struct wd_domain *d, struct wd_arena *a, const struct wd_mailbox_new *in,
                  const struct wd_once *once, struct wd_mailbox *out, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_mailbox row = { 0 };
    bool found;

    if (!wd_docs_batch_begin(d->docs, &batch, err) || !recall(batch, a, once, &row, &found, err))
        return false;
    if (found && (row.path.n || wd_docs_is_atomic(batch))) {
        *out = row;
        return true;
    }
    if (!create_row(d, batch, a, in, once, &row, err) || !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    wd_mailbox_tell(d, in->user, (struct wd_id){ { 0 } }, 0);
    *out = row;
    return true;
}

/* ---- delete ---- */

bool
wd_mailbox_expire(struct wd_docs *batch, struct wd_id mailbox, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    wd_doc_add_id(&filter, "mailbox", mailbox);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_bool(&set, "exp", true);
    wd_doc_add_int(&set, "rdate", wd_now_ms() - day_ms);
    bson_append_document_end(&update, &set);
    return wd_docs_update(batch, WD_MESSAGES, &filter, &update, WD_UPDATE_MANY, NULL, err) ||
           wd_fail_in(err, "expire messages");
}

static bool
remove_row(struct wd_docs *batch, const struct wd_mailbox *row, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "_id", row->id);
    wd_doc_add_id(&filter, "user", row->user);
    return wd_docs_remove_one(batch, WD_MAILBOXES, &filter, NULL, err) ||
           wd_fail_in(err, "remove mailbox");
}

/* Row first: from then on nothing is added; a crash after it leaves messages that the clean-up
 * takes for orphans. The outcome is kept before, so that a repeat knows that it has itself removed
 * what it does not find. */
static bool
delete_row(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
           const struct wd_mailbox *row, const struct wd_once *once, uint64_t *modseq,
           struct wd_error *err)
{
    struct wd_change_plan plan = { .kind = WD_CHANGE_NOTE, .user = row->user, .mailbox = row->id };
    struct wd_change change;

    if (wd_path_is_inbox(row->path) || row->special_use.n || row->hidden)
        return wd_fail(err, WD_MAILBOX_REFUSED, "this mailbox cannot be deleted");
    if (!wd_change_begin(d, batch, a, &plan, &change, err))
        return false;
    *modseq = change.first_modseq;
    return keep(batch, once, row->id, err) &&
           wd_validity_raise(batch, row->user, row->uid_validity, err) &&
           remove_row(batch, row, err) && wd_mailbox_expire(batch, row->id, err) &&
           wd_mailbox_journal(batch, WD_JOURNAL_DELETE, row, *modseq, err);
}

/* A first call of this key has begun: what it may have left is done again. */
static bool
finish_delete(struct wd_domain *d, struct wd_docs *batch, struct wd_arena *a,
              const struct wd_mailbox *row, const struct wd_once *once, uint64_t *modseq,
              struct wd_error *err)
{
    if (row->path.n)
        return delete_row(d, batch, a, row, once, modseq, err);
    return wd_mailbox_expire(batch, row->id, err);
}

/* The mailbox with a path, or, where that has no bytes, with an id. */
struct place {
    struct wd_str path;
    struct wd_id id;
};

static bool
find_place(struct wd_docs *batch, struct wd_arena *a, struct wd_id user, const struct place *place,
           struct wd_mailbox *row, struct wd_error *err)
{
    return place->path.p ? wd_mailbox_need_path(batch, a, user, place->path, row, err)
                         : wd_mailbox_need_id(batch, a, user, place->id, row, err);
}

static bool
delete_at(struct wd_domain *d, struct wd_arena *a, struct wd_id user, const struct place *place,
          const struct wd_once *once, struct wd_id *deleted, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_mailbox row = { 0 };
    uint64_t modseq = 0;
    bool found;

    if (!wd_docs_batch_begin(d->docs, &batch, err) || !recall(batch, a, once, &row, &found, err))
        return false;
    if (!found || !wd_docs_is_atomic(batch)) {
        bool ok = found ? finish_delete(d, batch, a, &row, once, &modseq, err)
                        : find_place(batch, a, user, place, &row, err) &&
                              delete_row(d, batch, a, &row, once, &modseq, err);

        if (!ok || !wd_docs_batch_commit(wd_take(batch), err))
            return false;
        wd_mailbox_tell(d, user, row.id, modseq);
    }
    *deleted = row.id;
    return true;
}

bool
wd_mailbox_delete(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                  const struct wd_once *once, struct wd_id *deleted, struct wd_error *err)
{
    struct place place = { .path = path.p ? path : WD_STR("") };

    return delete_at(d, a, user, &place, once, deleted, err);
}

bool
wd_mailbox_delete_id(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                     const struct wd_once *once, struct wd_error *err)
{
    struct place place = { .id = mailbox };
    struct wd_id deleted;

    return delete_at(d, a, user, &place, once, &deleted, err);
}

/* ---- subscribe ---- */

bool
wd_mailbox_subscribe(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_str path,
                     bool subscribed, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;
    struct wd_docs_updated done;

    path = wd_path_normal(a, path);
    if (!subscribed && wd_path_is_inbox(path))
        return wd_fail(err, WD_MAILBOX_REFUSED, "INBOX stays subscribed");
    wd_doc_add_id(&filter, "user", user);
    wd_doc_add_str(&filter, "path", path);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_bool(&set, "subscribed", subscribed);
    bson_append_document_end(&update, &set);
    if (!wd_docs_update(d->docs, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, &done, err))
        return wd_fail_in(err, "subscribe");
    if (done.matched == 0)
        return wd_fail(err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
    return true;
}
