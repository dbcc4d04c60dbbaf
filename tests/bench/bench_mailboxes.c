/* What the operations that sessions wait for cost; not a test: prints milliseconds. */
#include <stdio.h>

#include "common/base/clock.h"
#include "store-svc/domain/copy.h"
#include "store-svc/domain/expunge.h"
#include "store-svc/domain/fetch.h"
#include "store-svc/domain/search.h"
#include "store-svc/domain/store.h"
#include "store-svc/domain/view.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static int64_t started;

static void
start(void)
{
    started = wd_mono_us();
}

static void
stop(const char *what)
{
    printf("%-40s %8.1f ms\n", what, (double)(wd_mono_us() - started) / 1000.0);
}

static void
must(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(EXIT_FAILURE);
}

static void
open_inbox(const char *what)
{
    struct wd_mailbox box;
    struct wd_view v = { 0 };

    start();
    must(wd_view_open(&domain, arena, user, WD_STR("INBOX"), &box, &v, &err));
    stop(what);
    wd_view_done(&v);
}

static void
store(const char *uids, unsigned flags, const char *what)
{
    struct wd_store in = {
        .user = user, .mailbox = inbox, .uids = mail_set(uids), .mode = WD_FLAGS_ADD, .system_flags = flags
    };
    struct wd_stored out = { 0 };

    start();
    must(wd_message_store(&domain, arena, &in, &no_once, &out, &err));
    stop(what);
    wd_stored_done(&out);
}

static void
transfer(bool move, const char *uids, const char *what)
{
    struct wd_copy in = { .user = user, .mailbox = inbox, .uids = mail_set(uids), .target_path = WD_STR("Trash") };
    struct wd_copied out = { 0 };

    start();
    must(move ? wd_message_move(&domain, arena, &in, &no_once, &out, &err)
              : wd_message_copy(&domain, arena, &in, &no_once, &out, &err));
    stop(what);
    wd_copied_done(&out);
}

static void
fetch(const char *uids, const char *what)
{
    struct wd_fetch in = { .user = user, .mailbox = inbox, .uids = mail_set(uids) };
    struct wd_fetched *out;
    uint32_t next;
    size_t found;

    start();
    must(wd_fetch(&domain, arena, &in, &out, &found, &next, &err));
    stop(what);
}

static void
search(struct wd_search_node node, const char *what)
{
    struct wd_search in = { .user = user, .mailbox = inbox, .program = &node, .n = 1 };
    struct wd_searched out = { 0 };

    start();
    must(wd_search(&domain, arena, &in, &out, &err));
    stop(what);
    wd_searched_done(&out);
}

static void
expunge(const char *uids, const char *what)
{
    struct wd_expunge in = { .user = user, .mailbox = inbox, .uids = mail_set(uids) };
    struct wd_expunged out = { 0 };

    start();
    must(wd_message_expunge(&domain, arena, &in, &no_once, &out, &err));
    stop(what);
    wd_expunged_done(&out);
}

static uint32_t n = 200000;

START_TEST(costs)
{
    char *text = calloc(1, 4001);

    memset(text, 'x', 4000);
    for (int i = 6; i < 4000; i += 7)
        text[i] = ' ';
    start();
    for (uint32_t i = 0; i < n; i += 1000)
        mail_add_many(inbox, 1000, &(struct mail){ .flags = i % 3000 ? "\\Seen" : "", .text = i < 5000 ? text : NULL });
    stop("(inserting)");
    open_inbox("open, cold");
    open_inbox("open, warm");
    store("1001:2000", WD_FLAG_FLAGGED, "STORE of 1,000");
    open_inbox("open, 1,000 changes later");
    fetch("1001:3000", "FETCH FLAGS of 2,000");
    fetch("1:16000", "FETCH FLAGS of 16,000");
    transfer(false, "1:1000", "COPY of 1,000");
    transfer(true, "1:1000", "MOVE of 1,000");
    store("2001:3000", WD_FLAG_DELETED, "STORE \\Deleted of 1,000 with text");
    expunge("2001:3000", "EXPUNGE of 1,000");
    search((struct wd_search_node){ .key = WD_SEARCH_FLAG, .number = WD_FLAG_FLAGGED }, "SEARCH FLAGGED");
    search((struct wd_search_node){ .key = WD_SEARCH_FLAG, .number = WD_FLAG_SEEN }, "SEARCH SEEN");
    search((struct wd_search_node){ .key = WD_SEARCH_HEADER, .name = WD_STR("subject"), .text = WD_STR("essag") },
           "SEARCH SUBJECT (all match)");
    search((struct wd_search_node){ .key = WD_SEARCH_TEXT_KEY, .text = WD_STR("xxxxxx") }, "SEARCH TEXT (all match)");
    free(text);
}
END_TEST

int
main(int argc, char **argv)
{
    Suite *s = suite_create("bench");
    TCase *t = tcase_create("bench");
    SRunner *r = srunner_create(s);

    if (argc > 1)
        n = (uint32_t)atoi(argv[1]);
    srunner_set_fork_status(r, CK_NOFORK);
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_test(t, costs);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_SILENT);
    srunner_free(r);
    return EXIT_SUCCESS;
}
