/* What holds on a driver whose batches are no transactions, and how many round trips it costs. On the embedded driver
 * the same tests show that nothing of it is needed there. */
#include "store-svc/domain/change.h"
#include <pthread.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "store-svc/domain/check.h"
#include "store-svc/domain/copy.h"
#include "store-svc/domain/deliver.h"
#include "store-svc/domain/expunge.h"
#include "store-svc/domain/insert.h"
#include "store-svc/domain/mend.h"
#include "store-svc/domain/settler.h"
#include "store-svc/domain/store.h"
#include "store-svc/domain/view.h"
#include "store-svc/driver/mongo/mongo.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

enum { MANY = 1000, MOST_CALLS = 60 };

static int64_t ahead_ms;

static int64_t
moved_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead_ms;
}

static struct wd_once
keyed(const char *method, const char *key)
{
    return (struct wd_once){ .user = user, .method = method, .key = wd_str_c(key) };
}

/* ---- the operations ---- */

static bool
do_insert(const struct wd_once *once)
{
    struct wd_str inbox_path = WD_STR("INBOX");
    bson_t meta = BSON_INITIALIZER;
    struct wd_source_memory memory;
    struct wd_intake intake = { 0 };
    struct wd_insert in = { .user = user, .intake = &intake, .targets = &inbox_path, .n_targets = 1, .idate_ms = 1000,
                            .meta = &meta, .once = *once };
    struct wd_inserted made;
    bool ok;

    ok = wd_intake_read(arena, wd_source_memory(&memory, WD_STR("Subject: x\r\n\r\nbody\r\n")), domain.blobs, 1000,
                        &intake, &err);
    for (int i = 0; ok && i < 2; i++) { /* as its callers do: CONFLICT is tried again */
        if (wd_insert(&domain, arena, &in, 1, &made, &err))
            break;
        ok = err.reason == WD_CONFLICT && i == 0;
    }
    wd_intake_done(&intake);
    bson_destroy(&meta);
    return ok;
}

static bool
transfer(bool move, const struct wd_once *once)
{
    struct wd_copy in = { .user = user, .mailbox = inbox, .uids = mail_set("1:3"), .target_path = WD_STR("Junk") };
    struct wd_copied out = { 0 };
    bool ok = move ? wd_message_move(&domain, arena, &in, once, &out, &err)
                   : wd_message_copy(&domain, arena, &in, once, &out, &err);

    if (ok)
        ck_assert_str_eq(mail_text(&out.source), "1:3");
    wd_copied_done(&out);
    return ok;
}

static bool
do_copy(const struct wd_once *once)
{
    return transfer(false, once);
}

static bool
do_move(const struct wd_once *once)
{
    return transfer(true, once);
}

static bool
do_store(const struct wd_once *once)
{
    struct wd_store in = { .user = user, .mailbox = inbox, .uids = mail_set("1:3"), .mode = WD_FLAGS_ADD,
                           .system_flags = WD_FLAG_FLAGGED };
    struct wd_stored out = { 0 };
    bool ok = wd_message_store(&domain, arena, &in, once, &out, &err);

    wd_stored_done(&out);
    return ok;
}

static bool
do_expunge(const struct wd_once *once)
{
    struct wd_expunge in = { .user = user, .mailbox = inbox };
    struct wd_expunged out = { 0 };
    bool ok = wd_message_expunge(&domain, arena, &in, once, &out, &err);

    if (ok)
        ck_assert_str_eq(mail_text(&out.uids), "4");
    wd_expunged_done(&out);
    return ok;
}

static const struct {
    const char *name;
    bool (*run)(const struct wd_once *once);    unsigned inbox, junk; /* messages afterwards */
    const char *flagged;  /* UIDs afterwards */
} operations[] = {
    { "insert", do_insert, 5, 0, "" },
    { "copy", do_copy, 4, 3, "" },
    { "move", do_move, 1, 3, "" },
    { "store", do_store, 4, 0, "1:3" },
    { "expunge", do_expunge, 3, 0, "" },
};

/* ---- what must hold ---- */

struct seen {
    struct wd_seqset uids;
    uint64_t modseq;
};

static bool
replay(const struct wd_journal_row *row, void *data)
{
    struct seen *s = data;

    ck_assert_uint_ge(row->modseq, s->modseq);
    s->modseq = row->modseq;
    if (row->command == WD_JOURNAL_EXISTS && !wd_seqset_has(&s->uids, row->uid)) {
        ck_assert_uint_gt(row->uid, wd_seqset_max(&s->uids)); /* strictly ascending for whoever watches */
        wd_seqset_add(&s->uids, row->uid, row->uid);
    }
    if (row->command == WD_JOURNAL_EXPUNGE)
        wd_seqset_remove(&s->uids, row->uid, row->uid);
    return true;
}

