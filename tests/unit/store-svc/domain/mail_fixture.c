#include "tests/unit/store-svc/domain/mail_fixture.h"

#include "store-svc/domain/journal.h"
#include "store-svc/domain/opened.h"
#include "store-svc/domain/quota.h"
#include "store-svc/domain/view.h"

struct wd_fault *fault;
struct wd_id user, inbox;

void
mail_setup(void)
{
    users_setup();
    fault = wd_fault_new();
    domain.docs = wd_fault_docs_new(domain.docs, fault);
    domain.users = domain.docs;
    domain.blobs = wd_fault_blobs_new(domain.blobs, fault);
    domain.view_cache = wd_view_cache_new(16 << 20);
    domain.open_cache = wd_open_cache_new(4, 16 << 20);
    user = users_make("user", NULL);
    inbox = mail_box("INBOX").id;
}

void
mail_teardown(void)
{
    wd_view_cache_free(domain.view_cache);
    wd_open_cache_free(domain.open_cache);
    users_teardown();
    wd_fault_free(fault);
}

struct wd_mailbox
mail_box(const char *path)
{
    struct wd_mailbox out;

    if (!wd_mailbox_need_path(domain.docs, arena, user, wd_str_c(path), &out, &err))
        ck_abort_msg("%s: %s", path, err.text);
    return out;
}

struct wd_blob_key
mail_body(unsigned number)
{
    struct wd_blob_key key = { { 0 } };
    struct wd_blob_info info = { .length = 4, .encoded_length = 4 };
    struct wd_blob_writer *w;
    bool found;

    memcpy(key.b, &number, sizeof number);
    ck_assert(wd_blobs_stat(domain.blobs, &key, &info, &found, &err));
    if (found)
        return key;
    ck_assert(wd_blobs_write_begin(domain.blobs, &key, &w, &err));
    ck_assert(wd_blobs_write(w, WD_STR("body"), &err));
    ck_assert(wd_blobs_write_finish(w, &err));
    return key;
}

void
mail_refs(unsigned number, int64_t *c, int64_t *m)
{
    struct wd_blob_key key = mail_body(number);
    bson_t filter = BSON_INITIALIZER, doc = BSON_INITIALIZER;
    bool found;

    wd_doc_add_bytes(&filter, "_id", key.b, sizeof key.b);
    ck_assert(wd_docs_find_one(domain.docs, WD_FILES, &filter, NULL, &doc, &found, &err));
    ck_assert(found);
    *c = wd_doc_int(&doc, "metadata.c", -1);
    *m = wd_doc_int(&doc, "metadata.m", -1);
    bson_destroy(&doc);
    bson_destroy(&filter);
}

static size_t
split_flags(const char *text, struct wd_str *flags)
{
    struct wd_str rest = wd_str_c(text), piece;
    size_t n = 0;

    while (text && *text && wd_str_split(&rest, ' ', &piece))
        flags[n++] = piece;
    return n;
}

static void
add_tree(bson_t *doc, const struct mail *m, struct wd_docs *batch, uint32_t magic)
{
    bson_t tree, map, empty = BSON_INITIALIZER;
    struct wd_blob_key key;
    struct wd_blob_ref ref = { .count = m->occurrences, .magic_sum = (uint64_t)magic * m->occurrences };
    struct wd_blob_info info = { .length = 4, .encoded_length = 4 };
    char name[16];

    bson_append_document_begin(doc, "mimeTree", -1, &tree);
    bson_append_array(&tree, "header", -1, &empty);
    bson_append_array_begin(&tree, "childNodes", -1, &map);
    for (unsigned i = 0; m->attachment && i < m->occurrences; i++) {
        bson_t node;

        snprintf(name, sizeof name, "%u", i);
        bson_append_document_begin(&map, name, -1, &node);
        bson_append_array(&node, "header", -1, &empty);
        snprintf(name, sizeof name, "ATT%05u", i + 1);
        wd_doc_add_str(&node, "attachmentId", wd_str_c(name));
        bson_append_document_end(&map, &node);
    }
    bson_append_array_end(&tree, &map);
    bson_append_document_begin(&tree, "attachmentMap", -1, &map);
    if (m->attachment) {
        key = ref.key = mail_body(m->attachment);
        for (unsigned i = 0; i < m->occurrences; i++) {
            snprintf(name, sizeof name, "ATT%05u", i + 1);
            wd_doc_add_bytes(&map, name, key.b, sizeof key.b);
        }
        ck_assert(wd_blobs_add(domain.blobs, batch, &ref, &info, &err));
    }
    bson_append_document_end(&tree, &map);
    bson_append_document_end(doc, &tree);
}

