/* store-svc/domain/check_counters.c – storageUsed of users, c and m of attachment bodies, against
 * all messages. */
#include <unistd.h>

#include "common/base/hex.h"
#include "common/base/vec.h"
#include "store-svc/domain/check_priv.h"
#include "store-svc/domain/check_tally.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mark.h"
#include "store-svc/domain/refs.h"

/* What is written down, and what the messages say. */
struct difference {
    uint8_t key[WD_TALLY_KEY];
    int64_t have[2], want[2];
};

/* One count of everything. Differences are problems only in the second one. On an atomic driver no
 * write can come between that one; elsewhere it comes so much later than the first that whatever
 * was under way then has ended, and only those differences count that are the same in both. */
struct count {
    struct wd_docs *docs;
    struct wd_tally users, blobs; /* sum: bytes; count and sum: c and m */
    struct WD_VEC(struct difference) differing;
    const struct count *before; /* NULL: this is the first one, or nothing can come between */
    bool archived, final;
    uint64_t differences;
};

enum { SETTLE_MS = WD_MARK_LEASE_MS + 1000 };

static bool
was_so_before(const struct count *n, const struct difference *now)
{
    for (size_t i = 0; n->before && i < n->before->differing.n; i++)
        if (memcmp(&n->before->differing.p[i], now, sizeof *now) == 0)
            return true;
    return n->before == NULL;
}

/* Is it a problem? */
static bool
differs(struct count *n, const void *key, size_t bytes, const int64_t have[2],
        const int64_t want[2])
{
    struct difference d = { .have = { have[0], have[1] }, .want = { want[0], want[1] } };

    memcpy(d.key, key, bytes);
    n->differences++;
    if (!n->final)
        wd_vec_push(&n->differing, d);
    return n->final && was_so_before(n, &d);
}

static bool
count_message(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err)
{
    struct count *n = data;
    struct wd_refs refs wd_auto(wd_refs_done) = { 0 };
    struct wd_id user;
    size_t i;

    (void)err;
    *(n->archived ? &c->report->archived : &c->report->messages) += 1;
    if (!n->archived && wd_doc_id(doc, "user", &user))
        wd_tally_add(&n->users, user.b, sizeof user.b, 1, (uint64_t)wd_doc_int(doc, "size", 0));
    wd_refs_add(&refs, doc);
    for (i = 0; i < refs.all.n; i++)
        wd_tally_add(&n->blobs, refs.all.p[i].key.b, sizeof refs.all.p[i].key.b,
                     refs.all.p[i].count, refs.all.p[i].magic_sum);
    return true;
}

static bool
set_number(struct wd_docs *docs, const char *coll, bson_t *filter, const char *const *fields,
           const int64_t *have, const int64_t *want, struct wd_error *err)
{
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    bson_append_document_begin(&update, "$set", -1, &set);
    for (; *fields; fields++, have++, want++) {
        wd_doc_add_int(&set, *fields, *want);
        if (*have) /* only while it is as it was read; a row may lack a counter that is 0 */
            wd_doc_add_int(filter, *fields, *have);
    }
    bson_append_document_end(&update, &set);
    return wd_docs_update(docs, coll, filter, &update, WD_UPDATE_ONE, NULL, err) ||
           wd_fail_in(err, "repair");
}

static bool
compare_user(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err)
{
    static const char *const fields[] = { "storageUsed", NULL };
    struct count *n = data;
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_tally_row *row;
    struct wd_id user;
    char hex[WD_ID_HEX + 1];
    int64_t have[2] = { wd_doc_int(doc, "storageUsed", 0), 0 }, want[2] = { 0, 0 };

    c->report->users++;
    if (!wd_doc_id(doc, "_id", &user))
        return true;
    row = wd_tally_find(&n->users, user.b, sizeof user.b);
    want[0] = row ? (int64_t)row->sum : 0;
    if (want[0] == have[0] || !differs(n, user.b, sizeof user.b, have, want))
        return true;
    wd_check_found(c, "user %s: storageUsed is %lld, the messages have %lld bytes",
                   wd_id_hex(user, hex), (long long)have[0], (long long)want[0]);
    if (!c->o->repair)
        return true;
    wd_doc_add_id(&filter, "_id", user);
    c->report->repaired++;
    return set_number(n->docs, WD_USERS, &filter, fields, have, want, err);
}

