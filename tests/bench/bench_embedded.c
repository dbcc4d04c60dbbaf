/* Measures the embedded driver: durable commits of small messages, reading a mailbox of 200,000, changing flags.
 * bench_embedded [directory]: the files go below it (default: $TMPDIR or /tmp) and are removed at the end. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "store-svc/driver/embedded/embedded.h"

enum { MESSAGES = 200000, COMMITS = 600, FLAGGED = 1000 };

static const struct wd_docs_index indexes[] = {
    { "user_messages_by_thread", "user 1, thread 1", 0, NULL, -1 },
    { "mailbox_uid", "mailbox 1, uid 1, _id 1", 0, NULL, -1 },
    { "mailbox_modseq_uid", "mailbox 1, modseq 1, uid 1", 0, NULL, -1 },
    { "mailbox_flags", "mailbox 1, flags 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "by_idate_reverse_uid", "mailbox 1, idate -1, _id -1", 0, NULL, -1 },
    { "by_hdate", "mailbox 1, hdate 1, msgid 1", 0, NULL, -1 },
    { "by_size", "mailbox 1, size 1", 0, NULL, -1 },
    { "by_headers", "mailbox 1, headers.key 1, headers.value 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "fulltext", "user 1, headers.value text, text text", WD_INDEX_TEXT, "{\"searchable\": true}", -1 },
    { "mailbox_unseen_flag", "mailbox 1, unseen 1", 0, NULL, -1 },
    { "mailbox_undeleted_flag", "mailbox 1, undeleted 1", 0, NULL, -1 },
    { "mailbox_flagged_flag", "mailbox 1, flagged 1", 0, NULL, -1 },
    { "mailbox_draft_flag", "mailbox 1, draft 1", 0, NULL, -1 },
    { "retention_time", "exp 1, rdate 1", 0, "{\"exp\": true}", -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection messages = {
    "messages", WD_DB_MAIN, indexes,
    "root v user mailbox thread uid modseq exp rdate idate hdate flags unseen undeleted flagged draft searchable size "
    "msgid subject ha magic",
};
static const struct wd_docs_collection *const schema[] = { &messages, NULL };

static struct wd_docs *docs;
static bson_oid_t user, mailbox;

static void
must(bool ok, const struct wd_error *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void
append_flags(bson_t *doc, const char *flag)
{
    bson_t list;

    bson_append_array_begin(doc, "flags", -1, &list);
    if (flag)
        bson_append_utf8(&list, "0", 1, flag, -1);
    bson_append_array_end(doc, &list);
}

static void
append_headers(bson_t *doc, uint32_t uid)
{
    static const char *const names[] = { "from", "to", "subject", "date", "message-id", "received", "x-mailer" };
    bson_t list, one;
    char key[8], value[80];

    bson_append_array_begin(doc, "headers", -1, &list);
    for (size_t i = 0; i < WD_COUNT(names); i++) {
        snprintf(key, sizeof key, "%zu", i);
        snprintf(value, sizeof value, "the value of header %s number %u", names[i], uid);
        bson_append_document_begin(&list, key, -1, &one);
        bson_append_utf8(&one, "key", -1, names[i], -1);
        bson_append_utf8(&one, "value", -1, value, -1);
        bson_append_document_end(&list, &one);
    }
    bson_append_array_end(doc, &list);
}

/* About 4 KB when it is full, otherwise what a list of messages needs. */
static void
make_message(bson_t *doc, uint32_t uid, bool full)
{
    static char text[1024], body[2500];
    char msgid[48];

    memset(text, 'x', sizeof text - 1);
    memset(body, 'y', sizeof body - 1);
    for (size_t i = 5; i < sizeof text - 1; i += 6)
        text[i] = ' ';
    snprintf(msgid, sizeof msgid, "<%u.message@example.com>", uid);
    bson_init(doc);
    bson_append_oid(doc, "_id", -1, &(bson_oid_t){ { 0 } });
    memcpy((char *)(uintptr_t)bson_get_data(doc) + 9, wd_id_new().b, 12);
    bson_append_oid(doc, "user", -1, &user);
    bson_append_oid(doc, "mailbox", -1, &mailbox);
    bson_append_int32(doc, "uid", -1, (int32_t)uid);
    bson_append_int64(doc, "modseq", -1, uid);
    bson_append_bool(doc, "exp", -1, false);
    bson_append_date_time(doc, "idate", -1, 1700000000000 + uid * 1000LL);
    bson_append_date_time(doc, "hdate", -1, 1700000000000 + uid * 1000LL);
    append_flags(doc, uid % 2 ? "\\Seen" : NULL);
    bson_append_bool(doc, "unseen", -1, uid % 2 == 0);
    bson_append_bool(doc, "undeleted", -1, true);
    bson_append_bool(doc, "flagged", -1, false);
    bson_append_bool(doc, "draft", -1, false);
    bson_append_int32(doc, "size", -1, 4000);
    bson_append_utf8(doc, "msgid", -1, msgid, -1);
    bson_append_utf8(doc, "subject", -1, "an ordinary subject line", -1);
    if (!full)
        return;
    bson_append_bool(doc, "searchable", -1, true);
    append_headers(doc, uid);
    bson_append_utf8(doc, "text", -1, text, -1);
    bson_append_binary(doc, "mimeTree", -1, BSON_SUBTYPE_BINARY, (uint8_t *)body, sizeof body);
}

static void
commit_one(uint32_t uid)
{
    struct wd_error err;
    struct wd_docs *batch;
    bson_t doc;

    make_message(&doc, uid, true);
    must(wd_docs_batch_begin(docs, &batch, &err), &err);
    must(wd_docs_insert(batch, "messages", &doc, &err), &err);
    must(wd_docs_batch_commit(batch, &err), &err);
    bson_destroy(&doc);
}

