#include <pthread.h>

#include "store-svc/domain/expunge.h"
#include "store-svc/domain/feed.h"
#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/store.h"
#include "store-svc/domain/view.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static struct wd_view
view_of(const char *path)
{
    struct wd_view v = { 0 };
    struct wd_mailbox box;

    if (!wd_view_open(&domain, arena, user, wd_str_c(path), &box, &v, &err))
        ck_abort_msg("%s", err.text);
    return v;
}

#define ck_view(modseq_, uids_, unseen_)                                                                               \
    do {                                                                                                               \
        struct wd_view v_ = view_of("INBOX");                                                                          \
        ck_assert_uint_eq(v_.modseq, modseq_);                                                                         \
        ck_assert_str_eq(mail_text(&v_.uids), uids_);                                                                  \
        ck_assert_str_eq(mail_text(&v_.unseen), unseen_);                                                              \
        wd_view_done(&v_);                                                                                             \
    } while (0)

static void
store(const char *uids, enum wd_flag_mode mode, unsigned flags, const char *session)
{
    struct wd_store in = { .user = user,
                           .mailbox = inbox,
                           .uids = mail_set(uids),
                           .mode = mode,
                           .system_flags = flags,
                           .session = wd_str_c(session) };
    struct wd_stored out = { 0 };

    if (!wd_message_store(&domain, arena, &in, &no_once, &out, &err))
        ck_abort_msg("%s", err.text);
    wd_stored_done(&out);
}

static void
expunge(void)
{
    struct wd_expunge in = { .user = user, .mailbox = inbox };
    struct wd_expunged out = { 0 };

    ck_assert(wd_message_expunge(&domain, arena, &in, &no_once, &out, &err));
    wd_expunged_done(&out);
}

static void
no_caches(void)
{
    wd_view_cache_free(domain.view_cache);
    domain.view_cache = NULL;
}

/* The same with the cache, and without it. */
START_TEST(open_shows_uids_and_unseen)
{
    struct wd_mailbox box = mail_box("INBOX");
    struct wd_mailbox_counts counts;

    if (_i)
        no_caches();
    ck_view(0, "", "");
    mail_add_many(inbox, 5, &(struct mail){ .flags = "\\Seen" });
    ck_view(5, "1:5", "");
    mail_add_many(inbox, 3, &(struct mail){ 0 });
    ck_view(8, "1:8", "6:8");
    store("2,7", WD_FLAGS_ADD, WD_FLAG_SEEN | WD_FLAG_DELETED, "");
    ck_view(9, "1:8", "6,8");
    store("5", WD_FLAGS_REMOVE, WD_FLAG_SEEN, "");
    ck_view(10, "1:8", "5:6,8");
    expunge();
    ck_view(11, "1,3:6,8", "5:6,8");
    box = mail_box("INBOX");
    ck_assert(wd_view_counts(&domain, &box, &counts, &err));
    ck_assert_uint_eq(counts.messages, 6);
    ck_assert_uint_eq(counts.unseen, 3);
}
END_TEST

START_TEST(open_does_without_the_journal)
{
    bson_t all = BSON_INITIALIZER;

    mail_add_many(inbox, 3, &(struct mail){ 0 });
    ck_view(3, "1:3", "1:3");
    mail_add_many(inbox, 3, &(struct mail){ 0 });
    ck_assert(wd_docs_remove_many(domain.docs, WD_JOURNAL, &all, NULL, &err));
    ck_view(6, "1:6", "1:6");
    bson_destroy(&all);
}
END_TEST

START_TEST(the_cache_is_bounded)
{
    struct wd_view_cache *c = wd_view_cache_new(64 << 10);
    struct wd_view v = { .modseq = 1 };
    struct wd_id ids[100];

    for (uint32_t i = 1; i < 200; i += 2)
        wd_seqset_add(&v.uids, i, i);
    for (int i = 0; i < 100; i++) {
        ids[i] = wd_id_new();
        wd_view_cache_put(c, ids[i], &v);
        ck_assert_uint_le(wd_view_cache_bytes(c), 64 << 10);
    }
    wd_view_done(&v);
    ck_assert(!wd_view_cache_get(c, ids[0], &v));
    ck_assert(wd_view_cache_get(c, ids[99], &v));
    ck_assert_uint_eq(wd_seqset_count(&v.uids), 100);
    wd_view_done(&v);
    wd_view_cache_free(c);
}
END_TEST

/* ---- changes ---- */

static const char *
changes(uint64_t after, uint32_t limit, struct wd_view_changes *io)
{
    static const char *const names[] = { "", "+", "-", "f", "c", "r", "d" };
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    *io = (struct wd_view_changes){ .after = after, .limit = limit };
    if (!wd_view_changes(&domain, arena, user, inbox, io, &err))
        return NULL;
    for (size_t i = 0; i < io->n; i++)
        wd_buf_printf(&text, "%s%s%u", i ? " " : "", names[io->rows[i].command], io->rows[i].uid);
    return wd_arena_str(arena, wd_buf_view(&text)).p;
}