static bool
blob_key(const bson_t *doc, struct wd_blob_key *out)
{
    struct wd_str key = wd_doc_str(doc, "_id");

    if (key.n != sizeof out->b)
        return false;
    memcpy(out->b, key.p, key.n);
    return true;
}

static void
name_blob(const uint8_t *key, char to[2 * WD_TALLY_KEY + 1])
{
    struct wd_buf hex wd_auto(wd_buf_done) = { 0 };

    wd_hex_encode(&hex, key, WD_TALLY_KEY);
    memcpy(to, hex.p, hex.n);
    to[hex.n] = '\0';
}

static bool
compare_blob(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err)
{
    static const char *const fields[] = { "metadata.c", "metadata.m", NULL };
    struct count *n = data;
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_blob_key key;
    struct wd_tally_row *row;
    char name[2 * WD_TALLY_KEY + 1];
    int64_t have[2] = { wd_doc_int(doc, "metadata.c", 0), wd_doc_int(doc, "metadata.m", 0) },
            want[2] = { 0, 0 };

    c->report->blobs++;
    if (!blob_key(doc, &key))
        return true;
    row = wd_tally_find(&n->blobs, key.b, sizeof key.b);
    if (row) {
        row->seen = true;
        want[0] = (int64_t)row->count;
        want[1] = (int64_t)row->sum;
    }
    if ((have[0] == want[0] && have[1] == want[1]) || !differs(n, key.b, sizeof key.b, have, want))
        return true;
    name_blob(key.b, name);
    wd_check_found(c, "attachment %s: c is %lld and m is %lld, the messages say %lld and %lld",
                   name, (long long)have[0], (long long)have[1], (long long)want[0],
                   (long long)want[1]);
    if (!c->o->repair)
        return true;
    wd_doc_add_bytes(&filter, "_id", key.b, sizeof key.b);
    c->report->repaired++;
    return set_number(n->docs, WD_FILES, &filter, fields, have, want, err);
}

/* Bodies that messages refer to and that are not there. */
static void
find_lost(struct wd_check *c, struct count *n)
{
    char name[2 * WD_TALLY_KEY + 1];
    size_t i;

    for (i = 0; i < n->blobs.cap; i++) {
        const struct wd_tally_row *row = &n->blobs.rows[i];

        if (!row->used || row->seen)
            continue;
        n->differences++;
        if (!n->final)
            continue;
        name_blob(row->key, name);
        wd_check_found(c, "attachment %s: lost, messages refer to it %llu times", name,
                       (unsigned long long)row->count);
    }
}

static bool
count_all(struct wd_check *c, struct count *n, struct wd_error *err)
{
    static const char *const of_message[] = { "user", "size", "magic", "mimeTree.attachmentMap",
                                              NULL };
    static const char *const of_user[] = { "storageUsed", NULL };
    static const char *const of_blob[] = { "metadata", NULL };
    struct wd_docs *users = n->final ? n->docs : c->d->users;

    c->report->users = c->report->messages = c->report->archived = c->report->blobs = 0;
    n->archived = false;
    if (!wd_check_walk(c, n->docs, WD_MESSAGES, NULL, of_message, count_message, n, err))
        return false;
    n->archived = true;
    if (!wd_check_walk(c, n->docs, WD_ARCHIVED, NULL, of_message, count_message, n, err) ||
        !wd_check_walk(c, users, WD_USERS, NULL, of_user, compare_user, n, err) ||
        !wd_check_walk(c, n->docs, WD_FILES, NULL, of_blob, compare_blob, n, err))
        return false;
    find_lost(c, n);
    return true;
}

static void
count_done(struct count *n)
{
    wd_tally_done(&n->users);
    wd_tally_done(&n->blobs);
    wd_vec_done(&n->differing);
}

static bool
count_again(struct wd_check *c, const struct count *before, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct count n = { .final = true };
    bool ok;

    if (!wd_docs_is_atomic(c->d->docs)) {
        usleep(SETTLE_MS * 1000);
        n.before = before;
    }
    if (!wd_docs_batch_begin(c->d->docs, &batch, err))
        return false;
    n.docs = batch;
    ok = count_all(c, &n, err);
    count_done(&n);
    if (!ok || !c->o->repair)
        return ok;
    return wd_docs_batch_commit(wd_take(batch), err);
}

bool
wd_check_counters(struct wd_check *c, struct wd_error *err)
{
    struct count n = { .docs = c->d->docs };
    bool ok = count_all(c, &n, err) && (n.differences == 0 || count_again(c, &n, err));

    count_done(&n);
    return ok;
}