static void *
committer(void *data)
{
    uint32_t from = *(const uint32_t *)data;

    for (uint32_t i = 0; i < COMMITS; i++)
        commit_one(from + i);
    return NULL;
}

static void
bench_commits(size_t n)
{
    pthread_t threads[16];
    uint32_t from[16];
    int64_t start = wd_mono_us(), took;

    bson_oid_init(&mailbox, NULL);
    for (size_t i = 0; i < n; i++) {
        from[i] = (uint32_t)(i * COMMITS + 1);
        pthread_create(&threads[i], NULL, committer, &from[i]);
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    took = wd_mono_us() - start;
    printf("%zu thread(s): %.0f durable 4 KB batches/s\n", n, (double)(n * COMMITS) * 1e6 / (double)took);
}

static void
fill(void)
{
    int64_t start = wd_mono_us();
    struct wd_error err;

    bson_oid_init(&mailbox, NULL);
    for (uint32_t uid = 1; uid <= MESSAGES;) {
        struct wd_docs *batch;
        must(wd_docs_batch_begin(docs, &batch, &err), &err);
        for (uint32_t i = 0; i < 1000; i++) {
            bson_t doc;
            make_message(&doc, uid++, false);
            must(wd_docs_insert(batch, "messages", &doc, &err), &err);
            bson_destroy(&doc);
        }
        must(wd_docs_batch_commit(batch, &err), &err);
    }
    printf("filled %d rows, %.1f us each\n", MESSAGES, (double)(wd_mono_us() - start) / MESSAGES);
}

static void
bench_read(const char *what, const char *projection)
{
    struct wd_error err;
    bson_t *p = bson_new_from_json((const uint8_t *)projection, -1, NULL);
    bson_t *sort = bson_new_from_json((const uint8_t *)"{\"uid\": 1}", -1, NULL);
    struct wd_docs_query q = { .projection = p, .sort = sort };

    for (int round = 0; round < 3; round++) {
        bson_t filter = BSON_INITIALIZER;
        struct wd_docs_cursor *c;
        const bson_t *doc;
        int64_t start = wd_mono_us();
        size_t n = 0;
        bson_append_oid(&filter, "mailbox", -1, &mailbox);
        must(wd_docs_find(docs, "messages", &filter, &q, &c, &err), &err);
        for (;; n++) {
            must(wd_docs_cursor_next(c, &doc, &err), &err);
            if (!doc)
                break;
        }
        wd_docs_cursor_free(c);
        printf("%s: %zu rows in %.1f ms\n", what, n, (double)(wd_mono_us() - start) / 1000);
        bson_destroy(&filter);
    }
    bson_destroy(p);
    bson_destroy(sort);
}

static void
bench_count(const char *what, bool unseen)
{
    bson_t filter = BSON_INITIALIZER;
    struct wd_error err;
    int64_t n, start = wd_mono_us();

    bson_append_oid(&filter, "mailbox", -1, &mailbox);
    if (unseen)
        bson_append_bool(&filter, "unseen", -1, true);
    must(wd_docs_count(docs, "messages", &filter, &n, &err), &err);
    printf("count %s: %lld in %.1f ms\n", what, (long long)n, (double)(wd_mono_us() - start) / 1000);
    bson_destroy(&filter);
}

static void
bench_flags(int32_t from)
{
    bson_t filter = BSON_INITIALIZER, part;
    bson_t *update = bson_new_from_json(
        (const uint8_t *)"{\"$addToSet\": {\"flags\": \"\\\\Flagged\"}, \"$set\": {\"flagged\": true, \"modseq\": "
          "300000}}",
        -1, NULL);
    struct wd_docs_updated done;
    struct wd_error err;
    int64_t start;

    bson_append_oid(&filter, "mailbox", -1, &mailbox);
    bson_append_document_begin(&filter, "uid", -1, &part);
    bson_append_int32(&part, "$gte", -1, from);
    bson_append_int32(&part, "$lt", -1, from + FLAGGED);
    bson_append_document_end(&filter, &part);
    start = wd_mono_us();
    must(wd_docs_update(docs, "messages", &filter, update, WD_UPDATE_MANY, &done, &err), &err);
    printf("flag added to %lld rows in %.1f ms\n", (long long)done.modified, (double)(wd_mono_us() - start) / 1000);
    bson_destroy(&filter);
    bson_destroy(update);
}

int
main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char dir[4096], command[4200];
    struct wd_embedded_options options = { .directory = dir };
    struct wd_blobs *blobs;
    struct wd_error err;
    struct wd_bus *bus;

    snprintf(dir, sizeof dir, "%s/wd-bench-XXXXXX", base);
    if (!mkdtemp(dir))
        return 1;
    bson_oid_init(&user, NULL);
    must(wd_embedded_open(&options, &docs, &blobs, &bus, &err), &err);
    must(wd_docs_ensure(docs, schema, &err), &err);
    bench_commits(1);
    bench_commits(8);
    fill();
    bench_read("{uid}", "{\"uid\": 1}");
    bench_read("{uid, modseq, flags}", "{\"uid\": 1, \"modseq\": 1, \"flags\": 1}");
    bench_count("{mailbox}", false);
    bench_count("{mailbox, unseen}", true);
    for (int32_t i = 0; i < 5; i++)
        bench_flags(1 + i * FLAGGED);
    wd_bus_close(bus);
    wd_blobs_close(blobs);
    wd_docs_close(docs);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) != 0;
}
