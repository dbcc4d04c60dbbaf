/* The queries of the mail store use their indexes: what SQLite says it would do with what the driver asks. */
#include <stdlib.h>

#include "store-svc/driver/embedded/embedded_priv.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

static const struct wd_docs_index message_indexes[] = {
    { "mailbox_uid", "mailbox 1, uid 1, _id 1", 0, NULL, -1 },
    { "mailbox_uid_reverse", "mailbox 1, uid -1, _id -1", 0, NULL, -1 },
    { "mailbox_modseq_uid", "mailbox 1, modseq 1, uid 1", 0, NULL, -1 },
    { "mailbox_flags", "mailbox 1, flags 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "by_headers", "mailbox 1, headers.key 1, headers.value 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "mailbox_unseen_flag", "mailbox 1, unseen 1 | uid, _id", 0, NULL, -1 },
    { "mailbox_flagged_flag", "mailbox 1, flagged 1", WD_INDEX_MINOR, NULL, -1 },
    { "by_idate", "mailbox 1, idate 1", 0, NULL, -1 },
    { "by_idate_reverse_uid", "mailbox 1, idate -1, _id -1", 0, NULL, -1 },
    { "retention_time", "exp 1, rdate 1", 0, "{\"exp\": true}", -1 },
    { "fulltext", "user 1, text text", WD_INDEX_TEXT, "{\"searchable\": true}", -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection messages = {
    "messages", WD_DB_MAIN, message_indexes, "user mailbox uid modseq flags unseen flagged exp rdate idate searchable"
};
static const struct wd_docs_index mailbox_indexes[] = {
    { "user_path", "user 1, path 1", WD_INDEX_UNIQUE, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection mailboxes = { "mailboxes", WD_DB_MAIN, mailbox_indexes, NULL };
static const struct wd_docs_index user_indexes[] = {
    { "users_dotless", "unameview 1", WD_INDEX_UNIQUE, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection users = { "users", WD_DB_USERS, user_indexes, NULL };
static const struct wd_docs_index thread_indexes[] = {
    { "thread", "user 1, ids 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection threads = { "threads", WD_DB_MAIN, thread_indexes, NULL };
static const struct wd_docs_collection *const schema[] = { &messages, &mailboxes, &users, &threads, NULL };

#define M "'mailbox': {'$oid': '0123456789abcdef01234567'}"

static const struct {
    const char *coll, *filter, *sort, *projection, *uses, *avoids;
} plans[] = {
    { "messages", "{" M ", 'uid': {'$gte': 5, '$lte': 10}}", "{'uid': 1}",
      NULL, "mailbox_uid (mailbox=? AND uid>? AND uid<?)", "B-TREE" },
    { "messages", "{" M "}", "{'uid': 1}", "{'uid': 1}", "COVERING INDEX i_messages.mailbox_uid (mailbox=?)",
      "B-TREE" },
    { "messages", "{" M "}", "{'uid': -1}", "{'uid': 1}", "COVERING INDEX i_messages.mailbox_uid (mailbox=?)",
      "B-TREE" },
    { "messages", "{" M ", 'modseq': {'$gt': 7}}", "{'modseq': 1}",
      NULL, "mailbox_modseq_uid (mailbox=? AND modseq>?", "B-TREE" },
    { "messages", "{" M ", 'unseen': true}", NULL, "COUNT", "COVERING INDEX i_messages.mailbox_unseen_flag "
      "(mailbox=? AND unseen=?)", "SCAN" },
    /* What stands behind the bar is read from the index alone. */
    { "messages", "{" M ", 'unseen': true}", "{'uid': 1}", "{'uid': 1}",
      "COVERING INDEX i_messages.mailbox_unseen_flag (mailbox=? AND unseen=?)", "B-TREE" },
    /* A minor index is left out where another one leads to the mailbox. */
    { "messages", "{" M ", 'flagged': true}", NULL, NULL, "(mailbox=?)", "mailbox_flagged_flag" },
    { "messages", "{" M "}", NULL, "COUNT", "COVERING INDEX", "SCAN" },
    { "messages", "{" M ", 'uid': {'$in': [1, 2, 3, 4, 5, 6, 7]}}", "{'uid': 1}", NULL, "(mailbox=? AND uid=?)",
      "SCAN c" },
    { "messages", "{" M ", 'flags': 'x'}", NULL, NULL, "PRIMARY KEY (k0=? AND k1=?)", "SCAN c" },
    { "messages", "{" M ", 'headers': {'$elemMatch': {'key': 'subject', 'value': {'$regex': 'a'}}}}",
      NULL, NULL, "PRIMARY KEY (k0=? AND k1=?)", "SCAN c" },
    { "messages", "{" M "}", "{'idate': 1}", NULL, "by_idate_reverse_uid (mailbox=?)", "B-TREE" },
    { "messages", "{'exp': true, 'rdate': {'$lte': 5}}", NULL, NULL, "retention_time (exp=? AND rdate<?)", "SCAN" },
    { "messages", "{'user': {'$oid': '0123456789abcdef01234567'}, 'searchable': true, '$text': {'$search': 'word'}}",
      NULL, NULL, "VIRTUAL TABLE INDEX", "SCAN c" },
    { "messages", "{'_id': {'$oid': '0123456789abcdef01234567'}}", NULL, NULL, "(_id=?)", "SCAN" },
    { "messages", "{'_id': {'$in': [1, 2, 3, 4, 5, 6, 7]}}", NULL, NULL, "(_id=?)", "SCAN c" },
    { "mailboxes", "{'user': {'$oid': '0123456789abcdef01234567'}, 'path': 'INBOX'}",
      NULL, NULL, "user_path (user=? AND path=?)", "SCAN" },
    { "users", "{'unameview': 'someone'}", NULL, NULL, "users_dotless (unameview=?)", "SCAN" },
    { "threads", "{'user': {'$oid': '0123456789abcdef01234567'}, 'ids': {'$in': ['a', 'b', 'c', 'd', 'e', 'f']}}",
      NULL, NULL, "PRIMARY KEY (k0=? AND k1=?)", "SCAN c" },
};

static void
explain(struct em_scan *scan, struct wd_buf *out)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    struct em_use use = { 0 };
    struct wd_error err;
    bool row;

    wd_buf_printf(&sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(scan->rows.st));
    ck_ok(em_prepare(scan->conn, wd_buf_view(&sql), &use, &err));
    for (;;) {
        ck_ok(em_step(&use, &row, &err));
        if (!row)
            break;
        wd_buf_printf(out, "%s\n", (const char *)sqlite3_column_text(use.st, 3));
    }
    em_done(&use);
    wd_buf_chr(out, '\0');
}

START_TEST(queries_use_their_indexes)
{
    struct wd_buf plan wd_auto(wd_buf_done) = { 0 };
    struct wd_docs_query q = { 0 };
    struct em_scan scan = { 0 };
    enum em_want want = EM_WANT_ALL;
    struct em_store *store;
    struct em_conn *conn;
    struct contract c;
    struct wd_error err;

    contract_begin(&c, 0);
    ck_ok(wd_docs_ensure(c.docs, schema, &err));
    store = ((struct em_handle *)c.docs)->store;
    q.sort = plans[_i].sort ? J(&c, plans[_i].sort) : NULL;
    if (plans[_i].projection && plans[_i].projection[0] == '{') {
        q.projection = J(&c, plans[_i].projection);
        want = EM_WANT_COLUMNS;
    } else if (plans[_i].projection) {
        want = EM_WANT_COUNT;
    }
    ck_ok(em_reader_take(store->mail, &conn, &err));
    ck_ok(em_scan(&scan, conn, em_schema_find(store->schema, plans[_i].coll), J(&c, plans[_i].filter), &q, want, &err));
    ck_assert_int_eq(scan.want, want);
    explain(&scan, &plan);
    ck_assert_msg(strstr(plan.p, plans[_i].uses) != NULL, "%s: %s", plans[_i].filter, plan.p);
    ck_assert_msg(strstr(plan.p, plans[_i].avoids) == NULL, "%s: %s", plans[_i].filter, plan.p);
    em_scan_done(&scan);
    em_reader_give(store->mail, conn);
    contract_end(&c);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("plans");

    contract_only("embedded");
    tcase_add_loop_test(t, queries_use_their_indexes, 0, (int)WD_COUNT(plans));
    return run_case("plans", t);
}