START_TEST(changes_come_in_order)
{
    struct wd_view_changes c;

    mail_add_many(inbox, 3, &(struct mail){ .flags = "\\Flagged work" });
    store("1:2", WD_FLAGS_ADD, WD_FLAG_DELETED, "me");
    expunge();
    ck_assert_str_eq(changes(0, 100, &c), "+1 +2 +3 f1 f2 -1 -2");
    ck_assert_uint_eq(c.after, 5);
    ck_assert(!c.more);
    ck_assert(wd_str_eq(c.rows[3].ignore, WD_STR("me")));
    ck_assert_uint_eq(c.rows[3].n_flags, 3);
    ck_assert_str_eq(changes(4, 100, &c), "-1 -2");
    ck_assert_str_eq(changes(5, 100, &c), "");
    ck_assert_uint_eq(c.after, 5);
}
END_TEST

START_TEST(pages_never_cut_a_modseq)
{
    struct wd_view_changes c;

    mail_add_many(inbox, 3, &(struct mail){ 0 });
    store("1:3", WD_FLAGS_ADD, WD_FLAG_SEEN, "");
    ck_assert_str_eq(changes(0, 2, &c), "+1 +2");
    ck_assert(c.more);
    ck_assert_str_eq(changes(c.after, 2, &c), "+3 f1 f2 f3");
    ck_assert(!c.more);
    ck_assert_uint_eq(c.after, 4);
}
END_TEST

START_TEST(a_journal_with_a_hole_is_expired)
{
    struct wd_view_changes c;
    bson_t some = BSON_INITIALIZER;

    mail_add_many(inbox, 5, &(struct mail){ 0 });
    wd_doc_add_op(&some, "modseq", "$lte", 2);
    ck_assert(wd_docs_remove_many(domain.docs, WD_JOURNAL, &some, NULL, &err));
    ck_assert_ptr_null(changes(0, 100, &c));
    ck_assert_int_eq(err.reason, WD_CURSOR_EXPIRED);
    ck_assert_ptr_null(changes(1, 100, &c));
    ck_assert_str_eq(changes(2, 100, &c), "+3 +4 +5");
    ck_assert_ptr_null(changes(99, 100, &c));
    bson_reinit(&some);
    ck_assert(wd_docs_remove_many(domain.docs, WD_JOURNAL, &some, NULL, &err));
    ck_assert_ptr_null(changes(4, 100, &c));
    ck_assert_str_eq(changes(5, 100, &c), "");
    bson_destroy(&some);
}
END_TEST

START_TEST(a_deleted_mailbox_says_so)
{
    struct wd_view_changes c;
    struct wd_id gone;

    inbox = mail_create("box");
    ck_assert(wd_mailbox_delete(&domain, arena, user, WD_STR("box"), &no_once, &gone, &err));
    ck_assert_str_eq(changes(0, 100, &c), "d0");
}
END_TEST

START_TEST(a_rename_is_a_change)
{
    struct wd_view_changes c;
    struct wd_mailbox *rows;
    size_t n;

    inbox = mail_create("box");
    ck_assert(wd_mailbox_rename(&domain, arena, user, WD_STR("box"), WD_STR("bin"), false, &no_once, &rows, &n, &err));
    ck_assert_str_eq(changes(0, 100, &c), "r0");
    ck_assert(wd_str_eq(c.rows[0].path, WD_STR("bin")));
}
END_TEST

START_TEST(poll_tells_what_moved)
{
    struct wd_id gone = wd_id_new(), trash = mail_box("Trash").id;
    struct wd_watch w[] = {
        { .user = user, .mailbox = inbox, .modseq = 1 },
        { .user = user, .mailbox = trash, .modseq = 0 },
        { .user = user, .mailbox = gone, .modseq = 3 },
        { .user = gone, .mailbox = inbox, .modseq = 2 },
    };

    mail_add_many(inbox, 2, &(struct mail){ 0 });
    ck_assert(wd_view_poll(&domain, w, WD_COUNT(w), &err));
    ck_assert(w[0].moved && !w[0].gone && w[0].modseq == 2);
    ck_assert(!w[1].moved);
    ck_assert(w[2].moved && w[2].gone);
    ck_assert(w[3].gone);
}
END_TEST

/* ---- at the same time ---- */

static _Atomic bool writing;

/* Adds, changes and expunges, as several sessions would. */
static void *
write_all_the_time(void *arg)
{
    struct wd_arena *a = wd_arena_new(0);
    struct wd_error bad;

    (void)arg;
    for (uint32_t i = 0; i < 60; i++) {
        struct wd_seqset uids = { 0 };
        struct wd_store change = { .user = user,
                                   .mailbox = inbox,
                                   .uids = &uids,
                                   .mode = i % 3 ? WD_FLAGS_ADD : WD_FLAGS_REMOVE,
                                   .system_flags = i % 4 ? WD_FLAG_SEEN : WD_FLAG_DELETED };
        struct wd_expunge deleted = { .user = user, .mailbox = inbox };
        struct wd_stored stored = { 0 };
        struct wd_expunged gone = { 0 };

        wd_seqset_add(&uids, 1 + i * 3, 20 + i * 4);
        ck_assert(wd_message_store(&domain, a, &change, &no_once, &stored, &bad));
        if (i % 5 == 0)
            ck_assert(wd_message_expunge(&domain, a, &deleted, &no_once, &gone, &bad));
        wd_stored_done(&stored);
        wd_expunged_done(&gone);
        wd_seqset_done(&uids);
    }
    wd_arena_free(a);
    writing = false;
    return NULL;
}

