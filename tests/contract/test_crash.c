/* Killed processes, full disks, a directory that is in use, and the fault driver. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "store-svc/driver/fault/fault.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

enum { ENOUGH = 60 /* commits that a child reports before it is killed */ };

static struct contract c;
static struct wd_error err;

/* ---- kill -9 ---- */

static bool
commit_pair(int id)
{
    bson_t a = BSON_INITIALIZER, b = BSON_INITIALIZER, list;
    struct wd_docs *batch;
    bool ok;

    bson_append_int32(&a, "_id", -1, id);
    bson_append_int32(&a, "x", -1, id);
    bson_append_int32(&a, "m", -1, 1);
    bson_append_array_begin(&a, "f", -1, &list);
    bson_append_utf8(&list, "0", 1, "tag", -1);
    bson_append_array_end(&a, &list);
    bson_append_utf8(&a, "bulk", -1, "the rest", -1);
    bson_append_int32(&b, "_id", -1, id);
    ok = wd_docs_batch_begin(c.docs, &batch, &err) && wd_docs_insert(batch, "things", &a, &err) &&
         wd_docs_insert(batch, "stuff", &b, &err) && wd_docs_batch_commit(batch, &err);
    bson_destroy(&a);
    bson_destroy(&b);
    return ok;
}

/* Never returns: commits, reports each acknowledged number, until it is killed. */
static void
child_main(int first, int report)
{
    if (!c.driver->open(&c, 0, true, &err) || !wd_docs_ensure(c.docs, contract_schema, &err))
        _exit(2);
    for (int id = first;; id++)
        if (!commit_pair(id) || write(report, &id, sizeof id) != sizeof id)
            _exit(3);
}

START_TEST(what_was_acknowledged_survives_a_kill)
{
    int next = 0, last = -1;

    contract_begin(&c, _i);
    if (!c.driver->is_local) {
        contract_end(&c);
        return;
    }
    contract_close(&c);
    for (int round = 0; round < 3; round++) {
        int pipes[2], id, seen = 0;
        pid_t child;
        ck_assert_int_eq(pipe(pipes), 0);
        child = fork();
        if (child == 0)
            child_main(next, pipes[1]);
        close(pipes[1]);
        while (seen < ENOUGH && read(pipes[0], &id, sizeof id) == sizeof id) {
            last = id;
            seen++;
        }
        ck_assert_int_eq(seen, ENOUGH);
        kill(child, SIGKILL);
        while (read(pipes[0], &id, sizeof id) == sizeof id)
            last = id;
        waitpid(child, NULL, 0);
        close(pipes[0]);
        contract_open(&c);
        for (id = 0; id <= last; id++) {
            ck_assert_str_ne(shown(&c, "things", id), "");
            ck_assert_str_ne(shown(&c, "stuff", id), "");
        }
        /* at most the one that was not reported any more, and that one whole */
        ck_assert_int_le(count(&c, "things", "{}"), last + 2);
        ck_assert_int_eq(count(&c, "things", "{}"), count(&c, "stuff", "{}"));
        ck_assert_int_eq(count(&c, "things", "{'f': 'tag'}"), count(&c, "stuff", "{}"));
        ck_assert_int_eq(count(&c, "things", "{'bulk': 'the rest'}"), count(&c, "stuff", "{}"));
        next = (int)count(&c, "things", "{}");
        contract_close(&c);
    }
    contract_end(&c);
}
END_TEST

START_TEST(a_directory_has_one_process)
{
    struct contract second;

    contract_begin(&c, _i);
    second = c;
    if (c.driver->is_local) {
        ck_fails(second.driver->open(&second, 0, false, &err), WD_DATABASE);
        ck_assert(strstr(err.text, "in use") != NULL);
    }
    contract_end(&c);
}
END_TEST

/* ---- full ---- */

START_TEST(a_full_database_stays_usable)
{
    struct wd_docs *batch;
    int id = 0;
    bool ok = true;

    contract_begin(&c, _i);
    if (!c.driver->limits_pages) {
        contract_end(&c);
        return;
    }
    contract_close(&c);
    ck_ok(c.driver->open(&c, 300, false, &err));
    ck_ok(wd_docs_ensure(c.docs, contract_schema, &err));
    for (; ok && id < 100000; id++) {
        bson_t doc = BSON_INITIALIZER;
        static const char filler[5000];
        bson_append_int32(&doc, "_id", -1, id);
        bson_append_binary(&doc, "b", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)filler, sizeof filler);
        ok = wd_docs_batch_begin(c.docs, &batch, &err);
        ck_assert(ok);
        ok = wd_docs_insert(batch, "stuff", &doc, &err);
        if (ok) {
            ok = wd_docs_batch_commit(batch, &err);
        } else {
            ck_assert_int_eq(err.reason, WD_DATABASE);
            ck_assert(strstr(err.text, "full") != NULL);
            ck_assert(!wd_docs_batch_commit(batch, &err)); /* a batch that failed can not be committed */
        }
        bson_destroy(&doc);
    }
    ck_assert(!ok && id > 5);
    ck_assert_int_eq(count(&c, "stuff", "{}"), id - 1);
    ck_ok(wd_docs_remove_many(c.docs, "stuff", J(&c, "{'_id': {'$lt': 5}}"), NULL, &err));
    put(&c, "stuff", "{'_id': 'there is room again'}");
    ck_assert_int_eq(count(&c, "stuff", "{}"), id - 5);
    contract_end(&c);
}
END_TEST

