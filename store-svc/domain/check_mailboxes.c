/* store-svc/domain/check_mailboxes.c – UIDs, MODSEQs and the mirrors of flags. */
#include "common/base/vec.h"
#include "store-svc/domain/check_priv.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"

struct box {
    struct wd_id id, user;
};

struct boxes {
    struct WD_VEC(struct box) all;
};

/* One mailbox while its messages pass. */
struct walk {
    struct wd_check *c;
    const struct box *box;
    char name[WD_ID_HEX + 1];
    uint32_t last_uid;
    uint64_t highest_modseq;
};

static bool
note_box(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err)
{
    struct boxes *boxes = data;
    struct box box;

    (void)err;
    c->report->mailboxes++;
    if (wd_doc_id(doc, "_id", &box.id) && wd_doc_id(doc, "user", &box.user))
        wd_vec_push(&boxes->all, box);
    return true;
}

/* The mirrors of a message as its flags say they must be. */
struct mirror {
    const char *field;
    unsigned flag;
    bool inverse;
};

static const struct mirror mirrors[] = {
    { "unseen", WD_FLAG_SEEN, true },
    { "undeleted", WD_FLAG_DELETED, true },
    { "flagged", WD_FLAG_FLAGGED, false },
    { "draft", WD_FLAG_DRAFT, false },
};

static unsigned
system_flags(const bson_t *doc)
{
    bson_t list;
    bson_iter_t at;
    unsigned bits = 0;

    if (!wd_doc_sub(doc, "flags", &list))
        return 0;
    for (bson_iter_init(&at, &list); bson_iter_next(&at);)
        if (BSON_ITER_HOLDS_UTF8(&at))
            bits |= wd_flag_bit(wd_str_c(bson_iter_utf8(&at, NULL)));
    return bits;
}

/* Only while the message is as it was read: a flag change that comes between writes its own mirrors. */
static bool
repair_mirrors(struct walk *w, const bson_t *doc, unsigned bits, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool searchable = !(bits & WD_FLAG_DELETED);
    struct wd_id id;
    bson_t set;
    size_t i;

    if (!wd_doc_id(doc, "_id", &id))
        return true;
    wd_doc_add_id(&filter, "_id", id);
    wd_doc_add_id(&filter, "mailbox", w->box->id);
    wd_doc_add_int(&filter, "uid", wd_doc_int(doc, "uid", 0));
    wd_doc_add_int(&filter, "modseq", wd_doc_int(doc, "modseq", 0));
    bson_append_document_begin(&update, "$set", -1, &set);
    for (i = 0; i < WD_COUNT(mirrors); i++)
        wd_doc_add_bool(&set, mirrors[i].field, !(bits & mirrors[i].flag) == mirrors[i].inverse);
    if (searchable)
        wd_doc_add_bool(&set, "searchable", true);
    bson_append_document_end(&update, &set);
    if (!searchable) {
        bson_append_document_begin(&update, "$unset", -1, &set);
        wd_doc_add_bool(&set, "searchable", true);
        bson_append_document_end(&update, &set);
    }
    w->c->report->repaired++;
    return wd_docs_update(w->c->d->docs, WD_MESSAGES, &filter, &update, WD_UPDATE_ONE, NULL, err);
}

static bool
check_mirrors(struct walk *w, const bson_t *doc, uint32_t uid, struct wd_error *err)
{
    unsigned bits = system_flags(doc);
    const char *wrong = NULL;
    size_t i;

    for (i = 0; i < WD_COUNT(mirrors); i++) {
        bool want = !(bits & mirrors[i].flag) == mirrors[i].inverse;

        if (wd_doc_bool(doc, mirrors[i].field, !want) != want)
            wrong = mirrors[i].field;
    }
    if (wd_doc_bool(doc, "searchable", false) != !(bits & WD_FLAG_DELETED))
        wrong = "searchable";
    if (!wrong)
        return true;
    wd_check_found(w->c, "mailbox %s: message %u: '%s' disagrees with the flags", w->name, uid, wrong);
    return !w->c->o->repair || repair_mirrors(w, doc, bits, err);
}

static bool
each_message(const bson_t *doc, uint32_t uid, bool *stop, void *data, struct wd_error *err)
{
    struct walk *w = data;
    uint64_t modseq = (uint64_t)wd_doc_int(doc, "modseq", 0);

    *stop = false;
    if (uid == 0)
        wd_check_found(w->c, "mailbox %s: a message without a UID", w->name);
    else if (uid == w->last_uid)
        wd_check_found(w->c, "mailbox %s: two messages have UID %u", w->name, uid);
    if (modseq > w->highest_modseq)
        w->highest_modseq = modseq;
    w->last_uid = uid;
    return check_mirrors(w, doc, uid, err);
}

static bool
raise(struct walk *w, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t max;

    wd_doc_add_id(&filter, "_id", w->box->id);
    bson_append_document_begin(&update, "$max", -1, &max);
    wd_doc_add_int(&max, "uidNext", (int64_t)w->last_uid + 1);
    wd_doc_add_int(&max, "modifyIndex", (int64_t)w->highest_modseq);
    bson_append_document_end(&update, &max);
    w->c->report->repaired++;
    return wd_docs_update(w->c->d->docs, WD_MAILBOXES, &filter, &update, WD_UPDATE_ONE, NULL, err);
}

/* The row is read after the messages: whoever wrote one of them had raised it before. */
static bool
check_row(struct walk *w, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_mailbox row;
    bool found, wrong = false;

    if (!wd_mailbox_by_id(w->c->d->docs, a, w->box->user, w->box->id, &row, &found, err))
        return false;
    if (!found)
        return true; /* deleted meanwhile */
    if (w->last_uid >= row.uid_next) {
        wd_check_found(w->c, "mailbox %s: uidNext is %u, a message has UID %u", w->name, row.uid_next, w->last_uid);
        wrong = true;
    }
    if (w->highest_modseq > row.modify_index) {
        wd_check_found(w->c, "mailbox %s: modifyIndex is %llu, a message has MODSEQ %llu", w->name,
                       (unsigned long long)row.modify_index, (unsigned long long)w->highest_modseq);
        wrong = true;
    }
    return !wrong || !w->c->o->repair || raise(w, err);
}

static bool
check_box(struct wd_check *c, const struct box *box, const bson_t *fields, struct wd_error *err)
{
    struct walk w = { .c = c, .box = box };
    struct wd_message_walk what = { .mailbox = box->id, .fields = fields };

    wd_id_hex(box->id, w.name);
    return wd_message_walk(c->d->docs, &what, each_message, &w, err) && check_row(&w, err);
}

bool
wd_check_mailboxes(struct wd_check *c, struct wd_error *err)
{
    static const char *const of_box[] = { "user", NULL };
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct boxes boxes = { 0 };
    bool ok = wd_check_walk(c, c->d->docs, WD_MAILBOXES, NULL, of_box, note_box, &boxes, err);
    size_t i;

    wd_message_fields(&fields);
    for (i = 0; i < WD_COUNT(mirrors); i++)
        if (!bson_has_field(&fields, mirrors[i].field))
            wd_doc_add_int(&fields, mirrors[i].field, 1);
    if (!bson_has_field(&fields, "searchable"))
        wd_doc_add_int(&fields, "searchable", 1);
    for (i = 0; ok && i < boxes.all.n; i++)
        ok = check_box(c, &boxes.all.p[i], &fields, err);
    wd_vec_done(&boxes.all);
    return ok;
}
