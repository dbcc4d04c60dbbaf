#include "store-svc/domain/mailbox_update.h"

#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/mailbox_priv.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/schema.h"

static bool
rename_to(struct wd_domain *d, struct wd_arena *a, const struct wd_mailbox_update *in, const struct wd_mailbox *row,
          const struct wd_once *once, struct wd_error *err)
{
    struct wd_mailbox *renamed;
    size_t n;

    /* Also what a repeat finds. */
    if (wd_str_eq(wd_path_normal(a, *in->path), row->path))
        return true;
    return wd_mailbox_rename(d, a, in->user, row->path, *in->path, false, once, &renamed, &n, err);
}

static bool
has_settings(const struct wd_mailbox_update *in)
{
    return in->retention_ms || in->subscribed || in->hidden || in->encrypt;
}

static bool
write_settings(struct wd_domain *d, const struct wd_mailbox_update *in, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;
    struct wd_docs_updated done;

    wd_doc_add_id(&filter, "_id", in->mailbox);
    wd_doc_add_id(&filter, "user", in->user);
    bson_append_document_begin(&update, "$set", -1, &set);
    if (in->retention_ms)
        wd_doc_add_int(&set, "retention", *in->retention_ms);
    if (in->subscribed)
        wd_doc_add_bool(&set, "subscribed", *in->subscribed);
    if (in->hidden)
        wd_doc_add_bool(&set, "hidden", *in->hidden);
    if (in->encrypt)
        wd_doc_add_bool(&set, "encryptMessages", *in->encrypt);
    bson_append_document_end(&update, &set);
    if (!wd_docs_update(d->docs, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, &done, err))
        return wd_fail_in(err, "change mailbox");
    return done.matched > 0 || wd_fail(err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
}

bool
wd_mailbox_update(struct wd_domain *d, struct wd_arena *a, const struct wd_mailbox_update *in,
                  const struct wd_once *once, struct wd_error *err)
{
    struct wd_mailbox row;

    if (!wd_mailbox_need_id(d->docs, a, in->user, in->mailbox, &row, err))
        return false;
    if (in->subscribed && !*in->subscribed && wd_path_is_inbox(row.path))
        return wd_fail(err, WD_MAILBOX_REFUSED, "INBOX stays subscribed");
    if (in->path && !rename_to(d, a, in, &row, once, err))
        return false;
    if (!has_settings(in))
        return true;
    if (!write_settings(d, in, err))
        return false;
    wd_mailbox_tell(d, in->user, (struct wd_id){ { 0 } }, 0);
    return true;
}

static bool
add_size(const bson_t *doc, uint32_t uid, bool *stop, void *data, struct wd_error *err)
{
    uint64_t *total = data;

    (void)uid, (void)stop, (void)err;
    *total += (uint64_t)wd_doc_int(doc, "size", 0);
    return true;
}

bool
wd_mailbox_size(struct wd_docs *docs, struct wd_id mailbox, uint64_t *out, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_walk walk = { .mailbox = mailbox, .fields = &fields };

    wd_doc_add_int(&fields, "uid", 1);
    wd_doc_add_int(&fields, "size", 1);
    *out = 0;
    return wd_message_walk(docs, &walk, add_size, out, err);
}