static void
follow(struct wd_view *v)
{
    struct wd_view_changes c = { .after = v->modseq, .limit = 50 };

    if (!wd_view_changes(&domain, arena, user, inbox, &c, &err))
        ck_abort_msg("%s", err.text);
    for (size_t i = 0; i < c.n; i++) {
        ck_assert_uint_gt(c.rows[i].modseq, v->modseq);
        if (c.rows[i].command == WD_JOURNAL_EXISTS)
            wd_seqset_add(&v->uids, c.rows[i].uid, c.rows[i].uid);
        if (c.rows[i].command == WD_JOURNAL_EXPUNGE)
            wd_seqset_remove(&v->uids, c.rows[i].uid, c.rows[i].uid);
    }
    v->modseq = c.after;
}

static void
follow_both(struct wd_view *a, struct wd_view *b)
{
    uint64_t goal = mail_box("INBOX").modify_index;

    while (a->modseq < goal)
        follow(a);
    while (b->modseq < a->modseq)
        follow(b);
    if (a->modseq == b->modseq)
        ck_assert_str_eq(mail_text(&a->uids), mail_text(&b->uids));
}

/* A session that opened once and followed the changes sees what one sees that opens now; with and without the cache. */
START_TEST(following_is_as_good_as_opening)
{
    struct wd_view followed, opened;
    pthread_t writer;

    if (_i)
        no_caches();
    mail_add_many(inbox, 300, &(struct mail){ 0 });
    followed = view_of("INBOX");
    writing = true;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_all_the_time, NULL), 0);
    for (bool last = false; !last;) {
        last = !writing;
        opened = view_of("INBOX");
                while (followed.modseq < opened.modseq)
            follow(&followed);
        /* What was opened may lack what has gone since its MODSEQ; from there on both hear the same. */
        while (opened.modseq < followed.modseq)
            follow(&opened);
        follow_both(&followed, &opened);
        wd_view_done(&opened);
    }
    pthread_join(writer, NULL);
    opened = view_of("INBOX");
    ck_assert_str_eq(mail_text(&followed.uids), mail_text(&opened.uids));
    ck_assert_uint_lt(wd_seqset_count(&opened.uids), 300);
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"unseen\": true}"), wd_seqset_count(&opened.unseen));
    wd_view_done(&opened);
    wd_view_done(&followed);
}
END_TEST

/* ---- the feed ---- */

static size_t
feed(struct wd_feed *f)
{
    struct wd_journal_row *rows;
    size_t n;

    if (!wd_feed_read(&domain, arena, f, &rows, &n, &f->cursor, &err))
        ck_abort_msg("%s", err.text);
    f->resume = true;
    return n;
}

START_TEST(the_feed_resumes)
{
    struct wd_feed all = { .all = true, .limit = 3, .early = true }, other = { .user = wd_id_new(), .limit = 3 };

    if (!wd_docs_is_atomic(domain.docs))
        return; /* with several clocks a feed starts some seconds ago */

    mail_add_many(inbox, 2, &(struct mail){ 0 });
    ck_assert_uint_eq(feed(&all), 0);
    ck_assert_uint_eq(feed(&other), 0);
    mail_add_many(inbox, 4, &(struct mail){ 0 });
    ck_assert_uint_eq(feed(&all), 3);
    ck_assert_uint_eq(feed(&all), 1);
    ck_assert_uint_eq(feed(&all), 0);
    ck_assert_uint_eq(feed(&other), 0);
    memset(&all.cursor, 0, sizeof all.cursor);
    ck_assert(!wd_feed_read(&domain, arena, &all, &(struct wd_journal_row *){ 0 }, &(size_t){ 0 }, &all.cursor, &err));
    ck_assert_int_eq(err.reason, WD_CURSOR_EXPIRED);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("journal");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_loop_test(t, open_shows_uids_and_unseen, 0, 2);
    tcase_add_test(t, open_does_without_the_journal);
    tcase_add_test(t, the_cache_is_bounded);
    tcase_add_test(t, changes_come_in_order);
    tcase_add_test(t, pages_never_cut_a_modseq);
    tcase_add_test(t, a_journal_with_a_hole_is_expired);
    tcase_add_test(t, a_deleted_mailbox_says_so);
    tcase_add_test(t, a_rename_is_a_change);
    tcase_add_test(t, poll_tells_what_moved);
    tcase_add_loop_test(t, following_is_as_good_as_opening, 0, 2);
    tcase_add_test(t, the_feed_resumes);
    return run_case("journal", t);
}
