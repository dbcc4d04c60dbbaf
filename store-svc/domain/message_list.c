#include "store-svc/domain/message_list.h"

#include <stdio.h>

#include "common/base/vec.h"
#include "common/mail/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/schema.h"
#include "store-svc/mime/header.h"

/* Of a listing; bodies and texts stay where they are. */
static const char *const listed[] = {
    "uid",  "mailbox", "thread",  "idate", "hdate", "flags", "unseen", "undeleted", "flagged",    "draft",
    "size", "msgid",   "subject", "intro", "ha",    "attachments",     "meta",      "mimeTree.parsedHeader",
    "mimeTree.attachmentMap",
};
/* Of one message, on top. */
static const char *const shown[] = {
    "user", "exp", "rdate", "text", "textFooter", "html", "verificationResults", "forwardTargets",
};

static void
add_fields(bson_t *projection, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wd_doc_add_int(projection, names[i], 1);
}

bool
wd_message_list(struct wd_domain *d, struct wd_arena *a, const struct wd_message_listing *in, struct wd_mailbox *row,
                wd_page_row *each, void *data, struct wd_paged *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_page_order order = { .coll = WD_MESSAGES,
                                   .by = WD_PAGE_BY_DATE,
                                   .field = "idate",
                                   .descending = !in->ascending,
                                   .projection = &fields };

    if (!wd_mailbox_need_id(d->docs, a, in->user, in->mailbox, row, err))
        return false;
    add_fields(&fields, listed, WD_COUNT(listed));
    wd_doc_add_id(&filter, "mailbox", in->mailbox);
    if (in->unseen)
        wd_doc_add_bool(&filter, "unseen", true);
    return wd_page_read(d->docs, a, &order, &filter, &in->page, each, data, out, err);
}

bool
wd_message_show(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id mailbox, uint32_t uid,
                bson_t *out, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_mailbox row;
    bool found;

    if (!wd_mailbox_by_id(d->docs, a, user, mailbox, &row, &found, err))
        return false;
    add_fields(&fields, listed, WD_COUNT(listed));
    add_fields(&fields, shown, WD_COUNT(shown));
    if (found && !wd_message_doc(d->docs, mailbox, uid, &fields, out, &found, err))
        return false;
    return found || wd_fail(err, WD_MESSAGE_NOT_FOUND, "This message does not exist");
}

bool
wd_message_thread_size(struct wd_docs *docs, struct wd_id user, struct wd_id thread, int64_t *out,
                       struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "user", user);
    wd_doc_add_id(&filter, "thread", thread);
    return wd_docs_count(docs, WD_MESSAGES, &filter, out, err) || wd_fail_in(err, "count thread");
}

/* ---- addresses ---- */

struct addresses WD_VEC(struct wd_shown_address);

static struct wd_str
shown_address(struct wd_arena *a, struct wd_str address)
{
    struct wd_str local, domain;

    wd_address_split(address, &local, &domain);
    if (domain.n == 0)
        return wd_arena_str(a, address);
    domain = wd_domain_unicode(a, domain);
    return wd_arena_printf(a, "%.*s@%.*s", WD_FMT(local), WD_FMT(domain));
}

static void
add_one(struct addresses *out, struct wd_arena *a, const bson_t *doc, bool is_group)
{
    struct wd_shown_address one = { .name = wd_header_decode(a, wd_doc_str(doc, "name")), .is_group = is_group };

    if (!is_group)
        one.address = shown_address(a, wd_doc_str(doc, "address"));
    wd_vec_push(out, one);
}

static bool
view_of(const bson_iter_t *it, bson_t *view)
{
    const uint8_t *bytes;
    uint32_t n;

    if (!BSON_ITER_HOLDS_DOCUMENT(it))
        return false;
    bson_iter_document(it, &n, &bytes);
    return bson_init_static(view, bytes, n);
}

static void
add_members(struct addresses *out, struct wd_arena *a, const bson_t *group)
{
    size_t at = out->n;
    bson_iter_t it;
    bson_t members, doc;

    add_one(out, a, group, true);
    if (wd_doc_sub(group, "group", &members) && bson_iter_init(&it, &members))
        while (bson_iter_next(&it) && out->n < WD_SHOWN_ADDRESSES)
            if (view_of(&it, &doc))
                add_one(out, a, &doc, false);
    out->p[at].members = out->n - at - 1;
}

struct wd_shown_address *
wd_message_addresses(const bson_t *doc, const char *field, struct wd_arena *a, size_t *n)
{
    struct wd_shown_address *made;
    struct addresses all = { 0 };
    bson_t list, one;
    bson_iter_t it;
    char path[80];

    snprintf(path, sizeof path, "mimeTree.parsedHeader.%s", field);
    if (wd_doc_sub(doc, path, &list) && bson_iter_init(&it, &list))
        while (bson_iter_next(&it) && all.n < WD_SHOWN_ADDRESSES) {
            if (!view_of(&it, &one))
                continue;
            if (wd_doc_has(&one, "group"))
                add_members(&all, a, &one);
            else
                add_one(&all, a, &one, false);
        }
    made = WD_ARENA_ARRAY(a, struct wd_shown_address, all.n + 1);
    if (all.n)
        memcpy(made, all.p, all.n * sizeof *made);
    *n = all.n;
    wd_vec_done(&all);
    return made;
}

bool
wd_message_from(const bson_t *doc, struct wd_arena *a, struct wd_shown_address *out)
{
    static const char *const fields[] = { "from", "sender" };
    struct wd_str sender = wd_doc_str(doc, "meta.from");
    size_t n;

    for (size_t i = 0; i < WD_COUNT(fields); i++) {
        struct wd_shown_address *list = wd_message_addresses(doc, fields[i], a, &n);

        for (size_t k = 0; k < n; k++)
            if (!list[k].is_group) {
                *out = list[k];
                return true;
            }
    }
    *out = (struct wd_shown_address){ .address = shown_address(a, sender) };
    return sender.n > 0;
}