/* The messages of a mailbox, which the journal must tell alike, without a hole. */
static const char *
contents(const char *path)
{
    struct seen s = { .uids = { 0 } };
    struct wd_view v = { 0 };
    struct wd_mailbox box;
    const char *text;
    bool whole;

    ck_assert_msg(wd_view_open(&domain, arena, user, wd_str_c(path), &box, &v, &err), "%s", err.text);
    ck_assert(wd_journal_walk(domain.docs, box.id, 0, box.modify_index, replay, &s, &whole, &err));
    ck_assert(whole);
    text = mail_text(&v.uids);
    ck_assert_str_eq(text, mail_text(&s.uids));
    ck_assert_uint_lt(wd_seqset_max(&v.uids), box.uid_next);
    wd_seqset_done(&s.uids);
    wd_view_done(&v);
    return text;
}

static const char *
flagged(void)
{
    struct wd_seqset found = { 0 };
    const char *text;

    for (uint32_t uid = 1; uid <= 4; uid++)
        if (mail_json(inbox, uid) && strstr(mail_flags(inbox, uid), "Flagged"))
            wd_seqset_add(&found, uid, uid);
    text = mail_text(&found);
    wd_seqset_done(&found);
    return text;
}

static void
check_done(int i)
{    ck_assert_uint_eq(wd_seqset_count(mail_set(contents("INBOX"))), operations[i].inbox);
    ck_assert_uint_eq(wd_seqset_count(mail_set(contents("Junk"))), operations[i].junk);
    ck_assert_str_eq(flagged(), operations[i].flagged);
ck_assert_int_eq(mail_count(WD_MAILBOXES, "{\"pending.op\": {\"$exists\": true}}"), 0);
    mail_check_mirrors();
}

/* Nothing half: as before, or as after. Of STORE and EXPUNGE each message counts, and here all are in one statement. */
static bool
check_whole(int i)
{
    bool before = strcmp(contents("INBOX"), "1:4") == 0 && strcmp(contents("Junk"), "") == 0 &&
                  strcmp(flagged(), "") == 0;

    if (!before)
        check_done(i);
    return before;
}

static void
start(void)
{
    mail_add_many(inbox, 2, &(struct mail){ .attachment = 1, .occurrences = 2 });
    mail_add_many(inbox, 1, &(struct mail){ .flags = "\\Seen" });
    mail_add_many(inbox, 1, &(struct mail){ .flags = "\\Deleted" });
}

static void
start_again(void)
{
    mail_teardown();
    mail_setup();
    start();
}

/* ---- crashes ---- */

/* The replica dies before its n-th call on the database, for every n; another one mends, and is asked again. */
START_TEST(a_crash_anywhere_leaves_nothing_wrong)
{
    bool done = false;
    int repeated = 0;

    start();
    for (uint64_t n = 1; !done; n++) {
        struct wd_once once = keyed(operations[_i].name, "k");
        uint64_t mended;

        wd_fault_fail_from(fault, NULL, n, WD_DATABASE);
        done = operations[_i].run(&once);
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        ahead_ms += 60 * 1000;
        ck_assert_msg(wd_mend_all(&domain, &mended, &err), "%s", err.text);
        if (!done)
            repeated += !check_whole(_i);
        ck_assert_msg(operations[_i].run(&once), "%s after call %llu: %s", operations[_i].name, (unsigned long long)n,
                      err.text);
        check_done(_i);
        ck_assert_uint_lt(n, MOST_CALLS);
        if (!done)
            start_again();
    }
    ck_assert(wd_docs_is_atomic(domain.docs) || repeated > 0); /* some were finished by the one that mended */
}
END_TEST

/* The caller does not wait for anybody to mend: its repeat meets the mark and does it. */
START_TEST(a_repeat_mends_by_itself)
{
    bool done = false;

    start();
    for (uint64_t n = 1; !done; n += 2) {
        struct wd_once once = keyed(operations[_i].name, "k");
        uint64_t mended;

        wd_fault_fail_from(fault, NULL, n, WD_DATABASE);
        done = operations[_i].run(&once);
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        ahead_ms += 60 * 1000;
        ck_assert_msg(operations[_i].run(&once), "%s", err.text);
        ck_assert_msg(wd_mend_all(&domain, &mended, &err), "%s", err.text); /* what is left is litter */
        check_done(_i);
        ck_assert_uint_lt(n, MOST_CALLS);
        if (!done)
            start_again();
    }
}
END_TEST