/* ---- faults ---- */

static bool
two_writes(struct wd_docs *d)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;

    return wd_docs_batch_begin(d, &batch, &err) && wd_docs_insert(batch, "stuff", J(&c, "{'_id': 1}"), &err) &&
           wd_docs_update(batch, "stuff", J(&c, "{'_id': 1}"), J(&c, "{'$set': {'a': 1}}"), 0, NULL, &err) &&
           wd_docs_batch_commit(wd_take(batch), &err);
}

START_TEST(the_nth_call_fails_and_leaves_nothing)
{
    struct wd_fault *f = wd_fault_new();
    struct wd_docs *inner;

    contract_begin(&c, _i);
    inner = c.docs;
    c.docs = wd_fault_docs_new(inner, f);
    for (uint64_t n = 1; n <= 4; n++) {
        wd_fault_fail(f, NULL, n, WD_UNAVAILABLE);
        ck_assert(!two_writes(c.docs));
        ck_assert_int_eq(err.reason, WD_UNAVAILABLE);
        ck_assert_uint_eq(wd_fault_failures(f), 1);
        wd_fault_fail(f, NULL, 0, WD_UNAVAILABLE);
        if (wd_docs_is_atomic(c.docs))
            ck_assert_int_eq(count(&c, "stuff", "{}"), 0);
        else
            ck_ok(wd_docs_remove_many(c.docs, "stuff", J(&c, "{}"), NULL, &err));
    }
    wd_fault_fail(f, "update", 1, WD_DATABASE);
    ck_assert(!two_writes(c.docs));
    wd_fault_fail_from(f, "insert", 2, WD_DATABASE);
    ck_ok(wd_docs_remove_many(c.docs, "stuff", J(&c, "{}"), NULL, &err));
    ck_ok(two_writes(c.docs));
    ck_assert(!two_writes(c.docs) && !two_writes(c.docs));
    ck_assert_uint_eq(wd_fault_calls(f), 3);
    contract_end(&c);
    wd_fault_free(f);
}
END_TEST

START_TEST(blob_calls_fail_too_and_batches_pass_through)
{
    struct wd_fault *f = wd_fault_new();
    struct wd_blob_ref ref = { .count = 1, .magic_sum = 2 };
    struct wd_blob_info info = { .length = 5 };
    struct wd_blob_writer *w;
    struct wd_docs *batch;

    contract_begin(&c, _i);
    c.docs = wd_fault_docs_new(c.docs, f);
    c.blobs = wd_fault_blobs_new(c.blobs, f);
    wd_fault_fail(f, "write_finish", 1, WD_DATABASE);
    ck_ok(wd_blobs_write_begin(c.blobs, &ref.key, &w, &err));
    ck_ok(wd_blobs_write(w, WD_STR("hello"), &err));
    ck_fails(wd_blobs_write_finish(w, &err), WD_DATABASE);
    ck_fails(wd_blobs_add(c.blobs, NULL, &ref, &info, &err), WD_CONFLICT);
    ck_ok(wd_blobs_write_begin(c.blobs, &ref.key, &w, &err));
    ck_ok(wd_blobs_write(w, WD_STR("hello"), &err));
    ck_ok(wd_blobs_write_finish(w, &err));
    ck_ok(wd_docs_batch_begin(c.docs, &batch, &err));
    ck_ok(wd_blobs_add(c.blobs, batch, &ref, &info, &err));
    wd_fault_fail(f, "batch_commit", 1, WD_DATABASE);
    ck_fails(wd_docs_batch_commit(batch, &err), WD_DATABASE);
    if (wd_docs_is_atomic(c.docs))
        ck_assert_int_eq(count(&c, "attachments.files", "{}"), 0);
    contract_end(&c);
    wd_fault_free(f);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("crash");
    int n = contract_suite(CONTRACT_DOCS);

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, what_was_acknowledged_survives_a_kill, 0, n);
    tcase_add_loop_test(t, a_directory_has_one_process, 0, n);
    tcase_add_loop_test(t, a_full_database_stays_usable, 0, n);
    tcase_add_loop_test(t, the_nth_call_fails_and_leaves_nothing, 0, n);
    tcase_add_loop_test(t, blob_calls_fail_too_and_batches_pass_through, 0, n);
    return run_case("crash", t);
}