static void
add_headers(bson_t *doc, const char *subject)
{
    bson_t list, row;

    bson_append_array_begin(doc, "headers", -1, &list);
    bson_append_document_begin(&list, "0", -1, &row);
    wd_doc_add_str(&row, "key", WD_STR("subject"));
    wd_doc_add_str(&row, "value", wd_str_c(subject));
    bson_append_document_end(&list, &row);
    bson_append_document_begin(&list, "1", -1, &row);
    wd_doc_add_str(&row, "key", WD_STR("from"));
    wd_doc_add_str(&row, "value", WD_STR("jane (a.k.a. \"jd\") <jane@example.com>"));
    bson_append_document_end(&list, &row);
    bson_append_array_end(doc, &list);
}

static void
add_flags(bson_t *doc, const struct wd_str *flags, size_t n)
{
    unsigned bits = 0;
    bson_t list;
    char key[24];

    bson_append_array_begin(doc, "flags", -1, &list);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_str(&list, key, flags[i]);
        bits |= wd_flag_bit(flags[i]);
    }
    bson_append_array_end(doc, &list);
    wd_doc_add_bool(doc, "unseen", !(bits & WD_FLAG_SEEN));
    wd_doc_add_bool(doc, "undeleted", !(bits & WD_FLAG_DELETED));
    wd_doc_add_bool(doc, "flagged", bits & WD_FLAG_FLAGGED);
    wd_doc_add_bool(doc, "draft", bits & WD_FLAG_DRAFT);
    if (!(bits & WD_FLAG_DELETED))
        wd_doc_add_bool(doc, "searchable", true);
}

static void
add_one(struct wd_docs *batch, struct wd_id mailbox, const struct mail *m, uint32_t uid, uint64_t modseq)
{
    struct wd_str flags[64];
    size_t n = split_flags(m->flags, flags);
    struct wd_journal_row row = { .command = WD_JOURNAL_EXISTS,
                                  .user = user,
                                  .mailbox = mailbox,
                                  .modseq = modseq,
                                  .uid = uid,
                                  .message = wd_id_new(),
                                  .thread = wd_id_new(),
                                  .idate_ms = m->idate_ms ? m->idate_ms : 1000,
                                  .flags = flags,
                                  .n_flags = n };
    uint32_t magic = uid % 1000 + 1;
    bson_t doc = BSON_INITIALIZER;

    row.unseen = true;
    for (size_t i = 0; i < n; i++)
        row.unseen = row.unseen && wd_flag_bit(flags[i]) != WD_FLAG_SEEN;
    wd_doc_add_id(&doc, "_id", row.message);
    wd_doc_add_id(&doc, "root", row.message);
    wd_doc_add_str(&doc, "v", WD_STR("1.0"));
    wd_doc_add_id(&doc, "user", user);
    wd_doc_add_id(&doc, "mailbox", mailbox);
    wd_doc_add_id(&doc, "thread", row.thread);
    wd_doc_add_int(&doc, "uid", uid);
    wd_doc_add_int(&doc, "modseq", (int64_t)modseq);
    wd_doc_add_bool(&doc, "exp", false);
    wd_doc_add_int(&doc, "rdate", 1);
    wd_doc_add_date(&doc, "idate", row.idate_ms);
    wd_doc_add_date(&doc, "hdate", row.idate_ms);
    add_flags(&doc, flags, n);
    wd_doc_add_bool(&doc, "copied", m->copied);
    wd_doc_add_int(&doc, "size", m->size ? m->size : 100);
    wd_doc_add_int(&doc, "magic", magic);
    add_headers(&doc, m->subject ? m->subject : "message");
    if (m->text)
        wd_doc_add_str(&doc, "text", wd_str_c(m->text));
    add_tree(&doc, m, batch, magic);
    ck_assert(wd_docs_insert(batch, WD_MESSAGES, &doc, &err));
    ck_assert(wd_journal_add(batch, &row, 1, &err));
    bson_destroy(&doc);
}