START_TEST(counters_are_right_after_the_repair)
{
    struct wd_check_options repair = { .repair = true }, look = { 0 };
    struct wd_check_report report;

    start();
    for (size_t i = 0; i < WD_COUNT(operations); i++) {
        struct wd_once once = keyed(operations[i].name, "k");

        for (uint64_t n = 4; n < 9; n += 2) {
            wd_fault_fail_from(fault, NULL, n, WD_DATABASE);
            if (operations[i].run(&once))
                break;
            wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
            ahead_ms += 60 * 1000;
        }
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
    }
    ck_assert_msg(wd_check(&domain, &repair, &report, &err), "%s", err.text);
    wd_check_report_done(&report);
    ck_assert_msg(wd_check(&domain, &look, &report, &err), "%s", err.text);
    ck_assert_msg(report.n_problems == 0, "%s", report.n_problems ? report.problems[0] : "");
    wd_check_report_done(&report);
}
END_TEST

/* ---- changes under way ---- */

/* A reader stops below a change that is under way, and sees all as soon as it is settled. */
START_TEST(readers_stop_below_what_is_under_way)
{
    struct wd_change_plan plan = { .kind = WD_CHANGE_ARRIVE, .user = user, .mailbox = inbox, .count = 1 };
    struct wd_change first;
    struct wd_once once = keyed("Insert", "k");

    if (wd_docs_is_atomic(domain.docs))
        return;
    start();
    ck_assert(wd_change_begin(&domain, domain.docs, arena, &plan, &first, &err));
    ck_assert(do_insert(&once)); /* UID 6, while 5 is on its way */
    ck_assert_str_eq(contents("INBOX"), "1:4");
    wd_change_void(&domain, &first);
    ck_assert_str_eq(contents("INBOX"), "1:4,6");
}
END_TEST

static void *
store_apart(void *data)
{
    struct wd_once once = keyed("Store", "k");
    bool *done = data;

    *done = do_store(&once);
    return NULL;
}

/* A change of flags waits for another one of the same mailbox, and not for ever: an owner that is dead is found out. */
START_TEST(exclusive_changes_wait_for_each_other)
{
    struct wd_change_plan plan = { .kind = WD_CHANGE_FLAGS, .user = user, .mailbox = inbox };
    struct wd_change first;
    pthread_t thread;
    bool done = false;

    if (wd_docs_is_atomic(domain.docs))
        return;
    start();
    ck_assert(wd_change_begin(&domain, domain.docs, arena, &plan, &first, &err));
    ck_assert_int_eq(pthread_create(&thread, NULL, store_apart, &done), 0);
    usleep(50000);
    ck_assert_str_eq(flagged(), "");
    if (_i)
        ahead_ms += 60 * 1000; /* its lease is over */
    else
        wd_change_void(&domain, &first);
    pthread_join(thread, NULL);
    ck_assert(done);
    ck_assert_str_eq(flagged(), "1:3");
}
END_TEST

/* An owner that was taken for dead finds that out before its last step. */
START_TEST(a_slow_owner_gives_up)
{
    struct wd_change_plan plan = { .kind = WD_CHANGE_ARRIVE, .user = user, .mailbox = inbox, .count = 1 };
    struct wd_change slow;
    uint64_t mended;

    if (wd_docs_is_atomic(domain.docs))
        return;
    ck_assert(wd_change_begin(&domain, domain.docs, arena, &plan, &slow, &err));
    ahead_ms += 60 * 1000;
    ck_assert(wd_mend_all(&domain, &mended, &err));
    ck_assert_uint_eq(mended, 1);
    slow.renewed_ms -= WD_MARK_LEASE_MS;
    ck_assert(!wd_change_alive(domain.docs, &slow, &err));
    ck_assert_int_eq(err.reason, WD_CONFLICT);
}
END_TEST

/* ---- round trips ---- */

static uint64_t
trips(bool (*run)(const struct wd_once *once), const char *key)
{
    struct wd_once once = keyed("Trips", key);
    uint64_t before = wd_mongo_commands();

    ck_assert_msg(run(&once), "%s", err.text);
    return wd_mongo_commands() - before;
}

static bool
copy_many(const struct wd_once *once)
{
    struct wd_copy in = { .user = user, .mailbox = inbox, .uids = mail_set("1:1000"), .target_path = WD_STR("Junk") };
    struct wd_copied out = { 0 };
    bool ok = wd_message_copy(&domain, arena, &in, once, &out, &err);

    ck_assert_uint_eq(wd_seqset_count(&out.target_uids), MANY);
    wd_copied_done(&out);
    return ok;
}