bool
mail_take(struct wd_docs *batch, struct wd_id of_user, struct wd_id mailbox, uint32_t n, struct wd_change *out)
{
    struct wd_change_plan plan = { .kind = n ? WD_CHANGE_ARRIVE : WD_CHANGE_NOTE, .user = of_user, .mailbox = mailbox,
                                   .count = n };

    return wd_change_begin(&domain, batch, arena, &plan, out, &err);
}

void
mail_add_many(struct wd_id mailbox, uint32_t n, const struct mail *m)
{
    struct wd_change taken;
    struct wd_docs *batch;

    ck_assert(wd_docs_batch_begin(domain.docs, &batch, &err));
    if (!mail_take(batch, user, mailbox, n, &taken))
        ck_abort_msg("%s", err.text);
    for (uint32_t i = 0; i < n; i++)
        add_one(batch, mailbox, m, taken.first_uid + i, taken.first_modseq + i);
    ck_assert(wd_quota_charge(batch, user, (uint64_t)(m->size ? m->size : 100) * n, &err));
    if (!wd_docs_batch_commit(batch, &err))
        ck_abort_msg("%s", err.text);
    wd_change_done(&domain, &taken);
}

uint32_t
mail_add(struct wd_id mailbox, const struct mail *m)
{
    struct wd_mailbox box;
    bool found;

    mail_add_many(mailbox, 1, m);
    ck_assert(wd_mailbox_by_id(domain.docs, arena, user, mailbox, &box, &found, &err));
    return box.uid_next - 1;
}

const struct wd_seqset *
mail_set(const char *text)
{
    static struct wd_seqset sets[16]; /* recycled: a test uses few at a time */
    static unsigned next;
    struct wd_seqset *set = &sets[next++ % 16];

    wd_seqset_done(set);
    if (*text)
        ck_assert_msg(wd_seqset_parse(wd_str_c(text), 0, 100000, set), "%s", text);
    return set;
}

const char *
mail_text(const struct wd_seqset *set)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_seqset_write(&text, set);
    return wd_arena_str(arena, wd_buf_view(&text)).p;
}

int64_t
mail_count(const char *coll, const char *json)
{
    bson_error_t bad;
    bson_t *filter = bson_new_from_json((const uint8_t *)json, -1, &bad);
    int64_t n;

    ck_assert_msg(filter != NULL, "%s", bad.message);
    if (!wd_docs_count(domain.docs, coll, filter, &n, &err))
        ck_abort_msg("%s", err.text);
    bson_destroy(filter);
    return n;
}

const char *
mail_json(struct wd_id mailbox, uint32_t uid)
{
    bson_t doc = BSON_INITIALIZER;
    const char *out = NULL;
    bool found;

    ck_assert(wd_message_doc(domain.docs, mailbox, uid, NULL, &doc, &found, &err));
    if (found) {
        char *json = bson_as_relaxed_extended_json(&doc, NULL);

        out = wd_arena_str(arena, wd_str_c(json)).p;
        bson_free(json);
    }
    bson_destroy(&doc);
    return out;
}