static bool
store_many(const struct wd_once *once)
{
    struct wd_store in = { .user = user, .mailbox = inbox, .uids = mail_set("1:1000"), .mode = WD_FLAGS_ADD,
                           .system_flags = WD_FLAG_FLAGGED };
    struct wd_stored out = { 0 };
    bool ok = wd_message_store(&domain, arena, &in, once, &out, &err);

    ck_assert_uint_eq(out.n_changed, MANY);
    wd_stored_done(&out);
    return ok;
}

static bool
select_many(const struct wd_once *once)
{
    struct wd_view v = { 0 };
    struct wd_mailbox box;
    bool ok = wd_view_open(&domain, arena, user, WD_STR("INBOX"), &box, &v, &err);

    (void)once;
    ck_assert_uint_eq(wd_seqset_count(&v.uids), MANY);
    wd_view_done(&v);
    return ok;
}

/* A whole delivery to one recipient, from the address to the answer. */
static uint64_t
delivery_trips(struct wd_str message)
{
    struct wd_str recipient = WD_STR("ann@example.com");
    struct wd_deliver in = { .raw = message, .sender = WD_STR("s@x"), .recipients = &recipient, .n = 1,
                             .transport = WD_STR("LMTP"), .ip = WD_STR("192.0.2.1"), .helo = WD_STR("mx"),
                             .session = WD_STR("abc") };
    uint64_t before = wd_mongo_commands();
    struct wd_delivered out;
    char key[WD_ID_HEX + 1];

    in.key = wd_str_c(wd_id_hex(wd_id_new(), key));
    ck_assert_msg(wd_deliver(&domain, arena, &in, &out, &err), "%s", err.text);
    ck_assert_msg(out.accepted, "%.*s", WD_FMT(out.text));
    return wd_mongo_commands() - before;
}

static uint64_t
delivery_trips_with_attachment(void)
{
    struct wd_buf message = { 0 };
    uint64_t used;

    wd_buf_c(&message, "Message-ID: <3@x>\r\nSubject: x\r\nReferences: <1@x>\r\nMIME-Version: 1.0\r\n"
                       "Content-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        wd_buf_c(&message, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n");
    used = delivery_trips(wd_buf_view(&message));
    wd_buf_done(&message);
    return used;
}

START_TEST(round_trips_of_a_delivery_are_few)
{
    uint64_t first, reply, attached, again;

    if (strcmp(users_driver(), "mongo") != 0)
        return;
    users_make("ann", "ann@example.com");
    domain.settler = wd_settler_new(domain.docs);
    first = delivery_trips(WD_STR("From: a@x\r\nMessage-ID: <1@x>\r\nSubject: x\r\n\r\nbody\r\n"));
    reply = delivery_trips(WD_STR("Message-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: x\r\n\r\nbody\r\n"));
    attached = delivery_trips_with_attachment();
    again = delivery_trips_with_attachment();
    wd_settler_free(domain.settler);
    domain.settler = NULL;
    printf("commands of a delivery: new thread %llu, reply %llu, with a new attachment %llu, a known one %llu\n",
           (unsigned long long)first, (unsigned long long)reply, (unsigned long long)attached,
           (unsigned long long)again);
    fflush(stdout);
    ck_assert_uint_le(reply, 8);
    ck_assert_uint_le(first, 8);
    ck_assert_uint_le(attached, reply + 3);
}
END_TEST

START_TEST(round_trips_are_few)
{
    if (strcmp(users_driver(), "mongo") != 0)
        return;
    mail_add_many(inbox, MANY, &(struct mail){ 0 });
    domain.settler = wd_settler_new(domain.docs);
    ck_assert_uint_le(trips(select_many, "select"), 3);
    ck_assert_uint_le(trips(copy_many, "copy"), 20);
    ck_assert_uint_le(trips(store_many, "store"), 4);
    wd_settler_free(domain.settler);
    domain.settler = NULL;
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("change");

    wd_clock_fix(moved_clock);
    tcase_set_timeout(t, 240);
    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_loop_test(t, a_crash_anywhere_leaves_nothing_wrong, 0, WD_COUNT(operations));
    tcase_add_loop_test(t, a_repeat_mends_by_itself, 0, WD_COUNT(operations));
    tcase_add_test(t, counters_are_right_after_the_repair);
    tcase_add_test(t, readers_stop_below_what_is_under_way);
    tcase_add_loop_test(t, exclusive_changes_wait_for_each_other, 0, 2);
    tcase_add_test(t, a_slow_owner_gives_up);
    tcase_add_test(t, round_trips_are_few);
    tcase_add_test(t, round_trips_of_a_delivery_are_few);
    return run_case("change", t);
}