const char *
mail_flags(struct wd_id mailbox, uint32_t uid)
{
    bson_t doc = BSON_INITIALIZER;
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_message m;
    bool found;

    ck_assert(wd_message_doc(domain.docs, mailbox, uid, NULL, &doc, &found, &err));
    ck_assert(found);
    wd_message_read(&doc, arena, &m);
    for (size_t i = 0; i < m.n_flags; i++)
        wd_buf_printf(&text, "%s%.*s", i ? " " : "", WD_FMT(m.flags[i]));
    bson_destroy(&doc);
    return wd_arena_str(arena, wd_buf_view(&text)).p;
}

int64_t
mail_used(void)
{
    bson_t *doc = users_doc(user);
    int64_t used = wd_doc_int(doc, "storageUsed", 0);

    bson_destroy(doc);
    return used;
}

struct wd_id
mail_create(const char *path)
{
    bson_t doc = BSON_INITIALIZER, empty = BSON_INITIALIZER;
    struct wd_id id = wd_id_new();

    wd_doc_add_id(&doc, "_id", id);
    wd_doc_add_id(&doc, "user", user);
    wd_doc_add_str(&doc, "path", wd_str_c(path));
    wd_doc_add_int(&doc, "uidValidity", 7);
    wd_doc_add_int(&doc, "uidNext", 1);
    wd_doc_add_int(&doc, "modifyIndex", 0);
    wd_doc_add_bool(&doc, "subscribed", true);
    bson_append_array(&doc, "flags", -1, &empty);
    wd_doc_add_int(&doc, "retention", 0);
    ck_assert(wd_docs_insert(domain.docs, WD_MAILBOXES, &doc, &err));
    bson_destroy(&doc);
    return id;
}

const char *
mail_dump(void)
{
    static const char *const collections[] = { WD_USERS,   WD_MAILBOXES, WD_MESSAGES, WD_ARCHIVED,
                                               WD_JOURNAL, WD_FILES,     WD_SETTINGS, WD_REQUESTS };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    for (size_t i = 0; i < WD_COUNT(collections); i++) {
        bson_t all = BSON_INITIALIZER, sort = BSON_INITIALIZER;
        struct wd_docs_query query = { .sort = &sort };
        struct wd_docs_cursor *rows;
        const bson_t *row;

        wd_doc_add_int(&sort, "_id", 1);
        ck_assert(wd_docs_find(domain.docs, collections[i], &all, &query, &rows, &err));
        while (wd_docs_cursor_next(rows, &row, &err) && row) {
            char *json = bson_as_canonical_extended_json(row, NULL);

            wd_buf_printf(&text, "%s %s\n", collections[i], json);
            bson_free(json);
        }
        wd_docs_cursor_free(rows);
        bson_destroy(&sort);
    }
    return wd_arena_str(arena, wd_buf_view(&text)).p;
}

void
mail_check_mirrors(void)
{
    static const struct {
        const char *flag, *field;
        bool when_set;
    } mirrors[] = {
        { "\\\\Seen", "unseen", false },    { "\\\\Deleted", "undeleted", false }, { "\\\\Flagged", "flagged", true },
        { "\\\\Draft", "draft", true },
    };
    char json[128];

    for (size_t i = 0; i < WD_COUNT(mirrors); i++) {
        snprintf(json, sizeof json, "{\"flags\": \"%s\", \"%s\": %s}", mirrors[i].flag, mirrors[i].field,
                 mirrors[i].when_set ? "false" : "true");
        ck_assert_msg(mail_count(WD_MESSAGES, json) == 0, "%s", json);
        snprintf(json, sizeof json, "{\"flags\": {\"$ne\": \"%s\"}, \"%s\": %s}", mirrors[i].flag, mirrors[i].field,
                 mirrors[i].when_set ? "true" : "false");
        ck_assert_msg(mail_count(WD_MESSAGES, json) == 0, "%s", json);
    }
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"undeleted\": true, \"searchable\": {\"$exists\": false}}"), 0);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"undeleted\": false, \"searchable\": true}"), 0);
}
